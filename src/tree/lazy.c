/* SPDX-License-Identifier: MIT */
/*
 * Roots that are not walked, of which a directory becomes a node when a record is of it. Where it is put is
 * where whoever has heard all that was told has it, and not where it is on the disk, which may be ahead:
 *
 * - The first record that waits for its turn and says that it was renamed or deleted says where it was; one
 *   that says that it was made, that it was not.
 * - When none does, it is where the disk has it. That is looked up first, and the records read afterwards:
 *   what renames a directory holds the locks of both its parents until the record is in the queue, and
 *   listing takes that of the new one. So no rename falls between.
 *
 * The same of its parent, and so on up to a node. From then on the disk decides, as of all nodes. What
 * nobody has been told of, being outside or too new, is remembered as away, for most records of a filesystem
 * are of such directories. Nodes come first: what was away and came in is one.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../event/object.h"
#include "climb.h"
#include "lazy.h"
#include "look.h"
#include "verdict.h"

enum { AWAY_MOST = 1 << 17 };

static int is_away(const struct butter__fan *s, const struct butter__key *key)
{
	return butter__handles_find(&s->away[0], key->bytes, key->len) ||
	       butter__handles_find(&s->away[1], key->bytes, key->len);
}

/* More than records can be waiting go before one is forgotten that a record may still be of. */
static void add_away(struct butter_tree *t, struct butter__fan *s, const struct butter__key *key)
{
	if (s->away[0].count >= AWAY_MOST) {
		butter__handles_free(&s->away[1]);
		s->away[1] = s->away[0];
		s->away[0] = (struct butter__handles){0};
	}
	if (butter__handles_intern(&s->away[0], key->bytes, key->len) < 0)
		t->lost = 1;
}

static int number_of(const struct butter__fan *s, const struct butter__key *key)
{
	return butter__handles_find(&s->handles, key->bytes, key->len);
}

/* Of several one is in this root, or none is. */
static uint32_t node_in(const struct butter_tree *t, const struct butter__channel *c, int wd,
			const struct butter__root *root)
{
	uint32_t node = wd > 0 ? butter__wds_get(&c->wds, wd) : 0, at = 0;
	int several = node && butter__node(&t->model, node)->flags & BUTTER__NODE_ALIASED;
	while (node && &t->roots[butter__model_root(&t->model, node)] != root)
		node = several ? butter__next_alias(t, c, wd, &at) : 0;
	return node;
}

static int is_lazy(const struct butter__channel *c, const struct butter__root *root)
{
	return root->node && root->lazy && !root->missing && root->channel == c;
}

/*
 * In one of these roots, and so in all of them that it is in. What was walked says nothing, nor that it is a
 * root's own directory, which nobody has met.
 */
static int is_node(const struct butter_tree *t, const struct butter__channel *c, int wd)
{
	uint32_t node = wd > 0 ? butter__wds_get(&c->wds, wd) : 0, at = 0;
	if (!node || t->root_count == 1)
		return node != 0;
	int several = butter__node(&t->model, node)->flags & BUTTER__NODE_ALIASED;
	while (node && (butter__node(&t->model, node)->flags & BUTTER__NODE_ROOT ||
			!is_lazy(c, &t->roots[butter__model_root(&t->model, node)])))
		node = several ? butter__next_alias(t, c, wd, &at) : 0;
	return node != 0;
}

/* Nothing is known of it. */
static int is_strange(struct butter_tree *t, struct butter__channel *c, const struct butter__key *key)
{
	struct butter__fan *s = butter__fan_of(c);
	return !is_node(t, c, number_of(s, key)) && !is_away(s, key);
}

/*
 * The directory becomes a node of parent; 0: it is none, being pruned, or because parent's subdirectories are
 * all known and it is not among them.
 */
uint32_t butter__lazy_add(struct butter_tree *t, struct butter__channel *c, uint32_t parent,
			  const struct butter__rung *link)
{
	if (!is_lazy(c, &t->roots[butter__model_root(&t->model, parent)]) ||
	    !butter__node(&t->model, parent)->lazy || butter__is_leaf(t, parent) ||
	    butter__model_find(&t->model, parent, link->name, link->name_len))
		return 0;
	enum butter__filter_verdict verdict = butter__verdict(t, parent, link->name, link->name_len, 1);
	if (verdict == BUTTER__FILTER_GONE)
		return 0;
	uint32_t node = butter__model_add(&t->model, parent, link->name, link->name_len, BUTTER__NODE_DIR);
	if (!node) {
		t->lost = 1;
		return 0;
	}
	struct butter__rung is = *link;
	if (!is.ino && is.key.len)
		butter__climb_identify(&t->roots[butter__model_root(&t->model, parent)], &is);
	butter__model_set_ino(&t->model, node, is.dev, is.ino);
	butter__node(&t->model, node)->lazy = 1;
	if (verdict == BUTTER__FILTER_LEAF || !link->key.len)
		return node;
	int wd = butter__handles_intern(&butter__fan_of(c)->handles, link->key.bytes, link->key.len);
	if (wd < 0 || butter__set_watch(t, wd, node) < 0)
		t->lost = 1;
	return node;
}

/* One root's: from the nearest node down. */
static void add_nodes(struct butter_tree *t, struct butter__channel *c, uint32_t node,
		      const struct butter__climb *climb)
{
	for (uint32_t i = climb->count; i-- > 0 && node;)
		node = butter__lazy_add(t, c, node, &climb->links[i]);
}

/* Says whether a directory is known above which nothing needs to be asked, and what is told of one otherwise.
 */
static enum butter__step next_step(struct butter__climb *climb, uint32_t *ret_node)
{
	struct butter_tree *t = climb->tree;
	struct butter__channel *c = climb->channel;
	const struct butter__key *key = &climb->links[climb->count - 1].key;
	int wd = number_of(butter__fan_of(c), key);
	*ret_node = node_in(t, c, wd, climb->root);
	if (*ret_node) {
		climb->count--;
		return BUTTER__CLIMBED;
	}
	if (is_node(t, c, wd) || is_away(butter__fan_of(c), key))
		return BUTTER__OUTSIDE;
	return butter__climb_step(climb);
}

static enum butter__step climb(struct butter__climb *climb, const struct butter__key *key, uint32_t *ret_node)
{
	enum butter__step step = butter__climb_begin(climb, key) < 0 ? BUTTER__FAILED : BUTTER__HIGHER;
	while (step == BUTTER__HIGHER)
		step = next_step(climb, ret_node);
	butter__climb_end(climb);
	if (step == BUTTER__FAILED)
		climb->tree->lost = 1;
	return step;
}

/* What was passed on the way is away when it is no node of any root. */
static void note_away(struct butter_tree *t, struct butter__channel *c, const struct butter__climb *climb)
{
	for (uint32_t i = 0; i < climb->count; i++)
		if (is_strange(t, c, &climb->links[i].key))
			add_away(t, butter__fan_of(c), &climb->links[i].key);
}

static enum butter__step climb_in(struct butter_tree *t, struct butter__channel *c, struct butter__root *root,
				  const struct butter__key *key, int waits, struct butter__climb *ret)
{
	*ret = (struct butter__climb){.tree = t, .channel = c, .root = root, .fd = -1, .waits = waits};
	enum butter__step step = climb(ret, key, &ret->node);
	if (step != BUTTER__CLIMBED)
		ret->node = 0;
	return step;
}

/* Of any root. */
static int known(const struct butter__channel *c, const struct butter__key *key)
{
	int wd = number_of(butter__fan_of(c), key);
	return wd && butter__wds_get(&c->wds, wd) ? wd : 0;
}

/* In all roots, before it is a node, or away, in any. */
static int meet(struct butter_tree *t, struct butter__channel *c, const struct butter__key *key, int waits)
{
	struct butter__climb *climbs = calloc(t->root_count, sizeof(*climbs));
	int unclear = !climbs;
	if (!climbs)
		t->lost = 1;
	for (uint32_t i = 0; climbs && i < t->root_count; i++)
		if (is_lazy(c, &t->roots[i])) {
			enum butter__step step = climb_in(t, c, &t->roots[i], key, waits, &climbs[i]);
			unclear |= step == BUTTER__FAILED || step == BUTTER__UNCLEAR;
			if (step == BUTTER__UNCLEAR && waits)
				t->lost = 1;
		}
	for (uint32_t i = 0; climbs && i < t->root_count; i++)
		add_nodes(t, c, climbs[i].node, &climbs[i]);
	for (uint32_t i = 0; climbs && i < t->root_count; i++) {
		if (!unclear)
			note_away(t, c, &climbs[i]);
		butter__free(climbs[i].links);
	}
	butter__free(climbs);
	return known(c, key);
}

static void set_key(const struct butter__fan *s, int wd, struct butter__key *ret)
{
	ret->len = s->handles.items[wd].len;
	memcpy(ret->bytes, butter__pool_text(&s->handles.keys, s->handles.items[wd].key), ret->len);
}

/* A root's own directory is a node without having been met, and may be in another root. */
void butter__lazy_meet_roots(struct butter_tree *t, struct butter__channel *c)
{
	struct butter__key key;
	for (uint32_t i = 0; i < t->root_count && c->lazy > 1; i++) {
		int wd = is_lazy(c, &t->roots[i]) ? butter__node(&t->model, t->roots[i].node)->wd : -1;
		if (wd < 0)
			continue;
		set_key(butter__fan_of(c), wd, &key);
		meet(t, c, &key, 0);
	}
}

static int known_or_met(struct butter_tree *t, struct butter__channel *c,
			const struct butter_fanotify_handle *h, int waits)
{
	struct butter__key key;
	if (butter__fan_key_of(h, &key) < 0)
		return 0;
	int wd = number_of(butter__fan_of(c), &key);
	if (is_node(t, c, wd))
		return wd;
	return is_away(butter__fan_of(c), &key) ? known(c, &key) : meet(t, c, &key, waits);
}

int butter__lazy_meet(struct butter_tree *t, struct butter__channel *c,
		      const struct butter_fanotify_handle *h, int is_name)
{
	int saved = errno, wd = known_or_met(t, c, h, is_name);
	errno = saved;
	return wd;
}

/* A directory that a record says was there; nothing but its identity comes from the disk. */
static void add_at(struct butter_tree *t, struct butter__channel *c, int dir, const struct butter__rung *link)
{
	uint32_t at = 0, parent = butter__wds_get(&c->wds, dir);
	int several = parent && butter__node(&t->model, parent)->flags & BUTTER__NODE_ALIASED;
	struct butter__list parents = {0};
	for (; parent; parent = several ? butter__next_alias(t, c, dir, &at) : 0)
		if (butter__list_add(&parents, parent) < 0)
			t->lost = 1;
	for (uint32_t i = 0; i < parents.count; i++)
		butter__lazy_add(t, c, parents.items[i], link);
	butter__free(parents.items);
}

/* Where it was before a record: a node there, if whoever was told has it there. */
static void add_before(struct butter_tree *t, struct butter__channel *c,
		       const struct butter_fanotify_event *ev, const struct butter__key *key)
{
	struct butter__rung link = {.key = *key};
	const struct butter_fanotify_handle *where = ev->mask & FAN_RENAME ? &ev->old_dir : &ev->dir;
	if (ev->mask & FAN_CREATE || butter__rung_name(&link, ev) < 0)
		return;
	int dir = known_or_met(t, c, where, 1);
	if (dir)
		add_at(t, c, dir, &link);
}

void butter__lazy_turn(struct butter_tree *t, struct butter__channel *c,
		       const struct butter_fanotify_event *ev)
{
	struct butter__fan *s = butter__fan_of(c);
	struct butter__key key;
	int saved = errno;
	if (butter__fan_key_of(&ev->object, &key) == 0 && is_strange(t, c, &key)) {
		add_before(t, c, ev, &key);
		if (!is_node(t, c, number_of(s, &key)))
			add_away(t, s, &key);
	}
	errno = saved;
}

/* 1: it is, as far as was told, where the disk has it. */
static int is_told(struct butter_tree *t, struct butter__channel *c, uint32_t dir, const char *name,
		   size_t len, const struct butter__key *key)
{
	struct butter_fanotify_event ev;
	if (!butter__ahead_first(t, c, key, &ev))
		return butter__node(&t->model, dir)->lazy && !butter__model_find(&t->model, dir, name, len);
	add_before(t, c, &ev, key);
	return 0;
}

/* The key of what was looked at; 0, or -1: something else may be there by now. */
static int key_of(struct butter__fan *s, int fd, const char *name, const struct butter__there *there,
		  struct butter__key *ret)
{
	struct stat st;
	if (there->wd >= 0) {
		set_key(s, there->wd, ret);
		return 0;
	}
	return butter__fan_key(s, fd, name, ret) < 0 || butter__stat_at(fd, name, &st) < 0 ||
			       st.st_ino != there->st.st_ino || st.st_dev != there->st.st_dev
		       ? -1
		       : 0;
}

/*
 * Something comes to a name where the model has nothing, and whoever was told may have a directory that has
 * left meanwhile, or is just changing places with it.
 */
static void add_left(struct butter_tree *t, struct butter__channel *c, uint32_t dir, const char *name,
		     size_t len)
{
	struct butter__fan *s = butter__fan_of(c);
	struct butter_fanotify_event ev;
	struct butter__key key;
	set_key(s, butter__node(&t->model, dir)->wd, &key);
	if (butter__ahead_left(t, c, &key, name, len, &ev) && butter__fan_key_of(&ev.object, &key) == 0 &&
	    is_strange(t, c, &key))
		add_before(t, c, &ev, &key);
}

static int has_room(const struct butter_tree *t, uint32_t dir, const char *name, size_t len)
{
	const struct butter__node *n = butter__node(&t->model, dir);
	return n->lazy && n->wd >= 0 && !butter__model_find(&t->model, dir, name, len);
}

int butter__lazy_stranger(struct butter_tree *t, uint32_t dir, int fd, const char *name, size_t len,
			  const struct butter__there *there)
{
	struct butter__channel *c = butter__channel_of(t, dir);
	struct butter__key key;
	int saved = errno, told = 0;
	if (!is_lazy(c, &t->roots[butter__model_root(&t->model, dir)]))
		return 0;
	int strange = key_of(butter__fan_of(c), fd, name, there, &key) == 0 && is_strange(t, c, &key);
	if (strange || has_room(t, dir, name, len)) {
		butter__climb_lock(fd);
		butter__ahead_fill(t, c);
		told = strange && is_told(t, c, dir, name, len, &key);
		if (!told && has_room(t, dir, name, len))
			add_left(t, c, dir, name, len);
	}
	errno = saved;
	return told;
}

/*
 * What came has left again, and is told where it is now, or not at all. Whoever was told may have an empty
 * directory there that it was renamed over, of which nothing else says that it is gone.
 */
void butter__lazy_came(struct butter_tree *t, uint32_t dir, const char *name, size_t len)
{
	struct butter__channel *c = butter__channel_of(t, dir);
	const struct butter__root *root = &t->roots[butter__model_root(&t->model, dir)];
	struct butter__key key;
	int saved = errno;
	if (!is_lazy(c, root) || !has_room(t, dir, name, len) || butter__is_leaf(t, dir) ||
	    butter__verdict(t, dir, name, len, 1) == BUTTER__FILTER_GONE)
		return;
	set_key(butter__fan_of(c), butter__node(&t->model, dir)->wd, &key);
	butter__climb_lock_key(t, root, &key);
	butter__ahead_fill(t, c);
	add_left(t, c, dir, name, len);
	if (has_room(t, dir, name, len)) {
		butter__tell(t, BUTTER_TREE_CREATED, BUTTER_TREE_IS_DIR, dir, name, len);
		butter__tell(t, BUTTER_TREE_DELETED, BUTTER_TREE_IS_DIR, dir, name, len);
	}
	errno = saved;
}

void butter__lazy_deleted(struct butter_tree *t, uint32_t node)
{
	struct butter__channel *c = butter__channel_of(t, node);
	int wd = butter__node(&t->model, node)->wd;
	struct butter__key key;
	if (!c->lazy || wd < 0)
		return;
	struct butter__fan *s = butter__fan_of(c);
	set_key(s, wd, &key);
	if (!is_away(s, &key))
		add_away(t, s, &key);
}
