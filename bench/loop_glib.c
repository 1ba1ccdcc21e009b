/* SPDX-License-Identifier: MIT */
/* GLib's main loop, for the races of loop.h. It looks at every source each time it goes round. */
#include "loop.h"

#ifdef BENCH_GLIB
#include <glib.h>
#include <stdlib.h>
#include <sys/wait.h>

/* A source of ours, with what its callback is about; one that is not set has a time of -1. */
struct source {
	GSource source;
	void *arg;
	gpointer tag;
};

struct side {
	struct loop_use *use;
	GMainContext *context;
	GMainLoop *loop;
	struct source **ios, **timers, *async;
};

static gboolean on_io(GSource *source, GSourceFunc callback, gpointer data)
{
	struct loop_pair *pair = ((struct source *)source)->arg;
	struct side *x = pair->use->loop;
	(void)callback, (void)data;
	if (pair->use->timed) {
		gint64 after = pair->use->after[pair->index] / LOOP_US;
		g_source_set_ready_time(&x->timers[pair->index]->source, g_source_get_time(source) + after);
	}
	if (loop_pass(pair))
		g_main_loop_quit(x->loop);
	return G_SOURCE_CONTINUE;
}

static gboolean on_timer(GSource *source, GSourceFunc callback, gpointer data)
{
	struct source *timer = (struct source *)source;
	struct loop_use *use = timer->arg;
	struct side *x = use->loop;
	(void)callback, (void)data;
	if (loop_fired(use))
		g_main_loop_quit(x->loop);
	if (use->once)
		return G_SOURCE_REMOVE;
	g_source_set_ready_time(source, g_source_get_ready_time(source) + GPOINTER_TO_INT(timer->tag));
	return G_SOURCE_CONTINUE;
}

static gboolean on_async(GSource *source, GSourceFunc callback, gpointer data)
{
	struct loop_use *use = ((struct source *)source)->arg;
	struct side *x = use->loop;
	(void)callback, (void)data;
	g_source_set_ready_time(source, -1);
	if (use->wake(use->wake_arg))
		g_main_loop_quit(x->loop);
	return G_SOURCE_CONTINUE;
}

static void on_child(GPid pid, gint status, gpointer data)
{
	struct loop_child *child = data;
	(void)pid, (void)status;
	child->ended = bench_now();
	g_main_loop_quit(child->private);
}

static GSourceFuncs io_functions = {.dispatch = on_io};
static GSourceFuncs timer_functions = {.dispatch = on_timer};
static GSourceFuncs async_functions = {.dispatch = on_async};

static struct source *new_source(struct side *x, GSourceFuncs *functions, void *arg)
{
	struct source *source = (struct source *)g_source_new(functions, sizeof(*source));
	source->arg = arg;
	g_source_attach(&source->source, x->context);
	return source;
}

static void *side_open(struct loop_use *use)
{
	struct side *x = calloc(1, sizeof(*x));
	if (!x)
		loop_die(&loop_glib, "malloc");
	x->use = use;
	x->context = g_main_context_new();
	x->loop = g_main_loop_new(x->context, FALSE);
	x->ios = loop_memory(use->io_count, sizeof(*x->ios));
	x->timers = loop_memory(use->timer_count, sizeof(*x->timers));
	x->async = new_source(x, &async_functions, use);
	return x;
}

static void end(struct source **sources, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (!sources[i])
			continue;
		g_source_destroy(&sources[i]->source);
		g_source_unref(&sources[i]->source);
		sources[i] = NULL;
	}
}

static void side_close(void *loop)
{
	struct side *x = loop;
	end(x->ios, x->use->io_count);
	end(x->timers, x->use->timer_count);
	end(&x->async, 1);
	g_main_loop_unref(x->loop);
	g_main_context_unref(x->context);
	free(x->ios);
	free(x->timers);
	free(x);
}

static void side_run(void *loop)
{
	struct side *x = loop;
	g_main_loop_run(x->loop);
}

static void side_turn(void *loop)
{
	struct side *x = loop;
	g_main_context_iteration(x->context, FALSE);
}

static void timer_start(void *loop)
{
	struct side *x = loop;
	gint64 now = g_get_monotonic_time();
	for (unsigned i = 0; i < x->use->timer_count; i++) {
		struct source *timer = new_source(x, &timer_functions, x->use);
		timer->tag = GINT_TO_POINTER((int)(x->use->after[i] / LOOP_US));
		g_source_set_ready_time(&timer->source, now + x->use->after[i] / LOOP_US);
		x->timers[i] = timer;
	}
}

static void timer_again(void *loop)
{
	struct side *x = loop;
	gint64 now = g_get_monotonic_time();
	for (unsigned i = 0; i < x->use->timer_count; i++)
		g_source_set_ready_time(&x->timers[i]->source, now + x->use->after[i] / LOOP_US);
}

static void timer_stop(void *loop)
{
	struct side *x = loop;
	end(x->timers, x->use->timer_count);
}

static void io_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++) {
		x->ios[i] = new_source(x, &io_functions, &x->use->pairs[i]);
		x->ios[i]->tag = g_source_add_unix_fd(&x->ios[i]->source, x->use->pairs[i].fd, G_IO_IN);
	}
	if (x->use->timed)
		timer_start(x);
}

static void io_modify(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++)
		g_source_modify_unix_fd(&x->ios[i]->source, x->ios[i]->tag, G_IO_IN | G_IO_OUT);
}

static void io_stop(void *loop)
{
	struct side *x = loop;
	end(x->ios, x->use->io_count);
	if (x->use->timed)
		timer_stop(x);
}

static void async_send(void *loop, unsigned count)
{
	struct side *x = loop;
	while (count--)
		g_source_set_ready_time(&x->async->source, 0);
}

static void child_start(void *loop, struct loop_child *child)
{
	struct side *x = loop;
	GSource *source = g_child_watch_source_new(child->pid);
	child->private = x->loop;
	g_source_set_callback(source, G_SOURCE_FUNC(on_child), child, NULL);
	g_source_attach(source, x->context);
	g_source_unref(source);
}

const struct loop_lib loop_glib = {
	.name = "GLib",
	.max_timers = 100000,
	LOOP_SIDE,
	.timer_again = timer_again,
	.child_start = child_start,
};
#else
const struct loop_lib loop_glib = {.name = "GLib"};
#endif
