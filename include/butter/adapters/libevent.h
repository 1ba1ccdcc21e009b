/* SPDX-License-Identifier: MIT */
/*
 * Sources on a libevent base: see butter_libevent_attach(3), butter_adapters(7). Compile and link
 * with pkg-config's libevent_core. The struct holds libevent's struct event, whose size may
 * change with libevent's version: compile against the one that runs.
 */
#ifndef BUTTER_ADAPTERS_LIBEVENT_H
#define BUTTER_ADAPTERS_LIBEVENT_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/time.h>

#include <butter/adapters/common.h>

BUTTER_BEGIN_DECLS

/* The caller's memory; its contents are the functions' own but for adapter. */
struct butter_libevent {
	struct butter_adapter adapter;
	struct event_base *base; /* NULL: detached */
	struct event io;
	struct event more; /* while there are events that the fd does not tell of */
};

/* Detaches; nothing is told from now on, and the memory is the caller's again. */
static inline void butter_libevent_detach(struct butter_libevent *a)
{
	if (!a->base)
		return;
	event_del(&a->io);
	event_del(&a->more);
	a->base = NULL;
	butter__adapter_end(&a->adapter);
}

/* Private. */
static inline void butter__libevent_end(struct butter_adapter *a)
{
	butter_libevent_detach((struct butter_libevent *)a);
}

/* Private. event_add(), which need not set errno when memory is short. */
static inline int butter__libevent_add(struct event *event, const struct timeval *timeout)
{
	int saved = errno;
	errno = 0;
	if (event_add(event, timeout) < 0) {
		if (!errno)
			errno = ENOMEM;
		return -1;
	}
	errno = saved;
	return 0;
}

/*
 * Private. event_active() in a callback would be served in this very iteration, before any other
 * fd is looked at. A timeout of 0 comes in the next.
 */
static inline int butter__libevent_continue(struct butter_libevent *a)
{
	const struct timeval now = {0, 0};
	return butter__libevent_add(&a->more, &now);
}

/* Private. */
static inline void butter__libevent_turn(struct butter_libevent *a)
{
	int more = butter__adapter_turn(&a->adapter, 0);
	if (more > 0 && butter__libevent_continue(a) < 0)
		butter__adapter_fail(&a->adapter, errno);
}

/* Private. */
static inline void butter__libevent_on_io(evutil_socket_t fd, short what, void *arg)
{
	struct butter_libevent *a = (struct butter_libevent *)arg;
	(void)fd, (void)what;
	if (!event_pending(&a->more, EV_TIMEOUT, NULL))
		butter__libevent_turn(a);
}

/* Private. */
static inline void butter__libevent_on_more(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	butter__libevent_turn((struct butter_libevent *)arg);
}

/* Private. */
static inline int butter__libevent_begin(struct butter_libevent *a, struct event_base *base)
{
	short what = (short)(EV_READ | EV_PERSIST | (a->adapter.edge ? EV_ET : 0));
	int fd = butter_source_fd(a->adapter.source);
	if (event_assign(&a->io, base, fd, what, butter__libevent_on_io, a) < 0 ||
	    event_assign(&a->more, base, -1, 0, butter__libevent_on_more, a) < 0)
		return butter__adapter_fails(EINVAL);
	if (butter__libevent_add(&a->io, NULL) < 0)
		return -1;
	a->base = base;
	return 0;
}

/*
 * Prepares an adapter, which is detached then. event: memory for one event of the source's kind,
 * event_size bytes; it and the source remain the caller's.
 */
static inline void butter_libevent_init(struct butter_libevent *a, struct butter_source *source, void *event,
					size_t event_size, butter_adapter_cb *cb, void *data)
{
	butter__adapter_init(&a->adapter, source, event, event_size, cb, data);
	a->adapter.detach = butter__libevent_end;
	a->base = NULL;
}

/*
 * From now on the base tells the callback of the source's events; with edge by EV_ET. Attached
 * already, it looks for events that others left cached. Returns 0, or -1 and errno: EBADF the
 * source's fd was closed; EINVAL event_size is too small or something is missing; EBUSY it is
 * attached to another base; event_add(3)'s.
 */
static inline int butter_libevent_attach(struct butter_libevent *a, struct event_base *base)
{
	if (butter__adapter_check(&a->adapter, 1) < 0)
		return -1;
	if (a->base && a->base != base)
		return butter__adapter_fails(EBUSY);
	if (!a->base && butter__libevent_begin(a, base) < 0)
		return -1;
	if (butter__adapter_begins(&a->adapter) && butter__libevent_continue(a) < 0) {
		butter_libevent_detach(a);
		return -1;
	}
	return 0;
}

BUTTER_END_DECLS

#endif
