/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <butter/inotify.h>

#include "child.h"
#include "test.h"
#include "trace.h"

START_TEST(inotify_init1_makes_an_fd_with_the_flags_given_and_no_others)
{
	int fd = butter_inotify_init1(0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	fd = butter_inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	close(fd);
}
END_TEST

START_TEST(inotify_init1_with_an_unknown_flag_is_EINVAL)
{
	ck_assert_fails(butter_inotify_init1(1), EINVAL);
}
END_TEST

START_TEST(add_watch_returns_one_wd_for_one_inode)
{
	const char *dir = scratch();
	int fd = butter_inotify_init1(IN_CLOEXEC);
	touch(path_in(dir, "a"));
	ck_assert_int_eq(link(path_in(dir, "a"), path_in(dir, "b")), 0);
	int wd = butter_inotify_add_watch(fd, path_in(dir, "a"), IN_MODIFY);
	ck_assert_int_eq(wd, 1);
	ck_assert_int_eq(butter_inotify_add_watch(fd, path_in(dir, "b"), IN_OPEN), wd);
	ck_assert_fails(butter_inotify_add_watch(fd, path_in(dir, "b"), IN_OPEN | IN_MASK_CREATE), EEXIST);
	ck_assert_int_eq(butter_inotify_rm_watch(fd, wd), 0);
	ck_assert_int_eq(butter_inotify_add_watch(fd, path_in(dir, "a"), IN_MODIFY), 2);
	close(fd);
}
END_TEST

START_TEST(add_watch_tells_the_kernels_errnos)
{
	const char *dir = scratch();
	char long_path[5000];
	int fd = butter_inotify_init1(IN_CLOEXEC);
	memset(long_path, 'a', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	touch(path_in(dir, "file"));
	ck_assert_fails(butter_inotify_add_watch(fd, path_in(dir, "none"), IN_OPEN), ENOENT);
	ck_assert_fails(butter_inotify_add_watch(fd, path_in(dir, "file"), IN_OPEN | IN_ONLYDIR), ENOTDIR);
	ck_assert_fails(butter_inotify_add_watch(fd, dir, 0), EINVAL);
	ck_assert_fails(butter_inotify_add_watch(fd, dir, IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE), EINVAL);
	ck_assert_fails(butter_inotify_add_watch(fd, long_path, IN_OPEN), ENAMETOOLONG);
	ck_assert_fails(butter_inotify_add_watch(fd, (const char *)1, IN_OPEN), EFAULT);
	ck_assert_fails(butter_inotify_add_watch(-1, dir, IN_OPEN), EBADF);
	ck_assert_fails(butter_inotify_add_watch(0, dir, IN_OPEN), EINVAL);
	close(fd);
}
END_TEST

START_TEST(rm_watch_tells_the_kernels_errnos)
{
	int fd = butter_inotify_init1(IN_CLOEXEC);
	int wd = butter_inotify_add_watch(fd, scratch(), IN_OPEN);
	ck_assert_int_eq(butter_inotify_rm_watch(fd, wd), 0);
	ck_assert_fails(butter_inotify_rm_watch(fd, wd), EINVAL);
	ck_assert_fails(butter_inotify_rm_watch(0, wd), EINVAL);
	ck_assert_fails(butter_inotify_rm_watch(-1, wd), EBADF);
	close(fd);
}
END_TEST

static void without_permission(void *dir)
{
	become_nobody();
	int fd = butter_inotify_init1(IN_CLOEXEC);
	ck_assert_fails(butter_inotify_add_watch(fd, dir, IN_OPEN), EACCES);
	close(fd);
}

START_TEST(add_watch_without_read_permission_is_EACCES)
{
	const char *closed = path_in(scratch(), "closed");
	ck_assert_int_eq(mkdir(closed, 0), 0);
	in_child(without_permission, (void *)closed);
}
END_TEST

static void within_limits(void *dir)
{
	write_file("/proc/sys/user/max_inotify_instances", "1");
	write_file("/proc/sys/user/max_inotify_watches", "1");
	int fd = butter_inotify_init1(IN_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_fails(butter_inotify_init1(IN_CLOEXEC), EMFILE);
	ck_assert_int_eq(butter_inotify_add_watch(fd, dir, IN_OPEN), 1);
	ck_assert_fails(butter_inotify_add_watch(fd, "/proc/self", IN_OPEN), ENOSPC);
	close(fd);
}

START_TEST(the_limits_of_instances_and_watches_are_EMFILE_and_ENOSPC)
{
	in_user_namespace(within_limits, (void *)scratch());
}
END_TEST

static void all_calls(void *dir)
{
	int fd = butter_inotify_init1(IN_CLOEXEC);
	butter_inotify_rm_watch(fd, butter_inotify_add_watch(fd, dir, IN_OPEN));
}

START_TEST(each_call_is_one_system_call)
{
	ck_assert_system_calls(all_calls, (void *)scratch(), SYS_inotify_init1, SYS_inotify_add_watch,
			       SYS_inotify_rm_watch);
}
END_TEST

SUITE(fd_inotify)
{
	tcase_add_test(tc, inotify_init1_makes_an_fd_with_the_flags_given_and_no_others);
	tcase_add_test(tc, inotify_init1_with_an_unknown_flag_is_EINVAL);
	tcase_add_test(tc, add_watch_returns_one_wd_for_one_inode);
	tcase_add_test(raw, add_watch_tells_the_kernels_errnos);
	tcase_add_test(tc, rm_watch_tells_the_kernels_errnos);
	tcase_add_test(tc, add_watch_without_read_permission_is_EACCES);
	tcase_add_test(tc, the_limits_of_instances_and_watches_are_EMFILE_and_ENOSPC);
	tcase_add_test(raw, each_call_is_one_system_call);
}
