/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "notes.h"

static struct butter_ev_timer timer[8];
static int64_t fired;
static clockid_t fired_clock = CLOCK_MONOTONIC;

NOTING(timer)

static void start(int i, int64_t after, int64_t repeat)
{
	butter_ev_timer_init(&timer[i], note_timer, after, repeat);
	timer[i].ev.data = NUMBER(i);
	ck_assert_int_eq(butter_ev_timer_start(loop, &timer[i]), 0);
}

static void take_time(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)in, (void)w;
	ck_assert_uint_eq(revents, BUTTER_EV_TIMER);
	fired = clock_ns(fired_clock);
}

START_TEST(a_timer_is_never_early)
{
	static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME};
	new_loop();
	for (int i = 0; i < 60; i++) {
		int64_t after = i % 20 * 100000 + i;
		butter_ev_timer_init(&timer[0], take_time, after, 0);
		fired_clock = clocks[i % 3];
		ck_assert_int_eq(butter_ev_timer_set_clock(&timer[0], fired_clock, 0), 0);
		int64_t before = clock_ns(fired_clock);
		ck_assert_int_eq(butter_ev_timer_start(loop, &timer[0]), 0);
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
		ck_assert_int_ge(fired - before, after);
	}
	free_loop();
}
END_TEST

static void work_then_start(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)w, (void)revents;
	spin_for(3 * MILLISECOND);
	fired = clock_ns(CLOCK_MONOTONIC);
	butter_ev_timer_init(&timer[1], take_time, MILLISECOND, 0);
	ck_assert_int_eq(butter_ev_timer_start(in, &timer[1]), 0);
}

START_TEST(a_timer_counts_from_its_start_however_long_the_callback_took)
{
	new_loop();
	butter_ev_timer_init(&timer[0], work_then_start, 0, 0);
	ck_assert_int_eq(butter_ev_timer_start(loop, &timer[0]), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	int64_t started = fired;
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_int_ge(fired - started, MILLISECOND);
	free_loop();
}
END_TEST

START_TEST(timers_come_by_deadline_and_equals_as_they_were_started)
{
	new_loop();
	start(0, 2 * MILLISECOND, 0);
	start(1, MILLISECOND, 0);
	start(2, 2 * MILLISECOND, 0);
	start(3, 0, 0);
	start(4, MILLISECOND, 0);
	start(5, -5, 0);
	butter_loop_update_now(loop);
	spin_for(3 * MILLISECOND);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert_noted(3, 5, 1, 4, 0, 2);
	free_loop();
}
END_TEST

START_TEST(a_timer_that_does_not_repeat_is_stopped_before_its_callback)
{
	new_loop();
	start(0, 0, 0);
	ck_assert(butter_ev_is_active(&timer[0]));
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0);
	ck_assert(!butter_ev_is_active(&timer[0]));
	ck_assert_uint_eq(timer[0].expirations, 1);
	start(1, LONG, 0);
	butter_ev_timer_stop(loop, &timer[1]);
	butter_ev_timer_stop(loop, &timer[1]);
	start(2, 0, 0);
	butter_loop_update_now(loop);
	butter_ev_timer_stop(loop, &timer[2]);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted_nothing();
	free_loop();
}
END_TEST

START_TEST(a_repeating_timer_keeps_its_phase_and_tells_what_was_missed)
{
	new_loop();
	butter_ev_timer_init(&timer[0], note_timer, MILLISECOND, 2 * MILLISECOND);
	timer[0].ev.data = NUMBER(0);
	ck_assert_int_eq(butter_ev_timer_start(loop, &timer[0]), 0);
	butter_loop_update_now(loop);
	int64_t began = butter_loop_now(loop);
	spin_for(10 * MILLISECOND);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(0);
	int64_t late = butter_loop_now(loop) - began - MILLISECOND;
	ck_assert_uint_eq(timer[0].expirations, (uint64_t)late / (2 * MILLISECOND) + 1);
	ck_assert_int_eq(butter_ev_timer_remaining(loop, &timer[0]),
			 2 * MILLISECOND - late % (2 * MILLISECOND));
	ck_assert(butter_ev_is_active(&timer[0]));
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(0);
	butter_ev_timer_stop(loop, &timer[0]);
	free_loop();
}
END_TEST

START_TEST(what_was_fed_has_not_expired)
{
	new_loop();
	start(0, 0, MILLISECOND);
	butter_loop_update_now(loop);
	spin_for(4 * MILLISECOND);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(0);
	ck_assert_uint_ge(timer[0].expirations, 4);
	butter_ev_timer_stop(loop, &timer[0]);
	butter_ev_feed(loop, &timer[0], BUTTER_EV_TIMER);
	butter_loop_invoke_pending(loop);
	ck_assert_noted(0);
	ck_assert_uint_eq(timer[0].expirations, 0);
	free_loop();
}
END_TEST

START_TEST(expirations_that_do_not_fit_are_the_most_there_are)
{
	new_loop();
	butter_ev_timer_init(&timer[0], note_timer, 0, 1); /* since 1970 */
	timer[0].ev.data = NUMBER(0);
	ck_assert_int_eq(butter_ev_timer_set_clock(&timer[0], CLOCK_REALTIME, BUTTER_EV_TIMER_ABSOLUTE), 0);
	ck_assert_int_eq(butter_ev_timer_start(loop, &timer[0]), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(0);
	ck_assert_uint_eq(timer[0].expirations, UINT32_MAX);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(0);
	ck_assert_uint_lt(timer[0].expirations, UINT32_MAX);
	free_loop();
}
END_TEST

/* Takes back, in the callback of one timer, what has expired of the next, and feeds it. */
static void take_back(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)revents;
	ck_assert_uint_eq(w->expirations, 1);
	ck_assert_uint_eq(butter_ev_clear_pending(in, w + 1), BUTTER_EV_TIMER);
	ck_assert_int_eq(butter_ev_feed(in, w + 1, BUTTER_EV_TIMER), 0);
	butter_ev_invoke(in, w + 2, BUTTER_EV_CUSTOM);
	ck_assert_noted(2);
	ck_assert_uint_ge(w[2].expirations, 4);
}

START_TEST(expirations_that_were_taken_back_or_told_are_not_told)
{
	new_loop();
	butter_ev_timer_init(&timer[0], take_back, 0, 0);
	ck_assert_int_eq(butter_ev_timer_start(loop, &timer[0]), 0);
	for (int i = 1; i < 4; i++)
		start(i, 1, MILLISECOND);
	butter_ev_feed(loop, &timer[3], BUTTER_EV_CUSTOM);
	butter_ev_clear_pending(loop, &timer[3]);
	butter_loop_update_now(loop);
	spin_for(4 * MILLISECOND);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(2, 3, 1);
	ck_assert_uint_eq(timer[1].expirations, 0);
	ck_assert_uint_eq(timer[2].expirations, 0);
	ck_assert_uint_ge(timer[3].expirations, 4);
	free_loop();
}
END_TEST

START_TEST(a_repeat_that_is_written_counts_from_the_next_time_and_below_0_is_once)
{
	new_loop();
	start(0, 0, MILLISECOND);
	timer[0].repeat = -MILLISECOND;
	start(1, 0, 0);
	timer[1].repeat = LONG;
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(0, 1);
	ck_assert_uint_eq(timer[0].expirations, 1);
	ck_assert(!butter_ev_is_active(&timer[0]) && butter_ev_is_active(&timer[1]));
	timer[1].repeat = INT64_MIN;
	ck_assert_int_eq(butter_ev_timer_again(loop, &timer[1]), 0);
	ck_assert(!butter_ev_is_active(&timer[1]));
	ck_assert_int_eq(butter_ev_timer_again(loop, &timer[0]), 0);
	ck_assert(!butter_ev_is_active(&timer[0]));
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted_nothing();
	free_loop();
}
END_TEST

START_TEST(again_puts_a_timeout_off)
{
	new_loop();
	butter_ev_timer_init(&timer[0], note_timer, 0, LONG);
	timer[0].ev.data = NUMBER(0);
	ck_assert_int_eq(butter_ev_timer_again(loop, &timer[0]), 0);
	ck_assert(butter_ev_is_active(&timer[0]));
	ck_assert_int_eq(butter_ev_timer_remaining(loop, &timer[0]), LONG);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted_nothing();
	int64_t remaining = butter_ev_timer_remaining(loop, &timer[0]);
	ck_assert_int_gt(remaining, 0);
	ck_assert_int_le(remaining, LONG);
	butter_ev_feed(loop, &timer[0], BUTTER_EV_TIMER);
	ck_assert_int_eq(butter_ev_timer_again(loop, &timer[0]), 0);
	ck_assert_int_eq(butter_ev_timer_remaining(loop, &timer[0]), LONG);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted_nothing();
	timer[0].repeat = 0;
	ck_assert_int_eq(butter_ev_timer_again(loop, &timer[0]), 0);
	ck_assert(!butter_ev_is_active(&timer[0]));
	ck_assert_int_eq(butter_ev_timer_remaining(loop, &timer[0]), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	free_loop();
}
END_TEST

START_TEST(an_absolute_timer_waits_for_a_time_of_its_clock)
{
	new_loop();
	fired_clock = CLOCK_REALTIME;
	int64_t at = clock_ns(fired_clock) + 2 * MILLISECOND;
	butter_ev_timer_init(&timer[0], take_time, at, 0);
	ck_assert_int_eq(butter_ev_timer_set_clock(&timer[0], CLOCK_REALTIME, BUTTER_EV_TIMER_ABSOLUTE), 0);
	ck_assert_int_eq(butter_ev_timer_start(loop, &timer[0]), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_int_ge(fired, at);
	butter_ev_timer_init(&timer[1], note_timer, INT64_MIN, LONG);
	timer[1].ev.data = NUMBER(1);
	butter_ev_timer_set_clock(&timer[1], CLOCK_BOOTTIME, BUTTER_EV_TIMER_ABSOLUTE);
	butter_ev_timer_start(loop, &timer[1]);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(1);
	butter_ev_timer_stop(loop, &timer[1]);
	free_loop();
}
END_TEST

START_TEST(times_saturate)
{
	new_loop();
	start(0, INT64_MAX, INT64_MAX);
	start(1, INT64_MAX - 1, INT64_MIN);
	start(2, 0, INT64_MAX);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(2);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted_nothing();
	ck_assert_int_gt(butter_ev_timer_remaining(loop, &timer[0]), INT64_MAX / 2);
	free_loop();
}
END_TEST

START_TEST(settings_are_for_timers_that_are_not_active)
{
	new_loop();
	start(0, LONG, 0);
	ck_assert_fails(butter_ev_timer_set(&timer[0], 1, 1), EBUSY);
	ck_assert_fails(butter_ev_timer_set_clock(&timer[0], CLOCK_BOOTTIME, 0), EBUSY);
	butter_ev_timer_stop(loop, &timer[0]);
	ck_assert_int_eq(butter_ev_timer_set(&timer[0], 7, 8), 0);
	ck_assert_int_eq(butter_ev_timer_remaining(loop, &timer[0]), 7);
	ck_assert_fails(butter_ev_timer_set_clock(&timer[0], CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	ck_assert_fails(butter_ev_timer_set_clock(&timer[0], CLOCK_BOOTTIME, 2), EINVAL);
	timer[0] = (struct butter_ev_timer){.repeat = 1};
	ck_assert_fails(butter_ev_timer_again(loop, &timer[0]), EINVAL);
	free_loop();
}
END_TEST

START_TEST(a_timer_that_cannot_start_is_not_active)
{
	new_loop();
	butter_ev_timer_init(&timer[0], note_timer, 0, 1);
	fault_error_from(FAULT_REALLOC, 1, ENOMEM);
	ck_assert_fails(butter_ev_timer_start(loop, &timer[0]), ENOMEM);
	ck_assert_fails(butter_ev_timer_again(loop, &timer[0]), ENOMEM);
	fault_clear();
	butter_ev_timer_set_clock(&timer[0], CLOCK_BOOTTIME, 0);
	fault_error(FAULT_TIMERFD_CREATE, 1, EMFILE);
	ck_assert_fails(butter_ev_timer_start(loop, &timer[0]), EMFILE);
	ck_assert(!butter_ev_is_active(&timer[0]));
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	free_loop();
}
END_TEST

static void stop_all_and_free(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)revents;
	note(100);
	for (int i = 0; i < 8; i++)
		butter_ev_stop(in, &timer[i]);
	butter_ev_stop(in, w);
	free(w);
}

START_TEST(a_callback_may_stop_timers_that_are_due)
{
	struct butter_ev_timer *w = malloc(sizeof(*w));
	new_loop();
	start(0, 0, 0);
	butter_ev_timer_init(w, stop_all_and_free, 1, 1);
	ck_assert_int_eq(butter_ev_timer_start(loop, w), 0);
	for (int i = 1; i < 8; i++)
		start(i, 2, i % 2);
	butter_loop_update_now(loop);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0, 100);
	free_loop();
}
END_TEST

enum { MANY = 20000 };
static struct butter_ev_timer many[MANY];
static int64_t last;
static int count;

static void in_order(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)in, (void)revents;
	ck_assert_int_ge(w->after, last);
	last = w->after;
	count++;
}

START_TEST(many_timers_come_in_order)
{
	new_loop();
	for (int i = 0; i < MANY; i++) {
		butter_ev_timer_init(&many[i], in_order, (int64_t)i * 7919 % 10007, 0);
		ck_assert_int_eq(butter_ev_timer_start(loop, &many[i]), 0);
	}
	for (int i = 0; i < MANY; i += 3)
		butter_ev_timer_stop(loop, &many[i]);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	butter_loop_update_now(loop);
	spin_for(MILLISECOND);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_int_eq(count, MANY - (MANY + 2) / 3);
	free_loop();
}
END_TEST

SUITE(loop_timer)
{
	tcase_add_test(tc, a_timer_is_never_early);
	tcase_add_test(tc, a_timer_counts_from_its_start_however_long_the_callback_took);
	tcase_add_test(tc, timers_come_by_deadline_and_equals_as_they_were_started);
	tcase_add_test(tc, a_timer_that_does_not_repeat_is_stopped_before_its_callback);
	tcase_add_test(tc, a_repeating_timer_keeps_its_phase_and_tells_what_was_missed);
	tcase_add_test(tc, what_was_fed_has_not_expired);
	tcase_add_test(tc, expirations_that_do_not_fit_are_the_most_there_are);
	tcase_add_test(tc, expirations_that_were_taken_back_or_told_are_not_told);
	tcase_add_test(tc, a_repeat_that_is_written_counts_from_the_next_time_and_below_0_is_once);
	tcase_add_test(tc, again_puts_a_timeout_off);
	tcase_add_test(tc, an_absolute_timer_waits_for_a_time_of_its_clock);
	tcase_add_test(tc, times_saturate);
	tcase_add_test(tc, settings_are_for_timers_that_are_not_active);
	tcase_add_test(tc, a_timer_that_cannot_start_is_not_active);
	tcase_add_test(tc, a_callback_may_stop_timers_that_are_due);
	tcase_add_test(tc, many_timers_come_in_order);
}
