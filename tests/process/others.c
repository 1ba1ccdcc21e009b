/* SPDX-License-Identifier: MIT */
/* Processes that others reap, that are no children, or are not any more what their number says. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <butter/namespace.h>
#include <linux/sched.h>

#include "child.h"
#include "fault.h"
#include "run.h"

enum { POISON = 0xa5 };

static struct butter_process_event ev;

/* What the kernel has kept of how a reaped process ended. */
static void assert_end_is_known(int code, int status)
{
	if (linux_is_at_least(6, 15)) {
		ck_assert_int_eq(ev.code, code);
		ck_assert_int_eq(ev.status, status);
	} else {
		ck_assert_int_eq(ev.code, 0);
		ck_assert_int_eq(ev.status, 0);
	}
	ck_assert_int_eq(ev.utime, -1);
	ck_assert_int_eq(ev.stime, -1);
	ck_assert_int_eq(ev.maxrss, -1);
}

START_TEST(a_child_that_others_have_reaped_is_lost_and_its_end_is_known)
{
	struct butter_process *x = exiting("77");
	pid_t pid = butter_process_pid(x);
	ck_assert_int_eq(waitpid(-1, NULL, 0), pid);
	errno = 0;
	ck_assert_int_eq(butter_process_read_event(x, &ev), 1);
	ck_assert_int_eq(errno, 0);
	ck_assert_int_eq(ev.pid, pid);
	ck_assert_uint_eq(ev.uid, (uint32_t)-1);
	ck_assert_uint_eq(ev.fate, BUTTER_PROCESS_LOST);
	assert_end_is_known(CLD_EXITED, 77);
	ck_assert_fails(butter_process_read_event(x, &ev), ENODATA);
	butter_process_close(x);
}
END_TEST

/* The kernel reaps them by itself, a moment after the fd has become readable. */
START_TEST(children_that_nobody_waits_for_are_lost_and_their_end_is_known)
{
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 50; i++) {
		struct butter_process *x = i % 2 ? exiting("3") : sleeper();
		if (i % 2 == 0)
			ck_assert_int_eq(butter_process_signal(x, SIGKILL), 0);
		ck_assert_int_eq(butter_process_wait_event(x, &ev, -1), 1);
		ck_assert_uint_eq(ev.fate, BUTTER_PROCESS_LOST);
		assert_end_is_known(i % 2 ? CLD_EXITED : CLD_KILLED, i % 2 ? 3 : SIGKILL);
		butter_process_close(x);
	}
	ck_assert_null_errno(butter_spawn(SPAWN("/none", ARGV("x"))), ENOENT);
	assert_no_child();
}
END_TEST

/* That moment, held: waitid(2) says ECHILD already, and there is a zombie still. */
START_TEST(a_child_that_is_just_being_reaped_is_nothing_yet)
{
	struct butter_process *x = exiting("4");
	ck_assert_int_eq(poll_in(butter_process_fd(x), 10000), POLLIN);
	if (!linux_is_at_least(6, 13))
		SKIP("there is no PIDFD_GET_INFO");
	memset(&ev, POISON, sizeof(ev));
	fault_error(FAULT_WAITID, 1, ECHILD);
	errno = 0;
	ck_assert_int_eq(butter_process_read_event(x, &ev), 0);
	ck_assert_int_eq(errno, 0);
	ck_assert_int_eq((unsigned char)ev.code, POISON);
	ck_assert_int_eq(butter_process_read_event(x, &ev), 1);
	ck_assert_uint_eq(ev.fate, BUTTER_PROCESS_REAPED);
	butter_process_close(x);
}
END_TEST

/* The kernel looks for the end first and for the process afterwards, which has gone meanwhile. */
START_TEST(a_child_that_is_reaped_while_its_end_is_asked_for_is_told_with_it)
{
	struct butter_process *x = exiting("9");
	ck_assert_int_eq(waitpid(butter_process_pid(x), NULL, 0), butter_process_pid(x));
	fault_error(FAULT_IOCTL, 1, ESRCH);
	errno = 0;
	ck_assert_int_eq(butter_process_read_event(x, &ev), 1);
	ck_assert_int_eq(errno, 0);
	ck_assert_uint_eq(ev.fate, BUTTER_PROCESS_LOST);
	assert_end_is_known(CLD_EXITED, 9);
	butter_process_close(x);
}
END_TEST

START_TEST(a_kernel_that_tells_nothing_leaves_the_end_unknown)
{
	struct butter_process *x = exiting("8");
	ck_assert_int_eq(waitpid(butter_process_pid(x), NULL, 0), butter_process_pid(x));
	fault_error(FAULT_IOCTL, 1, ENOTTY);
	errno = 0;
	ck_assert_int_eq(butter_process_read_event(x, &ev), 1);
	ck_assert_int_eq(errno, 0);
	ck_assert_int_eq(ev.code, 0);
	ck_assert_uint_eq(ev.uid, (uint32_t)-1);
	ck_assert_uint_eq(ev.fate, BUTTER_PROCESS_LOST);
	fault_error(FAULT_IOCTL, 1, ENOTTY);
	x = butter_process_from_fd(butter_process_release(x));
	ck_assert_int_eq(butter_process_pid(x), 0);
	butter_process_close(x);
}
END_TEST

START_TEST(what_waitid_and_poll_fail_with_is_told)
{
	struct butter_process *x = exiting("0");
	ck_assert_int_eq(poll_in(butter_process_fd(x), 10000), POLLIN);
	fault_error(FAULT_WAITID, 1, EINVAL);
	ck_assert_fails(butter_process_read_event(x, &ev), EINVAL);
	fault_error(FAULT_WAITID, 1, ECHILD);
	fault_error(FAULT_PPOLL, 1, ENOMEM);
	ck_assert_fails(butter_process_read_event(x, &ev), ENOMEM);
	fault_clear();
	end_of(x);
	x = butter_process_open(getpid(), 0);
	int copy = dup(butter_process_fd(x));
	close(butter_process_fd(x));
	ck_assert_fails(butter_process_read_event(x, &ev), EBADF);
	fault_error(FAULT_WAITID, 1, ECHILD);
	ck_assert_fails(butter_process_read_event(x, &ev), EBADF);
	butter_process_close(x);
	close(copy);
}
END_TEST

/* A process between that makes one below it, and tells its number: a pipe holds each of them. */
struct family {
	pid_t between, below;
	int hold_between, hold_below;
};

static void wait_for_end(int fd)
{
	char byte;
	while (read(fd, &byte, 1) > 0)
		continue;
}

static void be_between(int told, int hold_between[2], int hold_below[2])
{
	int status = 0;
	close(hold_between[1]);
	close(hold_below[1]);
	pid_t below = fork();
	if (below == 0) {
		close(hold_between[0]);
		wait_for_end(hold_below[0]);
		_exit(42);
	}
	if (write(told, &below, sizeof(below)) != sizeof(below))
		_exit(1);
	close(hold_below[0]);
	wait_for_end(hold_between[0]);
	waitpid(below, &status, 0);
	_exit(WEXITSTATUS(status) != 42);
}

static struct family make_family(void)
{
	int told[2], between[2], below[2];
	ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(between, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(below, O_CLOEXEC), 0);
	struct family f = {.between = check_fork(), .hold_between = between[1], .hold_below = below[1]};
	ck_assert_int_ge(f.between, 0);
	if (f.between == 0)
		be_between(told[1], between, below);
	ck_assert_int_eq(read(told[0], &f.below, sizeof(f.below)), sizeof(f.below));
	close(told[0]);
	close(told[1]);
	close(between[0]);
	close(below[0]);
	return f;
}

/* waitid(2) says ECHILD at once for a process that runs. */
START_TEST(a_process_that_is_no_child_is_nothing_while_it_runs)
{
	struct family f = make_family();
	struct butter_process *x = butter_process_open(f.below, 0);
	errno = 0;
	ck_assert_int_eq(butter_process_read_event(x, &ev), 0);
	ck_assert_int_eq(butter_process_wait_event(x, &ev, 5000000), 0);
	ck_assert_int_eq(errno, 0);
	close(f.hold_below);
	ck_assert_int_eq(butter_process_wait_event(x, &ev, -1), 1); /* a zombie of somebody else's */
	ck_assert_int_eq(ev.pid, f.below);
	ck_assert_uint_eq(ev.fate, BUTTER_PROCESS_FOREIGN);
	ck_assert_int_eq(ev.code, 0);
	if (linux_is_at_least(6, 13))
		ck_assert_uint_eq(ev.uid, getuid());
	ck_assert_fails(butter_process_read_event(x, &ev), ENODATA);
	close(f.hold_between);
	ck_assert_int_eq(waitpid(f.between, NULL, 0), f.between);
	butter_process_close(x);
}
END_TEST

START_TEST(the_end_of_no_child_is_known_once_its_parent_has_reaped_it)
{
	struct family f = make_family();
	struct butter_process_info info;
	int status;
	struct butter_process *x = butter_process_open(f.below, 0);
	close(f.hold_below);
	close(f.hold_between);
	ck_assert_int_eq(waitpid(f.between, &status, 0), f.between);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(butter_process_read_event(x, &ev), 1);
	ck_assert_uint_eq(ev.fate, BUTTER_PROCESS_FOREIGN);
	assert_end_is_known(CLD_EXITED, 42);
	if (linux_is_at_least(6, 15)) {
		ck_assert_int_eq(butter_process_info(x, &info), 0);
		ck_assert_int_eq(info.status, 42);
	}
	butter_process_close(x);
}
END_TEST

/* Its parent is gone and it is given to this process, which is then the one to reap it. */
START_TEST(a_process_that_becomes_a_child_is_reaped)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	struct family f = make_family();
	struct butter_process *x = butter_process_open(f.below, 0);
	ck_assert_int_eq(butter_process_read_event(x, &ev), 0);
	ck_assert_int_eq(kill(f.between, SIGKILL), 0);
	ck_assert_int_eq(waitpid(f.between, NULL, 0), f.between);
	close(f.hold_below);
	ck_assert_int_eq(butter_process_wait_event(x, &ev, -1), 1);
	ck_assert_uint_eq(ev.fate, BUTTER_PROCESS_REAPED);
	ck_assert_int_eq(ev.status, 42);
	close(f.hold_between);
	butter_process_close(x);
	assert_no_child();
}
END_TEST

/* Which sends no SIGCHLD, and is invisible to waitid(2) without __WALL. */
START_TEST(a_child_without_a_signal_is_reaped)
{
	int pidfd = -1;
	struct clone_args args = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd};
	pid_t pid = butter_clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(6);
	struct butter_process *x = butter_process_from_fd(pidfd);
	ck_assert_int_eq(butter_process_wait_event(x, &ev, -1), 1);
	ck_assert_uint_eq(ev.fate, BUTTER_PROCESS_REAPED);
	ck_assert_int_eq(ev.pid, pid);
	ck_assert_int_eq(ev.status, 6);
	butter_process_close(x);
}
END_TEST

static pthread_barrier_t barrier;

static void *tell_and_wait(void *tid)
{
	*(pid_t *)tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

START_TEST(the_end_of_a_thread_is_told_and_nothing_is_reaped)
{
	pthread_t thread;
	pid_t tid = 0;
	pthread_barrier_init(&barrier, NULL, 2);
	ck_assert_int_eq(pthread_create(&thread, NULL, tell_and_wait, &tid), 0);
	pthread_barrier_wait(&barrier);
	struct butter_process *x = butter_process_open(tid, PIDFD_THREAD);
	if (!linux_is_at_least(6, 9)) {
		ck_assert_ptr_null(x);
	} else {
		x = butter_process_from_fd(butter_process_release(x));
		ck_assert_int_eq(butter_process_read_event(x, &ev), 0);
		ck_assert_int_eq(butter_process_signal(x, 0), 0);
	}
	pthread_barrier_wait(&barrier);
	if (x) {
		ck_assert_int_eq(butter_process_wait_event(x, &ev, -1), 1);
		ck_assert_uint_eq(ev.fate, BUTTER_PROCESS_FOREIGN);
		ck_assert_int_eq(ev.pid, tid);
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	butter_process_close(x);
}
END_TEST

/* A child's first thread: whoever asks about the thread does not take the child from its owner. */
START_TEST(a_threads_object_leaves_the_child_to_be_reaped)
{
	struct butter_process *x = exiting("2");
	struct butter_process *thread = butter_process_open(butter_process_pid(x), PIDFD_THREAD);
	if (!thread)
		ck_assert(!linux_is_at_least(6, 9));
	else
		ck_assert_int_eq(butter_process_wait_event(thread, &ev, -1), 1);
	ck_assert_int_eq(end_of(x).status, 2);
	butter_process_close(thread);
}
END_TEST

static pid_t clone_as(pid_t wanted)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	args.set_tid = (uintptr_t)&wanted;
	args.set_tid_size = 1;
	pid_t pid = butter_clone3(&args, sizeof(args));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static void reuse(void *unused)
{
	(void)unused;
	struct butter_process *x = exiting("11");
	pid_t pid = butter_process_pid(x);
	struct butter_process *other = butter_process_open(pid, 0);
	ck_assert_int_eq(butter_process_wait_event(x, &ev, -1), 1);
	ck_assert_int_eq(clone_as(pid), pid); /* another process of that number */
	for (int i = 0; i < 2; i++) {
		ck_assert_fails(butter_process_signal(i ? x : other, SIGKILL), ESRCH);
		ck_assert_int_eq(butter_process_pid(i ? x : other), pid);
	}
	ck_assert_int_eq(butter_process_read_event(other, &ev), 1);
	ck_assert_int_ne(ev.fate, BUTTER_PROCESS_REAPED);
	assert_end_is_known(CLD_EXITED, 11);
	ck_assert_fails(butter_process_read_event(x, &ev), ENODATA);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0); /* which is alive */
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	butter_process_close(other);
	butter_process_close(x);
}

START_TEST(a_number_that_is_used_again_is_another_process)
{
	in_namespaces(CLONE_NEWPID | CLONE_NEWUSER, reuse, NULL);
}
END_TEST

/* valgrind 3.19 knows neither pidfd_open(2) nor CLONE_VM with a stack of its own. */
SUITE(process_others)
{
	(void)tc;
	tcase_add_test(raw, a_child_that_others_have_reaped_is_lost_and_its_end_is_known);
	tcase_add_test(raw, children_that_nobody_waits_for_are_lost_and_their_end_is_known);
	tcase_add_test(raw, a_child_that_is_just_being_reaped_is_nothing_yet);
	tcase_add_test(raw, a_child_that_is_reaped_while_its_end_is_asked_for_is_told_with_it);
	tcase_add_test(raw, a_kernel_that_tells_nothing_leaves_the_end_unknown);
	tcase_add_test(raw, what_waitid_and_poll_fail_with_is_told);
	tcase_add_test(raw, a_process_that_is_no_child_is_nothing_while_it_runs);
	tcase_add_test(raw, the_end_of_no_child_is_known_once_its_parent_has_reaped_it);
	tcase_add_test(raw, a_process_that_becomes_a_child_is_reaped);
	tcase_add_test(raw, a_child_without_a_signal_is_reaped);
	tcase_add_test(raw, the_end_of_a_thread_is_told_and_nothing_is_reaped);
	tcase_add_test(raw, a_threads_object_leaves_the_child_to_be_reaped);
	tcase_add_test(raw, a_number_that_is_used_again_is_another_process);
}
