/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../event/object.h"
#include "look.h"
#include "verdict.h"

enum { TRIES = 8, FEW_NAMES = 8, MANY_NAMES = 256, HELD_LAST = 64 };

int butter__stat_at(int dir, const char *name, struct stat *ret)
{
	return fstatat(dir, name, ret, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);
}

/* On another filesystem, where the root wants to stay on its own: it is known, and that is all. */
static int is_beyond(const struct butter_tree *t, uint32_t parent, const struct stat *st)
{
	const struct butter__root *root = &t->roots[butter__model_root(&t->model, parent)];
	return root->flags & BUTTER_TREE_ONE_FILESYSTEM && root->dev != st->st_dev;
}

static int is_of(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/*
 * The watch is of this very directory, when it was there before and after: as good as always. It may have
 * been away in between, for just that long; a record of that is on its way, and who compares compares both.
 */
static int is_still(int dir, const char *name, const struct stat *st)
{
	struct stat now;
	return butter__stat_at(dir, name, &now) == 0 && is_of(&now, st);
}

/* By name, another may have been there for a moment; so where fds will do, it is what is open. */
static int watch(struct butter__channel *c, int dir, const char *name, uint32_t mask, const struct stat *st)
{
	struct stat now;
	if (!c->backend->takes_paths)
		return c->backend->watch(c, dir, name, mask);
	int wd = -1, fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &now) == 0 && is_of(&now, st))
		wd = c->backend->watch(c, fd, NULL, mask);
	else
		errno = ENOENT;
	butter__close(fd);
	return wd;
}

/*
 * First watched, then looked at, so that what changes it afterwards is told. When it is replaced in
 * between, a record of that name is on its way, and this is done again.
 */
void butter__look(struct butter_tree *t, int dir, uint32_t parent, const char *name,
		  struct butter__there *ret)
{
	struct butter__channel *c = butter__channel_of(t, parent);
	int denied = 0;
	*ret = (struct butter__there){.wd = -1};
	for (int i = 0; i < TRIES && !butter__is_hidden(t, parent, name); i++) {
		if (butter__stat_at(dir, name, &ret->st) < 0) {
			ret->trouble = butter__is_gone(errno) ? 0 : errno;
			denied = errno == EACCES && butter__can_search(dir);
			break;
		}
		ret->is_dir = S_ISDIR(ret->st.st_mode);
		ret->exists = ret->is_dir || butter__keeps_files(t, parent);
		enum butter__filter_verdict verdict =
			butter__verdict(t, parent, name, strlen(name), ret->is_dir);
		if (verdict == BUTTER__FILTER_GONE)
			break;
		ret->leaf = verdict == BUTTER__FILTER_LEAF || (ret->is_dir && is_beyond(t, parent, &ret->st));
		if (!ret->is_dir || ret->leaf)
			return;
		ret->wd = watch(c, dir, name, butter__root_mask(t, parent), &ret->st);
		ret->error = ret->wd < 0 ? errno : 0;
		if (ret->wd >= 0 || (ret->error != ENOENT && ret->error != ENOTDIR && ret->error != ELOOP))
			if (is_still(dir, name, &ret->st))
				return;
		if (ret->wd >= 0)
			butter__drop_watch(t, c, ret->wd);
	}
	*ret = (struct butter__there){.wd = -1, .trouble = ret->trouble, .denied = denied};
}

/*
 * Whether the disk has a node's object still where the model has it; what cannot be asked stays there. So
 * does a file of several names whose directory is not where it was, and may have taken it along.
 */
static int is_in_place(struct butter_tree *t, uint32_t node, int has_names)
{
	const struct butter__node *n = butter__node(&t->model, node);
	struct stat st;
	if (!n->parent)
		return 1;
	int dir = butter__tree_open_dir(t, n->parent);
	if (dir < 0 && has_names)
		return 1;
	if (dir < 0 || butter__stat_at(dir, butter__node_name(&t->model, node), &st) < 0)
		return !butter__is_gone(errno);
	return butter__model_is(&t->model, node, st.st_dev, st.st_ino);
}

/* The better of two nodes to move to a directory: of the same root; of another only when that has no other
 * name for the place that it was in. */
static uint32_t better(const struct butter_tree *t, uint32_t dir, uint32_t best, uint32_t node)
{
	const struct butter__model *m = &t->model;
	if (butter__model_root(m, node) == butter__model_root(m, dir))
		return node;
	int aliased = (butter__node(m, node)->flags | butter__node(m, butter__node(m, node)->parent)->flags) &
		      BUTTER__NODE_ALIASED;
	return best || aliased ? best : node;
}

static uint32_t find_moved_dir(struct butter_tree *t, uint32_t dir, int wd, const struct stat *st)
{
	const struct butter__channel *c = butter__channel_of(t, dir);
	uint32_t node = butter__wds_get(&c->wds, wd), best = 0, at = 0;
	int several = node && butter__node(&t->model, node)->flags & BUTTER__NODE_ALIASED;
	while (node) {
		if (butter__model_is(&t->model, node, st->st_dev, st->st_ino) && !is_in_place(t, node, 0))
			best = better(t, dir, best, node);
		node = several ? butter__next_alias(t, c, wd, &at) : 0;
	}
	return best;
}

static int is_name_that_left(struct butter_tree *t, uint32_t node, const struct stat *st)
{
	return butter__model_is(&t->model, node, st->st_dev, st->st_ino) &&
	       (butter__entry(&t->model, node)->mode & S_IFMT) == (st->st_mode & S_IFMT) &&
	       !is_in_place(t, node, st->st_nlink > 1);
}

static uint32_t find_name(struct butter_tree *t, uint32_t dir, const struct stat *st)
{
	uint32_t best = 0, node = 0;
	while ((node = butter__model_by_ino(&t->model, st->st_dev, st->st_ino, node)))
		if (is_name_that_left(t, node, st))
			best = better(t, dir, best, node);
	return best;
}

/* Among those that were held last: the record that something came follows the one that it left. */
static uint32_t find_held_name(struct butter_tree *t, uint32_t dir, const struct stat *st)
{
	uint32_t best = 0, end = t->held.count > HELD_LAST ? t->held.count - HELD_LAST : 0;
	for (uint32_t i = t->held.count; i > end && !best; i--) {
		uint32_t node = t->held.items[i - 1];
		if (butter__node(&t->model, node)->flags & BUTTER__NODE_HELD &&
		    is_name_that_left(t, node, st))
			best = better(t, dir, best, node);
	}
	return best;
}

static uint32_t count_names(const struct butter_tree *t, const struct stat *st, uint32_t most)
{
	uint32_t count = 0, node = 0;
	while (count < most && (node = butter__model_by_ino(&t->model, st->st_dev, st->st_ino, node)))
		count++;
	return count;
}

/*
 * To ask for each name of a file whether it is there takes the longer the more there are, and some have
 * thousands. While it has more names than are known this is one of them; if after all it was another, that
 * one is told to be deleted, as good as moved: the names of a file are alike.
 */
static uint32_t find_moved_file(struct butter_tree *t, uint32_t dir, const struct stat *st)
{
	uint32_t names = count_names(t, st, MANY_NAMES);
	if (names <= FEW_NAMES)
		return find_name(t, dir, st);
	uint32_t node = find_held_name(t, dir, st);
	return node || names == MANY_NAMES || st->st_nlink > names ? node : find_name(t, dir, st);
}

uint32_t butter__find_moved(struct butter_tree *t, uint32_t dir, const struct butter__there *there)
{
	if (!there->is_dir)
		return find_moved_file(t, dir, &there->st);
	return there->wd >= 0 ? find_moved_dir(t, dir, there->wd, &there->st) : 0;
}
