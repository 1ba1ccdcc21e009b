/* SPDX-License-Identifier: MIT */
/* Sources on a libev loop: see butter_libev_attach(3), butter_adapters(7). Link with -lev. */
#ifndef BUTTER_ADAPTERS_LIBEV_H
#define BUTTER_ADAPTERS_LIBEV_H

#include <ev.h>

#include <butter/adapters/common.h>

#if !EV_MULTIPLICITY || !EV_IDLE_ENABLE || !EV_CHECK_ENABLE
#error "butter: this libev was built without loops of one's own, idle or check watchers"
#endif

BUTTER_BEGIN_DECLS

/* The caller's memory; its contents are the functions' own but for adapter. */
struct butter_libev {
	struct butter_adapter adapter;
	struct ev_loop *loop; /* NULL: detached */
	ev_io io;
	ev_check check; /* with idle, while there are events that the fd does not tell of */
	ev_idle idle;
};

/* Detaches; nothing is told from now on, and the memory is the caller's again. */
static inline void butter_libev_detach(struct butter_libev *a)
{
	if (!a->loop)
		return;
	ev_io_stop(a->loop, &a->io);
	ev_check_stop(a->loop, &a->check);
	ev_idle_stop(a->loop, &a->idle);
	a->loop = NULL;
	butter__adapter_end(&a->adapter);
}

/* Private. */
static inline void butter__libev_end(struct butter_adapter *a)
{
	butter_libev_detach((struct butter_libev *)a);
}

/*
 * Private. An idle watcher keeps the loop from sleeping, and does nothing: it runs only when no
 * other watcher does. The check watcher runs in every iteration, beside the others.
 */
static inline void butter__libev_continue(struct butter_libev *a, int more)
{
	if (more) {
		ev_check_start(a->loop, &a->check);
		ev_idle_start(a->loop, &a->idle);
	} else {
		ev_check_stop(a->loop, &a->check);
		ev_idle_stop(a->loop, &a->idle);
	}
}

/* Private. libev stops a watcher whose fd it finds in error. */
static inline void butter__libev_turn(struct butter_libev *a, int error)
{
	int more = butter__adapter_turn(&a->adapter, error);
	if (more < 0)
		return;
	ev_io_start(a->loop, &a->io);
	butter__libev_continue(a, more);
}

/* Private. */
static inline void butter__libev_on_io(struct ev_loop *loop, ev_io *io, int revents)
{
	struct butter_libev *a = (struct butter_libev *)io->data;
	(void)loop;
	if (revents & EV_ERROR)
		butter__libev_turn(a, EIO);
	else if (!ev_is_active(&a->check))
		butter__libev_turn(a, 0);
}

/* Private. */
static inline void butter__libev_on_check(struct ev_loop *loop, ev_check *check, int revents)
{
	(void)loop, (void)revents;
	butter__libev_turn((struct butter_libev *)check->data, 0);
}

/* Private. */
static inline void butter__libev_on_idle(struct ev_loop *loop, ev_idle *idle, int revents)
{
	(void)loop, (void)idle, (void)revents;
}

/*
 * Prepares an adapter, which is detached then. event: memory for one event of the source's kind,
 * event_size bytes; it and the source remain the caller's.
 */
static inline void butter_libev_init(struct butter_libev *a, struct butter_source *source, void *event,
				     size_t event_size, butter_adapter_cb *cb, void *data)
{
	butter__adapter_init(&a->adapter, source, event, event_size, cb, data);
	a->adapter.detach = butter__libev_end;
	a->loop = NULL;
}

/*
 * From now on the loop tells the callback of the source's events. Attached already, it looks for
 * events that others left cached. Returns 0, or -1 and errno: EBADF the source's fd was closed;
 * EINVAL event_size is too small, something is missing, or edge is asked for; EBUSY it is
 * attached to another loop.
 */
static inline int butter_libev_attach(struct butter_libev *a, struct ev_loop *loop)
{
	if (butter__adapter_check(&a->adapter, 0) < 0)
		return -1;
	if (a->loop && a->loop != loop)
		return butter__adapter_fails(EBUSY);
	if (!a->loop) {
		ev_io_init(&a->io, butter__libev_on_io, butter_source_fd(a->adapter.source), EV_READ);
		ev_check_init(&a->check, butter__libev_on_check);
		ev_idle_init(&a->idle, butter__libev_on_idle);
		a->io.data = a->check.data = a->idle.data = a;
		a->loop = loop;
		ev_io_start(loop, &a->io);
	}
	if (butter__adapter_begins(&a->adapter))
		butter__libev_continue(a, 1);
	return 0;
}

BUTTER_END_DECLS

#endif
