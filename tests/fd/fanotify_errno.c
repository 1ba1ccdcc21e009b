/* SPDX-License-Identifier: MIT */
/* What fanotify_mark(2) refuses, and what it and fanotify_init(2) refuse to whom, and from when on. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <butter/fanotify.h>

#include "child.h"
#include "test.h"

/* As any user may have one. */
static int fid_group(void)
{
	int fd = butter_fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_FID, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(mark_tells_the_kernels_errnos)
{
	const char *dir = scratch(), *file = path_in(dir, "file");
	char long_path[5000];
	int fd = fid_group(), other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	memset(long_path, 'a', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	touch(file);
	ck_assert_fails(butter_fanotify_mark(-1, FAN_MARK_ADD, FAN_OPEN, -1, dir), EBADF);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, -1, "file"), EBADF);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, -1, NULL), EBADF);
	ck_assert_fails(butter_fanotify_mark(other, FAN_MARK_ADD, FAN_OPEN, -1, dir), EINVAL);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD, 0, -1, dir), EINVAL);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD, 1ULL << 63, -1, dir), EINVAL);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD | 1U << 31, FAN_OPEN, -1, dir), EINVAL);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_REMOVE, FAN_OPEN, -1, dir), EINVAL);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, -1, dir), EINVAL);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, -1, path_in(dir, "no")), ENOENT);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_REMOVE, FAN_OPEN, -1, dir), ENOENT);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, -1, file),
			ENOTDIR);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, -1, long_path), ENAMETOOLONG);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, -1, (const char *)1), EFAULT);
	close(other);
	close(fd);
}
END_TEST

START_TEST(ignore_marks_that_do_not_go_together_are_told)
{
	const char *dir = scratch(), *file = path_in(dir, "file");
	int fd = fid_group();
	if (!linux_is_at_least(6, 0))
		SKIP("FAN_MARK_IGNORE is of Linux 6.0");
	touch(file);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, -1, dir), EISDIR);
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE_SURV, FAN_OPEN, -1, dir), 0);
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, -1, file), 0);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, -1, file),
			EEXIST);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_IGNORED_MASK,
					     FAN_OPEN, -1, file),
			EINVAL);
	close(fd);
}
END_TEST

START_TEST(an_evictable_mark_becomes_no_other_and_no_other_becomes_it)
{
	const char *dir = scratch();
	int fd = fid_group();
	if (!linux_is_at_least(5, 19))
		SKIP("FAN_MARK_EVICTABLE is of Linux 5.19");
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, -1, dir), 0);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_CLOSE, -1, dir),
			EEXIST);
	close(fd);
}
END_TEST

static void as_nobody(void *dirfd)
{
	become_nobody();
	int fd = fid_group(), dir = *(int *)dirfd;
	ck_assert_fails(butter_fanotify_init(FAN_CLASS_NOTIF, O_RDONLY), EPERM);
	ck_assert_fails(butter_fanotify_init(FAN_REPORT_FID | FAN_UNLIMITED_MARKS, O_RDONLY), EPERM);
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, dir, "open"), 0);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, dir, "closed"), EACCES);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, dir, "open"),
			EPERM);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, dir, "open"),
			EPERM);
	close(fd);
}

START_TEST(without_privilege_inodes_that_one_may_read_can_be_marked_and_all_else_is_EPERM)
{
	const char *dir = scratch();
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(mkdir(path_in(dir, "open"), 0700), 0);
	ck_assert_int_eq(chmod(path_in(dir, "open"), 0755), 0);
	ck_assert_int_eq(mkdir(path_in(dir, "closed"), 0), 0);
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	in_child(as_nobody, &dirfd);
	close(dirfd);
}
END_TEST

static void within_limits(void *dir)
{
	write_file("/proc/sys/user/max_fanotify_groups", "1");
	write_file("/proc/sys/user/max_fanotify_marks", "1");
	int fd = fid_group();
	touch(path_in(dir, "file"));
	ck_assert_fails(butter_fanotify_init(FAN_REPORT_FID | FAN_CLOEXEC, O_RDONLY), EMFILE);
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, -1, dir), 0);
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, -1, path_in(dir, "file")), ENOSPC);
	close(fd);
}

START_TEST(the_limits_of_groups_and_marks_are_EMFILE_and_ENOSPC)
{
	in_user_namespace(within_limits, (void *)scratch());
}
END_TEST

static void without_fds(void *unused)
{
	(void)unused;
	int fd = fid_group();
	struct rlimit limit = {.rlim_cur = (rlim_t)fd + 1, .rlim_max = (rlim_t)fd + 1};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_fails(butter_fanotify_init(FAN_REPORT_FID, O_RDONLY), EMFILE);
	close(fd);
}

START_TEST(no_free_fd_is_EMFILE)
{
	in_child(without_fds, NULL);
}
END_TEST

SUITE(fd_fanotify_errno)
{
	tcase_add_test(raw, mark_tells_the_kernels_errnos);
	tcase_add_test(tc, ignore_marks_that_do_not_go_together_are_told);
	tcase_add_test(tc, an_evictable_mark_becomes_no_other_and_no_other_becomes_it);
	tcase_add_test(tc, without_privilege_inodes_that_one_may_read_can_be_marked_and_all_else_is_EPERM);
	tcase_add_test(tc, the_limits_of_groups_and_marks_are_EMFILE_and_ENOSPC);
	tcase_add_test(raw, no_free_fd_is_EMFILE);
}
