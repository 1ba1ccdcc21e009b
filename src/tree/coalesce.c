/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../event/object.h"
#include "../event/time.h"
#include "coalesce.h"
#include "tree.h"

enum {
	LASTING = 10,
	EXISTENCE = BUTTER_TREE_CREATED | BUTTER_TREE_DELETED,
	SAID_BY_CREATED = BUTTER_TREE_MODIFIED | BUTTER_TREE_WRITTEN | BUTTER_TREE_ATTRIB
};

struct butter__pending {
	struct butter__pending *next, *prev, *next_in_hash;
	int64_t since, quiet_since, settle, settle_max;
	struct butter_tree_event ev; /* its flags are the last one's */
	uint32_t types;
	uint32_t began, became; /* the first and the last of EXISTENCE; 0: none */
	uint32_t hash;
	char path[];
};

int butter__coalesce_set(struct butter__root *root, int64_t settle, int64_t settle_max)
{
	if (settle < 0 || settle_max < 0) {
		errno = EINVAL;
		return -1;
	}
	root->settle = settle;
	root->settle_max = settle_max ? settle_max : butter__time_mul(settle, LASTING);
	return 0;
}

static uint32_t hash_of(int32_t root, const char *path, size_t len)
{
	uint32_t hash = 2166136261u ^ (uint32_t)root;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)path[i]) * 16777619u;
	return hash ^ hash >> 16;
}

static struct butter__pending **bucket(struct butter__coalesce *c, uint32_t hash)
{
	return &c->buckets[hash % BUTTER__COALESCE_BUCKETS];
}

static struct butter__pending *find(struct butter__coalesce *c, int32_t root, const char *path, size_t len)
{
	uint32_t hash = hash_of(root, path, len);
	struct butter__pending *p = *bucket(c, hash);
	while (p && (p->hash != hash || p->ev.root != root || p->ev.path_len != len ||
		     memcmp(p->path, path, len) != 0))
		p = p->next_in_hash;
	return p;
}

static void unlink_pending(struct butter__coalesce *c, struct butter__pending *p)
{
	struct butter__pending **at = bucket(c, p->hash);
	while (*at != p)
		at = &(*at)->next_in_hash;
	*at = p->next_in_hash;
	*(p->prev ? &p->prev->next : &c->first) = p->next;
	*(p->next ? &p->next->prev : &c->last) = p->prev;
	c->count--;
}

static void link_pending(struct butter__coalesce *c, struct butter__pending *p)
{
	struct butter__pending **at = bucket(c, p->hash);
	p->next_in_hash = *at;
	*at = p;
	p->prev = c->last;
	*(c->last ? &c->last->next : &c->first) = p;
	c->last = p;
	c->count++;
}

static void tell_type(struct butter_tree *t, struct butter__pending *p, uint32_t type)
{
	p->ev.type = type;
	p->ev.path = p->path;
	butter__queue_add(&t->queue, &p->ev);
}

/* What is left to say of the path besides that it came or went. */
static uint32_t rest_of(const struct butter__pending *p)
{
	uint32_t types = p->types & ~(uint32_t)EXISTENCE;
	if (p->became == BUTTER_TREE_DELETED)
		return 0;
	if (p->became == BUTTER_TREE_CREATED)
		types &= ~(uint32_t)SAID_BY_CREATED;
	return types & BUTTER_TREE_WRITTEN ? types & ~BUTTER_TREE_MODIFIED : types;
}

static void tell_one(struct butter_tree *t, struct butter__pending *p)
{
	uint32_t rest = rest_of(p);
	unlink_pending(&t->coalesce, p);
	if (p->began)
		tell_type(t, p, p->began);
	if (p->became != p->began)
		tell_type(t, p, p->became);
	for (uint32_t type = 1; type <= rest; type <<= 1)
		if (rest & type)
			tell_type(t, p, type);
	butter__free(p);
}

/* What a path is in has to be there first. */
static void tell_above(struct butter_tree *t, int32_t root, const char *path, size_t len)
{
	for (size_t i = 1; t->coalesce.count > 0 && i < len; i++) {
		struct butter__pending *p = path[i] == '/' ? find(&t->coalesce, root, path, i) : NULL;
		if (p && p->began)
			tell_one(t, p);
	}
}

static void tell_with_above(struct butter_tree *t, struct butter__pending *p)
{
	tell_above(t, p->ev.root, p->path, p->ev.path_len);
	tell_one(t, p);
}

static int is_at_or_below(const struct butter__pending *p, int32_t root, const char *path, size_t len)
{
	return p->ev.root == root && p->ev.path_len >= len && !memcmp(p->path, path, len) &&
	       (p->path[len] == '\0' || p->path[len] == '/' || len == 1);
}

/* Telling what is above of one may tell others too, so each time from the first. */
static void tell_at_and_below(struct butter_tree *t, int32_t root, const char *path, size_t len)
{
	struct butter__pending *p;
	tell_above(t, root, path, len);
	for (p = t->coalesce.first; p;) {
		struct butter__pending *next = p->next;
		if (is_at_or_below(p, root, path, len)) {
			tell_with_above(t, p);
			next = t->coalesce.first;
		}
		p = next;
	}
}

void butter__coalesce_flush(struct butter_tree *t)
{
	while (t->coalesce.first)
		tell_with_above(t, t->coalesce.first);
}

static int64_t due_of(const struct butter__pending *p)
{
	int64_t quiet = butter__time_add(p->quiet_since, p->settle),
		most = butter__time_add(p->since, p->settle_max);
	return quiet < most ? quiet : most;
}

static void expect(struct butter__coalesce *c, const struct butter__pending *p)
{
	if (c->next == 0 || due_of(p) < c->next)
		c->next = due_of(p);
}

void butter__coalesce_look(struct butter_tree *t)
{
	struct butter__coalesce *c = &t->coalesce;
	int64_t now = c->count > 0 ? butter__time_now() : 0;
	if (c->count == 0 || now < c->next)
		return;
	for (struct butter__pending *p = c->first, *next; p; p = next) {
		next = p->next;
		if (due_of(p) > now)
			continue;
		tell_with_above(t, p);
		next = c->first;
	}
	c->next = 0;
	for (const struct butter__pending *p = c->first; p; p = p->next)
		expect(c, p);
}

int64_t butter__coalesce_due(const struct butter_tree *t)
{
	return t->coalesce.count > 0 ? t->coalesce.next : 0;
}

static void merge(struct butter__pending *p, const struct butter_tree_event *ev)
{
	uint32_t synthetic = p->ev.flags & ev->flags & BUTTER_TREE_SYNTHETIC;
	p->quiet_since = butter__time_now();
	p->ev.flags = (ev->flags & ~BUTTER_TREE_SYNTHETIC) | synthetic;
	p->ev.pid = p->ev.pid == ev->pid ? ev->pid : 0;
	p->types |= ev->type;
	if (!(ev->type & EXISTENCE))
		return;
	if (!p->began)
		p->began = ev->type;
	p->became = ev->type;
	p->types &= EXISTENCE;
}

static struct butter__pending *new_pending(const struct butter__root *root,
					   const struct butter_tree_event *ev)
{
	struct butter__pending *p = calloc(1, sizeof(*p) + ev->path_len + 1);
	if (!p)
		return NULL;
	memcpy(p->path, ev->path, ev->path_len);
	p->ev = *ev;
	p->hash = hash_of(ev->root, ev->path, ev->path_len);
	p->settle = root->settle;
	p->settle_max = root->settle_max;
	p->since = butter__time_now();
	return p;
}

static void begin(struct butter_tree *t, const struct butter__root *root, const struct butter_tree_event *ev)
{
	int saved = errno;
	struct butter__pending *p = new_pending(root, ev);
	errno = saved;
	if (!p) {
		butter__coalesce_flush(t);
		butter__queue_add(&t->queue, ev);
		return;
	}
	if (t->coalesce.count == 0)
		t->coalesce.next = 0;
	link_pending(&t->coalesce, p);
	merge(p, ev);
	expect(&t->coalesce, p);
	if (t->coalesce.count > BUTTER__COALESCE_MAX)
		tell_with_above(t, t->coalesce.first);
}

static void tell_move(struct butter_tree *t, const struct butter_tree_event *ev)
{
	for (uint32_t i = 0; t->coalesce.count > 0 && i < t->root_count; i++) {
		tell_at_and_below(t, (int32_t)i, ev->old_path, ev->old_path_len);
		tell_at_and_below(t, (int32_t)i, ev->path, ev->path_len);
	}
	butter__queue_add(&t->queue, ev);
}

/* A directory that comes or goes, or is replaced by a file, does so after all that is known below it. */
void butter__coalesce_tell(struct butter_tree *t, const struct butter__root *root,
			   const struct butter_tree_event *ev)
{
	if (!(ev->type & 0xffff)) {
		butter__coalesce_flush(t);
		butter__queue_add(&t->queue, ev);
		return;
	}
	if (ev->type == BUTTER_TREE_MOVED) {
		tell_move(t, ev);
		return;
	}
	if (root->settle == 0) {
		butter__queue_add(&t->queue, ev);
		return;
	}
	struct butter__pending *p =
		t->coalesce.count > 0 ? find(&t->coalesce, ev->root, ev->path, ev->path_len) : NULL;
	unsigned other = p ? (p->ev.flags ^ ev->flags) & BUTTER_TREE_IS_DIR : 0;
	if (other || (ev->flags & BUTTER_TREE_IS_DIR && ev->type & EXISTENCE)) {
		tell_at_and_below(t, ev->root, ev->path, ev->path_len);
		p = NULL;
	}
	if (p)
		merge(p, ev);
	else
		begin(t, root, ev);
}

void butter__coalesce_free(struct butter_tree *t)
{
	for (struct butter__pending *p = t->coalesce.first, *next; p; p = next) {
		next = p->next;
		butter__free(p);
	}
}
