/* SPDX-License-Identifier: MIT */
#include <butter/inotify.h>

int butter_inotify_init1(int flags)
{
	return inotify_init1(flags);
}

int butter_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	return inotify_add_watch(fd, path, mask);
}

int butter_inotify_rm_watch(int fd, int wd)
{
	return inotify_rm_watch(fd, wd);
}
