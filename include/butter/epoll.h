/* SPDX-License-Identifier: MIT */
/* epoll(7): wait for events on many file descriptors. */
#ifndef BUTTER_EPOLL_H
#define BUTTER_EPOLL_H

#include <signal.h>
#include <sys/epoll.h>

#include <butter/common.h>

BUTTER_BEGIN_DECLS

struct timespec;

/* System calls */

/* epoll_create1(2). */
BUTTER_API int butter_epoll_create1(int flags);

/* epoll_ctl(2). */
BUTTER_API int butter_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);

/* epoll_wait(2). */
BUTTER_API int butter_epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout);

/* epoll_pwait2(2), since Linux 5.11. */
BUTTER_API int butter_epoll_pwait2(int epfd, struct epoll_event *events, int maxevents,
				   const struct timespec *timeout, const sigset_t *sigmask);

/* Names */

/*
 * Writes an event mask as "EPOLLIN|EPOLLET", bits without a name in hexadecimal, 0 as "0".
 * Returns the length of the whole text and cuts it to len - 1 bytes, as snprintf(3) does.
 */
BUTTER_API int butter_epoll_mask_format(uint32_t mask, char *buf, size_t len);

/*
 * Reads what butter_epoll_mask_format() writes; also "in,et": any case, without the prefix.
 * Returns 0, or -1 with EINVAL and ret_mask untouched.
 */
BUTTER_API int butter_epoll_mask_parse(const char *text, uint32_t *ret_mask);

BUTTER_END_DECLS

#endif
