/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <butter/namespace.h>

#include <linux/sched.h>

#include "child.h"
#include "test.h"
#include "trace.h"

static const struct kind {
	const char *name, *changed; /* in /proc/self/ns: the process's own, and what unshare(2) changes */
	unsigned flag;
} kinds[] = {
	{"mnt", "mnt", CLONE_NEWNS},
	{"uts", "uts", CLONE_NEWUTS},
	{"ipc", "ipc", CLONE_NEWIPC},
	{"net", "net", CLONE_NEWNET},
	{"cgroup", "cgroup", CLONE_NEWCGROUP},
	{"pid", "pid_for_children", CLONE_NEWPID},
	{"time", "time_for_children", CLONE_NEWTIME},
	{"user", "user", CLONE_NEWUSER},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* What a namespace is known by; nothing for pid_for_children until there is a child. */
struct id {
	char text[64];
};

static struct id id_of(const char *name)
{
	struct id id = {0};
	if (readlink(path_in("/proc/self/ns", name), id.text, sizeof(id.text) - 1) < 0)
		ck_assert_str_eq(name, "pid_for_children");
	return id;
}

static int open_namespace(const char *name)
{
	int fd = open(path_in("/proc/self/ns", name), O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void unshare_kind(void *kind)
{
	const struct kind *k = kind;
	struct id before = id_of(k->changed);
	ck_assert_int_eq(butter_unshare((int)k->flag), 0);
	ck_assert_str_ne(id_of(k->changed).text, before.text);
}

START_TEST(unshare_gives_a_namespace_of_its_own)
{
	in_namespaces(0, unshare_kind, (void *)&kinds[_i]);
}
END_TEST

static void there_and_back(void *kind)
{
	const struct kind *k = kind;
	if (k->flag == CLONE_NEWTIME)
		ck_assert_int_eq(butter_unshare(CLONE_NEWTIME), 0);
	int fd = open_namespace(k->changed);
	struct id before = id_of(k->changed);
	ck_assert_int_eq(butter_unshare((int)k->flag), 0);
	ck_assert_str_ne(id_of(k->changed).text, before.text);
	ck_assert_int_eq(butter_setns(fd, (int)k->flag), 0);
	ck_assert_str_eq(id_of(k->changed).text, before.text);
	ck_assert_int_eq(butter_setns(fd, 0), 0);
	close(fd);
}

/* All but the last, the user namespace: there is no way back to that. clone(2) makes none for time. */
START_TEST(setns_goes_back)
{
	in_namespaces(kinds[_i].flag & ~(unsigned long)CLONE_NEWTIME, there_and_back, (void *)&kinds[_i]);
}
END_TEST

static void *wait_for_byte(void *fd)
{
	char byte;
	return read(*(int *)fd, &byte, 1) == 1 ? NULL : fd;
}

START_TEST(unshare_refuses_a_user_namespace_to_a_process_with_threads)
{
	int fds[2];
	pthread_t thread;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_byte, &fds[0]), 0);
	ck_assert_fails(butter_unshare(CLONE_NEWUSER), EINVAL);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static struct clone_args as_fork(uint64_t flags)
{
	return (struct clone_args){.flags = flags, .exit_signal = SIGCHLD};
}

/* The child ends with 0. */
static void reap(pid_t pid)
{
	int status;
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
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
	reap(pid);
	ck_assert_int_eq(mine, 1);
	pid = butter_clone3(&args, CLONE_ARGS_SIZE_VER0);
	if (pid == 0)
		_exit(0);
	reap(pid);
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

static void clone_kind(void *kind)
{
	const struct kind *k = kind;
	struct id before = id_of(k->name);
	struct clone_args args = as_fork(k->flag);
	pid_t pid = butter_clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(strcmp(id_of(k->name).text, before.text) == 0);
	reap(pid);
}

START_TEST(clone3_gives_the_child_a_namespace_of_its_own)
{
	in_namespaces(0, clone_kind, (void *)&kinds[_i]);
}
END_TEST

/* By the pidfd of a child that waits, all of its namespaces at once. */
static void follow_child(void *unused)
{
	int fd = -1, fds[2];
	char byte;
	struct clone_args args = as_fork(CLONE_PIDFD | CLONE_NEWUTS | CLONE_NEWIPC);
	struct id uts = id_of("uts"), ipc = id_of("ipc");
	(void)unused;
	ck_assert_int_eq(pipe(fds), 0);
	args.pidfd = (uintptr_t)&fd;
	pid_t pid = butter_clone3(&args, sizeof(args));
	if (pid == 0) {
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) != 0);
	}
	ck_assert_int_eq(butter_setns(fd, CLONE_NEWUTS | CLONE_NEWIPC), 0);
	ck_assert_str_ne(id_of("uts").text, uts.text);
	ck_assert_str_ne(id_of("ipc").text, ipc.text);
	close(fds[1]);
	reap(pid);
}

START_TEST(setns_enters_the_namespaces_of_a_pidfd)
{
	in_namespaces(0, follow_child, NULL);
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
	reap(pid);
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
		reap(pid);
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
		reap(pid);
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

START_TEST(unshare_and_setns_tell_the_kernels_errnos)
{
	int uts = open_namespace("uts"), user = open_namespace("user"), null = open("/dev/null", O_RDONLY);
	ck_assert_fails(butter_unshare(CLONE_PIDFD), EINVAL);
	ck_assert_fails(butter_unshare(-1), EINVAL);
	ck_assert_fails(butter_setns(-1, 0), EBADF);
	ck_assert_fails(butter_setns(null, 0), EINVAL);
	ck_assert_fails(butter_setns(uts, CLONE_NEWNET), EINVAL);
	ck_assert_fails(butter_setns(user, CLONE_NEWUSER), EINVAL);
	close(uts);
	close(user);
	close(null);
}
END_TEST

static void without_permission(void *unused)
{
	int fd = open_namespace("uts");
	pid_t wanted = 77;
	struct clone_args args = as_fork(CLONE_NEWUTS);
	(void)unused;
	become_nobody();
	ck_assert_fails(butter_unshare(CLONE_NEWUTS), EPERM);
	ck_assert_fails(butter_setns(fd, CLONE_NEWUTS), EPERM);
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EPERM);
	args = as_fork(0);
	args.set_tid = (uintptr_t)&wanted;
	args.set_tid_size = 1;
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EPERM);
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0}), 0);
	args = as_fork(0);
	ck_assert_fails(butter_clone3(&args, sizeof(args)), EAGAIN);
	close(fd);
}

START_TEST(the_calls_without_permission_are_EPERM_and_without_a_process_left_EAGAIN)
{
	in_child(without_permission, NULL);
}
END_TEST

static void within_limits(void *unused)
{
	struct clone_args args = as_fork(CLONE_NEWUTS);
	(void)unused;
	write_file("/proc/sys/user/max_uts_namespaces", "0");
	ck_assert_fails(butter_unshare(CLONE_NEWUTS), ENOSPC);
	ck_assert_fails(butter_clone3(&args, sizeof(args)), ENOSPC);
}

START_TEST(the_limit_of_namespaces_is_ENOSPC)
{
	in_user_namespace(within_limits, NULL);
}
END_TEST

static void all_calls(void *unused)
{
	struct clone_args args = as_fork(0);
	(void)unused;
	butter_unshare(0);
	butter_setns(-1, 0);
	pid_t pid = butter_clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(0);
	args.flags = CLONE_VM;
	butter_clone3(&args, sizeof(args));
	waitpid(pid, NULL, 0);
}

START_TEST(each_call_is_one_system_call_and_a_refused_clone3_none)
{
	ck_assert_system_calls(all_calls, NULL, SYS_unshare, SYS_setns, SYS_clone3, SYS_wait4);
}
END_TEST

SUITE(sys_namespace)
{
	tcase_add_loop_test(raw, unshare_gives_a_namespace_of_its_own, 0, KINDS);
	tcase_add_loop_test(raw, setns_goes_back, 0, KINDS - 1);
	tcase_add_test(raw, unshare_refuses_a_user_namespace_to_a_process_with_threads);
	tcase_add_test(raw, clone3_forks);
	tcase_add_test(raw, clone3_gives_a_pidfd);
	tcase_add_loop_test(raw, clone3_gives_the_child_a_namespace_of_its_own, 0, KINDS);
	tcase_add_test(raw, setns_enters_the_namespaces_of_a_pidfd);
	tcase_add_test(raw, clone3_gives_the_child_the_id_that_is_wanted);
	tcase_add_test(raw, clone3_clears_signal_handlers_in_the_child_when_told);
	tcase_add_test(raw, clone3_puts_the_child_into_a_cgroup);
	tcase_add_test(raw, clone3_refuses_a_child_that_could_not_return);
	tcase_add_test(raw, clone3_tells_the_kernels_errnos);
	tcase_add_test(tc, unshare_and_setns_tell_the_kernels_errnos);
	tcase_add_test(raw, the_calls_without_permission_are_EPERM_and_without_a_process_left_EAGAIN);
	tcase_add_test(raw, the_limit_of_namespaces_is_ENOSPC);
	tcase_add_test(raw, each_call_is_one_system_call_and_a_refused_clone3_none);
}
