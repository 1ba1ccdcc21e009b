/* SPDX-License-Identifier: MIT */
/*
 * Records that are read before their turn. Where a directory was is said by the first of them that is about
 * itself: the kernel merges records into earlier ones, but never an earlier one into a later.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../event/object.h"
#include "fan.h"

enum {
	METADATA = 24, /* what FIONREAD counts for each record, whatever its length */
	ROOM = 4096,   /* no record is longer */
};

static uint32_t length_at(const unsigned char *record)
{
	uint32_t len;
	memcpy(&len, record, sizeof(len));
	return len;
}

/* The buffer that has room for what is read next; NULL: there is none. */
static unsigned char *last_buffer(struct butter__channel *c, uint32_t **ret_len)
{
	struct butter__ahead *a = &butter__fan_of(c)->ahead;
	if (a->count == 0 && BUTTER__STREAM_SIZE - c->end >= ROOM) {
		*ret_len = &c->end;
		return c->stream;
	}
	if (a->count == 0 || BUTTER__STREAM_SIZE - a->lens[a->count - 1] < ROOM) {
		unsigned char *buf = a->count < BUTTER__AHEAD_MOST ? malloc(BUTTER__STREAM_SIZE) : NULL;
		if (!buf)
			return NULL;
		a->buffers[a->count] = buf;
		a->lens[a->count++] = 0;
	}
	*ret_len = &a->lens[a->count - 1];
	return a->buffers[a->count - 1];
}

/* What cannot be read is lost, but for one failure that is none the next time. */
static ssize_t read_on(struct butter_tree *t, const struct butter__channel *c, unsigned char *buf, size_t len)
{
	ssize_t n = butter__read(c->fd, buf, len);
	if (n < 0)
		n = butter__read(c->fd, buf, len);
	if (n < 0)
		t->lost = 1;
	return n;
}

/* How many records were read; -1: no more can be. */
static int read_more(struct butter_tree *t, struct butter__channel *c)
{
	uint32_t *len;
	int count = 0;
	unsigned char *buf = last_buffer(c, &len);
	if (!buf) {
		t->lost = 1;
		return -1;
	}
	ssize_t n = read_on(t, c, buf + *len, BUTTER__STREAM_SIZE - *len);
	if (n <= 0)
		return -1;
	uint32_t end = *len + (uint32_t)n;
	while (*len + METADATA <= end && length_at(buf + *len) >= METADATA) {
		*len += length_at(buf + *len);
		count++;
	}
	*len = end;
	return count;
}

/* Not until there is nothing: others may write faster than this reads. */
void butter__ahead_fill(struct butter_tree *t, struct butter__channel *c)
{
	int waiting = 0, saved = errno;
	int n = ioctl(c->fd, FIONREAD, &waiting);
	if (n < 0)
		n = ioctl(c->fd, FIONREAD, &waiting);
	if (n < 0)
		t->lost = 1;
	n = 0;
	for (int left = waiting / METADATA; left > 0 && n >= 0; left -= n)
		n = read_more(t, c);
	c->ahead = butter__fan_of(c)->ahead.count;
	errno = saved;
}

ssize_t butter__ahead_read(struct butter__channel *c)
{
	struct butter__ahead *a = &butter__fan_of(c)->ahead;
	ssize_t n;
	uint64_t base = a->base + c->end;
	if (a->count == 0) {
		n = butter__read(c->fd, c->stream, BUTTER__STREAM_SIZE);
	} else {
		n = a->lens[0];
		butter__free(c->stream);
		c->stream = a->buffers[0];
		a->count--;
		memmove(a->buffers, a->buffers + 1, a->count * sizeof(a->buffers[0]));
		memmove(a->lens, a->lens + 1, a->count * sizeof(a->lens[0]));
	}
	c->ahead = a->count;
	if (n > 0)
		a->base = base;
	if (a->handled < a->base)
		a->handled = a->base;
	return n;
}

uint64_t butter__ahead_bytes(const struct butter__channel *c)
{
	const struct butter__ahead *a = &butter__fan_of(c)->ahead;
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < a->count; i++)
		bytes += a->lens[i];
	return bytes;
}

static struct butter__turn *turn(const struct butter__ahead *a, uint32_t i)
{
	return &a->turns[i & (a->size - 1)];
}

static int grow_turns(struct butter__ahead *a)
{
	if (a->last - a->first + 1 < a->size)
		return 0;
	uint32_t size = a->size ? a->size * 2 : 64;
	struct butter__turn *turns = malloc(size * sizeof(*turns));
	if (!turns)
		return -1;
	for (uint32_t i = a->first; i != a->last; i++)
		turns[i & (size - 1)] = *turn(a, i);
	butter__free(a->turns);
	a->turns = turns;
	a->size = size;
	if (a->last == 0)
		a->first = a->last = 1;
	return 0;
}

/* 0, or -1 and ENOMEM. */
static int note_in(struct butter__ahead *a, int which, const void *key, size_t len, uint32_t i)
{
	struct butter__turns_index *x = &a->by[which];
	int number = butter__handles_intern(&x->keys, key, len);
	while (number >= 0 && x->heads.count <= (uint32_t)number)
		if (butter__list_add(&x->heads, 0) < 0 || butter__list_add(&x->tails, 0) < 0)
			return -1;
	if (number < 0)
		return -1;
	if (x->heads.items[number])
		turn(a, x->tails.items[number])->of[which].next = i;
	else
		x->heads.items[number] = i;
	x->tails.items[number] = i;
	turn(a, i)->of[which].number = (uint32_t)number;
	return 0;
}

static void forget_in(struct butter__ahead *a, int which, const struct butter__turn *old)
{
	struct butter__turns_index *x = &a->by[which];
	uint32_t number = old->of[which].number;
	if (!number)
		return;
	x->heads.items[number] = old->of[which].next;
	if (!old->of[which].next)
		butter__handles_forget(&x->keys, (int)number);
}

static size_t place_of(unsigned char *place, const struct butter__key *dir, const char *name, size_t len)
{
	memcpy(place, dir->bytes, dir->len);
	memcpy(place + dir->len, name, len);
	return dir->len + len;
}

static int note_place(struct butter__ahead *a, const struct butter_fanotify_event *ev, uint32_t i)
{
	unsigned char place[BUTTER__KEY_LIMIT + NAME_MAX];
	struct butter__key dir;
	int renamed = (ev->mask & FAN_RENAME) != 0;
	size_t len = renamed ? ev->old_name_len : ev->name_len;
	if (ev->mask & FAN_CREATE || len == 0 || len > NAME_MAX ||
	    butter__fan_key_of(renamed ? &ev->old_dir : &ev->dir, &dir) < 0)
		return 0;
	len = place_of(place, &dir, renamed ? ev->old_name : ev->name, len);
	return note_in(a, BUTTER__BY_PLACE, place, len, i);
}

static int note_turn(struct butter__ahead *a, const struct butter_fanotify_event *ev, uint64_t at)
{
	struct butter__key key;
	if (!butter__is_turn(ev) || butter__fan_key_of(&ev->object, &key) < 0)
		return 0;
	if (grow_turns(a) < 0)
		return -1;
	uint32_t i = a->last++;
	*turn(a, i) = (struct butter__turn){.at = at, .raw = ev->raw, .len = ev->raw_len};
	return note_in(a, BUTTER__BY_TARGET, key.bytes, key.len, i) < 0 ? -1 : note_place(a, ev, i);
}

/*
 * Up to where the queue overflowed: what is behind that says nothing of where anything was before it, nor
 * does it say anything that there is no record. -1: no more can be known.
 */
static int index_buffer(struct butter__ahead *a, const unsigned char *buf, uint32_t len, uint64_t base)
{
	struct butter_fanotify_event ev;
	while (a->indexed < base + len) {
		uint32_t at = (uint32_t)(a->indexed - base);
		ssize_t n = butter_fanotify_decode(buf + at, len - at, &ev);
		if (n <= 0 || ev.mask & FAN_Q_OVERFLOW || note_turn(a, &ev, a->indexed) < 0)
			return -1;
		a->indexed += (uint64_t)n;
	}
	return 0;
}

/* What has had its turn is forgotten before its buffer is looked at again. */
static void forget_turns(struct butter__ahead *a)
{
	while (a->first != a->last && turn(a, a->first)->at < a->handled) {
		const struct butter__turn *old = turn(a, a->first++);
		forget_in(a, BUTTER__BY_TARGET, old);
		forget_in(a, BUTTER__BY_PLACE, old);
	}
	if (a->first == a->last && a->size)
		a->first = a->last = 1;
	if (a->indexed < a->handled)
		a->indexed = a->handled;
}

static int index_all(struct butter__channel *c)
{
	struct butter__ahead *a = &butter__fan_of(c)->ahead;
	uint64_t base = a->base + c->end;
	forget_turns(a);
	int n = index_buffer(a, c->stream, c->end, a->base);
	for (uint32_t i = 0; i < a->count && n == 0; base += a->lens[i++])
		n = index_buffer(a, a->buffers[i], a->lens[i], base);
	return n;
}

/* 0: there is none. */
static uint32_t first_of(const struct butter__ahead *a, int which, const void *key, size_t len)
{
	const struct butter__turns_index *x = &a->by[which];
	int number = butter__handles_find(&x->keys, key, len);
	return number ? x->heads.items[number] : 0;
}

int butter__ahead_first(struct butter_tree *t, struct butter__channel *c, const struct butter__key *key,
			struct butter_fanotify_event *ret)
{
	struct butter__ahead *a = &butter__fan_of(c)->ahead;
	if (index_all(c) < 0)
		t->lost = 1;
	uint32_t i = first_of(a, BUTTER__BY_TARGET, key->bytes, key->len);
	return i && butter_fanotify_decode(turn(a, i)->raw, turn(a, i)->len, ret) > 0;
}

int butter__ahead_left(struct butter_tree *t, struct butter__channel *c, const struct butter__key *dir,
		       const char *name, size_t len, struct butter_fanotify_event *ret)
{
	struct butter__ahead *a = &butter__fan_of(c)->ahead;
	unsigned char place[BUTTER__KEY_LIMIT + NAME_MAX];
	if (index_all(c) < 0)
		t->lost = 1;
	uint32_t i = first_of(a, BUTTER__BY_PLACE, place, place_of(place, dir, name, len));
	while (i && a->by[BUTTER__BY_TARGET].heads.items[turn(a, i)->of[BUTTER__BY_TARGET].number] != i)
		i = turn(a, i)->of[BUTTER__BY_PLACE].next;
	return i && butter_fanotify_decode(turn(a, i)->raw, turn(a, i)->len, ret) > 0;
}

static uint32_t overflows_in(const unsigned char *buf, uint32_t len)
{
	struct butter_fanotify_event ev;
	uint32_t count = 0;
	ssize_t n;
	for (uint32_t at = 0; at < len && (n = butter_fanotify_decode(buf + at, len - at, &ev)) > 0;
	     at += (uint32_t)n)
		count += (ev.mask & FAN_Q_OVERFLOW) != 0;
	return count;
}

uint32_t butter__ahead_drop(struct butter__channel *c)
{
	struct butter__ahead *a = &butter__fan_of(c)->ahead;
	uint64_t behind = butter__ahead_bytes(c);
	uint32_t overflows = overflows_in(c->stream + c->next, c->end - c->next);
	c->consumed += c->end - c->next + behind;
	c->next = c->end;
	a->base += behind;
	a->handled = a->base + c->end;
	for (; a->count > 0; butter__free(a->buffers[a->count])) {
		a->count--;
		overflows += overflows_in(a->buffers[a->count], a->lens[a->count]);
	}
	c->ahead = 0;
	butter__fan_of(c)->half = 0;
	return overflows;
}

void butter__ahead_free(struct butter__channel *c)
{
	struct butter__ahead *a = &butter__fan_of(c)->ahead;
	while (a->count > 0)
		butter__free(a->buffers[--a->count]);
	butter__free(a->turns);
	for (int i = 0; i < 2; i++) {
		butter__free(a->by[i].heads.items);
		butter__free(a->by[i].tails.items);
		butter__handles_free(&a->by[i].keys);
	}
	*a = (struct butter__ahead){0};
	c->ahead = 0;
}
