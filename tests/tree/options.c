/* SPDX-License-Identifier: MIT */
/* What the options of a root do, whichever backend it has. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../support/child.h"
#include "../support/image.h"
#include "../support/test.h"
#include "told.h"

static const char *const names[] = {"auto", "fanotify", "inotify", "poll"};
static uint32_t backend;
static int is_root;

/* 0: this user may not have the backend. Polled when it is synced, and not before. */
static int add(struct butter_tree *t, const char *path, uint32_t flags, const struct butter_tree_rule *rules,
	       size_t count)
{
	struct butter_tree_root o = {.size = sizeof(o),
				     .mask = BUTTER_TREE_CREATED | BUTTER_TREE_DELETED | BUTTER_TREE_MOVED,
				     .flags = flags,
				     .backend = backend,
				     .rules = rules,
				     .rule_count = count,
				     .poll_interval = INT64_C(3600000000000)};
	if (butter_tree_add(t, path, &o, NULL) >= 0)
		return 1;
	ck_assert_msg(backend == BUTTER_TREE_FANOTIFY && !is_root, "%s: %s", names[backend], strerror(errno));
	return 0;
}

static void prune_exclude_and_hide(void *arg)
{
	static const struct butter_tree_rule rules[] = {
		{.action = BUTTER_TREE_PRUNE, .pattern = "build"},
		{.action = BUTTER_TREE_EXCLUDE, .pattern = "*.o"},
	};
	must_mount("tmpfs", arg);
	struct butter_tree *t = tree_of(0, arg);
	make_dir("src");
	make_dir("build");
	if (add(t, arg, BUTTER_TREE_SKIP_HIDDEN, rules, 2)) {
		told(t);
		make_dir("src/build");
		make_dir("src/.git");
		make_dir("src/lib");
		make_file("build/f");
		make_file("src/lib/f.c");
		make_file("src/lib/f.o");
		make_file("src/.git/f");
		ck_assert_str_eq(told_sorted(t), "CREATED src/lib/\nCREATED src/lib/f.c\n");
		change_name("src/lib", "build/lib");
		ck_assert_str_eq(told_sorted(t), backend == BUTTER_TREE_POLL
							 ? "DELETED src/lib/\nDELETED src/lib/f.c\n"
							 : "DELETED src/lib/\n");
		change_name("build/lib", "src/lib2");
		ck_assert_str_eq(told_sorted(t), "CREATED src/lib2/\nCREATED src/lib2/f.c\n");
	}
	butter_tree_close(t);
}

static void wait_for_it(void *arg)
{
	struct butter_tree_event ev;
	must_mount("tmpfs", arg);
	struct butter_tree *t = tree_of(0, arg);
	make_dir("there");
	int may = add(t, at_base("there"), 0, NULL, 0);
	if (may && add(t, at_base("a/r"), BUTTER_TREE_WAIT, NULL, 0)) {
		ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
		ck_assert_uint_eq(ev.type, BUTTER_TREE_READY);
		ck_assert_uint_eq(ev.flags, BUTTER_TREE_IS_DIR);
		ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
		ck_assert_uint_eq(ev.type, BUTTER_TREE_READY);
		ck_assert_uint_eq(ev.flags, 0);
		make_dir("a");
		ck_assert_str_eq(told(t), "");
		make_dir("a/r");
		make_dir("a/r/d");
		ck_assert_str_eq(told(t), "CREATED a/r/\nCREATED a/r/d/\n");
		ck_assert_int_eq(butter_tree_backend(t, 1, (int)backend), 0);
		make_dir("a/r/d/e");
		ck_assert_str_eq(told(t), "CREATED a/r/d/e/\n");
		change_name("a/r", "a/gone");
		ck_assert_str_eq(told(t), "DELETED a/r/d/e/\nDELETED a/r/d/\nDELETED a/r/\n");
		change_name("a/gone", "a/r");
		ck_assert_str_eq(told(t), "CREATED a/r/\nCREATED a/r/d/\nCREATED a/r/d/e/\n");
	}
	butter_tree_close(t);
}

static void stay_on_one(void *arg)
{
	must_mount("tmpfs", arg);
	struct butter_tree *t = tree_of(0, arg);
	make_dir("r");
	make_dir("r/other");
	make_dir("r/own");
	must_mount("tmpfs", at_base("r/other"));
	make_dir("r/other/d");
	if (add(t, at_base("r"), BUTTER_TREE_ONE_FILESYSTEM, NULL, 0)) {
		told(t);
		make_dir("r/other/new");
		make_dir("r/own/new");
		ck_assert_str_eq(told(t), "CREATED r/own/new/\n");
	}
	butter_tree_close(t);
}

/* A file with two names in one root: each is told by itself, and one that goes leaves the other. */
static void link_twice(void *arg)
{
	must_mount("tmpfs", arg);
	struct butter_tree *t = tree_of(BUTTER_TREE_ENTRIES, arg);
	make_dir("a");
	make_dir("b");
	make_file("a/f");
	if (add(t, arg, 0, NULL, 0)) {
		told(t);
		ck_assert_int_eq(link(at_base("a/f"), at_base("b/f")), 0);
		ck_assert_str_eq(told(t), "CREATED b/f\n");
		change_name("b/f", "b/g");
		ck_assert_str_eq(told(t), "MOVED b/f > b/g\n");
		remove_file("a/f");
		ck_assert_str_eq(told(t), "DELETED a/f\n");
		ck_assert_int_eq(link(at_base("b/g"), at_base("a/f")), 0);
		remove_file("b/g");
		const char *lines = told(t);
		ck_assert_msg(!strcmp(lines, "MOVED b/g > a/f\n") ||
				      !strcmp(lines, "CREATED a/f\nDELETED b/g\n"),
			      "%s", lines);
	}
	butter_tree_close(t);
}

/* Roots that have nothing in common: what moves from one to the other is one event, of the second. */
static void move_between_roots(void *arg)
{
	struct butter_tree_event ev;
	must_mount("tmpfs", arg);
	struct butter_tree *t = tree_of(BUTTER_TREE_ENTRIES, arg);
	make_dir("a");
	make_dir("a/d");
	make_file("a/d/f");
	make_dir("b");
	if (add(t, at_base("a"), 0, NULL, 0) && add(t, at_base("b"), 0, NULL, 0)) {
		told(t);
		change_name("a/d", "b/d");
		ck_assert_str_eq(told(t), "MOVED a/d > b/d/\n");
		change_name("b/d/f", "a/f");
		ck_assert_int_eq(butter_tree_sync(t, -1), 1);
		ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
		ck_assert_uint_eq(ev.type, BUTTER_TREE_MOVED);
		ck_assert_int_eq(ev.root, 0);
		ck_assert_str_eq(ev.old_path, at_base("b/d/f"));
		ck_assert_str_eq(ev.path, at_base("a/f"));
	}
	butter_tree_close(t);
}

/* Known by two paths, and so told by both. */
static void bind_twice(void *arg)
{
	must_mount("tmpfs", arg);
	struct butter_tree *t = tree_of(0, arg);
	make_dir("a");
	make_dir("a/d");
	make_dir("b");
	ck_assert_int_eq(mount(at_base("a"), at_base("b"), "", MS_BIND, ""), 0);
	if (add(t, arg, 0, NULL, 0)) {
		told(t);
		make_dir("b/d/e");
		ck_assert_str_eq(told_sorted(t), "CREATED a/d/e/\nCREATED b/d/e/\n");
		change_name("a/d/e", "a/e");
		const char *lines = told_sorted(t); /* which of the two is which, nobody can say */
		ck_assert_msg(!strcmp(lines, "MOVED a/d/e > a/e/\nMOVED b/d/e > b/e/\n") ||
				      !strcmp(lines, "MOVED a/d/e > b/e/\nMOVED b/d/e > a/e/\n"),
			      "%s", lines);
		remove_dir("b/e");
		ck_assert_str_eq(told_sorted(t), "DELETED a/e/\nDELETED b/e/\n");
	}
	butter_tree_close(t);
}

static void everywhere(void (*fn)(void *), int which)
{
	is_root = geteuid() == 0;
	backend = (uint32_t)which;
	in_mount_namespace(fn, (void *)(uintptr_t)scratch());
}

START_TEST(what_is_left_out_is_left_out_by_every_backend)
{
	everywhere(prune_exclude_and_hide, _i);
}
END_TEST

START_TEST(a_root_is_waited_for_by_every_backend)
{
	everywhere(wait_for_it, _i);
}
END_TEST

START_TEST(another_filesystem_is_entered_by_no_backend_that_is_to_stay)
{
	everywhere(stay_on_one, _i);
}
END_TEST

START_TEST(a_file_of_two_names_is_known_by_both)
{
	everywhere(link_twice, _i);
}
END_TEST

START_TEST(what_moves_from_root_to_root_is_moved)
{
	everywhere(move_between_roots, _i);
}
END_TEST

START_TEST(a_directory_of_two_paths_is_told_by_both)
{
	everywhere(bind_twice, _i);
}
END_TEST

SUITE(tree_options)
{
#define EVERY_BACKEND(test) tcase_add_loop_test(raw, test, BUTTER_TREE_FANOTIFY, BUTTER_TREE_POLL + 1)
	EVERY_BACKEND(what_is_left_out_is_left_out_by_every_backend);
	EVERY_BACKEND(a_root_is_waited_for_by_every_backend);
	EVERY_BACKEND(another_filesystem_is_entered_by_no_backend_that_is_to_stay);
	EVERY_BACKEND(a_file_of_two_names_is_known_by_both);
	EVERY_BACKEND(what_moves_from_root_to_root_is_moved);
	EVERY_BACKEND(a_directory_of_two_paths_is_told_by_both);
}
