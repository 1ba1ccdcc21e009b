/* SPDX-License-Identifier: MIT */
#include "notes.h"

static struct butter_ev_prepare prepare;
static struct butter_ev_check check;
static struct butter_ev_fork forked;
static struct butter_ev_cleanup cleanup[2];
static struct butter_ev_idle idle[3];
static struct butter_ev_defer defer[3];

NOTING(prepare)
NOTING(check)
NOTING(fork)
NOTING(cleanup)
NOTING(idle)
NOTING(defer)

static void note_once(struct butter_loop *in, uint32_t revents, void *arg)
{
	(void)in;
	ck_assert_uint_eq(revents, BUTTER_EV_TIMER);
	note(*(const int *)arg);
}

static void start_idle(int i, int priority)
{
	butter_ev_idle_init(&idle[i], note_idle);
	idle[i].ev.data = NUMBER(i);
	butter_ev_set_priority(&idle[i], priority);
	ck_assert_int_eq(butter_ev_idle_start(loop, &idle[i]), 0);
}

static void start_defer(int i)
{
	butter_ev_defer_init(&defer[i], note_defer);
	defer[i].ev.data = NUMBER(i);
	ck_assert_int_eq(butter_ev_defer_start(loop, &defer[i]), 0);
}

START_TEST(prepare_comes_before_the_wait_and_check_after_it)
{
	new_loop();
	butter_ev_check_init(&check, note_check);
	check.ev.data = NUMBER(2);
	ck_assert_int_eq(butter_ev_check_start(loop, &check), 0);
	butter_ev_prepare_init(&prepare, note_prepare);
	prepare.ev.data = NUMBER(1);
	ck_assert_int_eq(butter_ev_prepare_start(loop, &prepare), 0);
	ck_assert_uint_eq(butter_ev_kind(&prepare), BUTTER_EV_PREPARE);
	start_idle(0, -2);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(1, 2, 0, 1, 2, 0);
	butter_ev_prepare_stop(loop, &prepare);
	butter_ev_check_stop(loop, &check);
	butter_ev_idle_stop(loop, &idle[0]);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted_nothing();
	free_loop();
}
END_TEST

/* As libev: idle watchers of a lower priority wait until none of a higher is there. */
START_TEST(idle_comes_when_nothing_as_important_is_pending)
{
	new_loop();
	start_idle(0, 0);
	start_idle(1, 1);
	start_idle(2, 0);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(1);
	butter_ev_idle_stop(loop, &idle[1]);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(0, 2);
	butter_ev_check_init(&check, note_check);
	check.ev.data = NUMBER(9);
	butter_ev_check_start(loop, &check);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(9, 0, 2);
	butter_loop_once(loop, -1, 0, 0, note_once, NUMBER(5));
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(9, 5);
	butter_ev_feed(loop, &check, BUTTER_EV_CUSTOM);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(9, 9, 0, 2);
	free_loop();
}
END_TEST

START_TEST(defer_comes_once_at_the_end_of_the_iteration)
{
	new_loop();
	start_defer(0);
	start_defer(1);
	start_defer(2);
	butter_ev_defer_stop(loop, &defer[1]);
	start_idle(1, -2);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(1, 0, 2);
	ck_assert(!butter_ev_is_active(&defer[0]));
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(1);
	free_loop();
}
END_TEST

static void defer_again(struct butter_loop *in, struct butter_ev_defer *w, uint32_t revents)
{
	ck_assert_uint_eq(revents, BUTTER_EV_DEFER);
	note(1);
	butter_ev_stop(in, &defer[1]);
	if (note_count < 3)
		ck_assert_int_eq(butter_ev_defer_start(in, w), 0);
}

START_TEST(a_deferred_that_starts_itself_comes_in_the_next_iteration)
{
	new_loop();
	butter_ev_defer_init(&defer[0], defer_again);
	butter_ev_defer_start(loop, &defer[0]);
	start_defer(1);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_int_eq(note_count, 1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(1, 1, 1);
	ck_assert_uint_eq(butter_loop_iteration(loop), 3);
	free_loop();
}
END_TEST

START_TEST(cleanup_does_not_hold_the_loop_and_comes_when_it_is_freed)
{
	new_loop();
	for (int i = 0; i < 2; i++) {
		butter_ev_cleanup_init(&cleanup[i], note_cleanup);
		cleanup[i].ev.data = NUMBER(i + 1);
		ck_assert_int_eq(butter_ev_cleanup_start(loop, &cleanup[i]), 0);
	}
	start_idle(0, 0);
	butter_ev_idle_stop(loop, &idle[0]);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	butter_ev_cleanup_stop(loop, &cleanup[0]);
	butter_ev_cleanup_start(loop, &cleanup[0]);
	start_idle(0, 0);
	free_loop();
	ck_assert_noted(2, 1);
	ck_assert(!butter_ev_is_active(&cleanup[0]));
	ck_assert(!butter_ev_is_active(&idle[0]));
}
END_TEST

START_TEST(fork_watchers_come_first_after_the_loop_was_told)
{
	new_loop();
	butter_ev_fork_init(&forked, note_fork);
	forked.ev.data = NUMBER(3);
	ck_assert_int_eq(butter_ev_fork_start(loop, &forked), 0);
	butter_ev_prepare_init(&prepare, note_prepare);
	prepare.ev.data = NUMBER(1);
	butter_ev_prepare_start(loop, &prepare);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(1);
	ck_assert_int_eq(butter_loop_fork(loop), 0);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(3, 1);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(1);
	butter_ev_fork_stop(loop, &forked);
	free_loop();
}
END_TEST

SUITE(loop_simple)
{
	tcase_add_test(tc, prepare_comes_before_the_wait_and_check_after_it);
	tcase_add_test(tc, idle_comes_when_nothing_as_important_is_pending);
	tcase_add_test(tc, defer_comes_once_at_the_end_of_the_iteration);
	tcase_add_test(tc, a_deferred_that_starts_itself_comes_in_the_next_iteration);
	tcase_add_test(tc, cleanup_does_not_hold_the_loop_and_comes_when_it_is_freed);
	tcase_add_test(tc, fork_watchers_come_first_after_the_loop_was_told);
}
