/* SPDX-License-Identifier: MIT */
/*
 * Two flags: sent, of the watcher, and async_sent, of the loop, which is set when the eventfd was
 * written and not yet read. A sender that finds its watcher's flag set relies on the loop to see
 * what it has written before: the fence orders that write before the load, as the exchange in
 * scan() orders taking the flag before the callback's reads.
 */
#include <butter/eventfd.h>

#include "../event/object.h"
#include "loop.h"

/* A full counter is readable, which is all that is wanted. */
static void wake(struct butter_loop *loop)
{
	const uint64_t one = 1;
	int saved = errno;
	if (__atomic_exchange_n(&loop->async_sent, 1, __ATOMIC_SEQ_CST))
		return;
	if (butter__forked(loop) || write(loop->wake.fd, &one, sizeof(one)) < 0)
		errno = saved;
}

static void scan(struct butter_loop *loop)
{
	struct butter_ev *head = loop->rings[BUTTER__RING_ASYNC];
	for (struct butter_ev *w = head; w; w = butter__ring_next(head, w)) {
		struct butter_ev_async *async = (struct butter_ev_async *)w;
		if (__atomic_load_n(&async->sent, __ATOMIC_RELAXED) &&
		    __atomic_exchange_n(&async->sent, 0, __ATOMIC_SEQ_CST))
			butter__feed(loop, w, BUTTER_EV_ASYNC);
	}
}

/* Read before the flag is taken: who sets it afterwards writes again. */
static void woken(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents)
{
	uint64_t count;
	(void)revents;
	butter__read(io->fd, &count, sizeof(count));
	__atomic_store_n(&loop->async_sent, 0, __ATOMIC_SEQ_CST);
	scan(loop);
}

int butter__async_open(struct butter_loop *loop)
{
	int fd = butter_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -1;
	if (butter__own_io_start(loop, &loop->wake, woken, fd) < 0) {
		butter__close(fd);
		loop->wake.fd = -1;
		return -1;
	}
	return 0;
}

void butter__async_close(struct butter_loop *loop)
{
	if (loop->wake.fd >= 0)
		butter__close(loop->wake.fd);
}

/* The parent's counter went with its eventfd: what was sent and not told is looked for. */
int butter__async_fork(struct butter_loop *loop)
{
	return butter__replace_fd(butter_eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), loop->wake.fd);
}

void butter__async_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_async *w = (struct butter_ev_async *)ev;
	w->cb(loop, w, revents);
}

int butter__async_start(struct butter_loop *loop, struct butter_ev *w)
{
	butter__ring_add(&loop->rings[BUTTER__RING_ASYNC], w);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (butter_ev_async_is_pending((struct butter_ev_async *)w))
		wake(loop);
	return 0;
}

void butter__async_stop(struct butter_loop *loop, struct butter_ev *w)
{
	butter__ring_remove(&loop->rings[BUTTER__RING_ASYNC], w);
}

void butter_ev_async_init(struct butter_ev_async *w,
			  void (*cb)(struct butter_loop *loop, struct butter_ev_async *w, uint32_t revents))
{
	*w = (struct butter_ev_async){.cb = cb};
	butter__init(&w->ev, BUTTER_EV_ASYNC);
}

int butter_ev_async_start(struct butter_loop *loop, struct butter_ev_async *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_async_stop(struct butter_loop *loop, struct butter_ev_async *w)
{
	butter_watcher_stop(loop, &w->ev);
}

void butter_ev_async_send(struct butter_loop *loop, struct butter_ev_async *w)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&w->sent, __ATOMIC_RELAXED))
		return;
	if (!__atomic_exchange_n(&w->sent, 1, __ATOMIC_SEQ_CST))
		wake(loop);
}

int butter_ev_async_is_pending(const struct butter_ev_async *w)
{
	return (int)__atomic_load_n(&w->sent, __ATOMIC_ACQUIRE);
}
