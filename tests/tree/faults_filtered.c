/* SPDX-License-Identifier: MIT */
/*
 * Memory fails once, at each of its turns, while roots with rules, lists of patterns and settle times are
 * changed: what is known afterwards is what a new tree with the same options finds.
 */
#include <stdio.h>
#include <sys/stat.h>

#include <butter/tree.h>

#include "fault.h"
#include "test.h"

static const struct butter_tree_rule rules[] = {
	{.action = BUTTER_TREE_PRUNE, .syntax = BUTTER_TREE_GLOB, .pattern = "x/skip"},
	{.action = BUTTER_TREE_EXCLUDE, .syntax = BUTTER_TREE_GLOB, .pattern = "quiet/**"},
	{.action = BUTTER_TREE_EXCLUDE, .syntax = BUTTER_TREE_REGEX, .pattern = "[.]o$"},
};

static const char *const dirs[] = {"a",     "b",       "out", "a/x",   "a/x/skip",
				   "a/x/d", "a/quiet", "b/x", "out/n", "out/n/gen"};
static const char *const files[] = {"a/x/f", "a/x/f.o", "a/x/d/f", "a/x/skip/f",
				    "a/g",   "b/x/f",   "out/n/f", "out/n/gen/f"};

static void write_list(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void make(const char *top)
{
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		ck_assert_int_eq(mkdir(path_in(top, dirs[i]), 0755), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		touch(path_in(top, files[i]));
	write_list(path_in(top, "out/n/.ignore"), "gen/\n");
	write_list(path_in(top, "a/.ignore"), "*.tmp\n");
}

static void move(const char *top, const char *from, const char *to)
{
	ck_assert_int_eq(rename(path_in(top, from), path_in(top, to)), 0);
}

/* Into, within and out of what is left out, and between the roots. */
static void change(const char *top)
{
	move(top, "out/n", "a/n");
	move(top, "a/x/d", "a/quiet/d");
	move(top, "a/x", "a/y");
	move(top, "a/y/f", "b/f.o");
	move(top, "b/x", "a/x");
	write_list(path_in(top, "a/.ignore"), "*.bak\ng\n");
	touch(path_in(top, "a/n/new.tmp"));
	move(top, "a/quiet/d", "b/d");
	ck_assert_int_eq(mkdir(path_in(top, "a/x/skip"), 0755), 0);
}

struct known {
	char lines[64][96];
	size_t count, skip;
};

static int note(const struct butter_tree_node *node, void *data)
{
	struct known *k = data;
	ck_assert_uint_lt(k->count, 64);
	snprintf(k->lines[k->count++], sizeof(k->lines[0]), "%s%s", node->path + k->skip,
		 node->flags & BUTTER_TREE_IS_DIR ? "/" : "");
	return 0;
}

static int by_line(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void dump(const struct butter_tree *x, const char *top, struct known *ret)
{
	*ret = (struct known){.skip = strlen(top)};
	ck_assert_int_eq(butter_tree_dump(x, note, ret), 0);
	qsort(ret->lines, ret->count, sizeof(ret->lines[0]), by_line);
}

/* No assertion: memory may be what fails. */
static int add_both(struct butter_tree *x, const char *a, const char *b)
{
	struct butter_tree_root root = {.size = sizeof(root),
					.backend = BUTTER_TREE_INOTIFY,
					.ignore_file = ".ignore",
					.settle = 1000000,
					.rules = rules,
					.rule_count = sizeof(rules) / sizeof(rules[0])};
	if (butter_tree_add(x, a, &root, NULL) < 0)
		return -1;
	root.rules = NULL;
	root.rule_count = 0;
	root.ignore_file = NULL;
	return butter_tree_add(x, b, &root, NULL);
}

static void drain(struct butter_tree *x)
{
	struct butter_tree_event ev = {0};
	ck_assert_int_eq(butter_tree_sync(x, -1), 1);
	while (ev.type != BUTTER_TREE_SYNC)
		ck_assert_int_eq(butter_tree_read_event(x, &ev), 1);
}

static void assert_as_new(const struct butter_tree *x, const char *top, const char *what)
{
	static struct known is, wanted;
	struct butter_tree_options options = {.size = sizeof(options), .flags = BUTTER_TREE_ENTRIES};
	struct butter_tree *y = butter_tree_open(&options);
	ck_assert_int_eq(add_both(y, path_in(top, "a"), path_in(top, "b")), 1);
	dump(x, top, &is);
	dump(y, top, &wanted);
	for (size_t i = 0; i < is.count && i < wanted.count; i++)
		ck_assert_msg(!strcmp(is.lines[i], wanted.lines[i]), "%s: %s is known, and %s there", what,
			      is.lines[i], wanted.lines[i]);
	ck_assert_uint_eq(is.count, wanted.count);
	butter_tree_close(y);
}

static const enum fault_call calls[] = {FAULT_CALLOC, FAULT_REALLOC};

static int try_change(const char *dir, enum fault_call call, unsigned nth)
{
	struct butter_tree_event ev;
	char what[48];
	char top[256];
	struct butter_tree_options options = {.size = sizeof(options), .flags = BUTTER_TREE_ENTRIES};
	snprintf(top, sizeof(top), "%s/%u", dir, nth);
	ck_assert_int_eq(mkdir(top, 0755), 0);
	snprintf(what, sizeof(what), "call %d, turn %u", (int)call, nth);
	make(top);
	const char *a = path_in(top, "a"), *b = path_in(top, "b");
	struct butter_tree *x = butter_tree_open(&options);
	ck_assert_int_eq(add_both(x, a, b), 1);
	drain(x);
	change(top);
	fault_error(call, nth, ENOMEM);
	int n = butter_tree_sync(x, -1), error = errno;
	while (n >= 0 && (n = butter_tree_read_event(x, &ev)) == 1)
		error = 0;
	int happened = fault_happened(call);
	error = n < 0 ? (error ? error : errno) : 0;
	fault_clear();
	ck_assert_msg(!error || (happened && error == ENOMEM), "%s: errno is %d", what, error);
	drain(x);
	assert_as_new(x, top, what);
	butter_tree_close(x);
	return happened;
}

START_TEST(without_memory_filters_leave_out_the_same)
{
	unsigned nth = 1;
	const char *dir = scratch();
	while (try_change(dir, calls[_i], nth))
		nth++;
	ck_assert_uint_gt(nth, 1);
}
END_TEST

/* An add fails and tells why, or makes up for it. */
static int try_add(const char *dir, enum fault_call call, unsigned nth, uint32_t workers)
{
	char top[256], what[48];
	struct butter_tree_options options = {
		.size = sizeof(options), .flags = BUTTER_TREE_ENTRIES, .scan_workers = workers};
	snprintf(top, sizeof(top), "%s/%u-%u", dir, workers, nth);
	snprintf(what, sizeof(what), "call %d, turn %u", (int)call, nth);
	ck_assert_int_eq(mkdir(top, 0755), 0);
	make(top);
	const char *a = path_in(top, "a"), *b = path_in(top, "b");
	struct butter_tree *x = butter_tree_open(&options);
	fault_error(call, nth, ENOMEM);
	int n = add_both(x, a, b), error = errno, happened = fault_happened(call);
	fault_clear();
	ck_assert_msg(n == 1 || (happened && error == ENOMEM), "%s: errno is %d", what, error);
	if (n < 0) {
		(void)!butter_tree_remove(x, a);
		ck_assert_msg(add_both(x, a, b) >= 0, "%s: %s", what, strerror(errno));
	}
	drain(x);
	drain(x);
	assert_as_new(x, top, what);
	butter_tree_close(x);
	return happened;
}

static const enum fault_call scan_calls[] = {FAULT_MALLOC, FAULT_CALLOC, FAULT_REALLOC, FAULT_STRDUP,
					     FAULT_GETDENTS};

START_TEST(without_memory_a_first_scan_leaves_out_the_same)
{
	const char *dir = scratch();
	unsigned nth = 1;
	for (uint32_t workers = 0; workers <= 2; workers += 2)
		for (nth = 1; try_add(dir, scan_calls[_i], nth, workers); nth++)
			continue;
}
END_TEST

SUITE(tree_faults_filtered)
{
	tcase_add_loop_test(tc, without_memory_filters_leave_out_the_same, 0, 2);
	tcase_add_loop_test(tc, without_memory_a_first_scan_leaves_out_the_same, 0, 5);
}
