/* SPDX-License-Identifier: MIT */
/* inotify(7): changes in files and directories. */
#ifndef BUTTER_INOTIFY_H
#define BUTTER_INOTIFY_H

#include <sys/inotify.h>

#include <butter/common.h>

BUTTER_BEGIN_DECLS

/* System calls */

/* inotify_init1(2). */
BUTTER_API int butter_inotify_init1(int flags);

/* inotify_add_watch(2). */
BUTTER_API int butter_inotify_add_watch(int fd, const char *path, uint32_t mask);

/* inotify_rm_watch(2). */
BUTTER_API int butter_inotify_rm_watch(int fd, int wd);

/* Decoder */

/*
 * A full queue is an event like any other: mask IN_Q_OVERFLOW, wd -1. Then events were lost, and
 * what is on the disk must be looked at again.
 */
struct butter_inotify_event {
	int32_t wd;        /* of butter_inotify_watch(); -1: the queue was full */
	uint32_t mask;     /* IN_* */
	uint32_t cookie;   /* the same in both halves of a rename, else 0 */
	uint32_t name_len; /* bytes before the NUL; 0: the event is of the watched file itself */
	const char *name;  /* any bytes but '/' and NUL, NUL-terminated; "" when there is none */
};

/*
 * Decodes the first record of what a read(2) gave. Returns the bytes consumed; 0 when buf holds
 * no whole record; -1 with EBADMSG when it cannot be one. ret may be NULL; its name is in buf.
 */
BUTTER_API ssize_t butter_inotify_decode(const void *buf, size_t len, struct butter_inotify_event *ret);

/* Object: see butter_eventlike(7). A name lives until the next read or wait, or close. */

struct butter_inotify;

/*
 * inotify_init1(2) with IN_CLOEXEC and IN_NONBLOCK added to flags.
 * Returns an object for butter_inotify_close(), or NULL and errno: the call's, or ENOMEM.
 */
BUTTER_API struct butter_inotify *butter_inotify_open(int flags);

/*
 * An object over an inotify fd from elsewhere, which it owns from now on and makes close-on-exec
 * and non-blocking. NULL and errno: EBADF, ENOMEM; then fd remains the caller's.
 */
BUTTER_API struct butter_inotify *butter_inotify_from_fd(int fd);

/* Ends the object and returns its fd; events still cached are lost. -1 with EINVAL for NULL. */
BUTTER_API int butter_inotify_release(struct butter_inotify *x);

/* Ends the object and closes its fd. NULL is allowed, errno is kept. */
BUTTER_API void butter_inotify_close(struct butter_inotify *x);

/* The file descriptor, for poll(2), epoll(7) and select(2); these cannot see cached events. */
BUTTER_API int butter_inotify_fd(const struct butter_inotify *x);

/* Events read from the kernel and not yet handed out. */
BUTTER_API size_t butter_inotify_pending(struct butter_inotify *x);

/* The object as a source, for the verbs of source.h. */
BUTTER_API struct butter_source *butter_inotify_source(struct butter_inotify *x);

/* 1 an event in ret, 0 nothing now, -1 and errno: read(2)'s, or EBADMSG. */
BUTTER_API int butter_inotify_read_event(struct butter_inotify *x, struct butter_inotify_event *ret);

/*
 * Stores up to max events: the cached ones, else those of one read(2). Returns how many; 0:
 * nothing now; -1 and errno: read(2)'s, EBADMSG, EINVAL when max is 0.
 */
BUTTER_API ssize_t butter_inotify_read_events(struct butter_inotify *x, struct butter_inotify_event *ret,
					      size_t max);

/*
 * butter_inotify_read_event(), waiting up to timeout nanoseconds (-1: for ever). 0: timed out;
 * -1 and errno: EINTR a signal handler ran, EINVAL timeout is below -1.
 */
BUTTER_API int butter_inotify_wait_event(struct butter_inotify *x, struct butter_inotify_event *ret,
					 int64_t timeout);

/* inotify_add_watch(2): returns the watch descriptor (the old one, for an inode already watched). */
BUTTER_API int butter_inotify_watch(struct butter_inotify *x, const char *path, uint32_t mask);

/* inotify_rm_watch(2): events of wd may still come, up to and with its IN_IGNORED. */
BUTTER_API int butter_inotify_ignore(struct butter_inotify *x, int wd);

/* Names */

/*
 * Writes a mask as "IN_CREATE|IN_ISDIR", bits without a name in hexadecimal, 0 as "0".
 * Returns the length of the whole text and cuts it to len - 1 bytes, as snprintf(3) does.
 */
BUTTER_API int butter_inotify_mask_format(uint32_t mask, char *buf, size_t len);

/*
 * Reads what butter_inotify_mask_format() writes; also "create,isdir": any case, without the
 * prefix. Returns 0, or -1 with EINVAL and ret_mask untouched.
 */
BUTTER_API int butter_inotify_mask_parse(const char *text, uint32_t *ret_mask);

BUTTER_END_DECLS

#endif
