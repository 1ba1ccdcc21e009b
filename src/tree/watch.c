/* SPDX-License-Identifier: MIT */
/* The watches of directories. One inode has one, whichever nodes it is known by. */
#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>

#include "tree.h"

static const struct {
	uint32_t type, mask;
} masks[] = {
	{BUTTER_TREE_MODIFIED, IN_MODIFY},      {BUTTER_TREE_WRITTEN, IN_CLOSE_WRITE},
	{BUTTER_TREE_ATTRIB, IN_ATTRIB},        {BUTTER_TREE_OPENED, IN_OPEN},
	{BUTTER_TREE_CLOSED, IN_CLOSE_NOWRITE}, {BUTTER_TREE_ACCESSED, IN_ACCESS},
};

uint32_t butter__inotify_mask(uint32_t types)
{
	uint32_t mask = 0;
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		if (types & masks[i].type)
			mask |= masks[i].mask;
	return mask;
}

uint32_t butter__root_mask(const struct butter_tree *t, uint32_t node)
{
	uint32_t types = t->roots[butter__model_root(&t->model, node)].mask;
	uint32_t mask = IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR | IN_MASK_ADD | IN_EXCL_UNLINK;
	mask |= butter__inotify_mask(types);
	if (butter__keeps_files(t, node))
		mask |= IN_MODIFY | IN_ATTRIB;
	if (t->roots[butter__model_root(&t->model, node)].ignore_file)
		mask |= IN_MODIFY | IN_CLOSE_WRITE;
	return mask;
}

int butter__keeps_files(const struct butter_tree *t, uint32_t node)
{
	return butter__tree_has_entries(t) || butter__channel_of(t, node)->backend->looks;
}

struct butter__channel *butter__channel_of(const struct butter_tree *t, uint32_t node)
{
	return t->roots[butter__model_root(&t->model, node)].channel;
}

static uint32_t number_of(const struct butter_tree *t, const struct butter__channel *c)
{
	_Static_assert((int)BUTTER__ALIAS_CHANNELS == (int)BUTTER__CHANNELS, "channels");
	return (uint32_t)(c - t->channels);
}

static int add_alias(struct butter_tree *t, struct butter__channel *c, int wd, uint32_t node)
{
	if (butter__aliases_add(&t->aliases, number_of(t, c), wd, node) < 0)
		return -1;
	butter__node(&t->model, node)->flags |= BUTTER__NODE_ALIASED;
	return 0;
}

/* Bind mounts and roots inside roots are known by more than one path. */
int butter__set_watch(struct butter_tree *t, int wd, uint32_t node)
{
	struct butter__channel *c = butter__channel_of(t, node);
	uint32_t first = butter__wds_get(&c->wds, wd);
	if (!first || first == node) {
		if (butter__wds_set(&c->wds, wd, node) < 0)
			return -1;
	} else if (add_alias(t, c, wd, node) < 0) {
		return -1;
	} else {
		butter__node(&t->model, first)->flags |= BUTTER__NODE_ALIASED;
	}
	butter__node(&t->model, node)->wd = wd;
	return 0;
}

uint32_t butter__next_alias(const struct butter_tree *t, const struct butter__channel *c, int wd,
			    uint32_t *at)
{
	return butter__aliases_next(&t->aliases, number_of(t, c), wd, at);
}

/* Another node of this watch, which is an alias no more; node itself when it was one. 0: there is none. */
static uint32_t take_alias(struct butter_tree *t, const struct butter__channel *c, int wd, uint32_t node)
{
	int is_first = butter__wds_get(&c->wds, wd) == node;
	return butter__aliases_take(&t->aliases, number_of(t, c), wd, is_first ? 0 : node);
}

/* 1: node was one of several, and the watch stays with the others. */
static int leave_others(struct butter_tree *t, struct butter__channel *c, int wd, uint32_t node)
{
	if (!(butter__node(&t->model, node)->flags & BUTTER__NODE_ALIASED))
		return 0;
	uint32_t other = take_alias(t, c, wd, node);
	if (other && other != node)
		butter__wds_set(&c->wds, wd, other);
	return other != 0;
}

/* Records that are on their way are of no node then, and ignored. */
void butter__unwatch(struct butter_tree *t, uint32_t node)
{
	struct butter__node *n = butter__node(&t->model, node);
	struct butter__channel *c = butter__channel_of(t, node);
	int wd = n->wd, saved = errno;
	n->wd = BUTTER__WD_NONE;
	if (wd < 0 || leave_others(t, c, wd, node))
		return;
	butter__wds_set(&c->wds, wd, 0);
	butter__drop_watch(t, c, wd);
	errno = saved;
}

void butter__drop_watch(struct butter_tree *t, struct butter__channel *c, int wd)
{
	int saved = errno;
	if (butter__wds_get(&c->wds, wd) || (c == butter__inotify_of(t) && butter__wds_get(&t->links, wd)))
		return;
	c->backend->unwatch(c, wd);
	butter__retry_soon(t);
	errno = saved;
}

/* The kernel has ended a watch. */
void butter__forget_watch(struct butter_tree *t, struct butter__channel *c, int wd)
{
	uint32_t node;
	while ((node = butter__wds_get(&c->wds, wd))) {
		butter__node(&t->model, node)->wd = BUTTER__WD_ENDED;
		if (!leave_others(t, c, wd, node))
			butter__wds_set(&c->wds, wd, 0);
	}
	butter__retry_soon(t);
}
