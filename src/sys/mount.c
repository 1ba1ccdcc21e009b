/* SPDX-License-Identifier: MIT */
#include <butter/mount.h>

#include "../syscall.h"

int butter_mount(const char *source, const char *target, const char *filesystemtype, unsigned long mountflags,
		 const void *data)
{
	return mount(source, target, filesystemtype, mountflags, data);
}

int butter_umount2(const char *target, int flags)
{
	return umount2(target, flags);
}

int butter_pivot_root(const char *new_root, const char *put_old)
{
	return butter__syscall(SYS_pivot_root, new_root, put_old);
}
