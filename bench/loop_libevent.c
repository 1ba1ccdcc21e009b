/* SPDX-License-Identifier: MIT */
/* libevent, for the races of loop.h. It has no child watcher. */
#include "loop.h"

#ifdef BENCH_LIBEVENT
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>
#include <stdlib.h>

struct side {
	struct loop_use *use;
	struct event_base *base;
	struct event *ios, *timers;
	struct event async;
};

static void check(int result)
{
	if (result < 0)
		loop_die(&loop_libevent, "a call");
}

static struct timeval interval(const struct loop_use *use, unsigned i)
{
	return (struct timeval){use->after[i] / LOOP_SECOND, use->after[i] % LOOP_SECOND / LOOP_US};
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct loop_pair *pair = arg;
	struct side *x = pair->use->loop;
	(void)fd, (void)what;
	if (pair->use->timed) {
		struct timeval after = interval(pair->use, pair->index);
		check(event_add(&x->timers[pair->index], &after));
	}
	if (loop_pass(pair))
		event_base_loopbreak(x->base);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_use *use = arg;
	struct side *x = use->loop;
	(void)fd, (void)what;
	if (loop_fired(use))
		event_base_loopbreak(x->base);
}

static void on_async(evutil_socket_t fd, short what, void *arg)
{
	struct loop_use *use = arg;
	struct side *x = use->loop;
	(void)fd, (void)what;
	if (use->wake(use->wake_arg))
		event_base_loopbreak(x->base);
}

/* Locks for the one kind of watcher that needs them. */
static struct event_base *new_base(const struct loop_use *use)
{
	struct event_config *config = event_config_new();
	if (!config)
		loop_die(&loop_libevent, "event_config_new");
	if (use->wake)
		check(evthread_use_pthreads());
	else
		check(event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK));
	struct event_base *base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

static void *side_open(struct loop_use *use)
{
	struct side *x = calloc(1, sizeof(*x));
	if (!x || !(x->base = new_base(use)))
		loop_die(&loop_libevent, "event_base_new_with_config");
	x->use = use;
	x->ios = loop_memory(use->io_count, sizeof(*x->ios));
	x->timers = loop_memory(use->timer_count, sizeof(*x->timers));
	check(event_assign(&x->async, x->base, -1, EV_PERSIST | EV_READ, on_async, use));
	return x;
}

static void side_close(void *loop)
{
	struct side *x = loop;
	event_base_free(x->base);
	free(x->ios);
	free(x->timers);
	free(x);
}

static void side_run(void *loop)
{
	struct side *x = loop;
	check(event_base_loop(x->base, EVLOOP_NO_EXIT_ON_EMPTY));
}

static void side_turn(void *loop)
{
	struct side *x = loop;
	check(event_base_loop(x->base, EVLOOP_NONBLOCK));
}

static void timer_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++) {
		struct timeval after = interval(x->use, i);
		check(event_assign(&x->timers[i], x->base, -1, x->use->once ? 0 : EV_PERSIST, on_timer,
				   x->use));
		check(event_add(&x->timers[i], &after));
	}
}

static void timer_again(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++) {
		struct timeval after = interval(x->use, i);
		check(event_add(&x->timers[i], &after));
	}
}

static void timer_stop(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++)
		check(event_del(&x->timers[i]));
}

static void io_set(struct side *x, unsigned i, short what)
{
	struct loop_pair *pair = &x->use->pairs[i];
	check(event_assign(&x->ios[i], x->base, pair->fd, (short)(what | EV_PERSIST), on_io, pair));
	check(event_add(&x->ios[i], NULL));
}

static void io_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++)
		io_set(x, i, EV_READ);
	if (x->use->timed)
		timer_start(x);
}

static void io_modify(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++) {
		check(event_del(&x->ios[i]));
		io_set(x, i, EV_READ | EV_WRITE);
	}
}

static void io_stop(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++)
		check(event_del(&x->ios[i]));
	if (x->use->timed)
		timer_stop(x);
}

static void async_send(void *loop, unsigned count)
{
	struct side *x = loop;
	while (count--)
		event_active(&x->async, EV_READ, 0);
}

const struct loop_lib loop_libevent = {
	.name = "libevent",
	.io_size = sizeof(struct event),
	.timer_size = sizeof(struct event),
	LOOP_SIDE,
	.timer_again = timer_again,
};
#else
const struct loop_lib loop_libevent = {.name = "libevent"};
#endif
