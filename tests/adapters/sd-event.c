/* SPDX-License-Identifier: MIT */
#include <butter/adapters/sd-event.h>

#include <time.h>

#include "loop.h"
#include "test.h"

static sd_event_source *watcher, *timer;

static void *open_loop(void)
{
	sd_event *event;
	ck_assert_int_ge(sd_event_new(&event), 0);
	return event;
}

/* What refers to the loop keeps it, and its fd, which the fixture counts. */
static void close_loop(void *event)
{
	timer = sd_event_source_unref(timer);
	sd_event_unref(event);
}

ADAPTER(sd_event, loop)
DISCARDS(sd_event)

static void turn(void *event, int wait)
{
	ck_assert_int_ge(sd_event_run(event, wait ? UINT64_MAX : 0), 0);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *count)
{
	(void)source, (void)usec;
	++*(unsigned *)count;
	return 0;
}

static void start_timer(void *event, unsigned ms, unsigned *fired)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t at = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 + ms * 1000;
	sd_event_source_unref(timer);
	ck_assert_int_ge(sd_event_add_time(event, &timer, CLOCK_MONOTONIC, at, 1, on_timer, fired), 0);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *count)
{
	(void)source, (void)fd, (void)revents;
	++*(unsigned *)count;
	return 0;
}

static void watch(void *event, int fd, unsigned *seen)
{
	ck_assert_int_ge(sd_event_add_io(event, &watcher, fd, EPOLLIN, on_io, seen), 0);
}

static void unwatch(void *event)
{
	(void)event;
	watcher = sd_event_source_unref(watcher);
}

const struct loop_kind kind = {
	.name = "sd-event",
	.edge = 1,
	LOOP_MEMBERS(sd_event),
};

START_TEST(attach_fails_as_the_loop_does_and_leaves_nothing)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	numbers_open(&n, 1, 0);
	prepared(&t, &n.source, count_told);
	ck_assert_int_ge(sd_event_exit(t.loop, 0), 0);
	turn(t.loop, 0);
	ck_assert_fails(butter_sd_event_attach(t.a, t.loop), ESTALE); /* the loop has ended */
	kind.discard(t.a);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

SUITE(adapter_sd_event)
{
	tcase_add_test(tc, attach_fails_as_the_loop_does_and_leaves_nothing);
}
