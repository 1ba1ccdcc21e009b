/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "queued.h"

START_TEST(events_go_to_those_who_wait_first_come_first_served)
{
	new_queue(NULL);
	for (int i = 0; i < 4; i++)
		get(i, -1);
	ck_assert_uint_eq(butter_queue_waiting(queue), 4);
	ck_assert_noted_nothing();
	put("ab");
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(0, 'a', 1, 'b');
	put("c");
	get(0, -1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(2, 'c');
	put("de");
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(3, 'd', 0, 'e');
	ck_assert_uint_eq(butter_queue_waiting(queue), 0);
	free_queue();
}
END_TEST

START_TEST(the_source_is_not_read_while_nobody_waits)
{
	new_queue(NULL);
	put("abc");
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert_int_eq(reads, 0);
	get(0, -1);
	ck_assert_int_eq(reads, 0); /* nor in butter_queue_get() */
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0, 'a');
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert_int_eq(reads, 1);
	free_queue();
}
END_TEST

START_TEST(a_request_holds_the_loop_until_it_is_answered_or_taken_back)
{
	new_queue(NULL);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	get(0, -1);
	get(1, -1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	butter_queue_cancel(queue, &request[0]);
	butter_queue_cancel(queue, &request[0]);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	butter_queue_cancel(queue, &request[1]);
	put("a");
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted_nothing();
	ck_assert_int_eq(reads, 0);
	free_queue();
}
END_TEST

static void cancel_next(struct butter_queue *in, struct butter_queue_request *r)
{
	note_request(in, r);
	butter_queue_cancel(in, r + 1);
	memset(r + 1, 0x55, sizeof(*r));
	memset(r, 0x55, sizeof(*r));
}

START_TEST(a_callback_may_take_others_back)
{
	new_queue(NULL);
	ck_assert_int_eq(butter_queue_get(queue, &request[0], cancel_next, LONG), 0);
	get(1, LONG);
	get(2, LONG);
	put("ab");
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(0, 'a', 2, 'b');
	free_queue();
}
END_TEST

START_TEST(a_timeout_is_ETIMEDOUT_and_never_early)
{
	new_queue(NULL);
	get(0, -1);
	get(1, 3 * MILLISECOND);
	get(2, MILLISECOND);
	int64_t before = clock_ns(CLOCK_MONOTONIC);
	while (note_count < 4)
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_int_ge(clock_ns(CLOCK_MONOTONIC) - before, 3 * MILLISECOND);
	ck_assert_noted(2, -ETIMEDOUT, 1, -ETIMEDOUT);
	put("a");
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(0, 'a');
	get(1, 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(1, -ETIMEDOUT);
	free_queue();
}
END_TEST

static void cancel_second(struct butter_queue *in, struct butter_queue_request *r)
{
	note_request(in, r);
	butter_queue_cancel(in, &request[1]);
	memset(&request[1], 0x55, sizeof(request[1]));
}

START_TEST(an_event_that_is_there_comes_before_a_timeout)
{
	new_queue(NULL);
	put("a");
	get(0, 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(0, 'a');
	put("b");
	ck_assert_int_eq(butter_queue_get(queue, &request[0], cancel_second, -1), 0);
	get(1, 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(0, 'b');
	free_queue();
}
END_TEST

START_TEST(get_nowait_gives_what_is_there_to_whom_nobody_is_before)
{
	char byte = 'x';
	new_queue(NULL);
	errno = 77;
	ck_assert_int_eq(butter_queue_get_nowait(queue, &byte), 0);
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(byte, 'x');
	put("abc");
	ck_assert_int_eq(butter_queue_get_nowait(queue, &byte), 1);
	ck_assert_int_eq(byte, 'a');
	get(0, -1);
	ck_assert_int_eq(butter_queue_get_nowait(queue, &byte), 0);
	butter_loop_run(loop, BUTTER_RUN_DEFAULT);
	ck_assert_noted(0, 'b');
	ck_assert_int_eq(butter_queue_get_nowait(queue, &byte), 1);
	close(fds[WRITE]);
	fds[WRITE] = -1;
	ck_assert_fails(butter_queue_get_nowait(queue, &byte), ENODATA);
	ck_assert_int_eq(byte, 'c');
	free_queue();
}
END_TEST

START_TEST(a_turn_is_as_long_as_the_loops_budget)
{
	struct butter_loop_options options = {.size = sizeof(options), .event_budget = 2};
	loop = butter_loop_new(&options);
	make_pipe(fds);
	ck_assert_int_eq(butter_source_init(&source, &bytes, fds[READ]), 0);
	queue = butter_queue_open(loop, &source, NULL);
	put("abcde");
	ck_assert_int_eq(butter_queue_get(queue, &request[0], get_again, -1), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(0, 'a', 0, 'b');
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(0, 'c', 0, 'd');
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(0, 'e');
	butter_queue_cancel(queue, &request[0]);
	free_queue();
}
END_TEST

START_TEST(wrong_arguments_are_EINVAL)
{
	struct butter_queue_options options = {.size = sizeof(options)};
	new_queue(NULL);
	ck_assert_fails(butter_queue_get(queue, &request[0], NULL, -1), EINVAL);
	ck_assert_fails(butter_queue_get(queue, &request[0], note_request, -2), EINVAL);
	ck_assert_uint_eq(butter_queue_waiting(queue), 0);
	ck_assert_uint_eq(butter_queue_maximum(queue), 0);
	ck_assert(!butter_queue_full(queue));
	ck_assert_null_errno(butter_queue_open(loop, NULL, NULL), EINVAL);
	options.reserved[2] = 1;
	ck_assert_null_errno(butter_queue_open(loop, &source, &options), EINVAL);
	options.reserved[2] = 0;
	options.size = 1;
	ck_assert_null_errno(butter_queue_open(loop, &source, &options), EINVAL);
	free_queue();
}
END_TEST

START_TEST(without_memory_nothing_is_left)
{
	new_queue(NULL);
	for (unsigned nth = 1; nth < 3; nth++) {
		fault_error(FAULT_CALLOC, nth, ENOMEM);
		ck_assert_null_errno(butter_queue_open(loop, &source, NULL), ENOMEM);
	}
	fault_error(FAULT_REALLOC, 1, ENOMEM);
	ck_assert_fails(butter_queue_get(queue, &request[0], note_request, LONG), ENOMEM);
	ck_assert_uint_eq(butter_queue_waiting(queue), 0);
	free_queue();
}
END_TEST

SUITE(loop_queue)
{
	tcase_add_test(tc, events_go_to_those_who_wait_first_come_first_served);
	tcase_add_test(tc, the_source_is_not_read_while_nobody_waits);
	tcase_add_test(tc, a_request_holds_the_loop_until_it_is_answered_or_taken_back);
	tcase_add_test(tc, a_callback_may_take_others_back);
	tcase_add_test(tc, a_timeout_is_ETIMEDOUT_and_never_early);
	tcase_add_test(tc, an_event_that_is_there_comes_before_a_timeout);
	tcase_add_test(tc, get_nowait_gives_what_is_there_to_whom_nobody_is_before);
	tcase_add_test(tc, a_turn_is_as_long_as_the_loops_budget);
	tcase_add_test(tc, wrong_arguments_are_EINVAL);
	tcase_add_test(tc, without_memory_nothing_is_left);
}
