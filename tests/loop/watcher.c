/* SPDX-License-Identifier: MIT */
#include <limits.h>

#include "notes.h"

static struct butter_ev_idle idle[8];
static struct butter_ev_check checks[8];

NOTING(check)

static void init_checks(void)
{
	for (int i = 0; i < 8; i++) {
		butter_ev_check_init(&checks[i], note_check);
		checks[i].ev.data = NUMBER(i);
	}
}

START_TEST(memory_that_was_not_initialised_is_no_watcher)
{
	new_loop();
	ck_assert_fails(butter_ev_start(loop, &idle[0]), EINVAL);
	ck_assert_uint_eq(butter_ev_kind(&idle[0]), 0);
	ck_assert_fails(butter_ev_feed(loop, &idle[0], BUTTER_EV_CUSTOM), EINVAL);
	butter_ev_invoke(loop, &idle[0], BUTTER_EV_CUSTOM);
	ck_assert_uint_eq(butter_loop_pending_count(loop), 0);
	free_loop();
}
END_TEST

static void never(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)in, (void)w, (void)revents;
	ck_abort();
}

/* A call by a volatile pointer is one of the library's function; the other one is inlined. */
START_TEST(the_inline_init_writes_what_the_library_writes)
{
	__typeof__(butter_ev_timer_init) *volatile library = butter_ev_timer_init;
	struct butter_ev_timer here, there;
	for (int64_t repeat = -1; repeat < 2; repeat++) {
		memset(&here, 0xa5, sizeof(here));
		memset(&there, 0x5a, sizeof(there));
		butter_ev_timer_init(&here, never, 4711, repeat);
		library(&there, never, 4711, repeat);
		ck_assert_mem_eq(&here, &there, sizeof(here));
		ck_assert_uint_eq(butter_ev_kind(&here), BUTTER_EV_TIMER);
	}
}
END_TEST

START_TEST(a_watcher_is_active_from_start_to_stop)
{
	new_loop();
	init_checks();
	ck_assert(!butter_watcher_is_active(&checks[1].ev));
	ck_assert_int_eq(butter_watcher_start(loop, &checks[1].ev), 0);
	ck_assert_int_eq(butter_watcher_start(loop, &checks[1].ev), 0);
	ck_assert(butter_ev_is_active(&checks[1]));
	ck_assert_uint_eq(butter_watcher_kind(&checks[1].ev), BUTTER_EV_CHECK);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	ck_assert_noted(1);
	errno = 4711;
	butter_watcher_stop(loop, &checks[1].ev);
	butter_ev_stop(loop, &checks[1]);
	ck_assert_int_eq(errno, 4711);
	ck_assert(!butter_ev_is_active(&checks[1]));
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted_nothing();
	free_loop();
}
END_TEST

static uint32_t told;

static void tell(struct butter_loop *in, struct butter_ev_check *w, uint32_t revents)
{
	(void)in, (void)w;
	told = revents;
	note(1);
}

START_TEST(feeding_is_one_callback_with_all_that_was_fed)
{
	new_loop();
	butter_ev_check_init(&checks[0], tell);
	butter_watcher_feed(loop, &checks[0].ev, BUTTER_EV_CUSTOM);
	butter_ev_feed(loop, &checks[0], BUTTER_EV_READ);
	ck_assert(butter_watcher_is_pending(&checks[0].ev));
	ck_assert(butter_ev_is_pending(&checks[0]));
	ck_assert_uint_eq(butter_loop_pending_count(loop), 1);
	butter_loop_invoke_pending(loop);
	ck_assert_noted(1);
	ck_assert_uint_eq(told, BUTTER_EV_CUSTOM | BUTTER_EV_READ);
	ck_assert(!butter_ev_is_pending(&checks[0]));
	butter_loop_invoke_pending(loop);
	ck_assert_noted_nothing();
	free_loop();
}
END_TEST

START_TEST(what_is_pending_can_be_taken_back)
{
	new_loop();
	init_checks();
	ck_assert_uint_eq(butter_ev_clear_pending(loop, &checks[0]), 0);
	for (int i = 0; i < 4; i++)
		butter_ev_feed(loop, &checks[i], BUTTER_EV_CUSTOM);
	ck_assert_uint_eq(butter_watcher_clear_pending(loop, &checks[0].ev), BUTTER_EV_CUSTOM);
	ck_assert_uint_eq(butter_ev_clear_pending(loop, &checks[2]), BUTTER_EV_CUSTOM);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	butter_loop_invoke_pending(loop);
	ck_assert_noted(1, 3);
	butter_ev_feed(loop, &checks[4], BUTTER_EV_CUSTOM);
	butter_ev_stop(loop, &checks[4]);
	butter_loop_invoke_pending(loop);
	ck_assert_noted_nothing();
	free_loop();
}
END_TEST

START_TEST(invoking_calls_at_once_and_leaves_what_is_pending)
{
	new_loop();
	butter_ev_check_init(&checks[0], tell);
	butter_ev_feed(loop, &checks[0], BUTTER_EV_CUSTOM);
	butter_watcher_invoke(loop, &checks[0].ev, BUTTER_EV_CHECK);
	ck_assert_uint_eq(told, BUTTER_EV_CHECK);
	ck_assert(butter_ev_is_pending(&checks[0]));
	butter_ev_invoke(loop, &checks[0], BUTTER_EV_READ);
	ck_assert_uint_eq(told, BUTTER_EV_READ);
	ck_assert_noted(1, 1);
	free_loop();
}
END_TEST

START_TEST(priorities_go_from_2_to_minus_2_and_no_further)
{
	static const int given[] = {INT_MIN, -3, -2, -1, 1, 2, 3, INT_MAX};
	static const int kept[] = {-2, -2, -2, -1, 1, 2, 2, 2};
	new_loop();
	init_checks();
	ck_assert_int_eq(butter_watcher_priority(&checks[0].ev), 0);
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(butter_watcher_set_priority(&checks[i].ev, given[i]), 0);
		ck_assert_int_eq(butter_ev_priority(&checks[i]), kept[i]);
		ck_assert_int_eq(butter_ev_start(loop, &checks[i]), 0);
	}
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(5, 6, 7, 4, 3, 0, 1, 2);
	ck_assert_fails(butter_ev_set_priority(&checks[0], 0), EBUSY);
	butter_ev_stop(loop, &checks[0]);
	butter_ev_feed(loop, &checks[0], BUTTER_EV_CUSTOM);
	ck_assert_fails(butter_ev_set_priority(&checks[0], 0), EBUSY);
	free_loop();
}
END_TEST

/* The member is private; who has written to it all the same must not reach what is not the loop's. */
START_TEST(a_priority_that_was_written_is_clamped_at_start)
{
	static struct butter_ev_timer timer;
	new_loop();
	butter_ev_check_init(&checks[0], note_check);
	checks[0].ev.priority = INT8_MIN;
	ck_assert_int_eq(butter_ev_start(loop, &checks[0]), 0);
	ck_assert_int_eq(butter_ev_priority(&checks[0]), BUTTER_EV_PRIORITY_MIN);
	butter_ev_check_init(&checks[1], note_check);
	checks[1].ev.priority = 3;
	ck_assert_int_eq(butter_ev_feed(loop, &checks[1], BUTTER_EV_CHECK), 0);
	ck_assert_int_eq(butter_ev_priority(&checks[1]), BUTTER_EV_PRIORITY_MAX);
	for (int i = 0; i < 2; i++) {
		butter_ev_timer_init(&timer, NULL, LONG, LONG);
		timer.ev.priority = INT8_MAX;
		ck_assert_int_eq(
			i ? butter_ev_timer_start(loop, &timer) : butter_ev_timer_again(loop, &timer), 0);
		ck_assert_int_eq(butter_ev_priority(&timer), BUTTER_EV_PRIORITY_MAX);
		ck_assert_int_eq(butter_loop_verify(loop), 0);
		butter_ev_stop(loop, &timer);
	}
	free_loop();
}
END_TEST

/* Feeds one of a higher and one of the same priority, stops one that waits, and frees itself. */
static void meddle(struct butter_loop *in, struct butter_ev_check *w, uint32_t revents)
{
	(void)revents;
	note(100);
	butter_ev_feed(in, &checks[5], BUTTER_EV_CUSTOM);
	butter_ev_feed(in, &checks[6], BUTTER_EV_CUSTOM);
	butter_ev_stop(in, &checks[2]);
	butter_ev_stop(in, w);
	free(w);
}

START_TEST(a_callback_may_stop_and_free_what_it_likes)
{
	struct butter_ev_check *w = malloc(sizeof(*w));
	new_loop();
	init_checks();
	butter_ev_set_priority(&checks[6], 1);
	butter_ev_check_init(w, meddle);
	ck_assert_int_eq(butter_ev_start(loop, &checks[1]), 0);
	ck_assert_int_eq(butter_ev_start(loop, w), 0);
	ck_assert_int_eq(butter_ev_start(loop, &checks[2]), 0);
	ck_assert_int_eq(butter_ev_start(loop, &checks[3]), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(1, 100, 6, 3, 5);
	free_loop();
}
END_TEST

SUITE(loop_watcher)
{
	tcase_add_test(tc, memory_that_was_not_initialised_is_no_watcher);
	tcase_add_test(tc, the_inline_init_writes_what_the_library_writes);
	tcase_add_test(tc, a_watcher_is_active_from_start_to_stop);
	tcase_add_test(tc, feeding_is_one_callback_with_all_that_was_fed);
	tcase_add_test(tc, what_is_pending_can_be_taken_back);
	tcase_add_test(tc, invoking_calls_at_once_and_leaves_what_is_pending);
	tcase_add_test(tc, priorities_go_from_2_to_minus_2_and_no_further);
	tcase_add_test(tc, a_priority_that_was_written_is_clamped_at_start);
	tcase_add_test(tc, a_callback_may_stop_and_free_what_it_likes);
}
