/* SPDX-License-Identifier: MIT */
/* Barriers, when others write faster than the tree reads. */
#include <limits.h>
#include <stdio.h>

#include "../support/child.h"
#include "../support/fault.h"
#include "../support/test.h"
#include "told.h"

enum { BURST = 4 };

static char path[PATH_MAX];
static int renames_left, renamed;

/* Each time to another name, so that no record is as good as another. */
static void rename_on(void)
{
	char from[PATH_MAX + 16], to[PATH_MAX + 16];
	snprintf(from, sizeof(from), "%s%d", path, renamed);
	snprintf(to, sizeof(to), "%s%d", path, ++renamed);
	ck_assert_int_eq(rename(from, to), 0);
}

static void rename_often(long number)
{
	(void)number;
	fault_between = NULL;
	for (int i = 0; i < BURST && renames_left > 0; i++, renames_left--)
		rename_on();
	fault_between = rename_often;
}

/* NULL: an ordinary user, for whom fanotify is not. */
static struct butter_tree *tree_under_attack(int i)
{
	static const unsigned levels[] = {0, BUTTER_TREE_ENTRIES};
	static const uint32_t backends[] = {BUTTER_TREE_INOTIFY, BUTTER_TREE_FANOTIFY};
	struct butter_tree_root o = {.size = sizeof(o), .backend = backends[i / 2]};
	struct butter_tree *t = tree_of(levels[i % 2], scratch());
	make_dir("r");
	make_dir("r/a");
	make_dir("r/b0");
	renamed = 0;
	snprintf(path, sizeof(path), "%s", at_base("r/b"));
	if (butter_tree_add(t, at_base("r"), &o, NULL) >= 0) {
		told(t);
		return t;
	}
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(o.backend, BUTTER_TREE_FANOTIFY);
	ck_assert_int_ne(geteuid(), 0);
	butter_tree_close(t);
	return NULL;
}

static int most_records(void)
{
	long a = read_number("/proc/sys/fs/inotify/max_queued_events");
	long b = read_number("/proc/sys/fs/fanotify/max_queued_events");
	return (int)(a > b ? a : b);
}

static void sync_under_attack(struct butter_tree *t, int renames)
{
	for (int i = most_records(); i > 0; i--)
		rename_on(); /* there is no room for a barrier */
	renames_left = renames;
	fault_between = rename_often;
	told(t);
	fault_between = NULL;
}

static void assert_all_is_told(struct butter_tree *t)
{
	told(t);
	ck_assert_str_eq(told(t), "");
	make_dir("r/a/c");
	ck_assert_str_eq(told(t), "CREATED r/a/c/\n");
	butter_tree_close(t);
}

/* Whenever the queue has room it is full again: no barrier gets into it, nor does it ever become empty. */
START_TEST(a_sync_comes_to_its_end_though_others_write_faster_than_it_reads)
{
	struct butter_tree *t = tree_under_attack(_i);
	if (!t)
		return;
	sync_under_attack(t, INT_MAX);
	assert_all_is_told(t);
}
END_TEST

START_TEST(without_another_barrier_a_sync_waits_for_the_queue_to_become_empty)
{
	struct butter_tree *t = tree_under_attack(_i);
	if (!t)
		return;
	fault_error_from(FAULT_MEMFD_CREATE, 1, EMFILE);
	sync_under_attack(t, 2 * most_records());
	fault_clear();
	ck_assert_int_eq(renames_left, 0);
	assert_all_is_told(t);
}
END_TEST

SUITE(tree_barrier)
{
	tcase_add_loop_test(tc, a_sync_comes_to_its_end_though_others_write_faster_than_it_reads, 0, 4);
	tcase_add_loop_test(tc, without_another_barrier_a_sync_waits_for_the_queue_to_become_empty, 0, 4);
}
