/* SPDX-License-Identifier: MIT */
#include <butter/adapters/glib.h>

#include <glib-unix.h>

#include "loop.h"
#include "test.h"

static GSource *watcher;

static void *open_loop(void)
{
	return g_main_context_new();
}

static void close_loop(void *context)
{
	ck_assert_int_eq(g_main_context_pending(context), FALSE);
	g_main_context_unref(context);
}

ADAPTER(glib, loop)
DISCARDS(glib)

static void turn(void *context, int wait)
{
	g_main_context_iteration(context, wait);
}

static gboolean on_timer(gpointer count)
{
	++*(unsigned *)count;
	return G_SOURCE_REMOVE;
}

static void start_timer(void *context, unsigned ms, unsigned *fired)
{
	GSource *timer = g_timeout_source_new(ms);
	g_source_set_callback(timer, on_timer, fired, NULL);
	g_source_attach(timer, context);
	g_source_unref(timer);
}

static gboolean on_fd(gint fd, GIOCondition condition, gpointer count)
{
	(void)fd, (void)condition;
	++*(unsigned *)count;
	return G_SOURCE_CONTINUE;
}

static void watch(void *context, int fd, unsigned *seen)
{
	watcher = g_unix_fd_source_new(fd, G_IO_IN);
	g_source_set_callback(watcher, (GSourceFunc)(void (*)(void))on_fd, seen, NULL);
	g_source_attach(watcher, context);
}

static void unwatch(void *context)
{
	(void)context;
	g_source_destroy(watcher);
	g_source_unref(watcher);
}

const struct loop_kind kind = {
	.name = "glib",
	LOOP_MEMBERS(glib),
};

START_TEST(null_is_the_default_context)
{
	struct told t = {.loop = NULL};
	struct numbers n;
	struct butter_glib *a;
	numbers_open(&n, 3, 0);
	a = attached(&t, &n.source, count_told);
	ck_assert_ptr_eq(g_source_get_context(a->source), g_main_context_default());
	ck_assert_int_eq(butter_glib_attach(a, g_main_context_default()), 0);
	turn_until(&t, 3, 0);
	kind.discard(a);
	butter_source_close(&n.source);
}
END_TEST

SUITE(adapter_glib)
{
	g_main_context_default(); /* made once, for ever */
	tcase_add_test(tc, null_is_the_default_context);
}
