/* SPDX-License-Identifier: MIT */
/*
 * A queue between a source and those who want its events one at a time: each asks with butter_queue_get(),
 * and is called back with one event, first come first served. The source is read only while somebody
 * waits, so that what nobody wants stays in the kernel: there is no more of it in memory than maximum.
 */
#ifndef BUTTER_QUEUE_H
#define BUTTER_QUEUE_H

#include <butter/ev.h>

BUTTER_BEGIN_DECLS

/* Opaque. */
struct butter_queue;

/* One who waits: the caller's memory, which stays where it is until its callback, or cancel. */
struct butter_queue_request {
	void *data; /* yours */
	void (*cb)(struct butter_queue *queue, struct butter_queue_request *request);
	void *event;   /* for the callback: the source's event struct; NULL: there is none */
	int32_t error; /* then: ETIMEDOUT, ECANCELED, or what the source said, ENODATA at its end */
	uint32_t reserved;
	struct butter_queue_request *next, *prev; /* private, as all that follows */
	struct butter_queue *queue;
	struct butter_ev_timer timer;
};

/* Zero is a good default for all but size. */
struct butter_queue_options {
	size_t size;    /* sizeof(struct butter_queue_options) */
	size_t maximum; /* events that are read in advance, of one read; 0: none */
	void (*drop)(struct butter_source *source, void *event); /* ends one that nobody got; or NULL */
	uint64_t reserved[4];                                    /* 0 */
};

/*
 * A queue of the events of source, which stays the caller's, and nobody else reads it. options may be
 * NULL. Returns it for butter_queue_close(), or NULL and errno: ENOMEM, EINVAL (source is NULL, options),
 * E2BIG (larger options, with something in what is not known).
 */
BUTTER_API struct butter_queue *butter_queue_open(struct butter_loop *loop, struct butter_source *source,
						  const struct butter_queue_options *options);

/*
 * Answers all who wait with ECANCELED, here and now, drops what nobody got, and ends the queue; in any
 * callback, but not in one of these. NULL is allowed, errno is kept. Before the source is closed.
 */
BUTTER_API void butter_queue_close(struct butter_queue *queue);

/*
 * Calls cb(queue, request) once, in butter_loop_run(): with the next event, or after timeout nanoseconds
 * (-1: never) with ETIMEDOUT, or with an error, of which each answers one request. Writes all of request
 * but data. What the event points to lives until the queue reads the source again, which is not before
 * the callback has returned; the struct as long. Holds the loop until then. When the loop is freed:
 * ECANCELED. Returns 0, or -1 and errno: EINVAL cb is NULL, timeout is below -1; ECANCELED the queue is
 * being closed, or its loop was freed; EBADF, ENOMEM.
 */
BUTTER_API int butter_queue_get(struct butter_queue *queue, struct butter_queue_request *request,
				void (*cb)(struct butter_queue *queue, struct butter_queue_request *request),
				int64_t timeout);

/* Takes a request back: it is not called any more. Nothing when it was called. Keeps errno. */
BUTTER_API void butter_queue_cancel(struct butter_queue *queue, struct butter_queue_request *request);

/*
 * The next event at once, in ret: 1; 0 there is none now, or somebody waits, who was first; -1 and errno
 * the source's. What the event points to lives as above.
 */
BUTTER_API int butter_queue_get_nowait(struct butter_queue *queue, void *ret);

/* How many events were read in advance and wait for somebody; whether that is none, or maximum. */
BUTTER_API size_t butter_queue_size(const struct butter_queue *queue);
BUTTER_API int butter_queue_empty(const struct butter_queue *queue);
BUTTER_API int butter_queue_full(const struct butter_queue *queue);
BUTTER_API size_t butter_queue_maximum(const struct butter_queue *queue);

/* How many requests wait. */
BUTTER_API size_t butter_queue_waiting(const struct butter_queue *queue);

BUTTER_END_DECLS

#endif
