/* SPDX-License-Identifier: MIT */
/* Mounts: the tree of file systems that the processes of a mount namespace see. */
#ifndef BUTTER_MOUNT_H
#define BUTTER_MOUNT_H

#include <sys/mount.h>

#include <butter/common.h>

BUTTER_BEGIN_DECLS

/* mount(2). */
BUTTER_API int butter_mount(const char *source, const char *target, const char *filesystemtype,
			    unsigned long mountflags, const void *data);

/* umount2(2). */
BUTTER_API int butter_umount2(const char *target, int flags);

/* pivot_root(2). */
BUTTER_API int butter_pivot_root(const char *new_root, const char *put_old);

BUTTER_END_DECLS

#endif
