/* SPDX-License-Identifier: MIT */
/*
 * The bound of the time that a pattern takes, by counting what the matcher does: it is built here once
 * more, under other names.
 */
#include <stddef.h>

static size_t steps;

#define BUTTER__GLOB_STEP() ((void)steps++)
#define butter__glob_match counted_match
#define butter__glob_check counted_check
#include "../../src/tree/glob.c"

#include "test.h"

/* word, count times, then end; for free(3). */
static char *repeat(const char *word, size_t count, const char *end)
{
	size_t len = strlen(word);
	char *text = malloc(len * count + strlen(end) + 1);
	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * len, word, len);
	strcpy(text + len * count, end);
	return text;
}

/* A few steps besides, for empty ones. */
static void assert_bounded(char *pattern, char *path, unsigned flags, int matches)
{
	steps = 0;
	ck_assert_int_eq(counted_match(pattern, path, flags), matches);
	size_t bound = (strlen(pattern) + 1) * (strlen(path) + 1) + 2;
	ck_assert_msg(steps <= bound, "%zu steps, over %zu, for %.40s", steps, bound, pattern);
	free(pattern);
	free(path);
}

START_TEST(no_pattern_takes_more_steps_than_the_product_of_the_lengths)
{
	static const struct {
		const char *word, *end, *path_word, *path_end;
		int matches;
	} rows[] = {
		{"*a", "b", "a", "", 0},      {"*a", "b", "a", "b", 1},
		{"*a", "*", "a", "", 1},      {"*", "b", "a", "", 0},
		{"*?", "b", "a", "", 0},      {"*[a]", "b", "a", "", 0},
		{"**/", "b", "a/", "a", 0},   {"**/", "b", "a/", "b", 1},
		{"**/a/", "b", "a/", "a", 0}, {"**/*a*/", "b", "aaa/", "c", 0},
		{"**/*", "/b", "a/", "a", 0}, {"*a*a/**/", "b", "aaaa/", "c", 0},
		{"**/**", "x", "a/", "a", 0}, {"*/", "b", "a/", "c", 0},
		{"*\\a", "b", "a", "", 0},    {"[a[:b", "]", "a", "", 0},
		{"[[:", ":]]", "a", "", 0},   {"**/.a/", "**/x", ".a/", ".a", 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t n = 1; n <= 300; n = n * 3 + 1)
			for (unsigned flags = 0; flags < 4; flags++)
				assert_bounded(repeat(rows[i].word, n, rows[i].end),
					       repeat(rows[i].path_word, 400, rows[i].path_end), flags,
					       rows[i].matches);
}
END_TEST

/* aaa...b against aaa...: the worst of all, and half of the product. */
START_TEST(the_worst_pattern_is_within_the_bound_too)
{
	assert_bounded(repeat("a", 1, "*"), repeat("a", 4000, ""), 0, 1);
	char *pattern = repeat("a", 1001, "b");
	*pattern = '*';
	assert_bounded(pattern, repeat("a", 4000, ""), 0, 0);
}
END_TEST

/* Every set is malformed at its very end, after as many beginnings of a class as there can be. */
START_TEST(a_check_is_linear)
{
	for (size_t n = 10; n <= 100000; n *= 10) {
		char *pattern = repeat("[[:", n, "a-]");
		steps = 0;
		counted_check(pattern);
		ck_assert_uint_le(steps, strlen(pattern));
		free(pattern);
	}
}
END_TEST

SUITE(tree_glob_steps)
{
	tcase_add_test(tc, no_pattern_takes_more_steps_than_the_product_of_the_lengths);
	tcase_add_test(tc, the_worst_pattern_is_within_the_bound_too);
	tcase_add_test(tc, a_check_is_linear);
}
