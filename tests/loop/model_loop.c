/* SPDX-License-Identifier: MIT */
/* The course of an iteration as loop.h has it. */
#include "model.h"

void model_settle(int64_t now)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		if (!w->active || w->kind != TIMER || !w->unsettled)
			continue;
		w->unsettled = 0;
		w->at += now;
	}
}

/* Of those that may come and need not, the loop says whether they do. */
void model_ask_stats(void)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->kind == STAT && !w->is_pending && butter_ev_is_pending(w->real)) {
			require(w->active && (m.touched[w->of] || w->real->stat.polled),
				"a file did not change");
			model_feed(w, BUTTER_EV_STAT, (uint64_t)(w - m.watchers), 0);
		}
}

static void fail_io(struct watcher *w)
{
	uint64_t sub = (uint64_t)(w - m.watchers);
	model_stopped(w);
	model_clear(w);
	model_feed(w, BUTTER_EV_ERROR | w->real->io.events, sub, 0);
}

static uint32_t wanted(int i)
{
	uint32_t events = 0;
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->active && w->kind == IO && w->of == i)
			events |= w->real->io.events;
	return events;
}

/* Whether the file that epoll knows is another: nothing tells one that is always ready from the next. */
static int is_another(const struct file *file)
{
	if (file->content == COUNTER)
		return file->always || (file->registered && file->registered != file->opened);
	return file->registered != 0;
}

/* To epoll, which was asked for events; who is left wants but these. 0: it has forgotten the file. */
static void is_known(struct file *file, uint32_t asked, uint32_t left)
{
	file->always = asked && file->content == NO_POLL;
	file->registered = asked && file->content == COUNTER ? file->opened : 0;
	file->known = file->registered ? left : asked;
}

static void flush(int i)
{
	struct file *file = &m.files[i];
	uint32_t events = wanted(i);
	int is_asked =
		events && (!(file->registered || file->always) || events != file->known || file->renewed);
	int fails = is_asked && file->content == CLOSED, is_old = is_asked && !fails && is_another(file);
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		if (!w->active || w->kind != IO || w->of != i)
			continue;
		if (fails || (is_old && !w->is_new))
			fail_io(w);
		w->is_new = 0;
	}
	file->changed = file->renewed = 0;
	if (is_asked || !events)
		is_known(file, model_watches(IO, i) ? events : 0, wanted(i));
}

static int has(enum kind kind)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->active && w->kind == kind)
			return 1;
	return 0;
}

/* Another iteration of the same run. */
static void begin_again(void)
{
	if (m.now.flags != BUTTER_RUN_DEFAULT || m.now.stage < FOUND || m.breaking ||
	    (m.now.stage == FOUND && has(DEFER)))
		return;
	m.now.stage = BEGUN;
	m.now.had_pending = 0;
	m.now.iterations++;
	m.iterations++;
	m.feats[RUN_ON]++;
}

/* Just before the wait. */
static void released(struct butter_loop *loop)
{
	begin_again();
	require(!(m.now.stage == BEGUN && m.now.had_pending) && !(m.now.stage < FORKS && m.fork_due) &&
			!m.breaking,
		"the loop waits too early");
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		require(m.now.stage >= PREPARES || !(w->active && w->kind == PREPARE),
			"a wait without prepare");
	m.now.stage = RELEASED;
	model_settle(butter_loop_now(loop));
	m.rank++;
	for (int i = 0; i < FILES; i++)
		if (m.files[i].changed)
			flush(i);
}

static void acquired(struct butter_loop *loop)
{
	(void)loop;
	require(m.now.stage == RELEASED, "acquired in stage %d", m.now.stage);
	m.now.stage = ACQUIRED;
}

static void find_own(void)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		if (w->active && w->kind == ASYNC && w->sent) {
			model_feed(w, BUTTER_EV_ASYNC, 1, w->started);
			w->sent = 0;
		}
		if (w->active && w->kind == SIGNAL && m.sent[w->of])
			model_feed(w, BUTTER_EV_SIGNAL, 2, (uint64_t)w->of << 32 | w->started);
	}
	memset(m.sent, 0, sizeof(m.sent));
	model_find_children();
}

static void find_periodics(void)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		if (!w->active || w->kind != PERIODIC || w->at > 1000)
			continue;
		model_feed(w, BUTTER_EV_PERIODIC, 1, (uint64_t)w->at << 32 | w->started);
		model_stopped(w);
	}
}

/* The first of this clock, and of equals the one that was started first. */
static struct watcher *first_timer(clockid_t id, int64_t now)
{
	struct watcher *first = NULL;
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->active && w->kind == TIMER && w->of == id && !w->unsettled && w->at <= now &&
		    (!first || w->at < first->at || (w->at == first->at && w->started < first->started)))
			first = w;
	return first;
}

static void find_timers(clockid_t id, int64_t now)
{
	struct watcher *w;
	for (m.rank++; (w = first_timer(id, now));) {
		int64_t repeat = w->real->timer.repeat, times = 1;
		if (repeat) {
			times += (now - w->at) / repeat;
			w->at += times * repeat;
		}
		w->times += (uint64_t)times;
		model_feed(w, BUTTER_EV_TIMER, 1, ++m.starts);
		if (repeat)
			w->started = ++m.starts;
		else
			model_stopped(w);
	}
}

static void find_io(struct watcher *w)
{
	const struct file *file = &m.files[w->of];
	uint64_t sub = 1000 + (uint64_t)w->of;
	uint32_t revents = BUTTER_EV_WRITE | (file->ready ? BUTTER_EV_READ : 0);
	if (file->registered && file->registered == file->opened && revents & w->real->io.events)
		model_feed(w, revents & w->real->io.events, sub, w->started);
}

static void find_files(void)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		uint64_t sub = (uint64_t)(w - m.watchers);
		if (w->active && w->kind == IO)
			find_io(w);
		else if (w->active && w->kind == EVENT && m.source_count[w->of])
			model_feed(w, BUTTER_EV_EVENT, sub, 0);
		else if (w->active && w->kind == EMBED && m.inner_ready[w->of])
			model_feed(w, BUTTER_EV_EMBED, sub, 0);
		else if (w->active && w->kind == STAT && w->changed && !w->real->stat.polled)
			model_feed(w, BUTTER_EV_STAT, sub, w->changed = 0);
		else if (w->active && w->kind == PRESSURE && butter_ev_is_pending(w->real))
			model_feed(w, BUTTER_EV_PRESSURE, sub, 0);
	}
	model_ask_stats();
	memset(m.touched, 0, sizeof(m.touched));
	m.rank++;
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		uint32_t revents = BUTTER_EV_READ | BUTTER_EV_WRITE;
		if (w->active && w->kind == IO && m.files[w->of].always && w->real->io.events & revents)
			model_feed(w, w->real->io.events & revents, 1000 + (uint64_t)w->of, w->started);
	}
}

/* Nothing of its priority or a higher one is pending but what was just said to check watchers. */
static void find_idle(uint64_t check_rank)
{
	for (int priority = 2; priority >= -2; priority--) {
		int is_idle = 0;
		for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
			if (w->is_pending && w->priority == priority && w->place.rank != check_rank)
				return;
			is_idle |= w->active && w->kind == IDLE && w->priority == priority;
		}
		for (struct watcher *w = m.watchers; w < MODEL_END; w++)
			if (w->active && w->kind == IDLE && w->priority == priority)
				model_feed(w, BUTTER_EV_IDLE, 1, w->started);
		if (is_idle)
			return;
	}
}

static void find(int64_t now)
{
	m.rank++;
	find_own();
	uint64_t check_rank = ++m.rank;
	model_feed_kind(CHECK, BUTTER_EV_CHECK, 1);
	m.rank++;
	find_periodics();
	find_timers(CLOCK_MONOTONIC, now);
	find_timers(CLOCK_BOOTTIME, 1000);
	find_timers(CLOCK_REALTIME, 1000);
	m.rank++;
	find_files();
	m.rank++;
	find_idle(check_rank);
	model_settle(now);
}

static void defer(void)
{
	m.rank++;
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		if (!w->active || w->kind != DEFER)
			continue;
		model_stopped(w);
		model_clear(w);
		model_feed(w, BUTTER_EV_DEFER, 1, w->started);
	}
}

/* The loop is going to call what is pending: what has become so is due from the stage. */
static void next_stage(struct butter_loop *loop)
{
	begin_again();
	m.rank++;
	if (m.now.stage == BEGUN && m.now.had_pending) {
		m.now.stage = BEFORE;
	} else if (m.now.stage < FORKS && m.fork_due) {
		m.now.stage = FORKS;
		m.fork_due = 0;
		model_feed_kind(FORK, BUTTER_EV_FORK, 1);
	} else if (m.now.stage < PREPARES && has(PREPARE)) {
		m.now.stage = PREPARES;
		model_feed_kind(PREPARE, BUTTER_EV_PREPARE, 1);
	} else if (m.now.stage == ACQUIRED) {
		m.now.stage = FOUND;
		find(butter_loop_now(loop));
	} else if (m.now.stage == FOUND && has(DEFER)) {
		m.now.stage = DEFERS;
		defer();
	} else {
		require(0, "callbacks out of turn, in stage %d", m.now.stage);
	}
}

/* An idle watcher does not let it wait, if nobody can stop that one before. */
static int may_wait(void)
{
	int is_idle = 0;
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		if (w->is_pending || (w->active && w->kind == PREPARE))
			return 0;
		is_idle |= w->active && w->kind == IDLE;
	}
	return is_idle && !m.fork_due;
}

/* Where the next iteration could wait for ever, there is none. */
static void limit(struct butter_loop *loop)
{
	enum { MOST = 6 };
	int is_last = m.now.stage == DEFERS || (m.now.stage == FOUND && !has(DEFER));
	if (m.now.flags != BUTTER_RUN_DEFAULT || !is_last || m.breaking ||
	    (may_wait() && m.now.iterations < MOST))
		return;
	m.breaking = 1 + (int)model_random(2);
	butter_loop_break(loop, (unsigned)m.breaking);
}

static void invoke(struct butter_loop *loop)
{
	next_stage(loop);
	model_compare();
	butter_loop_invoke_pending(loop);
	model_sweep();
	model_end_turn();
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		require(!w->is_pending, "%x was pending and is not called, told %x", model_told[w->kind],
			w->revents);
	limit(loop);
}

void model_set_hooks(void)
{
	butter_loop_set_hooks(m.loop, released, acquired);
	butter_loop_set_invoke_pending(m.loop, invoke);
}

static int are_holding(void)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->active && w->kind != CLEANUP)
			return 1;
	return 0;
}

static void check_end(unsigned flags, int n)
{
	require(m.breaking || m.now.stage >= FOUND, "it ends in stage %d", m.now.stage);
	require(m.now.stage != FOUND || !has(DEFER), "defer was not called");
	require(n == are_holding(), "run returns %d", n);
	require(flags != BUTTER_RUN_DEFAULT || m.breaking || !n, "it ends, and is held");
	require(m.runs || butter_loop_iteration(m.loop) == m.iterations, "iterations are not counted");
}

void model_run(void)
{
	struct course outer = m.now;
	unsigned flags = !may_wait()       ? BUTTER_RUN_NOWAIT
			 : model_random(3) ? BUTTER_RUN_ONCE
					   : BUTTER_RUN_DEFAULT;
	m.now = (struct course){.stage = BEGUN,
				.had_pending = butter_loop_pending_count(m.loop) > 0,
				.flags = flags,
				.outer = m.runs ? &outer : NULL};
	m.breaking = BUTTER_BREAK_CANCEL;
	m.iterations++;
	m.runs++;
	int n = butter_loop_run(m.loop, flags);
	m.runs--;
	check_end(flags, n);
	m.feats[RUN_INSIDE] += m.runs > 0;
	m.feats[BROKEN_ALL] += m.runs && m.breaking == BUTTER_BREAK_ALL;
	if (m.breaking == BUTTER_BREAK_ONE || !m.runs)
		m.breaking = BUTTER_BREAK_CANCEL;
	m.now = outer;
	model_compare();
}
