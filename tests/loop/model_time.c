/* SPDX-License-Identifier: MIT */
/* The clock that is read, and that stands still while the loop is suspended. */
#include "model.h"

void model_update_now(void)
{
	butter_loop_update_now(m.loop);
	model_settle(butter_loop_now(m.loop));
}

static int is_put_off(const struct watcher *w)
{
	return w->active && w->kind == TIMER && !w->unsettled && w->of == CLOCK_MONOTONIC;
}

/* By how much, a timer tells; it is the same for all, and no more than has passed. */
static void put_off(int64_t passed)
{
	int64_t now = butter_loop_now(m.loop), by = -1;
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		if (!is_put_off(w))
			continue;
		int64_t at = now + butter_ev_timer_remaining(m.loop, &w->real->timer);
		by = by < 0 ? at - w->at : by;
		require(by >= 0 && by <= passed, "put off by %lld of %lld", (long long)by, (long long)passed);
		require(at == w->at + by, "%lld and not %lld", (long long)at, (long long)(w->at + by));
		w->at = at;
	}
}

/* With operations in between, in which no time passes. */
void model_suspend(void)
{
	if (m.suspended)
		return;
	m.suspended = 1;
	butter_loop_suspend(m.loop);
	int64_t before = butter_loop_now(m.loop);
	model_settle(before);
	for (unsigned i = model_random(4); i > 0; i--)
		model_operate();
	butter_loop_suspend(m.loop);
	require(butter_loop_now(m.loop) == before, "time passes");
	butter_loop_resume(m.loop);
	m.suspended = 0;
	m.feats[SUSPENDED]++;
	put_off(butter_loop_now(m.loop) - before);
	model_settle(butter_loop_now(m.loop));
	butter_loop_resume(m.loop);
}
