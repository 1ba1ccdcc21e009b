/* SPDX-License-Identifier: MIT */
/*
 * What the adapters share: see butter_adapters(7). An adapter tells a callback of each event of a
 * source, from within the event loop that the program runs already. All its state is in a struct
 * of the caller's. For each loop there is one header, with
 *
 *	butter_LOOP_init(a, source, event, event_size, cb, data)
 *	butter_LOOP_attach(a, loop)
 *	butter_LOOP_detach(a)
 *
 * All of an adapter's functions are called in the thread of its loop.
 */
#ifndef BUTTER_ADAPTERS_COMMON_H
#define BUTTER_ADAPTERS_COMMON_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include <butter/source.h>

BUTTER_BEGIN_DECLS

/* The most events that are told in one turn of the loop, unless the program says otherwise. */
#define BUTTER_ADAPTER_PER_TURN 64

/*
 * event: an event of the source's kind, in the memory given to init until the next is told. NULL:
 * read_event failed with this errno, ENODATA at the end of a source, and the adapter is detached.
 * It may detach any adapter, close its source then, and attach it again.
 */
typedef void butter_adapter_cb(struct butter_source *source, void *event, void *data);

/* The start of each adapter. init fills it in; the two marked ones may be changed before attach. */
struct butter_adapter {
	struct butter_source *source;
	void *event;
	size_t event_size;
	butter_adapter_cb *cb;
	void *data;
	size_t per_turn; /* may be changed: the most events told in one turn; not 0 */
	int edge;        /* may be changed: not 0 asks for edge-triggered, where the loop offers it */
	int *detached;   /* private: while the callback runs, where detach leaves word */
	void (*detach)(struct butter_adapter *a); /* private */
};

/* Private from here on. */

static inline void butter__adapter_init(struct butter_adapter *a, struct butter_source *source, void *event,
					size_t event_size, butter_adapter_cb *cb, void *data)
{
	a->source = source;
	a->event = event;
	a->event_size = event_size;
	a->cb = cb;
	a->data = data;
	a->per_turn = BUTTER_ADAPTER_PER_TURN;
	a->edge = 0;
	a->detached = NULL;
}

static inline int butter__adapter_fails(int error)
{
	errno = error;
	return -1;
}

/*
 * What attach begins with; offers_edge: whether the loop has edge-triggered watchers. Some loops
 * abort when they find a closed fd, others are silent.
 */
static inline int butter__adapter_check(const struct butter_adapter *a, int offers_edge)
{
	if (!a->source || !a->event || !a->cb || a->per_turn == 0 || (a->edge && !offers_edge))
		return butter__adapter_fails(EINVAL);
	if (a->event_size < butter_source_ops(a->source)->event_size)
		return butter__adapter_fails(EINVAL);
	return fcntl(butter_source_fd(a->source), F_GETFD) < 0 ? -1 : 0;
}

/* What attach ends with: whether there may be events that the fd does not tell of. */
static inline int butter__adapter_begins(struct butter_adapter *a)
{
	return a->edge || butter_source_pending(a->source) > 0;
}

/* What detach calls, so that the turn that may be running ends and leaves the adapter alone. */
static inline void butter__adapter_end(struct butter_adapter *a)
{
	if (a->detached)
		*a->detached = 1;
	a->detached = NULL;
}

/* Detaches, then tells why; the adapter may be gone when it returns. */
static inline void butter__adapter_fail(struct butter_adapter *a, int error)
{
	a->detach(a);
	errno = error;
	a->cb(a->source, NULL, a->data);
}

/*
 * What is told when the loop has found the fd ready, or in that error, and the source has nothing:
 * an fd in error stays ready, and would have the loop turn for ever.
 */
static inline int butter__adapter_error(struct butter_adapter *a, int error)
{
	struct pollfd pfd;
	if (error)
		return error;
	pfd.fd = butter_source_fd(a->source);
	pfd.events = 0;
	pfd.revents = 0;
	return poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLERR | POLLNVAL)) ? EIO : 0;
}

/* Tells an event: 1; or that there will be no more, or nothing: 0. */
static inline int butter__adapter_tell(struct butter_adapter *a, int first, int error)
{
	int n = butter_source_read_event(a->source, a->event);
	if (n > 0) {
		a->cb(a->source, a->event, a->data);
		return 1;
	}
	if (n < 0)
		error = errno;
	else
		error = first ? butter__adapter_error(a, error) : 0;
	if (error)
		butter__adapter_fail(a, error);
	return 0;
}

/*
 * A turn. error: what the loop says that is wrong with the fd, 0 for nothing. Returns 1 when the
 * fd alone does not bring the next turn about, 0 when it does, -1 when the adapter was detached:
 * its memory may be gone. A callback may run the loop, and so a turn within a turn, whose end by
 * detach is the end of both.
 */
static inline int butter__adapter_turn(struct butter_adapter *a, int error)
{
	int detached = 0, told = 1, *outer = a->detached;
	size_t count = 0, most = a->per_turn;
	a->detached = &detached;
	while (told && count < most) {
		told = butter__adapter_tell(a, count++ == 0, error);
		if (detached) {
			if (outer)
				*outer = 1;
			return -1;
		}
	}
	a->detached = outer;
	return told && butter__adapter_begins(a);
}

BUTTER_END_DECLS

#endif
