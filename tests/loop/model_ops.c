/* SPDX-License-Identifier: MIT */
/* What is done to a watcher, and the same to the model. */
#include <signal.h>

#include "model.h"

enum { PAST = 1000 };
static const int64_t far = INT64_MAX / 2;

const uint32_t model_told[KINDS] = {
	BUTTER_EV_IO,    BUTTER_EV_TIMER, BUTTER_EV_PERIODIC, BUTTER_EV_SIGNAL,
	BUTTER_EV_CHILD, BUTTER_EV_STAT,  BUTTER_EV_IDLE,     BUTTER_EV_PREPARE,
	BUTTER_EV_CHECK, BUTTER_EV_EMBED, BUTTER_EV_FORK,     BUTTER_EV_CLEANUP,
	BUTTER_EV_ASYNC, BUTTER_EV_EVENT, BUTTER_EV_PRESSURE, BUTTER_EV_DEFER,
};
const int model_signals[SIGNALS] = {SIGUSR1, SIGUSR2, SIGWINCH}; /* in the order in which they are read */

#define CALLBACK(T)                                                                                          \
	static void on_##T(struct butter_loop *loop, struct butter_ev_##T *w, uint32_t revents)              \
	{                                                                                                    \
		require(loop == m.loop, "the loop of " #T);                                                  \
		model_callback(w->ev.data, revents);                                                         \
	}
CALLBACK(io)
CALLBACK(timer)
CALLBACK(periodic)
CALLBACK(signal)
CALLBACK(child)
CALLBACK(stat)
CALLBACK(idle)
CALLBACK(prepare)
CALLBACK(check)
CALLBACK(embed)
CALLBACK(fork)
CALLBACK(cleanup)
CALLBACK(async)
CALLBACK(event)
CALLBACK(pressure)
CALLBACK(defer)

static void init_io(struct watcher *w)
{
	uint32_t events = model_random(8);
	w->of = (int)model_random(FILES);
	butter_ev_io_init(&w->real->io, on_io, m.files[w->of].fd, events);
}

/* Of the other clocks the model knows no time: it is over, or never comes. */
static void init_timer(struct watcher *w)
{
	static const int64_t afters[] = {-1, 0, 0, 1000, 50000, INT64_C(3600000000000)};
	static const clockid_t clocks[] = {CLOCK_BOOTTIME, CLOCK_REALTIME, CLOCK_MONOTONIC};
	struct butter_ev_timer *timer = &w->real->timer;
	unsigned clock = model_random(6);
	int64_t repeat = model_random(3) ? 0 : 1 + model_random(1000000);
	butter_ev_timer_init(timer, on_timer, afters[model_random(6)], clock < 2 ? 0 : repeat);
	w->of = CLOCK_MONOTONIC;
	w->is_absolute = clock <= 2;
	if (!w->is_absolute)
		return;
	w->of = clocks[clock];
	timer->after = model_random(4) ? 1 + model_random(PAST - 1) : far;
	require(butter_ev_timer_set_clock(timer, clocks[clock], BUTTER_EV_TIMER_ABSOLUTE) == 0, "a clock");
}

static void init_fd(struct watcher *w)
{
	union real *real = w->real;
	switch (w->kind) {
	case IO:
		init_io(w);
		break;
	case SIGNAL:
		w->of = (int)model_random(SIGNALS);
		butter_ev_signal_init(&real->signal, on_signal, model_signals[w->of]);
		break;
	case CHILD:
		w->of = model_random(2) ? (int)model_random(PROCESSES) : EVERY;
		butter_ev_child_init(&real->child, on_child, w->of == EVERY ? 0 : m.processes[w->of].pid);
		break;
	case STAT:
		w->of = (int)model_random(PATHS);
		butter_ev_stat_init(&real->stat, on_stat, m.paths[w->of], 0);
		break;
	case EMBED:
		w->of = (int)model_random(INNERS);
		butter_ev_embed_init(&real->embed, model_random(2) ? on_embed : NULL, m.inner[w->of], -1);
		break;
	case EVENT:
		w->of = (int)model_random(SOURCES);
		butter_ev_event_init(&real->event, on_event, butter_eventfd_source(m.sources[w->of]),
				     &m.source_event[w->of]);
		break;
	default:
		butter_ev_pressure_init(&real->pressure, on_pressure, "/proc/pressure/cpu",
					INT64_C(2000000000), INT64_C(2000000000), 0);
	}
}

static void init(struct watcher *w)
{
	union real *real = w->real;
	switch (w->kind) {
	case TIMER:
		init_timer(w);
		break;
	case PERIODIC:
		butter_ev_periodic_init(&real->periodic, on_periodic,
					model_random(4) ? 1 + model_random(PAST - 1) : far, 0, NULL);
		break;
	case IDLE:
		butter_ev_idle_init(&real->idle, on_idle);
		break;
	case PREPARE:
		butter_ev_prepare_init(&real->prepare, on_prepare);
		break;
	case CHECK:
		butter_ev_check_init(&real->check, on_check);
		break;
	case FORK:
		butter_ev_fork_init(&real->fork, on_fork);
		break;
	case CLEANUP:
		butter_ev_cleanup_init(&real->cleanup, on_cleanup);
		break;
	case ASYNC:
		butter_ev_async_init(&real->async, on_async);
		break;
	case DEFER:
		butter_ev_defer_init(&real->defer, on_defer);
		break;
	default:
		init_fd(w);
	}
}

/* The memory ends as soon as the watcher has stopped. */
void model_new(struct watcher *w, enum kind kind)
{
	int priority = (int)model_random(8) - 3;
	if (w->real) {
		model_stop(w);
		memset(w->real, 0xee, sizeof(*w->real));
		free(w->real);
	}
	*w = (struct watcher){.kind = kind, .real = malloc(sizeof(*w->real))};
	ck_assert_ptr_nonnull(w->real);
	memset(w->real, 0xdd, sizeof(*w->real));
	init(w);
	w->real->ev.data = w;
	w->priority = priority < -2 ? -2 : priority > 2 ? 2 : priority;
	require(butter_ev_set_priority(w->real, priority) == 0, "a priority");
}

int model_watches(enum kind kind, int of)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->active && w->kind == kind && w->of == of)
			return 1;
	return 0;
}

static void started(struct watcher *w)
{
	w->active = 1;
	w->started = ++m.starts;
	if (w->kind == TIMER) {
		w->unsettled = !w->is_absolute;
		w->at = w->real->timer.after < 0 ? 0 : w->real->timer.after;
	} else if (w->kind == PERIODIC) {
		w->at = w->real->periodic.offset;
	} else if (w->kind == IO) {
		w->is_new = m.files[w->of].changed = m.files[w->of].renewed = 1;
	} else if (w->kind == STAT) {
		w->told = w->real->stat.attr.size;
	}
	w->is_more = w->kind == CHILD && w->of == EVERY;
	w->changed = 0;
}

static int cannot_start(const struct watcher *w)
{
	if (w->kind != CHILD || w->active)
		return 0;
	return w->of == EVERY ? model_every() != NULL : m.processes[w->of].reaped;
}

void model_start(struct watcher *w)
{
	int before = w->active, fails = cannot_start(w);
	if (model_random(w->kind == PRESSURE ? 20 : w->kind == STAT ? 8 : 1)) /* these take the kernel long */
		return;
	if (w->kind == CHILD && w->of != EVERY && !before)
		butter_ev_child_set(&w->real->child, m.processes[w->of].pid);
	int n = butter_ev_start(m.loop, w->real);
	if (w->kind == PRESSURE && n < 0)
		return; /* not every kernel has it, nor for everyone */
	require(n == (fails ? -1 : 0), "start of %x says %d, errno %d", model_told[w->kind], n, errno);
	if (!n && !before)
		started(w);
}

/* What a signal or an fd is without its last watcher. */
void model_stopped(struct watcher *w)
{
	w->active = 0;
	if (w->kind == SIGNAL && !model_watches(SIGNAL, w->of))
		m.sent[w->of] = 0;
	if (w->kind == CHILD && w->of == EVERY)
		m.sigchld = (int)(m.end_count = 0);
	if (w->kind != IO)
		return;
	struct file *file = &m.files[w->of];
	if (model_watches(IO, w->of))
		file->changed = 1;
	else
		file->registered = file->known = (uint32_t)(file->always = 0);
}

void model_stop(struct watcher *w)
{
	butter_ev_stop(m.loop, w->real);
	model_clear(w);
	for (struct course *c = &m.now; c; c = c->outer)
		c->turn = c->turn == w ? NULL : c->turn;
	if (w->active)
		model_stopped(w);
}

void model_again(struct watcher *w)
{
	if (w->kind == PERIODIC) {
		require(butter_ev_periodic_again(m.loop, &w->real->periodic) == 0, "again of a periodic");
		model_clear(w);
		started(w);
	} else if (w->kind == TIMER) {
		require(butter_ev_timer_again(m.loop, &w->real->timer) == 0, "again of a timer");
		model_clear(w);
		if (!w->real->timer.repeat) {
			w->active = 0;
			return;
		}
		started(w);
		w->unsettled = 1;
		w->at = w->real->timer.repeat;
	}
}

void model_modify(struct watcher *w)
{
	uint32_t events = model_random(8);
	if (w->kind != IO)
		return;
	m.files[w->of].changed |= w->active && w->real->io.events != events;
	require(butter_ev_io_modify(m.loop, &w->real->io, events) == 0, "modify");
}

void model_invoke(struct watcher *w)
{
	if (w->kind == EMBED && !w->real->embed.cb)
		return;
	m.direct = w;
	butter_ev_invoke(m.loop, w->real, BUTTER_EV_CUSTOM);
	require(!m.direct, "invoke does not call %x", model_told[w->kind]);
}
