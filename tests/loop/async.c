/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <signal.h>

#include "fault.h"
#include "notes.h"

static struct butter_ev_async async[2];

NOTING(async)

static void start(int i)
{
	butter_ev_async_init(&async[i], note_async);
	async[i].ev.data = NUMBER(i);
	ck_assert_int_eq(butter_ev_async_start(loop, &async[i]), 0);
}

START_TEST(many_sends_are_one_callback_and_one_write)
{
	new_loop();
	start(0);
	start(1);
	ck_assert(!butter_ev_async_is_pending(&async[0]));
	unsigned before = fault_calls(FAULT_WRITE);
	errno = 4711;
	for (int i = 0; i < 5; i++) {
		butter_ev_async_send(loop, &async[1]);
		butter_ev_async_send(loop, &async[0]);
	}
	ck_assert_int_eq(errno, 4711);
	ck_assert_uint_eq(fault_calls(FAULT_WRITE) - before, 1);
	ck_assert(butter_ev_async_is_pending(&async[0]));
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(0, 1);
	ck_assert(!butter_ev_async_is_pending(&async[0]));
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted_nothing();
	free_loop();
}
END_TEST

START_TEST(what_is_sent_before_the_start_is_not_lost)
{
	new_loop();
	butter_ev_async_init(&async[0], note_async);
	async[0].ev.data = NUMBER(0);
	butter_ev_async_send(loop, &async[0]);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted_nothing();
	ck_assert_int_eq(butter_ev_async_start(loop, &async[0]), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(0);
	butter_ev_async_stop(loop, &async[0]);
	butter_ev_async_send(loop, &async[0]);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted_nothing();
	free_loop();
}
END_TEST

START_TEST(a_full_counter_wakes_as_well)
{
	new_loop();
	start(0);
	fault_error(FAULT_WRITE, 1, EAGAIN);
	errno = 4711;
	butter_ev_async_send(loop, &async[0]);
	ck_assert_int_eq(errno, 4711);
	ck_assert(fault_happened(FAULT_WRITE));
	free_loop();
}
END_TEST

static void on_signal(int signo)
{
	(void)signo;
	butter_ev_async_send(loop, &async[0]);
}

START_TEST(a_signal_handler_may_send)
{
	new_loop();
	start(0);
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(0);
	free_loop();
}
END_TEST

enum { THREADS = 4, SENDS = 20000 };

/* What each thread has written before it sent, and what was seen of it. */
static uint32_t written[THREADS], seen[THREADS];

static void *sender(void *at)
{
	for (uint32_t i = 1; i <= SENDS; i++) {
		__atomic_store_n((uint32_t *)at, i, __ATOMIC_RELAXED);
		butter_ev_async_send(loop, &async[0]);
	}
	return NULL;
}

static void see(struct butter_loop *in, struct butter_ev_async *w, uint32_t revents)
{
	int complete = 1;
	(void)revents;
	for (int i = 0; i < THREADS; i++) {
		seen[i] = __atomic_load_n(&written[i], __ATOMIC_RELAXED);
		complete = complete && seen[i] == SENDS;
	}
	if (complete)
		butter_ev_async_stop(in, w);
}

START_TEST(what_was_written_before_a_send_is_seen_by_a_callback)
{
	pthread_t threads[THREADS];
	new_loop();
	butter_ev_async_init(&async[0], see);
	ck_assert_int_eq(butter_ev_async_start(loop, &async[0]), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, sender, &written[i]), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_uint_eq(seen[i], SENDS);
	}
	free_loop();
}
END_TEST

SUITE(loop_async)
{
	tcase_add_test(tc, many_sends_are_one_callback_and_one_write);
	tcase_add_test(tc, what_is_sent_before_the_start_is_not_lost);
	tcase_add_test(tc, a_full_counter_wakes_as_well);
	tcase_add_test(tc, a_signal_handler_may_send);
	tcase_add_test(tc, what_was_written_before_a_send_is_seen_by_a_callback);
}
