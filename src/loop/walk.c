/* SPDX-License-Identifier: MIT */
/* All that the loop has: for the caller to walk over, and to check. */
#include "loop.h"

typedef void butter__visitor(struct butter_loop *loop, struct butter_ev *w, void *arg);

/* The next is known before the callback, which may take w away, and no other. */
void butter__walk_ring(struct butter_loop *loop, struct butter_ev **head, butter__visitor *cb, void *arg)
{
	struct butter_ev *w = *head;
	while (w) {
		struct butter_ev *next = butter__ring_next(*head, w);
		cb(loop, w, arg);
		w = next;
	}
}

static void walk_timers(struct butter_loop *loop, struct butter__wheel *h, butter__visitor *cb, void *arg)
{
	for (uint32_t slot = 0; slot < h->used; slot++) {
		struct butter_ev_timer *timer = h->entries[slot].who;
		if (timer)
			cb(loop, &timer->ev, arg);
	}
}

void butter__walk_all(struct butter_loop *loop, butter__visitor *cb, void *arg)
{
	for (int i = 0; i < BUTTER__RINGS; i++)
		butter__walk_ring(loop, &loop->rings[i], cb, arg);
	butter__signals_walk(loop, cb, arg);
	butter__children_walk(loop, cb, arg);
	butter__periodics_walk(loop, cb, arg);
	for (int i = 0; i < BUTTER__CLOCKS; i++)
		walk_timers(loop, &loop->clocks[i].wheel, cb, arg);
	for (uint32_t fd = 0; fd < loop->fd_room; fd++)
		butter__walk_ring(loop, &loop->fds[fd].watchers, cb, arg);
}

struct walk {
	uint32_t kinds;
	butter__visitor *cb;
	void *arg;
};

static void choose(struct butter_loop *loop, struct butter_ev *w, void *arg)
{
	const struct walk *walk = arg;
	if (!(w->flags & BUTTER__HIDDEN) && butter__kind_bit(w) & walk->kinds)
		walk->cb(loop, w, walk->arg);
}

void butter_loop_walk(struct butter_loop *loop, uint32_t kinds,
		      void (*cb)(struct butter_loop *loop, struct butter_ev *w, void *arg), void *arg)
{
	struct walk walk = {.kinds = kinds, .cb = cb, .arg = arg};
	butter__walk_all(loop, choose, &walk);
}

/* What is counted against the loop's own counts. */
struct count {
	int64_t holds;
	uint32_t idle, more;
	int is_sound;
};

static int ring_is_sound(const struct butter_ev *w)
{
	const struct butter_ev_link *link = butter__link(w);
	return butter__kind_bit(w) & (BUTTER_EV_TIMER | BUTTER_EV_PERIODIC) ||
	       (butter__link(link->next)->prev == w && butter__link(link->prev)->next == w);
}

static void count_one(struct butter_loop *loop, struct butter_ev *w, void *arg)
{
	struct count *count = arg;
	(void)loop;
	count->holds += !(w->flags & BUTTER__UNHELD);
	count->idle += butter__kind_bit(w) == BUTTER_EV_IDLE;
	count->more += !!(w->flags & BUTTER__MORE);
	if (!w->active || butter__level(w) >= BUTTER__PRIORITIES || !ring_is_sound(w))
		count->is_sound = 0;
}

static int pending_is_sound(const struct butter_loop *loop, int i)
{
	const struct butter__pendings *q = &loop->pending[i];
	uint32_t count = 0;
	if (!q->count != !(loop->pending_mask >> i & 1) || q->end > q->room || q->count + q->active > q->room)
		return 0;
	for (uint32_t k = q->next; k < q->end; k++) {
		const struct butter_ev *w = q->items[k].w;
		count += !!w;
		if (w && (w->pending != k + 1 || w->priority != i + BUTTER_EV_PRIORITY_MIN))
			return 0;
	}
	return count == q->count;
}

static int fds_are_sound(const struct butter_loop *loop)
{
	uint32_t changes = 0, always = 0;
	for (uint32_t fd = 0; fd < loop->fd_room; fd++) {
		const struct butter__fd *f = &loop->fds[fd];
		changes += f->changed;
		always += f->always;
		if ((f->registered || f->always) && !f->watchers)
			return 0;
		for (const struct butter_ev *w = f->watchers; w; w = butter__ring_next(f->watchers, w))
			if (((const struct butter_ev_io *)w)->fd != (int)fd)
				return 0;
	}
	return changes == loop->change_count && always == loop->always_count;
}

int butter_loop_verify(const struct butter_loop *loop)
{
	struct count count = {.is_sound = 1};
	butter__walk_all((struct butter_loop *)loop, count_one, &count);
	int is_sound = count.is_sound && count.holds + loop->refs == loop->holds &&
		       count.idle == loop->idle_count && count.more == loop->more_count &&
		       fds_are_sound(loop) && butter__periodics_are_sound(loop);
	for (int i = 0; i < BUTTER__PRIORITIES; i++)
		is_sound = is_sound && pending_is_sound(loop, i);
	for (int i = 0; i < BUTTER__CLOCKS; i++)
		is_sound = is_sound && butter__wheel_is_sound(&loop->clocks[i].wheel) &&
			   (!loop->clocks[i].wheel.count || loop->clocked >> i & 1);
	if (is_sound)
		return 0;
	errno = EBADMSG;
	return -1;
}
