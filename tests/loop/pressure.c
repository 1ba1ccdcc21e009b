/* SPDX-License-Identifier: MIT */
/*
 * The pressure is real: two processes on one processor, one of which always waits. How long the kernel
 * takes to tell of it is its own affair, two windows for an ordinary user.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "child.h"
#include "notes.h"

#define CPU "/proc/pressure/cpu"
#define SECOND INT64_C(1000000000)

static struct butter_ev_pressure pressure;
static struct butter_ev_timer deadline;
static uint32_t told;

static void note_pressure(struct butter_loop *in, struct butter_ev_pressure *w, uint32_t revents)
{
	ck_assert_ptr_eq(in, loop);
	ck_assert_ptr_eq(w, &pressure);
	told = revents;
	note(1);
}

static void too_late(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)in, (void)w, (void)revents;
	ck_abort_msg("no pressure was told");
}

static int start(const char *path, int64_t stall, int64_t window, uint32_t flags)
{
	butter_ev_pressure_init(&pressure, note_pressure, path, stall, window, flags);
	return butter_ev_pressure_start(loop, &pressure);
}

/* What this kernel says to a trigger that is in order; 0: it takes it. */
static int refusal(void)
{
	char text[] = "some 200000 2000000";
	int fd = open(CPU, O_RDWR | O_NONBLOCK | O_CLOEXEC), error = 0;
	if (fd < 0 || write(fd, text, sizeof(text)) < 0)
		error = errno;
	if (fd >= 0)
		close(fd);
	return error;
}

/* Starts it, or demands that it is refused as the kernel does, which ends the test. */
static int starts(const char *path)
{
	int error = refusal();
	if (!error) {
		ck_assert_int_eq(start(path, SECOND / 5, 2 * SECOND, 0), 0);
		return 1;
	}
	ck_assert(error == ENOENT || error == EACCES || error == EPERM || error == EOPNOTSUPP);
	ck_assert_fails(start(path, SECOND / 5, 2 * SECOND, 0), error);
	ck_assert(!butter_ev_is_active(&pressure));
	return 0;
}

static void run_until_told(void)
{
	butter_ev_timer_init(&deadline, too_late, 50 * SECOND, 0);
	ck_assert_int_eq(butter_ev_timer_start(loop, &deadline), 0);
	while (!note_count)
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	butter_ev_timer_stop(loop, &deadline);
}

static pid_t spin(void)
{
	cpu_set_t allowed, one;
	pid_t pid = check_fork();
	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	sched_getaffinity(0, sizeof(allowed), &allowed);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &allowed))
			CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (;;)
		;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(a_stall_is_told)
{
	new_loop();
	if (starts(CPU)) {
		pid_t a = spin(), b = spin();
		run_until_told();
		ck_assert_noted(1);
		ck_assert_uint_eq(told, BUTTER_EV_PRESSURE);
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
		ck_assert_noted_nothing(); /* once for each window */
		end(a);
		end(b);
		ck_assert(butter_ev_is_active(&pressure));
		butter_ev_pressure_stop(loop, &pressure);
	}
	free_loop();
}
END_TEST

static void run_in_child(void *arg)
{
	(void)arg;
	ck_assert_int_eq(butter_loop_fork(loop), 0);
	ck_assert(butter_ev_is_active(&pressure));
	run_until_told();
	free_loop();
}

/* Of two who poll one trigger the kernel tells one. */
START_TEST(a_forked_child_has_a_trigger_of_its_own)
{
	new_loop();
	if (starts(CPU)) {
		pid_t a = spin(), b = spin(), child = check_fork();
		if (child == 0) {
			run_in_child(NULL);
			_exit(0);
		}
		run_until_told();
		assert_ends_well(child);
		end(a);
		end(b);
	}
	free_loop();
}
END_TEST

START_TEST(what_the_kernel_does_not_take_is_its_errno)
{
	static const struct {
		int64_t stall, window;
		uint32_t flags;
	} wrong[] = {
		{0, 2 * SECOND, 0},                                 /* no stall */
		{3 * SECOND, 2 * SECOND, 0},                        /* longer than the window */
		{1000, 1000000, 0},                                 /* a window of 1 ms */
		{SECOND, 3600 * SECOND, 0},                         /* an hour's */
		{-SECOND, 2 * SECOND, 0},                           /* negative */
		{SECOND, -2 * SECOND, 0},                           /* the same */
		{INT64_MAX, INT64_MAX, 0},                          /* more than the kernel reads */
		{SECOND, (2000000 + (INT64_C(1) << 32)) * 1000, 0}, /* what the kernel would take for 2 s */
		{SECOND / 5, 2 * SECOND, 2},                        /* no such flag */
	};
	new_loop();
	int error = refusal();
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		int is_ours = i >= 4;
		ck_assert_fails(start(CPU, wrong[i].stall, wrong[i].window, wrong[i].flags),
				error && !is_ours ? error : EINVAL);
		ck_assert(!butter_ev_is_active(&pressure));
	}
	ck_assert_fails(start(NULL, SECOND / 5, 2 * SECOND, 0), EINVAL);
	ck_assert_fails(start("/proc/pressure/none", SECOND / 5, 2 * SECOND, 0), ENOENT);
	free_loop();
}
END_TEST

START_TEST(a_file_that_is_no_pressure_file_is_not_written_to)
{
	char text[4] = "";
	const char *path = path_in(scratch(), "file");
	new_loop();
	touch(path);
	write_file(path, "abc");
	ck_assert_fails(start(path, SECOND / 5, 2 * SECOND, 0), EINVAL);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(read(fd, text, sizeof(text)), 3);
	ck_assert_str_eq(text, "abc");
	close(fd);
	free_loop();
}
END_TEST

START_TEST(some_and_full_of_each_kind)
{
	static const char *const paths[] = {CPU, "/proc/pressure/memory", "/proc/pressure/io"};
	new_loop();
	int error = refusal();
	for (int i = 0; i < 6; i++) {
		int n = start(paths[i / 2], SECOND / 5, 2 * SECOND, i % 2 ? BUTTER_EV_PRESSURE_FULL : 0);
		if (error)
			ck_assert(n < 0);
		else
			ck_assert_int_eq(n, 0);
		ck_assert_int_eq(butter_loop_verify(loop), 0);
		butter_ev_pressure_stop(loop, &pressure);
	}
	free_loop();
}
END_TEST

START_TEST(set_and_kind)
{
	new_loop();
	if (starts(CPU)) {
		ck_assert_fails(butter_ev_pressure_set(&pressure, CPU, 1, 2, 3), EBUSY);
		ck_assert_int_eq(butter_ev_pressure_start(loop, &pressure), 0);
		butter_ev_pressure_stop(loop, &pressure);
	}
	ck_assert_uint_eq(butter_ev_kind(&pressure), BUTTER_EV_PRESSURE);
	ck_assert_int_eq(butter_ev_pressure_set(&pressure, "/none", 1, 2, 0), 0);
	ck_assert_fails(butter_ev_pressure_start(loop, &pressure), ENOENT);
	free_loop();
}
END_TEST

/* A cgroup of this test's own, where one may be made. */
static int make_cgroup(char *path, size_t size)
{
	static const char *const roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	for (int i = 0; i < 2; i++) {
		snprintf(path, size, "%s/cgroup.controllers", roots[i]);
		if (access(path, F_OK) < 0)
			continue;
		snprintf(path, size, "%s/butter-test-%d", roots[i], (int)getpid());
		if (mkdir(path, 0700) == 0)
			return 1;
		ck_assert(errno == EACCES || errno == EROFS);
	}
	return 0;
}

START_TEST(a_cgroup_that_is_removed_is_ENODEV)
{
	char path[256], file[512];
	new_loop();
	if (make_cgroup(path, sizeof(path))) {
		snprintf(file, sizeof(file), "%s/cpu.pressure", path);
		if (starts(file)) {
			butter_loop_run(loop, BUTTER_RUN_NOWAIT);
			ck_assert_noted_nothing();
		}
		ck_assert_int_eq(rmdir(path), 0);
		if (butter_ev_is_active(&pressure)) {
			run_until_told();
			ck_assert_noted(1);
			ck_assert_uint_eq(told, BUTTER_EV_PRESSURE | BUTTER_EV_ERROR);
			ck_assert_int_eq(pressure.error, ENODEV);
			ck_assert(!butter_ev_is_active(&pressure));
		}
	} else {
		ck_assert_int_ne(geteuid(), 0);
	}
	free_loop();
}
END_TEST

static void fork_after_removal(void *path)
{
	(void)path;
	ck_assert_int_eq(butter_loop_fork(loop), 0);
	ck_assert(!butter_ev_is_active(&pressure));
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(1);
	ck_assert_uint_eq(told, BUTTER_EV_PRESSURE | BUTTER_EV_ERROR);
	ck_assert_int_eq(pressure.error, ENOENT);
	free_loop();
}

START_TEST(a_child_that_cannot_have_a_trigger_is_told)
{
	char path[256], file[512];
	new_loop();
	if (make_cgroup(path, sizeof(path))) {
		snprintf(file, sizeof(file), "%s/cpu.pressure", path);
		int started = starts(file);
		ck_assert_int_eq(rmdir(path), 0);
		if (started)
			in_child(fork_after_removal, path);
	}
	free_loop();
}
END_TEST

SUITE(loop_pressure)
{
	tcase_add_test(tc, a_stall_is_told);
	tcase_add_test(tc, a_forked_child_has_a_trigger_of_its_own);
	tcase_add_test(tc, what_the_kernel_does_not_take_is_its_errno);
	tcase_add_test(tc, a_file_that_is_no_pressure_file_is_not_written_to);
	tcase_add_test(tc, some_and_full_of_each_kind);
	tcase_add_test(tc, set_and_kind);
	tcase_add_test(tc, a_cgroup_that_is_removed_is_ENODEV);
	tcase_add_test(tc, a_child_that_cannot_have_a_trigger_is_told);
}
