/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/syscall.h>

#include <butter/epoll.h>

#include "test.h"
#include "trace.h"

/* An epoll fd that watches the read end of a pipe with one byte in it. */
struct ready {
	int epfd, pipe[2];
};

static struct ready ready(void)
{
	struct ready r = {.epfd = butter_epoll_create1(EPOLL_CLOEXEC)};
	struct epoll_event event = {.events = EPOLLIN, .data = {.u64 = 77}};
	ck_assert_int_eq(pipe2(r.pipe, O_CLOEXEC), 0);
	ck_assert_int_eq(butter_epoll_ctl(r.epfd, EPOLL_CTL_ADD, r.pipe[0], &event), 0);
	ck_assert_int_eq(write(r.pipe[1], "x", 1), 1);
	return r;
}

static void done(struct ready *r)
{
	close(r->epfd);
	close(r->pipe[0]);
	close(r->pipe[1]);
}

START_TEST(create1_makes_an_fd_with_the_flags_given_and_no_others)
{
	int fd = butter_epoll_create1(0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	close(fd);
	ck_assert_fails(butter_epoll_create1(1), EINVAL);
}
END_TEST

START_TEST(wait_gives_what_is_ready)
{
	struct ready r = ready();
	struct epoll_event event;
	ck_assert_int_eq(butter_epoll_wait(r.epfd, &event, 1, -1), 1);
	ck_assert_uint_eq(event.data.u64, 77);
	ck_assert_int_eq(butter_epoll_pwait2(r.epfd, &event, 1, NULL, NULL), 1);
	ck_assert_uint_eq(event.events, EPOLLIN);
	ck_assert_int_eq(butter_epoll_ctl(r.epfd, EPOLL_CTL_DEL, r.pipe[0], NULL), 0);
	ck_assert_int_eq(butter_epoll_wait(r.epfd, &event, 1, 0), 0);
	done(&r);
}
END_TEST

START_TEST(pwait2_waits_for_nanoseconds)
{
	int fd = butter_epoll_create1(EPOLL_CLOEXEC);
	struct timespec half_a_millisecond = {.tv_nsec = 500000};
	struct epoll_event event;
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	ck_assert_int_eq(butter_epoll_pwait2(fd, &event, 1, &half_a_millisecond, NULL), 0);
	ck_assert_int_ge(clock_ns(CLOCK_MONOTONIC) - start, 500000);
	close(fd);
}
END_TEST

static void handler(int signo)
{
	(void)signo;
}

START_TEST(pwait2_sets_the_signal_mask_while_it_waits)
{
	int fd = butter_epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;
	struct timespec none = {0};
	sigset_t blocked, empty;
	signal(SIGUSR1, handler);
	sigemptyset(&empty);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	raise(SIGUSR1);
	ck_assert_int_eq(butter_epoll_pwait2(fd, &event, 1, &none, NULL), 0);
	ck_assert_fails(butter_epoll_pwait2(fd, &event, 1, NULL, &empty), EINTR);
	close(fd);
}
END_TEST

START_TEST(the_calls_tell_the_kernels_errnos)
{
	struct ready r = ready();
	struct epoll_event event = {.events = EPOLLIN};
	struct timespec bad = {.tv_nsec = 1000000000};
	ck_assert_fails(butter_epoll_ctl(r.epfd, EPOLL_CTL_ADD, r.pipe[0], &event), EEXIST);
	ck_assert_fails(butter_epoll_ctl(r.epfd, EPOLL_CTL_MOD, r.pipe[1], &event), ENOENT);
	ck_assert_fails(butter_epoll_ctl(r.epfd, 99, r.pipe[0], &event), EINVAL);
	ck_assert_fails(butter_epoll_ctl(r.epfd, EPOLL_CTL_ADD, r.epfd, &event), EINVAL);
	ck_assert_fails(butter_epoll_ctl(-1, EPOLL_CTL_ADD, r.pipe[0], &event), EBADF);
	ck_assert_fails(butter_epoll_ctl(r.epfd, EPOLL_CTL_MOD, r.pipe[0], (struct epoll_event *)8), EFAULT);
	ck_assert_fails(butter_epoll_wait(r.epfd, &event, 0, 0), EINVAL);
	ck_assert_fails(butter_epoll_wait(-1, &event, 1, 0), EBADF);
	ck_assert_fails(butter_epoll_wait(r.pipe[0], &event, 1, 0), EINVAL);
	ck_assert_fails(butter_epoll_wait(r.epfd, (struct epoll_event *)8, 1, 0), EFAULT);
	ck_assert_fails(butter_epoll_pwait2(r.epfd, &event, 1, &bad, NULL), EINVAL);
	ck_assert_fails(butter_epoll_pwait2(-1, &event, 1, NULL, NULL), EBADF);
	ck_assert_fails(butter_epoll_pwait2(r.epfd, &event, 1, (const struct timespec *)8, NULL), EFAULT);
	done(&r);
}
END_TEST

START_TEST(a_regular_file_is_EPERM)
{
	struct epoll_event event = {.events = EPOLLIN};
	const char *path = path_in(scratch(), "file");
	touch(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC), epfd = butter_epoll_create1(EPOLL_CLOEXEC);
	ck_assert_fails(butter_epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), EPERM);
	close(fd);
	close(epfd);
}
END_TEST

#if defined __GLIBC__ && defined SYS_epoll_wait
enum { EPOLL_WAIT = SYS_epoll_wait };
#else
enum { EPOLL_WAIT = SYS_epoll_pwait };
#endif

static void all_calls(void *ready)
{
	struct ready *r = ready;
	struct epoll_event event = {.events = EPOLLIN};
	butter_epoll_create1(EPOLL_CLOEXEC);
	butter_epoll_ctl(r->epfd, EPOLL_CTL_MOD, r->pipe[0], &event);
	butter_epoll_wait(r->epfd, &event, 1, 0);
	butter_epoll_pwait2(r->epfd, &event, 1, NULL, NULL);
}

START_TEST(each_call_is_one_system_call)
{
	struct ready r = ready();
	ck_assert_system_calls(all_calls, &r, SYS_epoll_create1, SYS_epoll_ctl, EPOLL_WAIT, SYS_epoll_pwait2);
	done(&r);
}
END_TEST

SUITE(fd_epoll)
{
	tcase_add_test(tc, create1_makes_an_fd_with_the_flags_given_and_no_others);
	tcase_add_test(raw, wait_gives_what_is_ready);
	tcase_add_test(raw, pwait2_waits_for_nanoseconds);
	tcase_add_test(raw, pwait2_sets_the_signal_mask_while_it_waits);
	tcase_add_test(raw, the_calls_tell_the_kernels_errnos);
	tcase_add_test(tc, a_regular_file_is_EPERM);
	tcase_add_test(raw, each_call_is_one_system_call);
}
