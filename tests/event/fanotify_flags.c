/* SPDX-License-Identifier: MIT */
/* Every flag of fanotify_init(2), by what it changes in the events. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "child.h"
#include "image.h"
#include "opener.h"
#include "test.h"

enum {
	FIDS = FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID | FAN_REPORT_MNT,
	ADMINS = FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS |
		 FAN_ENABLE_AUDIT | FAN_REPORT_TID | FAN_REPORT_PIDFD | FAN_REPORT_FD_ERROR,
	TARGET_PIDFD = FAN_REPORT_DFID_NAME_TARGET | FAN_REPORT_PIDFD,
};

static const struct {
	unsigned flags, major, minor;
} flags[] = {
	{FAN_CLASS_NOTIF, 2, 6},
	{FAN_CLASS_CONTENT, 2, 6},
	{FAN_CLASS_PRE_CONTENT, 2, 6},
	{FAN_CLOEXEC | FAN_NONBLOCK, 2, 6},
	{FAN_UNLIMITED_QUEUE, 2, 6},
	{FAN_UNLIMITED_MARKS, 2, 6},
	{FAN_ENABLE_AUDIT, 4, 15},
	{FAN_REPORT_TID, 4, 20},
	{FAN_REPORT_FID, 5, 1},
	{FAN_REPORT_FID | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS, 5, 1},
	{FAN_REPORT_FID | FAN_ENABLE_AUDIT, 5, 1},
	{FAN_REPORT_FID | FAN_REPORT_TID, 5, 1},
	{FAN_REPORT_DIR_FID, 5, 9},
	{FAN_REPORT_FID | FAN_REPORT_DIR_FID, 5, 9},
	{FAN_REPORT_DFID_NAME, 5, 9},
	{FAN_REPORT_DFID_NAME | FAN_REPORT_FID, 5, 9},
	{FAN_REPORT_PIDFD, 5, 15},
	{FAN_REPORT_PIDFD | FAN_CLASS_CONTENT, 5, 15},
	{FAN_REPORT_PIDFD | FAN_REPORT_FID, 5, 15},
	{FAN_REPORT_PIDFD | FAN_REPORT_DFID_NAME, 5, 15},
	{FAN_REPORT_DFID_NAME_TARGET, 5, 17},
	{TARGET_PIDFD, 5, 17},
	{FAN_REPORT_FD_ERROR, 6, 13},
	{FAN_REPORT_FD_ERROR | FAN_CLASS_PRE_CONTENT, 6, 13},
	{FAN_REPORT_FD_ERROR | TARGET_PIDFD, 6, 13},
	{FAN_REPORT_MNT, 6, 16},
	{FAN_REPORT_MNT | FAN_REPORT_PIDFD, 6, 16},
	{FAN_REPORT_MNT | FAN_REPORT_TID, 6, 16},
};
enum { FLAGS = sizeof(flags) / sizeof(flags[0]) };

static int is_for_admins(unsigned f)
{
	return !(f & FIDS) || f & ADMINS || !linux_is_at_least(5, 13);
}

START_TEST(open_takes_each_flag_from_whom_it_is_for)
{
	unsigned f = flags[_i].flags;
	struct butter_fanotify *x = butter_fanotify_open(f, O_RDONLY, NULL);
	int error = x ? 0 : errno;
	butter_fanotify_close(x);
	if (is_for_admins(f) && !is_admin())
		ck_assert_int_eq(error, EPERM);
	else
		ck_assert_int_eq(error, linux_is_at_least(flags[_i].major, flags[_i].minor) ? 0 : EINVAL);
}
END_TEST

static const struct {
	unsigned flags, event_f_flags;
} forbidden[] = {
	{1U << 31, O_RDONLY},
	{FAN_REPORT_FID | 1U << 31, O_RDONLY},
	{FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT, O_RDONLY},
	{FAN_REPORT_NAME, O_RDONLY},
	{FAN_REPORT_FID | FAN_REPORT_NAME, O_RDONLY},
	{FAN_REPORT_TARGET_FID, O_RDONLY},
	{FAN_REPORT_FID | FAN_REPORT_TARGET_FID, O_RDONLY},
	{FAN_REPORT_DFID_NAME | FAN_REPORT_TARGET_FID, O_RDONLY},
	{FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_TARGET_FID, O_RDONLY},
	{FAN_REPORT_FID | FAN_CLASS_CONTENT, O_RDONLY},
	{FAN_REPORT_DIR_FID | FAN_CLASS_PRE_CONTENT, O_RDONLY},
	{FAN_REPORT_PIDFD | FAN_REPORT_TID, O_RDONLY},
	{FAN_REPORT_PIDFD | FAN_REPORT_TID | FAN_REPORT_FID, O_RDONLY},
	{FAN_REPORT_MNT | FAN_REPORT_FID, O_RDONLY},
	{FAN_REPORT_MNT | FAN_REPORT_DFID_NAME, O_RDONLY},
	{FAN_REPORT_MNT | FAN_CLASS_CONTENT, O_RDONLY},
	{FAN_CLASS_NOTIF, O_CREAT},
	{FAN_CLASS_NOTIF, O_ACCMODE},
	{FAN_REPORT_FID, O_DIRECTORY},
};
enum { FORBIDDEN = sizeof(forbidden) / sizeof(forbidden[0]) };

START_TEST(open_with_flags_that_do_not_go_together_is_EINVAL_and_leaves_nothing)
{
	unsigned f = forbidden[_i].flags;
	int error = is_for_admins(f) && !is_admin() ? EPERM : EINVAL;
	ck_assert_null_errno(butter_fanotify_open(f, forbidden[_i].event_f_flags, NULL), error);
}
END_TEST

/*
 * What is told of a file that is made, of its open(2), and of the directory's own: object, dir, name. A
 * directory that stands where the object would is 'd' there: of a file in it, when there is no other place.
 */
static const struct {
	unsigned flags;
	const char *create, *open, *itself;
} told[] = {
	{FAN_REPORT_FID, "d..", "f..", "d.."},
	{FAN_REPORT_DIR_FID, ".d.", "d..", ".d."},
	{FAN_REPORT_FID | FAN_REPORT_DIR_FID, ".d.", "fd.", ".d."},
	{FAN_REPORT_DFID_NAME, ".dn", ".dn", ".d."},
	{FAN_REPORT_DFID_NAME | FAN_REPORT_FID, ".dn", "fdn", ".d."},
	{FAN_REPORT_DFID_NAME_TARGET, "fdn", "fdn", ".d."},
};
enum { TOLD = sizeof(told) / sizeof(told[0]) };

static void tells(struct butter_fanotify *x, uint64_t mask, const char *expected, const char *dir)
{
	struct butter_fanotify_event ev = expect(x, mask);
	const char *file = path_in(dir, "file");
	char is[] = "...";
	if (ev.object.handle) {
		is[0] = *expected;
		expect_handle_of(&ev.object, *expected == 'd' ? dir : file);
	}
	if (ev.dir.handle) {
		is[1] = 'd';
		expect_handle_of(&ev.dir, dir);
	}
	if (ev.name_len)
		is[2] = strcmp(ev.name, "file") == 0 ? 'n' : '.';
	ck_assert_int_eq(ev.fd, FAN_NOFD);
	ck_assert_ptr_null(ev.old_dir.handle);
	ck_assert_str_eq(is, expected);
}

START_TEST(the_flags_of_handles_say_what_is_told_of_an_object_its_directory_and_its_name)
{
	const char *dir = scratch(), *file = path_in(dir, "file");
	uint64_t mask = FAN_CREATE | FAN_OPEN | FAN_ONDIR | FAN_EVENT_ON_CHILD;
	if (told[_i].flags & FAN_REPORT_TARGET_FID && !linux_is_at_least(5, 17))
		return;
	struct butter_fanotify *x = group_with(told[_i].flags);
	ck_assert_int_eq(mknod(file, S_IFREG | 0600, 0), 0);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir, mask, 0), 0);
	open_and_close_at(file, O_RDONLY);
	tells(x, FAN_OPEN, told[_i].open, dir);
	open_and_close_at(dir, O_RDONLY);
	tells(x, FAN_OPEN | FAN_ONDIR, told[_i].itself, dir);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(mknod(file, S_IFREG | 0600, 0), 0);
	tells(x, FAN_CREATE, told[_i].create, dir);
	butter_fanotify_close(x);
}
END_TEST

static void expect_pidfd_of(int pidfd, pid_t pid)
{
	char path[64], text[1024] = "", expected[32];
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	snprintf(expected, sizeof(expected), "Pid:\t%d\n", pid);
	ck_assert_msg(strstr(text, expected) != NULL, "%d: %s", pid, text);
	ck_assert_int_eq(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
}

/* A group with a mark on a file that a child has opened; it is a zombie now. */
static struct butter_fanotify *after_child(unsigned f, pid_t *ret_pid)
{
	siginfo_t info;
	const char *file = path_in(scratch(), "file");
	struct butter_fanotify *x = admin_group_with(f, O_RDONLY);
	if (!x)
		return NULL;
	touch(file);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, file, FAN_OPEN, 0), 0);
	*ret_pid = start_opener(x, file);
	ck_assert_int_eq(waitid(P_PID, (id_t)*ret_pid, &info, WEXITED | WNOWAIT), 0);
	return x;
}

static const unsigned with_pidfds[] = {FAN_REPORT_PIDFD, FAN_REPORT_PIDFD | FAN_CLASS_CONTENT,
				       FAN_REPORT_PIDFD | FAN_REPORT_FID, TARGET_PIDFD};

START_TEST(a_pidfd_is_of_the_process_that_did_it_even_of_a_zombie)
{
	pid_t pid;
	if (!linux_is_at_least(5, 17))
		return;
	struct butter_fanotify *x = after_child(with_pidfds[_i], &pid);
	if (!x)
		return;
	struct butter_fanotify_event ev = expect(x, FAN_OPEN);
	ck_assert_int_eq(ev.pid, pid);
	ck_assert_int_ge(ev.pidfd, 0);
	expect_pidfd_of(ev.pidfd, pid);
	ck_assert_int_eq(ev.fd >= 0, _i < 2);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(ev.pidfd, FAN_NOPIDFD);
	ck_assert_int_eq(ended_with(pid), 0);
	butter_fanotify_close(x);
}
END_TEST

static const struct {
	unsigned flags;
	int pidfd;
} of_ended[] = {
	{TARGET_PIDFD, FAN_NOPIDFD},
	{FAN_REPORT_PIDFD, FAN_NOPIDFD},
	{FAN_REPORT_PIDFD | FAN_REPORT_FD_ERROR, -ESRCH},
	{TARGET_PIDFD | FAN_REPORT_FD_ERROR, -ESRCH},
};

START_TEST(of_a_process_that_was_reaped_there_is_no_pidfd)
{
	pid_t pid;
	if (!linux_is_at_least(6, 13))
		return;
	struct butter_fanotify *x = after_child(of_ended[_i].flags, &pid);
	if (!x)
		return;
	ck_assert_int_eq(ended_with(pid), 0);
	struct butter_fanotify_event ev = expect(x, FAN_OPEN);
	ck_assert_int_eq(ev.pid, pid);
	ck_assert_int_eq(ev.pidfd, of_ended[_i].pidfd);
	if (of_ended[_i].flags & FAN_REPORT_FID)
		ck_assert_int_eq(ev.fd, FAN_NOFD);
	butter_fanotify_event_close(x, &ev);
	butter_fanotify_close(x);
}
END_TEST

SUITE(event_fanotify_flags)
{
	tcase_add_loop_test(tc, open_takes_each_flag_from_whom_it_is_for, 0, FLAGS);
	tcase_add_loop_test(tc, open_with_flags_that_do_not_go_together_is_EINVAL_and_leaves_nothing, 0,
			    FORBIDDEN);
	tcase_add_loop_test(tc, the_flags_of_handles_say_what_is_told_of_an_object_its_directory_and_its_name,
			    0, TOLD);
	tcase_add_loop_test(tc, a_pidfd_is_of_the_process_that_did_it_even_of_a_zombie, 0, 4);
	tcase_add_loop_test(tc, of_a_process_that_was_reaped_there_is_no_pidfd, 0, 4);
}
