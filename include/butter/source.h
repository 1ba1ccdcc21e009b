/* SPDX-License-Identifier: MIT */
/*
 * Every object of butter's that yields events begins with a struct butter_source, and these are
 * its verbs for code that learns only at run time which object it has: loops, queues, adapters.
 * A program may write sources of its own: put the struct first in an object, fill in a table.
 */
#ifndef BUTTER_SOURCE_H
#define BUTTER_SOURCE_H

#include <butter/common.h>

BUTTER_BEGIN_DECLS

/* What a kind of source does. Static: it must outlive every source that names it. */
struct butter_source_ops {
	size_t size;       /* sizeof(struct butter_source_ops) */
	const char *name;  /* the kind, such as "inotify" */
	size_t event_size; /* of the event struct that read_event fills, in bytes */

	/* 1 an event, 0 nothing now, -1 and errno; required. */
	int (*read_event)(struct butter_source *source, void *ret);

	/* How many were stored, of one read(2); NULL: at most one, by read_event. */
	ssize_t (*read_events)(struct butter_source *source, void *ret, size_t max);

	/* Events read and not yet handed out; NULL: there are never any. */
	size_t (*pending)(struct butter_source *source);

	/* Frees everything but the fd, which it returns, open; NULL: there is nothing to free. */
	int (*release)(struct butter_source *source);
};

/* Private members: only butter_source_init() writes them, only the verbs read them. */
struct butter_source {
	const struct butter_source_ops *ops;
	int32_t fd;
	uint32_t reserved[3];
};

/*
 * Begins a source of the caller's own over fd, which becomes close-on-exec and non-blocking.
 * Returns 0, or -1: EINVAL (the table lacks something), EBADF; then fd remains the caller's.
 */
BUTTER_API int butter_source_init(struct butter_source *source, const struct butter_source_ops *ops, int fd);

/* The table given to butter_source_init(): the kind's name, and the size of its events. */
BUTTER_API const struct butter_source_ops *butter_source_ops(const struct butter_source *source);

/* The file descriptor, for poll(2), epoll(7) and select(2). */
BUTTER_API int butter_source_fd(const struct butter_source *source);

/* Events read from the kernel and not yet handed out. */
BUTTER_API size_t butter_source_pending(struct butter_source *source);

/* 1 an event in ret, 0 nothing now, -1 and errno. ret: one event struct of the source's kind. */
BUTTER_API int butter_source_read_event(struct butter_source *source, void *ret);

/*
 * Stores up to max events in ret, an array of event structs: the cached ones, else those of one
 * read(2). Returns how many; 0: nothing now; -1 and errno, EINVAL when max is 0.
 */
BUTTER_API ssize_t butter_source_read_events(struct butter_source *source, void *ret, size_t max);

/*
 * butter_source_read_event(), waiting up to timeout nanoseconds (-1: for ever). 0: timed out;
 * -1 and errno: EINTR a signal handler ran, EINVAL timeout is below -1.
 */
BUTTER_API int butter_source_wait_event(struct butter_source *source, void *ret, int64_t timeout);

/* Ends the source and returns its fd, the caller's from now on; -1 with EINVAL for NULL. */
BUTTER_API int butter_source_release(struct butter_source *source);

/* Ends the source and closes its fd. NULL is allowed, errno is kept. */
BUTTER_API void butter_source_close(struct butter_source *source);

BUTTER_END_DECLS

#endif
