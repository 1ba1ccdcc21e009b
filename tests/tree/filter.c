/* SPDX-License-Identifier: MIT */
/* The rules of a root: what is pruned, what is told. */
#include <regex.h>
#include <sys/inotify.h>

#include "../../src/tree/filter.h"
#include "fault.h"
#include "test.h"

enum {
	PRUNE = BUTTER_TREE_PRUNE,
	EXCLUDE = BUTTER_TREE_EXCLUDE,
	INCLUDE = BUTTER_TREE_INCLUDE,
	GLOB = BUTTER_TREE_GLOB,
	REGEX = BUTTER_TREE_REGEX,
	CALLBACK = BUTTER_TREE_CALLBACK,
	FOLD = BUTTER_TREE_FOLD,
	PERIOD = BUTTER_TREE_PERIOD,
	ENTER = BUTTER__FILTER_ENTER,
	LEAF = BUTTER__FILTER_LEAF,
	GONE = BUTTER__FILTER_GONE,
};

#define RULE(does, kind, text)                                                                               \
	{                                                                                                    \
		.action = (does), .syntax = (kind), .pattern = (text)                                        \
	}
#define FILTER(...)                                                                                          \
	filter_of((const struct butter_tree_rule[]){__VA_ARGS__},                                            \
		  sizeof((const struct butter_tree_rule[]){__VA_ARGS__}) / sizeof(struct butter_tree_rule),  \
		  NULL)

static struct butter__filter *filter_of(const struct butter_tree_rule *rules, size_t count,
					const struct butter__filter_settings *settings)
{
	size_t bad = 4242;
	struct butter__filter *f = butter__filter_new(rules, count, settings, &bad);
	ck_assert_msg(f && bad == 4242, "rule %zu", bad);
	return f;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static uint32_t depth_of(const char *path)
{
	uint32_t depth = 1;
	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static int prunes(const struct butter__filter *f, const char *path, int is_dir)
{
	return (int)butter__filter_prunes(f, path, name_of(path), depth_of(path), is_dir);
}

static int reports(const struct butter__filter *f, const char *path)
{
	return butter__filter_reports(f, path, name_of(path), IN_CREATE);
}

START_TEST(without_rules_all_is_entered_and_told)
{
	struct butter__filter *f = filter_of(NULL, 0, NULL);
	ck_assert_int_eq(prunes(f, "a/.b/c", 1), ENTER);
	ck_assert_int_eq(reports(f, "a/.b/c"), 1);
	ck_assert_int_eq(butter__filter_reports(f, "a", "a", 0), 1);
	butter__filter_free(f);
}
END_TEST

START_TEST(a_prune_rule_is_for_directories_and_for_no_report)
{
	struct butter__filter *f = FILTER(RULE(PRUNE, GLOB, "build"), RULE(PRUNE, REGEX, "^node_mod"));
	ck_assert_int_eq(prunes(f, "build", 1), GONE);
	ck_assert_int_eq(prunes(f, "a/build", 1), GONE);
	ck_assert_int_eq(prunes(f, "a/node_modules", 1), GONE);
	ck_assert_int_eq(prunes(f, "build", 0), ENTER);
	ck_assert_int_eq(prunes(f, "built", 1), ENTER);
	ck_assert_int_eq(reports(f, "build"), 1);
	butter__filter_free(f);
}
END_TEST

START_TEST(no_rule_brings_back_what_is_pruned)
{
	struct butter__filter *f = FILTER(RULE(PRUNE, GLOB, "b*"), RULE(INCLUDE, GLOB, "build"));
	ck_assert_int_eq(prunes(f, "build", 1), GONE);
	butter__filter_free(f);
}
END_TEST

START_TEST(a_pattern_with_a_slash_is_of_the_path_any_other_of_the_name)
{
	struct butter__filter *f = FILTER(
		RULE(EXCLUDE, GLOB, "*.o"), RULE(EXCLUDE, GLOB, "a/*.c"), RULE(EXCLUDE, GLOB, "/top"),
		RULE(EXCLUDE, GLOB, "**/x/y"), RULE(EXCLUDE, GLOB, "t/**"), RULE(EXCLUDE, REGEX, "^r[0-9]$"),
		RULE(EXCLUDE, REGEX, "^s/[0-9]"), RULE(EXCLUDE, GLOB, "e?"), RULE(EXCLUDE, REGEX, "q[^/]u"));
	static const struct {
		const char *path;
		int told;
	} rows[] = {
		{"a.o", 0},    {"x/a.o", 0}, {"a/b.c", 0}, {"a/b/b.c", 1}, {"x/a/b.c", 1}, {"top", 0},
		{"x/top", 1},  {"x/y", 0},   {"z/x/y", 0}, {"y", 1},       {"t", 1},       {"t/a", 0},
		{"t/a/b", 0},  {"r1", 0},    {"x/r1", 0},  {"r1/x", 1},    {"s/1", 0},     {"x/s/1", 1},
		{"x/s/12", 1}, {"e/x", 1},   {"x/ef", 0},  {"a/qau", 0},   {"qau/b", 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(reports(f, rows[i].path) == rows[i].told, "%s", rows[i].path);
	butter__filter_free(f);
}
END_TEST

START_TEST(the_last_report_rule_that_matches_decides)
{
	struct butter__filter *f = FILTER(RULE(EXCLUDE, GLOB, "*.log"), RULE(INCLUDE, GLOB, "main.log"),
					  RULE(EXCLUDE, GLOB, "old/*"));
	ck_assert_int_eq(reports(f, "a.log"), 0);
	ck_assert_int_eq(reports(f, "main.log"), 1);
	ck_assert_int_eq(reports(f, "old/main.log"), 0);
	ck_assert_int_eq(reports(f, "a.c"), 1);
	butter__filter_free(f);
}
END_TEST

START_TEST(a_list_that_begins_with_an_include_picks)
{
	struct butter__filter *f = FILTER(RULE(PRUNE, GLOB, "x"), RULE(INCLUDE, GLOB, "*.c"),
					  RULE(EXCLUDE, GLOB, "test_*"), RULE(INCLUDE, GLOB, "test_a.c"));
	ck_assert_int_eq(reports(f, "a.c"), 1);
	ck_assert_int_eq(reports(f, "a.h"), 0);
	ck_assert_int_eq(reports(f, "test_b.c"), 0);
	ck_assert_int_eq(reports(f, "test_a.c"), 1);
	ck_assert_int_eq(prunes(f, "src", 1), ENTER); /* it is not told of, and yet entered */
	ck_assert_int_eq(reports(f, "src"), 0);
	butter__filter_free(f);
}
END_TEST

START_TEST(hidden_names_are_skipped_by_setting)
{
	static const struct butter__filter_settings skip = {.skip_hidden = 1};
	static const struct butter_tree_rule rules[] = {RULE(INCLUDE, GLOB, "*")};
	struct butter__filter *f = filter_of(rules, 1, &skip);
	ck_assert_int_eq(prunes(f, ".git", 1), GONE);
	ck_assert_int_eq(prunes(f, "a/.git", 1), GONE);
	ck_assert_int_eq(prunes(f, "a/.b", 0), GONE);
	ck_assert_int_eq(prunes(f, "a.b", 1), ENTER);
	ck_assert_int_eq(reports(f, "a/.b"), 0);
	ck_assert_int_eq(reports(f, "a/b."), 1);
	butter__filter_free(f);
}
END_TEST

START_TEST(directories_at_the_maximum_depth_are_told_of_and_not_entered)
{
	static const struct butter__filter_settings two = {.max_depth = 2};
	struct butter__filter *f = filter_of(NULL, 0, &two);
	ck_assert_int_eq(prunes(f, "a", 1), ENTER);
	ck_assert_int_eq(prunes(f, "a/b", 1), LEAF);
	ck_assert_int_eq(prunes(f, "a/b", 0), ENTER);
	ck_assert_int_eq(prunes(f, "a/b/c", 1), GONE);
	ck_assert_int_eq(prunes(f, "a/b/c", 0), GONE);
	ck_assert_int_eq(reports(f, "a/b"), 1);
	butter__filter_free(f);
}
END_TEST

START_TEST(types_outside_the_mask_are_not_told)
{
	static const struct butter__filter_settings creations = {.mask = IN_CREATE | IN_DELETE};
	struct butter__filter *f = filter_of(NULL, 0, &creations);
	ck_assert_int_eq(butter__filter_reports(f, "a", "a", IN_CREATE), 1);
	ck_assert_int_eq(butter__filter_reports(f, "a", "a", IN_MODIFY), 0);
	ck_assert_int_eq(butter__filter_reports(f, "a", "a", IN_MODIFY | IN_DELETE), 1);
	ck_assert_int_eq(butter__filter_reports(f, "a", "a", 0), 0);
	butter__filter_free(f);
}
END_TEST

START_TEST(fold_and_period_are_flags_of_the_syntax)
{
	struct butter__filter *f = FILTER(
		RULE(EXCLUDE, GLOB | FOLD, "*.TXT"), RULE(EXCLUDE, REGEX | FOLD, "^a.c$"),
		RULE(EXCLUDE, GLOB | PERIOD, "*_"), RULE(EXCLUDE, GLOB, "*X"), RULE(EXCLUDE, REGEX, "Y$"));
	ck_assert_int_eq(reports(f, "a.txt"), 0);
	ck_assert_int_eq(reports(f, "AbC"), 0);
	ck_assert_int_eq(reports(f, ".a_"), 1);
	ck_assert_int_eq(reports(f, "a_"), 0);
	ck_assert_int_eq(reports(f, ".X"), 0);
	ck_assert_int_eq(reports(f, "x"), 1);
	ck_assert_int_eq(reports(f, "y"), 1);
	butter__filter_free(f);
}
END_TEST

struct asked {
	const char *path, *name;
	uint32_t type;
	unsigned calls;
	int answer;
};

static int answer(const char *path, const char *name, uint32_t type, void *data)
{
	struct asked *asked = data;
	asked->path = path;
	asked->name = name;
	asked->type = type;
	asked->calls++;
	return asked->answer;
}

START_TEST(a_callback_is_asked_with_all_that_is_known)
{
	struct asked prune = {.answer = 0}, exclude = {.answer = -1};
	const struct butter_tree_rule rules[] = {
		{.action = PRUNE, .syntax = CALLBACK, .match = answer, .data = &prune},
		{.action = EXCLUDE, .syntax = CALLBACK, .match = answer, .data = &exclude},
	};
	struct butter__filter *f = filter_of(rules, 2, NULL);
	const char *path = "a/b";
	ck_assert_int_eq(prunes(f, path, 1), ENTER);
	ck_assert(prune.path == path && prune.name == path + 2 && prune.type == 0 && prune.calls == 1);
	prune.answer = 1;
	ck_assert_int_eq(prunes(f, path, 1), GONE);
	ck_assert_int_eq(prunes(f, path, 0), ENTER);
	ck_assert_uint_eq(exclude.calls, 0);
	ck_assert_int_eq(reports(f, path), 0);
	ck_assert(exclude.path == path && exclude.name == path + 2 && exclude.type == IN_CREATE);
	exclude.answer = 0;
	ck_assert_int_eq(reports(f, path), 1);
	ck_assert_uint_eq(prune.calls, 2);
	butter__filter_free(f);
}
END_TEST

START_TEST(a_wrong_rule_is_EINVAL_and_told_by_its_index)
{
	static const struct butter_tree_rule wrong[] = {
		RULE(3, GLOB, "a"),
		RULE(PRUNE, 3, "a"),
		RULE(PRUNE, GLOB | 0x400, "a"),
		RULE(PRUNE, REGEX | PERIOD, "a"),
		RULE(PRUNE, GLOB, NULL),
		RULE(PRUNE, REGEX, NULL),
		RULE(PRUNE, CALLBACK, NULL),
		RULE(PRUNE, GLOB, ""),
		RULE(PRUNE, GLOB, "/"),
		RULE(PRUNE, GLOB, "a/"),
		RULE(PRUNE, GLOB, "//a"),
		RULE(PRUNE, GLOB, "a//b"),
		RULE(PRUNE, GLOB, "[a"),
		RULE(PRUNE, GLOB, "a\\"),
		RULE(PRUNE, REGEX, "(a"),
		RULE(PRUNE, REGEX, "[a"),
		RULE(EXCLUDE, REGEX, "[[:foo:]]"),
		{.action = PRUNE, .syntax = CALLBACK, .match = answer, .pattern = "a"},
		{.action = PRUNE, .syntax = CALLBACK | FOLD, .match = answer},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct butter_tree_rule rules[] = {RULE(PRUNE, GLOB, "a"), RULE(INCLUDE, REGEX, "a/b"),
						   wrong[i], RULE(PRUNE, GLOB, "[")};
		size_t bad = 4242;
		ck_assert_null_errno(butter__filter_new(rules, 4, NULL, &bad), EINVAL);
		ck_assert_msg(bad == 2, "wrong rule %zu: %zu", i, bad);
		ck_assert_null_errno(butter__filter_new(rules, 4, NULL, NULL), EINVAL);
	}
}
END_TEST

START_TEST(without_memory_it_is_ENOMEM_and_no_rule_is_to_blame)
{
	static const struct butter_tree_rule rules[] = {RULE(PRUNE, REGEX, "a"), RULE(PRUNE, REGEX, "b")};
	size_t bad = 4242;
	fault_error(FAULT_CALLOC, 1, ENOMEM);
	ck_assert_null_errno(butter__filter_new(rules, 2, NULL, &bad), ENOMEM);
	fault_clear();
	for (unsigned nth = 1; nth <= 2; nth++) {
		fault_result(FAULT_REGCOMP, nth, REG_ESPACE, NULL);
		ck_assert_null_errno(butter__filter_new(rules, 2, NULL, &bad), ENOMEM);
		fault_clear();
	}
	ck_assert_null_errno(butter__filter_new(NULL, SIZE_MAX, NULL, &bad), ENOMEM);
	ck_assert_uint_eq(bad, 4242);
}
END_TEST

START_TEST(without_memory_for_a_match_more_is_told_and_not_less)
{
	struct butter__filter *prune = FILTER(RULE(PRUNE, REGEX, "a"));
	struct butter__filter *exclude = FILTER(RULE(EXCLUDE, REGEX, "a"));
	struct butter__filter *include = FILTER(RULE(INCLUDE, REGEX, "b"));
	errno = 4242;
	fault_result(FAULT_REGEXEC, 1, REG_ESPACE, NULL);
	ck_assert_int_eq(prunes(prune, "a", 1), ENTER);
	ck_assert_int_eq(prunes(prune, "a", 1), GONE);
	fault_result(FAULT_REGEXEC, 1, REG_ESPACE, NULL);
	ck_assert_int_eq(reports(exclude, "a"), 1);
	ck_assert_int_eq(reports(exclude, "a"), 0);
	fault_result(FAULT_REGEXEC, 1, REG_ESPACE, NULL);
	ck_assert_int_eq(reports(include, "a"), 1);
	ck_assert_int_eq(reports(include, "a"), 0);
	ck_assert_int_eq(errno, 4242);
	butter__filter_free(prune);
	butter__filter_free(exclude);
	butter__filter_free(include);
}
END_TEST

START_TEST(the_patterns_are_copies)
{
	char glob[] = "*.o", regex[] = "^x";
	const struct butter_tree_rule rules[] = {RULE(EXCLUDE, GLOB, glob), RULE(EXCLUDE, REGEX, regex)};
	errno = 4242;
	struct butter__filter *f = filter_of(rules, 2, NULL);
	memset(glob, 'z', 3);
	memset(regex, 'z', 2);
	ck_assert_int_eq(reports(f, "a.o"), 0);
	ck_assert_int_eq(reports(f, "xy"), 0);
	butter__filter_free(f);
	butter__filter_free(NULL);
	ck_assert_int_eq(errno, 4242);
}
END_TEST

/* Longer than a name, a path and a page may be; in memory that ends where they end. */
START_TEST(neither_names_nor_paths_have_a_limit)
{
	struct butter__filter *f = FILTER(RULE(EXCLUDE, GLOB, "deep/**/*.c"),
					  RULE(EXCLUDE, REGEX, "^deep/.*[.]h$"), RULE(EXCLUDE, GLOB, "b*b"));
	enum { LEN = 20000 };
	char *path = malloc(LEN + 1);
	memset(path, 'b', LEN);
	path[LEN] = '\0';
	ck_assert_int_eq(reports(f, path), 0);
	memcpy(path, "deep/", 5);
	for (size_t i = 500; i < LEN; i += 500)
		path[i] = '/';
	memcpy(path + LEN - 2, ".c", 2);
	ck_assert_int_eq(reports(f, path), 0);
	path[LEN - 1] = 'h';
	ck_assert_int_eq(reports(f, path), 0);
	path[LEN - 1] = 'x';
	ck_assert_int_eq(reports(f, path), 1);
	ck_assert_int_eq(prunes(f, path, 1), ENTER);
	free(path);
	butter__filter_free(f);
}
END_TEST

START_TEST(globs_match_bytes_that_are_no_text)
{
	struct butter__filter *f = FILTER(RULE(EXCLUDE, GLOB, "\xff*"), RULE(EXCLUDE, GLOB, "a\n?"));
	ck_assert_int_eq(reports(f, "\xff\xfe\x01"), 0);
	ck_assert_int_eq(reports(f, "a\n\x80"), 0);
	ck_assert_int_eq(reports(f, "\xfe\xff"), 1);
	butter__filter_free(f);
}
END_TEST

SUITE(tree_filter)
{
	tcase_add_test(tc, without_rules_all_is_entered_and_told);
	tcase_add_test(tc, a_prune_rule_is_for_directories_and_for_no_report);
	tcase_add_test(tc, no_rule_brings_back_what_is_pruned);
	tcase_add_test(tc, a_pattern_with_a_slash_is_of_the_path_any_other_of_the_name);
	tcase_add_test(tc, the_last_report_rule_that_matches_decides);
	tcase_add_test(tc, a_list_that_begins_with_an_include_picks);
	tcase_add_test(tc, hidden_names_are_skipped_by_setting);
	tcase_add_test(tc, directories_at_the_maximum_depth_are_told_of_and_not_entered);
	tcase_add_test(tc, types_outside_the_mask_are_not_told);
	tcase_add_test(tc, fold_and_period_are_flags_of_the_syntax);
	tcase_add_test(tc, a_callback_is_asked_with_all_that_is_known);
	tcase_add_test(tc, a_wrong_rule_is_EINVAL_and_told_by_its_index);
	tcase_add_test(tc, without_memory_it_is_ENOMEM_and_no_rule_is_to_blame);
	tcase_add_test(tc, without_memory_for_a_match_more_is_told_and_not_less);
	tcase_add_test(tc, the_patterns_are_copies);
	tcase_add_test(tc, neither_names_nor_paths_have_a_limit);
	tcase_add_test(tc, globs_match_bytes_that_are_no_text);
}
