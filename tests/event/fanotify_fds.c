/* SPDX-License-Identifier: MIT */
/* Events come with fds: no event is lost for want of one, and nobody is denied who was allowed. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "child.h"
#include "opener.h"
#include "test.h"

/* Just so many more fds can be opened. */
static void leave_free(unsigned count)
{
	struct rlimit limit;
	unsigned unused = 0;
	int fd = 0;
	for (; unused < count || fcntl(fd, F_GETFD) >= 0; fd++)
		unused += fcntl(fd, F_GETFD) < 0;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)fd;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static const struct {
	unsigned flags, fds, major, minor;
} groups[] = {
	{FAN_CLASS_CONTENT, 1, 2, 6},
	{FAN_CLASS_CONTENT | FAN_REPORT_PIDFD, 2, 5, 15},
	{FAN_CLASS_CONTENT | FAN_REPORT_FD_ERROR, 1, 6, 13},
	{FAN_CLASS_CONTENT | FAN_REPORT_FD_ERROR | FAN_REPORT_PIDFD, 2, 6, 13},
	{FAN_CLASS_PRE_CONTENT, 1, 2, 6},
};
enum { GROUPS = sizeof(groups) / sizeof(groups[0]), OPENERS = 40 };

struct crowd {
	struct butter_fanotify *x;
	const char *dir;
	unsigned flags, fds; /* fds: that are free */
	struct butter_fanotify_event held[OPENERS];
	size_t n_held, answered;
};

static void answer_held(struct crowd *c)
{
	for (; c->n_held > 0; c->answered++) {
		struct butter_fanotify_event *ev = &c->held[--c->n_held];
		ck_assert_int_eq(butter_fanotify_respond(c->x, ev, FAN_ALLOW, NULL), 0);
		butter_fanotify_event_close(c->x, ev);
	}
}

/* Holds as many questions as there are fds, then answers all of them. */
static void serve(struct crowd *c)
{
	while (c->answered + c->n_held < OPENERS) {
		struct butter_fanotify_event *ev = &c->held[c->n_held];
		int n = butter_fanotify_wait_event(c->x, ev, TIMEOUT_NS);
		if (n == 1) {
			ck_assert_uint_eq(ev->mask, FAN_OPEN_PERM);
			ck_assert_uint_ne(ev->permission, 0);
			ck_assert_int_ge(ev->fd, 0);
			c->n_held++;
			continue;
		}
		ck_assert_int_eq(n, -1);
		ck_assert_int_eq(errno, EMFILE);
		ck_assert(c->n_held > 0 || c->fds == 0);
		if (c->n_held == 0)
			leave_free(++c->fds);
		answer_held(c);
	}
	answer_held(c);
}

static void *open_one(void *path)
{
	return open(path, O_RDONLY | O_CLOEXEC) < 0 ? path : NULL;
}

/* Threads, of which forty are started sooner than one process is. How many could not open it. */
static int open_together(const void *path)
{
	pthread_t openers[OPENERS];
	int refused = 0;
	void *failed;
	for (size_t i = 0; i < OPENERS; i++)
		if (pthread_create(&openers[i], NULL, open_one, (void *)(uintptr_t)path) != 0)
			return OPENERS + 1;
	for (size_t i = 0; i < OPENERS; i++)
		refused += pthread_join(openers[i], &failed) != 0 || failed;
	return refused;
}

static void serve_a_crowd(void *arg)
{
	struct crowd *c = arg;
	const char *path;
	if (!(c->x = guard_file_in(c->dir, c->flags, NULL, &path)))
		return;
	pid_t openers = start_child(c->x, open_together, path);
	leave_free(c->fds);
	serve(c);
	ck_assert_int_eq(ended_with(openers), 0);
	ck_assert_int_eq(poll_in(butter_fanotify_fd(c->x), 0), 0);
	butter_fanotify_close(c->x);
}

START_TEST(every_question_is_told_and_answered_however_few_fds_are_free)
{
	const char *dir = scratch();
	if (!linux_is_at_least(groups[_i].major, groups[_i].minor))
		return;
	/* All numbers for the first two kinds; for the others those where something changes. */
	for (unsigned fds = 0; fds <= OPENERS; fds += _i < 2 || fds < 4 ? 1 : 9) {
		struct crowd crowd = {.dir = dir, .flags = groups[_i].flags, .fds = fds};
		in_child(serve_a_crowd, &crowd);
	}
}
END_TEST

static void without_an_fd(void *dir)
{
	struct butter_fanotify_event ev = {.mask = 4242};
	const char *path;
	struct butter_fanotify *x = guard_file_in(dir, FAN_CLASS_CONTENT, NULL, &path);
	if (!x)
		return;
	pid_t opener = start_opener(x, path);
	ck_assert_int_eq(poll_in(butter_fanotify_fd(x), TIMEOUT * 1000), POLLIN);
	leave_free(0);
	ck_assert_fails(butter_fanotify_read_event(x, &ev), EMFILE);
	ck_assert_fails(butter_fanotify_read_events(x, &ev, 1), EMFILE);
	ck_assert_fails(butter_fanotify_wait_event(x, &ev, -1), EMFILE);
	ck_assert_uint_eq(ev.mask, 4242);
	ck_assert_int_eq(poll_in(butter_fanotify_fd(x), 0), POLLIN);
	ck_assert(!has_ended(opener));
	leave_free(1);
	errno = 4242;
	ck_assert_int_eq(butter_fanotify_read_event(x, &ev), 1);
	ck_assert_int_eq(errno, 4242);
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), 0);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(ended_with(opener), 0);
	butter_fanotify_close(x);
}

START_TEST(no_free_fd_is_EMFILE_and_the_event_comes_when_there_is_one)
{
	in_child(without_an_fd, (void *)scratch());
}
END_TEST

/* What is missing is the second one, and the event says so. */
static void with_one_fd(void *arg)
{
	const struct crowd *c = arg;
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file_in(c->dir, c->flags, NULL, &path);
	if (!x)
		return;
	leave_free(1);
	struct butter_fanotify_event ev = ask(x, path, &opener);
	ck_assert_int_eq(ev.pidfd, c->flags & FAN_REPORT_FD_ERROR ? -EMFILE : FAN_EPIDFD);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(ended_with(opener), 0);
	butter_fanotify_close(x);
}

START_TEST(a_pidfd_for_which_there_is_no_fd_is_told)
{
	struct crowd c = {.dir = scratch(), .flags = FAN_CLASS_CONTENT | FAN_REPORT_PIDFD};
	in_child(with_one_fd, &c);
	c.flags |= FAN_REPORT_FD_ERROR;
	if (linux_is_at_least(6, 13))
		in_child(with_one_fd, &c);
}
END_TEST

enum { FILES = 100 };

static const char *numbered(const char *dir, int i)
{
	char name[16];
	snprintf(name, sizeof(name), "%d", i);
	return path_in(dir, name);
}

static int open_all(const void *dir)
{
	for (int i = 0; i < FILES; i++) {
		int fd = open(numbered(dir, i), O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return errno;
		close(fd);
	}
	return 0;
}

/* Notifications: nobody waits, so that one that is lost would never be missed. */
static size_t count_opened(struct butter_fanotify *x)
{
	struct butter_fanotify_event held[FILES];
	size_t count = 0, n_held = 0;
	for (int n; count < FILES && (n = butter_fanotify_wait_event(x, &held[n_held], TIMEOUT_NS)) != 0;) {
		if (n == 1) {
			ck_assert_int_ge(held[n_held].fd, 0);
			ck_assert_uint_eq(held[n_held].mask, FAN_OPEN);
			n_held++, count++;
			continue;
		}
		ck_assert_int_eq(errno, EMFILE);
		ck_assert_uint_gt(n_held, 0);
		while (n_held > 0)
			butter_fanotify_event_close(x, &held[--n_held]);
	}
	while (n_held > 0)
		butter_fanotify_event_close(x, &held[--n_held]);
	return count;
}

static void count_events(void *arg)
{
	struct crowd *c = arg;
	struct butter_fanotify_event ev;
	if (!(c->x = guard(c->flags, NULL)))
		return;
	ck_assert_int_eq(butter_fanotify_watch(c->x, AT_FDCWD, c->dir, FAN_OPEN | FAN_EVENT_ON_CHILD, 0), 0);
	ck_assert_int_eq(ended_with(start_child(c->x, open_all, c->dir)), 0);
	leave_free(c->fds);
	ck_assert_uint_eq(count_opened(c->x), FILES);
	ck_assert_int_eq(butter_fanotify_read_event(c->x, &ev), 0);
	butter_fanotify_close(c->x);
}

START_TEST(as_many_notifications_come_as_files_were_opened)
{
	static const unsigned flags[] = {0, FAN_REPORT_PIDFD, FAN_REPORT_FD_ERROR};
	if (flags[_i] == FAN_REPORT_FD_ERROR && !linux_is_at_least(6, 13))
		return;
	const char *dir = scratch();
	for (int i = 0; i < FILES; i++)
		touch(numbered(dir, i));
	for (unsigned fds = 1; fds <= OPENERS; fds += fds < 8 ? 1 : 8) {
		struct crowd crowd = {.dir = dir, .flags = FAN_CLASS_NOTIF | flags[_i], .fds = fds};
		in_child(count_events, &crowd);
	}
}
END_TEST

/* A file on a read-only mount cannot be opened for an event as O_RDWR. */
static struct butter_fanotify *guard_readonly(const char *dir, unsigned flags, uint64_t mask)
{
	static const char *const names[] = {"writable", "readonly", "last"};
	ck_assert_int_eq(mount("tmpfs", dir, "tmpfs", 0, NULL), 0);
	struct butter_fanotify *x = butter_fanotify_open(flags, O_RDWR, NULL);
	ck_assert_ptr_nonnull(x);
	for (size_t i = 0; i < 3; i++) {
		touch(path_in(dir, names[i]));
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, path_in(dir, names[i]), mask, 0), 0);
	}
	const char *file = path_in(dir, "readonly");
	ck_assert_int_eq(mount(file, file, "", MS_BIND, NULL), 0);
	ck_assert_int_eq(mount("", file, "", MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
	return x;
}

static int open_three(const void *dir)
{
	close(open(path_in(dir, "writable"), O_RDONLY | O_CLOEXEC));
	close(open(path_in(dir, "readonly"), O_RDONLY | O_CLOEXEC));
	close(open(path_in(dir, "last"), O_RDONLY | O_CLOEXEC));
	return 0;
}

/* Many events come in one read(2) only where each can say what became of its fd. */
static void unopenable(void *dir)
{
	struct butter_fanotify_event ev;
	struct butter_fanotify *x = guard_readonly(dir, FAN_CLASS_NOTIF, FAN_OPEN);
	for (int round = 0; round < 4; round++) {
		ck_assert_int_eq(ended_with(start_child(x, open_three, dir)), 0);
		ck_assert_int_eq(butter_fanotify_read_event(x, &ev), 1);
		butter_fanotify_event_close(x, &ev);
		ck_assert_fails(butter_fanotify_read_event(x, &ev), EROFS);
		ck_assert_int_eq(butter_fanotify_read_event(x, &ev), 1);
		butter_fanotify_event_close(x, &ev);
		ck_assert_int_eq(butter_fanotify_read_event(x, &ev), 0);
	}
	butter_fanotify_close(x);
}

START_TEST(an_event_whose_file_cannot_be_opened_is_told)
{
	const char *dir = scratch();
	if (geteuid() == 0)
		in_mount_namespace(unopenable, (void *)dir);
}
END_TEST

static void unopenable_with_errno(void *dir)
{
	struct butter_fanotify_event ev;
	struct butter_fanotify *x =
		guard_readonly(dir, FAN_CLASS_CONTENT | FAN_REPORT_FD_ERROR, FAN_OPEN_PERM);
	pid_t opener = start_opener(x, path_in(dir, "readonly"));
	ck_assert_int_eq(butter_fanotify_wait_event(x, &ev, TIMEOUT_NS), 1);
	ck_assert_int_eq(ev.fd, -EROFS);
	ck_assert_uint_eq(ev.permission, 0);
	ck_assert_fails(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), ENOENT);
	ck_assert_int_eq(ended_with(opener), EPERM);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(ev.fd, FAN_NOFD);
	butter_fanotify_close(x);
}

START_TEST(FAN_REPORT_FD_ERROR_tells_the_errno_and_the_kernel_has_denied)
{
	const char *dir = scratch();
	if (geteuid() == 0 && linux_is_at_least(6, 13))
		in_mount_namespace(unopenable_with_errno, (void *)dir);
}
END_TEST

SUITE(event_fanotify_fds)
{
	/* valgrind plays the limit of fds itself. */
	tcase_add_loop_test(raw, every_question_is_told_and_answered_however_few_fds_are_free, 0, GROUPS);
	tcase_add_test(raw, no_free_fd_is_EMFILE_and_the_event_comes_when_there_is_one);
	tcase_add_test(raw, a_pidfd_for_which_there_is_no_fd_is_told);
	tcase_add_loop_test(raw, as_many_notifications_come_as_files_were_opened, 0, 3);
	tcase_add_test(tc, an_event_whose_file_cannot_be_opened_is_told);
	tcase_add_test(tc, FAN_REPORT_FD_ERROR_tells_the_errno_and_the_kernel_has_denied);
}
