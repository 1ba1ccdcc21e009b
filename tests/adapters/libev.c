/* SPDX-License-Identifier: MIT */
#include <butter/adapters/libev.h>

#include <butter/eventfd.h>

#include "loop.h"
#include "test.h"

static ev_io watcher;
static ev_timer timer;

static void *open_loop(void)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(loop);
	return loop;
}

/* A loop without watchers ends at once, one with a watcher would wait for ever. */
static void close_loop(void *loop)
{
	ck_assert_int_eq(ev_run(loop, 0), 0);
	ev_loop_destroy(loop);
}

ADAPTER(libev, loop)
DISCARDS(libev)

static void turn(void *loop, int wait)
{
	ev_run(loop, wait ? EVRUN_ONCE : EVRUN_NOWAIT);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	++*(unsigned *)w->data;
}

static void start_timer(void *loop, unsigned ms, unsigned *fired)
{
	ev_now_update(loop);
	ev_timer_init(&timer, on_timer, ms / 1000.0, 0.);
	timer.data = fired;
	ev_timer_start(loop, &timer);
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)loop, (void)revents;
	++*(unsigned *)w->data;
}

static void watch(void *loop, int fd, unsigned *seen)
{
	ev_io_init(&watcher, on_io, fd, EV_READ);
	watcher.data = seen;
	ev_io_start(loop, &watcher);
}

static void unwatch(void *loop)
{
	ev_io_stop(loop, &watcher);
}

const struct loop_kind kind = {
	.name = "libev",
	.nests = 1,
	LOOP_MEMBERS(libev),
};

/* libev stops a watcher of whose fd epoll_ctl(2) will know nothing, for any reason. */
START_TEST(a_watcher_that_libev_stopped_is_told)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	struct butter_libev *a;
	numbers_open(&n, 0, 0);
	a = attached(&t, &n.source, count_told);
	ev_io_stop(t.loop, &a->io);
	ev_feed_event(t.loop, &a->io, EV_READ | EV_ERROR);
	kind.turn(t.loop, 0);
	ck_assert_uint_eq(t.ends, 1);
	ck_assert_int_eq(t.error, EIO);
	kind.discard(a);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

START_TEST(a_watcher_that_libev_stopped_goes_on_with_a_source_that_tells)
{
	struct told t = {.loop = kind.open()};
	struct butter_eventfd *x = butter_eventfd_open(1, 0);
	struct butter_libev *a = attached(&t, butter_eventfd_source(x), count_told);
	ev_io_stop(t.loop, &a->io);
	ev_feed_event(t.loop, &a->io, EV_READ | EV_ERROR);
	kind.turn(t.loop, 0); /* ev_run() tells what was fed before it waits */
	ck_assert_uint_eq(t.events, 1);
	butter_eventfd_add(x, 1);
	turn_until(&t, 2, 0);
	kind.discard(a);
	butter_eventfd_close(x);
	kind.close(t.loop);
}
END_TEST

SUITE(adapter_libev)
{
	tcase_add_test(tc, a_watcher_that_libev_stopped_is_told);
	tcase_add_test(tc, a_watcher_that_libev_stopped_goes_on_with_a_source_that_tells);
}
