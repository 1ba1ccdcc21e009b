/* SPDX-License-Identifier: MIT */
/* clone3(2); the namespaces that it makes are in namespace.c. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <butter/namespace.h>

#include <linux/sched.h>

#include "child.h"
#include "test.h"

static struct clone_args as_fork(uint64_t flags)
{
	return (struct clone_args){.flags = flags, .exit_signal = SIGCHLD};
}

START_TEST(clone3_forks)
{
	struct clone_args args = as_fork(0);
	volatile int mine = 1;
	pid_t parent = getpid();
	pid_t pid = butter_clone3(&args, sizeof(args));
	if (pid == 0) {
		mine = 2;
		_exit((pid_t)syscall(SYS_getppid) != parent);
	}
	assert_ends_well(pid);
	ck_assert_int_eq(mine, 1);
	pid = butter_clone3(&args, CLONE_ARGS_SIZE_VER0);
	if (pid == 0)
		_exit(0);
	assert_ends_well(pid);
}
END_TEST

START_TEST(clone3_gives_a_pidfd)
{
	int fd = -1;
	siginfo_t info = {0};
	struct clone_args args = as_fork(CLONE_PIDFD);
	args.pidfd = (uintptr_t)&fd;
	pid_t pid = butter_clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(7);
	ck_assert_int_gt(pid, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(waitid((idtype_t)3 /* P_PIDFD */, (id_t)fd, &info, WEXITED), 0);
	ck_assert_int_eq(info.si_pid, pid);
	ck_assert_int_eq(info.si_status, 7);
	ck_assert_fails(butter_setns(fd, CLONE_NEWUTS), ESRCH);
	close(fd);
}
END_TEST

static void wanted_id(void *unused)
{
	pid_t wanted = 77, first = 1;
	struct clone_args args = as_fork(0);
	(void)unused;
	args.set_tid = (uintptr_t)&wanted;
	args.set_tid_size = 1;
	pid_t pid = butter_clone3(&args, sizeof(args));
	if (pid == 0)
		_exit((pid_t)syscall(SYS_getpid) != wanted);
	ck_assert_int_eq(pid, wanted);
	assert_ends_well(pid);
	args.set_tid = (uintptr_t)&first;
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EEXIST);
	args.set_tid_size = 0;
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EINVAL);
	args.set_tid_size = 100;
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EINVAL);
}

START_TEST(clone3_gives_the_child_the_id_that_is_wanted)
{
	in_namespaces(CLONE_NEWPID | CLONE_NEWUSER, wanted_id, NULL);
}
END_TEST

/* Behind libc's back: a sanitizer keeps handlers of its own. */
static int is_default(int signo)
{
	unsigned long action[16] = {1};
	return syscall(SYS_rt_sigaction, signo, NULL, action, (size_t)(_NSIG / 8)) == 0 && !action[0];
}

static void handler(int signo)
{
	(void)signo;
}

START_TEST(clone3_clears_signal_handlers_in_the_child_when_told)
{
	static const uint64_t flags[] = {0, CLONE_CLEAR_SIGHAND};
	signal(SIGUSR1, handler);
	for (int i = 0; i < 2; i++) {
		struct clone_args args = as_fork(flags[i]);
		pid_t pid = butter_clone3(&args, sizeof(args));
		if (pid == 0)
			_exit(is_default(SIGUSR1) != i);
		assert_ends_well(pid);
	}
	ck_assert(!is_default(SIGUSR1));
}
END_TEST

/* Into the cgroup that it is in already: what is tried is the way, and no cgroup is made. */
static void into_cgroup(void *dir)
{
	struct clone_args args = as_fork(CLONE_INTO_CGROUP);
	ck_assert_int_eq(mount("cgroup2", dir, "cgroup2", 0, NULL), 0);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	args.cgroup = (uint64_t)fd;
	pid_t pid = butter_clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(0);
	/* Another's, where root is the user namespace's only. */
	if (pid < 0)
		ck_assert_int_eq(errno, EACCES);
	else
		assert_ends_well(pid);
}

START_TEST(clone3_puts_the_child_into_a_cgroup)
{
	in_namespaces(CLONE_NEWNS | CLONE_NEWCGROUP, into_cgroup, (void *)scratch());
}
END_TEST

START_TEST(clone3_refuses_a_child_that_could_not_return)
{
	char stack[64];
	struct clone_args args = as_fork(CLONE_VM);
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EINVAL);
	args.flags = CLONE_VM | CLONE_VFORK;
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EINVAL);
	args.flags = 0;
	args.stack = (uintptr_t)stack;
	args.stack_size = sizeof(stack);
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EINVAL);
	ck_assert_fails(butter_clone3(&args, CLONE_ARGS_SIZE_VER0), EINVAL);
	args.stack = 0;
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EINVAL);
}
END_TEST

START_TEST(clone3_tells_the_kernels_errnos)
{
	struct clone_args args = as_fork(0);
	unsigned char large[256] = {0};
	memcpy(large, &args, sizeof(args));
	large[sizeof(large) - 1] = 1;
	struct clone_args *larger = (struct clone_args *)large;
	ck_assert_fails(butter_clone3(&args, 0), EINVAL);
	ck_assert_fails(butter_clone3(&args, CLONE_ARGS_SIZE_VER0 - 1), EINVAL);
	ck_assert_fails(butter_clone3((struct clone_args *)8, CLONE_ARGS_SIZE_VER0 - 1), EINVAL);
	ck_assert_fails(butter_clone3(NULL, sizeof(args)), EFAULT);
	ck_assert_fails(butter_clone3(larger, sizeof(large)), E2BIG);
	ck_assert_fails(butter_clone3(&args, (size_t)sysconf(_SC_PAGESIZE) + 1), E2BIG);
	args.exit_signal = 1000;
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EINVAL);
	static const uint64_t flags[] = {
		CLONE_SIGHAND,
		CLONE_THREAD,
		CLONE_SIGHAND | CLONE_CLEAR_SIGHAND,
		CLONE_NEWNS | CLONE_FS,
		CLONE_NEWUSER | CLONE_FS,
		CLONE_DETACHED,
		UINT64_C(1) << 63,
	};
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		args = as_fork(flags[i]);
		ck_assert_fails(butter_clone3(&args, sizeof(args)), EINVAL);
	}
	args = as_fork(CLONE_PIDFD);
	args.pidfd = 8;
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EFAULT);
	args = as_fork(CLONE_INTO_CGROUP);
	args.cgroup = 0x7fffffff;
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EBADF);
}
END_TEST

SUITE(sys_namespace_clone3)
{
	tcase_add_test(raw, clone3_forks);
	tcase_add_test(raw, clone3_gives_a_pidfd);
	tcase_add_test(raw, clone3_gives_the_child_the_id_that_is_wanted);
	tcase_add_test(raw, clone3_clears_signal_handlers_in_the_child_when_told);
	tcase_add_test(raw, clone3_puts_the_child_into_a_cgroup);
	tcase_add_test(raw, clone3_refuses_a_child_that_could_not_return);
	tcase_add_test(raw, clone3_tells_the_kernels_errnos);
}
