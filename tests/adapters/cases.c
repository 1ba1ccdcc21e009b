/* SPDX-License-Identifier: MIT */
/* What every adapter does: attach, tell, detach. */
#include <stdio.h>

#include <butter/eventfd.h>
#include <butter/inotify.h>

#include "loop.h"
#include "test.h"

START_TEST(events_are_told_one_by_one_and_in_order)
{
	const char *dir;
	struct told t = {.loop = kind.open()};
	struct butter_inotify *x = watched_folder(&dir);
	attached(&t, butter_inotify_source(x), count_told);
	turn_idly(t.loop);
	ck_assert_uint_eq(t.events, 0);
	for (unsigned i = 0; i < 3; i++) {
		make_files(dir, i, 1);
		turn_until(&t, i + 1, 0);
		ck_assert_int_eq(t.name[0], (int)('0' + i));
	}
	make_files(dir, 3, 40);
	turn_until(&t, 43, 0);
	ck_assert_str_eq(t.name, "42");
	assert_sleeps(t.loop);
	kind.discard(t.a);
	butter_inotify_close(x);
	kind.close(t.loop);
}
END_TEST

START_TEST(events_cached_before_attach_are_told)
{
	const char *dir;
	struct told t = {.loop = kind.open()};
	struct butter_inotify_event first;
	struct butter_inotify *x = watched_folder(&dir);
	make_files(dir, 0, 3);
	ck_assert_int_eq(butter_inotify_read_event(x, &first), 1);
	ck_assert_uint_eq(butter_inotify_pending(x), 2);
	ck_assert_int_eq(poll_in(butter_inotify_fd(x), 0), 0);
	attached(&t, butter_inotify_source(x), count_told);
	turn_until(&t, 2, 0);
	ck_assert_str_eq(t.name, "2");
	assert_sleeps(t.loop);
	kind.discard(t.a);
	butter_inotify_close(x);
	kind.close(t.loop);
}
END_TEST

START_TEST(attach_again_looks_for_what_others_left_cached)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	numbers_open(&n, 0, 0);
	attached(&t, &n.source, count_told);
	turn_idly(t.loop);
	n.cached = 3;
	ck_assert_int_eq(kind.attach(t.a, t.loop), 0);
	turn_until(&t, 3, 0);
	assert_sleeps(t.loop);
	kind.discard(t.a);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

START_TEST(attach_and_detach_may_be_repeated)
{
	struct told t = {.loop = kind.open()};
	void *other = kind.open();
	struct butter_eventfd *x = butter_eventfd_open(0, 0);
	prepared(&t, butter_eventfd_source(x), count_told);
	kind.detach(t.a);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(kind.attach(t.a, t.loop), 0);
		ck_assert_int_eq(kind.attach(t.a, t.loop), 0);
		ck_assert_fails(kind.attach(t.a, other), EBUSY);
		butter_eventfd_add(x, 1);
		turn_until(&t, i + 1, 0);
		kind.detach(t.a);
		kind.detach(t.a);
	}
	butter_eventfd_add(x, 1);
	turn_idly(t.loop);
	ck_assert_uint_eq(t.events, 3);
	/* With nothing left on the first loop it may go to another. */
	ck_assert_int_eq(kind.attach(t.a, other), 0);
	turn_idly(other);
	ck_assert_uint_eq(t.events, 4);
	kind.discard(t.a);
	butter_eventfd_close(x);
	kind.close(other);
	kind.close(t.loop);
}
END_TEST

START_TEST(attach_refuses_what_is_missing_or_too_small)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	struct butter_adapter *a = prepared(&t, NULL, count_told);
	numbers_open(&n, 1, 0);
	ck_assert_fails(kind.attach(a, t.loop), EINVAL);
	kind.init(a, &n.source, NULL, sizeof(t.event), count_told, &t);
	ck_assert_fails(kind.attach(a, t.loop), EINVAL);
	kind.init(a, &n.source, &t.event, sizeof(t.event), NULL, &t);
	ck_assert_fails(kind.attach(a, t.loop), EINVAL);
	kind.init(a, &n.source, &t.event, sizeof(struct number_event) - 1, count_told, &t);
	ck_assert_fails(kind.attach(a, t.loop), EINVAL);
	kind.init(a, &n.source, &t.event, sizeof(struct number_event), count_told, &t);
	a->per_turn = 0;
	ck_assert_fails(kind.attach(a, t.loop), EINVAL);
	a->per_turn = 1;
	a->edge = !kind.edge;
	if (a->edge)
		ck_assert_fails(kind.attach(a, t.loop), EINVAL);
	a->edge = kind.edge;
	ck_assert_int_eq(kind.attach(a, t.loop), 0);
	turn_until(&t, 1, 0);
	kind.discard(a);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

static void detach_at_the_third(struct butter_source *source, void *event, void *data)
{
	struct told *t = data;
	count_told(source, event, data);
	if (t->events == 3)
		kind.detach(t->a);
}

START_TEST(detach_in_the_callback_keeps_the_rest_for_later)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	numbers_open(&n, 10, 0);
	attached(&t, &n.source, detach_at_the_third);
	turn_until(&t, 3, 0);
	turn_idly(t.loop);
	ck_assert_uint_eq(t.events, 3);
	ck_assert_uint_eq(n.cached, 7);
	ck_assert_int_eq(kind.attach(t.a, t.loop), 0);
	turn_until(&t, 10, 0);
	kind.discard(t.a);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

START_TEST(the_callback_may_discard_the_adapter_and_close_the_object)
{
	const char *dir;
	struct told t = {.loop = kind.open()};
	struct butter_inotify *x = watched_folder(&dir);
	make_files(dir, 0, 5);
	attached(&t, butter_inotify_source(x), discard_and_close);
	turn_until(&t, 1, 0);
	turn_idly(t.loop);
	ck_assert_uint_eq(t.events, 1);
	assert_sleeps(t.loop);
	kind.close(t.loop);
}
END_TEST

START_TEST(the_callback_may_do_so_while_the_fd_is_silent)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	numbers_open(&n, 10, 0);
	attached(&t, &n.source, discard_and_close);
	turn_until(&t, 1, 0);
	turn_idly(t.loop);
	ck_assert_uint_eq(n.cached, 9);
	assert_sleeps(t.loop);
	kind.close(t.loop);
}
END_TEST

static void attach_anew(struct butter_source *source, void *event, void *data)
{
	struct told *t = data;
	count_told(source, event, data);
	kind.detach(t->a);
	ck_assert_int_eq(kind.attach(t->a, t->loop), 0);
}

START_TEST(the_callback_may_detach_and_attach_again)
{
	const char *dir;
	struct told t = {.loop = kind.open()};
	struct butter_inotify *x = watched_folder(&dir);
	make_files(dir, 0, 20);
	attached(&t, butter_inotify_source(x), attach_anew);
	turn_until(&t, 20, 0);
	make_files(dir, 20, 1);
	turn_until(&t, 21, 0);
	assert_sleeps(t.loop);
	kind.discard(t.a);
	butter_inotify_close(x);
	kind.close(t.loop);
}
END_TEST

START_TEST(two_sources_are_told_each_to_its_own)
{
	const char *dir;
	struct told files = {.loop = kind.open()}, numbers = {.loop = files.loop};
	struct butter_inotify *x = watched_folder(&dir);
	struct numbers n;
	numbers_open(&n, 50, 0);
	make_files(dir, 0, 50);
	attached(&files, butter_inotify_source(x), count_told);
	attached(&numbers, &n.source, count_told);
	turn_until(&files, 50, 0);
	turn_until(&numbers, 50, 0);
	kind.discard(numbers.a);
	butter_source_close(&n.source);
	make_files(dir, 50, 1);
	turn_until(&files, 51, 0);
	ck_assert_str_eq(files.name, "50");
	kind.discard(files.a);
	butter_inotify_close(x);
	kind.close(files.loop);
}
END_TEST

static struct told *others[3];

/* Whoever is told first takes the two others away. */
static void discard_the_others(struct butter_source *source, void *event, void *data)
{
	count_told(source, event, data);
	for (int i = 0; i < 3; i++)
		if (others[i] != data) {
			kind.discard(others[i]->a);
			butter_source_close(others[i]->close);
		}
}

START_TEST(the_callback_may_discard_others_that_are_ready_too)
{
	void *loop = kind.open();
	struct told t[3] = {{.loop = loop}, {.loop = loop}, {.loop = loop}};
	for (int i = 0; i < 3; i++) {
		struct butter_eventfd *x = butter_eventfd_open(1, 0);
		ck_assert_ptr_nonnull(x);
		attached(others[i] = &t[i], butter_eventfd_source(x), discard_the_others);
	}
	turn_idly(loop);
	ck_assert_uint_eq(t[0].events + t[1].events + t[2].events, 1);
	for (int i = 0; i < 3; i++)
		if (t[i].events) {
			kind.discard(t[i].a);
			butter_source_close(t[i].close);
		}
	kind.close(loop);
}
END_TEST

/* Turns the loop within the callback, and detaches in the innermost. */
static void turn_within(struct butter_source *source, void *event, void *data)
{
	struct told *t = data;
	count_told(source, event, data);
	if (t->events < 3)
		kind.turn(t->loop, 0);
	else
		kind.discard(t->a);
}

START_TEST(the_callback_may_turn_the_loop_and_detach_within)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	numbers_open(&n, 10, 0);
	attached(&t, &n.source, turn_within);
	turn_idly(t.loop);
	ck_assert_uint_eq(t.events, 3);
	ck_assert_uint_eq(n.cached, 7);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

SUITE(adapter_cases)
{
	tcase_add_test(tc, events_are_told_one_by_one_and_in_order);
	tcase_add_test(tc, events_cached_before_attach_are_told);
	tcase_add_test(tc, attach_again_looks_for_what_others_left_cached);
	tcase_add_test(tc, attach_and_detach_may_be_repeated);
	tcase_add_test(tc, attach_refuses_what_is_missing_or_too_small);
	tcase_add_test(tc, detach_in_the_callback_keeps_the_rest_for_later);
	tcase_add_test(tc, the_callback_may_discard_the_adapter_and_close_the_object);
	tcase_add_test(tc, the_callback_may_do_so_while_the_fd_is_silent);
	tcase_add_test(tc, the_callback_may_detach_and_attach_again);
	tcase_add_test(tc, two_sources_are_told_each_to_its_own);
	tcase_add_test(tc, the_callback_may_discard_others_that_are_ready_too);
	if (kind.nests)
		tcase_add_test(tc, the_callback_may_turn_the_loop_and_detach_within);
}
