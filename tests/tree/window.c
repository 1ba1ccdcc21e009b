/* SPDX-License-Identifier: MIT */
/* Many new directories at once: files that are in them are told once each, and then no longer known. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../../src/tree/tree.h"
#include "fault.h"
#include "test.h"

enum { DIRS = 400 };

static unsigned told[DIRS], gone[DIRS];

static struct butter_tree *open_on(const char *top)
{
	struct butter_tree_root root = {.size = sizeof(root), .backend = BUTTER_TREE_INOTIFY};
	struct butter_tree *x = butter_tree_open(NULL);
	ck_assert_int_eq(butter_tree_add(x, top, &root, NULL), 0);
	memset(told, 0, sizeof(told));
	memset(gone, 0, sizeof(gone));
	return x;
}

static char *name_of(const char *top, unsigned dir, const char *file)
{
	static char path[512];
	snprintf(path, sizeof(path), "%s/%u%s", top, dir, file);
	return path;
}

static void note(const struct butter_tree_event *ev, const char *top)
{
	if (ev->flags & BUTTER_TREE_IS_DIR || ev->type & BUTTER_TREE_SYNC)
		return;
	unsigned long dir = strtoul(ev->path + strlen(top) + 1, NULL, 10);
	ck_assert_uint_lt(dir, DIRS);
	told[dir] += ev->type == BUTTER_TREE_CREATED;
	gone[dir] += ev->type == BUTTER_TREE_DELETED;
}

/* Windows that are opened behind the last record close with the next. */
static void drain(struct butter_tree *x, const char *top)
{
	for (unsigned i = 0; i < 2; i++) {
		struct butter_tree_event ev = {0};
		ck_assert_int_eq(butter_tree_sync(x, -1), 1);
		while (ev.type != BUTTER_TREE_SYNC) {
			ck_assert_int_eq(butter_tree_read_event(x, &ev), 1);
			note(&ev, top);
		}
	}
}

static void make(const char *top, unsigned from)
{
	for (unsigned i = from; i < DIRS; i++) {
		ck_assert_int_eq(mkdir(name_of(top, i, ""), 0700), 0);
		touch(name_of(top, i, "/file"));
	}
}

START_TEST(files_of_many_new_directories_are_told_once_each)
{
	const char *top = scratch();
	struct butter_tree *x = open_on(top);
	make(top, 0);
	drain(x, top);
	for (unsigned i = 0; i < DIRS; i++)
		ck_assert_uint_eq(told[i], 1);
	ck_assert_uint_eq(x->window_count, 0);
	ck_assert_uint_eq(x->model.count, DIRS + 1);
	butter_tree_close(x);
}
END_TEST

/* The node of one that is gone is used again while its window is in the list. */
START_TEST(the_window_of_a_directory_that_is_gone_is_not_its_successors)
{
	const char *top = scratch();
	struct butter_tree_event ev;
	struct butter_tree *x = open_on(top);
	ck_assert_int_eq(butter_tree_read_event(x, &ev), 1); /* READY */
	for (unsigned round = 1; round <= 3; round++) {
		make(top, 0);
		ck_assert_int_eq(butter_tree_read_event(x, &ev), 1); /* lists the first, and no more */
		note(&ev, top);
		for (unsigned i = 0; i < DIRS; i += 2) {
			ck_assert_int_eq(unlink(name_of(top, i, "/file")), 0);
			ck_assert_int_eq(rmdir(name_of(top, i, "")), 0);
			ck_assert_int_eq(mkdir(name_of(top, i, ""), 0700), 0);
			touch(name_of(top, i, "/file"));
		}
		drain(x, top);
		for (unsigned i = 0; i < DIRS; i++) {
			ck_assert_uint_eq(told[i] - gone[i], 1);
			ck_assert_int_eq(unlink(name_of(top, i, "/file")), 0);
			ck_assert_int_eq(rmdir(name_of(top, i, "")), 0);
		}
		drain(x, top);
		for (unsigned i = 0; i < DIRS; i++)
			ck_assert_uint_eq(told[i], gone[i]);
		ck_assert_uint_eq(x->window_count, 0);
		ck_assert_uint_eq(x->model.count, 1);
	}
	butter_tree_close(x);
}
END_TEST

/* The listing of their parent is far ahead of the records, and so long that all of it is overdue. */
START_TEST(whoever_reads_slowly_is_told_of_all_files_of_directories_that_are_gone)
{
	const char *top = scratch();
	struct butter_tree *x = open_on(top);
	make(top, 0);
	drain(x, top);
	for (unsigned i = 0; i < DIRS; i++) {
		ck_assert_int_eq(unlink(name_of(top, i, "/file")), 0);
		ck_assert_int_eq(rmdir(name_of(top, i, "")), 0);
	}
	fault_monotonic = clock_ns(CLOCK_MONOTONIC);
	fault_monotonic_step = 60000000;
	drain(x, top);
	fault_clear();
	for (unsigned i = 0; i < DIRS; i++)
		ck_assert_uint_eq(gone[i], 1);
	ck_assert_uint_eq(x->model.count, 1);
	butter_tree_close(x);
}
END_TEST

SUITE(tree_window)
{
	tcase_add_test(tc, whoever_reads_slowly_is_told_of_all_files_of_directories_that_are_gone);
	tcase_add_test(tc, files_of_many_new_directories_are_told_once_each);
	tcase_add_test(tc, the_window_of_a_directory_that_is_gone_is_not_its_successors);
}
