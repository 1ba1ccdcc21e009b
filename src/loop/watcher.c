/* SPDX-License-Identifier: MIT */
/* What all watchers can do, and the queue of those that are pending. */
#include "loop.h"

static void pending_remove(struct butter_loop *loop, struct butter_ev *w)
{
	unsigned i = (unsigned)(w->priority - BUTTER_EV_PRIORITY_MIN);
	if (w->pending_next == w) {
		loop->pending[i] = NULL;
		loop->pending_mask &= ~(1u << i);
	} else {
		if (loop->pending[i] == w)
			loop->pending[i] = w->pending_next;
		w->pending_prev->pending_next = w->pending_next;
		w->pending_next->pending_prev = w->pending_prev;
	}
	w->pending_next = w->pending_prev = NULL;
	w->pending = 0;
	loop->pending_count--;
}

int butter_watcher_start(struct butter_loop *loop, struct butter_ev *w)
{
	if (w->active)
		return 0;
	if (!w->ops) {
		errno = EINVAL;
		return -1;
	}
	if (w->ops->start(loop, w) < 0)
		return -1;
	return butter__started(loop, w);
}

void butter_watcher_stop(struct butter_loop *loop, struct butter_ev *w)
{
	butter_watcher_clear_pending(loop, w);
	for (struct butter__frame *frame = loop->frames; frame; frame = frame->below)
		if (frame->w == w)
			frame->w = NULL;
	if (!w->active)
		return;
	int saved = errno;
	w->ops->stop(loop, w);
	butter__stopped(loop, w);
	errno = saved;
}

int butter_watcher_is_active(const struct butter_ev *w)
{
	return w->active;
}

int butter_watcher_is_pending(const struct butter_ev *w)
{
	return w->pending;
}

uint32_t butter_watcher_kind(const struct butter_ev *w)
{
	return w->ops ? w->ops->kind : 0;
}

uint32_t butter_watcher_clear_pending(struct butter_loop *loop, struct butter_ev *w)
{
	uint32_t revents = w->revents;
	if (w->pending)
		pending_remove(loop, w);
	w->revents = 0;
	return revents;
}

void butter_watcher_feed(struct butter_loop *loop, struct butter_ev *w, uint32_t revents)
{
	if (w->ops)
		butter__feed(loop, w, revents);
}

void butter_watcher_invoke(struct butter_loop *loop, struct butter_ev *w, uint32_t revents)
{
	if (w->ops)
		w->ops->invoke(loop, w, revents);
}

int butter_watcher_priority(const struct butter_ev *w)
{
	return w->priority;
}

int butter_watcher_set_priority(struct butter_ev *w, int priority)
{
	if (w->active || w->pending) {
		errno = EBUSY;
		return -1;
	}
	if (priority < BUTTER_EV_PRIORITY_MIN)
		priority = BUTTER_EV_PRIORITY_MIN;
	if (priority > BUTTER_EV_PRIORITY_MAX)
		priority = BUTTER_EV_PRIORITY_MAX;
	w->priority = (int8_t)priority;
	return 0;
}

void butter__feed_ring(struct butter_loop *loop, enum butter__ring ring, uint32_t revents)
{
	for (struct butter_ev *w = loop->rings[ring]; w; w = butter__ring_next(loop->rings[ring], w))
		butter__feed(loop, w, revents);
}

size_t butter_loop_pending_count(const struct butter_loop *loop)
{
	return loop->pending_count;
}

void butter_loop_invoke_pending(struct butter_loop *loop)
{
	while (loop->pending_mask) {
		unsigned highest = 31u - (unsigned)__builtin_clz(loop->pending_mask);
		struct butter_ev *w = loop->pending[highest];
		uint32_t revents = w->revents;
		pending_remove(loop, w);
		w->revents = 0;
		w->ops->invoke(loop, w, revents);
	}
}
