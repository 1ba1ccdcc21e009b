/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <butter/file.h>

#include "child.h"
#include "test.h"
#include "trace.h"

enum { FIRST = 100, LAST = 102 }; /* file descriptors that nothing else has */

static void three_fds(void)
{
	for (int fd = FIRST; fd <= LAST; fd++)
		ck_assert_int_eq(fcntl(STDERR_FILENO, F_DUPFD, fd), fd);
}

static void close_some(void *unused)
{
	(void)unused;
	three_fds();
	ck_assert_int_eq(butter_close_range(FIRST, FIRST + 1, 0), 0);
	ck_assert_fails(fcntl(FIRST, F_GETFD), EBADF);
	ck_assert_fails(fcntl(FIRST + 1, F_GETFD), EBADF);
	ck_assert_int_eq(fcntl(LAST, F_GETFD), 0);
	ck_assert_int_eq(butter_close_range(FIRST, ~0U, CLOSE_RANGE_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(LAST, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(butter_close_range(FIRST, ~0U, 0), 0);
	ck_assert_fails(fcntl(LAST, F_GETFD), EBADF);
}

START_TEST(close_range_closes_or_marks_both_ends_included)
{
	in_child(close_some, NULL);
}
END_TEST

START_TEST(close_range_can_leave_a_shared_table_alone)
{
	three_fds();
	pid_t pid = raw_fork(CLONE_FILES);
	if (pid == 0)
		syscall(SYS_exit_group, butter_close_range(FIRST, LAST, CLOSE_RANGE_UNSHARE) != 0 ||
						fcntl(FIRST, F_GETFD) != -1);
	assert_ends_well(pid);
	for (int fd = FIRST; fd <= LAST; fd++)
		ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(close_range_tells_the_kernels_errnos)
{
	ck_assert_fails(butter_close_range(LAST, FIRST, 0), EINVAL);
	ck_assert_fails(butter_close_range(FIRST, LAST, 1 << 30), EINVAL);
}
END_TEST

START_TEST(memfd_create_makes_a_file_with_the_flags_given_and_no_others)
{
	int fd = butter_memfd_create("butter", 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	close(fd);
	fd = butter_memfd_create("", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS), 0);
	close(fd);
}
END_TEST

START_TEST(memfd_create_makes_what_can_or_cannot_be_executed)
{
	struct stat st;
	int fd = butter_memfd_create("butter", MFD_CLOEXEC | MFD_EXEC);
	if (fd < 0) {
		ck_assert_int_eq(errno, EINVAL); /* before Linux 6.3 */
		return;
	}
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0777);
	close(fd);
	fd = butter_memfd_create("butter", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0111, 0);
	ck_assert_fails(fchmod(fd, 0777), EPERM);
	close(fd);
}
END_TEST

static void without_fds(void *unused)
{
	(void)unused;
	struct rlimit none = {0};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_fails(butter_memfd_create("butter", 0), EMFILE);
}

START_TEST(memfd_create_tells_the_kernels_errnos)
{
	char long_name[300];
	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	ck_assert_fails(butter_memfd_create("butter", 1U << 20), EINVAL);
	ck_assert_fails(butter_memfd_create(long_name, 0), EINVAL);
	ck_assert_fails(butter_memfd_create(NULL, 0), EFAULT);
	in_child(without_fds, NULL);
}
END_TEST

static void rename_on_a_read_only_tmpfs(void *dir)
{
	ck_assert_int_eq(mount("butter", dir, "tmpfs", 0, NULL), 0);
	touch(path_in(dir, "a"));
	ck_assert_int_eq(mount("butter", dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
	ck_assert_fails(butter_renameat2(AT_FDCWD, path_in(dir, "a"), AT_FDCWD, path_in(dir, "b"), 0), EROFS);
}

START_TEST(renameat2_on_a_read_only_file_system_is_EROFS)
{
	in_mount_namespace(rename_on_a_read_only_tmpfs, (void *)scratch());
}
END_TEST

START_TEST(renameat2_renames_refuses_and_exchanges)
{
	const char *dir = scratch();
	struct stat a, b;
	int dirfd = open(dir, O_RDONLY | O_CLOEXEC);
	touch(path_in(dir, "a"));
	ck_assert_int_eq(stat(path_in(dir, "a"), &a), 0);
	ck_assert_int_eq(butter_renameat2(dirfd, "a", AT_FDCWD, path_in(dir, "b"), RENAME_NOREPLACE), 0);
	touch(path_in(dir, "a"));
	ck_assert_fails(butter_renameat2(dirfd, "a", dirfd, "b", RENAME_NOREPLACE), EEXIST);
	ck_assert_int_eq(butter_renameat2(dirfd, "a", dirfd, "b", RENAME_EXCHANGE), 0);
	ck_assert_int_eq(stat(path_in(dir, "a"), &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	ck_assert_int_eq(butter_renameat2(dirfd, "a", dirfd, "b", 0), 0);
	ck_assert_fails(stat(path_in(dir, "a"), &b), ENOENT);
	close(dirfd);
}
END_TEST

START_TEST(renameat2_tells_the_kernels_errnos)
{
	const char *dir = scratch();
	char long_name[300];
	int fd = open(dir, O_RDONLY | O_CLOEXEC);
	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	touch(path_in(dir, "a"));
	ck_assert_int_eq(mkdir(path_in(dir, "d"), 0700), 0);
	ck_assert_int_eq(mkdir(path_in(dir, "e"), 0700), 0);
	touch(path_in(dir, "e/f"));
	ck_assert_int_eq(symlink("loop", path_in(dir, "loop")), 0);
	ck_assert_fails(butter_renameat2(fd, "a", fd, "b", 1U << 20), EINVAL);
	ck_assert_fails(butter_renameat2(fd, "a", fd, "b", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
	ck_assert_fails(butter_renameat2(fd, "a", fd, "b", RENAME_EXCHANGE | RENAME_WHITEOUT), EINVAL);
	ck_assert_fails(butter_renameat2(fd, "a", fd, "none", RENAME_EXCHANGE), ENOENT);
	ck_assert_fails(butter_renameat2(fd, "none", fd, "b", 0), ENOENT);
	ck_assert_fails(butter_renameat2(fd, "d", fd, "d/in", 0), EINVAL);
	ck_assert_fails(butter_renameat2(fd, "d", fd, "a", 0), ENOTDIR);
	ck_assert_fails(butter_renameat2(fd, "a", fd, "d", 0), EISDIR);
	ck_assert_fails(butter_renameat2(fd, "d", fd, "e", 0), ENOTEMPTY);
	ck_assert_fails(butter_renameat2(fd, ".", fd, "b", 0), EBUSY);
	ck_assert_fails(butter_renameat2(fd, "a", fd, "/proc/b", 0), EXDEV);
	ck_assert_fails(butter_renameat2(fd, "loop/a", fd, "b", 0), ELOOP);
	ck_assert_fails(butter_renameat2(fd, "a", fd, long_name, 0), ENAMETOOLONG);
	ck_assert_fails(butter_renameat2(-1, "a", fd, "b", 0), EBADF);
	ck_assert_fails(butter_renameat2(fd, "a", -1, "b", 0), EBADF);
	ck_assert_fails(butter_renameat2(fd, (const char *)8, fd, "b", 0), EFAULT);
	ck_assert_fails(butter_renameat2(fd, "a", fd, (const char *)8, 0), EFAULT);
	close(fd);
}
END_TEST

static void in_a_closed_folder(void *closed)
{
	become_nobody();
	ck_assert_fails(butter_renameat2(AT_FDCWD, path_in(closed, "a"), AT_FDCWD, path_in(closed, "b"), 0),
			EACCES);
	struct open_how how = {.flags = O_RDONLY};
	ck_assert_fails(butter_openat2(AT_FDCWD, path_in(closed, "a"), &how, sizeof(how)), EACCES);
}

START_TEST(without_permission_for_the_folder_it_is_EACCES)
{
	const char *closed = path_in(scratch(), "closed");
	ck_assert_int_eq(mkdir(closed, 0), 0);
	in_child(in_a_closed_folder, (void *)closed);
}
END_TEST

START_TEST(openat2_opens_with_the_flags_given_and_no_others)
{
	struct open_how how = {.flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0600};
	const char *path = path_in(scratch(), "file");
	struct stat st;
	int fd = butter_openat2(AT_FDCWD, path, &how, sizeof(how));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_fails(butter_openat2(AT_FDCWD, path, &how, sizeof(how)), EEXIST);
	close(fd);
}
END_TEST

START_TEST(openat2_opens_a_file_of_more_than_4_GiB)
{
	struct open_how how = {.flags = O_RDWR | O_CLOEXEC | O_LARGEFILE};
	const char *path = path_in(scratch(), "file");
	touch(path);
	ck_assert_int_eq(truncate(path, (off_t)5 << 30), 0);
	int fd = butter_openat2(AT_FDCWD, path, &how, sizeof(how));
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), (off_t)5 << 30);
	close(fd);
}
END_TEST

static int resolved(int dirfd, const char *path, uint64_t resolve)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = resolve};
	return butter_openat2(dirfd, path, &how, sizeof(how));
}

START_TEST(openat2_resolves_as_told)
{
	const char *dir = scratch();
	int fd = open(dir, O_RDONLY | O_CLOEXEC);
	touch(path_in(dir, "file"));
	ck_assert_int_eq(symlink("/file", path_in(dir, "link")), 0);
	ck_assert_fails(resolved(fd, "..", RESOLVE_BENEATH), EXDEV);
	ck_assert_fails(resolved(fd, "link", RESOLVE_BENEATH), EXDEV);
	ck_assert_int_eq(close(resolved(fd, "link", RESOLVE_IN_ROOT)), 0);
	ck_assert_fails(resolved(fd, "link", RESOLVE_NO_SYMLINKS), ELOOP);
	ck_assert_fails(resolved(fd, "/proc/self/exe", RESOLVE_NO_MAGICLINKS), ELOOP);
	ck_assert_fails(resolved(fd, "/proc/self/stat", RESOLVE_NO_XDEV), EXDEV);
	ck_assert_fails(resolved(fd, "file", 1U << 20), EINVAL);
	close(fd);
}
END_TEST

START_TEST(openat2_cached_never_creates)
{
	struct open_how how = {.flags = O_RDWR | O_CREAT, .mode = 0600, .resolve = RESOLVE_CACHED};
	const char *path = path_in(scratch(), "file");
	ck_assert_fails(butter_openat2(AT_FDCWD, path, &how, sizeof(how)), EAGAIN);
}
END_TEST

START_TEST(openat2_tells_the_kernels_errnos)
{
	struct open_how how = {.flags = O_RDONLY}, odd = {.flags = 1ULL << 40}, mode = {.mode = 0600};
	struct open_how of_dir = {.flags = O_RDWR};
	struct {
		struct open_how how;
		uint64_t more;
	} larger = {.how = how};
	const char *dir = scratch();
	int fd = open(dir, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(symlink("loop", path_in(dir, "loop")), 0);
	touch(path_in(dir, "file"));
	ck_assert_fails(butter_openat2(fd, "file", &odd, sizeof(odd)), EINVAL);
	ck_assert_fails(butter_openat2(fd, "file", &mode, sizeof(mode)), EINVAL);
	ck_assert_fails(butter_openat2(fd, "file", &how, sizeof(how) - 1), EINVAL);
	ck_assert_int_eq(close(butter_openat2(fd, "file", &larger.how, sizeof(larger))), 0);
	larger.more = 1;
	ck_assert_fails(butter_openat2(fd, "file", &larger.how, sizeof(larger)), E2BIG);
	ck_assert_fails(butter_openat2(fd, "file", (const struct open_how *)8, sizeof(how)), EFAULT);
	ck_assert_fails(butter_openat2(fd, (const char *)8, &how, sizeof(how)), EFAULT);
	ck_assert_fails(butter_openat2(-1, "file", &how, sizeof(how)), EBADF);
	ck_assert_fails(butter_openat2(fd, "none", &how, sizeof(how)), ENOENT);
	ck_assert_fails(butter_openat2(fd, "file/in", &how, sizeof(how)), ENOTDIR);
	ck_assert_fails(butter_openat2(fd, "loop", &how, sizeof(how)), ELOOP);
	ck_assert_fails(butter_openat2(fd, ".", &of_dir, sizeof(of_dir)), EISDIR);
	close(fd);
}
END_TEST

static void all_calls(void *dir)
{
	struct open_how how = {.flags = O_RDONLY};
	struct {
		struct file_handle handle;
		unsigned char room[MAX_HANDLE_SZ];
	} h = {.handle.handle_bytes = MAX_HANDLE_SZ};
	int mount_id;
	butter_close_range(FIRST, LAST, 0);
	butter_memfd_create("butter", MFD_CLOEXEC);
	butter_openat2(AT_FDCWD, dir, &how, sizeof(how));
	butter_name_to_handle_at(AT_FDCWD, dir, &h.handle, &mount_id, 0);
	butter_open_by_handle_at(AT_FDCWD, &h.handle, O_RDONLY);
	butter_renameat2(AT_FDCWD, "/none", AT_FDCWD, "/nothing", RENAME_NOREPLACE);
}

START_TEST(each_call_is_one_system_call)
{
	ck_assert_system_calls(all_calls, (void *)scratch(), SYS_close_range, SYS_memfd_create, SYS_openat2,
			       SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_renameat2);
}
END_TEST

SUITE(sys_file)
{
	tcase_add_test(raw, close_range_closes_or_marks_both_ends_included);
	tcase_add_test(raw, close_range_can_leave_a_shared_table_alone);
	tcase_add_test(raw, close_range_tells_the_kernels_errnos);
	tcase_add_test(tc, memfd_create_makes_a_file_with_the_flags_given_and_no_others);
	tcase_add_test(tc, memfd_create_makes_what_can_or_cannot_be_executed);
	tcase_add_test(raw, memfd_create_tells_the_kernels_errnos);
	tcase_add_test(tc, renameat2_renames_refuses_and_exchanges);
	tcase_add_test(raw, renameat2_tells_the_kernels_errnos);
	tcase_add_test(tc, renameat2_on_a_read_only_file_system_is_EROFS);
	tcase_add_test(raw, without_permission_for_the_folder_it_is_EACCES);
	tcase_add_test(raw, openat2_opens_with_the_flags_given_and_no_others);
	tcase_add_test(raw, openat2_opens_a_file_of_more_than_4_GiB);
	tcase_add_test(raw, openat2_resolves_as_told);
	tcase_add_test(raw, openat2_cached_never_creates);
	tcase_add_test(raw, openat2_tells_the_kernels_errnos);
	tcase_add_test(raw, each_call_is_one_system_call);
}
