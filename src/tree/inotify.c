/* SPDX-License-Identifier: MIT */
/* The backend of every user: a watch on each directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include <butter/inotify.h>

#include "../event/object.h"
#include "tree.h"

static int open_inotify(struct butter__channel *c)
{
	c->fd = butter_inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return c->fd < 0 ? -1 : 0;
}

static void close_inotify(struct butter__channel *c)
{
	butter__close(c->fd);
}

/* By the directory's fd, so that one component is looked up, in the directory that is meant. */
static int watch(struct butter__channel *c, int dir, const char *name, uint32_t mask)
{
	char path[32 + BUTTER__POOL_MAX];
	if (dir == AT_FDCWD)
		return butter_inotify_add_watch(c->fd, name, mask | IN_DONT_FOLLOW);
	int n = snprintf(path, sizeof(path), "/proc/self/fd/%d%s%s", dir, name ? "/" : "", name ? name : "");
	if (n >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return butter_inotify_add_watch(c->fd, path, name ? mask | IN_DONT_FOLLOW : mask);
}

static void unwatch(struct butter__channel *c, int wd)
{
	butter_inotify_rm_watch(c->fd, wd);
}

static int next(struct butter__channel *c, struct butter__record *ret)
{
	struct butter_inotify_event ev;
	if (c->next == c->end)
		return 0;
	ssize_t n = butter_inotify_decode(c->stream + c->next, c->end - c->next, &ev);
	if (n <= 0)
		return -1;
	c->next += (uint32_t)n;
	*ret = (struct butter__record){
		.wd = ev.wd, .mask = ev.mask, .cookie = ev.cookie, .name = ev.name, .len = ev.name_len};
	return 1;
}

const struct butter__backend butter__inotify_backend = {
	.name = "inotify",
	.open = open_inotify,
	.close = close_inotify,
	.watch = watch,
	.unwatch = unwatch,
	.next = next,
};
