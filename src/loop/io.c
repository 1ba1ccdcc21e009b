/* SPDX-License-Identifier: MIT */
#include "loop.h"

enum { ALL_EVENTS = BUTTER_EV_READ | BUTTER_EV_WRITE | BUTTER_EV_PRI };

void butter__io_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_io *w = (struct butter_ev_io *)ev;
	w->cb(loop, w, revents);
}

static int check_events(uint32_t events)
{
	if (!(events & ~(uint32_t)ALL_EVENTS))
		return 0;
	errno = EINVAL;
	return -1;
}

/* With another watcher there, the fd may be closed and another file's now: epoll is asked. */
int butter__io_start(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_io *w = (struct butter_ev_io *)ev;
	if (w->fd < 0) {
		errno = EBADF;
		return -1;
	}
	if (check_events(w->events) < 0 || butter__poll_reserve(loop, w->fd) < 0)
		return -1;
	w->error = 0;
	ev->flags |= BUTTER__NEW;
	butter__ring_add(&loop->fds[w->fd].watchers, ev);
	loop->fds[w->fd].renewed = 1;
	loop->fds[w->fd].own |= (ev->flags & BUTTER__EARLY) != 0;
	butter__poll_change(loop, w->fd);
	return 0;
}

void butter__io_stop(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_io *w = (struct butter_ev_io *)ev;
	struct butter__fd *f = &loop->fds[w->fd];
	butter__ring_remove(&f->watchers, ev);
	if (f->watchers)
		butter__poll_change(loop, w->fd);
	else
		butter__poll_forget(loop, w->fd);
}

void butter_ev_io_init(struct butter_ev_io *w,
		       void (*cb)(struct butter_loop *loop, struct butter_ev_io *w, uint32_t revents), int fd,
		       uint32_t events)
{
	*w = (struct butter_ev_io){.cb = cb, .fd = fd, .events = events};
	butter__init(&w->ev, BUTTER_EV_IO);
}

int butter_ev_io_set(struct butter_ev_io *w, int fd, uint32_t events)
{
	if (butter__settable(&w->ev) < 0)
		return -1;
	w->fd = fd;
	w->events = events;
	return 0;
}

int butter_ev_io_start(struct butter_loop *loop, struct butter_ev_io *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_io_stop(struct butter_loop *loop, struct butter_ev_io *w)
{
	butter_watcher_stop(loop, &w->ev);
}

int butter_ev_io_modify(struct butter_loop *loop, struct butter_ev_io *w, uint32_t events)
{
	if (check_events(events) < 0)
		return -1;
	if (w->events == events)
		return 0;
	w->events = events;
	if (w->ev.active)
		butter__poll_change(loop, w->fd);
	return 0;
}

int butter__own_io_start(struct butter_loop *loop, struct butter_ev_io *w,
			 void (*cb)(struct butter_loop *loop, struct butter_ev_io *w, uint32_t revents),
			 int fd)
{
	butter_ev_io_init(w, cb, fd, BUTTER_EV_READ);
	w->ev.flags = BUTTER__OWN_FLAGS | BUTTER__VITAL;
	return butter_ev_io_start(loop, w);
}

void butter_loop_feed_fd_event(struct butter_loop *loop, int fd, uint32_t revents)
{
	if (fd < 0 || (uint32_t)fd >= loop->fd_room)
		return;
	struct butter_ev *head = loop->fds[fd].watchers;
	for (struct butter_ev *w = head; w; w = butter__ring_next(head, w))
		if (!(w->flags & BUTTER__EARLY) && ((struct butter_ev_io *)w)->events & revents)
			butter__deliver(loop, w, ((struct butter_ev_io *)w)->events & revents);
}
