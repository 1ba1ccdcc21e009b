/* SPDX-License-Identifier: MIT */
#include <butter/file.h>

#include "../syscall.h"

/* musl 1.2.3 has neither close_range nor renameat2, and no libc of its time has openat2. */

int butter_close_range(unsigned first, unsigned last, int flags)
{
	return butter__syscall(SYS_close_range, first, last, flags);
}

int butter_memfd_create(const char *name, unsigned flags)
{
	return memfd_create(name, flags);
}

int butter_name_to_handle_at(int dirfd, const char *path, struct file_handle *handle, int *mount_id,
			     int flags)
{
	return name_to_handle_at(dirfd, path, handle, mount_id, flags);
}

int butter_open_by_handle_at(int mount_fd, struct file_handle *handle, int flags)
{
	return open_by_handle_at(mount_fd, handle, flags);
}

int butter_openat2(int dirfd, const char *path, const struct open_how *how, size_t size)
{
	return butter__syscall(SYS_openat2, dirfd, path, how, size);
}

int butter_renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, unsigned flags)
{
	return butter__syscall(SYS_renameat2, olddirfd, oldpath, newdirfd, newpath, flags);
}
