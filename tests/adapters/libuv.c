/* SPDX-License-Identifier: MIT */
#include <butter/adapters/libuv.h>

#include "loop.h"
#include "test.h"

static uv_poll_t watcher;
static uv_timer_t timer;

static void *open_loop(void)
{
	uv_loop_t *loop = malloc(sizeof(*loop));
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(uv_loop_init(loop), 0);
	return loop;
}

/* The first run gives back handles that are closing; with one left the loop cannot be closed. */
static void close_loop(void *loop)
{
	uv_run(loop, UV_RUN_NOWAIT);
	ck_assert_int_eq(uv_loop_close(loop), 0);
	free(loop);
}

ADAPTER(libuv, loop)

static void free_adapter(struct butter_libuv *a)
{
	free(a);
}

static void discard(void *memory)
{
	struct butter_libuv *a = memory;
	butter_libuv_detach(a);
	if (a->closing)
		a->closed = free_adapter;
	else
		free(a);
}

static void turn(void *loop, int wait)
{
	uv_run(loop, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

static void on_timer(uv_timer_t *w)
{
	++*(unsigned *)w->data;
	uv_close((uv_handle_t *)w, NULL);
}

static void start_timer(void *loop, unsigned ms, unsigned *fired)
{
	uv_update_time(loop);
	uv_timer_init(loop, &timer);
	timer.data = fired;
	uv_timer_start(&timer, on_timer, ms, 0);
}

static void on_poll(uv_poll_t *w, int status, int events)
{
	(void)status, (void)events;
	++*(unsigned *)w->data;
}

static void watch(void *loop, int fd, unsigned *seen)
{
	ck_assert_int_eq(uv_poll_init(loop, &watcher, fd), 0);
	watcher.data = seen;
	ck_assert_int_eq(uv_poll_start(&watcher, UV_READABLE, on_poll), 0);
}

static void unwatch(void *loop)
{
	(void)loop;
	uv_close((uv_handle_t *)&watcher, NULL);
}

const struct loop_kind kind = {
	.name = "libuv",
	LOOP_MEMBERS(libuv),
};

static unsigned closed_calls;

static void count_closed(struct butter_libuv *a)
{
	ck_assert_int_eq(a->closing, 0);
	closed_calls++;
}

START_TEST(closed_is_called_once_when_detach_has_come_to_its_end)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	struct butter_libuv *a;
	numbers_open(&n, 5, 0);
	a = attached(&t, &n.source, count_told);
	a->closed = count_closed;
	butter_libuv_detach(a);
	ck_assert_uint_eq(closed_calls, 0);
	/* Attached again before that, it is not called ... */
	ck_assert_int_eq(butter_libuv_attach(a, t.loop), 0);
	turn_until(&t, 5, 0);
	ck_assert_uint_eq(closed_calls, 0);
	/* ... and attached and detached again, once. */
	butter_libuv_detach(a);
	ck_assert_int_eq(butter_libuv_attach(a, t.loop), 0);
	butter_libuv_detach(a);
	turn_idly(t.loop);
	ck_assert_uint_eq(closed_calls, 1);
	kind.discard(a);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

START_TEST(an_fd_that_the_loop_watches_already_is_eexist)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	unsigned seen = 0;
	numbers_open(&n, 0, 0);
	prepared(&t, &n.source, count_told);
	watch(t.loop, butter_source_fd(&n.source), &seen);
	ck_assert_fails(butter_libuv_attach(t.a, t.loop), EEXIST);
	unwatch(t.loop);
	kind.discard(t.a);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

START_TEST(attach_before_detach_has_ended_tells_what_fails_later)
{
	struct told t = {.loop = kind.open()};
	void *other = kind.open();
	struct numbers n;
	unsigned seen = 0;
	struct butter_libuv *a;
	numbers_open(&n, 0, 0);
	a = attached(&t, &n.source, count_told);
	a->closed = count_closed;
	butter_libuv_detach(a);
	ck_assert_fails(butter_libuv_attach(a, other), EBUSY);
	ck_assert_int_eq(butter_libuv_attach(a, t.loop), 0);
	watch(t.loop, butter_source_fd(&n.source), &seen);
	turn_idly(t.loop);
	ck_assert_uint_eq(t.ends, 1);
	ck_assert_int_eq(t.error, EEXIST);
	ck_assert_uint_eq(closed_calls, 1);
	unwatch(t.loop);
	kind.discard(a);
	butter_source_close(&n.source);
	kind.close(other);
	kind.close(t.loop);
}
END_TEST

/* What libuv opens for ever is there before the tests count fds. */
__attribute__((constructor)) static void open_for_ever(void)
{
	uv_loop_t loop;
	if (uv_loop_init(&loop) == 0)
		uv_loop_close(&loop);
}

SUITE(adapter_libuv)
{
	tcase_add_test(tc, closed_is_called_once_when_detach_has_come_to_its_end);
	tcase_add_test(tc, an_fd_that_the_loop_watches_already_is_eexist);
	tcase_add_test(tc, attach_before_detach_has_ended_tells_what_fails_later);
}
