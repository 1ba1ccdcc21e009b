/* SPDX-License-Identifier: MIT */
/* File systems of a test's own, mounted in a mount namespace of its own (child.h). */
#ifndef IMAGE_H
#define IMAGE_H

/*
 * Mounts a new and empty file system on dir: ext4, xfs and btrfs are made in an image, tmpfs and any other
 * type as they are; "overlay" and "overlay,nfs_export" lie over a tmpfs. All is gone with the namespace.
 * 1, or 0 and errno: it is not for this user.
 */
int mount_new(const char *type, const char *dir);

/* Demands that this mount is made; for types that root of a user namespace may mount. */
void must_mount(const char *type, const char *dir);

#endif
