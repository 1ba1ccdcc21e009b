/* SPDX-License-Identifier: MIT */
#include <butter/adapters/libevent.h>

#include "loop.h"
#include "test.h"

static struct event watcher;

static void *open_loop(void)
{
	struct event_base *base = event_base_new();
	ck_assert_ptr_nonnull(base);
	return base;
}

static void close_loop(void *base)
{
	ck_assert_int_eq(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED | EVENT_BASE_COUNT_ACTIVE),
			 0);
	event_base_free(base);
	libevent_global_shutdown();
}

ADAPTER(libevent, loop)
DISCARDS(libevent)

static void turn(void *base, int wait)
{
	event_base_loop(base, wait ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
}

static void on_event(evutil_socket_t fd, short what, void *count)
{
	(void)fd, (void)what;
	++*(unsigned *)count;
}

static void start_timer(void *base, unsigned ms, unsigned *fired)
{
	struct timeval in = {.tv_usec = (suseconds_t)ms * 1000};
	ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, on_event, fired, &in), 0);
}

static void watch(void *base, int fd, unsigned *seen)
{
	ck_assert_int_eq(event_assign(&watcher, base, fd, EV_READ | EV_PERSIST, on_event, seen), 0);
	ck_assert_int_eq(event_add(&watcher, NULL), 0);
}

static void unwatch(void *base)
{
	(void)base;
	event_del(&watcher);
}

const struct loop_kind kind = {
	.name = "libevent",
	.edge = 1,
	LOOP_MEMBERS(libevent),
};
