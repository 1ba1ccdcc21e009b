/* SPDX-License-Identifier: MIT */
#include <butter/epoll.h>

#include "../syscall.h"

#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 35)
#define HAVE_EPOLL_PWAIT2
#endif
#endif

int butter_epoll_create1(int flags)
{
	return epoll_create1(flags);
}

int butter_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	return epoll_ctl(epfd, op, fd, event);
}

int butter_epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
{
	return epoll_wait(epfd, events, maxevents, timeout);
}

/*
 * musl and glibc before 2.35 have no wrapper. The kernel wants 64-bit times everywhere, as struct
 * timespec has here. The last argument goes over the stack, so that it is no jump, and where an
 * int would leave half of its word undefined.
 */
int butter_epoll_pwait2(int epfd, struct epoll_event *events, int maxevents, const struct timespec *timeout,
			const sigset_t *sigmask)
{
#ifdef HAVE_EPOLL_PWAIT2
	return epoll_pwait2(epfd, events, maxevents, timeout, sigmask);
#else
	return butter__syscall(SYS_epoll_pwait2, epfd, events, maxevents, timeout, sigmask,
			       (size_t)(_NSIG / 8));
#endif
}
