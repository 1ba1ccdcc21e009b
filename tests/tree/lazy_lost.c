/* SPDX-License-Identifier: MIT */
/* Roots that are not walked: what cannot be known is a loss, and what was told to be there makes place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <butter/file.h>
#include <butter/tree.h>

#include "child.h"
#include "fault.h"
#include "image.h"
#include "scenarios.h"
#include "test.h"
#include "told.h"
#include "unwalked.h"

enum { MANY = 3000, EXCHANGE = 2 };

static void make_many_files(const char *dir)
{
	for (int i = 0; i < MANY; i++) {
		char name[64];
		snprintf(name, sizeof(name), "%s/%d", dir, i);
		must(mknod(at_base(name), S_IFREG | 0600, 0));
	}
}

static void exchange(const char *a, const char *b)
{
	char *from = strdup(at_base(a));
	must(butter_renameat2(AT_FDCWD, from, AT_FDCWD, at_base(b), EXCHANGE));
	free(from);
}

/* Its death leaves no record. */
UNWALKED(a_name_in_what_another_was_renamed_over_is_a_loss)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b");
	make_dirs("top/x");
	make_file("top/a/b/f");
	if (!unwalked_add(t, "top", NULL))
		return;
	remove_file("top/a/b/f");
	change_name("top/x", "top/a/b");
	ck_assert_ptr_nonnull(strstr(told(t), "GAP top/\n"));
	make_file("top/a/b/g");
	TOLD(t, "CREATED top/a/b/g\n");
	butter_tree_close(t);
}

/* A second loss has to wait for its turn to be told, by the clock. */
UNWALKED(between_a_loss_and_its_gap_nothing_is_told)
{
	struct butter_tree *t = unwalked_begin(arg);
	struct butter_tree_event ev;
	make_dirs("top/a/b");
	make_dirs("top/c/d");
	make_dirs("top/x");
	make_dirs("top/y");
	make_file("top/a/b/f");
	make_file("top/c/d/f");
	if (!unwalked_add(t, "top", NULL))
		return;
	fault_monotonic = clock_ns(CLOCK_MONOTONIC);
	remove_file("top/a/b/f");
	change_name("top/x", "top/a/b");
	ck_assert_ptr_nonnull(strstr(told(t), "GAP top/\n"));
	remove_file("top/c/d/f");
	change_name("top/y", "top/c/d");
	make_file("top/c/g");
	change_name("top/c", "top/e");
	ck_assert_int_eq(butter_tree_read_event(t, &ev), 0);
	fault_clear();
	ck_assert_int_eq(butter_tree_wait_event(t, &ev, INT64_C(20000000000)), 1);
	ck_assert_uint_eq(ev.type, BUTTER_TREE_RESCAN);
	ck_assert_int_eq(butter_tree_wait_event(t, &ev, INT64_C(20000000000)), 1);
	ck_assert_uint_eq(ev.type, BUTTER_TREE_GAP);
	make_file("top/e/h");
	TOLD(t, "CREATED top/e/h\n");
	butter_tree_close(t);
}

/* The first says nothing of the empty one whose place it took, when it is elsewhere by the time. */
UNWALKED(what_was_renamed_over_is_told_to_be_gone_though_that_has_left_again)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b");
	make_dirs("top/c/d");
	make_dirs("top/x");
	make_dirs("out/z");
	if (!unwalked_add(t, "top", NULL))
		return;
	change_name("top/x", "top/a/b");
	change_name("top/a/b", "top/y");
	TOLD(t, "CREATED top/a/b/\nDELETED top/a/b/\nMOVED top/x > top/y/\n");
	change_name("out/z", "top/c/d");
	change_name("top/c", "top/e");
	change_name("top/e/d", "out/z");
	TOLD(t, "CREATED top/c/d/\nDELETED top/c/d/\nMOVED top/c > top/e/\n");
	butter_tree_close(t);
}

UNWALKED(what_was_exchanged_is_not_told_to_be_gone_when_the_other_has_left_again)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b/in");
	make_dirs("top/x");
	if (!unwalked_add(t, "top", NULL))
		return;
	exchange("top/x", "top/a/b");
	change_name("top/a/b", "top/y");
	change_name("top/x", "top/z");
	TOLD(t, "MOVED top/x > top/y/\nMOVED top/a/b > top/z/\n");
	butter_tree_close(t);
}

/* The disk has the third where a record says that the first came to, and the second was told to be. */
UNWALKED(who_comes_to_a_name_takes_the_place_of_who_was_told_to_be_there)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/1/in-1");
	make_dirs("top/2/in-2");
	make_dirs("top/3/in-3");
	if (!unwalked_add(t, "top", NULL))
		return;
	make_file("top/3/in-3/f");
	exchange("top/1", "top/2");
	change_name("top/2", "top/4");
	change_name("top/3", "top/2");
	change_name("top/1", "top/5");
	TOLD(t, "CREATED top/3/in-3/f\nDELETED top/2/\nMOVED top/3 > top/2/\nMOVED top/1 > top/4/\n"
		"CREATED top/5/\nCREATED top/5/in-2/\n");
	make_file("top/5/in-2/f");
	make_file("top/2/in-3/g");
	make_file("top/4/in-1/f");
	ck_assert_str_eq(told_sorted(t),
			 "CREATED top/2/in-3/g\nCREATED top/4/in-1/f\nCREATED top/5/in-2/f\n");
	butter_tree_close(t);
}

/* A directory has moved to the other root before its record is read. */
UNWALKED(what_was_told_to_be_in_another_root_is_in_one_only)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a");
	make_dirs("other/d/e");
	if (!unwalked_add(t, "top", NULL) || !unwalked_add(t, "other", NULL))
		return;
	make_dir("top/a/new");
	must(chmod(at_base("other/d/e"), 0700));
	change_name("top/a", "top/b");
	change_name("other/d", "top/b/d");
	make_file("top/b/d/e/f");
	const char *text = told(t);
	ck_assert_ptr_nonnull(strstr(text, "MOVED other/d > top/b/d/\n"));
	ck_assert_ptr_nonnull(strstr(text, "CREATED top/b/d/e/f\n"));
	ck_assert_ptr_null(strstr(text, "CREATED other/"));
	butter_tree_close(t);
}

/* Records of one file, none of which the kernel merges into another. */
static void rename_often(long times)
{
	static unsigned serial;
	char from[64], to[64];
	for (snprintf(from, sizeof(from), "top/busy/%u", serial); times > 0; times--) {
		snprintf(to, sizeof(to), "top/busy/%u", ++serial);
		change_name(from, to);
		snprintf(from, sizeof(from), "%s", to);
	}
}

/* A record of a name that is there no more. */
static void come_and_go(const char *path)
{
	make_dir(path);
	remove_dir(path);
}

/*
 * The queue is full when a directory is made, and has room again when it is renamed, as it is read: nothing
 * says that it was not there all the time but that the queue overflowed.
 */
UNWALKED(what_is_behind_a_full_queue_does_not_say_what_was_there_before)
{
	enum { FEW = 300 };
	struct butter_tree *t = unwalked_begin(arg);
	struct butter_tree_statistics got;
	struct butter_tree_event ev;
	long limit = read_number("/proc/sys/fs/fanotify/max_queued_events");
	make_dirs("top/busy");
	make_file("top/busy/0");
	if (!unwalked_add(t, "top", NULL))
		return;
	make_file("top/busy/f");
	TOLD(t, "CREATED top/busy/f\n");
	rename_often(FEW);
	come_and_go("top/new");
	come_and_go("top/other");
	rename_often(limit);
	make_dir("top/new");
	make_file("top/new/f");
	ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
	ck_assert_uint_eq(ev.type, BUTTER_TREE_MOVED);
	change_name("top/new", "top/other");
	make_dir("top/new");
	while (ev.type == BUTTER_TREE_MOVED) {
		ck_assert_ptr_nonnull(strstr(ev.path, "/top/busy/"));
		ck_assert_int_eq(butter_tree_wait_event(t, &ev, INT64_C(20000000000)), 1);
	}
	ck_assert_uint_eq(ev.type, BUTTER_TREE_RESCAN);
	TOLD(t, "GAP top/\n");
	butter_tree_get(t, &got);
	ck_assert_uint_eq(got.overflows, 1);
	make_file("top/other/g");
	change_name("top/other", "top/last");
	TOLD(t, "CREATED top/other/g\nMOVED top/other > top/last/\n");
	butter_tree_close(t);
}

/* Records are read before their turn, more than there is room for in the first buffer. */
static struct butter_tree *begin_many(const char *dir)
{
	struct butter_tree *t = unwalked_begin(dir);
	make_dirs("top/a/b/c");
	make_dir("out");
	if (!unwalked_add(t, "top", NULL))
		return NULL;
	make_file("top/a/b/c/f");
	make_many_files("out");
	return t;
}

UNWALKED(it_may_be_closed_with_records_read_before_their_turn)
{
	struct butter_tree *t = begin_many(arg);
	struct butter_tree_event ev;
	if (!t)
		return;
	ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
	butter_tree_close(t);
}

/* What other call fails than those of a loss: the first opens a root's directory to find one by its handle.
 */
static void lose_by(const char *dir, enum fault_call call, unsigned nth, int error, int for_ever)
{
	struct butter_tree *t = begin_many(dir);
	struct butter_tree_event ev = {0};
	int seen = 0;
	if (!t)
		return;
	if (for_ever)
		fault_error_from(call, nth, error);
	else
		fault_error(call, nth, error);
	(void)!butter_tree_read_event(t, &ev);
	ck_assert_int_eq(fault_happened(call), 1);
	fault_clear();
	for (seen = ev.type == BUTTER_TREE_GAP; !seen; seen = ev.type == BUTTER_TREE_GAP)
		ck_assert_int_eq(butter_tree_wait_event(t, &ev, INT64_C(20000000000)), 1);
	ck_assert_uint_eq(directories_of(t), 1);
	make_file("top/a/b/c/g");
	ck_assert_ptr_nonnull(strstr(told(t), "CREATED top/a/b/c/g\n"));
	butter_tree_close(t);
}

UNWALKED(without_fds_it_is_a_loss)
{
	lose_by(arg, FAULT_OPEN, 1, EMFILE, 0);
}

UNWALKED(without_memory_to_meet_a_directory_it_is_a_loss)
{
	lose_by(arg, FAULT_CALLOC, 1, ENOMEM, 0);
}

UNWALKED(without_memory_for_what_is_read_before_its_turn_it_is_a_loss)
{
	lose_by(arg, FAULT_MALLOC, 1, ENOMEM, 0);
}

/* The first is that of the stream. */
UNWALKED(what_cannot_be_read_before_its_turn_is_a_loss)
{
	lose_by(arg, FAULT_READ, 2, EIO, 1);
}

UNWALKED(when_the_kernel_does_not_say_how_much_is_waiting_it_is_a_loss)
{
	lose_by(arg, FAULT_IOCTL, 1, EINVAL, 1);
}

UNWALKED(a_root_that_comes_later_finds_what_was_waiting_told)
{
	struct butter_tree *t = begin_many(arg);
	if (!t)
		return;
	make_dirs("other/d");
	make_file("top/a/g");
	const struct butter_tree_root wait = {.size = sizeof(wait), .flags = BUTTER_TREE_WAIT};
	struct butter_tree_root o = {.size = sizeof(o), .backend = BUTTER_TREE_FANOTIFY};
	o.mask = BUTTER_TREE_CREATED | BUTTER_TREE_READY;
	ck_assert_int_eq(butter_tree_add(t, at_base("later"), &wait, NULL), 1);
	ck_assert_int_eq(butter_tree_add(t, at_base("other"), &o, NULL), 2);
	make_file("other/d/f");
	TOLD(t, "CREATED top/a/b/c/f\nCREATED top/a/g\nREADY later\nREADY other/\nCREATED other/d/f\n");
	butter_tree_close(t);
}

/* Its files are of another filesystem, which has to be marked too. */
UNWALKED(a_mount_that_cannot_be_marked_is_degraded)
{
	struct butter_tree *t = unwalked_begin(arg);
	struct butter_tree_root o = {.size = sizeof(o), .backend = BUTTER_TREE_FANOTIFY};
	struct butter_tree_event ev;
	make_dirs("top/a/m");
	must_mount("tmpfs", at_base("top/a/m"));
	if (!unwalked_add(t, "top", NULL))
		return;
	butter_tree_close(t);
	t = tree_of(0, arg);
	ev.type = 0;
	for (unsigned nth = 1; ev.type != BUTTER_TREE_DEGRADED && nth < 8; nth++) {
		butter_tree_close(t);
		t = tree_of(0, arg);
		fault_error(FAULT_FANOTIFY_MARK, nth, ENOSPC);
		int n = butter_tree_add(t, at_base("top"), &o, NULL);
		fault_clear();
		if (n >= 0)
			ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
	}
	ck_assert_uint_eq(ev.type, BUTTER_TREE_DEGRADED);
	ck_assert_str_eq(ev.path, at_base("top/a/m"));
	ck_assert_int_eq(ev.error, ENOSPC);
	ck_assert_ptr_nonnull(strstr(told_until(t, "RECOVERED top/a/m/"), "RECOVERED top/a/m/\n"));
	butter_tree_close(t);
}

SUITE(tree_lazy_lost)
{
	tcase_set_timeout(raw, 60);
	tcase_add_test(raw, a_name_in_what_another_was_renamed_over_is_a_loss);
	tcase_add_test(raw, between_a_loss_and_its_gap_nothing_is_told);
	tcase_add_test(raw, what_was_renamed_over_is_told_to_be_gone_though_that_has_left_again);
	tcase_add_test(raw, what_was_exchanged_is_not_told_to_be_gone_when_the_other_has_left_again);
	tcase_add_test(raw, who_comes_to_a_name_takes_the_place_of_who_was_told_to_be_there);
	tcase_add_test(raw, what_was_told_to_be_in_another_root_is_in_one_only);
	tcase_add_test(raw, what_is_behind_a_full_queue_does_not_say_what_was_there_before);
	tcase_add_test(raw, it_may_be_closed_with_records_read_before_their_turn);
	tcase_add_test(raw, without_fds_it_is_a_loss);
	tcase_add_test(raw, without_memory_to_meet_a_directory_it_is_a_loss);
	tcase_add_test(raw, without_memory_for_what_is_read_before_its_turn_it_is_a_loss);
	tcase_add_test(raw, what_cannot_be_read_before_its_turn_is_a_loss);
	tcase_add_test(raw, when_the_kernel_does_not_say_how_much_is_waiting_it_is_a_loss);
	tcase_add_test(raw, a_root_that_comes_later_finds_what_was_waiting_told);
	tcase_add_test(raw, a_mount_that_cannot_be_marked_is_degraded);
}
