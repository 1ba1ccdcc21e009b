/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <linux/filter.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <butter/seccomp.h>

#include "child.h"
#include "test.h"
#include "trace.h"

/* struct seccomp_data begins with the number of the system call. */
#define LOAD_NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)

/* getppid(2) ends as the action says, all else is allowed. A filter is for ever: only in children. */
static int filter_getppid(unsigned flags, unsigned action)
{
	struct sock_filter code[] = {
		LOAD_NUMBER,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
	return butter_seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void no_new_privileges(void)
{
	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
}

static void refuse_getppid(void *unused)
{
	(void)unused;
	no_new_privileges();
	ck_assert_int_eq(filter_getppid(SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
					SECCOMP_RET_ERRNO | EXDEV),
			 0);
	ck_assert_fails(syscall(SYS_getppid), EXDEV);
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 2);
}

START_TEST(a_filter_answers_a_call_with_an_errno)
{
	in_child(refuse_getppid, NULL);
}
END_TEST

/*
 * The wait status of a child that runs fn, without a core file of its end. By a raw clone: after
 * fork(2) ThreadSanitizer has a thread in the child, which exit(2), unlike exit_group(2), leaves.
 */
static int status_of(void (*fn)(void))
{
	int status;
	pid_t pid = raw_fork(0);
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), 0);
		no_new_privileges();
		fn();
		_exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void killed_by_a_filter(void)
{
	ck_assert_int_eq(filter_getppid(0, SECCOMP_RET_KILL_PROCESS), 0);
	syscall(SYS_getppid);
}

START_TEST(kill_process_ends_the_process_by_SIGSYS)
{
	int status = status_of(killed_by_a_filter);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGSYS);
}
END_TEST

static void strict_and_exit(void)
{
	if (butter_seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL) == 0)
		syscall(SYS_exit, 7);
}

static void strict_and_getppid(void)
{
	if (butter_seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL) == 0)
		syscall(SYS_getppid);
}

START_TEST(strict_mode_leaves_exit_and_kills_at_all_else)
{
	int status = status_of(strict_and_exit);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	status = status_of(strict_and_getppid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

START_TEST(action_avail_knows_the_actions)
{
	static const uint32_t actions[] = {
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL,
		SECCOMP_RET_TRAP,         SECCOMP_RET_ERRNO,       SECCOMP_RET_USER_NOTIF,
		SECCOMP_RET_TRACE,        SECCOMP_RET_LOG,         SECCOMP_RET_ALLOW,
	};
	uint32_t action, unknown = 0x12340000;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		action = actions[i];
		ck_assert_uint_eq(action & SECCOMP_RET_DATA, 0);
		ck_assert_uint_eq(action & SECCOMP_RET_ACTION_FULL, action);
		ck_assert_uint_eq(action & SECCOMP_RET_ACTION, action & 0x7fffffff);
		ck_assert_int_eq(butter_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action), 0);
	}
	ck_assert_fails(butter_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &unknown), EOPNOTSUPP);
}
END_TEST

START_TEST(notif_sizes_are_those_of_the_kernels_structs)
{
	uint16_t sizes[3] = {0}; /* seccomp_notif, seccomp_notif_resp, seccomp_data */
	ck_assert_int_eq(butter_seccomp(SECCOMP_GET_NOTIF_SIZES, 0, sizes), 0);
	ck_assert_uint_ge(sizes[0], 80);
	ck_assert_uint_ge(sizes[1], 24);
	ck_assert_uint_ge(sizes[2], 64);
}
END_TEST

static void without_privilege(void *unused)
{
	(void)unused;
	become_nobody();
	ck_assert_fails(filter_getppid(0, SECCOMP_RET_ALLOW), EACCES);
	no_new_privileges();
	ck_assert_int_eq(filter_getppid(0, SECCOMP_RET_ALLOW), 0);
}

START_TEST(a_filter_without_privilege_or_no_new_privs_is_EACCES)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		SKIP("no_new_privs is set already");
	in_child(without_privilege, NULL);
}
END_TEST

static void bad_arguments(void *unused)
{
	(void)unused;
	struct sock_filter code[] = {LOAD_NUMBER};
	struct sock_fprog endless = {.len = 1, .filter = code}, empty = {.len = 0, .filter = code},
			  nowhere = {.len = 1, .filter = (struct sock_filter *)8};
	uint32_t action = SECCOMP_RET_ALLOW;
	no_new_privileges();
	ck_assert_fails(butter_seccomp(99, 0, NULL), EINVAL);
	ck_assert_fails(butter_seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL);
	ck_assert_fails(butter_seccomp(SECCOMP_SET_MODE_STRICT, 0, &endless), EINVAL);
	ck_assert_fails(butter_seccomp(SECCOMP_SET_MODE_FILTER, 0, &endless), EINVAL);
	ck_assert_fails(butter_seccomp(SECCOMP_SET_MODE_FILTER, 0, &empty), EINVAL);
	ck_assert_fails(filter_getppid(1U << 31, SECCOMP_RET_ALLOW), EINVAL);
	ck_assert_fails(filter_getppid(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, SECCOMP_RET_ALLOW), EINVAL);
	ck_assert_fails(filter_getppid(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC,
				       SECCOMP_RET_ALLOW),
			EINVAL);
	ck_assert_fails(butter_seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &action), EINVAL);
	ck_assert_fails(butter_seccomp(SECCOMP_GET_NOTIF_SIZES, 1, &action), EINVAL);
	ck_assert_fails(butter_seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL), EFAULT);
	ck_assert_fails(butter_seccomp(SECCOMP_SET_MODE_FILTER, 0, (void *)8), EFAULT);
	ck_assert_fails(butter_seccomp(SECCOMP_SET_MODE_FILTER, 0, &nowhere), EFAULT);
	ck_assert_fails(butter_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, NULL), EFAULT);
	ck_assert_fails(butter_seccomp(SECCOMP_GET_NOTIF_SIZES, 0, (void *)8), EFAULT);
}

START_TEST(bad_arguments_are_EINVAL_and_EFAULT)
{
	in_child(bad_arguments, NULL);
}
END_TEST

/* A process has filters of 32768 instructions in all. */
static void many_long_filters(void *unused)
{
	static struct sock_filter code[4096];
	struct sock_fprog program = {.len = 4096, .filter = code};
	unsigned filters = 0;
	(void)unused;
	no_new_privileges();
	for (size_t i = 0; i < 4096; i++)
		code[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	while (filters < 9 && butter_seccomp(SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		filters++;
	ck_assert_uint_ge(filters, 1);
	ck_assert_fails(butter_seccomp(SECCOMP_SET_MODE_FILTER, 0, &program), ENOMEM);
}

START_TEST(filters_that_are_too_long_together_are_ENOMEM)
{
	in_child(many_long_filters, NULL);
}
END_TEST

/* A thread with a filter of its own cannot take the process's. */
struct other {
	pthread_barrier_t filtered, done;
	pid_t tid;
};

static void *filter_this_thread(void *other)
{
	struct other *o = other;
	o->tid = (pid_t)syscall(SYS_gettid);
	ck_assert_int_eq(filter_getppid(0, SECCOMP_RET_ALLOW), 0);
	pthread_barrier_wait(&o->filtered);
	pthread_barrier_wait(&o->done);
	return NULL;
}

static void synchronise(void *unused)
{
	struct other other;
	pthread_t thread;
	(void)unused;
	no_new_privileges();
	ck_assert_int_eq(filter_getppid(SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_RET_ALLOW), 0);
	pthread_barrier_init(&other.filtered, NULL, 2);
	pthread_barrier_init(&other.done, NULL, 2);
	ck_assert_int_eq(pthread_create(&thread, NULL, filter_this_thread, &other), 0);
	pthread_barrier_wait(&other.filtered);
	ck_assert_int_eq(filter_getppid(SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_RET_ALLOW), other.tid);
	ck_assert_fails(filter_getppid(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
				       SECCOMP_RET_ALLOW),
			ESRCH);
	pthread_barrier_wait(&other.done);
	pthread_join(thread, NULL);
}

START_TEST(tsync_returns_the_thread_that_cannot_be_synchronised)
{
	in_child(synchronise, NULL);
}
END_TEST

static void listen_for_getppid(void *unused)
{
	(void)unused;
	no_new_privileges();
	int fd = filter_getppid(SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_RET_USER_NOTIF);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(poll_in(fd, 0), 0);
	ck_assert_fails(filter_getppid(SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_RET_USER_NOTIF), EBUSY);
	close(fd);
	ck_assert_fails(syscall(SYS_getppid), ENOSYS);
}

START_TEST(new_listener_returns_an_fd_and_a_second_one_is_EBUSY)
{
	in_child(listen_for_getppid, NULL);
}
END_TEST

static void all_calls(void *unused)
{
	uint32_t action = SECCOMP_RET_ALLOW;
	(void)unused;
	butter_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action);
	butter_seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL);
}

START_TEST(each_call_is_one_system_call)
{
	ck_assert_system_calls(all_calls, NULL, SYS_seccomp, SYS_seccomp);
}
END_TEST

/* All raw: valgrind runs the program's calls from its own code, which the filters would hit. */
SUITE(sys_seccomp)
{
	(void)tc;
	tcase_add_test(raw, a_filter_answers_a_call_with_an_errno);
	tcase_add_test(raw, kill_process_ends_the_process_by_SIGSYS);
	tcase_add_test(raw, strict_mode_leaves_exit_and_kills_at_all_else);
	tcase_add_test(raw, action_avail_knows_the_actions);
	tcase_add_test(raw, notif_sizes_are_those_of_the_kernels_structs);
	tcase_add_test(raw, a_filter_without_privilege_or_no_new_privs_is_EACCES);
	tcase_add_test(raw, bad_arguments_are_EINVAL_and_EFAULT);
	tcase_add_test(raw, filters_that_are_too_long_together_are_ENOMEM);
	tcase_add_test(raw, tsync_returns_the_thread_that_cannot_be_synchronised);
	tcase_add_test(raw, new_listener_returns_an_fd_and_a_second_one_is_EBUSY);
	tcase_add_test(raw, each_call_is_one_system_call);
}
