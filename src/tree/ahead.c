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
	ssize_t n = butter__read(c->fd, buf + *len, BUTTER__STREAM_SIZE - *len);
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
	ioctl(c->fd, FIONREAD, &waiting);
	for (int left = waiting / METADATA, n = 0; left > 0 && n >= 0; left -= n)
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

static int note_target(struct butter__ahead *a, const struct butter__key *key)
{
	int target = butter__handles_intern(&a->targets, key->bytes, key->len);
	while (target >= 0 && a->heads.count <= (uint32_t)target)
		if (butter__list_add(&a->heads, 0) < 0 || butter__list_add(&a->tails, 0) < 0)
			return -1;
	return target;
}

static int note_turn(struct butter__ahead *a, const struct butter_fanotify_event *ev, uint64_t at)
{
	struct butter__key key;
	if (!butter__is_turn(ev) || butter__fan_key_of(&ev->object, &key) < 0)
		return 0;
	int target = grow_turns(a) < 0 ? -1 : note_target(a, &key);
	if (target < 0)
		return -1;
	uint32_t i = a->last++;
	*turn(a, i) = (struct butter__turn){
		.at = at, .raw = ev->raw, .len = ev->raw_len, .target = (uint32_t)target};
	if (a->heads.items[target])
		turn(a, a->tails.items[target])->next = i;
	else
		a->heads.items[target] = i;
	a->tails.items[target] = i;
	return 0;
}

static int index_buffer(struct butter__ahead *a, const unsigned char *buf, uint32_t len, uint64_t base)
{
	struct butter_fanotify_event ev;
	while (a->indexed < base + len) {
		uint32_t at = (uint32_t)(a->indexed - base);
		ssize_t n = butter_fanotify_decode(buf + at, len - at, &ev);
		if (n <= 0 || note_turn(a, &ev, a->indexed) < 0)
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
		a->heads.items[old->target] = old->next;
		if (!old->next)
			butter__handles_forget(&a->targets, (int)old->target);
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

int butter__ahead_first(struct butter_tree *t, struct butter__channel *c, const struct butter__key *key,
			struct butter_fanotify_event *ret)
{
	struct butter__ahead *a = &butter__fan_of(c)->ahead;
	if (index_all(c) < 0)
		t->lost = 1;
	int target = butter__handles_find(&a->targets, key->bytes, key->len);
	if (!target || !a->heads.items[target])
		return 0;
	const struct butter__turn *first = turn(a, a->heads.items[target]);
	return butter_fanotify_decode(first->raw, first->len, ret) > 0;
}

void butter__ahead_free(struct butter__channel *c)
{
	struct butter__ahead *a = &butter__fan_of(c)->ahead;
	while (a->count > 0)
		butter__free(a->buffers[--a->count]);
	butter__free(a->turns);
	butter__free(a->heads.items);
	butter__free(a->tails.items);
	butter__handles_free(&a->targets);
	*a = (struct butter__ahead){0};
	c->ahead = 0;
}
