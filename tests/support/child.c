/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "child.h"
#include "test.h"

enum { NOBODY = 65534, MOST_CHILDREN = 64 };

pid_t raw_fork(unsigned long flags)
{
	flags |= SIGCHLD;
#ifdef __s390x__
	return (pid_t)syscall(SYS_clone, 0L, flags, 0L, 0L, 0L);
#else
	return (pid_t)syscall(SYS_clone, flags, 0L, 0L, 0L, 0L);
#endif
}

/* libgcov's, in a build that counts: _exit(2) would lose what the child has covered. */
void __gcov_dump(void) __attribute__((weak));
/* AddressSanitizer's, which else looks at exit(3). */
void __lsan_do_leak_check(void) __attribute__((weak));

void assert_ends_well(pid_t pid)
{
	int status;
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static _Noreturn void run_and_exit(void (*fn)(void *), void *arg)
{
	fn(arg);
	if (__gcov_dump)
		__gcov_dump();
	_exit(0);
}

static void finish(pid_t pid, void (*fn)(void *), void *arg)
{
	if (pid == 0)
		run_and_exit(fn, arg);
	assert_ends_well(pid);
}

void in_child(void (*fn)(void *), void *arg)
{
	finish(check_fork(), fn, arg);
}

struct numbered {
	void (*fn)(unsigned number);
	unsigned number;
};

/* What the fixture does around each test. */
static void run_numbered(void *arg)
{
	const struct numbered *run = arg;
	unsigned fds = count_fds();
	leave_scratch();
	run->fn(run->number);
	remove_scratch();
	ck_assert_uint_eq(count_fds(), fds);
	if (__lsan_do_leak_check)
		__lsan_do_leak_check();
}

void in_children(unsigned count, void (*fn)(unsigned number))
{
	pid_t pids[MOST_CHILDREN];
	ck_assert_uint_le(count, MOST_CHILDREN);
	for (unsigned i = 0; i < count; i++) {
		struct numbered run = {fn, i};
		pids[i] = check_fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			run_and_exit(run_numbered, &run);
	}
	for (unsigned i = 0; i < count; i++)
		assert_ends_well(pids[i]);
}

void become_nobody(void)
{
	if (geteuid() == 0) {
		ck_assert_int_eq(setgroups(0, NULL), 0);
		ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
		ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
	}
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

struct start {
	void (*fn)(void *);
	void *arg;
	unsigned long flags;
	unsigned uid, gid;
};

static void become_root(const struct start *start)
{
	char map[32];
	snprintf(map, sizeof(map), "0 %u 1", start->uid);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", start->gid);
	write_file("/proc/self/gid_map", map);
}

static void prepare_and_run(void *arg)
{
	struct start *start = arg;
	if (start->flags & CLONE_NEWUSER)
		become_root(start);
	if (start->flags & CLONE_NEWNS)
		ck_assert_int_eq(mount("", "/", "", MS_REC | MS_PRIVATE, ""), 0);
	start->fn(start->arg);
}

/* By clone, not unshare: that one refuses a process with threads, as under ThreadSanitizer. */
void in_namespaces(unsigned long flags, void (*fn)(void *), void *arg)
{
	struct start start = {.fn = fn, .arg = arg, .flags = flags, .uid = geteuid(), .gid = getegid()};
	if (start.uid != 0)
		start.flags |= CLONE_NEWUSER;
	pid_t pid = raw_fork(start.flags);
	if (pid < 0 && (errno == EPERM || errno == ENOSPC))
		SKIP("no such namespace may be made here (a sysctl, a container, or a chroot)");
	finish(pid, prepare_and_run, &start);
}

void in_user_namespace(void (*fn)(void *), void *arg)
{
	in_namespaces(CLONE_NEWUSER, fn, arg);
}

void in_mount_namespace(void (*fn)(void *), void *arg)
{
	in_namespaces(CLONE_NEWNS, fn, arg);
}
