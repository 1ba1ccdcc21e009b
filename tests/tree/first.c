/* SPDX-License-Identifier: MIT */
/* Rules and ignore files in the first scan: threads find what a plain scan does. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include <butter/tree.h>

#include "test.h"

enum { DIRS = 12, ROUNDS = 4 };
static const uint32_t counts[ROUNDS] = {0, 1, 2, 4};

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* Each of its folders has what every rule below is about. */
static void make_tree(const char *top)
{
	static const char *const dirs[] = {"",         "/build",    "/build/deep", "/src",
					   "/src/gen", "/src/keep", "/.hid"};
	static const char *const files[] = {"/build/f", "/src/a.c", "/src/a.o", "/src/gen/f",
					    "/src/keep/x.o"};
	char path[256];
	for (unsigned i = 0; i < DIRS; i++) {
		for (size_t k = 0; k < sizeof(dirs) / sizeof(dirs[0]); k++) {
			snprintf(path, sizeof(path), "%s/%u%s", top, i, dirs[k]);
			ck_assert_int_eq(mkdir(path, 0755), 0);
		}
		for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
			snprintf(path, sizeof(path), "%s/%u%s", top, i, files[k]);
			put(path, "");
		}
		snprintf(path, sizeof(path), "%s/%u/src/.ignore", top, i);
		put(path, i % 2 ? "gen/\n*.o\n!keep/x.o\n" : "*.o\n");
	}
	put(path_in(top, ".ignore"), "deep\n/3/\n");
}

static char found[1 << 16];
static size_t len;

static int note(const struct butter_tree_node *node, void *data)
{
	const size_t *skip = data;
	len += (size_t)snprintf(found + len, sizeof(found) - len, "%s%s\n", node->path + *skip,
				node->flags & BUTTER_TREE_IS_DIR ? "/" : "");
	return 0;
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is known, in alphabetical order: threads find it in any. */
static char *known(const struct butter_tree *x, const char *top)
{
	size_t skip = strlen(top), count = 0, at = 0;
	char **lines = calloc(sizeof(found) / 2, sizeof(*lines)), *sorted = calloc(1, sizeof(found));
	len = 0;
	ck_assert_int_eq(butter_tree_dump(x, note, &skip), 0);
	for (char *line = strtok(found, "\n"); line; line = strtok(NULL, "\n"))
		lines[count++] = line;
	qsort(lines, count, sizeof(*lines), by_line);
	for (size_t i = 0; i < count; i++)
		at += (size_t)sprintf(sorted + at, "%s\n", lines[i]);
	free(lines);
	return sorted;
}

static pthread_t caller;
static unsigned calls;

static int is_gen(const char *path, const char *name, uint32_t type, void *data)
{
	(void)path, (void)type, (void)data;
	ck_assert(pthread_equal(pthread_self(), caller));
	calls++;
	return !strcmp(name, "gen");
}

static const struct butter_tree_rule prune_build[] = {{.action = BUTTER_TREE_PRUNE, .pattern = "build"}};
static const struct butter_tree_rule by_path[] = {
	{.action = BUTTER_TREE_PRUNE, .pattern = "[0-4]/src/gen"},
	{.action = BUTTER_TREE_PRUNE, .syntax = BUTTER_TREE_REGEX, .pattern = "^1[01]/"},
	{.action = BUTTER_TREE_EXCLUDE, .pattern = "*.o"},
};
static const struct butter_tree_rule callback[] = {
	{.action = BUTTER_TREE_PRUNE, .syntax = BUTTER_TREE_CALLBACK, .match = is_gen}};

static const struct butter_tree_root settings[] = {
	{.rules = prune_build, .rule_count = 1},
	{.rules = by_path, .rule_count = 3},
	{.rules = callback, .rule_count = 1},
	{.ignore_file = ".ignore"},
	{.ignore_file = ".ignore", .rules = prune_build, .rule_count = 1},
	{.flags = BUTTER_TREE_SKIP_HIDDEN},
	{.max_depth = 2},
	{.flags = BUTTER_TREE_SKIP_HIDDEN, .max_depth = 3, .rules = by_path, .rule_count = 3},
};
enum { SETTINGS = sizeof(settings) / sizeof(settings[0]) };

static char *scan(const char *top, struct butter_tree_root o, uint32_t flags, uint32_t workers)
{
	struct butter_tree_options options = {
		.size = sizeof(options), .flags = flags, .scan_workers = workers};
	struct butter_tree *x = butter_tree_open(&options);
	ck_assert_ptr_nonnull(x);
	o.size = sizeof(o);
	o.backend = BUTTER_TREE_INOTIFY;
	ck_assert_int_eq(butter_tree_add(x, top, &o, NULL), 0);
	char *text = known(x, top);
	butter_tree_close(x);
	return text;
}

START_TEST(any_number_of_workers_leaves_out_the_same)
{
	const char *top = scratch();
	make_tree(top);
	caller = pthread_self();
	for (uint32_t level = 0; level < 2; level++) {
		char *plain = scan(top, settings[_i], level, 0);
		char *all = scan(top, (struct butter_tree_root){0}, level, 0);
		ck_assert_str_ne(plain, all);
		for (size_t i = 0; i < ROUNDS; i++) {
			char *text = scan(top, settings[_i], level, counts[i]);
			ck_assert_str_eq(text, plain);
			free(text);
		}
		free(plain);
		free(all);
	}
	ck_assert_int_eq(calls > 0, settings[_i].rules == callback);
}
END_TEST

SUITE(tree_first)
{
	tcase_add_loop_test(tc, any_number_of_workers_leaves_out_the_same, 0, SETTINGS);
}
