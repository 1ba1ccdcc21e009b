/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/syscall.h>

#include <butter/signalfd.h>

#include "test.h"
#include "trace.h"

static sigset_t set_of(int signo)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signo);
	return set;
}

START_TEST(signalfd_makes_an_fd_that_gives_blocked_signals)
{
	sigset_t set = set_of(SIGUSR1);
	struct signalfd_siginfo info;
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	int fd = butter_signalfd(-1, &set, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	raise(SIGUSR1);
	ck_assert_int_eq(read(fd, &info, sizeof(info)), sizeof(info));
	ck_assert_uint_eq(info.ssi_signo, SIGUSR1);
	close(fd);
}
END_TEST

START_TEST(signalfd_changes_the_set_of_an_fd)
{
	sigset_t one = set_of(SIGUSR1), two = set_of(SIGUSR2);
	int fd = butter_signalfd(-1, &one, SFD_CLOEXEC | SFD_NONBLOCK);
	sigprocmask(SIG_BLOCK, &two, NULL);
	raise(SIGUSR2);
	ck_assert_int_eq(poll_in(fd, 0), 0);
	ck_assert_int_eq(butter_signalfd(fd, &two, 0), fd);
	ck_assert_int_ne(poll_in(fd, 0), 0);
	close(fd);
}
END_TEST

START_TEST(signalfd_tells_the_kernels_errnos)
{
	sigset_t set = set_of(SIGUSR1);
	ck_assert_fails(butter_signalfd(-1, &set, 1), EINVAL);
	ck_assert_fails(butter_signalfd(0, &set, 0), EINVAL);
	ck_assert_fails(butter_signalfd(1 << 20, &set, 0), EBADF);
}
END_TEST

static void all_calls(void *set)
{
	butter_signalfd(-1, set, SFD_CLOEXEC);
}

START_TEST(the_call_is_one_system_call)
{
	sigset_t set = set_of(SIGUSR1);
	ck_assert_system_calls(all_calls, &set, SYS_signalfd4);
}
END_TEST

SUITE(fd_signalfd)
{
	tcase_add_test(tc, signalfd_makes_an_fd_that_gives_blocked_signals);
	tcase_add_test(tc, signalfd_changes_the_set_of_an_fd);
	tcase_add_test(tc, signalfd_tells_the_kernels_errnos);
	tcase_add_test(raw, the_call_is_one_system_call);
}
