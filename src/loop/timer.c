/* SPDX-License-Identifier: MIT */
#include "../event/time.h"
#include "loop.h"

static int64_t not_negative(int64_t ns)
{
	return ns < 0 ? 0 : ns;
}

static void timer_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_timer *w = (struct butter_ev_timer *)ev;
	if (!butter__take_news(ev))
		w->expirations = 0;
	w->cb(loop, w, revents);
}

static struct butter__clock *clock_of(struct butter_loop *loop, const struct butter_ev_timer *w)
{
	struct butter__clock *clock = loop->clocks;
	while (clock->clockid != w->clockid)
		clock++;
	return clock;
}

static int start_after(struct butter_loop *loop, struct butter_ev_timer *w, int64_t after)
{
	struct butter__clock *clock = clock_of(loop, w);
	if (clock != loop->clocks && butter__clock_open(loop, clock) < 0)
		return -1;
	return butter__wheel_take_after(&clock->wheel, w, after, &w->slot);
}

static int timer_start(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_timer *w = (struct butter_ev_timer *)ev;
	if (start_after(loop, w, not_negative(w->after)) < 0)
		return -1;
	if (w->flags & BUTTER_EV_TIMER_ABSOLUTE)
		butter__wheel_set(&clock_of(loop, w)->wheel, w->slot, not_negative(w->after));
	return 0;
}

static void timer_stop(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_timer *w = (struct butter_ev_timer *)ev;
	butter__wheel_drop(&clock_of(loop, w)->wheel, w->slot);
}

static const struct butter_ev_ops timer_ops = {
	.kind = BUTTER_EV_TIMER, .invoke = timer_invoke, .start = timer_start, .stop = timer_stop};

void butter_ev_timer_init(struct butter_ev_timer *w,
			  void (*cb)(struct butter_loop *loop, struct butter_ev_timer *w, uint32_t revents),
			  int64_t after, int64_t repeat)
{
	*w = (struct butter_ev_timer){
		.cb = cb, .after = after, .repeat = not_negative(repeat), .clockid = CLOCK_MONOTONIC};
	butter__init(&w->ev, &timer_ops);
}

int butter_ev_timer_set(struct butter_ev_timer *w, int64_t after, int64_t repeat)
{
	if (butter__settable(&w->ev) < 0)
		return -1;
	w->after = after;
	w->repeat = not_negative(repeat);
	return 0;
}

int butter_ev_timer_set_clock(struct butter_ev_timer *w, clockid_t clockid, uint32_t flags)
{
	if (butter__settable(&w->ev) < 0)
		return -1;
	if ((clockid != CLOCK_MONOTONIC && clockid != CLOCK_BOOTTIME && clockid != CLOCK_REALTIME) ||
	    flags & ~BUTTER_EV_TIMER_ABSOLUTE) {
		errno = EINVAL;
		return -1;
	}
	w->clockid = (int16_t)clockid;
	w->flags = (uint16_t)flags;
	return 0;
}

/* butter_watcher_start() in one for what most are. */
int butter_ev_timer_start(struct butter_loop *loop, struct butter_ev_timer *w)
{
	if (w->ev.active || !w->ev.ops || w->flags)
		return butter_watcher_start(loop, &w->ev);
	butter__clamp(&w->ev);
	if (butter__pending_reserve(loop, &w->ev) < 0)
		return -1;
	if (w->clockid != CLOCK_MONOTONIC)
		return butter_watcher_start(loop, &w->ev);
	if (butter__wheel_take_after(&loop->clocks[0].wheel, w, not_negative(w->after), &w->slot) < 0)
		return -1;
	return butter__started(loop, &w->ev);
}

void butter_ev_timer_stop(struct butter_loop *loop, struct butter_ev_timer *w)
{
	butter_watcher_stop(loop, &w->ev);
}

int butter_ev_timer_again(struct butter_loop *loop, struct butter_ev_timer *w)
{
	if (!w->ev.ops) {
		errno = EINVAL;
		return -1;
	}
	butter_watcher_clear_pending(loop, &w->ev);
	if (w->repeat <= 0) {
		butter_watcher_stop(loop, &w->ev);
		return 0;
	}
	if (w->ev.active) {
		butter__wheel_set_after(&clock_of(loop, w)->wheel, w->slot, w->repeat);
		return 0;
	}
	butter__clamp(&w->ev);
	if (butter__pending_reserve(loop, &w->ev) < 0 || start_after(loop, w, w->repeat) < 0)
		return -1;
	return butter__started(loop, &w->ev);
}

int64_t butter_ev_timer_remaining(const struct butter_loop *loop, const struct butter_ev_timer *w)
{
	const struct butter__clock *clock = clock_of((struct butter_loop *)loop, w);
	if (!w->ev.active)
		return w->after;
	return butter__wheel_at(&clock->wheel, w->slot, clock->now) - clock->now;
}

/* The next time that is still to come; the phase stays, whatever was missed. */
void butter__timer_expired(struct butter_loop *loop, struct butter__clock *clock, uint32_t slot)
{
	struct butter_ev_timer *w = clock->wheel.entries[slot].who;
	int64_t at = clock->wheel.entries[slot].at;
	uint64_t times = 1;
	if (w->repeat > 0) { /* the caller may have changed it since */
		times += (uint64_t)((clock->now - at) / w->repeat);
		at = butter__time_add(at, butter__time_mul((int64_t)times, w->repeat));
		butter__wheel_set(&clock->wheel, slot, at);
	} else {
		butter__wheel_drop(&clock->wheel, slot);
		butter__stopped(loop, &w->ev);
	}
	w->expirations = w->ev.flags & BUTTER__FRESH ? w->expirations + times : times;
	w->ev.flags |= BUTTER__FRESH;
	butter__feed(loop, &w->ev, BUTTER_EV_TIMER);
}
