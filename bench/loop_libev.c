/* SPDX-License-Identifier: MIT */
/* libev, for the races of loop.h. */
#include "loop.h"

#ifdef BENCH_LIBEV
#include <ev.h>
#include <stdlib.h>

struct side {
	struct loop_use *use;
	struct ev_loop *loop;
	ev_io *ios;
	ev_timer *timers;
	ev_async async;
	ev_child child;
};

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct loop_pair *pair = w->data;
	struct side *x = pair->use->loop;
	(void)revents;
	if (pair->use->timed)
		ev_timer_again(loop, &x->timers[pair->index]);
	if (loop_pass(pair))
		ev_break(loop, EVBREAK_ONE);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)revents;
	if (loop_fired(w->data))
		ev_break(loop, EVBREAK_ONE);
}

static void on_async(struct ev_loop *loop, ev_async *w, int revents)
{
	struct loop_use *use = w->data;
	(void)revents;
	if (use->wake(use->wake_arg))
		ev_break(loop, EVBREAK_ONE);
}

static void on_child(struct ev_loop *loop, ev_child *w, int revents)
{
	struct loop_child *child = w->data;
	(void)revents;
	child->ended = bench_now();
	ev_child_stop(loop, w);
	ev_break(loop, EVBREAK_ONE);
}

static void *side_open(struct loop_use *use)
{
	struct side *x = calloc(1, sizeof(*x));
	if (!x || !(x->loop = ev_loop_new(EVBACKEND_EPOLL)))
		loop_die(&loop_libev, "ev_loop_new");
	x->use = use;
	x->ios = loop_memory(use->io_count, sizeof(*x->ios));
	x->timers = loop_memory(use->timer_count, sizeof(*x->timers));
	ev_async_init(&x->async, on_async);
	x->async.data = use;
	if (use->wake)
		ev_async_start(x->loop, &x->async);
	return x;
}

static void side_close(void *loop)
{
	struct side *x = loop;
	ev_loop_destroy(x->loop);
	free(x->ios);
	free(x->timers);
	free(x);
}

static void side_run(void *loop)
{
	struct side *x = loop;
	ev_run(x->loop, 0);
}

static void side_turn(void *loop)
{
	struct side *x = loop;
	ev_run(x->loop, EVRUN_NOWAIT);
}

static void timer_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++) {
		double after = (double)x->use->after[i] / LOOP_SECOND;
		ev_timer_init(&x->timers[i], on_timer, after, x->use->once ? 0 : after);
		x->timers[i].data = x->use;
		ev_timer_start(x->loop, &x->timers[i]);
	}
}

static void timer_again(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++)
		ev_timer_again(x->loop, &x->timers[i]);
}

static void timer_stop(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++)
		ev_timer_stop(x->loop, &x->timers[i]);
}

static void io_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++) {
		ev_io_init(&x->ios[i], on_io, x->use->pairs[i].fd, EV_READ);
		x->ios[i].data = &x->use->pairs[i];
		ev_io_start(x->loop, &x->ios[i]);
	}
	if (x->use->timed)
		timer_start(x);
}

static void io_modify(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++) {
		ev_io_stop(x->loop, &x->ios[i]);
		ev_io_modify(&x->ios[i], EV_READ | EV_WRITE);
		ev_io_start(x->loop, &x->ios[i]);
	}
}

static void io_stop(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++)
		ev_io_stop(x->loop, &x->ios[i]);
	if (x->use->timed)
		timer_stop(x);
}

static void async_send(void *loop, unsigned count)
{
	struct side *x = loop;
	while (count--)
		ev_async_send(x->loop, &x->async);
}

/* Children are the default loop's alone, which takes the place of the other. */
static void child_start(void *loop, struct loop_child *child)
{
	struct side *x = loop;
	if (!ev_is_default_loop(x->loop)) {
		ev_loop_destroy(x->loop);
		x->loop = ev_default_loop(EVBACKEND_EPOLL);
	}
	ev_child_init(&x->child, on_child, child->pid, 0);
	x->child.data = child;
	ev_child_start(x->loop, &x->child);
}

const struct loop_lib loop_libev = {
	.name = "libev",
	.io_size = sizeof(ev_io),
	.timer_size = sizeof(ev_timer),
	LOOP_SIDE,
	.timer_again = timer_again,
	.child_start = child_start,
};
#else
const struct loop_lib loop_libev = {.name = "libev"};
#endif
