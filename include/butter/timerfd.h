/* SPDX-License-Identifier: MIT */
/* timerfd_create(2): timers read from a file descriptor. */
#ifndef BUTTER_TIMERFD_H
#define BUTTER_TIMERFD_H

#include <sys/timerfd.h>

#include <butter/common.h>

BUTTER_BEGIN_DECLS

struct itimerspec;

/* System calls */

/* timerfd_create(2). */
BUTTER_API int butter_timerfd_create(int clockid, int flags);

/* timerfd_settime(2). */
BUTTER_API int butter_timerfd_settime(int fd, int flags, const struct itimerspec *value,
				      struct itimerspec *old_value);

/* timerfd_gettime(2). */
BUTTER_API int butter_timerfd_gettime(int fd, struct itimerspec *value);

/* Decoder */

struct butter_timerfd_event {
	uint64_t expirations; /* since the last event, or since the timer was armed */
	uint32_t cancelled;   /* 1: the clock was set, under TFD_TIMER_CANCEL_ON_SET; it stays armed */
	uint32_t reserved;
};

/*
 * Decodes the 8 bytes that a read(2) gave. Returns the bytes consumed, 8; 0 when len is less;
 * -1 with EBADMSG for 0 expirations, which no timerfd gives. ret may be NULL.
 */
BUTTER_API ssize_t butter_timerfd_decode(const void *buf, size_t len, struct butter_timerfd_event *ret);

/* Object: see butter_eventlike(7). Its fd never has an event cached. */

struct butter_timerfd;

/* What a timer is set to, in nanoseconds. */
struct butter_timerfd_setting {
	int64_t first;  /* from now to the next expiration; 0: disarmed */
	int64_t period; /* from one expiration to the next; 0: there is only one */
};

/*
 * timerfd_create(2) with TFD_CLOEXEC and TFD_NONBLOCK added to flags. clockid: CLOCK_MONOTONIC,
 * CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM.
 * Returns an object for butter_timerfd_close(), or NULL and errno: the call's, or ENOMEM.
 */
BUTTER_API struct butter_timerfd *butter_timerfd_open(int clockid, int flags);

/*
 * An object over a timerfd from elsewhere, which it owns from now on and makes close-on-exec and
 * non-blocking. NULL and errno: EBADF, ENOMEM, EINVAL (no timerfd); then fd remains the caller's.
 */
BUTTER_API struct butter_timerfd *butter_timerfd_from_fd(int fd);

/* Ends the object and returns its fd, the caller's from now on; -1 with EINVAL for NULL. */
BUTTER_API int butter_timerfd_release(struct butter_timerfd *x);

/* Ends the object and closes its fd. NULL is allowed, errno is kept. */
BUTTER_API void butter_timerfd_close(struct butter_timerfd *x);

/* The file descriptor, for poll(2), epoll(7) and select(2). */
BUTTER_API int butter_timerfd_fd(const struct butter_timerfd *x);

/* Always 0: a timer is never read ahead. */
BUTTER_API size_t butter_timerfd_pending(struct butter_timerfd *x);

/* The object as a source, for the verbs of source.h. */
BUTTER_API struct butter_source *butter_timerfd_source(struct butter_timerfd *x);

/* 1 an event in ret, 0 nothing has expired, -1 and errno (read(2)'s). */
BUTTER_API int butter_timerfd_read_event(struct butter_timerfd *x, struct butter_timerfd_event *ret);

/* As butter_timerfd_read_event(), since one read(2) gives one event; EINVAL when max is 0. */
BUTTER_API ssize_t butter_timerfd_read_events(struct butter_timerfd *x, struct butter_timerfd_event *ret,
					      size_t max);

/*
 * butter_timerfd_read_event(), waiting up to timeout nanoseconds (-1: for ever). 0: timed out;
 * -1 and errno: EINTR a signal handler ran, EINVAL timeout is below -1.
 */
BUTTER_API int butter_timerfd_wait_event(struct butter_timerfd *x, struct butter_timerfd_event *ret,
					 int64_t timeout);

/*
 * Arms the timer to expire in first nanoseconds (0: as soon as possible) and then every period
 * (0: once). The setting until now goes to ret_old unless that is NULL. timerfd_settime(2).
 * Returns 0, or -1 and errno: EINVAL first or period is negative.
 */
BUTTER_API int butter_timerfd_arm_in(struct butter_timerfd *x, int64_t first, int64_t period,
				     struct butter_timerfd_setting *ret_old);

/*
 * The same with first on the timer's clock, in nanoseconds since its zero; a time that has
 * passed expires at once. flags: 0 or TFD_TIMER_CANCEL_ON_SET, with which it may also fail with
 * ECANCELED: the clock was set before and nobody has read it; the timer is armed all the same.
 */
BUTTER_API int butter_timerfd_arm_at(struct butter_timerfd *x, int64_t first, int64_t period,
				     struct butter_timerfd_setting *ret_old, int flags);

/* Disarms the timer; an expiration not yet read is forgotten. ret_old as above. */
BUTTER_API int butter_timerfd_disarm(struct butter_timerfd *x, struct butter_timerfd_setting *ret_old);

/* Tells what the timer is set to now: timerfd_gettime(2). Returns 0, or -1 and errno. */
BUTTER_API int butter_timerfd_get(struct butter_timerfd *x, struct butter_timerfd_setting *ret);

/* Names */

/*
 * Writes a clock's name, "CLOCK_MONOTONIC"; a number without a name in decimal.
 * Returns the length of the whole text and cuts it to len - 1 bytes, as snprintf(3) does.
 */
BUTTER_API int butter_timerfd_clock_format(int clockid, char *buf, size_t len);

/*
 * Reads what butter_timerfd_clock_format() writes; also "monotonic": any case, without the
 * prefix. Returns 0, or -1 with EINVAL and ret_clockid untouched.
 */
BUTTER_API int butter_timerfd_clock_parse(const char *text, int *ret_clockid);

BUTTER_END_DECLS

#endif
