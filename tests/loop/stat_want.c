/* SPDX-License-Identifier: MIT */
/* A stat watcher that has to poll and has no memory for the timer, and an inotify that fails. */
#include <fcntl.h>
#include <stdio.h>

#include "fault.h"
#include "notes.h"

static struct butter_ev_stat file;
static struct butter_ev_pressure pressure;
static const char *path;
static uint32_t told;

static void on_stat(struct butter_loop *in, struct butter_ev_stat *w, uint32_t revents)
{
	(void)in, (void)w;
	told |= revents;
}

static void on_pressure(struct butter_loop *in, struct butter_ev_pressure *w, uint32_t revents)
{
	(void)in, (void)w, (void)revents;
}

static void open_file(void)
{
	path = path_in(scratch(), "file");
	touch(path);
	new_loop();
	butter_ev_stat_init(&file, on_stat, path, MILLISECOND);
}

static void start(void)
{
	ck_assert_int_eq(butter_ev_stat_start(loop, &file), 0);
	ck_assert_uint_eq(file.polled, 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_uint_eq(told, 0);
}

static void append(void)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

/* Stopped and told why; then it is started again and works. */
static void has_failed(int error)
{
	fault_clear();
	ck_assert_uint_eq(told, BUTTER_EV_STAT | BUTTER_EV_ERROR);
	ck_assert_int_eq(file.error, error);
	ck_assert(!butter_ev_is_active(&file));
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	told = 0;
	start();
	append();
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_uint_eq(told, BUTTER_EV_STAT);
	butter_ev_stat_stop(loop, &file);
}

START_TEST(a_path_that_leads_elsewhere_and_can_no_longer_be_watched_or_polled_is_an_error)
{
	open_file();
	start();
	ck_assert_int_eq(rename(path, path_in(scratch(), "away")), 0);
	touch(path);
	fault_error_from(FAULT_INOTIFY_ADD_WATCH, 1, ENOSPC);
	fault_error_from(FAULT_REALLOC, 1, ENOMEM);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	has_failed(ENOMEM);
	free_loop();
}
END_TEST

START_TEST(a_start_that_can_neither_watch_nor_poll_leaves_nothing)
{
	open_file();
	fault_error_from(FAULT_INOTIFY_ADD_WATCH, 1, ENOSPC);
	fault_error_from(FAULT_REALLOC, 1, ENOMEM);
	ck_assert_fails(butter_ev_stat_start(loop, &file), ENOMEM);
	ck_assert(!butter_ev_is_active(&file));
	fault_clear();
	start();
	free_loop();
}
END_TEST

/* Other watchers that are made of parts are none of its business. */
START_TEST(an_inotify_that_epoll_refuses_without_memory_to_poll_is_an_error)
{
	open_file();
	butter_ev_pressure_init(&pressure, on_pressure, "/proc/pressure/cpu", 2 * INT64_C(1000000000),
				2 * INT64_C(1000000000), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	int has_pressure = butter_ev_pressure_start(loop, &pressure) == 0; /* a kernel may have none */
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_int_eq(butter_ev_stat_start(loop, &file), 0);
	fault_error(FAULT_EPOLL_CTL, 1, ENOSPC);
	fault_error_from(FAULT_REALLOC, 1, ENOMEM);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	has_failed(ENOMEM);
	ck_assert_int_eq(butter_ev_is_active(&pressure), has_pressure);
	butter_ev_pressure_stop(loop, &pressure);
	free_loop();
}
END_TEST

START_TEST(an_inotify_that_cannot_be_read_has_everything_looked_at)
{
	open_file();
	start();
	append();
	fault_error(FAULT_READ, 1, EIO);
	errno = 4711;
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert(fault_happened(FAULT_READ));
	ck_assert_int_eq(errno, 4711);
	ck_assert_uint_eq(told, BUTTER_EV_STAT);
	butter_ev_stat_stop(loop, &file);
	free_loop();
}
END_TEST

SUITE(loop_stat_want)
{
	tcase_add_test(tc, a_path_that_leads_elsewhere_and_can_no_longer_be_watched_or_polled_is_an_error);
	tcase_add_test(tc, a_start_that_can_neither_watch_nor_poll_leaves_nothing);
	tcase_add_test(tc, an_inotify_that_epoll_refuses_without_memory_to_poll_is_an_error);
	tcase_add_test(tc, an_inotify_that_cannot_be_read_has_everything_looked_at);
}
