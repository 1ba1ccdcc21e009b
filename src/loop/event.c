/* SPDX-License-Identifier: MIT */
/* The events of a source: an io watcher on its fd, and a turn in which they are handed out. */
#include "loop.h"

static void readable(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents)
{
	struct butter_ev_event *w = BUTTER__CONTAINER(io, struct butter_ev_event, io);
	if (revents & BUTTER_EV_ERROR) {
		butter_watcher_stop(loop, &w->ev);
		w->error = io->error;
	}
	butter__feed(loop, &w->ev, BUTTER_EV_EVENT | (revents & BUTTER_EV_ERROR));
}

/* The watcher is stopped first, so that it is the callback's own. */
static void fail(struct butter_loop *loop, struct butter_ev_event *w, int error)
{
	butter_watcher_stop(loop, &w->ev);
	w->error = error;
	w->cb(loop, w, BUTTER_EV_EVENT | BUTTER_EV_ERROR);
}

/* An error of the fd's, or fed by somebody else: the callback is told that and no event. */
static int is_fed(const struct butter_ev *w, uint32_t revents)
{
	return !w->active || !(revents & BUTTER_EV_EVENT);
}

void butter__event_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_event *w = (struct butter_ev_event *)ev;
	struct butter__frame frame = {.w = ev, .below = loop->frames};
	int saved = errno;
	if (is_fed(ev, revents)) {
		w->cb(loop, w, revents);
		return;
	}
	loop->frames = &frame;
	for (uint32_t i = 0; i < loop->event_budget && frame.w; i++) {
		int n = butter_source_read_event(w->source, w->event);
		if (n > 0) {
			w->cb(loop, w, revents);
			continue;
		}
		loop->frames = frame.below;
		if (n < 0)
			fail(loop, w, errno);
		errno = saved;
		return;
	}
	loop->frames = frame.below;
	if (frame.w && butter_source_pending(w->source))
		butter__more(loop, ev);
}

int butter__event_start(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_event *w = (struct butter_ev_event *)ev;
	if (!w->source || !w->event) {
		errno = EINVAL;
		return -1;
	}
	butter_ev_io_init(&w->io, readable, butter_source_fd(w->source), BUTTER_EV_READ);
	w->io.ev.flags = BUTTER__PART_FLAGS;
	if (butter_ev_io_start(loop, &w->io) < 0)
		return -1;
	w->error = 0;
	butter__ring_add(&loop->rings[BUTTER__RING_EVENT], ev);
	if (butter_source_pending(w->source))
		butter__more(loop, ev);
	return 0;
}

void butter__event_stop(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_event *w = (struct butter_ev_event *)ev;
	butter_ev_io_stop(loop, &w->io);
	butter__no_more(loop, ev);
	butter__ring_remove(&loop->rings[BUTTER__RING_EVENT], ev);
}

void butter_ev_event_init(struct butter_ev_event *w,
			  void (*cb)(struct butter_loop *loop, struct butter_ev_event *w, uint32_t revents),
			  struct butter_source *source, void *event)
{
	*w = (struct butter_ev_event){.cb = cb, .source = source, .event = event};
	butter__init(&w->ev, BUTTER_EV_EVENT);
}

int butter_ev_event_set(struct butter_ev_event *w, struct butter_source *source, void *event)
{
	if (butter__settable(&w->ev) < 0)
		return -1;
	w->source = source;
	w->event = event;
	return 0;
}

int butter_ev_event_start(struct butter_loop *loop, struct butter_ev_event *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_event_stop(struct butter_loop *loop, struct butter_ev_event *w)
{
	butter_watcher_stop(loop, &w->ev);
}
