/* SPDX-License-Identifier: MIT */
/* sendfile(2) and copy_file_range(2); what they share with splice(2) is in splice.c. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <butter/splice.h>

#include "child.h"
#include "files.h"
#include "test.h"

START_TEST(sendfile_moves_the_offset_it_is_given_or_the_files)
{
	int fds[2], in = file_with("hello"), out = file_with("");
	int64_t offset = 1;
	make_pipe(fds);
	ck_assert_int_eq(butter_sendfile(fds[WRITE], in, &offset, 100), 4);
	ck_assert_int_eq(offset, 5);
	ck_assert_int_eq(lseek(in, 0, SEEK_CUR), 0);
	ck_assert_int_eq(butter_sendfile(fds[WRITE], in, &offset, 100), 0);
	assert_reads(fds[READ], "ello");
	ck_assert_int_eq(butter_sendfile(out, in, NULL, 2), 2);
	ck_assert_int_eq(lseek(in, 0, SEEK_CUR), 2);
	ck_assert_int_eq(lseek(out, 0, SEEK_CUR), 2);
	close_pipe(fds);
	close(in);
	close(out);
}
END_TEST

START_TEST(sendfile_tells_the_kernels_errnos)
{
	int fds[2], full[2], file = file_with("x"), append = file_on_disk(O_WRONLY | O_APPEND);
	int64_t offset = 0, negative = -1;
	make_pipe(fds);
	make_full_pipe(full);
	ck_assert_fails(butter_sendfile(full[WRITE], file, &offset, 1), EAGAIN);
	ck_assert_fails(butter_sendfile(-1, file, NULL, 1), EBADF);
	ck_assert_fails(butter_sendfile(fds[WRITE], -1, NULL, 1), EBADF);
	ck_assert_fails(butter_sendfile(fds[READ], file, NULL, 1), EBADF);
	ck_assert_fails(butter_sendfile(fds[WRITE], append, NULL, 1), EBADF);
	ck_assert_fails(butter_sendfile(append, file, NULL, 1), EINVAL);
	ck_assert_fails(butter_sendfile(fds[WRITE], file, &negative, 1), EINVAL);
	if (sizeof(size_t) == sizeof(int64_t))
		ck_assert_fails(butter_sendfile(fds[WRITE], file, NULL, SIZE_MAX), EINVAL);
	ck_assert_fails(butter_sendfile(file, fds[READ], &offset, 1), ESPIPE);
	int status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	offset = (int64_t)1 << 40;
	ck_assert_fails(butter_sendfile(fds[WRITE], status, &offset, 1), EOVERFLOW);
	close(status);
	close_pipe(fds);
	close_pipe(full);
	close(file);
	close(append);
}
END_TEST

START_TEST(copy_file_range_copies_between_offsets)
{
	int in = file_with("hello"), out = dup(in);
	int64_t from = 1, to = 5;
	ck_assert_int_eq(butter_copy_file_range(in, &from, out, &to, 3, 0), 3);
	ck_assert_int_eq(from, 4);
	ck_assert_int_eq(to, 8);
	ck_assert_int_eq(lseek(in, 0, SEEK_CUR), 0);
	assert_reads(in, "helloell");
	ck_assert_int_eq(butter_copy_file_range(in, NULL, out, &to, 3, 0), 0);
	from = 6;
	to = 100;
	ck_assert_int_eq(butter_copy_file_range(in, &from, out, &to, 50, 0), 2);
	close(in);
	close(out);
}
END_TEST

START_TEST(copy_file_range_tells_the_kernels_errnos)
{
	int fds[2], file = file_with("hello"), append = file_on_disk(O_RDWR | O_APPEND);
	int rdonly = open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
	    dir = open(scratch(), O_RDONLY | O_CLOEXEC);
	int64_t offset = 0, other = 3;
	make_pipe(fds);
	ck_assert_fails(butter_copy_file_range(-1, NULL, file, &offset, 1, 0), EBADF);
	ck_assert_fails(butter_copy_file_range(file, &offset, -1, NULL, 1, 0), EBADF);
	ck_assert_fails(butter_copy_file_range(append, &offset, append, &other, 1, 0), EBADF);
	ck_assert_fails(butter_copy_file_range(rdonly, &offset, rdonly, &other, 1, 0), EBADF);
	ck_assert_fails(butter_copy_file_range(file, &offset, file, &other, 1, 1), EINVAL);
	ck_assert_fails(butter_copy_file_range(file, &offset, file, &other, 5, 0), EINVAL);
	ck_assert_fails(butter_copy_file_range(fds[READ], NULL, file, &offset, 1, 0), EINVAL);
	ck_assert_fails(butter_copy_file_range(dir, &offset, file, &other, 1, 0), EISDIR);
	if (sizeof(size_t) == sizeof(int64_t))
		ck_assert_fails(butter_copy_file_range(file, &other, file, &offset, SIZE_MAX, 0), EOVERFLOW);
	ck_assert_int_eq(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ck_assert_fails(butter_copy_file_range(file, &offset, file, &other, 1, 0), EPERM);
	close_pipe(fds);
	close(file);
	close(append);
	close(rdonly);
	close(dir);
}
END_TEST

START_TEST(copy_file_range_across_file_systems_is_EXDEV)
{
	int in = file_with("hello"), out = file_on_disk(O_RDWR);
	int64_t from = 0, to = 0;
	ck_assert_fails(butter_copy_file_range(in, &from, out, &to, 5, 0), EXDEV);
	close(in);
	close(out);
}
END_TEST

static void beyond_the_file_size_limit(void *unused)
{
	(void)unused;
	int in = file_with("hello"), out = file_with("");
	int64_t from = 0, to = 10;
	struct rlimit limit = {.rlim_cur = 10, .rlim_max = 10};
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_fails(butter_copy_file_range(in, &from, out, &to, 5, 0), EFBIG);
	close(in);
	close(out);
}

START_TEST(copy_file_range_beyond_the_limit_of_sizes_is_EFBIG)
{
	in_child(beyond_the_file_size_limit, NULL);
}
END_TEST

static void on_a_full_disk(void *dir)
{
	int64_t from = 0, to = 0;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	ck_assert_int_eq(mount("butter", dir, "tmpfs", 0, "nr_blocks=1"), 0);
	int in = open(path_in(dir, "in"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int out = open(path_in(dir, "out"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(in, "hello", 5), 5);
	ck_assert_fails(butter_copy_file_range(in, &from, out, &to, page, 0), ENOSPC);
	ck_assert_fails(butter_sendfile(out, in, &from, page), ENOSPC);
	close(in);
	close(out);
}

START_TEST(a_full_file_system_is_ENOSPC)
{
	in_mount_namespace(on_a_full_disk, (void *)scratch());
}
END_TEST

SUITE(sys_splice_copy)
{
	tcase_add_test(tc, sendfile_moves_the_offset_it_is_given_or_the_files);
	tcase_add_test(tc, sendfile_tells_the_kernels_errnos);
	tcase_add_test(tc, copy_file_range_copies_between_offsets);
	tcase_add_test(tc, copy_file_range_tells_the_kernels_errnos);
	tcase_add_test(tc, copy_file_range_across_file_systems_is_EXDEV);
	tcase_add_test(tc, copy_file_range_beyond_the_limit_of_sizes_is_EFBIG);
	tcase_add_test(tc, a_full_file_system_is_ENOSPC);
}
