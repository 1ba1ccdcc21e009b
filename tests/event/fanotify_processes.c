/* SPDX-License-Identifier: MIT */
/* The daemon forks, dies, and sees itself. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "child.h"
#include "files.h"
#include "opener.h"
#include "test.h"

/* Fds of the object and of what it has cached, which a child frees. */
struct family {
	struct butter_fanotify *x;
	unsigned fds;
};

static void close_in_child(void *arg)
{
	struct family *f = arg;
	unsigned before = count_fds();
	errno = 4242;
	butter_fanotify_close(f->x);
	ck_assert_int_eq(errno, 4242);
	ck_assert_uint_eq(before - count_fds(), f->fds);
}

static void release_in_child(void *arg)
{
	struct family *f = arg;
	unsigned before = count_fds();
	int group = butter_fanotify_release(f->x);
	ck_assert_int_ge(fcntl(group, F_GETFD), 0);
	close(group);
	ck_assert_uint_eq(before - count_fds(), f->fds);
}

/*
 * Questions that are handed out, cached, and in the kernel's queue, when a child ends its copy: they remain
 * the parent's, who answers all of them.
 */
static void end_in_child(void (*end)(void *), int64_t timeout)
{
	const struct butter_fanotify_options options = {
		.size = sizeof(options), .default_response = FAN_DENY, .answer_timeout = timeout};
	unsigned flags = linux_is_at_least(6, 13) ? FAN_REPORT_FD_ERROR : 0;
	const char *path;
	pid_t openers[6];
	struct butter_fanotify_event ev;
	struct family f = {.x = guard_file(FAN_CLASS_CONTENT | flags, &options, &path)};
	if (!f.x)
		return;
	for (int i = 0; i < 6; i++)
		openers[i] = start_opener(f.x, path);
	await_stuck(openers, 6);
	ev = await_question(f.x);
	ck_assert_int_eq(butter_fanotify_respond(f.x, &ev, FAN_ALLOW, NULL), 0);
	butter_fanotify_event_close(f.x, &ev);
	ev = await_question(f.x);
	f.fds = 1 + (timeout ? 2 : 0) + (unsigned)butter_fanotify_pending(f.x);
	in_child(end, &f);
	for (int i = 1; i < 6; i++) {
		ck_assert_int_eq(butter_fanotify_respond(f.x, &ev, FAN_ALLOW, NULL), 0);
		butter_fanotify_event_close(f.x, &ev);
		if (i < 5)
			ev = await_question(f.x);
	}
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(ended_with(openers[i]), 0);
	butter_fanotify_close(f.x);
}

START_TEST(close_in_a_forked_child_answers_nothing_and_frees_everything)
{
	end_in_child(close_in_child, 0);
	end_in_child(close_in_child, TIMEOUT_NS);
}
END_TEST

START_TEST(release_in_a_forked_child_answers_nothing_and_frees_everything)
{
	end_in_child(release_in_child, 0);
	end_in_child(release_in_child, TIMEOUT_NS);
}
END_TEST

enum { PENDING = 100, MOST = 64 };

/* The daemon: reads until it may not read more, and never answers. */
static void stop_answering(const char *path, int ready)
{
	const struct butter_fanotify_options options = {
		.size = sizeof(options), .max_fds = MOST, .default_response = FAN_DENY};
	struct butter_fanotify_event ev;
	struct butter_fanotify *x = guard(FAN_CLASS_CONTENT, &options);
	alarm(2 * TIMEOUT);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, path, FAN_OPEN_PERM, 0), 0);
	ck_assert_int_eq(write(ready, "w", 1), 1);
	for (int i = 0; i < MOST; i++)
		ev = await_question(x);
	ck_assert_fails(butter_fanotify_read_event(x, &ev), EBUSY);
	ck_assert_int_eq(write(ready, "b", 1), 1);
	for (;;)
		pause();
}

static void await_byte(int fd)
{
	char byte;
	ck_assert_int_ne(poll_in(fd, TIMEOUT * 1000), 0);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
}

/* The kernel allows what a dead daemon has not answered, whatever its default was. */
START_TEST(when_the_daemon_is_killed_all_who_wait_go_on)
{
	const char *path = path_in(scratch(), "file");
	pid_t openers[PENDING];
	int ready[2], group = butter_fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);
	if (group < 0) {
		ck_assert_int_eq(errno, EPERM);
		return;
	}
	close(group);
	touch(path);
	make_pipe(ready);
	pid_t daemon = check_fork();
	if (daemon == 0)
		stop_answering(path, ready[WRITE]);
	await_byte(ready[READ]);
	for (int i = 0; i < PENDING; i++)
		openers[i] = start_opener(NULL, path);
	await_byte(ready[READ]);
	await_stuck(openers, PENDING);
	ck_assert_int_eq(kill(daemon, SIGKILL), 0);
	for (int i = 0; i < PENDING; i++)
		ck_assert_int_eq(ended_with(openers[i]), 0);
	ck_assert_int_eq(waitpid(daemon, NULL, 0), daemon);
	close_pipe(ready);
}
END_TEST

/* What the process does itself is told too; merged, since nothing is read in between. */
START_TEST(ones_own_events_are_told_with_ones_own_pid)
{
	struct butter_fanotify_event ev, none;
	const char *path = path_in(scratch(), "file");
	struct butter_fanotify *x = guard(FAN_CLASS_NOTIF, NULL);
	if (!x)
		return;
	touch(path);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, path, FAN_OPEN | FAN_CLOSE, 0), 0);
	for (int i = 0; i < 3; i++)
		close(open(path, O_RDONLY | O_CLOEXEC));
	ck_assert_int_eq(butter_fanotify_read_event(x, &ev), 1);
	ck_assert_uint_eq(ev.mask, FAN_OPEN | FAN_CLOSE_NOWRITE);
	ck_assert_int_eq(ev.pid, getpid());
	ck_assert_uint_eq(ev.permission, 0);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(butter_fanotify_read_event(x, &none), 0);
	butter_fanotify_close(x);
}
END_TEST

static void *open_in_thread(void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long tid = fd < 0 ? -1 : syscall(SYS_gettid);
	if (fd >= 0)
		close(fd);
	return (void *)(intptr_t)tid;
}

static pid_t pid_of_thread(unsigned flags, intptr_t *ret_tid)
{
	const char *path;
	pthread_t thread;
	void *tid;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT | flags, NULL, &path);
	if (!x)
		return 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, open_in_thread, (void *)path), 0);
	struct butter_fanotify_event ev = await_question(x);
	pid_t pid = ev.pid;
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), 0);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(pthread_join(thread, &tid), 0);
	*ret_tid = (intptr_t)tid;
	butter_fanotify_close(x);
	return pid;
}

START_TEST(a_thread_is_told_as_its_process_or_with_FAN_REPORT_TID_as_itself)
{
	intptr_t tid = 0;
	pid_t pid = pid_of_thread(0, &tid);
	ck_assert(!pid || pid == getpid());
	pid = pid_of_thread(FAN_REPORT_TID, &tid);
	ck_assert(!pid || (pid == (pid_t)tid && pid != getpid()));
}
END_TEST

/* Reading through the event's fd asks nobody: a guard would wait for itself. */
START_TEST(the_fd_of_an_event_makes_no_events)
{
	char bytes[8];
	const char *path;
	pid_t opener;
	struct butter_fanotify_event none;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, NULL, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	ck_assert_int_eq(
		butter_fanotify_watch(x, AT_FDCWD, path, FAN_ACCESS_PERM | FAN_CLOSE | FAN_ACCESS, 0), 0);
	ck_assert_int_eq(read(ev.fd, bytes, sizeof(bytes)), 0);
	ck_assert_int_eq(
		butter_fanotify_ignore(x, AT_FDCWD, path, FAN_ACCESS_PERM | FAN_CLOSE | FAN_ACCESS, 0), 0);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(ended_with(opener), 0);
	ck_assert_int_eq(butter_fanotify_read_event(x, &none), 0);
	butter_fanotify_close(x);
}
END_TEST

SUITE(event_fanotify_processes)
{
	tcase_add_test(tc, close_in_a_forked_child_answers_nothing_and_frees_everything);
	tcase_add_test(tc, release_in_a_forked_child_answers_nothing_and_frees_everything);
	tcase_add_test(tc, when_the_daemon_is_killed_all_who_wait_go_on);
	tcase_add_test(tc, ones_own_events_are_told_with_ones_own_pid);
	tcase_add_test(tc, a_thread_is_told_as_its_process_or_with_FAN_REPORT_TID_as_itself);
	tcase_add_test(tc, the_fd_of_an_event_makes_no_events);
}
