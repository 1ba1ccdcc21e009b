/* SPDX-License-Identifier: MIT */
/* Roots that are not walked: what is told of directories that nothing was known of. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <butter/file.h>
#include <butter/tree.h>

#include "child.h"
#include "group.h"
#include "image.h"
#include "scenarios.h"
#include "test.h"
#include "told.h"
#include "trace.h"
#include "unwalked.h"

static void make_many(void)
{
	make_dir("top");
	for (int i = 0; i < 1000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "top/%d", i);
		if (i % 10)
			snprintf(name, sizeof(name), "top/%d/%d", i / 10 * 10, i);
		make_dir(name);
	}
}

static void open_and_add(void *arg)
{
	struct butter_tree *t = butter_tree_open(NULL);
	struct butter_tree_root o = {.size = sizeof(o), .backend = BUTTER_TREE_FANOTIFY};
	butter_tree_add(t, arg, &o, NULL);
	butter_tree_close(t);
}

UNWALKED(a_root_costs_the_same_whatever_is_in_it)
{
	struct trace many, few;
	struct butter_tree *t = unwalked_begin(arg);
	make_many();
	make_dir("few");
	if (!unwalked_add(t, "top", NULL))
		return;
	ck_assert_uint_eq(directories_of(t), 1);
	butter_tree_close(t);
	trace_calls(open_and_add, (void *)(uintptr_t)at_base("few"), &few);
	trace_calls(open_and_add, (void *)(uintptr_t)at_base("top"), &many);
	trace_compare(&few, &many);
}

UNWALKED(an_event_has_its_path_at_any_depth)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b/c/d/e");
	make_dirs("top/a/b/z");
	if (!unwalked_add(t, "top", NULL))
		return;
	make_file("top/a/b/c/d/e/f");
	TOLD(t, "CREATED top/a/b/c/d/e/f\n");
	ck_assert_uint_eq(directories_of(t), 6);
	remove_file("top/a/b/c/d/e/f");
	make_file("top/g");
	TOLD(t, "DELETED top/a/b/c/d/e/f\nCREATED top/g\n");
	ck_assert_uint_eq(directories_of(t), 6);
	butter_tree_close(t);
}

/* Longer than the kernel tells one. */
UNWALKED(a_path_may_be_of_any_length)
{
	enum { DEEP = 24, LEN = 250 };
	char name[LEN + 1];
	int fds[DEEP + 1];
	struct butter_tree_event ev;
	struct butter_tree *t = unwalked_begin(arg);
	memset(name, 'n', LEN);
	name[LEN] = '\0';
	make_dir("top");
	fds[0] = open(at_base("top"), O_PATH | O_CLOEXEC);
	for (int i = 0; i < DEEP; i++) {
		must(mkdirat(fds[i], name, 0700));
		fds[i + 1] = openat(fds[i], name, O_PATH | O_CLOEXEC);
	}
	if (!unwalked_add(t, "top", NULL))
		return;
	ck_assert_int_eq(butter_tree_read_event(t, &ev), 0);
	must(mkdirat(fds[DEEP], "new", 0700));
	ck_assert_int_eq(butter_tree_wait_event(t, &ev, INT64_C(20000000000)), 1);
	ck_assert_uint_eq(ev.type, BUTTER_TREE_CREATED);
	ck_assert_uint_eq(ev.path_len, strlen(at_base("top")) + DEEP * (LEN + 1) + 4);
	ck_assert_uint_eq(directories_of(t), DEEP + 2);
	for (int i = 0; i <= DEEP; i++)
		close(fds[i]);
	butter_tree_close(t);
}

UNWALKED(what_is_deleted_as_a_whole_is_told_one_by_one)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b/c");
	make_dirs("top/a/d");
	make_file("top/a/b/c/f");
	make_file("top/a/b/g");
	make_file("top/a/d/h");
	if (!unwalked_add(t, "top", NULL))
		return;
	remove_file("top/a/b/c/f");
	remove_dir("top/a/b/c");
	remove_file("top/a/b/g");
	remove_dir("top/a/b");
	remove_file("top/a/d/h");
	remove_dir("top/a/d");
	remove_dir("top/a");
	ck_assert_str_eq(told_sorted(t), "DELETED top/a/\n"
					 "DELETED top/a/b/\n"
					 "DELETED top/a/b/c/\n"
					 "DELETED top/a/b/c/f\n"
					 "DELETED top/a/b/g\n"
					 "DELETED top/a/d/\n"
					 "DELETED top/a/d/h\n");
	ck_assert_uint_eq(directories_of(t), 1);
	butter_tree_close(t);
}

UNWALKED(a_rename_is_one_event_and_nothing_below_is_looked_at)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_many();
	make_dir("top/other");
	if (!unwalked_add(t, "top", NULL))
		return;
	change_name("top/10", "top/other/ten");
	TOLD(t, "MOVED top/10 > top/other/ten/\n");
	ck_assert_uint_eq(directories_of(t), 3);
	make_file("top/other/ten/11/f");
	TOLD(t, "CREATED top/other/ten/11/f\n");
	butter_tree_close(t);
}

/* What is read is older than what is on the disk. */
UNWALKED(a_path_is_of_the_time_of_its_event)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b/c");
	make_dir("top/x");
	if (!unwalked_add(t, "top", NULL))
		return;
	make_file("top/a/b/c/f");
	change_name("top/a/b", "top/x/y");
	make_file("top/x/y/c/g");
	TOLD(t, "CREATED top/a/b/c/f\nMOVED top/a/b > top/x/y/\nCREATED top/x/y/c/g\n");
	remove_file("top/x/y/c/f");
	change_name("top/x", "top/w");
	remove_file("top/w/y/c/g");
	TOLD(t, "DELETED top/x/y/c/f\nMOVED top/x > top/w/\nDELETED top/w/y/c/g\n");
	butter_tree_close(t);
}

UNWALKED(what_was_renamed_and_deleted_is_told_where_it_was)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b/c");
	if (!unwalked_add(t, "top", NULL))
		return;
	make_file("top/a/b/c/f");
	change_name("top/a/b", "top/b");
	remove_file("top/b/c/f");
	remove_dir("top/b/c");
	remove_dir("top/b");
	/* it came to the other name too, where an empty one may have been */
	ck_assert_str_eq(told_sorted(t), "CREATED top/a/b/c/f\n"
					 "CREATED top/b/\n"
					 "DELETED top/a/b/\n"
					 "DELETED top/a/b/c/\n"
					 "DELETED top/a/b/c/f\n"
					 "DELETED top/b/\n");
	butter_tree_close(t);
}

UNWALKED(what_leaves_is_deleted_and_what_comes_is_listed)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b/c");
	make_dirs("out/d/e");
	if (!unwalked_add(t, "top", NULL))
		return;
	make_file("out/d/e/f");
	change_name("top/a/b", "out/b");
	TOLD(t, "DELETED top/a/b/\n");
	make_file("out/b/c/f");
	TOLD(t, "");
	change_name("out/d", "top/a/d");
	TOLD(t, "CREATED top/a/d/\nCREATED top/a/d/e/\nCREATED top/a/d/e/f\n");
	change_name("out/b", "top/a/b");
	make_file("top/a/b/c/g");
	ck_assert_str_eq(told_sorted(t), "CREATED top/a/b/\nCREATED top/a/b/c/\nCREATED top/a/b/c/f\n"
					 "CREATED top/a/b/c/g\n");
	butter_tree_close(t);
}

/* Whoever asks where a subdirectory was leaves the listing where it is. */
UNWALKED(what_is_large_and_comes_is_listed_whole)
{
	enum { MANY = 6000 };
	struct butter_tree *t = unwalked_begin(arg);
	struct butter_tree_event ev = {0};
	unsigned count = 0;
	make_dir("top");
	make_dir("out");
	for (int i = 0; i < MANY; i++) {
		char name[32];
		snprintf(name, sizeof(name), "out/%d", i);
		make_dir(name);
	}
	if (!unwalked_add(t, "top", NULL))
		return;
	change_name("out", "top/in");
	ck_assert_int_eq(butter_tree_sync(t, -1), 1);
	for (; ev.type != BUTTER_TREE_SYNC; count += ev.type == BUTTER_TREE_CREATED)
		ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
	ck_assert_uint_eq(count, MANY + 1);
	butter_tree_close(t);
}

/* It comes, and what is in it goes on. */
UNWALKED(what_only_passes_through_is_told_where_it_stays)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a");
	make_dirs("top/b");
	make_dirs("out/d/e");
	if (!unwalked_add(t, "top", NULL))
		return;
	change_name("out/d", "top/a/d");
	change_name("top/a/d/e", "top/b/e");
	change_name("top/a/d", "out/d");
	TOLD(t, "CREATED top/a/d/\nDELETED top/a/d/\nCREATED top/b/e/\n");
	butter_tree_close(t);
}

UNWALKED(two_that_change_places_are_told_as_one)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/x/in-a");
	make_dirs("top/b/y/in-b");
	if (!unwalked_add(t, "top", NULL))
		return;
	const char *x = strdup(at_base("top/a/x"));
	must(butter_renameat2(AT_FDCWD, x, AT_FDCWD, at_base("top/b/y"), 2));
	make_file("top/a/x/in-b/f");
	ck_assert_ptr_nonnull(strstr(told(t), "MOVED top/"));
	make_file("top/b/y/in-a/f");
	TOLD(t, "CREATED top/b/y/in-a/f\n");
	butter_tree_close(t);
	free((void *)(uintptr_t)x);
}

UNWALKED(from_root_to_root_it_moves)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b/c");
	make_dirs("other/d");
	if (!unwalked_add(t, "top", NULL) || !unwalked_add(t, "other", NULL))
		return;
	change_name("top/a/b", "other/d/b");
	make_file("other/d/b/c/f");
	TOLD(t, "MOVED top/a/b > other/d/b/\nCREATED other/d/b/c/f\n");
	butter_tree_close(t);
}

UNWALKED(a_root_in_a_root_is_told_under_both)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b/c");
	if (!unwalked_add(t, "top", NULL))
		return;
	ck_assert(unwalked_add(t, "top/a/b", NULL));
	make_file("top/a/b/c/f");
	TOLD(t, "CREATED top/a/b/c/f\nCREATED top/a/b/c/f\n");
	change_name("top/a", "top/z");
	make_file("top/z/b/c/g");
	ck_assert_ptr_nonnull(strstr(told(t), "CREATED top/z/b/c/g\n"));
	butter_tree_close(t);
}

/* The kernel merges the first and the last into one record, which is before the others. */
UNWALKED(there_and_back_makes_no_phantom)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/old");
	if (!unwalked_add(t, "top", NULL))
		return;
	make_dir("top/a/d");
	change_name("top/a/d", "top/a/e");
	change_name("top/a/e", "top/a/d");
	remove_dir("top/a/d");
	TOLD(t, "CREATED top/a/e/\nDELETED top/a/e/\nCREATED top/a/d/\nDELETED top/a/d/\n");
	change_name("top/a/old", "top/a/e");
	change_name("top/a/e", "top/a/old");
	change_name("top/a/old", "top/a/e");
	TOLD(t, "MOVED top/a/old > top/a/e/\nCREATED top/a/old/\nDELETED top/a/old/\n");
	butter_tree_close(t);
}

UNWALKED(what_others_do_elsewhere_makes_nothing_known)
{
	struct butter_tree *t = unwalked_begin(arg);
	struct butter_tree_statistics s;
	make_dir("top");
	make_dirs("out/a/b");
	if (!unwalked_add(t, "top", NULL))
		return;
	for (int i = 0; i < 50; i++) {
		make_file("out/a/b/f");
		remove_file("out/a/b/f");
		make_dirs("out/c/d");
		make_file("out/c/d/f");
		remove_file("out/c/d/f");
		remove_dir("out/c/d");
		remove_dir("out/c");
		change_name("out/a", "out/z");
		change_name("out/z", "out/a");
		if (i % 10 == 0)
			TOLD(t, "");
	}
	butter_tree_get(t, &s);
	ck_assert_uint_eq(s.directories, 1);
	ck_assert_uint_lt(s.records, 50);
	change_name("out/a", "top/a");
	make_file("top/a/b/f");
	ck_assert_str_eq(told_sorted(t), "CREATED top/a/\nCREATED top/a/b/\nCREATED top/a/b/f\n");
	butter_tree_close(t);
}

SUITE(tree_lazy)
{
	tcase_set_timeout(raw, 60);
	tcase_add_test(raw, a_root_costs_the_same_whatever_is_in_it);
	tcase_add_test(raw, an_event_has_its_path_at_any_depth);
	tcase_add_test(raw, a_path_may_be_of_any_length);
	tcase_add_test(raw, what_is_deleted_as_a_whole_is_told_one_by_one);
	tcase_add_test(raw, a_rename_is_one_event_and_nothing_below_is_looked_at);
	tcase_add_test(raw, a_path_is_of_the_time_of_its_event);
	tcase_add_test(raw, what_was_renamed_and_deleted_is_told_where_it_was);
	tcase_add_test(raw, what_leaves_is_deleted_and_what_comes_is_listed);
	tcase_add_test(raw, what_is_large_and_comes_is_listed_whole);
	tcase_add_test(raw, what_only_passes_through_is_told_where_it_stays);
	tcase_add_test(raw, two_that_change_places_are_told_as_one);
	tcase_add_test(raw, from_root_to_root_it_moves);
	tcase_add_test(raw, a_root_in_a_root_is_told_under_both);
	tcase_add_test(raw, there_and_back_makes_no_phantom);
	tcase_add_test(raw, what_others_do_elsewhere_makes_nothing_known);
}
