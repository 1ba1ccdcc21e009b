/* SPDX-License-Identifier: MIT */
/* Which backend a root has: the one that was asked for, or the first that works; and why not the others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include <butter/epoll.h>

#include "../event/mounts.h"
#include "../event/object.h"
#include "barrier.h"
#include "tree.h"

static const struct butter__backend *const backends[BUTTER__CHANNELS] = {
	&butter__fanotify_backend, &butter__inotify_backend, &butter__poll_backend};

/* f_type of statfs(2) of those that change without this kernel's doing, or tell it nothing. */
static const uint32_t untold[] = {
	0x6969,     /* NFS */
	0xff534d42, /* CIFS */
	0xfe534d42, /* SMB2 */
	0x517b,     /* SMB */
	0x65735546, /* FUSE */
	0x01021997, /* 9p */
	0x9fa0,     /* proc */
	0x62656572, /* sysfs */
	0x00c36400, /* Ceph */
	0x5346414f, /* AFS */
	0x73757245, /* Coda */
	0x0bd00bd0, /* Lustre */
	0x7461636f, /* OCFS2 */
	0x01161970, /* GFS2 */
	0x786f4256, /* vboxsf */
};

static int is_untold(int fd)
{
	uint64_t fsid;
	unsigned long type;
	if (butter__fsid_of(fd, &fsid, &type) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(untold) / sizeof(untold[0]); i++)
		if (type == untold[i])
			return 1;
	return 0;
}

void butter__channels_init(struct butter_tree *t)
{
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		t->channels[i] = (struct butter__channel){
			.backend = backends[i], .fd = -1, .barrier = -1, .barrier_wd = -1};
}

void butter__channel_close(struct butter__channel *c)
{
	if (c->fd >= 0 || c->state)
		c->backend->close(c);
	if (c->barrier >= 0)
		butter__close(c->barrier);
	butter__wds_free(&c->wds);
	butter__free(c->stream);
	*c = (struct butter__channel){.backend = c->backend, .fd = -1, .barrier = -1, .barrier_wd = -1};
}

static int open_stream(struct butter_tree *t, struct butter__channel *c)
{
	struct epoll_event in = {.events = EPOLLIN};
	c->stream = malloc(BUTTER__STREAM_SIZE);
	return !c->stream || butter__barrier_open(c) < 0
		       ? -1
		       : butter_epoll_ctl(t->source.fd, EPOLL_CTL_ADD, c->fd, &in);
}

/* When the first root needs it. */
int butter__channel_open(struct butter_tree *t, struct butter__channel *c)
{
	if (c->fd >= 0 || c->state)
		return 0;
	c->tree = t;
	if (c->backend->open(c) == 0 && (c->fd < 0 || open_stream(t, c) == 0))
		return 0;
	int error = errno;
	butter__channel_close(c);
	errno = error;
	return -1;
}

static int watch_root(struct butter_tree *t, struct butter__root *root, struct butter__channel *c, int fd)
{
	if (butter__channel_open(t, c) < 0 ||
	    (c->backend->looks && butter__model_want_entries(&t->model) < 0))
		return -1;
	root->channel = c;
	return c->backend->watch(
		c, fd, NULL, butter__root_mask(t, root->node) | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF);
}

/* A lack is no reason to take one that costs more: the caller is told. */
int butter__choose(struct butter_tree *t, struct butter__root *root, int fd)
{
	int is_auto = root->backend == BUTTER_TREE_AUTO, skip = is_auto && is_untold(fd);
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		root->errors[i] = EAGAIN;
	for (int i = 0; i < BUTTER__CHANNELS; i++) {
		if (!is_auto && root->backend != (uint32_t)i + 1)
			continue;
		if (skip && !backends[i]->looks) {
			root->errors[i] = EOPNOTSUPP;
			continue;
		}
		int wd = watch_root(t, root, &t->channels[i], fd);
		root->errors[i] = wd < 0 ? errno : 0;
		if (wd >= 0 || !is_auto || &t->channels[i] == &t->channels[BUTTER_TREE_INOTIFY - 1])
			return wd;
	}
	return -1;
}

int butter_tree_backend(const struct butter_tree *x, int root, int backend)
{
	if (root < 0 || (uint32_t)root >= x->root_count || !x->roots[root].node) {
		errno = ENOENT;
		return -1;
	}
	if (backend < BUTTER_TREE_FANOTIFY || backend > BUTTER_TREE_POLL) {
		errno = EINVAL;
		return -1;
	}
	int error = x->roots[root].errors[backend - 1];
	if (error)
		errno = error;
	return error ? -1 : 0;
}
