/* SPDX-License-Identifier: MIT */
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <butter/epoll.h>
#include <butter/eventfd.h>

#include "fault.h"
#include "notes.h"

static struct butter_ev_timer timer[3];

NOTING(timer)
NOTING(io)

static void start(int i, clockid_t clockid, int64_t after)
{
	butter_ev_timer_init(&timer[i], note_timer, after, 0);
	timer[i].ev.data = NUMBER(i);
	ck_assert_int_eq(butter_ev_timer_set_clock(&timer[i], clockid, 0), 0);
	ck_assert_int_eq(butter_ev_timer_start(loop, &timer[i]), 0);
}

START_TEST(now_is_read_once_for_each_wait)
{
	new_loop();
	int64_t first = butter_loop_now(loop);
	ck_assert_int_le(first, clock_ns(CLOCK_MONOTONIC));
	spin_for(1000);
	ck_assert_int_eq(butter_loop_now(loop), first);
	int64_t before = clock_ns(CLOCK_MONOTONIC);
	butter_loop_update_now(loop);
	ck_assert_int_ge(butter_loop_now(loop), before);
	before = clock_ns(CLOCK_MONOTONIC);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_int_ge(butter_loop_now(loop), before);
	free_loop();
}
END_TEST

/* What a wait leaves to be read, and what it has read itself. */
static int64_t now_after_a_wait(int64_t *ret_after_wait)
{
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	*ret_after_wait = clock_ns(CLOCK_MONOTONIC);
	spin_for(1000);
	int64_t now = butter_loop_now(loop);
	spin_for(1000);
	ck_assert_int_eq(butter_loop_now(loop), now);
	return now;
}

START_TEST(without_timers_now_is_when_it_was_asked_for_first)
{
	new_loop();
	int64_t after_wait;
	ck_assert_int_gt(now_after_a_wait(&after_wait), after_wait);
	start(0, CLOCK_BOOTTIME, LONG);
	ck_assert_int_le(now_after_a_wait(&after_wait), after_wait);
	start(1, CLOCK_MONOTONIC, LONG);
	ck_assert_int_le(now_after_a_wait(&after_wait), after_wait);
	butter_ev_timer_stop(loop, &timer[0]);
	butter_ev_timer_stop(loop, &timer[1]);
	ck_assert_int_gt(now_after_a_wait(&after_wait), after_wait);
	butter_loop_set_io_collect(loop, 1);
	ck_assert_int_le(now_after_a_wait(&after_wait), after_wait);
	free_loop();
}
END_TEST

START_TEST(time_does_not_pass_for_timers_of_a_suspended_loop)
{
	new_loop();
	start(0, CLOCK_MONOTONIC, 5 * MILLISECOND);
	butter_loop_resume(loop); /* it is not suspended */
	butter_loop_suspend(loop);
	int64_t left = butter_ev_timer_remaining(loop, &timer[0]);
	ck_assert_int_eq(left, 5 * MILLISECOND);
	spin_for(6 * MILLISECOND);
	butter_loop_suspend(loop);
	butter_loop_resume(loop);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	int64_t after = butter_ev_timer_remaining(loop, &timer[0]);
	ck_assert(after > 0 || note_count == 1); /* a slow machine */
	ck_assert_int_le(after, left);
	if (!note_count)
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0);
	free_loop();
}
END_TEST

START_TEST(the_clock_of_a_suspended_loop_stands_still_whoever_reads_it)
{
	new_loop();
	start(0, CLOCK_MONOTONIC, LONG);
	butter_loop_suspend(loop);
	int64_t now = butter_loop_now(loop);
	spin_for(2 * MILLISECOND);
	start(1, CLOCK_MONOTONIC, LONG);
	butter_loop_update_now(loop);
	ck_assert_int_ge(butter_loop_fd(loop), 0);
	ck_assert_int_eq(butter_loop_now(loop), now);
	ck_assert_int_eq(butter_ev_timer_remaining(loop, &timer[0]), LONG);
	ck_assert_int_eq(butter_ev_timer_remaining(loop, &timer[1]), LONG);
	butter_loop_resume(loop);
	ck_assert_int_ge(butter_loop_now(loop), now + 2 * MILLISECOND);
	ck_assert_int_eq(butter_ev_timer_remaining(loop, &timer[0]),
			 butter_ev_timer_remaining(loop, &timer[1]));
	free_loop();
}
END_TEST

START_TEST(without_epoll_pwait2_a_timerfd_stands_in)
{
	static const int errors[] = {ENOSYS, EPERM};
	for (int i = 0; i < 2; i++) {
		fault_error_from(FAULT_EPOLL_PWAIT2, 1, errors[i]);
		errno = 4711;
		new_loop();
		ck_assert_int_eq(errno, 4711);
		int64_t before = clock_ns(CLOCK_MONOTONIC);
		start(0, CLOCK_MONOTONIC, MILLISECOND);
		start(1, CLOCK_MONOTONIC, 2 * MILLISECOND);
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
		ck_assert_noted(0, 1);
		ck_assert_int_ge(clock_ns(CLOCK_MONOTONIC) - before, 2 * MILLISECOND);
		free_loop();
		fault_clear();
	}
	fault_error(FAULT_EPOLL_PWAIT2, 1, ENOSYS);
	fault_error(FAULT_TIMERFD_CREATE, 1, EMFILE);
	ck_assert_null_errno(butter_loop_new(NULL), EMFILE);
}
END_TEST

START_TEST(every_clock_wakes_the_loop)
{
	new_loop();
	start(2, CLOCK_MONOTONIC, 6 * MILLISECOND);
	start(1, CLOCK_REALTIME, 4 * MILLISECOND);
	start(0, CLOCK_BOOTTIME, 2 * MILLISECOND);
	unsigned before = fault_calls(FAULT_EPOLL_PWAIT2);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_int_eq(note_count, 3);
	ck_assert_uint_le(fault_calls(FAULT_EPOLL_PWAIT2) - before, 4);
	start(0, CLOCK_REALTIME, LONG);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	butter_ev_timer_stop(loop, &timer[0]);
	start(1, CLOCK_REALTIME, 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	free_loop();
}
END_TEST

static int has_pwait2;

/* How often the kernel has been given a time to wait, which it has not where a timerfd stands in. */
static void run_times(unsigned runs, unsigned timed_waits)
{
	unsigned before = fault_calls(FAULT_EPOLL_PWAIT2);
	for (unsigned i = 0; i < runs; i++) {
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
		ck_assert_noted(1);
	}
	ck_assert_uint_eq(fault_calls(FAULT_EPOLL_PWAIT2) - before, has_pwait2 ? timed_waits : 0);
}

static pid_t write_later(int fd)
{
	struct timespec time = {0, 2000000};
	pid_t pid = fork();
	if (pid == 0) {
		nanosleep(&time, NULL);
		_exit(butter_eventfd_write(fd, 1) < 0);
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void look_first_where_it_is_busy(void)
{
	struct butter_ev_io io;
	int fd = butter_eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	fault_monotonic = clock_ns(CLOCK_MONOTONIC);
	new_loop();
	start(0, CLOCK_MONOTONIC, LONG);
	butter_ev_io_init(&io, note_io, fd, BUTTER_EV_READ);
	io.ev.data = NUMBER(1);
	ck_assert_int_eq(butter_ev_io_start(loop, &io), 0);
	run_times(5, 1);
	uint64_t count;
	ck_assert_int_eq(butter_eventfd_read(fd, &count), 0);
	pid_t pid = write_later(fd); /* and when there is nothing, it waits */
	run_times(1, 1);
	run_times(5, 0);
	fault_monotonic_step = MILLISECOND; /* as if each wait took long */
	run_times(5, 4);
	fault_monotonic_step = 0;
	run_times(5, 1);
	butter_loop_suspend(loop); /* its clock tells nothing of how long a wait takes */
	run_times(5, 4);
	fault_monotonic = 0;
	free_loop();
	close(fd);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(where_events_are_there_already_the_kernel_is_given_no_time_to_wait)
{
	const struct timespec none = {0};
	struct epoll_event event;
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	has_pwait2 = butter_epoll_pwait2(epfd, &event, 1, &none, NULL) == 0; /* valgrind has none */
	close(epfd);
	look_first_where_it_is_busy();
	fault_error_from(FAULT_EPOLL_PWAIT2, 1, ENOSYS);
	has_pwait2 = 0;
	look_first_where_it_is_busy();
	fault_clear();
}
END_TEST

SUITE(loop_clock)
{
	tcase_add_test(tc, where_events_are_there_already_the_kernel_is_given_no_time_to_wait);
	tcase_add_test(tc, now_is_read_once_for_each_wait);
	tcase_add_test(tc, without_timers_now_is_when_it_was_asked_for_first);
	tcase_add_test(tc, time_does_not_pass_for_timers_of_a_suspended_loop);
	tcase_add_test(tc, the_clock_of_a_suspended_loop_stands_still_whoever_reads_it);
	tcase_add_test(tc, without_epoll_pwait2_a_timerfd_stands_in);
	tcase_add_test(tc, every_clock_wakes_the_loop);
}
