/* SPDX-License-Identifier: MIT */
/* What is pending, and in which order it is called. */
#include "model.h"

void model_feed(struct watcher *w, uint32_t revents, uint64_t sub, uint64_t seq)
{
	w->revents |= revents;
	if (w->is_pending)
		return;
	w->is_pending = 1;
	w->place = (struct place){m.rank, sub, seq};
}

/* Those that are active, in the order of their start. */
void model_feed_kind(enum kind kind, uint32_t revents, uint64_t sub)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->active && w->kind == kind)
			model_feed(w, revents, sub, w->started);
}

void model_clear(struct watcher *w)
{
	w->is_pending = 0;
	w->revents = 0;
	w->times = 0;
	if (w->kind == STAT)
		w->told = w->real->stat.attr.size;
}

static int is_of_every(const struct watcher *w)
{
	return w->kind == CHILD && w->of == EVERY;
}

/* The callbacks of what is pending: event watchers have none where there is no event. */
static int is_silent(const struct watcher *w)
{
	if (is_of_every(w))
		return w->active && w->revents & BUTTER_EV_CHILD && model_has_no_end();
	if (w->kind == EVENT)
		return w->active && w->revents & BUTTER_EV_EVENT && !m.source_count[w->of];
	return w->kind == EMBED && !w->real->embed.cb && (!w->active || !m.inner_ready[w->of]);
}

void model_sweep(void)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->is_pending && is_silent(w) && !butter_ev_is_pending(w->real))
			model_clear(w);
}

static void may_be_called(const struct watcher *w)
{
	require(w->is_pending, "%x is called and was not pending", model_told[w->kind]);
	for (struct watcher *o = m.watchers; o < MODEL_END; o++) {
		if (!o->is_pending || o->priority < w->priority)
			continue;
		require(o->priority == w->priority, "%x is called before %x of a higher priority",
			model_told[w->kind], model_told[o->kind]);
		require(o->place.rank >= w->place.rank, "%x is called before %x", model_told[w->kind],
			model_told[o->kind]);
		require(o->place.rank > w->place.rank || o->place.sub != w->place.sub ||
				o->place.seq >= w->place.seq,
			"%x is called before another one", model_told[w->kind]);
	}
}

static void begin_turn(struct watcher *w, uint32_t revents)
{
	m.now.turn = w;
	m.now.turn_left = BUDGET;
	m.now.turn_revents = revents;
}

/* One event of the turn. */
static void take_event(struct watcher *w, int begins)
{
	if (w->kind == CHILD) {
		model_take_end(w, begins);
		return;
	}
	require(m.now.turn_left > 0, "a turn is longer than the budget");
	require(m.source_count[w->of] > 0, "an event comes from nowhere");
	m.now.turn_left--;
	m.source_count[w->of]--;
}

/* Whether a watcher that had a turn has it still. */
static int has_turn(const struct watcher *w)
{
	if (w->kind == CHILD)
		return m.end_count > 0;
	return m.now.turn_left && m.source_count[w->of];
}

void model_end_turn(void)
{
	require(!m.now.turn || !has_turn(m.now.turn), "a turn ends early");
	m.now.turn = NULL;
}

/* A file that has changed may be seen twice. */
int model_is_due(const struct watcher *w, uint32_t revents)
{
	return revents == w->revents || (w->kind == STAT && revents == (w->revents | BUTTER_EV_STAT));
}

/* What it was not told is in the callback, whoever calls it. */
static void tells_news(struct watcher *w)
{
	if (w->kind == TIMER)
		require(w->real->timer.expirations == (w->times < UINT32_MAX ? w->times : UINT32_MAX),
			"expirations %u and not %llu", w->real->timer.expirations,
			(unsigned long long)w->times);
	w->times = 0;
	if (w->kind != STAT)
		return;
	const struct butter_ev_stat *stat = &w->real->stat;
	require(stat->prev.size == w->told, "prev is not what was told: %lld", (long long)stat->prev.size);
	require(stat->attr.size >= w->told && stat->attr.size <= m.sizes[w->of], "a size that was never");
	w->told = stat->attr.size;
}

void model_called(struct watcher *w, uint32_t revents)
{
	m.calls[w->kind]++;
	tells_news(w);
	if (m.direct == w) {
		require(revents == BUTTER_EV_CUSTOM, "invoke tells %x", revents);
		m.direct = NULL;
		return;
	}
	model_sweep();
	if (m.now.turn == w && has_turn(w)) {
		require(revents == m.now.turn_revents, "in its turn %x", revents);
		take_event(w, 0);
		return;
	}
	model_end_turn();
	may_be_called(w);
	require(model_is_due(w, revents), "%x is told %x for %x", model_told[w->kind], revents, w->revents);
	model_clear(w);
	if (w->active && ((w->kind == EVENT && revents & BUTTER_EV_EVENT) ||
			  (is_of_every(w) && revents & BUTTER_EV_CHILD))) {
		begin_turn(w, revents);
		take_event(w, 1);
	}
}

/* The loop inside, swept for a watcher that has no callback. */
static void expect_sweep(int i)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		if (!w->is_pending || w->kind != EMBED || w->real->embed.cb || w->of != i || !w->active ||
		    butter_ev_is_pending(w->real))
			continue;
		may_be_called(w);
		model_clear(w);
		m.calls[EMBED]++;
		return;
	}
	require(0, "the loop inside is swept by nobody");
}

void model_inner_callback(int i)
{
	require(m.inner_ready[i], "the loop inside has nothing to do");
	if (m.direct && m.direct->kind == EMBED) {
		m.direct = NULL;
		return;
	}
	model_sweep();
	model_end_turn();
	expect_sweep(i);
}

void model_compare(void)
{
	size_t count = 0;
	require(butter_loop_verify(m.loop) == 0, "the loop is not sound");
	model_sweep();
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		require(butter_ev_is_active(w->real) == w->active, "%x is active: %d", model_told[w->kind],
			!w->active);
		require(butter_ev_is_pending(w->real) == w->is_pending, "%x is pending: %d",
			model_told[w->kind], !w->is_pending);
		require(butter_ev_priority(w->real) == w->priority, "%x has another priority",
			model_told[w->kind]);
		count += (size_t)w->is_pending;
	}
	require(butter_loop_pending_count(m.loop) == count, "%zu are pending", count);
	require(butter_loop_depth(m.loop) == m.runs, "the depth is wrong");
}
