/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/syscall.h>

#include <butter/timerfd.h>

#include "test.h"
#include "trace.h"

START_TEST(timerfd_create_makes_an_fd_with_the_flags_given_and_no_others)
{
	int fd = butter_timerfd_create(CLOCK_MONOTONIC, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
}
END_TEST

START_TEST(timerfd_create_tells_the_kernels_errnos)
{
	ck_assert_fails(butter_timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	ck_assert_fails(butter_timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
}
END_TEST

START_TEST(settime_arms_and_gives_the_old_setting_and_gettime_tells)
{
	int fd = butter_timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct itimerspec hour = {.it_value = {.tv_sec = 3600}, .it_interval = {.tv_sec = 60}}, old, now;
	struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
	uint64_t expirations = 0;
	ck_assert_int_eq(butter_timerfd_settime(fd, 0, &hour, &old), 0);
	ck_assert_int_eq(old.it_value.tv_sec, 0);
	ck_assert_int_eq(butter_timerfd_gettime(fd, &now), 0);
	ck_assert_int_eq(now.it_interval.tv_sec, 60);
	ck_assert_int_ge(now.it_value.tv_sec, 3590);
	ck_assert_int_eq(butter_timerfd_settime(fd, 0, &soon, &old), 0);
	ck_assert_int_eq(old.it_interval.tv_sec, 60);
	ck_assert_int_eq(read(fd, &expirations, sizeof(expirations)), sizeof(expirations));
	ck_assert_uint_eq(expirations, 1);
	close(fd);
}
END_TEST

START_TEST(settime_and_gettime_tell_the_kernels_errnos)
{
	int fd = butter_timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct itimerspec bad = {.it_value = {.tv_nsec = 1000000000}}, good = {.it_value = {.tv_nsec = 1}},
			  now;
	ck_assert_fails(butter_timerfd_settime(fd, 0, &bad, NULL), EINVAL);
	ck_assert_fails(butter_timerfd_settime(fd, 1 << 7, &good, NULL), EINVAL);
	ck_assert_fails(butter_timerfd_settime(-1, 0, &good, NULL), EBADF);
	ck_assert_fails(butter_timerfd_settime(0, 0, &good, NULL), EINVAL);
	ck_assert_fails(butter_timerfd_gettime(-1, &now), EBADF);
	ck_assert_fails(butter_timerfd_gettime(0, &now), EINVAL);
#ifdef __LP64__ /* elsewhere libc converts the struct itself */
	ck_assert_fails(butter_timerfd_settime(fd, 0, (const struct itimerspec *)8, NULL), EFAULT);
	ck_assert_fails(butter_timerfd_gettime(fd, (struct itimerspec *)8), EFAULT);
#endif
	close(fd);
}
END_TEST

#ifdef SYS_timerfd_settime64
enum { SETTIME = SYS_timerfd_settime64, GETTIME = SYS_timerfd_gettime64 };
#else
enum { SETTIME = SYS_timerfd_settime, GETTIME = SYS_timerfd_gettime };
#endif

static void all_calls(void *unused)
{
	struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
	int fd = butter_timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	(void)unused;
	butter_timerfd_settime(fd, 0, &soon, NULL);
	butter_timerfd_gettime(fd, &soon);
}

START_TEST(each_call_is_one_system_call)
{
	ck_assert_system_calls(all_calls, NULL, SYS_timerfd_create, SETTIME, GETTIME);
}
END_TEST

SUITE(fd_timerfd)
{
	tcase_add_test(tc, timerfd_create_makes_an_fd_with_the_flags_given_and_no_others);
	tcase_add_test(tc, timerfd_create_tells_the_kernels_errnos);
	tcase_add_test(tc, settime_arms_and_gives_the_old_setting_and_gettime_tells);
	tcase_add_test(raw, settime_and_gettime_tell_the_kernels_errnos);
	tcase_add_test(raw, each_call_is_one_system_call);
}
