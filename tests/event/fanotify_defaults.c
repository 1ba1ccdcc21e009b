/* SPDX-License-Identifier: MIT */
/* What is closed unanswered gets the default response; and the options. */
#include <fcntl.h>

#include "opener.h"
#include "test.h"

static struct butter_fanotify_options by_default(uint32_t response)
{
	return (struct butter_fanotify_options){.size = sizeof(struct butter_fanotify_options),
						.default_response = response};
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* What the opener gets for a default response; what the group may not give falls back to the plain one. */
static const struct {
	unsigned flags;
	uint32_t response;
	int error;
} defaults[] = {
	{FAN_CLASS_CONTENT, 0, 0},
	{FAN_CLASS_CONTENT, FAN_ALLOW, 0},
	{FAN_CLASS_CONTENT, FAN_DENY, EPERM},
	{FAN_CLASS_CONTENT, BUTTER_FAN_DENY_ERRNO(EIO), EPERM},
	{FAN_CLASS_CONTENT, FAN_DENY | FAN_AUDIT, EPERM},
	{FAN_CLASS_CONTENT, FAN_ALLOW | FAN_AUDIT, 0},
	{FAN_CLASS_CONTENT | FAN_ENABLE_AUDIT, FAN_DENY | FAN_AUDIT, EPERM},
	{FAN_CLASS_CONTENT, FAN_DENY | 1U << 20, EPERM},
	{FAN_CLASS_PRE_CONTENT, BUTTER_FAN_DENY_ERRNO(ENOENT), EPERM},
	{FAN_CLASS_PRE_CONTENT, FAN_DENY, EPERM},
};
enum { DEFAULTS = sizeof(defaults) / sizeof(defaults[0]) };

static void close_unanswered(unsigned flags, uint32_t response, int error)
{
	const struct butter_fanotify_options options = by_default(response);
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file(flags, &options, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	int fd = ev.fd;
	errno = 4242;
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(errno, 4242);
	ck_assert_int_eq(ended_with(opener), error);
	ck_assert(!is_open(fd));
	butter_fanotify_close(x);
}

START_TEST(event_close_gives_the_default_response)
{
	close_unanswered(defaults[_i].flags, defaults[_i].response, defaults[_i].error);
}
END_TEST

START_TEST(the_default_response_may_have_an_errno)
{
	if (linux_is_at_least(6, 14))
		close_unanswered(FAN_CLASS_PRE_CONTENT, BUTTER_FAN_DENY_ERRNO(EBUSY), EBUSY);
}
END_TEST

START_TEST(a_second_event_close_does_nothing)
{
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT | FAN_REPORT_PIDFD, NULL, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	int fd = ev.fd, pidfd = ev.pidfd;
	ck_assert_int_ge(pidfd, 0);
	butter_fanotify_event_close(x, &ev);
	ck_assert(!is_open(fd) && !is_open(pidfd));
	ck_assert_int_eq(ev.fd, FAN_NOFD);
	ck_assert_int_eq(ev.pidfd, FAN_NOPIDFD);
	ck_assert_uint_eq(ev.permission, 0);
	int same = dup(0), other = dup(0);
	ck_assert(is_open(fd) && is_open(pidfd));
	butter_fanotify_event_close(x, &ev);
	ck_assert(is_open(fd) && is_open(pidfd));
	close(same);
	close(other);
	ck_assert_int_eq(ended_with(opener), 0);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(event_close_after_the_answer_changes_no_answer)
{
	const struct butter_fanotify_options options = by_default(FAN_DENY);
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, &options, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), 0);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(ended_with(opener), 0);
	butter_fanotify_close(x);
}
END_TEST

/* A kept fd: the caller takes it out of the event. */
START_TEST(event_close_leaves_an_fd_that_was_taken_out)
{
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, NULL, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	int fd = ev.fd;
	ev.fd = FAN_NOFD;
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(ended_with(opener), 0);
	ck_assert(is_open(fd));
	close(fd);
	butter_fanotify_close(x);
}
END_TEST

enum { OPENERS = 9, HANDED_OUT = 4 };

/* Where events may be cached. */
static unsigned with_batches(void)
{
	return linux_is_at_least(6, 13) ? FAN_REPORT_FD_ERROR : 0;
}

/*
 * Some are handed out, some cached, the rest still in the kernel's queue, which allows them when the last
 * fd of the group is closed.
 */
static void end_with_questions(uint32_t response, int with_timeout, int (*end)(struct butter_fanotify *))
{
	struct butter_fanotify_options options = by_default(response);
	struct butter_fanotify_event ev[HANDED_OUT];
	const char *path;
	pid_t openers[OPENERS];
	options.answer_timeout = with_timeout ? INT64_MAX : 0;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT | with_batches(), &options, &path);
	if (!x)
		return;
	for (size_t i = 0; i < OPENERS; i++)
		openers[i] = start_opener(x, path);
	await_stuck(openers, OPENERS);
	for (size_t i = 0; i < HANDED_OUT; i++)
		ev[i] = await_question(x);
	size_t asked = HANDED_OUT + butter_fanotify_pending(x), denied = 0;
	ck_assert(asked > HANDED_OUT || !with_batches());
	int group = end(x);
	if (group >= 0)
		close(group);
	for (size_t i = 0; i < HANDED_OUT; i++)
		close(ev[i].fd);
	for (size_t i = 0; i < OPENERS; i++)
		denied += ended_with(openers[i]) == EPERM;
	ck_assert_uint_eq(denied, response == FAN_DENY ? asked : 0);
}

static int by_close(struct butter_fanotify *x)
{
	errno = 4242;
	butter_fanotify_close(x);
	ck_assert_int_eq(errno, 4242);
	return -1;
}

START_TEST(close_gives_the_default_response_to_all_that_were_read)
{
	end_with_questions(FAN_ALLOW, _i, by_close);
	end_with_questions(FAN_DENY, _i, by_close);
}
END_TEST

START_TEST(release_gives_the_default_response_to_all_that_were_read)
{
	end_with_questions(FAN_ALLOW, _i, butter_fanotify_release);
	end_with_questions(FAN_DENY, _i, butter_fanotify_release);
}
END_TEST

START_TEST(release_gives_the_groups_fd_back)
{
	const struct butter_fanotify_options options = {.size = sizeof(options),
							.answer_timeout = TIMEOUT_NS};
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, &options, &path);
	if (!x)
		return;
	int set = butter_fanotify_fd(x), group = butter_fanotify_release(x);
	ck_assert_int_ne(group, set);
	ck_assert(!is_open(set));
	ck_assert_int_eq(fcntl(group, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(group, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	x = butter_fanotify_from_fd(group, FAN_CLASS_CONTENT, NULL);
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(butter_fanotify_fd(x), group);
	struct butter_fanotify_event ev = ask(x, path, &opener);
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_DENY, NULL), 0);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(ended_with(opener), EPERM);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(max_fds_outstanding_is_EBUSY_until_one_is_answered)
{
	const struct butter_fanotify_options options = {.size = sizeof(options), .max_fds = 3};
	struct butter_fanotify_event ev[4], poison = {.mask = 4242};
	const char *path;
	pid_t openers[4];
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, &options, &path);
	if (!x)
		return;
	for (size_t i = 0; i < 3; i++)
		ev[i] = ask(x, path, &openers[i]);
	ck_assert_fails(butter_fanotify_read_event(x, &poison), EBUSY);
	openers[3] = start_opener(x, path);
	ck_assert_int_ne(poll_in(butter_fanotify_fd(x), TIMEOUT * 1000), 0);
	ck_assert_fails(butter_fanotify_wait_event(x, &poison, TIMEOUT_NS), EBUSY);
	ck_assert_fails(butter_fanotify_read_events(x, &poison, 1), EBUSY);
	ck_assert_uint_eq(poison.mask, 4242);
	butter_fanotify_event_close(x, &ev[1]);
	ev[1] = await_question(x);
	ck_assert_fails(butter_fanotify_read_event(x, &poison), EBUSY);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(butter_fanotify_respond(x, &ev[i], FAN_ALLOW, NULL), 0);
		butter_fanotify_event_close(x, &ev[i]);
	}
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(ended_with(openers[i]), 0);
	ck_assert_int_eq(butter_fanotify_read_event(x, &poison), 0);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(options_that_cannot_be_are_EINVAL)
{
	const size_t size = sizeof(struct butter_fanotify_options);
	const struct butter_fanotify_options wrong[] = {
		{.size = 0},
		{.size = sizeof(size_t) - 1},
		{.size = size, .max_fds = (1 << 16) + 1},
		{.size = size, .max_paths = (1 << 20) + 1},
		{.size = size, .reserved = 1},
		{.size = size, .answer_timeout = -1},
		{.size = size, .answer_timeout = INT64_MIN},
		{.size = size, .answer_timeout = 1},
		{.size = size, .default_response = FAN_ALLOW | FAN_DENY},
		{.size = size, .default_response = FAN_AUDIT},
	};
	int fd = butter_fanotify_init(FAN_REPORT_FID | FAN_CLOEXEC, O_RDONLY);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_null_errno(butter_fanotify_open(FAN_REPORT_FID, O_RDONLY, &wrong[i]), EINVAL);
		ck_assert_null_errno(butter_fanotify_from_fd(fd, FAN_REPORT_FID, &wrong[i]), EINVAL);
	}
	ck_assert(is_open(fd));
	close(fd);
}
END_TEST

/* As built with an older butter, or with a newer one that had more to say, or had not. */
START_TEST(options_may_be_shorter_or_longer_than_this_butters)
{
	struct {
		struct butter_fanotify_options known;
		uint64_t later;
	} options = {.known = {.size = sizeof(options)}};
	struct butter_fanotify *x = butter_fanotify_open(FAN_REPORT_FID, O_RDONLY, &options.known);
	ck_assert_ptr_nonnull(x);
	butter_fanotify_close(x);
	options.later = 1;
	ck_assert_null_errno(butter_fanotify_open(FAN_REPORT_FID, O_RDONLY, &options.known), E2BIG);
	options.known.size = sizeof(size_t);
	options.known.reserved = 1;
	x = butter_fanotify_open(FAN_REPORT_FID, O_RDONLY, &options.known);
	ck_assert_ptr_nonnull(x);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(open_always_adds_close_on_exec_and_nonblocking_for_the_events_too)
{
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, NULL, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	ck_assert_int_eq(fcntl(ev.fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(ev.fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(ended_with(opener), 0);
	int fd = butter_fanotify_fd(x);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	butter_fanotify_close(x);
}
END_TEST

/* What is said of the group must be true; when it is not, nothing worse comes of it than a default answer. */
START_TEST(from_fd_with_flags_that_are_not_the_groups_harms_nobody)
{
	const unsigned lie = FAN_CLASS_CONTENT | FAN_REPORT_FID | FAN_REPORT_PIDFD | FAN_REPORT_FD_ERROR;
	const struct butter_fanotify_options options = {.size = sizeof(options), .max_fds = 1};
	const char *path;
	struct butter_fanotify_event ev;
	pid_t openers[24];
	size_t questions = 0;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, NULL, &path);
	if (!x)
		return;
	x = butter_fanotify_from_fd(butter_fanotify_release(x), lie, &options);
	for (size_t i = 0; i < 24; i++)
		openers[i] = start_opener(x, path);
	await_stuck(openers, 24);
	for (int n; (n = butter_fanotify_read_event(x, &ev)) != 0;) {
		ck_assert_int_eq(n, 1);
		questions += ev.permission != 0;
		butter_fanotify_event_close(x, &ev);
	}
	ck_assert_uint_lt(questions, 24);
	for (size_t i = 0; i < 24; i++)
		ck_assert_int_eq(ended_with(openers[i]), 0);
	butter_fanotify_close(x);
}
END_TEST

SUITE(event_fanotify_defaults)
{
	tcase_add_loop_test(tc, event_close_gives_the_default_response, 0, DEFAULTS);
	tcase_add_test(tc, the_default_response_may_have_an_errno);
	tcase_add_test(tc, a_second_event_close_does_nothing);
	tcase_add_test(tc, event_close_after_the_answer_changes_no_answer);
	tcase_add_test(tc, event_close_leaves_an_fd_that_was_taken_out);
	tcase_add_loop_test(tc, close_gives_the_default_response_to_all_that_were_read, 0, 2);
	tcase_add_loop_test(tc, release_gives_the_default_response_to_all_that_were_read, 0, 2);
	tcase_add_test(tc, release_gives_the_groups_fd_back);
	tcase_add_test(tc, max_fds_outstanding_is_EBUSY_until_one_is_answered);
	tcase_add_test(tc, options_that_cannot_be_are_EINVAL);
	tcase_add_test(tc, options_may_be_shorter_or_longer_than_this_butters);
	tcase_add_test(tc, open_always_adds_close_on_exec_and_nonblocking_for_the_events_too);
	tcase_add_test(tc, from_fd_with_flags_that_are_not_the_groups_harms_nobody);
}
