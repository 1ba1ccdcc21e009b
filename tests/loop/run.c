/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "fault.h"
#include "notes.h"

static struct butter_ev_timer timer;
static struct butter_ev_io io[2];
static struct butter_ev_prepare prepare;
static struct butter_ev_check check;
static struct butter_ev_async async;
static struct butter_ev_idle idle;
static struct butter_ev_defer defer;
static struct butter_ev_signal sig;

NOTING(timer)
NOTING(io)
NOTING(prepare)
NOTING(check)
NOTING(async)
NOTING(idle)
NOTING(defer)
NOTING(signal)

#define START(T, w, n, ...)                                                                                  \
	do {                                                                                                 \
		butter_ev_##T##_init(w, note_##T, ##__VA_ARGS__);                                            \
		(w)->ev.data = NUMBER(n);                                                                    \
		ck_assert_int_eq(butter_ev_##T##_start(loop, w), 0);                                         \
	} while (0)

START_TEST(callbacks_come_in_the_order_that_is_documented)
{
	int pair[2];
	new_loop();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	START(defer, &defer, 8);
	START(idle, &idle, 7);
	butter_ev_stop(loop, &idle);
	butter_ev_set_priority(&idle, 1);
	butter_ev_start(loop, &idle);
	START(io, &io[0], 6, pair[0], BUTTER_EV_WRITE);
	START(timer, &timer, 5, 0, 0);
	START(check, &check, 4);
	START(signal, &sig, 3, SIGUSR1);
	START(async, &async, 2);
	START(prepare, &prepare, 1);
	raise(SIGUSR1);
	butter_ev_async_send(loop, &async);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_int_eq(note_count, 8);
	ck_assert_int_eq(notes[2] + notes[3], 2 + 3); /* whichever epoll gives first */
	notes[2] = 2, notes[3] = 3;
	ck_assert_noted(1, 7, 2, 3, 4, 5, 6, 8);
	free_loop();
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(run_tells_whether_something_holds_the_loop)
{
	new_loop();
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_uint_eq(butter_loop_iteration(loop), 2);
	START(timer, &timer, 1, LONG, 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	butter_loop_unref(loop);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	butter_loop_ref(loop);
	butter_ev_timer_stop(loop, &timer);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_fails(butter_loop_run(loop, 3), EINVAL);
	free_loop();
}
END_TEST

static uint32_t breaks;

static void break_it(struct butter_loop *in, struct butter_ev_idle *w, uint32_t revents)
{
	(void)w, (void)revents;
	note((int)butter_loop_depth(in));
	butter_loop_break(in, breaks);
}

static void nest(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)w, (void)revents;
	butter_ev_idle_init(&idle, break_it);
	butter_ev_idle_start(in, &idle);
	note(10);
	ck_assert_int_eq(butter_loop_run(in, BUTTER_RUN_DEFAULT), 1);
	note(11);
	butter_ev_idle_stop(in, &idle);
}

START_TEST(break_ends_one_run_or_all)
{
	new_loop();
	butter_ev_timer_init(&timer, nest, 0, LONG);
	butter_ev_timer_start(loop, &timer);
	START(prepare, &prepare, 12);
	breaks = BUTTER_BREAK_ALL;
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 1);
	ck_assert_int_ge(note_count, 4);
	ck_assert_int_eq(notes[0], 12);
	ck_assert_int_eq(notes[note_count - 1], 11);
	note_count = 0;
	ck_assert_uint_eq(butter_loop_depth(loop), 0);
	butter_ev_timer_stop(loop, &timer);
	butter_ev_prepare_stop(loop, &prepare);
	breaks = BUTTER_BREAK_ONE;
	butter_ev_timer_init(&timer, nest, 0, 0);
	butter_ev_timer_start(loop, &timer);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(10, 2, 11);
	breaks = 77; /* no such break */
	butter_ev_idle_init(&idle, break_it);
	butter_ev_idle_start(loop, &idle);
	butter_loop_break(loop, BUTTER_BREAK_ALL); /* outside: nothing */
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(1);
	free_loop();
}
END_TEST

static void break_and_take_back(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)w, (void)revents;
	butter_loop_break(in, BUTTER_BREAK_ALL);
	butter_loop_break(in, BUTTER_BREAK_CANCEL);
}

START_TEST(a_break_can_be_taken_back)
{
	new_loop();
	butter_ev_timer_init(&timer, break_and_take_back, 0, 0);
	butter_ev_timer_start(loop, &timer);
	START(defer, &defer, 1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(1);
	free_loop();
}
END_TEST

static void break_early(struct butter_loop *in, struct butter_ev_prepare *w, uint32_t revents)
{
	(void)w, (void)revents;
	note(1);
	butter_loop_break(in, BUTTER_BREAK_ONE);
}

START_TEST(a_break_before_the_wait_is_not_late)
{
	new_loop();
	START(timer, &timer, 2, INT64_MAX, 0);
	butter_ev_prepare_init(&prepare, break_early);
	butter_ev_prepare_start(loop, &prepare);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 1);
	ck_assert_noted(1);
	free_loop();
}
END_TEST

START_TEST(what_was_fed_outside_comes_first)
{
	new_loop();
	START(prepare, &prepare, 1);
	START(idle, &idle, 2);
	butter_ev_feed(loop, &idle, BUTTER_EV_CUSTOM);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(2, 1, 2);
	free_loop();
}
END_TEST

static void *interrupt(void *thread)
{
	for (int i = 0; i < 20; i++) {
		pthread_kill(*(pthread_t *)thread, SIGUSR2);
		sched_yield();
	}
	return NULL;
}

static void on_signal(int signo)
{
	(void)signo;
}

START_TEST(an_interrupted_wait_goes_on_to_its_deadline)
{
	struct sigaction action = {.sa_handler = on_signal};
	pthread_t self = pthread_self(), thread;
	ck_assert_int_eq(sigaction(SIGUSR2, &action, NULL), 0);
	new_loop();
	START(timer, &timer, 1, 3 * MILLISECOND, 0);
	int64_t before = clock_ns(CLOCK_MONOTONIC);
	ck_assert_int_eq(pthread_create(&thread, NULL, interrupt, &self), 0);
	fault_error(FAULT_EPOLL_PWAIT2, 1, EINTR);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(1);
	ck_assert_int_ge(clock_ns(CLOCK_MONOTONIC) - before, 3 * MILLISECOND);
	pthread_join(thread, NULL);
	fault_error(FAULT_EPOLL_PWAIT2, 1, EINTR);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	free_loop();
}
END_TEST

START_TEST(an_error_of_the_wait_is_told)
{
	new_loop();
	START(timer, &timer, 1, LONG, 0);
	fault_error(FAULT_EPOLL_PWAIT2, 1, ENOMEM);
	ck_assert_fails(butter_loop_run(loop, BUTTER_RUN_DEFAULT), ENOMEM);
	ck_assert_uint_eq(butter_loop_depth(loop), 0);
	free_loop();
}
END_TEST

START_TEST(the_loops_fd_is_readable_when_there_is_something_to_do)
{
	int pair[2];
	new_loop();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	START(io, &io[0], 1, pair[0], BUTTER_EV_READ);
	int fd = butter_loop_fd(loop);
	ck_assert_int_eq(poll_in(fd, 0), 0);
	ck_assert_int_eq(write(pair[1], "x", 1), 1);
	ck_assert_int_ne(poll_in(fd, 0), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(1);
	butter_ev_io_stop(loop, &io[0]);
	ck_assert_int_eq(poll_in(butter_loop_fd(loop), 0), 0);
	START(timer, &timer, 2, MILLISECOND, 0);
	ck_assert_int_ne(poll_in(butter_loop_fd(loop), 10000), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(2);
	ck_assert_int_eq(poll_in(butter_loop_fd(loop), 0), 0);
	START(idle, &idle, 3);
	ck_assert_int_ne(poll_in(butter_loop_fd(loop), 10000), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(3);
	butter_ev_idle_stop(loop, &idle);
	ck_assert_int_eq(poll_in(butter_loop_fd(loop), 0), 0);
	ck_assert_int_eq(butter_loop_fd(loop), fd);
	close(pair[0]);
	close(pair[1]);
	free_loop();
}
END_TEST

START_TEST(the_loops_fd_needs_a_timerfd)
{
	new_loop();
	fault_error(FAULT_TIMERFD_CREATE, 1, EMFILE);
	ck_assert_fails(butter_loop_fd(loop), EMFILE);
	ck_assert_int_ge(butter_loop_fd(loop), 0);
	free_loop();
}
END_TEST

SUITE(loop_run)
{
	tcase_add_test(tc, callbacks_come_in_the_order_that_is_documented);
	tcase_add_test(tc, run_tells_whether_something_holds_the_loop);
	tcase_add_test(tc, break_ends_one_run_or_all);
	tcase_add_test(tc, a_break_can_be_taken_back);
	tcase_add_test(tc, a_break_before_the_wait_is_not_late);
	tcase_add_test(tc, what_was_fed_outside_comes_first);
	tcase_add_test(tc, an_interrupted_wait_goes_on_to_its_deadline);
	tcase_add_test(raw, an_error_of_the_wait_is_told);
	tcase_add_test(tc, the_loops_fd_is_readable_when_there_is_something_to_do);
	tcase_add_test(raw, the_loops_fd_needs_a_timerfd);
}
