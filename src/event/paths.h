/* SPDX-License-Identifier: MIT */
/* Paths of handles: what is kept, and what tells that it holds no longer. */
#ifndef BUTTER__PATHS_H
#define BUTTER__PATHS_H

#include <fcntl.h>
#include <limits.h>

#include "fanotify.h"
#include "mounts.h"
#include "path_cache.h"

enum {
	BUTTER__HANDLE_HEADER = 8,
	BUTTER__HANDLE_LIMIT = BUTTER__HANDLE_HEADER + MAX_HANDLE_SZ,
	BUTTER__KEY_LIMIT = 8 + BUTTER__HANDLE_LIMIT,
};

enum butter__keeping { UNKNOWN, YES, NO };

struct butter__paths {
	struct butter__mounts mounts;
	enum butter__keeping keeps;
	int set, group, mountinfo; /* set: the epoll fd of the other two */
	struct butter__path_cache cache;
	unsigned char buf[16 << 10];
};

/* fsid and handle, by which the cache knows a path. */
size_t butter__paths_key(const struct butter_fanotify_handle *handle, unsigned char key[BUTTER__KEY_LIMIT]);

/* Tries to be told of changes; keeps tells. */
void butter__paths_start(struct butter__paths *p, uint32_t max);
void butter__paths_stop(struct butter__paths *p);

/*
 * From here on all that gives other paths to what is on a mount is told, if m->guard says so. fd is open
 * on its root.
 */
void butter__paths_guard(struct butter__paths *p, struct butter__mount *m, int fd);

/* Forgets what has changed until now: one system call when nothing has. errno is kept. */
void butter__paths_update(struct butter__paths *p);

#endif
