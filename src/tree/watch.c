/* SPDX-License-Identifier: MIT */
/* The inotify watches of directories. One inode has one, whichever nodes it is known by. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <butter/inotify.h>

#include "tree.h"

static const struct {
	uint32_t type, mask;
} masks[] = {
	{BUTTER_TREE_MODIFIED, IN_MODIFY},      {BUTTER_TREE_WRITTEN, IN_CLOSE_WRITE},
	{BUTTER_TREE_ATTRIB, IN_ATTRIB},        {BUTTER_TREE_OPENED, IN_OPEN},
	{BUTTER_TREE_CLOSED, IN_CLOSE_NOWRITE}, {BUTTER_TREE_ACCESSED, IN_ACCESS},
};

uint32_t butter__root_mask(const struct butter_tree *t, uint32_t node)
{
	uint32_t types = t->roots[butter__model_root(&t->model, node)].mask;
	uint32_t mask = IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR | IN_MASK_ADD | IN_EXCL_UNLINK;
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		if (types & masks[i].type)
			mask |= masks[i].mask;
	if (butter__tree_has_entries(t))
		mask |= IN_MODIFY | IN_ATTRIB;
	return mask;
}

/* By the directory's fd, so that one component is looked up, in the directory that is meant. */
int butter__watch(struct butter_tree *t, int dir, const char *name, uint32_t mask)
{
	char path[32 + BUTTER__POOL_MAX];
	int n = snprintf(path, sizeof(path), "/proc/self/fd/%d%s%s", dir, name ? "/" : "", name ? name : "");
	if (n >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return butter_inotify_add_watch(t->inotify, path, name ? mask | IN_DONT_FOLLOW : mask);
}

static int add_alias(struct butter_tree *t, int wd, uint32_t node)
{
	void *aliases = realloc(t->aliases, (t->alias_count + 1) * sizeof(*t->aliases));
	if (!aliases)
		return -1;
	t->aliases = aliases;
	t->aliases[t->alias_count].wd = wd;
	t->aliases[t->alias_count++].node = node;
	butter__node(&t->model, node)->wd = wd;
	butter__node(&t->model, node)->flags |= BUTTER__NODE_ALIASED;
	return 0;
}

/* Bind mounts and roots inside roots are known by more than one path. */
int butter__set_watch(struct butter_tree *t, int wd, uint32_t node)
{
	uint32_t first = butter__model_by_wd(&t->model, wd);
	if (!first || first == node)
		return butter__model_set_wd(&t->model, wd, node);
	butter__node(&t->model, first)->flags |= BUTTER__NODE_ALIASED;
	return add_alias(t, wd, node);
}

uint32_t butter__next_alias(const struct butter_tree *t, int wd, uint32_t *at)
{
	while (*at < t->alias_count)
		if (t->aliases[(*at)++].wd == wd)
			return t->aliases[*at - 1].node;
	return 0;
}

/* Whether node was one of several; the watch stays with the others. */
static int remove_alias(struct butter_tree *t, int wd, uint32_t node)
{
	uint32_t i = 0;
	if (!(butter__node(&t->model, node)->flags & BUTTER__NODE_ALIASED))
		return 0;
	while (i < t->alias_count && (t->aliases[i].wd != wd || (butter__model_by_wd(&t->model, wd) != node &&
								 t->aliases[i].node != node)))
		i++;
	if (i == t->alias_count)
		return 0;
	uint32_t next = t->aliases[i].node;
	t->aliases[i] = t->aliases[--t->alias_count];
	butter__node(&t->model, node)->wd = -1;
	if (next != node)
		butter__model_set_wd(&t->model, wd, next);
	return 1;
}

/* Records that are on their way are of no node then, and ignored. */
void butter__unwatch(struct butter_tree *t, uint32_t node)
{
	int wd = butter__node(&t->model, node)->wd, saved = errno;
	if (wd < 0 || remove_alias(t, wd, node))
		return;
	butter__model_set_wd(&t->model, wd, 0);
	butter_inotify_rm_watch(t->inotify, wd);
	errno = saved;
}

/* The kernel has ended a watch. */
void butter__forget_watch(struct butter_tree *t, int wd)
{
	uint32_t node;
	while ((node = butter__model_by_wd(&t->model, wd)))
		if (!remove_alias(t, wd, node))
			butter__model_set_wd(&t->model, wd, 0);
}
