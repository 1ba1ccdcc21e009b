/* SPDX-License-Identifier: MIT */
/* Changes of a path, told as one after a while of quiet. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <butter/tree.h>

#include "test.h"

#define MILLISECOND INT64_C(1000000)
#define LONG (INT64_C(3600000) * MILLISECOND)

static struct butter_tree *t;
static const char *top;
static char stream[65536];
static struct butter_tree_event ev;

static void watching(int64_t settle, int64_t settle_max, unsigned flags, uint32_t mask)
{
	struct butter_tree_options o = {.size = sizeof(o), .flags = flags};
	struct butter_tree_root root = {
		.size = sizeof(root), .settle = settle, .settle_max = settle_max, .mask = mask};
	top = scratch();
	t = butter_tree_open(&o);
	ck_assert_ptr_nonnull(t);
	ck_assert_int_eq(butter_tree_add(t, top, &root, NULL), 0);
	ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
	ck_assert_uint_eq(ev.type, BUTTER_TREE_READY);
}

static const char *at(const char *name)
{
	return path_in(top, name);
}

static void append(const char *name)
{
	int fd = open(at(name), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

static const char *below(const char *path)
{
	size_t len = strlen(top);
	return strlen(path) > len ? path + len + 1 : ".";
}

static void note(void)
{
	size_t len = strlen(stream);
	if (ev.type & 0xffff0000u)
		return;
	snprintf(stream + len, sizeof(stream) - len, "%s%c %s%s%s", len ? ", " : "",
		 "CDMmwaoca"[__builtin_ctz(ev.type)], *ev.old_path ? below(ev.old_path) : "",
		 *ev.old_path ? " " : "", below(ev.path));
}

/* What is told without waiting. */
static const char *told(void)
{
	stream[0] = '\0';
	while (butter_tree_read_event(t, &ev) == 1)
		note();
	return stream;
}

/* And what a barrier tells. */
static const char *flushed(void)
{
	ck_assert_int_ge(butter_tree_sync(t, -1), 0);
	return told();
}

START_TEST(nothing_is_told_before_it_has_been_quiet_and_the_fd_says_when)
{
	int64_t begin;
	watching(30 * MILLISECOND, 0, (unsigned)_i, 0);
	begin = clock_ns(CLOCK_MONOTONIC);
	append("f");
	ck_assert_str_eq(told(), "");
	ck_assert_uint_eq(butter_tree_pending(t), 0);
	ck_assert_int_eq(butter_tree_wait_event(t, &ev, -1), 1);
	ck_assert_int_ge(clock_ns(CLOCK_MONOTONIC) - begin, 30 * MILLISECOND);
	ck_assert_uint_eq(ev.type, BUTTER_TREE_CREATED);
	ck_assert_str_eq(ev.name, "f");
	ck_assert_str_eq(told(), "");
	butter_tree_close(t);
}
END_TEST

START_TEST(what_never_rests_is_told_after_settle_max)
{
	int64_t begin, took = 0;
	int n = 0;
	watching(LONG, 40 * MILLISECOND, (unsigned)_i, 0);
	begin = clock_ns(CLOCK_MONOTONIC);
	while (n == 0 && took < 20000 * MILLISECOND) {
		append("f");
		n = butter_tree_wait_event(t, &ev, MILLISECOND);
		took = clock_ns(CLOCK_MONOTONIC) - begin;
	}
	ck_assert_int_eq(n, 1);
	ck_assert_int_ge(took, 40 * MILLISECOND);
	ck_assert_uint_eq(ev.type, BUTTER_TREE_CREATED);
	butter_tree_close(t);
}
END_TEST

START_TEST(kinds_of_changes_are_told_once_each_and_a_creation_says_all)
{
	watching(LONG, 0, (unsigned)_i, 0);
	append("f");
	ck_assert_int_eq(chmod(at("f"), 0640), 0);
	ck_assert_str_eq(flushed(), "C f");
	for (int i = 0; i < 5; i++)
		append("f");
	ck_assert_str_eq(flushed(), "w f");
	append("f");
	ck_assert_int_eq(chmod(at("f"), 0600), 0);
	ck_assert_str_eq(flushed(), "w f, a f");
	ck_assert_int_eq(truncate(at("f"), 0), 0);
	ck_assert_ptr_nonnull(strstr(flushed(), " f"));
	butter_tree_close(t);
}
END_TEST

START_TEST(a_deletion_is_told_even_of_what_came_and_went_unseen)
{
	watching(LONG, 0, (unsigned)_i, 0);
	for (int i = 0; i < 3; i++) {
		append("f");
		told();
		ck_assert_int_eq(unlink(at("f")), 0);
		told();
	}
	ck_assert_str_eq(flushed(), "C f, D f");
	append("g");
	flushed();
	append("g");
	ck_assert_int_eq(unlink(at("g")), 0);
	told();
	append("g");
	ck_assert_str_eq(flushed(), "D g, C g");
	butter_tree_close(t);
}
END_TEST

START_TEST(a_directory_comes_before_and_goes_after_what_is_in_it)
{
	watching(LONG, 0, BUTTER_TREE_ENTRIES, 0);
	ck_assert_int_eq(mkdir(at("d"), 0700), 0);
	append("d/f");
	ck_assert_int_eq(chmod(at("d"), 0755), 0);
	ck_assert_str_eq(flushed(), "C d, C d/f");
	unlink(at("d/f"));
	rmdir(at("d"));
	ck_assert_str_eq(told(), "D d/f");
	ck_assert_int_eq(mkdir(at("d"), 0700), 0);
	ck_assert_str_eq(flushed(), "D d, C d");
	butter_tree_close(t);
}
END_TEST

START_TEST(a_move_is_told_at_once_behind_what_belongs_to_its_paths)
{
	watching(LONG, 0, (unsigned)_i, 0);
	ck_assert_int_eq(mkdir(at("d"), 0700), 0);
	ck_assert_str_eq(told(), "");
	append("d/f");
	append("g");
	ck_assert_str_eq(told(), "");
	ck_assert_int_eq(rename(at("d"), at("e")), 0);
	ck_assert_str_eq(told(), "C d, C d/f, M d e");
	ck_assert_str_eq(flushed(), "C g");
	butter_tree_close(t);
}
END_TEST

START_TEST(too_many_waiting_paths_tell_the_oldest)
{
	char name[16];
	watching(LONG, 0, (unsigned)_i, BUTTER_TREE_CREATED);
	for (int i = 0; i < 1025; i++) {
		snprintf(name, sizeof(name), "%d", i);
		touch(at(name));
	}
	ck_assert_str_eq(told(), "C 0");
	ck_assert_ptr_nonnull(strstr(flushed(), "C 1024"));
	butter_tree_close(t);
}
END_TEST

START_TEST(the_end_of_a_root_tells_what_waits)
{
	watching(LONG, 0, (unsigned)_i, 0);
	append("f");
	told();
	ck_assert_int_eq(butter_tree_remove(t, top), 0);
	ck_assert_str_eq(told(), "C f");
	butter_tree_close(t);
}
END_TEST

START_TEST(negative_times_are_invalid)
{
	struct butter_tree_root root = {.size = sizeof(root), .settle = -1};
	top = scratch();
	t = butter_tree_open(NULL);
	ck_assert_fails(butter_tree_add(t, top, &root, NULL), EINVAL);
	root.settle = 1;
	root.settle_max = -1;
	ck_assert_fails(butter_tree_add(t, top, &root, NULL), EINVAL);
	butter_tree_close(t);
}
END_TEST

START_TEST(what_waits_is_freed_with_the_object)
{
	watching(LONG, 0, (unsigned)_i, 0);
	append("f");
	told();
	butter_tree_close(t);
}
END_TEST

SUITE(tree_coalesce)
{
	tcase_add_loop_test(raw, nothing_is_told_before_it_has_been_quiet_and_the_fd_says_when, 0, 2);
	tcase_add_loop_test(tc, what_never_rests_is_told_after_settle_max, 0, 2);
	tcase_add_loop_test(tc, kinds_of_changes_are_told_once_each_and_a_creation_says_all, 0, 2);
	tcase_add_loop_test(tc, a_deletion_is_told_even_of_what_came_and_went_unseen, 0, 2);
	tcase_add_test(tc, a_directory_comes_before_and_goes_after_what_is_in_it);
	tcase_add_loop_test(tc, a_move_is_told_at_once_behind_what_belongs_to_its_paths, 0, 2);
	tcase_add_loop_test(tc, too_many_waiting_paths_tell_the_oldest, 0, 2);
	tcase_add_loop_test(tc, the_end_of_a_root_tells_what_waits, 0, 2);
	tcase_add_test(tc, negative_times_are_invalid);
	tcase_add_loop_test(tc, what_waits_is_freed_with_the_object, 0, 2);
}
