/* SPDX-License-Identifier: MIT */
/*
 * A barrier for each channel: a memfd that is watched in its queue, so that touching it puts a record behind
 * all others and writes nothing in the tree.
 */
#include <errno.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <butter/file.h>

#include "../event/object.h"
#include "barrier.h"

int butter__barrier_open(struct butter__channel *c)
{
	int fd = butter_memfd_create("butter_tree", MFD_CLOEXEC), old = c->barrier;
	if (fd < 0)
		return -1;
	c->barrier = fd;
	int wd = c->backend->watch(c, fd, NULL, IN_ATTRIB);
	if (wd < 0) {
		butter__close(fd);
		c->barrier = old;
		return -1;
	}
	c->barrier_wd = wd;
	return 0;
}

/* Touches are merged while the first has not been read, so there is never more than one. */
int butter__barriers_touch(struct butter_tree *t)
{
	for (int i = 0; i < BUTTER__CHANNELS; i++) {
		struct butter__channel *c = &t->channels[i];
		if (c->fd < 0 || c->barrier_open || c->barrier_cookie == t->cookie)
			continue;
		if (futimens(c->barrier, NULL) < 0)
			return -1;
		c->barrier_open = 1;
		c->barrier_cookie = t->cookie;
	}
	return 0;
}

void butter__barriers_again(struct butter_tree *t)
{
	for (int i = 0; i < BUTTER__CHANNELS; i++) {
		struct butter__channel *c = &t->channels[i];
		if (c->barrier_open) {
			c->barrier_open = 0;
			c->barrier_cookie = t->synced;
		}
	}
}

/* One whose record may come yet, or not, is another one from now on. -1: there cannot be one. */
static int replace(struct butter__channel *c)
{
	struct butter__channel old = *c;
	if (butter__barrier_open(c) < 0)
		return -1;
	c->backend->unwatch(&old, old.barrier_wd);
	butter__close(old.barrier);
	c->barrier_open = 0;
	return 0;
}

void butter__barriers_pass(struct butter_tree *t)
{
	int saved = errno;
	for (int i = 0; i < BUTTER__CHANNELS; i++) {
		struct butter__channel *c = &t->channels[i];
		if (c->fd >= 0 && (!c->barrier_open || replace(c) == 0))
			c->barrier_cookie = t->cookie;
	}
	errno = saved;
}
