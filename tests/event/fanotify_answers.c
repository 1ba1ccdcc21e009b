/* SPDX-License-Identifier: MIT */
/* Permission events and their answers. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fault.h"
#include "opener.h"
#include "test.h"

static const unsigned classes[] = {FAN_CLASS_CONTENT, FAN_CLASS_PRE_CONTENT};
enum { CLASSES = sizeof(classes) / sizeof(classes[0]) };

/* What an opener gets who is answered so. */
static int answered(struct butter_fanotify *x, const char *path, uint32_t response,
		    const struct butter_fanotify_audit *audit)
{
	pid_t opener;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	ck_assert_uint_eq(ev.mask, FAN_OPEN_PERM);
	errno = 4242;
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, response, audit), 0);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(errno, 4242);
	return ended_with(opener);
}

START_TEST(the_opener_gets_the_answer)
{
	const char *path;
	struct butter_fanotify *x = guard_file(classes[_i], NULL, &path);
	if (!x)
		return;
	ck_assert_int_eq(answered(x, path, FAN_ALLOW, NULL), 0);
	ck_assert_int_eq(answered(x, path, FAN_DENY, NULL), EPERM);
	ck_assert_int_eq(answered(x, path, FAN_ALLOW, NULL), 0);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(only_groups_with_a_class_above_notification_may_ask)
{
	const char *path = path_in(scratch(), "file");
	struct butter_fanotify *x = guard(FAN_CLASS_NOTIF, NULL);
	if (!x)
		return;
	touch(path);
	ck_assert_fails(butter_fanotify_watch(x, AT_FDCWD, path, FAN_OPEN_PERM, 0), EINVAL);
	butter_fanotify_close(x);
}
END_TEST

/* The same file read, run, mapped by a child. */
static int read_it(const void *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return read(fd, &byte, 1) < 0 ? errno : 0;
}

static int run_it(const void *path)
{
	execl(path, path, (char *)NULL);
	return errno;
}

static const char *script(void)
{
	const char *path = path_in(scratch(), "script");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	ck_assert_int_eq(write(fd, "#!/bin/true\n", 12), 12);
	ck_assert_int_eq(ftruncate(fd, 16384), 0);
	close(fd);
	return path;
}

/* One question of this kind, answered so. */
static int answer_one(struct butter_fanotify *x, uint64_t mask, int (*act)(const void *), const char *path,
		      uint32_t response)
{
	pid_t child = start_child(x, act, path);
	struct butter_fanotify_event ev = await_question(x);
	ck_assert_uint_eq(ev.mask, mask);
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, response, NULL), 0);
	butter_fanotify_event_close(x, &ev);
	return ended_with(child);
}

START_TEST(reading_and_running_ask_too)
{
	static const struct {
		uint64_t mask;
		int (*act)(const void *);
	} kinds[] = {{FAN_ACCESS_PERM, read_it}, {FAN_OPEN_EXEC_PERM, run_it}, {FAN_OPEN_PERM, read_it}};
	struct butter_fanotify *x = guard(FAN_CLASS_CONTENT, NULL);
	if (!x)
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *path = script();
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, path, kinds[i].mask, 0), 0);
		ck_assert_int_eq(answer_one(x, kinds[i].mask, kinds[i].act, path, FAN_ALLOW), 0);
		if (kinds[i].mask != FAN_OPEN_PERM)
			ck_assert_int_eq(answer_one(x, kinds[i].mask, kinds[i].act, path, FAN_DENY), EPERM);
	}
	butter_fanotify_close(x);
}
END_TEST

START_TEST(a_denial_may_carry_an_errno_that_files_have)
{
	static const int errors[] = {EIO, EPERM, EBUSY, ETXTBSY, EAGAIN, ENOSPC, EDQUOT};
	const char *path;
	struct butter_fanotify *x = guard_file(FAN_CLASS_PRE_CONTENT, NULL, &path);
	if (!x)
		return;
	for (size_t i = 0; linux_is_at_least(6, 14) && i < sizeof(errors) / sizeof(errors[0]); i++)
		ck_assert_int_eq(answered(x, path, BUTTER_FAN_DENY_ERRNO(errors[i]), NULL), errors[i]);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(an_answer_that_cannot_be_is_EINVAL_and_the_question_remains)
{
	const uint32_t wrong[] = {0,
				  FAN_ALLOW | FAN_DENY,
				  1U << 30 | FAN_ALLOW,
				  BUTTER_FAN_DENY_ERRNO(ENOENT),
				  BUTTER_FAN_DENY_ERRNO(EINVAL),
				  BUTTER_FAN_DENY_ERRNO(255),
				  (BUTTER_FAN_DENY_ERRNO(EIO) ^ FAN_DENY) | FAN_ALLOW,
				  FAN_ALLOW | FAN_AUDIT,
				  FAN_DENY | FAN_INFO};
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file(classes[_i], NULL, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_fails(butter_fanotify_respond(x, &ev, wrong[i], NULL), EINVAL);
	if (classes[_i] == FAN_CLASS_CONTENT)
		ck_assert_fails(butter_fanotify_respond(x, &ev, BUTTER_FAN_DENY_ERRNO(EIO), NULL), EINVAL);
	ck_assert(!has_ended(opener));
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_DENY, NULL), 0);
	ck_assert_int_eq(ended_with(opener), EPERM);
	butter_fanotify_event_close(x, &ev);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(an_answer_may_be_audited_where_that_was_asked_for)
{
	const struct butter_fanotify_audit audit = {.rule_number = 7, .subject_trust = 1, .object_trust = 2};
	const char *path;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT | FAN_ENABLE_AUDIT, NULL, &path);
	if (!x)
		return;
	ck_assert_int_eq(answered(x, path, FAN_ALLOW | FAN_AUDIT, NULL), 0);
	ck_assert_int_eq(answered(x, path, FAN_DENY | FAN_AUDIT, NULL), EPERM);
	if (linux_is_at_least(6, 3)) {
		ck_assert_int_eq(answered(x, path, FAN_ALLOW, &audit), 0);
		ck_assert_int_eq(answered(x, path, FAN_DENY | FAN_AUDIT, &audit), EPERM);
	}
	butter_fanotify_close(x);
}
END_TEST

START_TEST(an_audit_that_was_not_asked_for_is_EINVAL)
{
	const struct butter_fanotify_audit audit = {.rule_number = 7};
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, NULL, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	ck_assert_fails(butter_fanotify_respond(x, &ev, FAN_ALLOW, &audit), EINVAL);
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), 0);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(ended_with(opener), 0);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(a_question_is_answered_once_whatever_copy_is_used)
{
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, NULL, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener), copy = ev;
	ck_assert_int_eq(butter_fanotify_respond(x, &copy, FAN_DENY, NULL), 0);
	ck_assert_fails(butter_fanotify_respond(x, &copy, FAN_ALLOW, NULL), ENOENT);
	ck_assert_fails(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), ENOENT);
	ck_assert_int_eq(ended_with(opener), EPERM);
	butter_fanotify_event_close(x, &ev);
	ck_assert_fails(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), ENOENT);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(what_is_no_question_of_the_object_is_ENOENT)
{
	struct butter_fanotify_event ev = {.fd = 0};
	struct butter_fanotify *x = butter_fanotify_open(FAN_REPORT_FID, O_RDONLY, NULL);
	ck_assert_ptr_nonnull(x);
	ck_assert_fails(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), ENOENT);
	ev.permission = UINT64_MAX;
	ck_assert_fails(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), ENOENT);
	butter_fanotify_close(x);
	if (!(x = guard(FAN_CLASS_CONTENT, NULL)))
		return;
	for (uint64_t permission = 0; permission < 70; permission++) {
		ev.permission = permission << 32 | permission;
		ck_assert_fails(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), ENOENT);
	}
	butter_fanotify_close(x);
}
END_TEST

/* The second question has the slot, and the number of the fd, of the first. */
START_TEST(an_old_event_never_answers_the_question_that_came_into_its_place)
{
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, NULL, &path);
	if (!x)
		return;
	struct butter_fanotify_event old = ask(x, path, &opener), copy = old;
	ck_assert_int_eq(butter_fanotify_respond(x, &old, FAN_ALLOW, NULL), 0);
	butter_fanotify_event_close(x, &old);
	ck_assert_int_eq(ended_with(opener), 0);
	struct butter_fanotify_event ev = ask(x, path, &opener);
	ck_assert_int_eq(ev.fd, copy.fd);
	ck_assert_fails(butter_fanotify_respond(x, &copy, FAN_DENY, NULL), ENOENT);
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), 0);
	ck_assert_int_eq(ended_with(opener), 0);
	butter_fanotify_event_close(x, &ev);
	butter_fanotify_close(x);
}
END_TEST

/* The kernel knows questions by these numbers: the first gets the default before the second is told. */
START_TEST(an_fd_that_was_closed_unanswered_and_comes_again_confuses_nobody)
{
	const struct butter_fanotify_options options = {.size = sizeof(options),
							.default_response = FAN_DENY};
	const char *path;
	pid_t first, second;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, &options, &path);
	if (!x)
		return;
	struct butter_fanotify_event lost = ask(x, path, &first);
	ck_assert_int_eq(close(lost.fd), 0);
	struct butter_fanotify_event ev = ask(x, path, &second);
	ck_assert_int_eq(ev.fd, lost.fd);
	ck_assert_int_eq(ended_with(first), EPERM);
	ck_assert_fails(butter_fanotify_respond(x, &lost, FAN_ALLOW, NULL), ENOENT);
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), 0);
	ck_assert_int_eq(ended_with(second), 0);
	butter_fanotify_event_close(x, &ev);
	butter_fanotify_close(x);
}
END_TEST

/* It may be answered all the same: the kernel knows the question by the number alone. */
START_TEST(an_fd_may_be_closed_before_the_answer)
{
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, NULL, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	close(ev.fd);
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_DENY, NULL), 0);
	ck_assert_int_eq(ended_with(opener), EPERM);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(an_opener_that_was_killed_is_answered_like_any_other)
{
	const char *path;
	pid_t opener;
	struct butter_fanotify *x = guard_file(FAN_CLASS_CONTENT, NULL, &path);
	if (!x)
		return;
	struct butter_fanotify_event ev = ask(x, path, &opener);
	ck_assert_int_eq(kill(opener, SIGKILL), 0);
	ck_assert_int_eq(waitpid(opener, NULL, 0), opener);
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), 0);
	ck_assert_fails(butter_fanotify_respond(x, &ev, FAN_ALLOW, NULL), ENOENT);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(answered(x, path, FAN_ALLOW, NULL), 0);
	butter_fanotify_close(x);
}
END_TEST

SUITE(event_fanotify_answers)
{
	tcase_add_loop_test(tc, the_opener_gets_the_answer, 0, CLASSES);
	tcase_add_test(tc, only_groups_with_a_class_above_notification_may_ask);
	tcase_add_test(raw, reading_and_running_ask_too); /* valgrind opens what is run by itself */
	tcase_add_test(tc, a_denial_may_carry_an_errno_that_files_have);
	tcase_add_loop_test(tc, an_answer_that_cannot_be_is_EINVAL_and_the_question_remains, 0, CLASSES);
	tcase_add_test(tc, an_answer_may_be_audited_where_that_was_asked_for);
	tcase_add_test(tc, an_audit_that_was_not_asked_for_is_EINVAL);
	tcase_add_test(tc, a_question_is_answered_once_whatever_copy_is_used);
	tcase_add_test(tc, what_is_no_question_of_the_object_is_ENOENT);
	tcase_add_test(tc, an_old_event_never_answers_the_question_that_came_into_its_place);
	tcase_add_test(tc, an_fd_that_was_closed_unanswered_and_comes_again_confuses_nobody);
	tcase_add_test(tc, an_fd_may_be_closed_before_the_answer);
	tcase_add_test(tc, an_opener_that_was_killed_is_answered_like_any_other);
}
