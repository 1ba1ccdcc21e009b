/* SPDX-License-Identifier: MIT */
/* Floods: bounded turns, others are served beside, edges are not lost. */
#include <fcntl.h>

#include <butter/eventfd.h>
#include <butter/inotify.h>

#include "loop.h"
#include "test.h"

enum { FLOOD = 700, PER_TURN = 7 };

static void *with_small_turns(struct told *t, struct butter_source *source, int edge)
{
	struct butter_adapter *a = prepared(t, source, count_told);
	a->per_turn = PER_TURN;
	a->edge = edge;
	ck_assert_int_eq(kind.attach(a, t->loop), 0);
	return a;
}

/* Turns until all is told; a turn of the loop may hold two of the adapter, one for each cause. */
static void turn_and_count(struct told *t, unsigned events)
{
	while (t->events < events) {
		unsigned before = t->events;
		kind.turn(t->loop, 1);
		ck_assert_uint_le(t->events - before, 2 * PER_TURN);
	}
	ck_assert_uint_eq(t->events, events);
}

static void flood_of_files(int edge)
{
	const char *dir;
	struct told t = {.loop = kind.open()};
	struct butter_inotify *x = watched_folder(&dir);
	with_small_turns(&t, butter_inotify_source(x), edge);
	make_files(dir, 0, FLOOD);
	turn_and_count(&t, FLOOD);
	ck_assert_str_eq(t.name, "699");
	assert_sleeps(t.loop);
	make_files(dir, FLOOD, PER_TURN);
	turn_and_count(&t, FLOOD + PER_TURN);
	assert_sleeps(t.loop);
	kind.discard(t.a);
	butter_inotify_close(x);
	kind.close(t.loop);
}

START_TEST(a_flood_is_told_in_bounded_turns)
{
	flood_of_files(0);
}
END_TEST

START_TEST(edge_triggered_a_flood_is_told_whole)
{
	flood_of_files(1);
}
END_TEST

START_TEST(edge_triggered_what_a_turn_leaves_in_the_kernel_is_told)
{
	struct told t = {.loop = kind.open()};
	struct butter_eventfd *x = butter_eventfd_open(100, EFD_SEMAPHORE);
	ck_assert_ptr_nonnull(x);
	with_small_turns(&t, butter_eventfd_source(x), 1);
	turn_and_count(&t, 100);
	assert_sleeps(t.loop);
	kind.discard(t.a);
	butter_eventfd_close(x);
	kind.close(t.loop);
}
END_TEST

/* Counts, and ends the edge with events left in the kernel and in the cache. */
static void attach_anew_at_each_third(struct butter_source *source, void *event, void *data)
{
	struct told *t = data;
	count_told(source, event, data);
	if (t->events % 3)
		return;
	kind.detach(t->a);
	ck_assert_int_eq(kind.attach(t->a, t->loop), 0);
}

START_TEST(edge_triggered_attach_again_loses_nothing)
{
	const char *dir;
	struct told t = {.loop = kind.open()};
	struct butter_inotify *x = watched_folder(&dir);
	struct butter_adapter *a = prepared(&t, butter_inotify_source(x), attach_anew_at_each_third);
	a->edge = 1;
	make_files(dir, 0, 300);
	ck_assert_int_eq(kind.attach(a, t.loop), 0);
	turn_until(&t, 300, 0);
	make_files(dir, 300, 3);
	turn_until(&t, 303, 0);
	assert_sleeps(t.loop);
	kind.discard(a);
	butter_inotify_close(x);
	kind.close(t.loop);
}
END_TEST

/* A pipe with a byte in it that nobody takes. */
static void make_ready_pipe(int fds[2])
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
}

/* A source without end, which is told by its fd or by what is cached. */
static void flood_beside(int fd)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	int fds[2];
	unsigned fired = 0, seen = 0;
	make_ready_pipe(fds);
	if (fd < 0)
		numbers_open(&n, SIZE_MAX, 0);
	else
		numbers_open_over(&n, SIZE_MAX, 0, fd);
	with_small_turns(&t, &n.source, 0);
	kind.watch(t.loop, fds[0], &seen);
	kind.timer(t.loop, 20, &fired);
	while (!fired || seen < 100)
		kind.turn(t.loop, 1);
	/* The pipe is always ready too: neither keeps the other from its turn. */
	ck_assert_uint_ge(t.events, 50 * PER_TURN);
	ck_assert_uint_le(t.events / PER_TURN / 4, seen);
	kind.unwatch(t.loop);
	kind.discard(t.a);
	butter_source_close(&n.source);
	close(fds[0]);
	close(fds[1]);
	kind.close(t.loop);
}

START_TEST(a_flood_of_cached_events_leaves_others_their_turn)
{
	flood_beside(-1);
}
END_TEST

START_TEST(a_flood_with_a_readable_fd_leaves_others_their_turn)
{
	int fds[2];
	make_ready_pipe(fds);
	flood_beside(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(two_floods_share_the_loop)
{
	struct told one = {.loop = kind.open()}, two = {.loop = one.loop};
	struct numbers first, second;
	numbers_open(&first, SIZE_MAX, 0);
	numbers_open(&second, SIZE_MAX, 0);
	with_small_turns(&one, &first.source, 0);
	with_small_turns(&two, &second.source, 0);
	for (int i = 0; i < 200; i++)
		kind.turn(one.loop, 1);
	ck_assert_uint_ge(one.events, 90 * PER_TURN);
	ck_assert_uint_ge(two.events, 90 * PER_TURN);
	kind.discard(one.a);
	kind.discard(two.a);
	butter_source_close(&first.source);
	butter_source_close(&second.source);
	kind.close(one.loop);
}
END_TEST

SUITE(adapter_flood)
{
	tcase_add_test(tc, a_flood_is_told_in_bounded_turns);
	tcase_add_test(tc, a_flood_of_cached_events_leaves_others_their_turn);
	tcase_add_test(tc, a_flood_with_a_readable_fd_leaves_others_their_turn);
	tcase_add_test(tc, two_floods_share_the_loop);
	if (kind.edge) {
		tcase_add_test(tc, edge_triggered_a_flood_is_told_whole);
		tcase_add_test(tc, edge_triggered_what_a_turn_leaves_in_the_kernel_is_told);
		tcase_add_test(tc, edge_triggered_attach_again_loses_nothing);
	}
}
