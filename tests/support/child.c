/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "child.h"
#include "test.h"

enum { NOBODY = 65534 };

pid_t raw_fork(unsigned long flags)
{
	flags |= SIGCHLD;
#ifdef __s390x__
	return (pid_t)syscall(SYS_clone, 0L, flags, 0L, 0L, 0L);
#else
	return (pid_t)syscall(SYS_clone, flags, 0L, 0L, 0L, 0L);
#endif
}

static void finish(pid_t pid, void (*fn)(void *), void *arg)
{
	int status;
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

void in_child(void (*fn)(void *), void *arg)
{
	finish(check_fork(), fn, arg);
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

struct in_user {
	void (*fn)(void *);
	void *arg;
	unsigned uid, gid;
};

static void map_and_run(void *in_user)
{
	struct in_user *in = in_user;
	char map[32];
	snprintf(map, sizeof(map), "0 %u 1", in->uid);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", in->gid);
	write_file("/proc/self/gid_map", map);
	in->fn(in->arg);
}

/* By clone, not unshare: that one refuses a process with threads, as under ThreadSanitizer. */
static void in_namespaces(unsigned long flags, void (*fn)(void *), void *arg)
{
	struct in_user in = {.fn = fn, .arg = arg, .uid = geteuid(), .gid = getegid()};
	finish(raw_fork(flags), map_and_run, &in);
}

void in_user_namespace(void (*fn)(void *), void *arg)
{
	in_namespaces(CLONE_NEWUSER, fn, arg);
}

/* Mounts of a mount namespace with another owner do not spread back. */
void in_mount_namespace(void (*fn)(void *), void *arg)
{
	in_namespaces(CLONE_NEWUSER | CLONE_NEWNS, fn, arg);
}
