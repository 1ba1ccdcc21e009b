/* SPDX-License-Identifier: MIT */
/* What a program finds when it starts: signals, group, session, cgroup. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "child.h"
#include "fault.h"
#include "run.h"

/* A line of /proc/self/status, as cat finds it: a set of signals. */
static uint64_t set_of(const char *name, const sigset_t *mask, unsigned flags)
{
	unsigned long long set = 0;
	const char *text = output_of(
		SPAWN("/bin/cat", ARGV("cat", "/proc/self/status"), .mask = mask, .flags = flags), 0);
	const char *line = strstr(text, name);
	ck_assert_ptr_nonnull(line);
	ck_assert_int_eq(sscanf(line + strlen(name), ":%llx", &set), 1);
	return set;
}

static uint64_t bit(int signo)
{
	return UINT64_C(1) << (signo - 1);
}

static void handler(int signo)
{
	(void)signo;
}

START_TEST(no_signal_is_blocked_but_those_asked_for)
{
	sigset_t all, mask, before, after;
	sigfillset(&all);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, &all, NULL), 0);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &before), 0);
	ck_assert_uint_eq(set_of("SigBlk", NULL, 0), 0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGRTMAX);
	ck_assert_uint_eq(set_of("SigBlk", &mask, 0), bit(SIGTERM) | bit(SIGRTMAX));
	ck_assert_null_errno(butter_spawn(SPAWN("/none", ARGV("x"))), ENOENT);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &after), 0);
	for (int signo = 1; signo <= SIGRTMAX; signo++)
		ck_assert_int_eq(sigismember(&before, signo), sigismember(&after, signo));
}
END_TEST

/* libc's own signals have no way but the system call. */
static void ignore_raw(int signo)
{
	const struct {
		unsigned long handler, rest[7];
	} action = {.handler = 1};
	ck_assert_int_eq(syscall(SYS_rt_sigaction, signo, &action, NULL, (size_t)(_NSIG / 8)), 0);
}

START_TEST(every_disposition_is_the_default)
{
	signal(SIGUSR1, handler);
	for (int signo = 1; signo <= SIGRTMAX; signo++)
		if (signo != SIGUSR1 && signo != SIGCHLD)
			signal(signo, SIG_IGN);
	ignore_raw(32);
	ignore_raw(33);
	ck_assert_uint_eq(set_of("SigIgn", NULL, 0), 0);
	ck_assert_uint_eq(set_of("SigCgt", NULL, 0), 0);
	struct sigaction kept;
	ck_assert_int_eq(sigaction(SIGUSR1, NULL, &kept), 0);
	ck_assert_ptr_eq(kept.sa_handler, handler);
}
END_TEST

START_TEST(ignored_signals_stay_so_when_told)
{
	for (int signo = 1; signo <= SIGRTMAX; signo++)
		signal(signo, SIG_DFL);
	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	ck_assert_uint_eq(set_of("SigIgn", NULL, BUTTER_SPAWN_KEEP_IGNORED), bit(SIGUSR2) | bit(SIGHUP));
	ck_assert_uint_eq(set_of("SigIgn", NULL, 0), 0);
}
END_TEST

static pid_t parent;
static volatile sig_atomic_t strikes, strays;

static void strike(int signo)
{
	(void)signo;
	strikes++;
	strays += (pid_t)syscall(SYS_getpid) != parent;
}

/* The handlers are in memory that the child shares until it is another program. */
START_TEST(no_handler_of_the_parent_runs_in_the_child)
{
	struct sigaction action = {.sa_handler = strike, .sa_flags = SA_RESTART};
	struct sigevent notify = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct itimerspec often = {{.tv_nsec = 200000}, {.tv_nsec = 200000}};
	struct butter_process_event ev;
	timer_t timer;
	parent = getpid();
	ck_assert_int_eq(sigaction(SIGUSR2, &action, NULL), 0);
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &notify, &timer), 0);
	ck_assert_int_eq(timer_settime(timer, 0, &often, NULL), 0);
	for (int i = 0; i < 200; i++) {
		struct butter_process *x = butter_spawn(SPAWN("/bin/true", ARGV("x")));
		ck_assert_ptr_nonnull(x);
		while (butter_process_wait_event(x, &ev, -1) != 1)
			ck_assert_int_eq(errno, EINTR);
		ck_assert_int_eq(ev.code, CLD_EXITED);
		ck_assert_int_eq(ev.status, 0);
		butter_process_close(x);
		ck_assert_null_errno(butter_spawn(SPAWN("/none", ARGV("x"))), ENOENT);
	}
	timer_delete(timer);
	ck_assert_int_gt(strikes, 0); /* ThreadSanitizer puts most of them off */
	ck_assert_int_eq(strays, 0);
	assert_no_child();
}
END_TEST

/* The process group and session of cat, as it reads them. */
static void group_of(unsigned flags, pid_t pgid, int ret[3])
{
	char state;
	const char *text = output_of(
		SPAWN("/bin/cat", ARGV("cat", "/proc/self/stat"), .flags = flags, .pgid = (int32_t)pgid), 0);
	ck_assert_int_eq(sscanf(text, "%d (cat) %c %*d %d %d", &ret[0], &state, &ret[1], &ret[2]), 4);
}

START_TEST(process_group_and_session_are_as_told)
{
	int got[3];
	struct butter_process *leader =
		butter_spawn(SPAWN("/bin/sleep", ARGV("sleep", "1000"), .flags = BUTTER_SPAWN_SETPGID));
	ck_assert_ptr_nonnull(leader);
	group_of(0, 77, got);
	ck_assert_int_eq(got[1], getpgrp());
	ck_assert_int_eq(got[2], getsid(0));
	group_of(BUTTER_SPAWN_SETPGID, 0, got);
	ck_assert_int_eq(got[1], got[0]);
	ck_assert_int_eq(got[2], getsid(0));
	group_of(BUTTER_SPAWN_SETPGID, butter_process_pid(leader), got);
	ck_assert_int_eq(got[1], butter_process_pid(leader));
	group_of(BUTTER_SPAWN_SETSID, 0, got);
	ck_assert_int_eq(got[1], got[0]);
	ck_assert_int_eq(got[2], got[0]);
	ck_assert_int_eq(butter_process_signal(leader, SIGKILL), 0);
	end_of(leader);
}
END_TEST

static void spawn_into(int fd, const char *name)
{
	struct butter_spawn_fd fds[] = {{0, 2}, {2, 0}};
	const char *text = output_of(SPAWN("/bin/cat", ARGV("cat", "/proc/self/cgroup"), .cgroup_fd = fd,
					   .flags = BUTTER_SPAWN_CGROUP | BUTTER_SPAWN_SETSID, .fds = fds,
					   .fd_count = 2),
				     0);
	const char *line = strstr(text, "0::");
	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_nonnull(strstr(line, name));
	/* A child with memory of its own tells its error all the same. */
	ck_assert_null_errno(
		butter_spawn(SPAWN("/none", ARGV("x"), .flags = BUTTER_SPAWN_CGROUP, .cgroup_fd = fd)),
		ENOENT);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .cwd = "/none",
						.flags = BUTTER_SPAWN_CGROUP, .cgroup_fd = fd)),
			     ENOENT);
	assert_no_child();
}

/* Into the cgroup that it is in already: nobody may make one. */
static void into_the_same(void *dir)
{
	ck_assert_int_eq(mount("cgroup2", dir, "cgroup2", 0, NULL), 0);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	if (access(path_in(dir, "cgroup.procs"), W_OK) == 0)
		spawn_into(fd, "/");
	else /* clone3(2) has written the number of a pidfd by then, which is no fd of ours */
		ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .flags = BUTTER_SPAWN_CGROUP,
							.cgroup_fd = fd)),
				     EACCES);
	close(fd);
	assert_no_child();
}

START_TEST(a_child_starts_in_a_cgroup)
{
	in_namespaces(CLONE_NEWNS | CLONE_NEWCGROUP, into_the_same, (void *)scratch());
}
END_TEST

static int is_writable_cgroup2(const char *path)
{
	char file[512];
	snprintf(file, sizeof(file), "%s/cgroup.controllers", path);
	return access(file, F_OK) == 0 && access(path, W_OK) == 0;
}

START_TEST(a_child_starts_in_a_cgroup_of_its_own)
{
	char path[256], name[64];
	const char *root =
		is_writable_cgroup2("/sys/fs/cgroup") ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified";
	if (!is_writable_cgroup2(root))
		return; /* a_child_starts_in_a_cgroup has tried the way */
	snprintf(name, sizeof(name), "butter-test-%d", (int)getpid());
	snprintf(path, sizeof(path), "%s/%s", root, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	spawn_into(fd, name);
	close(fd);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

/* Nothing is done to the number that clone3(2) writes before it fails. */
START_TEST(what_is_no_cgroup_is_EBADF)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fault_error(FAULT_FCNTL, 1, EPERM);
	ck_assert_null_errno(
		butter_spawn(SPAWN("/bin/true", ARGV("x"), .flags = BUTTER_SPAWN_CGROUP, .cgroup_fd = fd)),
		EBADF);
	close(fd);
	ck_assert_null_errno(
		butter_spawn(SPAWN("/bin/true", ARGV("x"), .flags = BUTTER_SPAWN_CGROUP, .cgroup_fd = 900)),
		EBADF);
	assert_no_child();
}
END_TEST

SUITE(process_child)
{
	(void)tc;
	tcase_add_test(raw, no_signal_is_blocked_but_those_asked_for);
	tcase_add_test(raw, every_disposition_is_the_default);
	tcase_add_test(raw, ignored_signals_stay_so_when_told);
	tcase_add_test(raw, no_handler_of_the_parent_runs_in_the_child);
	tcase_add_test(raw, process_group_and_session_are_as_told);
	tcase_add_test(raw, a_child_starts_in_a_cgroup);
	tcase_add_test(raw, a_child_starts_in_a_cgroup_of_its_own);
	tcase_add_test(raw, what_is_no_cgroup_is_EBADF);
}
