/* SPDX-License-Identifier: MIT */
#include "../event/time.h"
#include "loop.h"

static int64_t not_negative(int64_t ns)
{
	return ns < 0 ? 0 : ns;
}

void butter__timer_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_timer *w = (struct butter_ev_timer *)ev;
	if (!butter__take_news(ev))
		w->expirations = 0;
	w->cb(loop, w, revents);
}

/* In ev.detail: the number of the clock, and whether after is a time of it. */
enum { DETAIL_CLOCK = 3, DETAIL_ABSOLUTE = 4 };

static struct butter__clock *clock_of(struct butter_loop *loop, const struct butter_ev_timer *w)
{
	return &loop->clocks[w->ev.detail & DETAIL_CLOCK];
}

static int start_after(struct butter_loop *loop, struct butter_ev_timer *w, int64_t after)
{
	struct butter__clock *clock = clock_of(loop, w);
	if (clock != loop->clocks && butter__clock_open(loop, clock) < 0)
		return -1;
	loop->clocked |= (uint8_t)(1u << (w->ev.detail & DETAIL_CLOCK));
	return butter__wheel_take_after(&clock->wheel, w, after, &w->slot);
}

int butter__timer_start(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_timer *w = (struct butter_ev_timer *)ev;
	if (start_after(loop, w, not_negative(w->after)) < 0)
		return -1;
	if (w->ev.detail & DETAIL_ABSOLUTE)
		butter__wheel_set(&clock_of(loop, w)->wheel, w->slot, not_negative(w->after));
	return 0;
}

void butter__timer_stop(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_timer *w = (struct butter_ev_timer *)ev;
	butter__wheel_drop(&clock_of(loop, w)->wheel, w->slot);
}

void butter_ev_timer_init(struct butter_ev_timer *w,
			  void (*cb)(struct butter_loop *loop, struct butter_ev_timer *w, uint32_t revents),
			  int64_t after, int64_t repeat)
{
	*w = (struct butter_ev_timer){.cb = cb, .after = after, .repeat = not_negative(repeat)};
	butter__init(&w->ev, BUTTER_EV_TIMER);
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
	int clock = butter__clock_number(clockid);
	if (clock < 0 || flags & ~BUTTER_EV_TIMER_ABSOLUTE) {
		errno = EINVAL;
		return -1;
	}
	w->ev.detail = (unsigned)clock & DETAIL_CLOCK;
	if (flags)
		w->ev.detail |= DETAIL_ABSOLUTE;
	return 0;
}

/* butter_watcher_start() in one where nothing stands in the way. */
int butter_ev_timer_start(struct butter_loop *loop, struct butter_ev_timer *w)
{
	struct butter__wheel *wheel = &loop->clocks[0].wheel;
	struct butter__pendings *q = &loop->pending[-BUTTER_EV_PRIORITY_MIN];
	if (w->ev.active || w->ev.detail || w->ev.flags || !w->ev.kind || w->ev.priority)
		return butter_watcher_start(loop, &w->ev);
	if (!butter__pending_has_room(q) || !butter__wheel_is_ready(wheel))
		return butter_watcher_start(loop, &w->ev);
	q->active++;
	loop->holds++;
	loop->clocked |= 1;
	w->ev.active = 1;
	w->slot = butter__wheel_take_ready(wheel, w, not_negative(w->after));
	return 0;
}

void butter_ev_timer_stop(struct butter_loop *loop, struct butter_ev_timer *w)
{
	butter_watcher_stop(loop, &w->ev);
}

int butter_ev_timer_again(struct butter_loop *loop, struct butter_ev_timer *w)
{
	if (!w->ev.kind) {
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
	if (w->ev.flags & BUTTER__FRESH)
		times += w->expirations;
	w->expirations = times < UINT32_MAX ? (uint32_t)times : UINT32_MAX;
	w->ev.flags |= BUTTER__FRESH;
	butter__feed(loop, &w->ev, BUTTER_EV_TIMER);
}
