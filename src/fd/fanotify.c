/* SPDX-License-Identifier: MIT */
#include <butter/fanotify.h>

int butter_fanotify_init(unsigned flags, unsigned event_f_flags)
{
	return fanotify_init(flags, event_f_flags);
}

/* libc splits the mask where a word has 32 bits. */
int butter_fanotify_mark(int fanotify_fd, unsigned flags, uint64_t mask, int dirfd, const char *pathname)
{
	return fanotify_mark(fanotify_fd, flags, mask, dirfd, pathname);
}
