/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <butter/splice.h>

#include "files.h"
#include "test.h"
#include "trace.h"

#define FAR ((int64_t)5 << 30) /* no 32-bit offset */

START_TEST(splice_moves_what_there_is_and_says_how_much)
{
	int fds[2], in = file_with("hello"), out = file_with("");
	int64_t from = 1, to = 2;
	make_pipe(fds);
	ck_assert_int_eq(butter_splice(in, &from, fds[WRITE], NULL, 100, 0), 4);
	ck_assert_int_eq(from, 5);
	ck_assert_int_eq(butter_splice(in, &from, fds[WRITE], NULL, 100, 0), 0);
	ck_assert_int_eq(butter_splice(fds[READ], NULL, out, &to, 3, SPLICE_F_MOVE | SPLICE_F_MORE), 3);
	ck_assert_int_eq(to, 5);
	ck_assert_int_eq(butter_splice(fds[READ], NULL, out, NULL, 100, 0), 1);
	ck_assert_int_eq(lseek(out, 0, SEEK_CUR), 1);
	ck_assert_int_eq(lseek(out, 0, SEEK_SET), 0);
	ck_assert_int_eq(lseek(in, 0, SEEK_CUR), 0);
	ck_assert_int_eq(ftruncate(out, 5), 0);
	ck_assert_int_eq(lseek(out, 2, SEEK_SET), 2);
	assert_reads(out, "ell");
	close_pipe(fds);
	close(in);
	close(out);
}
END_TEST

START_TEST(splice_through_a_pipe_of_one_page_is_short_and_loops)
{
	int page = (int)sysconf(_SC_PAGESIZE), fds[2], in = file_with(""), out = file_with("");
	int64_t from = 0, to = 0;
	ck_assert_int_eq(ftruncate(in, 3 * page), 0);
	make_pipe(fds);
	ck_assert_int_eq(fcntl(fds[WRITE], F_SETPIPE_SZ, page), page);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(butter_splice(in, &from, fds[WRITE], NULL, (size_t)(3 * page), 0), page);
		ck_assert_fails(butter_splice(in, &from, fds[WRITE], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
		ck_assert_int_eq(butter_splice(fds[READ], NULL, out, &to, (size_t)(3 * page), 0), page);
	}
	ck_assert_int_eq(butter_splice(in, &from, fds[WRITE], NULL, 1, 0), 0);
	ck_assert_int_eq(lseek(out, 0, SEEK_END), 3 * page);
	close_pipe(fds);
	close(in);
	close(out);
}
END_TEST

START_TEST(splice_is_0_when_the_writers_are_gone_and_EPIPE_when_the_readers_are)
{
	int fds[2], others[2], file = file_with("x");
	int64_t offset = 0;
	signal(SIGPIPE, SIG_IGN);
	make_pipe(fds);
	make_pipe(others);
	ck_assert_fails(butter_splice(fds[READ], NULL, others[WRITE], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	close(fds[WRITE]);
	ck_assert_int_eq(butter_splice(fds[READ], NULL, others[WRITE], NULL, 1, 0), 0);
	ck_assert_int_eq(butter_tee(fds[READ], others[WRITE], 1, 0), 0);
	close(others[READ]);
	ck_assert_fails(butter_splice(file, &offset, others[WRITE], NULL, 1, 0), EPIPE);
	close(fds[READ]);
	close(others[WRITE]);
	close(file);
}
END_TEST

START_TEST(splice_tells_the_kernels_errnos)
{
	int fds[2], file = file_with("x"), append = file_on_disk(O_WRONLY | O_APPEND);
	int64_t offset = 0, negative = -1;
	make_pipe(fds);
	ck_assert_int_eq(write(fds[WRITE], "x", 1), 1);
	ck_assert_fails(butter_splice(-1, NULL, fds[WRITE], NULL, 1, 0), EBADF);
	ck_assert_fails(butter_splice(file, NULL, -1, NULL, 1, 0), EBADF);
	ck_assert_fails(butter_splice(file, NULL, fds[READ], NULL, 1, 0), EBADF);
	ck_assert_fails(butter_splice(fds[WRITE], NULL, file, NULL, 1, 0), EBADF);
	ck_assert_fails(butter_splice(file, NULL, file, NULL, 1, 0), EINVAL);
	ck_assert_fails(butter_splice(fds[READ], NULL, fds[WRITE], NULL, 1, 0), EINVAL);
	ck_assert_fails(butter_splice(fds[READ], NULL, append, NULL, 1, 0), EINVAL);
	ck_assert_fails(butter_splice(file, NULL, fds[WRITE], NULL, 1, 1 << 30), EINVAL);
	ck_assert_fails(butter_splice(file, &negative, fds[WRITE], NULL, 1, 0), EINVAL);
	ck_assert_fails(butter_splice(fds[READ], &offset, file, NULL, 1, 0), ESPIPE);
	ck_assert_fails(butter_splice(file, NULL, fds[WRITE], &offset, 1, 0), ESPIPE);
	close_pipe(fds);
	close(file);
	close(append);
}
END_TEST

START_TEST(tee_copies_and_leaves_what_it_copied)
{
	int fds[2], others[2];
	make_pipe(fds);
	make_pipe(others);
	ck_assert_int_eq(write(fds[WRITE], "hello", 5), 5);
	ck_assert_int_eq(butter_tee(fds[READ], others[WRITE], 100, 0), 5);
	ck_assert_int_eq(butter_tee(fds[READ], others[WRITE], 2, SPLICE_F_NONBLOCK), 2);
	assert_reads(fds[READ], "hello");
	assert_reads(others[READ], "hellohe");
	close_pipe(fds);
	close_pipe(others);
}
END_TEST

START_TEST(tee_tells_the_kernels_errnos)
{
	int fds[2], full[2], file = file_with("x");
	make_pipe(fds);
	make_full_pipe(full);
	ck_assert_fails(butter_tee(fds[READ], full[WRITE], 1, SPLICE_F_NONBLOCK), EAGAIN);
	ck_assert_int_eq(write(fds[WRITE], "x", 1), 1);
	ck_assert_fails(butter_tee(fds[READ], full[WRITE], 1, SPLICE_F_NONBLOCK), EAGAIN);
	ck_assert_fails(butter_tee(fds[READ], fds[WRITE], 1, 0), EINVAL);
	ck_assert_fails(butter_tee(file, fds[WRITE], 1, 0), EINVAL);
	ck_assert_fails(butter_tee(fds[READ], file, 1, 0), EINVAL);
	ck_assert_fails(butter_tee(fds[READ], full[WRITE], 1, 1 << 30), EINVAL);
	ck_assert_fails(butter_tee(-1, fds[WRITE], 1, 0), EBADF);
	ck_assert_fails(butter_tee(fds[READ], -1, 1, 0), EBADF);
	ck_assert_fails(butter_tee(fds[WRITE], full[WRITE], 1, 0), EBADF);
	close_pipe(fds);
	close_pipe(full);
	close(file);
}
END_TEST

START_TEST(vmsplice_lends_pages_and_the_reader_sees_what_they_become)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fds[2];
	char *bytes = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov[] = {{.iov_base = bytes, .iov_len = 1}, {.iov_base = bytes + 8, .iov_len = 2}};
	ck_assert_ptr_ne(bytes, MAP_FAILED);
	memset(bytes, 'a', page);
	make_pipe(fds);
	ck_assert_int_eq(butter_vmsplice(fds[WRITE], iov, 2, 0), 3);
	memset(bytes, 'b', page);
	assert_reads(fds[READ], "bbb");
	ck_assert_int_eq(write(fds[WRITE], bytes, 3), 3);
	memset(bytes, 'c', page);
	assert_reads(fds[READ], "bbb");
	munmap(bytes, page);
	close_pipe(fds);
}
END_TEST

START_TEST(vmsplice_from_the_other_end_reads)
{
	int fds[2];
	char bytes[8] = "";
	struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	make_pipe(fds);
	ck_assert_int_eq(write(fds[WRITE], "hello", 5), 5);
	ck_assert_int_eq(butter_vmsplice(fds[READ], &iov, 1, 0), 5);
	ck_assert_str_eq(bytes, "hello");
	close_pipe(fds);
}
END_TEST

START_TEST(vmsplice_tells_the_kernels_errnos)
{
	int fds[2], full[2], file = file_with("x");
	static char bytes[1];
	struct iovec iov = {.iov_base = bytes, .iov_len = 1}, bad = {.iov_base = (void *)8, .iov_len = 1};
	make_pipe(fds);
	make_full_pipe(full);
	ck_assert_int_eq(butter_vmsplice(fds[WRITE], &iov, 0, 0), 0);
	ck_assert_fails(butter_vmsplice(full[WRITE], &iov, 1, SPLICE_F_NONBLOCK), EAGAIN);
	ck_assert_fails(butter_vmsplice(-1, &iov, 1, 0), EBADF);
	ck_assert_fails(butter_vmsplice(file, &iov, 1, 0), EBADF);
	ck_assert_fails(butter_vmsplice(fds[WRITE], &iov, 1, 1 << 30), EINVAL);
	ck_assert_fails(butter_vmsplice(fds[WRITE], &iov, 1025, 0), EINVAL);
	ck_assert_fails(butter_vmsplice(fds[WRITE], (const struct iovec *)8, 1, 0), EFAULT);
	ck_assert_fails(butter_vmsplice(fds[WRITE], &bad, 1, 0), EFAULT);
	close_pipe(fds);
	close_pipe(full);
	close(file);
}
END_TEST

START_TEST(offsets_beyond_4_GiB_are_whole)
{
	int fds[2], in = file_with(""), out = file_with("");
	int64_t from = FAR + 1, to = FAR + 2;
	ck_assert_int_eq(pwrite(in, "hello", 5, FAR), 5);
	make_pipe(fds);
	ck_assert_int_eq(butter_splice(in, &from, fds[WRITE], NULL, 100, 0), 4);
	ck_assert_int_eq(from, FAR + 5);
	ck_assert_int_eq(butter_splice(fds[READ], NULL, out, &to, 100, 0), 4);
	ck_assert_int_eq(to, FAR + 6);
	from = FAR + 3;
	ck_assert_int_eq(butter_sendfile(fds[WRITE], in, &from, 100), 2);
	ck_assert_int_eq(from, FAR + 5);
	assert_reads(fds[READ], "lo");
	from = FAR;
	ck_assert_int_eq(butter_copy_file_range(in, &from, out, &to, 100, 0), 5);
	ck_assert_int_eq(from, FAR + 5);
	ck_assert_int_eq(to, FAR + 11);
	ck_assert_int_eq(lseek(out, FAR + 2, SEEK_SET), FAR + 2);
	assert_reads(out, "ellohello");
	close_pipe(fds);
	close(in);
	close(out);
}
END_TEST

START_TEST(bad_pointers_are_EFAULT)
{
	int fds[2], file = file_with("x");
	make_pipe(fds);
	ck_assert_fails(butter_splice(file, (int64_t *)8, fds[WRITE], NULL, 1, 0), EFAULT);
	ck_assert_fails(butter_splice(fds[READ], NULL, file, (int64_t *)8, 1, 0), EFAULT);
	ck_assert_fails(butter_sendfile(fds[WRITE], file, (int64_t *)8, 1), EFAULT);
	ck_assert_fails(butter_copy_file_range(file, (int64_t *)8, file, NULL, 1, 0), EFAULT);
	ck_assert_fails(butter_copy_file_range(file, NULL, file, (int64_t *)8, 1, 0), EFAULT);
	close_pipe(fds);
	close(file);
}
END_TEST

#ifdef SYS_sendfile64
enum { SENDFILE = SYS_sendfile64 };
#else
enum { SENDFILE = SYS_sendfile };
#endif

/* A pipe with a byte in it, one without, and a file. */
struct ends {
	int fds[2], others[2], file;
};

static void all_calls(void *ends)
{
	struct ends *e = ends;
	static char bytes[1];
	struct iovec iov = {.iov_base = bytes, .iov_len = 1};
	int64_t from = 0, to = 9;
	butter_tee(e->fds[READ], e->others[WRITE], 1, 0);
	butter_splice(e->fds[READ], NULL, e->others[WRITE], NULL, 1, 0);
	butter_vmsplice(e->others[WRITE], &iov, 1, 0);
	butter_sendfile(e->others[WRITE], e->file, &from, 1);
	butter_copy_file_range(e->file, &from, e->file, &to, 1, 0);
}

START_TEST(each_call_is_one_system_call)
{
	struct ends e = {.file = file_with("hello")};
	make_pipe(e.fds);
	make_pipe(e.others);
	ck_assert_int_eq(write(e.fds[WRITE], "x", 1), 1);
	ck_assert_system_calls(all_calls, &e, SYS_tee, SYS_splice, SYS_vmsplice, SENDFILE,
			       SYS_copy_file_range);
	close_pipe(e.fds);
	close_pipe(e.others);
	close(e.file);
}
END_TEST

SUITE(sys_splice)
{
	tcase_add_test(tc, splice_moves_what_there_is_and_says_how_much);
	tcase_add_test(tc, splice_through_a_pipe_of_one_page_is_short_and_loops);
	tcase_add_test(tc, splice_is_0_when_the_writers_are_gone_and_EPIPE_when_the_readers_are);
	tcase_add_test(tc, splice_tells_the_kernels_errnos);
	tcase_add_test(tc, tee_copies_and_leaves_what_it_copied);
	tcase_add_test(tc, tee_tells_the_kernels_errnos);
	tcase_add_test(tc, vmsplice_lends_pages_and_the_reader_sees_what_they_become);
	tcase_add_test(tc, vmsplice_from_the_other_end_reads);
	tcase_add_test(raw, vmsplice_tells_the_kernels_errnos);
	tcase_add_test(tc, offsets_beyond_4_GiB_are_whole);
	tcase_add_test(raw, bad_pointers_are_EFAULT);
	tcase_add_test(raw, each_call_is_one_system_call);
}
