/* SPDX-License-Identifier: MIT */
/* The rules that all objects keep, tried on each kind through its source. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>

#include "child.h"
#include "kinds.h"
#include "test.h"

enum { POISON = 0xa5, MARK = 4242 };

static union any_event event;

static void poison(void)
{
	memset(&event, POISON, sizeof(event));
	errno = MARK;
}

static int poisoned(void)
{
	for (size_t i = 0; i < sizeof(event); i++)
		if (event.bytes[i] != POISON)
			return 0;
	return 1;
}

/* There was an event and there is no other. */
static void assert_drained(int i, struct butter_source *source)
{
	if (kinds[i].once)
		ck_assert_fails(butter_source_read_event(source, &event), ENODATA);
	else
		ck_assert_int_eq(butter_source_read_event(source, &event), 0);
}

START_TEST(source_is_named_and_knows_the_size_of_its_events)
{
	struct butter_source *source = open_kind(_i);
	ck_assert_str_eq(butter_source_ops(source)->name, kinds[_i].name);
	ck_assert_uint_eq(butter_source_ops(source)->event_size, kinds[_i].event_size);
	butter_source_close(source);
}
END_TEST

START_TEST(open_makes_the_fd_close_on_exec_and_nonblocking)
{
	struct butter_source *source = open_kind(_i);
	int fd = butter_source_fd(source);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	if (!kinds[_i].composite) /* an epoll fd is not read(2) */
		ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	butter_source_close(source);
	ck_assert_fails(fcntl(fd, F_GETFD), EBADF);
}
END_TEST

START_TEST(open_tells_the_calls_errno)
{
	fault_error(kinds[_i].opens, 1, EMFILE);
	ck_assert_null_errno(kinds[_i].open(), EMFILE);
}
END_TEST

START_TEST(open_without_memory_is_ENOMEM_and_leaks_nothing)
{
	fault_error(FAULT_CALLOC, 1, ENOMEM);
	ck_assert_null_errno(kinds[_i].open(), ENOMEM);
}
END_TEST

START_TEST(open_at_the_fd_limit_is_EMFILE)
{
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	int lowest = dup(0);
	ck_assert_int_ge(lowest, 0);
	close(lowest);
	struct rlimit low = {.rlim_cur = (rlim_t)lowest, .rlim_max = limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	struct butter_source *source = kinds[_i].open();
	int error = errno;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_ptr_null(source);
	ck_assert_int_eq(error, EMFILE);
}
END_TEST

START_TEST(from_fd_sets_both_flags_and_owns_the_fd)
{
	int fd = kinds[_i].make_fd();
	ck_assert_int_ge(fd, 0);
	struct butter_source *source = kinds[_i].from_fd(fd);
	ck_assert_ptr_nonnull(source);
	ck_assert_int_eq(butter_source_fd(source), fd);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	kinds[_i].fire(source);
	ck_assert_int_eq(butter_source_read_event(source, &event), 1);
	assert_drained(_i, source);
	butter_source_close(source);
	ck_assert_fails(fcntl(fd, F_GETFD), EBADF);
}
END_TEST

START_TEST(from_fd_of_no_open_fd_is_EBADF)
{
	ck_assert_null_errno(kinds[_i].from_fd(-1), EBADF);
	ck_assert_null_errno(kinds[_i].from_fd(1 << 20), EBADF);
}
END_TEST

START_TEST(from_fd_that_fails_leaves_the_fd_with_the_caller)
{
	int fd = kinds[_i].make_fd();
	fault_error(FAULT_CALLOC, 1, ENOMEM);
	ck_assert_null_errno(kinds[_i].from_fd(fd), ENOMEM);
	for (unsigned nth = 1; nth <= 4; nth++) {
		fault_error(FAULT_FCNTL, nth, EPERM);
		struct butter_source *source = kinds[_i].from_fd(fd);
		if (source) /* it made fewer calls, since the flags were set already */
			ck_assert_int_eq(butter_source_release(source), fd);
		else
			ck_assert_int_eq(errno, EPERM);
		fault_clear();
	}
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	close(fd);
}
END_TEST

START_TEST(release_gives_the_fd_back_open)
{
	struct butter_source *source = open_kind(_i);
	int fd = butter_source_fd(source);
	kinds[_i].fire(source);
	ck_assert_int_eq(butter_source_release(source), fd);
	ck_assert_int_eq(poll_in(fd, 0), kinds[_i].composite ? 0 : POLLIN); /* which has nothing in its set */
	close(fd);
}
END_TEST

START_TEST(read_event_is_0_when_there_is_nothing_and_touches_neither_ret_nor_errno)
{
	struct butter_source *source = open_kind(_i);
	poison();
	ck_assert_int_eq(butter_source_read_event(source, &event), 0);
	ck_assert_int_eq(butter_source_read_events(source, &event, 1), 0);
	ck_assert_int_eq(butter_source_wait_event(source, &event, 0), 0);
	ck_assert_int_eq(butter_source_wait_event(source, &event, 1000), 0);
	ck_assert_int_eq(errno, MARK);
	ck_assert(poisoned());
	butter_source_close(source);
}
END_TEST

START_TEST(read_event_is_1_for_an_event_and_keeps_errno)
{
	struct butter_source *source = open_kind(_i);
	kinds[_i].fire(source);
	poison();
	ck_assert_int_eq(butter_source_read_event(source, &event), 1);
	ck_assert_int_eq(errno, MARK);
	ck_assert(!poisoned());
	assert_drained(_i, source);
	butter_source_close(source);
}
END_TEST

START_TEST(read_event_tells_what_read_failed_with)
{
	static const int errors[] = {EIO, EINTR, ENOMEM, EMFILE, EBADF};
	struct butter_source *source = open_kind(_i);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		poison();
		fault_error(kinds[_i].reads, 1, errors[i]);
		ck_assert_fails(butter_source_read_event(source, &event), errors[i]);
		fault_error(kinds[_i].reads, 1, errors[i]);
		ck_assert_fails(butter_source_read_events(source, &event, 1), errors[i]);
		fault_error(kinds[_i].reads, 1, errors[i]);
		ck_assert_fails(butter_source_wait_event(source, &event, -1), errors[i]);
		ck_assert(poisoned());
	}
	kinds[_i].fire(source);
	ck_assert_int_eq(butter_source_read_event(source, &event), 1);
	butter_source_close(source);
}
END_TEST

START_TEST(a_short_read_is_EBADMSG_and_the_next_call_reads_afresh)
{
	static const unsigned char half[4];
	struct butter_source *source = open_kind(_i);
	kinds[_i].fire(source);
	poison();
	fault_result(FAULT_READ, 1, sizeof(half), half);
	ck_assert_fails(butter_source_read_event(source, &event), EBADMSG);
	ck_assert(poisoned());
	ck_assert_uint_eq(butter_source_pending(source), 0);
	ck_assert_int_eq(butter_source_read_event(source, &event), 1);
	butter_source_close(source);
}
END_TEST

START_TEST(read_events_of_none_is_EINVAL)
{
	struct butter_source *source = open_kind(_i);
	kinds[_i].fire(source);
	ck_assert_fails(butter_source_read_events(source, &event, 0), EINVAL);
	ck_assert_int_eq(butter_source_read_event(source, &event), 1);
	butter_source_close(source);
}
END_TEST

START_TEST(pending_counts_what_was_read_and_not_handed_out)
{
	struct butter_source *source = open_kind(_i);
	for (int i = 0; i < 5; i++)
		kinds[_i].fire(source);
	ck_assert_uint_eq(butter_source_pending(source), 0);
	for (size_t left = kinds[_i].caches ? 5 : 0; left-- > 0;) {
		ck_assert_int_eq(butter_source_read_event(source, &event), 1);
		ck_assert_uint_eq(butter_source_pending(source), left);
		ck_assert_int_eq(poll_in(butter_source_fd(source), 0),
				 kinds[_i].composite && left > 0 ? POLLIN : 0);
	}
	while (butter_source_read_event(source, &event) == 1)
		ck_assert_uint_eq(butter_source_pending(source), 0);
	butter_source_close(source);
}
END_TEST

START_TEST(wait_event_below_minus_1_is_EINVAL)
{
	struct butter_source *source = open_kind(_i);
	kinds[_i].fire(source);
	ck_assert_fails(butter_source_wait_event(source, &event, -2), EINVAL);
	ck_assert_fails(butter_source_wait_event(source, &event, INT64_MIN), EINVAL);
	ck_assert_int_eq(butter_source_wait_event(source, &event, INT64_MAX), 1);
	butter_source_close(source);
}
END_TEST

START_TEST(wait_event_waits_as_long_as_it_is_told)
{
	struct butter_source *source = open_kind(_i);
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	ck_assert_int_eq(butter_source_wait_event(source, &event, 20 * 1000 * 1000), 0);
	ck_assert_int_ge(clock_ns(CLOCK_MONOTONIC) - start, 20 * 1000 * 1000);
	butter_source_close(source);
}
END_TEST

static void handler(int signo)
{
	(void)signo;
}

/* A signal every millisecond: one that comes before the wait began does not matter. */
START_TEST(wait_event_passes_EINTR_on)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct sigevent notify = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct itimerspec often = {{.tv_nsec = 1000000}, {.tv_nsec = 1000000}};
	struct butter_source *source = open_kind(_i);
	timer_t timer;
	ck_assert_int_eq(sigaction(SIGUSR2, &action, NULL), 0);
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &notify, &timer), 0);
	ck_assert_int_eq(timer_settime(timer, 0, &often, NULL), 0);
	ck_assert_fails(butter_source_wait_event(source, &event, -1), EINTR);
	ck_assert_fails(butter_source_wait_event(source, &event, INT64_MAX), EINTR);
	timer_delete(timer);
	butter_source_close(source);
}
END_TEST

/* Another reader may be faster: readable, and then there is nothing. It goes on waiting. */
START_TEST(wait_event_waits_again_when_the_event_is_gone)
{
	struct butter_source *source = open_kind(_i);
	fault_result(FAULT_PPOLL, 1, 1, NULL);
	poison();
	ck_assert_int_eq(butter_source_wait_event(source, &event, 100 * 1000 * 1000), 0);
	ck_assert_uint_ge(fault_calls(FAULT_PPOLL), 2);
	ck_assert(poisoned());
	butter_source_close(source);
}
END_TEST

START_TEST(wait_event_tells_what_ppoll_failed_with)
{
	struct butter_source *source = open_kind(_i);
	fault_error(FAULT_PPOLL, 1, ENOMEM);
	ck_assert_fails(butter_source_wait_event(source, &event, -1), ENOMEM);
	butter_source_close(source);
}
END_TEST

START_TEST(the_fd_tells_select_poll_and_epoll)
{
	struct butter_source *source = open_kind(_i);
	int fd = butter_source_fd(source), epfd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ready = {.events = EPOLLIN};
	struct timeval none = {0};
	fd_set set;
	ck_assert_int_eq(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ready), 0);
	for (int fired = 0; fired < 2; fired++) {
		FD_ZERO(&set);
		FD_SET(fd, &set);
		ck_assert_int_eq(select(fd + 1, &set, NULL, NULL, &none), fired);
		ck_assert_int_eq(poll_in(fd, 0), fired ? POLLIN : 0);
		ck_assert_int_eq(epoll_wait(epfd, &ready, 1, 0), fired);
		kinds[_i].fire(source);
	}
	close(epfd);
	butter_source_close(source);
}
END_TEST

static void close_it(void *source)
{
	int fd = butter_source_fd(source);
	butter_source_close(source);
	ck_assert_fails(fcntl(fd, F_GETFD), EBADF);
}

START_TEST(close_in_a_forked_child_leaves_the_parents_as_it_was)
{
	struct butter_source *source = open_kind(_i);
	kinds[_i].fire(source);
	in_child(close_it, source);
	ck_assert_int_eq(butter_source_read_event(source, &event), 1);
	assert_drained(_i, source);
	butter_source_close(source);
}
END_TEST

START_TEST(close_keeps_errno)
{
	struct butter_source *source = open_kind(_i);
	close(butter_source_fd(source)); /* so that close(2) fails */
	errno = MARK;
	butter_source_close(source);
	ck_assert_int_eq(errno, MARK);
}
END_TEST

SUITE(event_object)
{
	EVERY_KIND(source_is_named_and_knows_the_size_of_its_events);
	EVERY_KIND(open_makes_the_fd_close_on_exec_and_nonblocking);
	EVERY_KIND(open_tells_the_calls_errno);
	EVERY_KIND(open_without_memory_is_ENOMEM_and_leaks_nothing);
	EVERY_KIND(open_at_the_fd_limit_is_EMFILE);
	EVERY_KIND_OF_FD(from_fd_sets_both_flags_and_owns_the_fd);
	EVERY_KIND_OF_FD(from_fd_of_no_open_fd_is_EBADF);
	EVERY_KIND_OF_FD(from_fd_that_fails_leaves_the_fd_with_the_caller);
	EVERY_KIND(release_gives_the_fd_back_open);
	EVERY_KIND(read_event_is_0_when_there_is_nothing_and_touches_neither_ret_nor_errno);
	EVERY_KIND(read_event_is_1_for_an_event_and_keeps_errno);
	EVERY_KIND(read_event_tells_what_read_failed_with);
	tcase_add_loop_test(tc, a_short_read_is_EBADMSG_and_the_next_call_reads_afresh, 0, KINDS_READ);
	EVERY_KIND(read_events_of_none_is_EINVAL);
	EVERY_KIND(pending_counts_what_was_read_and_not_handed_out);
	EVERY_KIND(wait_event_below_minus_1_is_EINVAL);
	EVERY_KIND(wait_event_waits_as_long_as_it_is_told);
	EVERY_KIND(wait_event_passes_EINTR_on);
	EVERY_KIND(wait_event_waits_again_when_the_event_is_gone);
	EVERY_KIND(wait_event_tells_what_ppoll_failed_with);
	EVERY_KIND(the_fd_tells_select_poll_and_epoll);
	EVERY_KIND(close_in_a_forked_child_leaves_the_parents_as_it_was);
	EVERY_KIND(close_keeps_errno);
}
