/* SPDX-License-Identifier: MIT */
/*
 * How many fds may still be opened. The kernel takes an event off its queue before it finds that it has
 * no fd for it, so a group that tells fds must know beforehand.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>

#include "fanotify.h"

/* From the limit down, where almost every process has nothing open. */
unsigned butter__free_fds(unsigned wanted)
{
	struct rlimit limit = {.rlim_cur = INT_MAX};
	unsigned count = 0;
	int saved = errno;
	getrlimit(RLIMIT_NOFILE, &limit);
	int fd = limit.rlim_cur < INT_MAX ? (int)limit.rlim_cur : INT_MAX;
	while (count < wanted && fd-- > 0)
		count += fcntl(fd, F_GETFD) < 0;
	errno = saved;
	return count;
}
