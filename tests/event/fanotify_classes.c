/* SPDX-License-Identifier: MIT */
/* Flags of fanotify_init(2) that change more than the records: queues, fds, classes, audit, threads. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <butter/ids.h>

#include "child.h"
#include "files.h"
#include "image.h"
#include "opener.h"
#include "test.h"

static void *open_in_thread(void *file)
{
	open_and_close_at(file, O_RDONLY);
	return (void *)(intptr_t)butter_gettid();
}

static void expect_pid(unsigned flags, int of_thread)
{
	const char *file = path_in(scratch(), "file");
	struct butter_fanotify *x = admin_group_with(flags, O_RDONLY);
	pthread_t thread;
	void *tid;
	if (!x)
		return;
	touch(file);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, file, FAN_OPEN, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, open_in_thread, (void *)file), 0);
	ck_assert_int_eq(pthread_join(thread, &tid), 0);
	struct butter_fanotify_event ev = expect(x, FAN_OPEN);
	ck_assert_int_eq(ev.pid, of_thread ? (int)(intptr_t)tid : getpid());
	butter_fanotify_event_close(x, &ev);
	butter_fanotify_close(x);
}

START_TEST(the_pid_is_the_process_or_with_FAN_REPORT_TID_the_thread)
{
	expect_pid(FAN_CLASS_NOTIF, 0);
	expect_pid(FAN_REPORT_TID, 1);
	expect_pid(FAN_REPORT_TID | FAN_REPORT_DFID_NAME, 1);
}
END_TEST

START_TEST(an_answer_for_the_audit_log_needs_FAN_ENABLE_AUDIT)
{
	static const struct butter_fanotify_audit audit = {.rule_number = 7, .subject_trust = 2};
	const char *file = path_in(scratch(), "file");
	unsigned flags = FAN_CLASS_CONTENT | (_i ? FAN_ENABLE_AUDIT : 0);
	struct butter_fanotify *x = admin_group_with(flags, O_RDONLY);
	if (!x)
		return;
	touch(file);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, file, FAN_OPEN_PERM, 0), 0);
	pid_t pid = start_opener(x, file);
	struct butter_fanotify_event ev = expect(x, FAN_OPEN_PERM);
	if (_i) {
		const struct butter_fanotify_audit *told = linux_is_at_least(6, 3) ? &audit : NULL;
		ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_DENY | FAN_AUDIT, told), 0);
	} else {
		ck_assert_fails(butter_fanotify_respond(x, &ev, FAN_DENY | FAN_AUDIT, NULL), EINVAL);
		ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_DENY, NULL), 0);
	}
	ck_assert_int_eq(ended_with(pid), EPERM);
	butter_fanotify_event_close(x, &ev);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(who_changes_content_is_asked_before_who_reads_it)
{
	const char *file = path_in(scratch(), "file");
	static const unsigned classes[] = {FAN_CLASS_CONTENT, FAN_CLASS_PRE_CONTENT};
	struct butter_fanotify *x[2];
	struct butter_fanotify_event ev;
	touch(file);
	for (int i = 0; i < 2; i++) {
		x[i] = admin_group_with(classes[i], O_RDONLY);
		if (!x[i])
			return;
		ck_assert_int_eq(butter_fanotify_watch(x[i], AT_FDCWD, file, FAN_OPEN_PERM, 0), 0);
	}
	pid_t pid = check_fork();
	if (pid == 0) {
		close(butter_fanotify_fd(x[0]));
		close(butter_fanotify_fd(x[1]));
		alarm(30);
		_exit(open(file, O_RDONLY | O_CLOEXEC) < 0);
	}
	for (int i = 1; i >= 0; i--) {
		ev = expect(x[i], FAN_OPEN_PERM);
		if (i == 1)
			expect_nothing(x[0]);
		ck_assert_int_eq(butter_fanotify_respond(x[i], &ev, FAN_ALLOW, NULL), 0);
		butter_fanotify_event_close(x[i], &ev);
	}
	ck_assert_int_eq(ended_with(pid), 0);
	butter_fanotify_close(x[0]);
	butter_fanotify_close(x[1]);
}
END_TEST

/* Links of many names are events that do not merge. */
static void make_links(const char *dir, long count)
{
	char name[32];
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mknodat(fd, "file", S_IFREG | 0600, 0), 0);
	for (long i = 1; i < count; i++) {
		snprintf(name, sizeof(name), "%ld", i);
		ck_assert_int_eq(linkat(fd, "file", fd, name, 0), 0);
	}
	close(fd);
}

/* How many names are told, until the queue is empty or was full. */
static long count_names(struct butter_fanotify *x, struct butter_fanotify_event *ev)
{
	long count = 0;
	while (butter_fanotify_read_event(x, ev) == 1) {
		if (ev->mask != FAN_CREATE)
			break;
		count++;
	}
	return count;
}

static void overflow(void *dir)
{
	long limit = read_number("/proc/sys/fs/fanotify/max_queued_events");
	struct butter_fanotify *x = group_with(FAN_REPORT_DFID_NAME), *unlimited = NULL;
	struct butter_fanotify_event ev;
	must_mount("tmpfs", dir);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir, FAN_CREATE, 0), 0);
	if (is_admin()) {
		unlimited = group_with(FAN_REPORT_DFID_NAME | FAN_UNLIMITED_QUEUE);
		ck_assert_int_eq(butter_fanotify_watch(unlimited, AT_FDCWD, dir, FAN_CREATE, 0), 0);
	}
	make_links(dir, limit + 2);
	ck_assert_int_eq(count_names(x, &ev), limit);
	ck_assert_uint_eq(ev.mask, FAN_Q_OVERFLOW);
	ck_assert_int_eq(ev.fd, FAN_NOFD);
	ck_assert_int_eq(ev.pid, 0);
	ck_assert_int_eq(ev.pidfd, FAN_NOPIDFD);
	ck_assert_ptr_null(ev.object.handle);
	ck_assert_ptr_null(ev.dir.handle);
	ck_assert_str_eq(ev.name, "");
	expect_nothing(x);
	if (unlimited)
		ck_assert_int_eq(count_names(unlimited, &ev), limit + 2);
	butter_fanotify_close(unlimited);
	butter_fanotify_close(x);
}

START_TEST(a_full_queue_is_an_event_of_nothing_and_an_unlimited_one_is_never_full)
{
	in_mount_namespace(overflow, (void *)scratch());
}
END_TEST

/* Raw, since the object leaves an event in the queue until there is an fd for it. */
static void without_fds(void *group)
{
	char buf[4096];
	struct butter_fanotify_event ev;
	struct butter_fanotify *x = group;
	int fd = butter_fanotify_fd(x);
	struct rlimit limit = {.rlim_cur = (rlim_t)fd + 1, .rlim_max = (rlim_t)fd + 1};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_fails(butter_fanotify_read_event(x, &ev), EMFILE);
	ssize_t n = read(fd, buf, sizeof(buf));
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(butter_fanotify_decode(buf, (size_t)n, &ev), n);
	ck_assert_int_eq(ev.fd, -EMFILE);
	ck_assert_uint_eq(ev.mask, FAN_OPEN);
	ck_assert_int_eq(read(fd, buf, sizeof(buf)), -1);
}

static void fds_that_fail(struct butter_fanotify *x, const char *file)
{
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, file, FAN_OPEN, 0), 0);
	open_and_close_at(file, O_RDONLY);
	in_child(without_fds, x);
	butter_fanotify_close(x);
}

START_TEST(with_FAN_REPORT_FD_ERROR_a_missing_fd_is_minus_its_errno)
{
	const char *file = path_in(scratch(), "file");
	if (!linux_is_at_least(6, 13))
		return;
	struct butter_fanotify *x = admin_group_with(FAN_REPORT_FD_ERROR, O_RDONLY);
	touch(file);
	if (x)
		fds_that_fail(x, file);
}
END_TEST

/* A running program, whose file nobody may open for writing; it ends with its input. */
static pid_t run_program(const char *program, int *ret_input)
{
	int input[2], running[2];
	ck_assert_int_eq(pipe2(input, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(running, O_CLOEXEC), 0);
	pid_t pid = check_fork();
	if (pid == 0) {
		dup2(input[READ], STDIN_FILENO);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	close(input[READ]);
	close(running[WRITE]);
	ck_assert_int_eq(read(running[READ], &(char){0}, 1), 0);
	close(running[READ]);
	*ret_input = input[WRITE];
	return pid;
}

static void copy_program(const char *from, const char *to)
{
	static char bytes[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	ssize_t n;
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		ck_assert_int_eq(write(out, bytes, (size_t)n), n);
	ck_assert_int_eq(n, 0);
	close(in);
	close(out);
}

/* The program comes amid what a read that took ever more would take. */
enum { OTHERS = 12 };

static void open_all(struct butter_fanotify *x, const char *dir)
{
	char name[32];
	for (int i = 0; i < OTHERS; i++) {
		snprintf(name, sizeof(name), "%d", i);
		if (access(path_in(dir, name), F_OK) < 0)
			touch(path_in(dir, name));
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, path_in(dir, name), FAN_OPEN, 0), 0);
	}
	const char *program = path_in(dir, "cat");
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, program, FAN_OPEN, 0), 0);
	for (int i = 0; i < OTHERS; i++) {
		snprintf(name, sizeof(name), "%d", i);
		if (i == OTHERS - 1)
			open_and_close_at(program, O_RDONLY);
		open_and_close_at(path_in(dir, name), O_RDONLY);
	}
}

/* Without the flag the event is told by read(2)'s errno alone; those around it are not lost. */
static void expect_ETXTBSY(struct butter_fanotify *x, int in_event)
{
	struct butter_fanotify_event ev;
	for (int i = 0; i <= OTHERS; i++) {
		if (i == OTHERS - 1 && !in_event) {
			ck_assert_fails(butter_fanotify_read_event(x, &ev), ETXTBSY);
			continue;
		}
		ev = expect(x, FAN_OPEN);
		if (i == OTHERS - 1)
			ck_assert_int_eq(ev.fd, -ETXTBSY);
		else
			ck_assert_int_ge(ev.fd, 0);
		butter_fanotify_event_close(x, &ev);
	}
	expect_nothing(x);
}

static void open_for_writing(void *dir)
{
	int input;
	must_mount("tmpfs", dir);
	const char *program = path_in(dir, "cat");
	copy_program("/bin/cat", program);
	pid_t pid = run_program(program, &input);
	for (int i = 0; i < 2; i++) {
		struct butter_fanotify *x = admin_group_with(i ? FAN_REPORT_FD_ERROR : 0, O_RDWR);
		if (!x)
			continue;
		open_all(x, dir);
		expect_ETXTBSY(x, i);
		butter_fanotify_close(x);
	}
	close(input);
	ck_assert_int_eq(ended_with(pid), 0);
}

START_TEST(an_fd_for_writing_of_a_running_program_is_ETXTBSY)
{
	if (linux_is_at_least(6, 13))
		in_mount_namespace(open_for_writing, (void *)scratch());
}
END_TEST

SUITE(event_fanotify_classes)
{
	tcase_add_test(tc, the_pid_is_the_process_or_with_FAN_REPORT_TID_the_thread);
	tcase_add_loop_test(tc, an_answer_for_the_audit_log_needs_FAN_ENABLE_AUDIT, 0, 2);
	tcase_add_test(tc, who_changes_content_is_asked_before_who_reads_it);
	tcase_add_test(tc, a_full_queue_is_an_event_of_nothing_and_an_unlimited_one_is_never_full);
	tcase_add_test(raw, with_FAN_REPORT_FD_ERROR_a_missing_fd_is_minus_its_errno);
	tcase_add_test(tc, an_fd_for_writing_of_a_running_program_is_ETXTBSY);
}
