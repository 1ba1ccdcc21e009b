/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/syscall.h>

#include <butter/eventfd.h>

#include "test.h"
#include "trace.h"

START_TEST(eventfd_makes_an_fd_with_the_flags_given_and_no_others)
{
	int fd = butter_eventfd(3, 0);
	eventfd_t value = 0;
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(butter_eventfd_read(fd, &value), 0);
	ck_assert_uint_eq(value, 3);
	close(fd);
	ck_assert_fails(butter_eventfd(0, 2), EINVAL);
}
END_TEST

START_TEST(what_is_written_is_read_as_a_sum)
{
	int fd = butter_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t value = 99;
	ck_assert_fails(butter_eventfd_read(fd, &value), EAGAIN);
	ck_assert_uint_eq(value, 99);
	ck_assert_int_eq(butter_eventfd_write(fd, 2), 0);
	ck_assert_int_eq(butter_eventfd_write(fd, 40), 0);
	ck_assert_int_eq(butter_eventfd_read(fd, &value), 0);
	ck_assert_uint_eq(value, 42);
	close(fd);
}
END_TEST

START_TEST(a_semaphore_gives_one_at_a_time)
{
	int fd = butter_eventfd(2, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	eventfd_t value;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(butter_eventfd_read(fd, &value), 0);
		ck_assert_uint_eq(value, 1);
	}
	ck_assert_fails(butter_eventfd_read(fd, &value), EAGAIN);
	close(fd);
}
END_TEST

START_TEST(read_and_write_tell_the_kernels_errnos)
{
	int fd = butter_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t value;
	ck_assert_int_eq(butter_eventfd_write(fd, UINT64_MAX - 1), 0);
	ck_assert_fails(butter_eventfd_write(fd, 1), EAGAIN);
	ck_assert_fails(butter_eventfd_write(fd, UINT64_MAX), EINVAL);
	ck_assert_fails(butter_eventfd_write(-1, 1), EBADF);
	ck_assert_fails(butter_eventfd_read(-1, &value), EBADF);
	ck_assert_fails(butter_eventfd_read(fd, (eventfd_t *)8), EFAULT);
	close(fd);
}
END_TEST

static void all_calls(void *unused)
{
	eventfd_t value;
	int fd = butter_eventfd(0, EFD_CLOEXEC);
	(void)unused;
	butter_eventfd_write(fd, 1);
	butter_eventfd_read(fd, &value);
}

START_TEST(each_call_is_one_system_call)
{
	ck_assert_system_calls(all_calls, NULL, SYS_eventfd2, SYS_write, SYS_read);
}
END_TEST

SUITE(fd_eventfd)
{
	tcase_add_test(tc, eventfd_makes_an_fd_with_the_flags_given_and_no_others);
	tcase_add_test(tc, what_is_written_is_read_as_a_sum);
	tcase_add_test(tc, a_semaphore_gives_one_at_a_time);
	tcase_add_test(raw, read_and_write_tell_the_kernels_errnos);
	tcase_add_test(raw, each_call_is_one_system_call);
}
