/* SPDX-License-Identifier: MIT */
/* What all watchers can do, and the queue of those that are pending. */
#include "../event/object.h"
#include "loop.h"

enum { FIRST_ROOM = 16 };

#define KIND(T, bit)                                                                                         \
	[BUTTER__KIND_OF(bit)] = {                                                                           \
		.invoke = butter__##T##_invoke, .start = butter__##T##_start, .stop = butter__##T##_stop}

const struct butter__kind butter__kinds[BUTTER__KINDS] = {
	KIND(io, BUTTER_EV_IO),         KIND(timer, BUTTER_EV_TIMER),     KIND(periodic, BUTTER_EV_PERIODIC),
	KIND(signal, BUTTER_EV_SIGNAL), KIND(child, BUTTER_EV_CHILD),     KIND(stat, BUTTER_EV_STAT),
	KIND(idle, BUTTER_EV_IDLE),     KIND(prepare, BUTTER_EV_PREPARE), KIND(check, BUTTER_EV_CHECK),
	KIND(embed, BUTTER_EV_EMBED),   KIND(fork, BUTTER_EV_FORK),       KIND(cleanup, BUTTER_EV_CLEANUP),
	KIND(async, BUTTER_EV_ASYNC),   KIND(event, BUTTER_EV_EVENT),     KIND(pressure, BUTTER_EV_PRESSURE),
	KIND(defer, BUTTER_EV_DEFER)};

int butter__pending_grow(struct butter__pendings *q)
{
	struct butter__pending *items = butter__grow(q->items, &q->room, FIRST_ROOM, sizeof(*items));
	if (!items)
		return -1;
	q->items = items;
	return 0;
}

void butter__pending_squeeze(struct butter__pendings *q)
{
	uint32_t end = 0;
	for (uint32_t i = q->next; i < q->end; i++) {
		struct butter__pending item = q->items[i];
		if (!item.w)
			continue;
		q->items[end] = item;
		item.w->pending = ++end;
	}
	q->next = 0;
	q->end = end;
}

/* What was the first, or anything else when it is taken back. */
static uint32_t pending_remove(struct butter_loop *loop, struct butter_ev *w)
{
	struct butter__pendings *q = butter__pending_of(loop, w);
	struct butter__pending *item = &q->items[w->pending - 1];
	item->w = NULL;
	w->pending = 0;
	if (--q->count == 0) {
		q->next = q->end = 0;
		loop->pending_mask &= ~(1u << butter__level(w));
	}
	return item->revents;
}

int butter_watcher_start(struct butter_loop *loop, struct butter_ev *w)
{
	if (w->active)
		return 0;
	if (!w->kind) {
		errno = EINVAL;
		return -1;
	}
	butter__clamp(w);
	if (butter__pending_reserve(loop, w) < 0 || butter__kinds[w->kind].start(loop, w) < 0)
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
	butter__kinds[w->kind].stop(loop, w);
	butter__stopped(loop, w);
	errno = saved;
}

int butter_watcher_is_active(const struct butter_ev *w)
{
	return w->active;
}

int butter_watcher_is_pending(const struct butter_ev *w)
{
	return w->pending > 0;
}

uint32_t butter_watcher_kind(const struct butter_ev *w)
{
	return butter__kind_bit(w);
}

uint32_t butter_watcher_clear_pending(struct butter_loop *loop, struct butter_ev *w)
{
	if (!w->pending)
		return 0;
	w->flags &= (uint8_t)~BUTTER__FRESH;
	return pending_remove(loop, w);
}

int butter_watcher_feed(struct butter_loop *loop, struct butter_ev *w, uint32_t revents)
{
	if (!w->kind) {
		errno = EINVAL;
		return -1;
	}
	if (!w->active && !w->pending) {
		butter__clamp(w);
		if (butter__pending_reserve(loop, w) < 0)
			return -1;
	}
	butter__feed(loop, w, revents);
	return 0;
}

void butter_watcher_invoke(struct butter_loop *loop, struct butter_ev *w, uint32_t revents)
{
	if (w->kind)
		butter__invoke(loop, w, revents);
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
	size_t count = 0;
	for (int i = 0; i < BUTTER__PRIORITIES; i++)
		count += loop->pending[i].count;
	return count;
}

/* Where many are pending: they lie anywhere in memory. */
static inline void fetch_ahead(const struct butter__pendings *q)
{
	enum { AHEAD = 32 };
	if (q->next % AHEAD || q->end - q->next < AHEAD)
		return;
	for (uint32_t i = q->next; i < q->next + AHEAD; i++)
		if (q->items[i].w)
			butter__fetch(q->items[i].w);
}

void butter_loop_invoke_pending(struct butter_loop *loop)
{
	while (loop->pending_mask) {
		struct butter__pendings *q = &loop->pending[31 - __builtin_clz(loop->pending_mask)];
		fetch_ahead(q);
		struct butter_ev *w = q->items[q->next++].w;
		if (!w)
			continue;
		uint32_t revents = pending_remove(loop, w);
		butter__invoke(loop, w, revents);
	}
}
