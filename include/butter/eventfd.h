/* SPDX-License-Identifier: MIT */
/* eventfd(2): a counter in the kernel that threads and processes add to and wait for. */
#ifndef BUTTER_EVENTFD_H
#define BUTTER_EVENTFD_H

#include <sys/eventfd.h>

#include <butter/common.h>

BUTTER_BEGIN_DECLS

/* System calls */

/* eventfd2(2), as libc's eventfd() calls it. */
BUTTER_API int butter_eventfd(unsigned initval, int flags);

/* read(2) of eventfd_read(3). */
BUTTER_API int butter_eventfd_read(int fd, eventfd_t *value);

/* write(2) of eventfd_write(3). */
BUTTER_API int butter_eventfd_write(int fd, eventfd_t value);

/* Decoder */

struct butter_eventfd_event {
	uint64_t value; /* the counter, now 0; with EFD_SEMAPHORE 1, and the counter is one less */
};

/*
 * Decodes the 8 bytes that a read(2) gave. Returns the bytes consumed, 8; 0 when len is less;
 * -1 with EBADMSG for a value of 0, which no eventfd gives. ret may be NULL.
 */
BUTTER_API ssize_t butter_eventfd_decode(const void *buf, size_t len, struct butter_eventfd_event *ret);

/* Object: see butter_eventlike(7). Its fd never has an event cached. */

struct butter_eventfd;

/*
 * eventfd2(2) with EFD_CLOEXEC and EFD_NONBLOCK added to flags (EFD_SEMAPHORE).
 * Returns an object for butter_eventfd_close(), or NULL and errno: the call's, or ENOMEM.
 */
BUTTER_API struct butter_eventfd *butter_eventfd_open(unsigned initial, int flags);

/*
 * An object over an eventfd from elsewhere, which it owns from now on and makes close-on-exec
 * and non-blocking. NULL and errno: EBADF, ENOMEM; then fd remains the caller's.
 */
BUTTER_API struct butter_eventfd *butter_eventfd_from_fd(int fd);

/* Ends the object and returns its fd, the caller's from now on; -1 with EINVAL for NULL. */
BUTTER_API int butter_eventfd_release(struct butter_eventfd *x);

/* Ends the object and closes its fd. NULL is allowed, errno is kept. */
BUTTER_API void butter_eventfd_close(struct butter_eventfd *x);

/* The file descriptor, for poll(2), epoll(7) and select(2). */
BUTTER_API int butter_eventfd_fd(const struct butter_eventfd *x);

/* Always 0: a counter is never read ahead. */
BUTTER_API size_t butter_eventfd_pending(struct butter_eventfd *x);

/* The object as a source, for the verbs of source.h. */
BUTTER_API struct butter_source *butter_eventfd_source(struct butter_eventfd *x);

/* 1 an event in ret, 0 the counter is 0, -1 and errno (read(2)'s). */
BUTTER_API int butter_eventfd_read_event(struct butter_eventfd *x, struct butter_eventfd_event *ret);

/* As butter_eventfd_read_event(), since one read(2) gives one event; EINVAL when max is 0. */
BUTTER_API ssize_t butter_eventfd_read_events(struct butter_eventfd *x, struct butter_eventfd_event *ret,
					      size_t max);

/*
 * butter_eventfd_read_event(), waiting up to timeout nanoseconds (-1: for ever). 0: timed out;
 * -1 and errno: EINTR a signal handler ran, EINVAL timeout is below -1.
 */
BUTTER_API int butter_eventfd_wait_event(struct butter_eventfd *x, struct butter_eventfd_event *ret,
					 int64_t timeout);

/*
 * Adds n to the counter, which wakes whoever waits: write(2). From any thread or signal handler.
 * Returns 0, or -1 and errno: EAGAIN it would pass 2^64 - 2, EINVAL n is 2^64 - 1.
 */
BUTTER_API int butter_eventfd_add(struct butter_eventfd *x, uint64_t n);

BUTTER_END_DECLS

#endif
