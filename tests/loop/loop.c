/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "child.h"
#include "fault.h"
#include "notes.h"

static struct butter_ev_timer timer;
static struct butter_ev_io io;
static struct butter_ev_async async;
static struct butter_ev_signal sig;
static struct butter_ev_fork forked;
static struct butter_ev_cleanup cleanup;

NOTING(timer)
NOTING(io)
NOTING(async)
NOTING(signal)
NOTING(fork)

START_TEST(options_are_judged)
{
	struct butter_loop_options o = {.size = sizeof(o), .flags = 1};
	ck_assert_null_errno(butter_loop_new(&o), EINVAL);
	o = (struct butter_loop_options){.size = sizeof(o), .reserved = {0, 0, 1, 0}};
	ck_assert_null_errno(butter_loop_new(&o), EINVAL);
	o = (struct butter_loop_options){.size = 1};
	ck_assert_null_errno(butter_loop_new(&o), EINVAL);
	struct {
		struct butter_loop_options o;
		uint64_t more;
	} larger = {.o.size = sizeof(larger), .more = 1};
	ck_assert_null_errno(butter_loop_new(&larger.o), E2BIG);
	larger.more = 0;
	larger.o.userdata = &larger;
	loop = butter_loop_new(&larger.o);
	ck_assert_ptr_eq(butter_loop_userdata(loop), &larger);
	butter_loop_set_userdata(loop, &o);
	ck_assert_ptr_eq(butter_loop_userdata(loop), &o);
	free_loop();
	errno = 4711;
	butter_loop_free(NULL);
	ck_assert_int_eq(errno, 4711);
}
END_TEST

START_TEST(a_loop_that_cannot_be_made_leaves_nothing)
{
	static const struct {
		enum fault_call call;
		int error;
	} faults[] = {{FAULT_CALLOC, ENOMEM},
		      {FAULT_EPOLL_CREATE1, EMFILE},
		      {FAULT_EVENTFD, ENFILE},
		      {FAULT_EPOLL_PWAIT2, EFAULT}};
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (unsigned nth = 1;; nth++) {
			fault_clear();
			fault_error(faults[i].call, nth, faults[i].error);
			errno = 0;
			loop = butter_loop_new(NULL);
			if (loop)
				break;
			ck_assert(fault_happened(faults[i].call));
			ck_assert_int_eq(errno, faults[i].error);
		}
		ck_assert(!fault_happened(faults[i].call));
		free_loop();
	}
}
END_TEST

static unsigned invoked, released, acquired;

static void count_invoke(struct butter_loop *in)
{
	invoked++;
	butter_loop_invoke_pending(in);
}

static void count_release(struct butter_loop *in)
{
	(void)in;
	ck_assert_uint_eq(released++, acquired);
}

static void count_acquire(struct butter_loop *in)
{
	(void)in;
	ck_assert_uint_eq(++acquired, released);
}

START_TEST(the_hooks_are_called_around_the_wait_and_for_what_is_pending)
{
	new_loop();
	butter_loop_set_hooks(loop, count_release, count_acquire);
	butter_loop_set_invoke_pending(loop, count_invoke);
	butter_ev_timer_init(&timer, note_timer, 0, 0);
	timer.ev.data = NUMBER(1);
	butter_ev_timer_start(loop, &timer);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_uint_eq(released, 1);
	ck_assert_uint_eq(acquired, 1);
	ck_assert_uint_eq(invoked, 1);
	ck_assert_noted(1);
	butter_loop_set_hooks(loop, NULL, NULL);
	butter_loop_set_invoke_pending(loop, NULL);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_uint_eq(released + acquired + invoked, 3);
	free_loop();
}
END_TEST

START_TEST(collecting_lets_fds_and_timers_come_later_and_together)
{
	int pair[2];
	new_loop();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	butter_loop_set_io_collect(loop, 3 * MILLISECOND);
	butter_ev_io_init(&io, note_io, pair[0], BUTTER_EV_WRITE);
	io.ev.data = NUMBER(0);
	butter_ev_io_start(loop, &io);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	int64_t before = butter_loop_now(loop);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_int_ge(butter_loop_now(loop) - before, 3 * MILLISECOND);
	ck_assert_noted(0, 0);
	butter_ev_io_stop(loop, &io);
	butter_loop_set_io_collect(loop, LONG);
	butter_ev_timer_init(&timer, note_timer, MILLISECOND, 0);
	timer.ev.data = NUMBER(1);
	butter_ev_timer_start(loop, &timer);
	butter_loop_run(loop, BUTTER_RUN_ONCE); /* no later for the fds */
	ck_assert_noted(1);
	butter_loop_set_io_collect(loop, -1);
	butter_loop_set_timeout_collect(loop, 2 * MILLISECOND);
	before = clock_ns(CLOCK_MONOTONIC);
	butter_ev_timer_start(loop, &timer);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_int_ge(clock_ns(CLOCK_MONOTONIC) - before, 3 * MILLISECOND);
	ck_assert_noted(1);
	butter_loop_set_timeout_collect(loop, -1);
	close(pair[0]);
	close(pair[1]);
	free_loop();
}
END_TEST

static void stop_another(struct butter_loop *in, struct butter_ev_cleanup *w, uint32_t revents)
{
	(void)w;
	ck_assert_uint_eq(revents, BUTTER_EV_CLEANUP);
	butter_ev_io_stop(in, &io);
	butter_ev_feed(in, &timer, BUTTER_EV_CUSTOM);
	note(1);
}

START_TEST(a_freed_loop_leaves_its_watchers_inactive)
{
	new_loop();
	butter_ev_io_init(&io, note_io, 0, BUTTER_EV_READ);
	butter_ev_io_start(loop, &io);
	butter_ev_timer_init(&timer, note_timer, 1, 1);
	butter_ev_timer_start(loop, &timer);
	butter_ev_signal_init(&sig, note_signal, SIGUSR1);
	butter_ev_signal_start(loop, &sig);
	butter_ev_async_init(&async, note_async);
	butter_ev_async_start(loop, &async);
	butter_ev_cleanup_init(&cleanup, stop_another);
	butter_ev_cleanup_start(loop, &cleanup);
	errno = 4711;
	free_loop();
	ck_assert_int_eq(errno, 4711);
	ck_assert_noted(1);
	ck_assert(!butter_ev_is_active(&io) && !butter_ev_is_active(&timer) && !butter_ev_is_pending(&timer));
	ck_assert(!butter_ev_is_active(&sig) && !butter_ev_is_active(&async));
	sigset_t mask;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	ck_assert(!sigismember(&mask, SIGUSR1));
}
END_TEST

static int fork_pair[2];

static void start_all(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fork_pair), 0);
	butter_ev_io_init(&io, note_io, fork_pair[0], BUTTER_EV_READ);
	io.ev.data = NUMBER(1);
	butter_ev_async_init(&async, note_async);
	async.ev.data = NUMBER(2);
	butter_ev_signal_init(&sig, note_signal, SIGUSR1);
	sig.ev.data = NUMBER(3);
	butter_ev_timer_init(&timer, note_timer, 0, LONG);
	butter_ev_timer_set_clock(&timer, CLOCK_BOOTTIME, 0);
	timer.ev.data = NUMBER(4);
	butter_ev_fork_init(&forked, note_fork);
	forked.ev.data = NUMBER(5);
	ck_assert_int_eq(butter_ev_start(loop, &io), 0);
	ck_assert_int_eq(butter_ev_start(loop, &async), 0);
	ck_assert_int_eq(butter_ev_start(loop, &sig), 0);
	ck_assert_int_eq(butter_ev_start(loop, &timer), 0);
	ck_assert_int_eq(butter_ev_start(loop, &forked), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(4);
}

/* All that is the parent's still works afterwards. */
static void use_all(void)
{
	char byte;
	ck_assert_int_eq(butter_ev_is_active(&io), 1);
	ck_assert_int_eq(write(fork_pair[1], "x", 1), 1);
	butter_ev_async_send(loop, &async);
	ck_assert_int_eq(raise(SIGUSR1), 0);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	while (note_count < 3)
		butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_int_eq(notes[0] + notes[1], 5);
	notes[0] = 2, notes[1] = 3;
	ck_assert_noted(2, 3, 1);
	ck_assert_int_eq(read(fork_pair[0], &byte, 1), 1);
}

static void stop_all(struct butter_loop *in)
{
	butter_ev_stop(in, &io);
	butter_ev_stop(in, &async);
	butter_ev_stop(in, &sig);
	butter_ev_stop(in, &timer);
	butter_ev_stop(in, &forked);
}

static void child_tells_the_loop(void *unused)
{
	(void)unused;
	ck_assert_int_eq(butter_loop_fork(loop), 0);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(5);
	use_all();
	stop_all(loop);
	butter_loop_free(loop);
}

static void child_tells_nobody(void *unused)
{
	(void)unused;
	butter_ev_async_send(loop, &async);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(5, 2);
	use_all();
	butter_loop_free(loop);
}

static void child_stops_all(void *unused)
{
	(void)unused;
	stop_all(loop);
	butter_loop_free(loop);
}

static void child_frees(void *unused)
{
	(void)unused;
	butter_loop_free(loop);
}

START_TEST(the_parent_notices_nothing_of_what_a_child_does)
{
	static void (*const children[])(void *) = {child_tells_the_loop, child_tells_nobody, child_stops_all,
						   child_frees};
	new_loop();
	start_all();
	for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
		in_child(children[i], NULL);
		butter_loop_run(loop, BUTTER_RUN_NOWAIT);
		ck_assert_noted_nothing();
		use_all();
	}
	stop_all(loop);
	close(fork_pair[0]);
	close(fork_pair[1]);
	free_loop();
}
END_TEST

START_TEST(telling_of_a_fork_may_fail_and_be_done_again)
{
	static const enum fault_call calls[] = {FAULT_EPOLL_CREATE1, FAULT_DUP3, FAULT_EVENTFD,
						FAULT_TIMERFD_CREATE, FAULT_SIGNALFD};
	new_loop();
	start_all();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		fault_error(calls[i], 1, EMFILE);
		ck_assert_fails(butter_loop_fork(loop), EMFILE);
	}
	errno = 4711;
	ck_assert_int_eq(butter_loop_fork(loop), 0);
	ck_assert_int_eq(errno, 4711);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(5);
	use_all();
	stop_all(loop);
	close(fork_pair[0]);
	close(fork_pair[1]);
	free_loop();
}
END_TEST

/* As before Linux 4.14: butter_loop_fork() has to tell. */
START_TEST(a_loop_works_where_the_kernel_does_not_tell_of_forks)
{
	fault_error(FAULT_MADVISE, 1, EINVAL);
	errno = 4711;
	new_loop();
	ck_assert_int_eq(errno, 4711);
	start_all();
	in_child(child_tells_the_loop, NULL);
	use_all();
	stop_all(loop);
	free_loop();
	fault_error(FAULT_MMAP, 1, ENOMEM);
	new_loop();
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	free_loop();
	close(fork_pair[0]);
	close(fork_pair[1]);
}
END_TEST

SUITE(loop_loop)
{
	tcase_add_test(tc, options_are_judged);
	tcase_add_test(tc, a_loop_that_cannot_be_made_leaves_nothing);
	tcase_add_test(tc, the_hooks_are_called_around_the_wait_and_for_what_is_pending);
	tcase_add_test(tc, collecting_lets_fds_and_timers_come_later_and_together);
	tcase_add_test(tc, a_freed_loop_leaves_its_watchers_inactive);
	tcase_add_test(tc, the_parent_notices_nothing_of_what_a_child_does);
	tcase_add_test(tc, telling_of_a_fork_may_fail_and_be_done_again);
	tcase_add_test(tc, a_loop_works_where_the_kernel_does_not_tell_of_forks);
}
