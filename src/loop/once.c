/* SPDX-License-Identifier: MIT */
/* An io watcher and a timer of the loop's own memory, of which the first ends both. */
#include <stdlib.h>

#include "../event/object.h"
#include "loop.h"

struct butter__once {
	struct butter__once *next, **at;
	struct butter_ev_io io;
	struct butter_ev_timer timer;
	void (*cb)(struct butter_loop *loop, uint32_t revents, void *arg);
	void *arg;
};

/* The two may be pending at the same time; the callback is told of both. */
static void finish(struct butter_loop *loop, struct butter__once *once, uint32_t revents)
{
	void (*cb)(struct butter_loop * loop, uint32_t revents, void *arg) = once->cb;
	void *arg = once->arg;
	revents |= butter_watcher_clear_pending(loop, &once->io.ev);
	revents |= butter_watcher_clear_pending(loop, &once->timer.ev);
	butter_ev_io_stop(loop, &once->io);
	butter_ev_timer_stop(loop, &once->timer);
	*once->at = once->next;
	if (once->next)
		once->next->at = once->at;
	butter__free(once);
	cb(loop, revents, arg);
}

static void on_io(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents)
{
	finish(loop, BUTTER__CONTAINER(io, struct butter__once, io), revents);
}

static void on_timer(struct butter_loop *loop, struct butter_ev_timer *timer, uint32_t revents)
{
	finish(loop, BUTTER__CONTAINER(timer, struct butter__once, timer), revents);
}

static int start(struct butter_loop *loop, struct butter__once *once, int fd, uint32_t events,
		 int64_t timeout)
{
	butter_ev_io_init(&once->io, on_io, fd, events);
	butter_ev_timer_init(&once->timer, on_timer, timeout, 0);
	if (fd >= 0 && butter_ev_io_start(loop, &once->io) < 0)
		return -1;
	if (timeout >= 0 && butter_ev_timer_start(loop, &once->timer) < 0) {
		butter_ev_io_stop(loop, &once->io);
		return -1;
	}
	return 0;
}

int butter_loop_once(struct butter_loop *loop, int fd, uint32_t events, int64_t timeout,
		     void (*cb)(struct butter_loop *loop, uint32_t revents, void *arg), void *arg)
{
	if (!cb || fd < -1 || timeout < -1 || (fd < 0 && timeout < 0)) {
		errno = fd < -1 ? EBADF : EINVAL;
		return -1;
	}
	struct butter__once *once = calloc(1, sizeof(*once));
	if (!once)
		return -1;
	if (start(loop, once, fd, events, timeout) < 0) {
		butter__free(once);
		return -1;
	}
	once->cb = cb;
	once->arg = arg;
	once->at = &loop->onces;
	once->next = loop->onces;
	if (once->next)
		once->next->at = &once->next;
	loop->onces = once;
	return 0;
}

void butter__onces_close(struct butter_loop *loop)
{
	while (loop->onces) {
		struct butter__once *once = loop->onces;
		loop->onces = once->next;
		butter__free(once);
	}
}
