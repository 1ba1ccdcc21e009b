/* SPDX-License-Identifier: MIT */
/*
 * One name: what the model has there, what the disk has there, and the difference told. What a record
 * meant does not count, only that it named this name: records are read later than they were written, and
 * say what has long been otherwise.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lazy.h"
#include "look.h"
#include "tree.h"
#include "verdict.h"

static int64_t mtime_of(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* As much as there is room for: a change of one of the two, by less than 65536, always shows. */
static uint16_t owner_of(const struct stat *st)
{
	uint32_t user = st->st_uid ^ st->st_uid >> 16, group = st->st_gid ^ st->st_gid >> 16;
	return (uint16_t)(user + 40503 * group);
}

static void note_identity(struct butter_tree *t, uint32_t node, const struct stat *st)
{
	butter__model_set_ino(&t->model, node, st->st_dev, st->st_ino);
	if (!t->model.entries)
		return;
	struct butter__entry *e = butter__entry(&t->model, node);
	e->size = (uint64_t)st->st_size;
	e->mtime = mtime_of(st);
	e->mode = (uint16_t)st->st_mode;
	e->owner = owner_of(st);
}

/*
 * Whether the model's node is this very object. A watch alone does not say so: two that changed places just
 * when the one was looked at, and changed back, have left the watch of the one with the inode of the other.
 */
static int is_same(const struct butter_tree *t, uint32_t node, const struct butter__there *there)
{
	const struct butter__node *n = butter__node(&t->model, node);
	if (!(n->flags & BUTTER__NODE_DIR) != !there->is_dir)
		return 0;
	if (there->is_dir && there->wd >= 0 && !(n->flags & BUTTER__NODE_UNWATCHED) &&
	    n->wd != BUTTER__WD_NONE && n->wd != there->wd)
		return 0;
	return butter__model_is(&t->model, node, there->st.st_dev, there->st.st_ino);
}

static unsigned flags_of(const struct butter_tree *t, uint32_t node, enum butter__why why)
{
	unsigned flags = butter__node(&t->model, node)->flags & BUTTER__NODE_DIR ? BUTTER_TREE_IS_DIR : 0;
	return why == BUTTER__LISTED ? flags | BUTTER_TREE_SYNTHETIC : flags;
}

/* Without memory it is not watched, and another look makes up for it. */
static void watch_node(struct butter_tree *t, uint32_t node, int wd)
{
	if (butter__set_watch(t, wd, node) == 0)
		return;
	butter__drop_watch(t, butter__channel_of(t, node), wd);
	t->lost = 1;
}

static uint32_t add_new(struct butter_tree *t, uint32_t dir, const char *name, size_t len,
			const struct butter__there *there, enum butter__why why)
{
	uint32_t node = butter__model_add(&t->model, dir, name, len, there->is_dir ? BUTTER__NODE_DIR : 0);
	if (!node) {
		t->lost = 1;
		return 0;
	}
	note_identity(t, node, &there->st);
	if (!t->initial || butter__tree_has_entries(t))
		butter__tell(t, BUTTER_TREE_CREATED, flags_of(t, node, why), node, NULL, 0);
	if (!there->is_dir)
		return node;
	if (there->leaf)
		return node;
	if (there->wd < 0)
		butter__degrade(t, node, there->error);
	else
		watch_node(t, node, there->wd);
	if (there->wd >= 0 && butter__list_add(&t->scan, node) < 0)
		t->lost = 1;
	return node;
}

void butter__found_new(struct butter_tree *t, uint32_t dir, const char *name, size_t len,
		       const struct stat *st, int wd, int is_leaf)
{
	const struct butter__there there = {
		.exists = 1, .is_dir = S_ISDIR(st->st_mode), .leaf = is_leaf, .wd = wd, .st = *st};
	add_new(t, dir, name, len, &there, BUTTER__LISTED);
}

/* What was removed just now has taken the watch with it. */
static uint32_t add_again(struct butter_tree *t, uint32_t dir, const char *name, size_t len,
			  enum butter__why why)
{
	struct butter__there now;
	int fd = butter__tree_open_dir(t, dir);
	if (fd < 0)
		return 0;
	butter__look(t, fd, dir, name, &now);
	return now.exists ? add_new(t, dir, name, len, &now, why) : 0;
}

static void unhold(struct butter_tree *t, uint32_t node)
{
	butter__node(&t->model, node)->flags &= (uint8_t)~BUTTER__NODE_HELD;
	butter__node(&t->model, node)->left = 0;
}

/* What a listing misses has its records still to come, and what happens in it before them is told. */
static void hold(struct butter_tree *t, uint32_t node, enum butter__why why)
{
	butter__hold(t, node);
	if (why == BUTTER__CAME || why == BUTTER__WENT)
		butter__node(&t->model, node)->left = 1;
}

/* Where something has moved to, there was something else. When that is where it was, the two have changed
 * places. */
static int exchange(struct butter_tree *t, uint32_t node, uint32_t old, uint32_t dir, const char *name,
		    size_t len, enum butter__why why)
{
	struct stat st;
	const struct butter__node *n = butter__node(&t->model, node);
	if (butter__model_is_below(&t->model, node, old) || butter__model_is_below(&t->model, old, node))
		return 0;
	/* Who follows directories alone would not know that one has moved. */
	if (!butter__tree_has_entries(t) &&
	    (n->flags ^ butter__node(&t->model, old)->flags) & BUTTER__NODE_DIR)
		return 0;
	if (!butter__moves_plainly(t, node, dir, name, len) ||
	    !butter__moves_plainly(t, old, n->parent, butter__node_name(&t->model, node), n->name_len))
		return 0;
	int from = butter__tree_open_dir(t, n->parent);
	if (from < 0 || butter__stat_at(from, butter__node_name(&t->model, node), &st) < 0 ||
	    !butter__model_is(&t->model, old, st.st_dev, st.st_ino))
		return 0;
	if (butter__tree_path(t, &t->old_path, node, NULL, 0) == 0)
		butter__tell_moved(t, flags_of(t, node, why) | BUTTER_TREE_EXCHANGED, dir, name, len);
	else
		t->lost = 1;
	butter__model_exchange(&t->model, node, old);
	unhold(t, node);
	unhold(t, old);
	butter__moved(t, node);
	butter__moved(t, old);
	return 1;
}

static void look_again(struct butter_tree *t, uint32_t node)
{
	const struct butter__node *n = butter__node(&t->model, node);
	if (butter__names_add(&t->again, n->parent, butter__node_name(&t->model, node), n->name_len) < 0)
		t->lost = 1;
}

void butter__leave_place(struct butter_tree *t, uint32_t node)
{
	if (!(butter__node(&t->model, node)->flags & BUTTER__NODE_HELD))
		return;
	unhold(t, node);
	look_again(t, node);
}

static void move_here(struct butter_tree *t, uint32_t node, uint32_t dir, const char *name, size_t len,
		      enum butter__why why)
{
	butter__leave_place(t, node);
	if (butter__tree_path(t, &t->old_path, node, NULL, 0) == 0 &&
	    butter__model_move(&t->model, node, dir, name, len) == 0)
		butter__tell_moved(t, flags_of(t, node, why), node, NULL, 0);
	else
		t->lost = 1;
	if (butter__node(&t->model, node)->flags & BUTTER__NODE_DIRTY &&
	    butter__list_add(&t->dirty, node) < 0)
		t->lost = 1;
	butter__moved(t, node);
}

/* A file that is renamed over goes without a word: MOVED says so. */
static void make_place(struct butter_tree *t, uint32_t old)
{
	if (butter__node(&t->model, old)->flags & BUTTER__NODE_DIR)
		butter__remove_tree(t, old);
	else
		butter__model_remove(&t->model, old);
}

static void tell_change(struct butter_tree *t, uint32_t node, const struct butter__there *there)
{
	if (!t->model.entries)
		return;
	const struct butter__entry *e = butter__entry(&t->model, node);
	unsigned flags = flags_of(t, node, BUTTER__LISTED);
	if (!there->is_dir && (e->size != (uint64_t)there->st.st_size || e->mtime != mtime_of(&there->st)))
		butter__tell(t, BUTTER_TREE_MODIFIED, flags, node, NULL, 0);
	if (e->mode != (uint16_t)there->st.st_mode || e->owner != owner_of(&there->st))
		butter__tell(t, BUTTER_TREE_ATTRIB, flags, node, NULL, 0);
}

/*
 * By a move of what is above it a directory may come to be entered, or not any more; one that could not be
 * watched may be by now.
 */
static void same_watch(struct butter_tree *t, uint32_t node, const struct butter__there *there)
{
	const struct butter__node *n = butter__node(&t->model, node);
	if (there->leaf) {
		butter__unwatch(t, node);
	} else if (there->wd >= 0 && n->flags & BUTTER__NODE_UNWATCHED) {
		butter__may_recover(t, node, there->wd);
	} else if (there->wd >= 0 && n->wd < 0) {
		watch_node(t, node, there->wd);
		if (butter__list_add(&t->scan, node) < 0)
			t->lost = 1;
	} else if (n->wd < 0) {
		butter__degrade(t, node, there->error);
	}
}

static void same(struct butter_tree *t, uint32_t node, const struct butter__there *there,
		 enum butter__why why)
{
	if (why != BUTTER__OTHER)
		tell_change(t, node, there);
	note_identity(t, node, &there->st);
	butter__node(&t->model, node)->flags |= BUTTER__NODE_SEEN;
	unhold(t, node);
	if (there->is_dir)
		same_watch(t, node, there);
}

/* What is there is not taken in: nothing but what is known is watched. */
static void forget_look(struct butter_tree *t, uint32_t dir, const struct butter__there *there)
{
	if (there->wd >= 0)
		butter__drop_watch(t, butter__channel_of(t, dir), there->wd);
}

/* A move that is told as a deletion and a creation. What is in its place now may have been found already. */
static uint32_t remove_from(struct butter_tree *t, uint32_t node)
{
	look_again(t, node);
	butter__remove_tree(t, node);
	return 0;
}

/* The other thing that is there now; old is what the model has there, and may be found elsewhere yet. */
static void other(struct butter_tree *t, uint32_t old, uint32_t dir, const char *name, size_t len,
		  const struct butter__there *there, enum butter__why why, int final)
{
	struct butter__wds *wds = &butter__channel_of(t, dir)->wds;
	int was_known = there->wd >= 0 && butter__wds_get(wds, there->wd);
	uint32_t node = butter__find_moved(t, dir, there);
	if (node && old && exchange(t, node, old, dir, name, len, why))
		return;
	if (old && !node && !final) {
		hold(t, old, why);
		forget_look(t, dir, there);
		return;
	}
	/* What is known above or below of where it is now cannot be moved: it is new, and the old is looked
	 * at again. */
	if (node && ((old && butter__model_is_below(&t->model, node, old)) ||
		     butter__model_is_below(&t->model, dir, node))) {
		butter__mark_dirty(t, butter__node(&t->model, node)->parent);
		node = 0;
	}
	if (node && !butter__moves_plainly(t, node, dir, name, len))
		node = remove_from(t, node);
	if (old && node)
		make_place(t, old);
	else if (old)
		butter__remove_tree(t, old);
	if (node)
		move_here(t, node, dir, name, len, why);
	else if (was_known && !butter__wds_get(wds, there->wd))
		node = add_again(t, dir, name, len, why);
	else
		node = add_new(t, dir, name, len, there, why);
	if (node)
		butter__node(&t->model, node)->flags |= BUTTER__NODE_SEEN;
}

static void reconcile(struct butter_tree *t, uint32_t dir, const char *name, size_t len, enum butter__why why,
		      int final)
{
	struct butter__there there;
	uint32_t old = butter__model_find(&t->model, dir, name, len);
	int fd = butter__tree_open_dir(t, dir);
	if (fd < 0) {
		butter__look_failed(t, dir, errno);
		return;
	}
	butter__look(t, fd, dir, name, &there);
	if (there.is_dir && butter__channel_of(t, dir)->lazy) {
		if (butter__lazy_stranger(t, dir, fd, name, len, &there)) {
			forget_look(t, dir, &there);
			return;
		}
		old = butter__model_find(&t->model, dir, name, len);
	}
	if (there.denied) {
		if (old)
			butter__node(&t->model, old)->flags |= BUTTER__NODE_SEEN;
	} else if (there.trouble)
		butter__look_failed(t, dir, there.trouble);
	else if (there.exists && old && is_same(t, old, &there))
		same(t, old, &there, why);
	else if (there.exists)
		other(t, old, dir, name, len, &there, why, final);
	else if (old && (why == BUTTER__DELETED || final))
		butter__remove_tree(t, old);
	else if (old)
		hold(t, old, why);
}

/* A list and no recursion: such chains are as long as somebody makes them. */
void butter__reconcile_again(struct butter_tree *t)
{
	for (uint32_t i = 0; i < t->again.count; i++) {
		struct butter__dir_name name = t->again.items[i];
		const struct butter__node *n = butter__node(&t->model, name.dir);
		if (n->flags & BUTTER__NODE_DIR && (n->parent || n->flags & BUTTER__NODE_ROOT))
			reconcile(t, name.dir, name.text, name.len, BUTTER__OTHER, 0);
	}
	butter__names_clear(&t->again);
}

void butter__reconcile(struct butter_tree *t, uint32_t dir, const char *name, size_t len,
		       enum butter__why why)
{
	reconcile(t, dir, name, len, why, 0);
	if (t->again.count > 0)
		butter__reconcile_again(t);
}

/* Nothing more is to come: what is not where it was is gone. */
void butter__reconcile_held(struct butter_tree *t, uint32_t node)
{
	const struct butter__node *n = butter__node(&t->model, node);
	uint32_t dir = n->parent;
	size_t len = n->name_len;
	char name[BUTTER__POOL_MAX];
	memcpy(name, butter__node_name(&t->model, node), len + 1);
	unhold(t, node);
	reconcile(t, dir, name, len, BUTTER__OTHER, 1);
	if (t->again.count > 0)
		butter__reconcile_again(t);
}

/* What is known of it may be of another filesystem, or of the directory below one. */
void butter__rebind(struct butter_tree *t, uint32_t node)
{
	const struct butter__node *n = butter__node(&t->model, node);
	struct butter__there there = {.wd = -1};
	if (n->flags & BUTTER__NODE_ROOT) {
		butter__root_rebind(t, &t->roots[n->name]);
		return;
	}
	int dir = butter__tree_open_dir(t, n->parent);
	if (dir >= 0)
		butter__look(t, dir, n->parent, butter__node_name(&t->model, node), &there);
	if (there.exists && is_same(t, node, &there)) {
		same(t, node, &there, BUTTER__OTHER);
		return;
	}
	while (n->first_child)
		butter__remove_tree(t, n->first_child);
	if (dir >= 0)
		dir = butter__tree_open_dir(t, n->parent);
	butter__unwatch(t, node);
	if (dir >= 0)
		butter__look(t, dir, n->parent, butter__node_name(&t->model, node), &there);
	if (dir < 0 || !there.is_dir) {
		butter__mark_dirty(t, n->parent);
		return;
	}
	if (t->open_node == node)
		butter__tree_close_dir(t);
	butter__node(&t->model, node)->lazy = 0;
	note_identity(t, node, &there.st);
	same_watch(t, node, &there);
}
