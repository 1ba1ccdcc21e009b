/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
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

static void clone_kind(void *kind)
{
	const struct kind *k = kind;
	struct id before = id_of(k->name);
	struct clone_args args = as_fork(k->flag);
	pid_t pid = butter_clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(strcmp(id_of(k->name).text, before.text) == 0);
	assert_ends_well(pid);
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
	assert_ends_well(pid);
}

START_TEST(setns_enters_the_namespaces_of_a_pidfd)
{
	in_namespaces(0, follow_child, NULL);
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
	tcase_add_loop_test(raw, clone3_gives_the_child_a_namespace_of_its_own, 0, KINDS);
	tcase_add_test(raw, setns_enters_the_namespaces_of_a_pidfd);
	tcase_add_test(tc, unshare_and_setns_tell_the_kernels_errnos);
	tcase_add_test(raw, the_calls_without_permission_are_EPERM_and_without_a_process_left_EAGAIN);
	tcase_add_test(raw, the_limit_of_namespaces_is_ENOSPC);
	tcase_add_test(raw, each_call_is_one_system_call_and_a_refused_clone3_none);
}
