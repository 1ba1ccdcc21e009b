/* SPDX-License-Identifier: MIT */
/* What is found elsewhere has moved: files of many names too, of which not each is asked for. */
#include <stdio.h>
#include <sys/stat.h>

#include "fault.h"
#include "test.h"
#include "told.h"

static const uint32_t backends[] = {BUTTER_TREE_INOTIFY, BUTTER_TREE_POLL, BUTTER_TREE_FANOTIFY};
enum { BACKENDS = sizeof(backends) / sizeof(backends[0]) };

/* Only who is root may have fanotify's. */
static struct butter_tree *watching(uint32_t backend)
{
	const char *top = scratch();
	struct butter_tree *t = tree_of(BUTTER_TREE_ENTRIES, top);
	struct butter_tree_root o = {
		.size = sizeof(o),
		.backend = backend == BUTTER_TREE_FANOTIFY && geteuid() != 0 ? BUTTER_TREE_INOTIFY : backend,
		.poll_interval = INT64_C(3600000000000)};
	make_dir("d");
	make_dir("e");
	make_file("d/f");
	ck_assert_int_eq(butter_tree_add(t, top, &o, NULL), 0);
	told(t);
	return t;
}

static void link_name(const char *format, unsigned i)
{
	char path[32], from[4096];
	snprintf(path, sizeof(path), format, i);
	snprintf(from, sizeof(from), "%s", at_base("d/f"));
	ck_assert_int_eq(link(from, at_base(path)), 0);
}

/* How often the reader asks the kernel for a file, when so many names were added to one. */
static unsigned questions(uint32_t backend, unsigned names)
{
	struct butter_tree *t = watching(backend);
	for (unsigned i = 0; i < names; i++)
		link_name(i % 2 ? "d/%u" : "e/%u", i);
	unsigned before = fault_calls(FAULT_STAT);
	const char *text = told(t);
	unsigned count = fault_calls(FAULT_STAT) - before, lines = 0;
	for (const char *at = text; (at = strstr(at, "CREATED ")); at++)
		lines++;
	ck_assert_uint_eq(lines, names);
	ck_assert_ptr_null(strstr(text, "DELETED"));
	ck_assert_ptr_null(strstr(text, "MOVED"));
	butter_tree_close(t);
	return count;
}

START_TEST(names_of_a_file_cost_the_same_however_many_there_are)
{
	unsigned some = questions(backends[_i], 200), more = questions(backends[_i], 800);
	ck_assert_msg(more < some * 5, "%u and %u", some, more);
}
END_TEST

static void want_move(uint32_t backend, unsigned names, int outside)
{
	struct butter_tree *t = watching(backend);
	const char *elsewhere = scratch();
	char from[32], to[32], line[96];
	for (unsigned i = 1; i < names; i++)
		link_name("d/%u", i);
	if (outside)
		ck_assert_int_eq(link(at_base("d/f"), path_in(elsewhere, "f")), 0);
	told(t);
	snprintf(from, sizeof(from), "d/%u", names / 2);
	snprintf(to, sizeof(to), "e/%u", names / 2);
	change_name(from, to);
	snprintf(line, sizeof(line), "MOVED %s > %s\n", from, to);
	const char *text = told(t);
	ck_assert_msg(strstr(text, line), "%u names: %s", names, text);
	ck_assert_ptr_null(strstr(text, "CREATED"));
	ck_assert_ptr_null(strstr(text, "DELETED"));
	butter_tree_close(t);
}

static const unsigned counts[] = {2, 8, 9, 100, 400};
enum { COUNTS = sizeof(counts) / sizeof(counts[0]) };

/* What is looked at again and again knows by the count alone that one of many has left. */
START_TEST(a_name_that_moves_is_told_however_many_the_file_has)
{
	uint32_t backend = backends[_i % BACKENDS];
	unsigned names = counts[_i / BACKENDS % COUNTS];
	int outside = _i / BACKENDS / COUNTS > 0;
	if (backend != BUTTER_TREE_POLL || names < (outside ? 9 : 256))
		want_move(backend, names, outside);
}
END_TEST

/* Too many to ask for, and no record says what left. */
START_TEST(a_name_of_too_many_is_told_to_be_gone_and_another_to_have_come)
{
	struct butter_tree *t = watching(BUTTER_TREE_POLL);
	for (unsigned i = 0; i < 400; i++)
		link_name("d/%u", i);
	told(t);
	change_name("d/7", "e/7");
	const char *text = told_sorted(t);
	ck_assert_msg(strstr(text, "CREATED e/7\n") && strstr(text, "DELETED d/7\n"), "%s", text);
	butter_tree_close(t);
}
END_TEST

SUITE(tree_look)
{
	tcase_add_loop_test(tc, names_of_a_file_cost_the_same_however_many_there_are, 0, BACKENDS);
	tcase_add_loop_test(tc, a_name_that_moves_is_told_however_many_the_file_has, 0,
			    BACKENDS * COUNTS * 2);
	tcase_add_test(tc, a_name_of_too_many_is_told_to_be_gone_and_another_to_have_come);
}
