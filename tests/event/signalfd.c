/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <butter/signalfd.h>
#include <butter/source.h>

#include "child.h"
#include "fault.h"
#include "test.h"

static struct butter_signalfd *x;
static struct butter_signalfd_event ev;

static sigset_t set_of(int signo)
{
	sigset_t set;
	sigemptyset(&set);
	if (signo)
		sigaddset(&set, signo);
	return set;
}

static int blocked(int signo)
{
	sigset_t mask;
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	return sigismember(&mask, signo);
}

static void open_blocking(int signo)
{
	sigset_t set = set_of(signo);
	x = butter_signalfd_open(&set, BUTTER_SIGNALFD_BLOCK);
	ck_assert_ptr_nonnull(x);
}

static void expect(int signo, int code)
{
	ck_assert_int_eq(butter_signalfd_wait_event(x, &ev, INT64_C(10000000000)), 1);
	ck_assert_int_eq(ev.signo, signo);
	ck_assert_int_eq(ev.code, code);
}

static void expect_nothing(void)
{
	ck_assert_int_eq(butter_signalfd_read_event(x, &ev), 0);
}

START_TEST(the_typed_verbs_are_the_sources)
{
	struct butter_signalfd_event events[4];
	sigset_t set = set_of(SIGRTMIN);
	open_blocking(SIGRTMIN);
	ck_assert_ptr_eq(butter_signalfd_source(x), (struct butter_source *)x);
	ck_assert_int_eq(butter_signalfd_fd(x), butter_source_fd(butter_signalfd_source(x)));
	for (int i = 0; i < 4; i++)
		sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
	ck_assert_int_eq(butter_signalfd_read_event(x, &ev), 1);
	ck_assert_uint_eq(butter_signalfd_pending(x), 3);
	ck_assert_fails(butter_signalfd_read_events(x, events, 0), EINVAL);
	ck_assert_int_eq(butter_signalfd_read_events(x, events, 2), 2);
	ck_assert_int_eq(events[0].value, 1);
	ck_assert_int_eq(events[1].value, 2);
	ck_assert_int_eq(butter_signalfd_wait_event(x, &ev, 0), 1);
	ck_assert_int_eq(ev.value, 3);
	int fd = butter_signalfd_release(x);
	x = butter_signalfd_from_fd(fd, &set);
	ck_assert_int_eq(butter_signalfd_fd(x), fd);
	butter_signalfd_close(x);
	butter_signalfd_close(NULL);
	ck_assert_fails(butter_signalfd_release(NULL), EINVAL);
}
END_TEST

START_TEST(open_blocks_only_when_told_and_close_never_unblocks)
{
	sigset_t set = set_of(SIGUSR1);
	x = butter_signalfd_open(&set, 0);
	ck_assert_int_eq(blocked(SIGUSR1), 0);
	butter_signalfd_close(x);
	open_blocking(SIGUSR1);
	ck_assert_int_eq(blocked(SIGUSR1), 1);
	butter_signalfd_close(x);
	ck_assert_int_eq(blocked(SIGUSR1), 1);
}
END_TEST

START_TEST(open_that_fails_blocks_nothing)
{
	sigset_t set = set_of(SIGUSR1);
	ck_assert_null_errno(butter_signalfd_open(&set, BUTTER_SIGNALFD_BLOCK | 4), EINVAL);
	fault_error(FAULT_CALLOC, 1, ENOMEM);
	ck_assert_null_errno(butter_signalfd_open(&set, BUTTER_SIGNALFD_BLOCK), ENOMEM);
	ck_assert_int_eq(blocked(SIGUSR1), 0);
}
END_TEST

START_TEST(signals_that_no_signalfd_gives_are_refused)
{
	static const int refused[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	open_blocking(0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		sigset_t set = set_of(refused[i]);
		ck_assert_null_errno(butter_signalfd_open(&set, 0), EINVAL);
		ck_assert_null_errno(butter_signalfd_from_fd(butter_signalfd_fd(x), &set), EINVAL);
		ck_assert_fails(butter_signalfd_enable(x, refused[i]), EINVAL);
		ck_assert_int_eq(butter_signalfd_has(x, refused[i]), 0);
	}
	ck_assert_null_errno(butter_signalfd_open(NULL, 0), EINVAL);
	ck_assert_fails(butter_signalfd_enable(x, 0), EINVAL);
	ck_assert_fails(butter_signalfd_enable(x, 9999), EINVAL);
	ck_assert_fails(butter_signalfd_disable(x, -1), EINVAL);
	ck_assert_fails(butter_signalfd_has(x, 9999), EINVAL);
	butter_signalfd_close(x);
}
END_TEST

START_TEST(enable_and_disable_change_the_set)
{
	open_blocking(0);
	ck_assert_int_eq(butter_signalfd_has(x, SIGUSR1), 0);
	ck_assert_int_eq(butter_signalfd_enable(x, SIGUSR1), 0);
	ck_assert_int_eq(butter_signalfd_has(x, SIGUSR1), 1);
	ck_assert_int_eq(blocked(SIGUSR1), 1);
	raise(SIGUSR1);
	expect(SIGUSR1, SI_TKILL);
	ck_assert_int_eq(butter_signalfd_disable(x, SIGUSR1), 0);
	ck_assert_int_eq(butter_signalfd_has(x, SIGUSR1), 0);
	ck_assert_int_eq(blocked(SIGUSR1), 1);
	raise(SIGUSR1);
	expect_nothing();
	butter_signalfd_close(x);
}
END_TEST

START_TEST(enable_all_takes_every_signal_but_the_refused_and_disable_all_none)
{
	open_blocking(0);
	ck_assert_int_eq(butter_signalfd_enable_all(x), 0);
	for (int signo = 1; signo <= SIGRTMAX; signo++) {
		int refused = signo == SIGKILL || signo == SIGSTOP || signo == SIGSEGV || signo == SIGBUS ||
			      signo == SIGFPE || signo == SIGILL;
		if (signo < 32 || signo >= SIGRTMIN) {
			ck_assert_int_eq(butter_signalfd_has(x, signo), !refused);
			ck_assert_int_eq(blocked(signo), !refused);
		}
	}
	ck_assert_int_eq(butter_signalfd_disable_all(x), 0);
	raise(SIGUSR1);
	raise(SIGRTMAX);
	expect_nothing();
	butter_signalfd_close(x);
}
END_TEST

START_TEST(a_change_of_the_set_that_fails_changes_nothing)
{
	open_blocking(SIGUSR2);
	fault_error(FAULT_SIGNALFD, 1, ENOMEM);
	ck_assert_fails(butter_signalfd_enable(x, SIGUSR1), ENOMEM);
	ck_assert_int_eq(butter_signalfd_has(x, SIGUSR1), 0);
	ck_assert_int_eq(blocked(SIGUSR1), 0);
	fault_error(FAULT_SIGNALFD, 1, ENOMEM);
	ck_assert_fails(butter_signalfd_disable_all(x), ENOMEM);
	ck_assert_int_eq(butter_signalfd_has(x, SIGUSR2), 1);
	butter_signalfd_close(x);
}
END_TEST

START_TEST(from_fd_blocks_nothing_and_takes_the_set_given)
{
	sigset_t one = set_of(SIGUSR1), two = set_of(SIGUSR2);
	int fd = signalfd(-1, &one, SFD_CLOEXEC);
	x = butter_signalfd_from_fd(fd, &two);
	ck_assert_int_eq(butter_signalfd_has(x, SIGUSR1), 0);
	ck_assert_int_eq(butter_signalfd_has(x, SIGUSR2), 1);
	ck_assert_int_eq(butter_signalfd_enable(x, SIGTERM), 0);
	ck_assert_int_eq(blocked(SIGUSR2), 0);
	ck_assert_int_eq(blocked(SIGTERM), 0);
	butter_signalfd_close(x);
	ck_assert_null_errno(butter_signalfd_from_fd(0, &one), EINVAL);
}
END_TEST

START_TEST(a_standard_signal_sent_twice_is_one_event)
{
	open_blocking(SIGUSR1);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	expect(SIGUSR1, SI_USER);
	ck_assert_int_eq(ev.pid, getpid());
	ck_assert_uint_eq(ev.uid, getuid());
	expect_nothing();
	butter_signalfd_close(x);
}
END_TEST

START_TEST(a_queued_value_is_an_int_and_a_pointer)
{
	int here;
	open_blocking(SIGRTMIN + 1);
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_ptr = &here});
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = -5});
	expect(SIGRTMIN + 1, SI_QUEUE);
	ck_assert_ptr_eq((void *)(uintptr_t)ev.pointer, &here);
	expect(SIGRTMIN + 1, SI_QUEUE);
	ck_assert_int_eq(ev.value, -5);
	butter_signalfd_close(x);
}
END_TEST

/* A child that has used the processor for some milliseconds; the kernel counts it by ticks. */
static pid_t busy_child(int milliseconds)
{
	pid_t pid = check_fork();
	if (pid == 0) {
		while (clock() < CLOCKS_PER_SEC / 1000 * milliseconds)
			continue;
		_exit(42);
	}
	return pid;
}

START_TEST(a_child_that_ended_is_told_with_its_status_and_times)
{
	int64_t tick = INT64_C(1000000000) / sysconf(_SC_CLK_TCK), used = 0;
	open_blocking(SIGCHLD);
	for (int milliseconds = 20; used == 0 && milliseconds < 5000; milliseconds *= 2) {
		pid_t pid = busy_child(milliseconds);
		expect(SIGCHLD, CLD_EXITED);
		ck_assert_int_eq(ev.pid, pid);
		ck_assert_int_eq(ev.status, 42);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		used = ev.utime + ev.stime;
		ck_assert_int_eq(used % tick, 0);
		ck_assert_int_lt(used, INT64_C(60000000000));
	}
	ck_assert_int_gt(used, 0);
	butter_signalfd_close(x);
}
END_TEST

START_TEST(many_children_may_be_one_SIGCHLD)
{
	open_blocking(SIGCHLD);
	for (int i = 0; i < 50; i++)
		if (check_fork() == 0)
			_exit(0);
	int reaped = 0, events = 0;
	while (reaped < 50) {
		expect(SIGCHLD, CLD_EXITED);
		events++;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			reaped++;
	}
	ck_assert_int_le(events, 50);
	butter_signalfd_close(x);
}
END_TEST

START_TEST(a_posix_timer_is_told_with_its_value_and_overrun)
{
	struct sigevent notify = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value = {.sival_int = 77}};
	struct itimerspec often = {{.tv_nsec = 1000}, {.tv_nsec = 1000}};
	timer_t timer;
	open_blocking(SIGRTMIN);
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &notify, &timer), 0);
	ck_assert_int_eq(timer_settime(timer, 0, &often, NULL), 0);
	expect(SIGRTMIN, SI_TIMER);
	ck_assert_int_eq(ev.value, 77);
	while (ev.overrun == 0) /* one read may give several, each of one expiration */
		expect(SIGRTMIN, SI_TIMER);
	ck_assert_int_eq(ev.value, 77);
	timer_delete(timer);
	butter_signalfd_close(x);
}
END_TEST

START_TEST(io_that_is_ready_is_told_with_its_fd_and_band)
{
	int pipe[2];
	open_blocking(SIGIO);
	ck_assert_int_eq(pipe2(pipe, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(pipe[0], F_SETSIG, SIGIO), 0);
	ck_assert_int_eq(fcntl(pipe[0], F_SETOWN, getpid()), 0);
	ck_assert_int_eq(fcntl(pipe[0], F_SETFL, O_ASYNC), 0);
	ck_assert_int_eq(write(pipe[1], "x", 1), 1);
	expect(SIGIO, POLL_IN);
	ck_assert_int_eq(ev.fd, pipe[0]);
	ck_assert_uint_eq(ev.band, 0x41); /* POLLIN | POLLRDNORM */
	close(pipe[0]);
	close(pipe[1]);
	butter_signalfd_close(x);
}
END_TEST

START_TEST(one_read_gives_16_records)
{
	struct butter_signalfd_event events[32];
	open_blocking(SIGRTMIN);
	for (int i = 0; i < 20; i++)
		sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
	ck_assert_int_eq(butter_signalfd_read_events(x, events, 32), 16);
	ck_assert_int_eq(events[15].value, 15);
	ck_assert_int_eq(butter_signalfd_read_events(x, events, 32), 4);
	ck_assert_int_eq(butter_signalfd_read_events(x, events, 32), 0);
	butter_signalfd_close(x);
}
END_TEST

static void queue_over_the_limit(void *unused)
{
	struct rlimit none = {0};
	(void)unused;
	open_blocking(SIGRTMIN);
	ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &none), 0);
	ck_assert_fails(sigqueue(getpid(), SIGRTMIN, (union sigval){0}), EAGAIN);
	expect_nothing();
	butter_signalfd_close(x);
}

START_TEST(a_signal_over_the_limit_is_the_senders_EAGAIN)
{
	in_child(queue_over_the_limit, NULL);
}
END_TEST

static void read_in_the_child(void *unused)
{
	(void)unused;
	expect_nothing();
	raise(SIGUSR1);
	expect(SIGUSR1, SI_TKILL);
	butter_signalfd_close(x);
}

START_TEST(a_forked_child_reads_its_own_signals)
{
	open_blocking(SIGUSR1);
	raise(SIGUSR1);
	in_child(read_in_the_child, NULL);
	expect(SIGUSR1, SI_TKILL);
	butter_signalfd_close(x);
}
END_TEST

SUITE(event_signalfd)
{
	tcase_add_test(tc, the_typed_verbs_are_the_sources);
	tcase_add_test(tc, open_blocks_only_when_told_and_close_never_unblocks);
	tcase_add_test(tc, open_that_fails_blocks_nothing);
	tcase_add_test(tc, signals_that_no_signalfd_gives_are_refused);
	tcase_add_test(tc, enable_and_disable_change_the_set);
	tcase_add_test(tc, enable_all_takes_every_signal_but_the_refused_and_disable_all_none);
	tcase_add_test(tc, a_change_of_the_set_that_fails_changes_nothing);
	tcase_add_test(tc, from_fd_blocks_nothing_and_takes_the_set_given);
	tcase_add_test(tc, a_standard_signal_sent_twice_is_one_event);
	tcase_add_test(tc, a_queued_value_is_an_int_and_a_pointer);
	tcase_add_test(tc, a_child_that_ended_is_told_with_its_status_and_times);
	tcase_add_test(tc, many_children_may_be_one_SIGCHLD);
	tcase_add_test(tc, a_posix_timer_is_told_with_its_value_and_overrun);
	tcase_add_test(tc, io_that_is_ready_is_told_with_its_fd_and_band);
	tcase_add_test(tc, one_read_gives_16_records);
	tcase_add_test(tc, a_signal_over_the_limit_is_the_senders_EAGAIN);
	tcase_add_test(tc, a_forked_child_reads_its_own_signals);
}
