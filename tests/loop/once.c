/* SPDX-License-Identifier: MIT */
#include <sys/socket.h>

#include "fault.h"
#include "notes.h"

static uint32_t told;

static void tell(struct butter_loop *in, uint32_t revents, void *arg)
{
	ck_assert_ptr_eq(in, loop);
	told = revents;
	note(*(const int *)arg);
}

START_TEST(once_is_the_fd_or_the_time_whichever_comes_first)
{
	int pair[2];
	new_loop();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(butter_loop_once(loop, pair[0], BUTTER_EV_WRITE, LONG, tell, NUMBER(1)), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(1);
	ck_assert_uint_eq(told, BUTTER_EV_WRITE);
	ck_assert_int_eq(butter_loop_once(loop, pair[0], BUTTER_EV_READ, 1, tell, NUMBER(2)), 0);
	ck_assert_int_eq(butter_loop_once(loop, pair[0], BUTTER_EV_WRITE, -1, tell, NUMBER(3)), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_int_eq(note_count, 2);
	note_count = 0;
	ck_assert_int_eq(butter_loop_once(loop, pair[0], BUTTER_EV_WRITE, 0, tell, NUMBER(4)), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(4);
	ck_assert_uint_eq(told, BUTTER_EV_TIMER | BUTTER_EV_WRITE);
	ck_assert_int_eq(butter_loop_once(loop, -1, 0, 0, tell, NUMBER(5)), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(5);
	close(pair[0]);
	close(pair[1]);
	free_loop();
}
END_TEST

START_TEST(once_judges_its_arguments)
{
	new_loop();
	ck_assert_fails(butter_loop_once(loop, 0, BUTTER_EV_READ, 0, NULL, NULL), EINVAL);
	ck_assert_fails(butter_loop_once(loop, -1, 0, -1, tell, NULL), EINVAL);
	ck_assert_fails(butter_loop_once(loop, 0, BUTTER_EV_READ, -2, tell, NULL), EINVAL);
	ck_assert_fails(butter_loop_once(loop, -2, BUTTER_EV_READ, 0, tell, NULL), EBADF);
	ck_assert_fails(butter_loop_once(loop, 0, BUTTER_EV_CHILD, 0, tell, NULL), EINVAL);
	for (unsigned nth = 1; nth <= 3; nth++) {
		fault_error(nth < 3 ? FAULT_CALLOC : FAULT_REALLOC, nth < 3 ? nth : 1, ENOMEM);
		ck_assert_fails(butter_loop_once(loop, 100000, BUTTER_EV_READ, 0, tell, NULL), ENOMEM);
		fault_clear();
		ck_assert_int_eq(butter_loop_verify(loop), 0);
		free_loop();
		new_loop();
	}
	free_loop();
}
END_TEST

START_TEST(what_did_not_happen_ends_with_the_loop)
{
	new_loop();
	ck_assert_int_eq(butter_loop_once(loop, 0, 0, LONG, tell, NULL), 0);
	ck_assert_int_eq(butter_loop_once(loop, -1, 0, LONG, tell, NULL), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	free_loop();
	ck_assert_noted_nothing();
}
END_TEST

SUITE(loop_once)
{
	tcase_add_test(tc, once_is_the_fd_or_the_time_whichever_comes_first);
	tcase_add_test(tc, once_judges_its_arguments);
	tcase_add_test(tc, what_did_not_happen_ends_with_the_loop);
}
