/* SPDX-License-Identifier: MIT */
/* butter's loop, for the races of loop.h. */
#include <stdlib.h>

#include <butter/ev.h>

#include "loop.h"

struct side {
	struct loop_use *use;
	struct butter_loop *loop;
	struct butter_ev_io *ios;
	struct butter_ev_timer *timers;
	struct butter_ev_async async;
	struct butter_ev_child child;
};

static void check(int result)
{
	if (result < 0)
		loop_die(&loop_butter, "a call");
}

static void on_io(struct butter_loop *loop, struct butter_ev_io *w, uint32_t revents)
{
	struct loop_pair *pair = w->ev.data;
	struct side *x = pair->use->loop;
	(void)revents;
	if (pair->use->timed)
		check(butter_ev_timer_again(loop, &x->timers[pair->index]));
	if (loop_pass(pair))
		butter_loop_break(loop, BUTTER_BREAK_ONE);
}

static void on_timer(struct butter_loop *loop, struct butter_ev_timer *w, uint32_t revents)
{
	(void)revents;
	if (loop_fired(w->ev.data))
		butter_loop_break(loop, BUTTER_BREAK_ONE);
}

static void on_async(struct butter_loop *loop, struct butter_ev_async *w, uint32_t revents)
{
	struct loop_use *use = w->ev.data;
	(void)revents;
	if (use->wake(use->wake_arg))
		butter_loop_break(loop, BUTTER_BREAK_ONE);
}

static void on_child(struct butter_loop *loop, struct butter_ev_child *w, uint32_t revents)
{
	struct loop_child *child = w->ev.data;
	(void)revents;
	child->ended = bench_now();
	butter_loop_break(loop, BUTTER_BREAK_ONE);
}

static void *side_open(struct loop_use *use)
{
	struct side *x = calloc(1, sizeof(*x));
	if (!x || !(x->loop = butter_loop_new(NULL)))
		loop_die(&loop_butter, "butter_loop_new");
	x->use = use;
	x->ios = loop_memory(use->io_count, sizeof(*x->ios));
	x->timers = loop_memory(use->timer_count, sizeof(*x->timers));
	butter_ev_async_init(&x->async, on_async);
	x->async.ev.data = use;
	if (use->wake)
		check(butter_ev_async_start(x->loop, &x->async));
	return x;
}

static void side_close(void *loop)
{
	struct side *x = loop;
	butter_loop_free(x->loop);
	free(x->ios);
	free(x->timers);
	free(x);
}

static void side_run(void *loop)
{
	struct side *x = loop;
	check(butter_loop_run(x->loop, BUTTER_RUN_DEFAULT));
}

static void side_turn(void *loop)
{
	struct side *x = loop;
	check(butter_loop_run(x->loop, BUTTER_RUN_NOWAIT));
}

static void timer_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++) {
		int64_t after = x->use->after[i];
		butter_ev_timer_init(&x->timers[i], on_timer, after, x->use->once ? 0 : after);
		x->timers[i].ev.data = x->use;
		check(butter_ev_timer_start(x->loop, &x->timers[i]));
	}
}

static void timer_again(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++)
		check(butter_ev_timer_again(x->loop, &x->timers[i]));
}

static void timer_stop(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++)
		butter_ev_timer_stop(x->loop, &x->timers[i]);
}

static void io_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++) {
		butter_ev_io_init(&x->ios[i], on_io, x->use->pairs[i].fd, BUTTER_EV_READ);
		x->ios[i].ev.data = &x->use->pairs[i];
		check(butter_ev_io_start(x->loop, &x->ios[i]));
	}
	if (x->use->timed)
		timer_start(x);
}

static void io_modify(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++)
		check(butter_ev_io_modify(x->loop, &x->ios[i], BUTTER_EV_READ | BUTTER_EV_WRITE));
}

static void io_stop(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++)
		butter_ev_io_stop(x->loop, &x->ios[i]);
	if (x->use->timed)
		timer_stop(x);
}

static void async_send(void *loop, unsigned count)
{
	struct side *x = loop;
	while (count--)
		butter_ev_async_send(x->loop, &x->async);
}

static void child_start(void *loop, struct loop_child *child)
{
	struct side *x = loop;
	butter_ev_child_init(&x->child, on_child, child->pid);
	x->child.ev.data = child;
	check(butter_ev_child_start(x->loop, &x->child));
}

const struct loop_lib loop_butter = {
	.name = "butter",
	.io_size = sizeof(struct butter_ev_io),
	.timer_size = sizeof(struct butter_ev_timer),
	LOOP_SIDE,
	.timer_again = timer_again,
	.child_start = child_start,
};
