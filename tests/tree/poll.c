/* SPDX-License-Identifier: MIT */
/* What is found by looking again and again. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../support/test.h"
#include "told.h"

enum { NEVER = 3600 };
static const int64_t SECOND = 1000000000;

static struct butter_tree *polled(const char *top, uint32_t flags, uint32_t mask)
{
	struct butter_tree *t = tree_of(flags, top);
	struct butter_tree_root o = {.size = sizeof(o),
				     .mask = mask,
				     .backend = BUTTER_TREE_POLL,
				     .poll_interval = NEVER * SECOND};
	ck_assert_int_eq(butter_tree_add(t, top, &o, NULL), 0);
	return t;
}

static void append(const char *path)
{
	int fd = open(at_base(path), O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

START_TEST(modes_and_owners_are_told_and_are_no_modification)
{
	const char *top = scratch();
	struct butter_tree *t = polled(top, _i ? BUTTER_TREE_ENTRIES : 0, 0);
	make_dir("d");
	make_file("d/f");
	told(t);
	ck_assert_str_eq(told(t), "");
	ck_assert_int_eq(chmod(at_base("d/f"), 0640), 0);
	ck_assert_str_eq(told(t), "ATTRIB d/f\n");
	ck_assert_int_eq(chmod(at_base("d"), 0700), 0);
	ck_assert_str_eq(told(t), "ATTRIB d/\n");
	append("d/f");
	ck_assert_str_eq(told(t), "MODIFIED d/f\n");
	for (uid_t to = 1; geteuid() == 0 && to < 100000; to = to * 7 + 1) {
		ck_assert_int_eq(chown(at_base("d/f"), to, 0), 0);
		ck_assert_str_eq(told(t), "ATTRIB d/f\n");
		ck_assert_int_eq(chown(at_base("d/f"), to, to), 0);
		ck_assert_str_eq(told(t), "ATTRIB d/f\n");
		ck_assert_int_eq(chown(at_base("d/f"), 0, 0), 0);
		ck_assert_str_eq(told(t), "ATTRIB d/f\n");
	}
	ck_assert_str_eq(told(t), "");
	butter_tree_close(t);
}
END_TEST

/* A name that came and one that went, of a file, are known without ENTRIES: nothing else tells of them. */
START_TEST(files_are_known_in_both_levels)
{
	struct butter_tree_statistics got;
	const char *top = scratch();
	struct butter_tree *t = polled(top, _i ? BUTTER_TREE_ENTRIES : 0, BUTTER_TREE_CHANGES);
	told(t);
	make_file("f");
	ck_assert_str_eq(told(t), "CREATED f\n");
	change_name("f", "g");
	ck_assert_str_eq(told(t), "MOVED f > g\n");
	remove_file("g");
	ck_assert_str_eq(told(t), "DELETED g\n");
	butter_tree_get(t, &got);
	ck_assert_uint_eq(got.overflows + got.rescans, 0);
	butter_tree_close(t);
}
END_TEST

START_TEST(an_event_that_was_found_says_so)
{
	const char *top = scratch();
	struct butter_tree *t = polled(top, 0, BUTTER_TREE_ATTRIB);
	struct butter_tree_event ev;
	make_file("f");
	told(t);
	ck_assert_int_eq(chmod(at_base("f"), 0640), 0);
	ck_assert_int_eq(butter_tree_sync(t, -1), 1);
	ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
	ck_assert_uint_eq(ev.type, BUTTER_TREE_ATTRIB);
	ck_assert_uint_eq(ev.flags, BUTTER_TREE_SYNTHETIC);
	ck_assert_int_eq(ev.pid, 0);
	butter_tree_close(t);
}
END_TEST

SUITE(tree_poll)
{
	tcase_add_loop_test(tc, modes_and_owners_are_told_and_are_no_modification, 0, 2);
	tcase_add_loop_test(tc, files_are_known_in_both_levels, 0, 2);
	tcase_add_test(tc, an_event_that_was_found_says_so);
}
