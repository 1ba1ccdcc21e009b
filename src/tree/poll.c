/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel tells nothing, or not what others do to a remote filesystem: everything is looked at
 * again and again. There are no records; what would be one is found by listing. Files are part of the model
 * whatever the level is, since the difference is all that there is to tell.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../event/object.h"
#include "../event/time.h"
#include "handles.h"
#include "tree.h"

static int open_poll(struct butter__channel *c)
{
	c->state = calloc(1, sizeof(struct butter__handles));
	return c->state ? 0 : -1;
}

static void close_poll(struct butter__channel *c)
{
	butter__handles_free(c->state);
	butter__free(c->state);
	c->state = NULL;
}

static int watch(struct butter__channel *c, int dir, const char *name, uint32_t mask)
{
	struct stat st;
	uint64_t key[2];
	(void)mask;
	if (name ? fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) : fstat(dir, &st))
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	key[0] = st.st_dev;
	key[1] = st.st_ino;
	return butter__handles_intern(c->state, key, sizeof(key));
}

static void unwatch(struct butter__channel *c, int wd)
{
	butter__handles_forget(c->state, wd);
}

static int next(struct butter__channel *c, struct butter__record *ret)
{
	(void)c;
	(void)ret;
	return 0;
}

static size_t bytes(const struct butter__channel *c)
{
	return butter__handles_bytes(c->state);
}

const struct butter__backend butter__poll_backend = {
	.name = "poll",
	.open = open_poll,
	.close = close_poll,
	.watch = watch,
	.unwatch = unwatch,
	.next = next,
	.bytes = bytes,
	.looks = 1,
};

static int is_polled(const struct butter__root *root)
{
	return root->node && root->channel->backend->looks;
}

int64_t butter__poll_due(const struct butter_tree *t)
{
	int64_t when = 0;
	for (uint32_t i = 0; i < t->root_count; i++)
		if (is_polled(&t->roots[i]) && (!when || t->roots[i].next_look < when))
			when = t->roots[i].next_look;
	return when;
}

/* The next look is that long after this one has ended, so that a large tree is not all that is done. */
void butter__poll(struct butter_tree *t, int all)
{
	int64_t when = butter__poll_due(t);
	if (!when || (!all && butter__time_now() < when))
		return;
	t->lists_all = 1;
	for (uint32_t i = 0; i < t->root_count; i++) {
		struct butter__root *root = &t->roots[i];
		if (!is_polled(root) || (!all && butter__time_now() < root->next_look))
			continue;
		butter__look_later(t, root);
		butter__look_at_roots(t, 0);
		if (!root->missing)
			butter__list_tree(t, root->node);
		root->next_look = butter__time_add(butter__time_now(), root->interval);
	}
	t->lists_all = 0;
}
