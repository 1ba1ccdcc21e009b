/* SPDX-License-Identifier: MIT */
#include "periodics.h"

START_TEST(an_offset_alone_is_once_and_never_early)
{
	new_loop();
	for (int i = 0; i < 20; i++) {
		int64_t at = now() + i * MILLISECOND / 4;
		ck_assert_int_eq(start(0, at, 0), 0);
		ck_assert_int_eq(butter_ev_periodic_at(&periodic[0]), at);
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
		ck_assert_int_ge(now(), at);
		ck_assert_noted(0);
		ck_assert_uint_eq(told, BUTTER_EV_PERIODIC);
		ck_assert(!butter_ev_is_active(&periodic[0]));
	}
	free_loop();
}
END_TEST

START_TEST(a_time_that_has_passed_comes_at_once)
{
	static const int64_t past[] = {0, 1, -1, INT64_MIN, INT64_MIN + 1, -HOUR};
	new_loop();
	for (unsigned i = 0; i < sizeof(past) / sizeof(*past); i++) {
		ck_assert_int_eq(start(0, past[i], 0), 0);
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
		ck_assert_noted(0);
	}
	free_loop();
}
END_TEST

static int64_t rest(int64_t a, int64_t interval)
{
	return a % interval + (a % interval < 0 ? interval : 0);
}

START_TEST(the_next_time_is_a_multiple_of_interval_plus_offset)
{
	static const int64_t intervals[] = {1, 7, MILLISECOND, LONG, HOUR, INT64_MAX / 2, INT64_MAX};
	static const int64_t offsets[] = {0, 1, -1, 17, -17, HOUR, -HOUR, INT64_MAX, INT64_MIN};
	new_loop();
	for (unsigned i = 0; i < sizeof(intervals) / sizeof(*intervals); i++)
		for (unsigned k = 0; k < sizeof(offsets) / sizeof(*offsets); k++) {
			int64_t before = now();
			ck_assert_int_eq(start(0, offsets[k], intervals[i]), 0);
			int64_t after = now(), at = butter_ev_periodic_at(&periodic[0]);
			ck_assert_int_gt(at, before);
			if (at < INT64_MAX) { /* nothing overflows */
				ck_assert_int_le(at - after, intervals[i]);
				ck_assert_int_eq(rest(at, intervals[i]), rest(offsets[k], intervals[i]));
			}
			butter_ev_periodic_stop(loop, &periodic[0]);
		}
	free_loop();
}
END_TEST

START_TEST(an_interval_comes_again_and_again_on_its_multiples)
{
	new_loop();
	ck_assert_int_eq(start(0, 300, 2 * MILLISECOND), 0);
	for (int i = 0; i < 5; i++) {
		int64_t at = butter_ev_periodic_at(&periodic[0]);
		while (!note_count)
			ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
		ck_assert_int_ge(now(), at);
		ck_assert_int_eq(butter_ev_periodic_at(&periodic[0]) % (2 * MILLISECOND), 300);
		ck_assert_int_gt(butter_ev_periodic_at(&periodic[0]), at);
		ck_assert_noted(0);
	}
	butter_ev_periodic_stop(loop, &periodic[0]);
	free_loop();
}
END_TEST

START_TEST(late_by_many_intervals_is_one_callback)
{
	new_loop();
	ck_assert_int_eq(start(0, 0, 10000), 0);
	spin_for(3 * MILLISECOND);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	ck_assert_noted(0);
	butter_ev_periodic_stop(loop, &periodic[0]);
	free_loop();
}
END_TEST

START_TEST(reschedule_says_when)
{
	new_loop();
	answer = MILLISECOND;
	ck_assert_int_eq(start_asking(0, in_a_while), 0);
	ck_assert_int_eq(asked, 1);
	for (int i = 2; i < 6; i++) {
		int64_t at = butter_ev_periodic_at(&periodic[0]);
		ck_assert_int_eq(at, asked_at + MILLISECOND);
		while (!note_count)
			ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
		ck_assert_int_ge(now(), at);
		ck_assert_noted(0);
		ck_assert_int_eq(asked, i);
	}
	answer = INT64_MAX;
	while (!note_count)
		butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_int_eq(butter_ev_periodic_at(&periodic[0]), INT64_MAX);
	ck_assert(butter_ev_is_active(&periodic[0]));
	ck_assert_noted(0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	ck_assert_noted_nothing();
	butter_ev_periodic_stop(loop, &periodic[0]);
	free_loop();
}
END_TEST

START_TEST(reschedule_that_returns_the_past_stops_the_watcher)
{
	new_loop();
	static const int64_t past[] = {0, -1, INT64_MIN, LONG};
	for (unsigned i = 0; i < sizeof(past) / sizeof(*past); i++) {
		answer = past[i];
		ck_assert_fails(start_asking(0, at_that_time), EINVAL);
		ck_assert(!butter_ev_is_active(&periodic[0]));
		int64_t after = MILLISECOND;
		do
			answer = now() + (after *= 2);
		while (start_asking(0, at_that_time) < 0); /* a slow machine, for which it is past */
		answer = past[i];
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
		ck_assert_noted(0);
		ck_assert_uint_eq(told, BUTTER_EV_PERIODIC | BUTTER_EV_ERROR);
		ck_assert_int_eq(periodic[0].error, EINVAL);
		ck_assert(!butter_ev_is_active(&periodic[0]));
	}
	answer = HOUR;
	ck_assert_int_eq(start_asking(0, in_a_while), 0);
	ck_assert_int_eq(periodic[0].error, 0);
	answer = 0;
	ck_assert_int_eq(start(1, now() + MILLISECOND, 0), 0);
	set_clock(HOUR / 2);
	run_until_read();
	ck_assert_noted(0, 1);
	ck_assert_uint_eq(told, BUTTER_EV_PERIODIC);
	ck_assert(!butter_ev_is_active(&periodic[0]));
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	free_loop();
}
END_TEST

START_TEST(an_interval_that_becomes_negative_stops_the_watcher)
{
	new_loop();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(start(0, 0, MILLISECOND), 0);
		periodic[0].interval = i ? INT64_MIN : -1;
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
		ck_assert_noted(0);
		ck_assert_uint_eq(told, BUTTER_EV_PERIODIC | BUTTER_EV_ERROR);
		ck_assert_int_eq(periodic[0].error, EINVAL);
	}
	free_loop();
}
END_TEST

START_TEST(equals_come_in_the_order_of_their_start_however_often)
{
	new_loop();
	ck_assert_int_eq(start(9, HOUR, HOUR), 0); /* a slot that is free again */
	ck_assert_int_eq(start(0, 0, 2 * HOUR), 0);
	butter_ev_periodic_stop(loop, &periodic[9]);
	ck_assert_int_eq(start(1, 0, HOUR), 0);
	ck_assert_int_eq(start(2, 0, 2 * HOUR), 0);
	ck_assert_int_eq(start(3, 0, HOUR), 0);
	for (int i = 0; i < 6; i++) {
		fault_clock(i * HOUR + HOUR);
		butter_loop_run(loop, BUTTER_RUN_NOWAIT);
		if (note_count == 4)
			ck_assert_noted(0, 1, 2, 3);
		else
			ck_assert_noted(1, 3);
	}
	for (int i = 0; i < 4; i++)
		butter_ev_periodic_stop(loop, &periodic[i]);
	free_loop();
}
END_TEST

START_TEST(many_come_by_their_time)
{
	unsigned seed = (unsigned)now();
	printf("seed %u\n", seed);
	new_loop();
	int64_t base = now() - HOUR;
	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(start(i, base + rand_r(&seed) % 50, 0), 0);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_int_eq(note_count, 64);
	for (int i = 1; i < 64; i++) {
		const struct butter_ev_periodic *a = &periodic[notes[i - 1]], *b = &periodic[notes[i]];
		ck_assert(a->offset < b->offset || (a->offset == b->offset && a < b));
	}
	free_loop();
}
END_TEST

static void stop_others(struct butter_loop *in, struct butter_ev_periodic *w, uint32_t revents)
{
	(void)revents;
	note((int)(w - periodic));
	for (int i = 0; i < 3; i++)
		butter_ev_periodic_stop(in, &periodic[i]);
	memset(periodic, 0x55, sizeof(periodic));
}

START_TEST(a_callback_may_stop_and_overwrite_all_of_them)
{
	new_loop();
	for (int i = 0; i < 3; i++) {
		butter_ev_periodic_init(&periodic[i], stop_others, i == 1 ? 0 : 1, i == 2 ? 1 : 0, NULL);
		ck_assert_int_eq(butter_ev_periodic_start(loop, &periodic[i]), 0);
	}
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(1);
	free_loop();
}
END_TEST

static void note_timer(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)in, (void)w, (void)revents;
	note(42);
}

static void note_check(struct butter_loop *in, struct butter_ev_check *w, uint32_t revents)
{
	(void)in, (void)w, (void)revents;
	note(41);
}

START_TEST(a_periodic_comes_after_check_and_before_timers)
{
	struct butter_ev_timer timer;
	struct butter_ev_check check;
	new_loop();
	butter_ev_timer_init(&timer, note_timer, 0, 0);
	butter_ev_check_init(&check, note_check);
	ck_assert_int_eq(butter_ev_timer_start(loop, &timer), 0);
	ck_assert_int_eq(start(0, 5, 0), 0);
	ck_assert_int_eq(butter_ev_check_start(loop, &check), 0);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(41, 0, 42);
	butter_ev_check_stop(loop, &check);
	free_loop();
}
END_TEST

START_TEST(again_computes_the_next_time_anew)
{
	new_loop();
	answer = HOUR;
	butter_ev_periodic_init(&periodic[0], note_periodic, 0, 0, in_a_while);
	ck_assert_int_eq(butter_ev_periodic_again(loop, &periodic[0]), 0);
	ck_assert(butter_ev_is_active(&periodic[0]));
	ck_assert_fails(butter_ev_periodic_set(&periodic[0], 1, 2, NULL), EBUSY);
	answer = 2 * HOUR;
	butter_ev_feed(loop, &periodic[0], BUTTER_EV_PERIODIC);
	ck_assert_int_eq(butter_ev_periodic_again(loop, &periodic[0]), 0);
	ck_assert_int_eq(butter_ev_periodic_at(&periodic[0]), asked_at + 2 * HOUR);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted_nothing();
	answer = 0;
	ck_assert_fails(butter_ev_periodic_again(loop, &periodic[0]), EINVAL);
	ck_assert(!butter_ev_is_active(&periodic[0]));
	ck_assert_int_eq(butter_ev_periodic_set(&periodic[0], 0, -1, NULL), 0);
	ck_assert_fails(butter_ev_periodic_start(loop, &periodic[0]), EINVAL);
	ck_assert_int_eq(butter_ev_periodic_set(&periodic[0], 5, 0, NULL), 0);
	ck_assert_int_eq(butter_ev_periodic_start(loop, &periodic[0]), 0);
	ck_assert_int_eq(butter_ev_periodic_at(&periodic[0]), 5);
	memset(&periodic[1], 0, sizeof(periodic[1]));
	ck_assert_fails(butter_ev_periodic_again(loop, &periodic[1]), EINVAL);
	free_loop();
}
END_TEST

START_TEST(a_start_that_fails_leaves_nothing)
{
	static const struct {
		enum fault_call call;
		int error;
	} faults[] = {{FAULT_TIMERFD_CREATE, EMFILE}, {FAULT_CALLOC, ENOMEM}, {FAULT_REALLOC, ENOMEM}};
	for (int i = 0; i < 3; i++)
		for (unsigned nth = 1; nth < 4; nth++) {
			new_loop();
			fault_error(faults[i].call, nth, faults[i].error);
			int failed = start(0, now() + HOUR, 0) < 0;
			if (failed)
				ck_assert_int_eq(errno, faults[i].error);
			ck_assert_int_eq(failed, fault_happened(faults[i].call));
			ck_assert_int_eq(butter_ev_is_active(&periodic[0]), !failed);
			fault_clear();
			ck_assert_int_eq(start(1, now() + HOUR, 0), 0);
			free_loop();
		}
}
END_TEST

static void count_walked(struct butter_loop *in, struct butter_ev *w, void *arg)
{
	(void)in, (void)arg;
	ck_assert_uint_eq(butter_watcher_kind(w), BUTTER_EV_PERIODIC);
	note((int)((struct butter_ev_periodic *)w - periodic));
}

START_TEST(they_are_walked_over_and_hold_the_loop)
{
	new_loop();
	ck_assert_int_eq(start(0, now() + HOUR, 0), 0);
	ck_assert_int_eq(start(1, now() + HOUR, 0), 0);
	butter_loop_walk(loop, BUTTER_EV_PERIODIC, count_walked, NULL);
	ck_assert_noted(0, 1);
	butter_loop_walk(loop, ~BUTTER_EV_PERIODIC, count_walked, NULL);
	ck_assert_noted_nothing();
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	free_loop();
}
END_TEST

SUITE(loop_periodic)
{
	tcase_add_test(tc, an_offset_alone_is_once_and_never_early);
	tcase_add_test(tc, a_time_that_has_passed_comes_at_once);
	tcase_add_test(tc, the_next_time_is_a_multiple_of_interval_plus_offset);
	tcase_add_test(tc, an_interval_comes_again_and_again_on_its_multiples);
	tcase_add_test(tc, late_by_many_intervals_is_one_callback);
	tcase_add_test(tc, reschedule_says_when);
	tcase_add_test(tc, reschedule_that_returns_the_past_stops_the_watcher);
	tcase_add_test(tc, an_interval_that_becomes_negative_stops_the_watcher);
	tcase_add_test(tc, equals_come_in_the_order_of_their_start_however_often);
	tcase_add_test(tc, many_come_by_their_time);
	tcase_add_test(tc, a_callback_may_stop_and_overwrite_all_of_them);
	tcase_add_test(tc, a_periodic_comes_after_check_and_before_timers);
	tcase_add_test(tc, again_computes_the_next_time_anew);
	tcase_add_test(tc, a_start_that_fails_leaves_nothing);
	tcase_add_test(tc, they_are_walked_over_and_hold_the_loop);
}
