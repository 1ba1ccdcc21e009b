/* SPDX-License-Identifier: MIT */
/* libuv, for the races of loop.h. Its timers are of milliseconds. */
#include "loop.h"

#ifdef BENCH_LIBUV
#include <stdlib.h>
#include <uv.h>

struct side {
	struct loop_use *use;
	uv_loop_t loop;
	uv_poll_t *ios;
	uv_timer_t *timers;
	uv_async_t async;
	uv_process_t process;
};

static void check(int result)
{
	if (result < 0)
		loop_die(&loop_libuv, uv_strerror(result));
}

static void on_io(uv_poll_t *w, int status, int events)
{
	struct loop_pair *pair = w->data;
	struct side *x = pair->use->loop;
	(void)status, (void)events;
	if (pair->use->timed)
		check(uv_timer_again(&x->timers[pair->index]));
	if (loop_pass(pair))
		uv_stop(w->loop);
}

static void on_timer(uv_timer_t *w)
{
	if (loop_fired(w->data))
		uv_stop(w->loop);
}

static void on_async(uv_async_t *w)
{
	struct loop_use *use = w->data;
	if (use->wake(use->wake_arg))
		uv_stop(w->loop);
}

static void on_child(uv_process_t *w, int64_t status, int signo)
{
	struct loop_child *child = w->data;
	(void)status, (void)signo;
	child->ended = bench_now();
	uv_close((uv_handle_t *)w, NULL);
	uv_stop(w->loop);
}

static void *side_open(struct loop_use *use)
{
	struct side *x = calloc(1, sizeof(*x));
	if (!x)
		loop_die(&loop_libuv, "malloc");
	check(uv_loop_init(&x->loop));
	x->use = use;
	x->ios = loop_memory(use->io_count, sizeof(*x->ios));
	x->timers = loop_memory(use->timer_count, sizeof(*x->timers));
	if (use->wake)
		check(uv_async_init(&x->loop, &x->async, on_async));
	x->async.data = use;
	return x;
}

static void close_one(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void side_close(void *loop)
{
	struct side *x = loop;
	uv_walk(&x->loop, close_one, NULL);
	uv_run(&x->loop, UV_RUN_DEFAULT);
	check(uv_loop_close(&x->loop));
	free(x->ios);
	free(x->timers);
	free(x);
}

static void side_run(void *loop)
{
	struct side *x = loop;
	uv_run(&x->loop, UV_RUN_DEFAULT);
}

static void side_turn(void *loop)
{
	struct side *x = loop;
	uv_run(&x->loop, UV_RUN_NOWAIT);
}

static void timer_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++) {
		uint64_t ms = (uint64_t)x->use->after[i] / LOOP_MS;
		check(uv_timer_init(&x->loop, &x->timers[i]));
		x->timers[i].data = x->use;
		check(uv_timer_start(&x->timers[i], on_timer, ms, x->use->once ? 0 : ms));
	}
}

static void timer_again(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++)
		check(uv_timer_again(&x->timers[i]));
}

static void timer_stop(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++)
		check(uv_timer_stop(&x->timers[i]));
}

static void io_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++) {
		check(uv_poll_init(&x->loop, &x->ios[i], x->use->pairs[i].fd));
		x->ios[i].data = &x->use->pairs[i];
		check(uv_poll_start(&x->ios[i], UV_READABLE, on_io));
	}
	if (x->use->timed)
		timer_start(x);
}

static void io_modify(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++)
		check(uv_poll_start(&x->ios[i], UV_READABLE | UV_WRITABLE, on_io));
}

static void io_stop(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++)
		uv_close((uv_handle_t *)&x->ios[i], NULL);
	if (x->use->timed)
		timer_stop(x);
}

static void async_send(void *loop, unsigned count)
{
	struct side *x = loop;
	while (count--)
		uv_async_send(&x->async);
}

/* It knows the children that it has started, no others. */
static void child_start(void *loop, struct loop_child *child)
{
	struct side *x = loop;
	char *arguments[] = {(char[]){"/bin/cat"}, NULL};
	uv_stdio_container_t input = {.flags = UV_INHERIT_FD, .data = {.fd = child->input}};
	uv_process_options_t options = {.exit_cb = on_child,
					.file = arguments[0],
					.args = arguments,
					.stdio_count = 1,
					.stdio = &input};
	check(uv_spawn(&x->loop, &x->process, &options));
	x->process.data = child;
	child->pid = x->process.pid;
}

const struct loop_lib loop_libuv = {
	.name = "libuv",
	.io_size = sizeof(uv_poll_t),
	.timer_size = sizeof(uv_timer_t),
	LOOP_SIDE,
	.timer_again = timer_again,
	.child_start = child_start,
};
#else
const struct loop_lib loop_libuv = {.name = "libuv"};
#endif
