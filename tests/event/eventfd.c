/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include <butter/eventfd.h>
#include <butter/source.h>

#include "test.h"

static struct butter_eventfd *x;
static struct butter_eventfd_event ev;

START_TEST(the_typed_verbs_are_the_sources)
{
	x = butter_eventfd_open(5, 0);
	ck_assert_ptr_eq(butter_eventfd_source(x), (struct butter_source *)x);
	ck_assert_int_eq(butter_eventfd_fd(x), butter_source_fd(butter_eventfd_source(x)));
	ck_assert_int_eq(butter_eventfd_read_event(x, &ev), 1);
	ck_assert_uint_eq(ev.value, 5);
	ck_assert_int_eq(butter_eventfd_add(x, 6), 0);
	ck_assert_uint_eq(butter_eventfd_pending(x), 0);
	ck_assert_int_eq(butter_eventfd_read_events(x, &ev, 8), 1);
	ck_assert_uint_eq(ev.value, 6);
	ck_assert_int_eq(butter_eventfd_wait_event(x, &ev, 0), 0);
	int fd = butter_eventfd_release(x);
	x = butter_eventfd_from_fd(fd);
	ck_assert_int_eq(butter_eventfd_fd(x), fd);
	butter_eventfd_close(x);
	butter_eventfd_close(NULL);
	ck_assert_fails(butter_eventfd_release(NULL), EINVAL);
	ck_assert_null_errno(butter_eventfd_open(0, 2), EINVAL);
}
END_TEST

START_TEST(an_event_is_the_sum_of_what_was_added)
{
	x = butter_eventfd_open(0, 0);
	ck_assert_int_eq(butter_eventfd_add(x, 40), 0);
	ck_assert_int_eq(butter_eventfd_add(x, 2), 0);
	ck_assert_int_eq(butter_eventfd_read_event(x, &ev), 1);
	ck_assert_uint_eq(ev.value, 42);
	ck_assert_int_eq(butter_eventfd_read_event(x, &ev), 0);
	butter_eventfd_close(x);
}
END_TEST

START_TEST(a_semaphore_gives_one_event_for_each_unit)
{
	x = butter_eventfd_open(1, EFD_SEMAPHORE);
	ck_assert_int_eq(butter_eventfd_add(x, 2), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(butter_eventfd_read_events(x, &ev, 1), 1);
		ck_assert_uint_eq(ev.value, 1);
	}
	ck_assert_int_eq(butter_eventfd_read_event(x, &ev), 0);
	butter_eventfd_close(x);
}
END_TEST

START_TEST(a_full_counter_is_EAGAIN_and_keeps_its_value)
{
	x = butter_eventfd_open(0, 0);
	ck_assert_int_eq(butter_eventfd_add(x, UINT64_MAX - 1), 0);
	ck_assert_fails(butter_eventfd_add(x, 1), EAGAIN);
	ck_assert_fails(butter_eventfd_add(x, UINT64_MAX), EINVAL);
	ck_assert_int_eq(butter_eventfd_add(x, 0), 0);
	struct pollfd pfd = {.fd = butter_eventfd_fd(x), .events = POLLIN | POLLOUT};
	ck_assert_int_eq(poll(&pfd, 1, 0), 1);
	ck_assert_int_eq(pfd.revents, POLLIN);
	ck_assert_int_eq(butter_eventfd_read_event(x, &ev), 1);
	ck_assert_uint_eq(ev.value, UINT64_MAX - 1);
	butter_eventfd_close(x);
}
END_TEST

START_TEST(adding_nothing_wakes_nobody)
{
	x = butter_eventfd_open(0, 0);
	ck_assert_int_eq(butter_eventfd_add(x, 0), 0);
	ck_assert_int_eq(poll_in(butter_eventfd_fd(x), 0), 0);
	butter_eventfd_close(x);
}
END_TEST

enum { THREADS = 4, ADDS = 10000 };

static void *adder(void *unused)
{
	(void)unused;
	for (int i = 0; i < ADDS; i++)
		if (butter_eventfd_add(x, 1) < 0)
			return x;
	return NULL;
}

START_TEST(threads_may_add_while_another_reads)
{
	pthread_t threads[THREADS];
	uint64_t sum = 0;
	void *failed;
	x = butter_eventfd_open(0, 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, adder, NULL), 0);
	while (sum < THREADS * ADDS) {
		ck_assert_int_eq(butter_eventfd_wait_event(x, &ev, -1), 1);
		sum += ev.value;
	}
	for (int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
		ck_assert_ptr_null(failed);
	}
	ck_assert_uint_eq(sum, THREADS * ADDS);
	butter_eventfd_close(x);
}
END_TEST

static void handler(int signo)
{
	(void)signo;
	butter_eventfd_add(x, 3);
}

START_TEST(a_signal_handler_may_add)
{
	x = butter_eventfd_open(0, 0);
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	ck_assert_int_eq(butter_eventfd_read_event(x, &ev), 1);
	ck_assert_uint_eq(ev.value, 3);
	butter_eventfd_close(x);
}
END_TEST

START_TEST(decode_takes_8_bytes_at_any_alignment)
{
	uint64_t value = UINT64_C(0x0102030405060708);
	unsigned char buf[24];
	for (size_t shift = 0; shift < 8; shift++) {
		memcpy(buf + shift, &value, sizeof(value));
		ck_assert_int_eq(butter_eventfd_decode(buf + shift, 16, &ev), 8);
		ck_assert_uint_eq(ev.value, value);
	}
	for (size_t len = 0; len < 8; len++)
		ck_assert_int_eq(butter_eventfd_decode(buf, len, &ev), 0);
	ck_assert_int_eq(butter_eventfd_decode(&value, 8, NULL), 8);
	value = 0;
	ck_assert_fails(butter_eventfd_decode(&value, 8, &ev), EBADMSG);
}
END_TEST

SUITE(event_eventfd)
{
	tcase_add_test(tc, the_typed_verbs_are_the_sources);
	tcase_add_test(tc, an_event_is_the_sum_of_what_was_added);
	tcase_add_test(tc, a_semaphore_gives_one_event_for_each_unit);
	tcase_add_test(tc, a_full_counter_is_EAGAIN_and_keeps_its_value);
	tcase_add_test(tc, adding_nothing_wakes_nobody);
	tcase_add_test(tc, threads_may_add_while_another_reads);
	tcase_add_test(tc, a_signal_handler_may_add);
	tcase_add_test(tc, decode_takes_8_bytes_at_any_alignment);
}
