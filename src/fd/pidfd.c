/* SPDX-License-Identifier: MIT */
#include <butter/pidfd.h>

#include "../syscall.h"

/* glibc has wrappers since 2.36, musl has none. */

int butter_pidfd_open(pid_t pid, unsigned flags)
{
	return butter__syscall(SYS_pidfd_open, pid, flags);
}

int butter_pidfd_send_signal(int pidfd, int sig, siginfo_t *info, unsigned flags)
{
	return butter__syscall(SYS_pidfd_send_signal, pidfd, sig, info, flags);
}

int butter_pidfd_getfd(int pidfd, int targetfd, unsigned flags)
{
	return butter__syscall(SYS_pidfd_getfd, pidfd, targetfd, flags);
}
