/* SPDX-License-Identifier: MIT */
/* libev. */
#include <ev.h>

#include "order.h"

/* Every watcher begins with the members of ev_watcher. */
static union theirs {
	struct ev_watcher any;
	struct ev_io io;
	struct ev_timer timer;
	struct ev_periodic periodic;
	struct ev_signal signal;
	struct ev_child child;
	struct ev_stat stat;
	struct ev_idle idle;
	struct ev_prepare prepare;
	struct ev_check check;
	struct ev_embed embed;
	struct ev_fork fork;
	struct ev_cleanup cleanup;
	struct ev_async async;
} theirs[2];
static struct ev_loop *their_loop, *their_inner;
static struct ev_io their_inner_io;

#define THEIRS(T)                                                                                            \
	static void their_##T(struct ev_loop *loop, struct ev_##T *w, int revents)                           \
	{                                                                                                    \
		(void)loop, (void)revents;                                                                   \
		note(*(const char *)w->data);                                                                \
	}
THEIRS(io)
THEIRS(timer)
THEIRS(periodic)
THEIRS(signal)
THEIRS(child)
THEIRS(stat)
THEIRS(idle)
THEIRS(prepare)
THEIRS(check)
THEIRS(embed)
THEIRS(fork)
THEIRS(cleanup)
THEIRS(async)

/* The earlier of two deadlines is the second's. */
static void start_their(enum kind kind, int i, int priority)
{
	union theirs *w = &theirs[i];
#define START(T, ...)                                                                                        \
	ev_##T##_init(&w->T, their_##T, ##__VA_ARGS__);                                                      \
	w->T.data = (void *)(uintptr_t) & "01"[i];                                                           \
	ev_set_priority(&w->T, priority);                                                                    \
	ev_##T##_start(their_loop, &w->T)
	switch (kind) {
	case IO: {
		START(io, world.io, EV_READ);
	} break;
	case TIMER: {
		START(timer, -1. - i, 0.);
	} break;
	case PERIODIC: {
		START(periodic, 100. - i, 0., NULL);
	} break;
	case SIGNAL: {
		START(signal, SIGUSR1);
	} break;
	case CHILD: {
		START(child, world.child, 0);
	} break;
	case STAT: {
		START(stat, world.path, 0.);
	} break;
	case IDLE: {
		START(idle);
	} break;
	case PREPARE: {
		START(prepare);
	} break;
	case CHECK: {
		START(check);
	} break;
	case EMBED: {
		START(embed, their_inner);
	} break;
	case FORK: {
		START(fork);
	} break;
	case CLEANUP: {
		START(cleanup);
	} break;
	default: {
		START(async);
	}
	}
#undef START
}

static void make_their_due(enum kind kind, int i)
{
	make_due(kind);
	if (kind == FORK)
		ev_loop_fork(their_loop);
	else if (kind == ASYNC)
		ev_async_send(their_loop, &theirs[i].async);
}

/* These are in lists of the process, which outlive a loop. */
static void stop_their(enum kind kind, int i)
{
	if (kind == SIGNAL)
		ev_signal_stop(their_loop, &theirs[i].signal);
	else if (kind == CHILD)
		ev_child_stop(their_loop, &theirs[i].child);
	else if (kind == STAT)
		ev_stat_stop(their_loop, &theirs[i].stat);
}

static void inner_called(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop, (void)w, (void)revents;
}

void run_theirs(const enum kind kinds[2], const int priorities[2], int first)
{
	demand(their_loop = ev_default_loop(EVBACKEND_EPOLL));
	demand(their_inner = ev_loop_new(EVBACKEND_EPOLL));
	ev_io_init(&their_inner_io, inner_called, world.inner_io, EV_READ);
	ev_io_start(their_inner, &their_inner_io);
	ev_run(their_inner, EVRUN_NOWAIT);
	for (int i = 0; i < 2; i++)
		start_their(kinds[i ^ first], i ^ first, priorities[i ^ first]);
	for (int i = 0; i < 2; i++)
		make_their_due(kinds[i ^ first], i ^ first);
	for (int i = 0; i < ITERATIONS; i++) {
		ev_run(their_loop, EVRUN_NOWAIT);
		note('|');
	}
	for (int i = 0; i < 2; i++)
		stop_their(kinds[i], i);
	ev_loop_destroy(their_loop);
	ev_loop_destroy(their_inner);
}
