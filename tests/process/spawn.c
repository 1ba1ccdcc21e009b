/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "child.h"
#include "fault.h"
#include "run.h"
#include "trace.h"

enum { MARK = 4242 };

START_TEST(a_program_runs_with_its_arguments_and_leaves_errno)
{
	errno = MARK;
	struct butter_process *x = butter_spawn(SPAWN("/bin/sh", ARGV("sh", "-c", "exit $1", "sh", "7")));
	ck_assert_int_eq(errno, MARK);
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(fcntl(butter_process_fd(x), F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(butter_process_fd(x), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	pid_t pid = butter_process_pid(x);
	struct butter_process_event ev = end_of(x);
	ck_assert_int_eq(ev.pid, pid);
	ck_assert_uint_eq(ev.uid, getuid());
	ck_assert_int_eq(ev.code, CLD_EXITED);
	ck_assert_int_eq(ev.status, 7);
	ck_assert_uint_eq(ev.fate, BUTTER_PROCESS_REAPED);
	ck_assert_int_ge(ev.utime, 0);
	ck_assert_int_ge(ev.stime, 0);
	ck_assert_int_gt(ev.utime + ev.stime, 0);
	ck_assert_int_lt(ev.utime + ev.stime, INT64_C(10000000000));
	ck_assert_int_gt(ev.maxrss, 100 * 1024);
	ck_assert_int_lt(ev.maxrss, 1 << 30);
	assert_no_child();
}
END_TEST

START_TEST(the_environment_is_the_one_given_or_the_callers)
{
	static const char *const mine[] = {"A=1", "B=two", NULL};
	ck_assert_str_eq(output_of(SPAWN("/usr/bin/env", ARGV("env"), .envp = (char *const *)mine), 0),
			 "A=1\nB=two\n");
	ck_assert_int_eq(setenv("BUTTER_TEST_MARK", "here", 1), 0);
	ck_assert_ptr_nonnull(
		strstr(output_of(SPAWN("/usr/bin/env", ARGV("env")), 0), "BUTTER_TEST_MARK=here\n"));
}
END_TEST

START_TEST(a_folder_of_its_own_is_where_relative_paths_begin)
{
	const char *folder = scratch();
	char real[4096];
	ck_assert_int_eq(symlink("/bin/pwd", path_in(folder, "where")), 0);
	ck_assert_ptr_nonnull(realpath(folder, real));
	strcat(real, "\n");
	ck_assert_str_eq(output_of(SPAWN("./where", ARGV("pwd", "-P"), .cwd = folder), 0), real);
	ck_assert_str_eq(output_of(SPAWN("where", ARGV("pwd", "-P"), .cwd = folder), 0), real);
	/* An empty name in the list is the current folder, and that is the child's. */
	ck_assert_str_eq(output_of(SPAWN("where", ARGV("pwd", "-P"), .cwd = folder, .search = "/none:"), 0),
			 real);
	ck_assert_str_eq(output_of(SPAWN("where", ARGV("pwd", "-P"), .cwd = folder, .search = ""), 0), real);
	ck_assert_null_errno(butter_spawn(SPAWN("where", ARGV("pwd"), .cwd = "/")), ENOENT);
}
END_TEST

static void make_executable(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

START_TEST(a_name_is_searched_in_the_folders_given_as_execvp_does)
{
	const char *folder = scratch();
	char search[512];
	touch(path_in(folder, "true"));      /* not executable: passed by */
	touch(path_in(folder, "forbidden")); /* and here it is the best there is */
	snprintf(search, sizeof(search), "/none:%s:%s/true:/bin:/usr/bin", folder, folder);
	ck_assert_int_eq(end_of(butter_spawn(SPAWN("true", ARGV("true"), .search = search))).status, 0);
	ck_assert_int_eq(end_of(butter_spawn(SPAWN("/bin/true", ARGV("x"), .search = "/none"))).status, 0);
	ck_assert_null_errno(butter_spawn(SPAWN("forbidden", ARGV("x"), .search = search)), EACCES);
	ck_assert_null_errno(butter_spawn(SPAWN("nowhere", ARGV("x"), .search = search)), ENOENT);
	ck_assert_null_errno(butter_spawn(SPAWN("true", ARGV("true"))), ENOENT);
	make_executable(path_in(folder, "empty"), "");
	ck_assert_null_errno(butter_spawn(SPAWN("empty", ARGV("x"), .search = search)), ENOEXEC);
	assert_no_child();
}
END_TEST

/* More than has room on the stack. */
START_TEST(a_long_list_of_folders_is_searched_to_its_end)
{
	enum { FOLDERS = 1000 };
	char *search = calloc(FOLDERS + 1, 8);
	for (int i = 0; i < FOLDERS; i++)
		strcpy(search + (size_t)i * 6, "/none:");
	strcat(search, "/bin");
	ck_assert_int_eq(end_of(butter_spawn(SPAWN("true", ARGV("true"), .search = search))).status, 0);
	ck_assert_null_errno(butter_spawn(SPAWN("nowhere", ARGV("x"), .search = search)), ENOENT);
	fault_error(FAULT_CALLOC, 2, ENOMEM);
	ck_assert_null_errno(butter_spawn(SPAWN("true", ARGV("true"), .search = search)), ENOMEM);
	fault_error(FAULT_MMAP, 1, EAGAIN);
	ck_assert_null_errno(
		butter_spawn(SPAWN("true", ARGV("true"), .search = search, .flags = BUTTER_SPAWN_CGROUP)),
		EAGAIN);
	assert_no_child();
	free(search);
}
END_TEST

START_TEST(what_execve_fails_with_is_the_callers_errno_and_no_child_is_left)
{
	const char *folder = scratch();
	char *large = calloc(1, 1 << 18);
	memset(large, 'x', (1 << 18) - 1);
	touch(path_in(folder, "plain"));
	make_executable(path_in(folder, "empty"), "");
	make_executable(path_in(folder, "lost"), "#!/none/such\n");
	make_executable(path_in(folder, "busy"), "#!/bin/sh\n");
	ck_assert_int_eq(symlink("loop", path_in(folder, "loop")), 0);
	const struct {
		const char *path;
		int error;
	} rows[] = {
		{"/none", ENOENT},
		{"", ENOENT},
		{path_in(folder, "lost"), ENOENT},
		{path_in(folder, "plain"), EACCES},
		{folder, EACCES},
		{path_in(folder, "empty"), ENOEXEC},
		{path_in(folder, "plain/x"), ENOTDIR},
		{path_in(folder, "loop"), ELOOP},
		{path_in(folder, large), ENAMETOOLONG},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_null_errno(butter_spawn(SPAWN(rows[i].path, ARGV("x"))), rows[i].error);
		assert_no_child();
	}
	int busy = open(path_in(folder, "busy"), O_WRONLY | O_CLOEXEC);
	if (!linux_is_at_least(6, 11)) /* some versions since let it run */
		ck_assert_null_errno(butter_spawn(SPAWN(path_in(folder, "busy"), ARGV("x"))), ETXTBSY);
	close(busy);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x", large))), E2BIG);
	assert_no_child();
	free(large);
}
END_TEST

START_TEST(what_the_setting_up_fails_with_is_told_likewise)
{
	struct butter_spawn_fd closed = {5, 900}, high = {1 << 29, 0};
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .cwd = "/none")), ENOENT);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .cwd = "/bin/true")), ENOTDIR);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .fds = &closed, .fd_count = 1)),
			     EBADF);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .fds = &high, .fd_count = 1)), EBADF);
	closed.fd = closed.from;
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .fds = &closed, .fd_count = 1)),
			     EBADF);
	ck_assert_null_errno(
		butter_spawn(SPAWN("/bin/true", ARGV("x"), .flags = BUTTER_SPAWN_SETPGID, .pgid = 0x3ffffff)),
		EPERM);
	fault_error(FAULT_CLOSE_RANGE, 1, ENOSYS);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .flags = BUTTER_SPAWN_CLOSE_FDS)),
			     ENOSYS);
	for (unsigned nth = 1; nth <= 2; nth++) { /* the parent's own, and the child's */
		fault_error(FAULT_SIGPROCMASK, nth, EINVAL);
		ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"))), EINVAL);
	}
	assert_no_child();
}
END_TEST

/* The program runs already, and ends again, so that NULL means that there is no child. */
START_TEST(an_fd_that_cannot_be_adopted_leaves_no_child)
{
	fault_error(FAULT_FCNTL, 1, EPERM);
	fault_error(FAULT_WAITID, 1, EINTR); /* a signal handler has run */
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/sleep", ARGV("sleep", "1000"))), EPERM);
	assert_no_child();
}
END_TEST

START_TEST(arguments_that_make_no_sense_are_EINVAL)
{
	struct butter_spawn_fd twice[] = {{5, 0}, {6, 1}, {5, 1}}, bad = {-1, 0}, worse = {1, -2};
	ck_assert_null_errno(butter_spawn(NULL), EINVAL);
	ck_assert_null_errno(butter_spawn(SPAWN(NULL, ARGV("x"))), EINVAL);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", NULL)), EINVAL);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV(NULL))), EINVAL);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .flags = 0x20)), EINVAL);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .flags = 1U << 31)), EINVAL);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .reserved = 1)), EINVAL);
	ck_assert_null_errno(
		butter_spawn(SPAWN("/bin/true", ARGV("x"), .flags = BUTTER_SPAWN_SETPGID, .pgid = -1)),
		EINVAL);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"),
						.flags = BUTTER_SPAWN_SETPGID | BUTTER_SPAWN_SETSID)),
			     EINVAL);
	ck_assert_null_errno(
		butter_spawn(SPAWN("/bin/true", ARGV("x"), .flags = BUTTER_SPAWN_CGROUP, .cgroup_fd = -1)),
		EINVAL);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .fd_count = 1)), EINVAL);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .fds = twice, .fd_count = SIZE_MAX)),
			     EINVAL);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .fds = twice, .fd_count = 3)),
			     EINVAL);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .fds = &bad, .fd_count = 1)), EINVAL);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .fds = &worse, .fd_count = 1)),
			     EINVAL);
	assert_no_child();
}
END_TEST

START_TEST(a_newer_struct_is_taken_when_it_says_nothing_new)
{
	struct {
		struct butter_spawn how;
		unsigned char news[24];
	} newer = {.how = *SPAWN("/bin/true", ARGV("x"))};
	newer.how.size = sizeof(newer);
	ck_assert_int_eq(end_of(butter_spawn(&newer.how)).status, 0);
	newer.news[sizeof(newer.news) - 1] = 1;
	ck_assert_null_errno(butter_spawn(&newer.how), E2BIG);
	newer.how.size = sizeof(newer.how) - 1;
	ck_assert_null_errno(butter_spawn(&newer.how), EINVAL);
	newer.how.size = 0;
	ck_assert_null_errno(butter_spawn(&newer.how), EINVAL);
}
END_TEST

static void without_fds(void *unused)
{
	(void)unused;
	int lowest = dup(0);
	struct rlimit limit = {.rlim_cur = (rlim_t)lowest, .rlim_max = (rlim_t)lowest};
	close(lowest);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"))), EMFILE);
	assert_no_child();
}

START_TEST(no_free_fd_is_EMFILE)
{
	in_child(without_fds, NULL);
}
END_TEST

static void without_processes(void *unused)
{
	struct rlimit limit = {0};
	(void)unused;
	become_nobody();
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &limit), 0);
	ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"))), EAGAIN);
	assert_no_child();
}

START_TEST(no_more_processes_is_EAGAIN)
{
	in_child(without_processes, NULL);
}
END_TEST

struct storm {
	int status, failed;
};

static void *spawn_many(void *arg)
{
	struct storm *s = arg;
	char status[16];
	snprintf(status, sizeof(status), "%d", s->status);
	for (int i = 0; i < 40; i++) {
		struct butter_process_event ev = {0};
		struct butter_process *x =
			butter_spawn(SPAWN("/bin/sh", ARGV("sh", "-c", "exit $0", status)));
		if (!x || butter_process_wait_event(x, &ev, -1) != 1 || ev.status != s->status)
			s->failed++;
		butter_process_close(x);
		errno = 0;
		if (butter_spawn(SPAWN("/none", ARGV("x"))) || errno != ENOENT)
			s->failed++;
	}
	return NULL;
}

START_TEST(several_threads_spawn_at_once)
{
	pthread_t threads[4];
	struct storm storms[4];
	for (int i = 0; i < 4; i++) {
		storms[i] = (struct storm){.status = i + 10};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, spawn_many, &storms[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_eq(storms[i].failed, 0);
	}
	assert_no_child();
}
END_TEST

/* What a cancelled thread has made it also gets to see, so that it can clean up. */
__attribute__((noinline)) static void spawn_two(struct butter_process **ret)
{
	*ret = butter_spawn(SPAWN("/bin/true", ARGV("x")));
	if (butter_spawn(SPAWN("/none", ARGV("x"))))
		*ret = NULL;
}

static void *spawn_cancelled(void *ret)
{
	pthread_cancel(pthread_self());
	spawn_two(ret); /* AddressSanitizer wants no frame with variables to end by cancellation */
	pthread_testcancel();
	return NULL;
}

START_TEST(a_thread_is_not_cancelled_in_the_middle)
{
	pthread_t thread;
	struct butter_process *x = NULL;
	void *result = NULL;
	ck_assert_int_eq(pthread_create(&thread, NULL, spawn_cancelled, &x), 0);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_ptr_eq(result, PTHREAD_CANCELED);
	ck_assert_int_eq(end_of(x).status, 0);
	assert_no_child();
}
END_TEST

/* The child has a stack of its own: that of its parent may be as small as it can be. */
START_TEST(a_thread_with_the_smallest_stack_can_spawn)
{
	pthread_t thread;
	pthread_attr_t attr;
	struct storm storm = {.status = 3};
	long smallest = sysconf(_SC_THREAD_STACK_MIN);
	pthread_attr_init(&attr);
	ck_assert_int_eq(pthread_attr_setstacksize(&attr, (size_t)(smallest > 0 ? smallest : 2048) + 16384),
			 0);
	ck_assert_int_eq(pthread_create(&thread, &attr, spawn_many, &storm), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(storm.failed, 0);
	pthread_attr_destroy(&attr);
}
END_TEST

static void spawn_and_close(void *unused)
{
	(void)unused;
	butter_process_close(butter_spawn(SPAWN("/bin/true", ARGV("x"))));
}

/* The child's own are not the tracee's: these are few, and no /proc is read. */
START_TEST(the_parent_makes_few_system_calls)
{
	struct trace trace;
	trace_calls(spawn_and_close, NULL, &trace);
	ck_assert_uint_eq(trace_count(&trace, SYS_clone), 1);
	ck_assert_uint_eq(trace_count(&trace, SYS_rt_sigprocmask), 2);
	ck_assert_uint_le(trace.count, 6); /* and no memory is mapped */
}
END_TEST

/* All raw: valgrind makes a fork(2) of a clone(2) that shares memory. */
SUITE(process_spawn)
{
	(void)tc;
	tcase_add_test(raw, a_program_runs_with_its_arguments_and_leaves_errno);
	tcase_add_test(raw, the_environment_is_the_one_given_or_the_callers);
	tcase_add_test(raw, a_folder_of_its_own_is_where_relative_paths_begin);
	tcase_add_test(raw, a_name_is_searched_in_the_folders_given_as_execvp_does);
	tcase_add_test(raw, a_long_list_of_folders_is_searched_to_its_end);
	tcase_add_test(raw, what_execve_fails_with_is_the_callers_errno_and_no_child_is_left);
	tcase_add_test(raw, what_the_setting_up_fails_with_is_told_likewise);
	tcase_add_test(raw, an_fd_that_cannot_be_adopted_leaves_no_child);
	tcase_add_test(raw, arguments_that_make_no_sense_are_EINVAL);
	tcase_add_test(raw, a_newer_struct_is_taken_when_it_says_nothing_new);
	tcase_add_test(raw, no_free_fd_is_EMFILE);
	tcase_add_test(raw, no_more_processes_is_EAGAIN);
	tcase_add_test(raw, several_threads_spawn_at_once);
	tcase_add_test(raw, a_thread_is_not_cancelled_in_the_middle);
	tcase_add_test(raw, a_thread_with_the_smallest_stack_can_spawn);
	tcase_add_test(raw, the_parent_makes_few_system_calls);
}
