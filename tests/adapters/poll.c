/* SPDX-License-Identifier: MIT */
#include <butter/adapters/poll.h>

#include <butter/timerfd.h>

#include "loop.h"
#include "test.h"

/* A program's own loop: the set, one fd and one timer. */
struct poll_loop {
	struct butter_poll_set set;
	int fd;
	unsigned *seen, *fired;
	struct butter_timerfd *timer;
};

static void *open_loop(void)
{
	struct poll_loop *loop = calloc(1, sizeof(*loop));
	ck_assert_ptr_nonnull(loop);
	loop->fd = -1;
	return loop;
}

static void close_loop(void *memory)
{
	struct poll_loop *loop = memory;
	ck_assert_uint_eq(loop->set.count, 0);
	ck_assert_ptr_null(loop->set.first);
	ck_assert_ptr_null(loop->set.last);
	butter_timerfd_close(loop->timer);
	free(loop);
}

ADAPTER(poll, &((struct poll_loop *)loop)->set)
DISCARDS(poll)

static void turn(void *memory, int wait)
{
	struct poll_loop *loop = memory;
	struct pollfd fds[8];
	struct butter_timerfd_event ev;
	int timeout = wait ? -1 : 0;
	ssize_t n = butter_poll_prepare(&loop->set, fds, 6, &timeout);
	ck_assert_int_ge(n, 0);
	fds[n] = (struct pollfd){.fd = loop->fd, .events = POLLIN};
	fds[n + 1] =
		(struct pollfd){.fd = loop->timer ? butter_timerfd_fd(loop->timer) : -1, .events = POLLIN};
	ck_assert_int_ge(poll(fds, (nfds_t)n + 2, timeout), 0);
	if (fds[n].revents)
		++*loop->seen;
	if (fds[n + 1].revents && butter_timerfd_read_event(loop->timer, &ev) == 1)
		++*loop->fired;
	butter_poll_dispatch(&loop->set, fds);
}

static void start_timer(void *memory, unsigned ms, unsigned *fired)
{
	struct poll_loop *loop = memory;
	if (!loop->timer)
		loop->timer = butter_timerfd_open(CLOCK_MONOTONIC, 0);
	ck_assert_ptr_nonnull(loop->timer);
	loop->fired = fired;
	ck_assert_int_eq(butter_timerfd_arm_in(loop->timer, ms * INT64_C(1000000), 0, NULL), 0);
}

static void watch(void *memory, int fd, unsigned *seen)
{
	struct poll_loop *loop = memory;
	loop->fd = fd;
	loop->seen = seen;
}

static void unwatch(void *loop)
{
	((struct poll_loop *)loop)->fd = -1;
}

const struct loop_kind kind = {
	.name = "poll",
	.nests = 1,
	LOOP_MEMBERS(poll),
};

START_TEST(prepare_wants_room_for_all)
{
	struct butter_poll_set set = {NULL, NULL, NULL, 0};
	struct butter_poll a[2];
	struct told t = {.loop = NULL};
	struct numbers n;
	struct pollfd fds[2];
	int timeout = 77;
	numbers_open(&n, 0, 0);
	ck_assert_int_eq(butter_poll_prepare(&set, NULL, 0, &timeout), 0);
	for (int i = 0; i < 2; i++) {
		butter_poll_init(&a[i], &n.source, &t.event, sizeof(t.event), count_told, &t);
		ck_assert_int_eq(butter_poll_attach(&a[i], &set), 0);
	}
	memset(fds, 0x5a, sizeof(fds));
	ck_assert_fails(butter_poll_prepare(&set, fds, 1, &timeout), EINVAL);
	ck_assert_int_eq(fds[0].fd, 0x5a5a5a5a);
	ck_assert_int_eq(timeout, 77);
	ck_assert_int_eq(butter_poll_prepare(&set, fds, 2, &timeout), 2);
	ck_assert_int_eq(fds[0].fd, butter_source_fd(&n.source));
	ck_assert_int_eq(fds[1].events, POLLIN);
	ck_assert_int_eq(timeout, 77);
	n.cached = 1;
	ck_assert_int_eq(butter_poll_attach(&a[1], &set), 0);
	ck_assert_int_eq(butter_poll_prepare(&set, fds, 2, &timeout), 2);
	ck_assert_int_eq(timeout, 0);
	butter_poll_detach(&a[0]);
	butter_poll_detach(&a[1]);
	butter_source_close(&n.source);
}
END_TEST

static struct butter_poll second;
static struct numbers second_numbers;
static struct told second_told;

static void attach_the_second(struct butter_source *source, void *event, void *data)
{
	struct told *t = data;
	count_told(source, event, data);
	ck_assert_int_eq(attach(&second, t->loop), 0);
}

START_TEST(what_was_attached_since_prepare_waits_for_the_next)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	numbers_open(&n, 1, 0);
	numbers_open(&second_numbers, 1, 0);
	butter_poll_init(&second, &second_numbers.source, &second_told.event, sizeof(second_told.event),
			 count_told, &second_told);
	attached(&t, &n.source, attach_the_second);
	turn(t.loop, 1);
	ck_assert_uint_eq(t.events, 1);
	ck_assert_uint_eq(second_told.events, 0);
	turn(t.loop, 1);
	ck_assert_uint_eq(second_told.events, 1);
	butter_poll_detach(&second);
	kind.discard(t.a);
	butter_source_close(&second_numbers.source);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

SUITE(adapter_poll)
{
	tcase_add_test(tc, prepare_wants_room_for_all);
	tcase_add_test(tc, what_was_attached_since_prepare_waits_for_the_next);
}
