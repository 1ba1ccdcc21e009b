/* SPDX-License-Identifier: MIT */
/* Tables that are full to the last place, and waits that are made of parts. */
#include <fcntl.h>

#include "fault.h"
#include "notes.h"

enum { FIRST_ROOM = 64, WATCHERS = FIRST_ROOM + 1 };

static struct butter_ev_io io[WATCHERS], file;
static struct butter_ev_timer timer;
static int errors, ready;

NOTING(timer)

static void count(struct butter_loop *in, struct butter_ev_io *w, uint32_t revents)
{
	(void)in, (void)w;
	errors += !!(revents & BUTTER_EV_ERROR);
	ready += !(revents & BUTTER_EV_ERROR);
}

/* The first number from which on none is open, up to the end of the loop's first table. */
static int first_free(void)
{
	int fd = FIRST_ROOM;
	while (fd > 0 && fcntl(fd - 1, F_GETFD) < 0)
		fd--;
	return fd;
}

START_TEST(every_fd_of_the_table_may_change_and_fail_at_once)
{
	new_loop();
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	butter_ev_io_init(&file, count, fd, BUTTER_EV_READ);
	ck_assert_int_eq(butter_ev_io_start(loop, &file), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_int_eq(ready, 1);
	int from = first_free();
	for (int i = 0; i < FIRST_ROOM; i++) {
		butter_ev_io_init(&io[i], count, i, BUTTER_EV_PRI);
		if (i >= from)
			ck_assert_int_eq(butter_ev_io_start(loop, &io[i]), 0);
	}
	for (int i = 0; i < from;
	     i++) { /* what is open becomes a change by a watcher that waits for nothing */
		ck_assert_int_eq(butter_ev_io_modify(loop, &io[i], 0), 0);
		ck_assert_int_eq(butter_ev_io_start(loop, &io[i]), 0);
	}
	butter_ev_io_init(&io[FIRST_ROOM], count, FIRST_ROOM - 1, BUTTER_EV_PRI);
	ck_assert_int_eq(butter_ev_io_start(loop, &io[FIRST_ROOM]), 0);
	ready = 0;
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	ck_assert_int_eq(errors, FIRST_ROOM - from + 1);
	ck_assert_int_eq(ready, 1);
	butter_ev_io_stop(loop, &file);
	for (int i = 0; i < WATCHERS; i++)
		butter_ev_io_stop(loop, &io[i]);
	close(fd);
	free_loop();
}
END_TEST

/* Were it late by the time for which the loop had slept already, no attempt would be good. */
START_TEST(the_sleep_for_fds_is_a_part_of_the_wait_for_a_timer)
{
	enum { COLLECT = 80 * MILLISECOND, AFTER = 90 * MILLISECOND, ATTEMPTS = 20 };
	int64_t took = INT64_MAX;
	new_loop();
	butter_loop_set_io_collect(loop, COLLECT);
	butter_ev_timer_init(&timer, note_timer, AFTER, 0);
	timer.ev.data = NUMBER(1);
	for (int i = 0; i < ATTEMPTS && took >= COLLECT + AFTER; i++) {
		butter_loop_run(loop, BUTTER_RUN_NOWAIT);
		int64_t before = butter_loop_now(loop);
		ck_assert_int_eq(butter_ev_timer_start(loop, &timer), 0);
		fault_error(FAULT_EPOLL_PWAIT2, 1, EINTR);
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
		took = butter_loop_now(loop) - before;
		ck_assert_noted(1);
		ck_assert_int_ge(took, AFTER);
	}
	ck_assert_int_lt(took, COLLECT + AFTER);
	free_loop();
}
END_TEST

/* What butter_loop_fd() armed is for who polls that, and does not end a wait with nothing. */
START_TEST(a_wait_is_not_ended_by_a_timer_that_was_stopped)
{
	struct butter_ev_timer later;
	new_loop();
	butter_ev_timer_init(&timer, note_timer, MILLISECOND, 0);
	ck_assert_int_eq(butter_ev_timer_start(loop, &timer), 0);
	ck_assert_int_ge(butter_loop_fd(loop), 0);
	butter_ev_timer_stop(loop, &timer);
	butter_ev_timer_init(&later, note_timer, 20 * MILLISECOND, 0);
	later.ev.data = NUMBER(2);
	ck_assert_int_eq(butter_ev_timer_start(loop, &later), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(2);
	free_loop();
}
END_TEST

SUITE(loop_limits)
{
	tcase_add_test(tc, every_fd_of_the_table_may_change_and_fail_at_once);
	tcase_add_test(tc, the_sleep_for_fds_is_a_part_of_the_wait_for_a_timer);
	tcase_add_test(tc, a_wait_is_not_ended_by_a_timer_that_was_stopped);
}
