/* SPDX-License-Identifier: MIT */
/* The clock that is set, and the one timer for all. */
#include "child.h"
#include "periodics.h"

START_TEST(a_clock_set_back_puts_off_what_was_due)
{
	new_loop();
	answer = HOUR;
	int64_t at = now() + 2 * MILLISECOND;
	ck_assert_int_eq(start(0, at, 0), 0);
	ck_assert_int_eq(start(1, 0, HOUR), 0);
	ck_assert_int_eq(start_asking(2, in_a_while), 0);
	int64_t then = butter_ev_periodic_at(&periodic[1]);
	set_clock(-5 * HOUR);
	run_until_read();
	ck_assert_noted_nothing();
	ck_assert_int_eq(butter_ev_periodic_at(&periodic[0]), at);
	ck_assert_int_le(butter_ev_periodic_at(&periodic[1]), then - 4 * HOUR);
	ck_assert_int_eq(asked, 2);
	ck_assert_int_lt(asked_at, at - 4 * HOUR);
	ck_assert_int_eq(butter_ev_periodic_at(&periodic[2]), asked_at + HOUR);
	fault_clear();
	for (int i = 0; i < 3; i++)
		butter_ev_periodic_stop(loop, &periodic[i]);
	free_loop();
}
END_TEST

START_TEST(a_clock_set_forward_does_not_make_up_for_what_lies_between)
{
	new_loop();
	answer = HOUR;
	ck_assert_int_eq(start(0, now() + MILLISECOND, 0), 0);
	ck_assert_int_eq(start(1, 0, HOUR), 0);
	ck_assert_int_eq(start_asking(2, in_a_while), 0);
	ck_assert_int_eq(start(3, now() + 3 * HOUR, 0), 0);
	ck_assert_int_eq(start(4, now() + 30 * HOUR, 0), 0);
	set_clock(10 * HOUR);
	run_until_read();
	ck_assert_noted(0, 3);
	ck_assert_int_eq(asked, 2);
	ck_assert_int_gt(butter_ev_periodic_at(&periodic[1]), now());
	ck_assert_int_le(butter_ev_periodic_at(&periodic[1]), now() + HOUR);
	ck_assert_int_eq(butter_ev_periodic_at(&periodic[2]), asked_at + HOUR);
	fault_clear();
	for (int i = 1; i < 5; i++)
		butter_ev_periodic_stop(loop, &periodic[i]);
	free_loop();
}
END_TEST

START_TEST(a_clock_that_was_set_is_seen_when_the_timer_is_armed_too)
{
	new_loop();
	ck_assert_int_eq(start(0, 0, HOUR), 0);
	fault_clock(-7 * HOUR);
	fault_error(FAULT_TIMERFD_SETTIME, 1, ECANCELED);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	ck_assert_uint_eq(fault_calls(FAULT_TIMERFD_SETTIME), 2);
	ck_assert_int_gt(butter_ev_periodic_at(&periodic[0]), now());
	ck_assert_int_le(butter_ev_periodic_at(&periodic[0]), now() + HOUR);
	butter_ev_periodic_stop(loop, &periodic[0]);
	free_loop();
}
END_TEST

/* CI's own machine only: setting it to the time that it has is enough for the kernel. */
START_TEST(a_clock_that_was_really_set_asks_reschedule)
{
	struct timespec ts;
	new_loop();
	answer = HOUR;
	ck_assert_int_eq(start_asking(0, in_a_while), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	ck_assert_int_eq(asked, 1);
	ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &ts), 0);
	ck_assert_int_eq(clock_settime(CLOCK_REALTIME, &ts), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_int_eq(asked, 2);
	ck_assert_noted_nothing();
	butter_ev_periodic_stop(loop, &periodic[0]);
	free_loop();
}
END_TEST

START_TEST(one_timer_serves_all_and_is_armed_only_when_the_first_changes)
{
	new_loop();
	int64_t at = now() + HOUR;
	for (int i = 0; i < 32; i++)
		ck_assert_int_eq(start(i, at + i, 0), 0);
	unsigned fds = count_fds();
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_uint_eq(fault_calls(FAULT_TIMERFD_SETTIME), 1);
	butter_ev_periodic_stop(loop, &periodic[17]);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_uint_eq(fault_calls(FAULT_TIMERFD_SETTIME), 1);
	butter_ev_periodic_stop(loop, &periodic[0]);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_uint_eq(fault_calls(FAULT_TIMERFD_SETTIME), 2);
	ck_assert_uint_eq(count_fds(), fds);
	free_loop();
	ck_assert(!butter_ev_is_active(&periodic[5]));
}
END_TEST

static void run_in_child(void *arg)
{
	(void)arg;
	ck_assert_int_eq(butter_loop_fork(loop), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0);
	free_loop();
}

START_TEST(a_forked_child_has_a_timer_of_its_own)
{
	new_loop();
	int64_t after = 20 * MILLISECOND;
	do {
		note_count = 0; /* a slow machine, on which it has come */
		ck_assert_int_eq(start(0, now() + (after *= 2), 0), 0);
	} while (butter_loop_run(loop, BUTTER_RUN_NOWAIT) == 0);
	in_child(run_in_child, NULL);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0);
	free_loop();
}
END_TEST

START_TEST(the_loops_fd_is_readable_when_one_is_due)
{
	new_loop();
	int64_t at = now() + 3 * MILLISECOND;
	ck_assert_int_eq(start(0, at, 0), 0);
	ck_assert_int_eq(poll_in(butter_loop_fd(loop), 10000), 1);
	while (!note_count)
		butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_int_ge(now(), at);
	free_loop();
}
END_TEST

SUITE(loop_periodic_clock)
{
	tcase_add_test(tc, a_clock_set_back_puts_off_what_was_due);
	tcase_add_test(tc, a_clock_set_forward_does_not_make_up_for_what_lies_between);
	tcase_add_test(tc, a_clock_that_was_set_is_seen_when_the_timer_is_armed_too);
	if (getenv("BUTTER_TEST_SET_CLOCK"))
		tcase_add_test(tc, a_clock_that_was_really_set_asks_reschedule);
	tcase_add_test(tc, one_timer_serves_all_and_is_armed_only_when_the_first_changes);
	tcase_add_test(tc, a_forked_child_has_a_timer_of_its_own);
	tcase_add_test(tc, the_loops_fd_is_readable_when_one_is_due);
}
