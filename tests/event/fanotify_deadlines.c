/* SPDX-License-Identifier: MIT */
/* answer_timeout: who answers late has the default response given for him. */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

#include "fault.h"
#include "opener.h"
#include "test.h"

#define SOON (20 * INT64_C(1000000)) /* 20 ms */

static struct butter_fanotify *guard_until(int64_t timeout, unsigned flags, uint32_t max_fds,
					   const char **ret_path)
{
	const struct butter_fanotify_options options = {
		.size = sizeof(options),
		.max_fds = max_fds,
		.default_response = FAN_DENY,
		.answer_timeout = timeout,
	};
	return guard_file(FAN_CLASS_CONTENT | flags, &options, ret_path);
}

static int readable(struct butter_fanotify *x, int ms)
{
	return poll_in(butter_fanotify_fd(x), ms) == POLLIN;
}

/* Until time ns have passed since start. */
static void await_time(int64_t start, int64_t ns)
{
	while (clock_ns(CLOCK_MONOTONIC) - start <= ns)
		poll(NULL, 0, 1);
}

/* Nothing but the deadline makes the fd readable here. */
static void await_deadline(struct butter_fanotify *x)
{
	ck_assert(readable(x, TIMEOUT * 1000));
}

START_TEST(the_fd_is_readable_at_the_deadline_and_read_event_answers)
{
	struct butter_fanotify_event late, none = {.mask = 4242};
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_until(SOON, 0, 0, &path);
	if (!x)
		return;
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	late = ask(x, path, &opener);
	await_deadline(x);
	ck_assert_int_ge(clock_ns(CLOCK_MONOTONIC) - start, SOON);
	ck_assert(!has_ended(opener));
	errno = 4243;
	ck_assert_int_eq(butter_fanotify_read_event(x, &none), 0);
	ck_assert_int_eq(errno, 4243);
	ck_assert_uint_eq(none.mask, 4242);
	ck_assert_int_eq(ended_with(opener), EPERM);
	ck_assert(!readable(x, 0));
	ck_assert_fails(butter_fanotify_respond(x, &late, FAN_ALLOW, NULL), ENOENT);
	butter_fanotify_event_close(x, &late);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(an_answer_after_the_deadline_is_ENOENT_even_before_anything_was_read)
{
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_until(SOON, 0, 0, &path);
	if (!x)
		return;
	struct butter_fanotify_event late = ask(x, path, &opener);
	await_deadline(x);
	ck_assert_fails(butter_fanotify_respond(x, &late, FAN_ALLOW, NULL), ENOENT);
	ck_assert_int_eq(ended_with(opener), EPERM);
	ck_assert(!readable(x, 0));
	butter_fanotify_event_close(x, &late);
	butter_fanotify_close(x);
}
END_TEST

/* Another question is overdue when this one is closed: both get the default. */
START_TEST(event_close_keeps_the_deadlines_of_others)
{
	const char *path;
	pid_t openers[2];
	struct butter_fanotify *x = guard_until(SOON, 0, 0, &path);
	if (!x)
		return;
	struct butter_fanotify_event first = ask(x, path, &openers[0]);
	await_deadline(x);
	ck_assert(!has_ended(openers[0]));
	struct butter_fanotify_event other = {.permission = UINT64_MAX, .fd = FAN_NOFD, .pidfd = FAN_NOPIDFD};
	errno = 4242;
	butter_fanotify_event_close(x, &other);
	ck_assert_int_eq(errno, 4242);
	ck_assert_int_eq(ended_with(openers[0]), EPERM);
	butter_fanotify_event_close(x, &first);
	butter_fanotify_close(x);
}
END_TEST

static int open_twice(const void *path)
{
	int first = open(path, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
	int second = open(path, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
	return first == EPERM && second == 0 ? 0 : 1;
}

/* The second question can only come after the first has been denied. */
START_TEST(wait_event_keeps_deadlines_while_it_waits)
{
	const char *path;
	struct butter_fanotify *x = guard_until(SOON, 0, 0, &path);
	if (!x)
		return;
	pid_t child = start_child(x, open_twice, path);
	struct butter_fanotify_event first = await_question(x), second = await_question(x);
	if (butter_fanotify_respond(x, &second, FAN_ALLOW, NULL) < 0)
		ck_assert_int_eq(errno, ENOENT); /* a very slow machine */
	else
		ck_assert_int_eq(ended_with(child), 0);
	butter_fanotify_event_close(x, &first);
	butter_fanotify_event_close(x, &second);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(an_answer_in_time_stops_the_clock)
{
	struct butter_fanotify_event none;
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_until(TIMEOUT_NS, 0, 0, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	ck_assert_int_eq(butter_fanotify_read_event(x, &none), 0);
	ck_assert(!readable(x, 0));
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), 0);
	ck_assert_int_eq(ended_with(opener), 0);
	butter_fanotify_event_close(x, &ev);
	butter_fanotify_close(x);
}
END_TEST

/* The timer may still fire for the first: that is no event, and it fires for nothing ever after. */
START_TEST(the_timer_of_an_answered_question_wakes_once_at_most)
{
	struct butter_fanotify_event none;
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_until(SOON, 0, 0, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	int in_time = butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL) == 0;
	ck_assert_int_eq(ended_with(opener), in_time ? 0 : EPERM);
	butter_fanotify_event_close(x, &ev);
	await_time(clock_ns(CLOCK_MONOTONIC), SOON);
	ck_assert_int_eq(butter_fanotify_read_event(x, &none), 0);
	ck_assert(!readable(x, 2 * (int)(SOON / 1000000)));
	butter_fanotify_close(x);
}
END_TEST

enum { SEVERAL = 5, ANSWERED = 2 };

START_TEST(each_question_has_its_own_deadline)
{
	struct butter_fanotify_event ev[SEVERAL], none;
	int64_t asked[SEVERAL];
	const char *path;
	pid_t openers[SEVERAL];
	struct butter_fanotify *x = guard_until(5 * SOON, 0, 0, &path);
	if (!x)
		return;
	for (int i = 0; i < SEVERAL; i++) {
		asked[i] = clock_ns(CLOCK_MONOTONIC);
		ev[i] = ask(x, path, &openers[i]);
		await_time(asked[i], 1000000);
	}
	int in_time = butter_fanotify_respond(x, &ev[ANSWERED], FAN_ALLOW, NULL) == 0;
	for (int i = 0; i < SEVERAL; i++) {
		if (i == ANSWERED) {
			ck_assert_int_eq(ended_with(openers[i]), in_time ? 0 : EPERM);
			continue;
		}
		while (!has_ended(openers[i]) && clock_ns(CLOCK_MONOTONIC) - asked[i] < TIMEOUT_NS) {
			readable(x, 1);
			ck_assert_int_eq(butter_fanotify_read_event(x, &none), 0);
		}
		ck_assert_int_eq(ended_with(openers[i]), EPERM);
		ck_assert_int_ge(clock_ns(CLOCK_MONOTONIC) - asked[i], 5 * SOON);
	}
	for (int i = 0; i < SEVERAL; i++)
		butter_fanotify_event_close(x, &ev[i]);
	butter_fanotify_close(x);
}
END_TEST

/* One read gives one event, the next two: the third question of three is cached when its time comes. */
START_TEST(an_event_that_was_cached_past_its_deadline_has_no_permission)
{
	struct butter_fanotify_event ev[3];
	const char *path;
	pid_t openers[3];
	if (!linux_is_at_least(6, 13))
		return;
	struct butter_fanotify *x = guard_until(SOON, FAN_REPORT_FD_ERROR, 0, &path);
	if (!x)
		return;
	for (int i = 0; i < 3; i++)
		openers[i] = start_opener(x, path);
	await_stuck(openers, 3);
	ev[0] = await_question(x);
	ck_assert_int_eq(butter_fanotify_read_event(x, &ev[1]), 1);
	ck_assert_uint_eq(butter_fanotify_pending(x), 1);
	await_time(clock_ns(CLOCK_MONOTONIC), SOON);
	await_deadline(x);
	ck_assert_int_eq(butter_fanotify_read_event(x, &ev[2]), 1);
	ck_assert_uint_eq(ev[2].permission, 0);
	ck_assert_uint_eq(ev[2].mask, FAN_OPEN_PERM);
	ck_assert_int_ge(ev[2].fd, 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_fails(butter_fanotify_respond(x, &ev[i], FAN_ALLOW, NULL), ENOENT);
		butter_fanotify_event_close(x, &ev[i]);
		ck_assert_int_eq(ended_with(openers[i]), EPERM);
	}
	ck_assert_int_eq(butter_fanotify_read_event(x, &ev[0]), 0);
	ck_assert(!readable(x, 0));
	butter_fanotify_close(x);
}
END_TEST

/* What is late takes no place any more. */
START_TEST(a_deadline_makes_room_for_the_next_question)
{
	struct butter_fanotify_event ev[8], none;
	const char *path;
	pid_t openers[8];
	struct butter_fanotify *x = guard_until(SOON, 0, 1, &path);
	if (!x)
		return;
	for (int i = 0; i < 8; i++)
		openers[i] = start_opener(x, path);
	for (int i = 0, n; i < 8; i++) {
		while ((n = butter_fanotify_wait_event(x, &ev[i], TIMEOUT_NS)) < 0)
			ck_assert_int_eq(errno, EBUSY);
		ck_assert_int_eq(n, 1);
	}
	for (int i = 0; i < 8; i++) {
		while (!has_ended(openers[i]))
			if (butter_fanotify_read_event(x, &none) < 0)
				ck_assert_int_eq(errno, EBUSY);
		ck_assert_int_eq(ended_with(openers[i]), EPERM);
	}
	for (int i = 0; i < 8; i++)
		butter_fanotify_event_close(x, &ev[i]);
	butter_fanotify_close(x);
}
END_TEST

/* Edge-triggered: every question and every deadline is an edge of its own. */
START_TEST(an_edge_triggered_epoll_set_sees_questions_and_deadlines)
{
	struct epoll_event edge = {.events = EPOLLIN | EPOLLET};
	struct butter_fanotify_event ev, none;
	const char *path;
	struct butter_fanotify *x = guard_until(SOON, 0, 0, &path);
	if (!x)
		return;
	int set = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_eq(epoll_ctl(set, EPOLL_CTL_ADD, butter_fanotify_fd(x), &edge), 0);
	for (int round = 0; round < 5; round++) {
		pid_t opener = start_opener(x, path);
		ck_assert_int_eq(epoll_wait(set, &edge, 1, TIMEOUT * 1000), 1);
		int64_t asked = clock_ns(CLOCK_MONOTONIC);
		ck_assert_int_eq(butter_fanotify_read_event(x, &ev), 1);
		ck_assert_int_eq(butter_fanotify_read_event(x, &none), 0);
		int is_slow = clock_ns(CLOCK_MONOTONIC) - asked >= SOON; /* that may have answered it */
		while (!has_ended(opener)) {
			int edges = epoll_wait(set, &edge, 1, is_slow ? 10 : TIMEOUT * 1000);
			ck_assert(edges == 1 || is_slow);
			ck_assert_int_eq(butter_fanotify_read_event(x, &none), 0);
			if (butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL) < 0 && errno == ENOENT)
				break;
		}
		ck_assert_int_eq(ended_with(opener), EPERM);
		butter_fanotify_event_close(x, &ev);
	}
	close(set);
	butter_fanotify_close(x);
}
END_TEST

/* The timer cannot be set: the fd does not wake, but the verbs keep the deadline. */
START_TEST(without_a_timer_the_verbs_keep_deadlines)
{
	struct butter_fanotify_event none;
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_until(SOON, 0, 0, &path);
	if (!x)
		return;
	fault_error_from(FAULT_TIMERFD_SETTIME, 1, EPERM);
	errno = 4242;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	while (clock_ns(CLOCK_MONOTONIC) - start < SOON)
		ck_assert(!readable(x, 1));
	errno = 4242;
	ck_assert_int_eq(butter_fanotify_read_event(x, &none), 0);
	ck_assert_int_eq(errno, 4242);
	ck_assert_int_eq(ended_with(opener), EPERM);
	fault_clear();
	butter_fanotify_event_close(x, &ev);
	ev = ask(x, path, &opener);
	await_deadline(x);
	ck_assert_int_eq(butter_fanotify_read_event(x, &none), 0);
	ck_assert_int_eq(ended_with(opener), EPERM);
	butter_fanotify_event_close(x, &ev);
	butter_fanotify_close(x);
}
END_TEST

SUITE(event_fanotify_deadlines)
{
	tcase_add_test(tc, the_fd_is_readable_at_the_deadline_and_read_event_answers);
	tcase_add_test(tc, an_answer_after_the_deadline_is_ENOENT_even_before_anything_was_read);
	tcase_add_test(tc, event_close_keeps_the_deadlines_of_others);
	tcase_add_test(tc, wait_event_keeps_deadlines_while_it_waits);
	tcase_add_test(tc, an_answer_in_time_stops_the_clock);
	tcase_add_test(tc, the_timer_of_an_answered_question_wakes_once_at_most);
	tcase_add_test(tc, each_question_has_its_own_deadline);
	tcase_add_test(tc, an_event_that_was_cached_past_its_deadline_has_no_permission);
	tcase_add_test(tc, a_deadline_makes_room_for_the_next_question);
	tcase_add_test(tc, an_edge_triggered_epoll_set_sees_questions_and_deadlines);
	tcase_add_test(tc, without_a_timer_the_verbs_keep_deadlines);
}
