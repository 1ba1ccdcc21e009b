/* SPDX-License-Identifier: MIT */
/* Errors, and the ends of a queue, its source and its loop. */
#include "fault.h"
#include "queued.h"

START_TEST(an_error_is_the_answer_of_one_request_and_the_end_of_all)
{
	new_queue(NULL);
	for (int i = 0; i < 3; i++)
		get(i, -1);
	put("ab");
	fault_error(FAULT_READ, 2, EIO);
	errno = 77;
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_int_eq(errno, 77);
	ck_assert_noted(0, 'a', 1, -EIO, 2, 'b');
	close(fds[WRITE]);
	fds[WRITE] = -1;
	for (int i = 0; i < 3; i++)
		get(i, LONG);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(0, -ENODATA, 1, -ENODATA, 2, -ENODATA);
	get(4, -1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(4, -ENODATA);
	free_queue();
}
END_TEST

START_TEST(an_fd_that_was_closed_is_EBADF_for_all_who_wait)
{
	new_queue(NULL);
	for (int i = 0; i < 3; i++)
		get(i, LONG);
	close(fds[READ]);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0, -EBADF, 1, -EBADF, 2, -EBADF);
	butter_queue_close(queue);
	free_loop();
	close(fds[WRITE]);
}
END_TEST

START_TEST(close_answers_all_with_ECANCELED)
{
	new_queue(NULL);
	get(0, -1);
	get(1, LONG);
	put("ab");
	errno = 77;
	butter_queue_close(queue);
	ck_assert_int_eq(errno, 77);
	ck_assert_noted(0, -ECANCELED, 1, -ECANCELED);
	ck_assert_int_eq(reads, 0);
	butter_queue_close(NULL);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	free_loop();
	close_pipe(fds);
}
END_TEST

static void ask_again(struct butter_queue *in, struct butter_queue_request *r)
{
	note_request(in, r);
	ck_assert_fails(butter_queue_get(in, &request[9], note_request, -1), ECANCELED);
	butter_queue_cancel(in, &request[2]);
}

START_TEST(who_asks_while_it_is_closed_is_refused)
{
	new_queue(NULL);
	get(0, -1);
	ck_assert_int_eq(butter_queue_get(queue, &request[1], ask_again, LONG), 0);
	get(2, LONG);
	get(3, LONG);
	butter_queue_close(queue);
	ck_assert_noted(0, -ECANCELED, 1, -ECANCELED, 3, -ECANCELED);
	free_loop();
	close_pipe(fds);
}
END_TEST

static void close_queue(struct butter_queue *in, struct butter_queue_request *r)
{
	note_request(in, r);
	butter_queue_close(in);
	memset(r, 0x55, sizeof(*r));
}

START_TEST(a_callback_may_close_the_queue_and_free_its_request)
{
	for (int i = 0; i < 3; i++) {
		new_queue(&(struct butter_queue_options){.size = sizeof(struct butter_queue_options),
							 .maximum = 4});
		ck_assert_int_eq(butter_queue_get(queue, &request[0], close_queue, i == 1 ? 0 : -1), 0);
		get(1, LONG);
		if (i == 0)
			put("abc");
		if (i == 2)
			close(fds[WRITE]);
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
		ck_assert_noted(0, (int[]){'a', -ETIMEDOUT, -ENODATA}[i], 1, -ECANCELED);
		free_loop();
		butter_source_close(&source);
		if (i != 2)
			close(fds[WRITE]);
	}
}
END_TEST

START_TEST(a_loop_that_is_freed_answers_all_with_ECANCELED)
{
	new_queue(NULL);
	get(0, -1);
	get(1, LONG);
	free_loop();
	ck_assert_noted(0, -ECANCELED, 1, -ECANCELED);
	ck_assert_fails(butter_queue_get(queue, &request[0], note_request, -1), ECANCELED);
	butter_queue_cancel(queue, &request[0]);
	butter_queue_close(queue);
	close_pipe(fds);
	new_queue(NULL);
	ck_assert_int_eq(butter_queue_get(queue, &request[0], close_queue, -1), 0);
	get(1, LONG);
	free_loop();
	ck_assert_noted(0, -ECANCELED, 1, -ECANCELED);
	close_pipe(fds);
}
END_TEST

SUITE(loop_queue_end)
{
	tcase_add_test(tc, an_error_is_the_answer_of_one_request_and_the_end_of_all);
	tcase_add_test(tc, an_fd_that_was_closed_is_EBADF_for_all_who_wait);
	tcase_add_test(tc, close_answers_all_with_ECANCELED);
	tcase_add_test(tc, who_asks_while_it_is_closed_is_refused);
	tcase_add_test(tc, a_callback_may_close_the_queue_and_free_its_request);
	tcase_add_test(tc, a_loop_that_is_freed_answers_all_with_ECANCELED);
}
