/* SPDX-License-Identifier: MIT */
#include <butter/butter.h>

#include "order.h"

static union ours {
	struct butter_ev ev;
	struct butter_ev_io io;
	struct butter_ev_timer timer;
	struct butter_ev_periodic periodic;
	struct butter_ev_signal signal;
	struct butter_ev_child child;
	struct butter_ev_stat stat;
	struct butter_ev_idle idle;
	struct butter_ev_prepare prepare;
	struct butter_ev_check check;
	struct butter_ev_embed embed;
	struct butter_ev_fork fork;
	struct butter_ev_cleanup cleanup;
	struct butter_ev_async async;
} ours[2];
static struct butter_loop *our_loop, *our_inner;

#define OURS(T)                                                                                              \
	static void our_##T(struct butter_loop *loop, struct butter_ev_##T *w, uint32_t revents)             \
	{                                                                                                    \
		(void)loop, (void)revents;                                                                   \
		note(*(const char *)w->ev.data);                                                             \
	}
OURS(io)
OURS(timer)
OURS(periodic)
OURS(signal)
OURS(child)
OURS(stat)
OURS(idle)
OURS(prepare)
OURS(check)
OURS(embed)
OURS(fork)
OURS(cleanup)
OURS(async)

static void init_our(enum kind kind, union ours *w, int i)
{
	switch (kind) {
	case IO:
		butter_ev_io_init(&w->io, our_io, world.io, BUTTER_EV_READ);
		break;
	case TIMER:
		butter_ev_timer_init(&w->timer, our_timer, butter_loop_now(our_loop) - i, 0);
		butter_ev_timer_set_clock(&w->timer, CLOCK_MONOTONIC, BUTTER_EV_TIMER_ABSOLUTE);
		break;
	case PERIODIC:
		butter_ev_periodic_init(&w->periodic, our_periodic, 100 - i, 0, NULL);
		break;
	case SIGNAL:
		butter_ev_signal_init(&w->signal, our_signal, SIGUSR1);
		break;
	case CHILD:
		butter_ev_child_init(&w->child, our_child, world.child);
		break;
	case STAT:
		butter_ev_stat_init(&w->stat, our_stat, world.path, 0);
		break;
	case IDLE:
		butter_ev_idle_init(&w->idle, our_idle);
		break;
	case PREPARE:
		butter_ev_prepare_init(&w->prepare, our_prepare);
		break;
	case CHECK:
		butter_ev_check_init(&w->check, our_check);
		break;
	case EMBED:
		butter_ev_embed_init(&w->embed, our_embed, our_inner, -1);
		break;
	case FORK:
		butter_ev_fork_init(&w->fork, our_fork);
		break;
	case CLEANUP:
		butter_ev_cleanup_init(&w->cleanup, our_cleanup);
		break;
	default:
		butter_ev_async_init(&w->async, our_async);
	}
}

static void start_our(enum kind kind, int i, int priority)
{
	init_our(kind, &ours[i], i);
	ours[i].ev.data = (void *)(uintptr_t) & "01"[i];
	demand(butter_ev_set_priority(&ours[i], priority) == 0);
	demand(butter_ev_start(our_loop, &ours[i]) == 0);
}

static void make_our_due(enum kind kind, int i)
{
	make_due(kind);
	if (kind == FORK)
		demand(butter_loop_fork(our_loop) == 0);
	else if (kind == ASYNC)
		butter_ev_async_send(our_loop, &ours[i].async);
}

static void our_inner_called(struct butter_loop *loop, struct butter_ev_io *w, uint32_t revents)
{
	(void)loop, (void)w, (void)revents;
}

void run_ours(const enum kind kinds[2], const int priorities[2], int first)
{
	struct butter_ev_io inner_io;
	demand(our_loop = butter_loop_new(NULL));
	demand(our_inner = butter_loop_new(NULL));
	butter_ev_io_init(&inner_io, our_inner_called, world.inner_io, BUTTER_EV_READ);
	demand(butter_ev_io_start(our_inner, &inner_io) == 0);
	for (int i = 0; i < 2; i++)
		start_our(kinds[i ^ first], i ^ first, priorities[i ^ first]);
	for (int i = 0; i < 2; i++)
		make_our_due(kinds[i ^ first], i ^ first);
	for (int i = 0; i < ITERATIONS; i++) {
		demand(butter_loop_run(our_loop, BUTTER_RUN_NOWAIT) >= 0);
		note('|');
	}
	butter_loop_free(our_loop);
	butter_loop_free(our_inner);
}
