/* SPDX-License-Identifier: MIT */
/* Patterns, over bytes. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>

#include "../../src/tree/glob.h"
#include "test.h"

enum { PERIOD = BUTTER__GLOB_PERIOD, FOLD = BUTTER__GLOB_FOLD };

struct row {
	const char *pattern, *path;
	int matches;
};

/* Pattern and path end where their allocation ends, so that the sanitizers see a byte too far. */
static int match_exactly(const struct row *row, unsigned flags)
{
	char *pattern = strdup(row->pattern), *path = strdup(row->path);
	int n = butter__glob_match(pattern, path, flags);
	free(pattern);
	free(path);
	return n;
}

static void assert_rows(const struct row *rows, size_t count, unsigned flags)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(match_exactly(&rows[i], flags) == rows[i].matches,
			      "'%s' and '%s' with flags %u: not %d", rows[i].pattern, rows[i].path, flags,
			      rows[i].matches);
}
#define ASSERT_ROWS(rows, flags) assert_rows(rows, sizeof(rows) / sizeof((rows)[0]), flags)

START_TEST(what_is_not_special_is_itself)
{
	static const struct row rows[] = {
		{"", "", 1},
		{"a", "a", 1},
		{"a", "b", 0},
		{"a", "", 0},
		{"", "a", 0},
		{"a", "ab", 0},
		{"ab", "a", 0},
		{"a/b", "a/b", 1},
		{"a/b", "a/bc", 0},
		{"{a,b}", "a", 0},
		{"{a,b}", "{a,b}", 1},
		{"a]", "a]", 1},
		{"a-b", "a-b", 1},
		{"!a", "!a", 1},
		{"^a$", "^a$", 1},
		{"\xff\xfe", "\xff\xfe", 1},
		{"\xff", "\x7f", 0},
		{"A", "a", 0},
		{"a+(b|c)", "a+(b|c)", 1},
		{"~", "~", 1},
	};
	ASSERT_ROWS(rows, 0);
}
END_TEST

START_TEST(an_asterisk_is_any_bytes_but_slashes)
{
	static const struct row rows[] = {
		{"*", "", 1},
		{"*", "a", 1},
		{"*", "a/b", 0},
		{"*", "/", 0},
		{"a*", "a", 1},
		{"a*", "abc", 1},
		{"a*", "ab/c", 0},
		{"*a", "bca", 1},
		{"*a", "aab", 0},
		{"*a*", "bab", 1},
		{"*.c", "x.c", 1},
		{"*.c", ".c", 1},
		{"*.c", "x.cc", 0},
		{"*.c", "d/x.c", 0},
		{"a*b*c", "aXbYc", 1},
		{"a*b*c", "abbc", 1},
		{"a*b*c", "acb", 0},
		{"*ab", "aab", 1},
		{"*abab", "ababab", 1},
		{"*/b", "a/b", 1},
		{"*/b", "b", 0},
		{"*/b", "x/a/b", 0},
		{"a/*", "a/b", 1},
		{"a/*", "a/", 1},
		{"a/*", "a", 0},
		{"a/*/c", "a/b/c", 1},
		{"a/*/c", "a/c", 0},
		{"a/*/c", "a/b/b/c", 0},
		{"*/*", "a/b", 1},
		{"*b/c", "ab/c", 1},
		{"*b/c", "a/b/c", 0},
		{"x*y/z", "xay/by/z", 0},
		{"*\xff*", "a\xff z", 1},
		{"***", "abc", 1},
		{"*\n*", "a\nb", 1},
	};
	ASSERT_ROWS(rows, 0);
}
END_TEST

START_TEST(a_question_mark_is_a_byte_but_a_slash)
{
	static const struct row rows[] = {
		{"?", "a", 1},        {"?", "", 0},      {"?", "ab", 0},
		{"?", "/", 0},        {"a?b", "a/b", 0}, {"??", "\xc3\xa9", 1}, /* one character, two bytes */
		{"?", "\xc3\xa9", 0}, {"*?", "", 0},     {"*?", "abc", 1},
		{"?*?", "a", 0},      {"?*?", "ab", 1},  {"*??b", "aab", 1},
	};
	ASSERT_ROWS(rows, 0);
}
END_TEST

START_TEST(a_set_is_one_of_its_bytes)
{
	static const struct row rows[] = {
		{"[ab]", "a", 1},        {"[ab]", "b", 1},
		{"[ab]", "c", 0},        {"[ab]", "", 0},
		{"[a-c]", "b", 1},       {"[a-c]", "d", 0},
		{"[a-cx-z]", "y", 1},    {"[c-a]", "b", 0},
		{"[c-a]", "c", 1},       {"[!a]", "b", 1},
		{"[!a]", "a", 0},        {"[^a]", "b", 1},
		{"[^a]", "a", 0},        {"[!!]", "!", 0},
		{"[a!]", "!", 1},        {"[a^]", "^", 1},
		{"[]]", "]", 1},         {"[]a]", "a", 1},
		{"[!]a]", "]", 0},       {"[!]a]", "b", 1},
		{"[a-]", "-", 1},        {"[-a]", "-", 1},
		{"[a-c-e]", "-", 1},     {"[a-c-e]", "d", 0},
		{"[--0]", ".", 1},       {"[]-a]", "^", 1},
		{"[[]", "[", 1},         {"[[-a]", "`", 1},
		{"[*]", "*", 1},         {"[*]", "a", 0},
		{"[?]", "?", 1},         {"[\\]]", "]", 1},
		{"[\\\\]", "\\", 1},     {"[\\a]", "\\", 0},
		{"[a\\-c]", "b", 0},     {"[a\\-c]", "-", 1},
		{"[a-\\c]", "b", 1},     {"[\\a-c]", "b", 1},
		{"[!\\]]", "]", 0},      {"[\x80-\xff]", "\xa0", 1},
		{"[\x80-\xff]", "a", 0}, {"[!a]", "\xff", 1},
		{"[ab]*[cd]", "aXc", 1}, {"*[!a]", "aab", 1},
		{"x[ab", "xa", 0},       {"x[ab", "x[ab", 0},
		{"[", "[", 0},           {"[]", "]", 0},
		{"[!]", "!", 0},         {"[a-", "a", 0},
		{"[a\\", "a", 0},
	};
	ASSERT_ROWS(rows, 0);
}
END_TEST

START_TEST(a_set_is_never_a_slash)
{
	static const struct row rows[] = {
		{"[/]", "/", 0},      {"a[/]b", "a/b", 0}, {"a[!x]b", "a/b", 0}, {"a[.-0]b", "a/b", 0},
		{"a[x/]b", "axb", 1}, {"[a/b]", "b", 1},   {"a[^/]b", "axb", 1}, {"[[:punct:]]", "/", 0},
	};
	ASSERT_ROWS(rows, 0);
}
END_TEST

START_TEST(a_class_is_of_ASCII)
{
	static const struct row rows[] = {
		{"[[:alpha:]]", "x", 1},    {"[[:alpha:]]", "1", 0},
		{"[[:alpha:]]", "\xe9", 0}, {"[![:alpha:]]", "\xe9", 1},
		{"[[:digit:]_]", "_", 1},   {"[[:digit:][:upper:]]", "Q", 1},
		{"[[:digit:]-z]", "-", 1},  {"[[:digit:]-z]", "a", 0},
		{"[[:foo:]]", "f", 0},      {"[![:foo:]]", "x", 0},
		{"[[::]]", ":", 0},         {"[[:alpha]", "[", 1}, /* no class, for want of ":]" */
		{"[[:alpha]", ":", 1},      {"[[:]", ":", 1},
		{"[[:alpha:", "a", 0},      {"[a-[:digit:]]", "0", 0},
		{"[:digit:]", "d", 1},      {"[:digit:]", "0", 0},
		{"[[:space:]]", "\v", 1},
	};
	ASSERT_ROWS(rows, 0);
}
END_TEST

static int in_class(const char *name, char byte)
{
	char pattern[32], text[2] = {byte, '\0'};
	snprintf(pattern, sizeof(pattern), "[[:%s:]]", name);
	return butter__glob_match(pattern, text, 0);
}

/* The C locale's, which this program has. */
START_TEST(every_class_has_the_bytes_that_ctype_says)
{
	static const struct {
		const char *name;
		int (*is)(int c);
	} classes[] = {
		{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
		{"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
		{"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit},
	};
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		for (int c = 1; c <= UCHAR_MAX; c++)
			if (c != '/')
				ck_assert_msg(in_class(classes[i].name, (char)c) == !!classes[i].is(c),
					      "[:%s:] and %d", classes[i].name, c);
}
END_TEST

START_TEST(a_backslash_makes_the_next_byte_itself)
{
	static const struct row rows[] = {
		{"\\*", "*", 1},    {"\\*", "a", 0},     {"\\?", "?", 1},    {"\\[a]", "[a]", 1},
		{"\\\\", "\\", 1},  {"\\a", "a", 1},     {"\\a", "\\a", 0},  {"a\\/b", "a/b", 1},
		{"a\\", "a", 0},    {"a\\", "a\\", 0},   {"*\\*", "ab*", 1}, {"\\**", "*abc", 1},
		{"\\**", "abc", 0}, {"\\[\\]", "[]", 1},
	};
	ASSERT_ROWS(rows, 0);
}
END_TEST

START_TEST(two_asterisks_as_a_component_are_any_components)
{
	static const struct row rows[] = {
		{"**", "a", 1},
		{"**", "a/b/c", 1},
		{"**", "", 1},
		{"**/x", "x", 1},
		{"**/x", "a/x", 1},
		{"**/x", "a/b/x", 1},
		{"**/x", "ax", 0},
		{"**/x", "x/a", 0},
		{"**/x", "a/xx", 0},
		{"**/x/y", "x/x/y", 1},
		{"**/x*y", "a/xay/xby", 1},
		{"a/**", "a", 0},
		{"a/**", "a/b", 1},
		{"a/**", "a/b/c", 1},
		{"a/**", "ab/c", 0},
		{"a/**/b", "a/b", 1},
		{"a/**/b", "a/x/b", 1},
		{"a/**/b", "a/x/y/b", 1},
		{"a/**/b", "ab", 0},
		{"a/**/b", "a/xb", 0},
		{"a/**/b", "a/b/c", 0},
		{"a/**/b/**/c", "a/b/c", 1},
		{"a/**/b/**/c", "a/1/b/2/3/c", 1},
		{"a/**/b/**/c", "a/c/b", 0},
		{"**/a/**", "a", 0},
		{"**/a/**", "x/a/y", 1},
		{"**/**/x", "x", 1},
		{"**/**/x", "a/b/c/x", 1},
		{"**/**", "a", 1},
		{"a/**/**/b", "a/b", 1},
		{"**/*.c", "a/b/x.c", 1},
		{"**/*.c", "a/b.c/x", 0},
		{"**/*/b", "b", 0},
		{"**/*/b", "a/b", 1},
		{"a/***/b", "a/x/y/b", 1},
		{"**/[ab]/c", "x/b/c", 1},
		{"**/a/b", "a/a/b", 1},
		{"**/a/b/c", "a/b/a/b/c", 1},
		{"**/a*/b", "ax/ay/b", 1},
		{"**\\/x", "x", 0}, /* as for git: a quoted slash is not left out */
		{"**\\/x", "a/b/x", 1},
	};
	ASSERT_ROWS(rows, 0);
}
END_TEST

START_TEST(two_asterisks_elsewhere_are_one)
{
	static const struct row rows[] = {
		{"a**b", "axxb", 1},  {"a**b", "a/b", 0},    {"a**", "ab", 1},     {"a**", "a/b", 0},
		{"**a", "ba", 1},     {"**a", "b/a", 0},     {"a**/b", "ax/b", 1}, {"a**/b", "a/x/b", 0},
		{"a/**b", "a/xb", 1}, {"a/**b", "a/x/b", 0}, {"\\***", "*a/b", 0}, {"[/]**", "a/b", 0},
	};
	ASSERT_ROWS(rows, 0);
}
END_TEST

START_TEST(a_period_that_begins_a_component_is_hidden_by_flag)
{
	static const struct row rows[] = {
		{"*", ".a", 0},
		{"*", "a.b", 1},
		{".*", ".a", 1},
		{"\\.*", ".a", 1},
		{"?a", ".a", 0},
		{"[.]a", ".a", 0},
		{"[!x]a", ".a", 0},
		{"*.c", ".c", 0},
		{"a*", "a.b", 1},
		{"a?b", "a.b", 1},
		{"a/*", "a/.b", 0},
		{"a/.*", "a/.b", 1},
		{"a/x*", "a/x.b", 1},
		{"**", ".a", 0},
		{"**", "a/.b", 0},
		{"**", "a/.b/c", 0},
		{"**", "a/b.c/d", 1},
		{"**/x", ".a/x", 0},
		{"**/x", "a/.b/x", 0},
		{"**/.b/x", "a/.b/x", 1},
		{"**/.x", "a/.x", 1},
		{".a/**/x", ".a/b/x", 1},
		{"**/.a/**/b", ".a/c/b", 1},
		{"**/.a/**/b", ".a/.a/b", 0},
		{"**/**", "a/.b", 0},
	};
	ASSERT_ROWS(rows, PERIOD);
}
END_TEST

START_TEST(letters_fold_by_flag_and_no_other_bytes)
{
	static const struct row rows[] = {
		{"aB", "Ab", 1},         {"[a-c]", "B", 1},
		{"[A-C]", "b", 1},       {"[B]", "b", 1},
		{"[!b]", "B", 0},        {"[[:upper:]]", "x", 1},
		{"[[:lower:]]", "X", 1}, {"\\A", "a", 1},
		{"@", "`", 0},           {"[", "{", 0},
		{"{", "\\[", 0},         {"\xc4", "\xe4", 0},
		{"*.TXT", "a.txt", 1},   {"**/README", "a/readme", 1},
	};
	static const struct row both[] = {{".A*", ".ab", 1}, {"*A", ".a", 0}};
	ASSERT_ROWS(rows, FOLD);
	ASSERT_ROWS(both, FOLD | PERIOD);
}
END_TEST

START_TEST(check_refuses_what_is_malformed)
{
	static const char *const good[] = {"a",   "*",     "[a]",         "[]]",       "[!]]",    "[a-]",
					   "\\[", "a\\\\", "[[:alpha:]]", "[[:alpha]", "**/[^/]", "{",
					   "]",   "\xff",  "[a-a]",       "[\\]]",     "a//b"};
	static const char *const bad[] = {"",          "[",      "[]",     "[!]",        "[a",
					  "a\\",       "[a\\",   "[\\]",   "[a-",        "[b-a]",
					  "[[:foo:]]", "[[::]]", "x[a]y[", "[[:alpha:]", "[a-\\"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		errno = 4242;
		ck_assert_msg(butter__glob_check(good[i]) == 0, "'%s'", good[i]);
		ck_assert_int_eq(errno, 4242);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *exact = strdup(bad[i]);
		errno = 0;
		ck_assert_msg(butter__glob_check(exact) == -1 && errno == EINVAL, "'%s'", exact);
		free(exact);
	}
}
END_TEST

/* A component of 1000 bytes and a path of 8000, which no file system has and a pattern may meet. */
START_TEST(neither_a_component_nor_a_path_has_a_limit)
{
	char path[8001];
	memset(path, 'a', sizeof(path));
	for (size_t i = 999; i < sizeof(path); i += 1000)
		path[i] = '/';
	memcpy(path + 7995, "/x.c", 5);
	ck_assert_int_eq(butter__glob_match("**/x.c", path, 0), 1);
	ck_assert_int_eq(butter__glob_match("**/*a/**/?.c", path, 0), 1);
	ck_assert_int_eq(butter__glob_match("**/x.h", path, 0), 0);
	ck_assert_int_eq(butter__glob_match(path, path, 0), 1);
}
END_TEST

SUITE(tree_glob)
{
	tcase_add_test(tc, what_is_not_special_is_itself);
	tcase_add_test(tc, an_asterisk_is_any_bytes_but_slashes);
	tcase_add_test(tc, a_question_mark_is_a_byte_but_a_slash);
	tcase_add_test(tc, a_set_is_one_of_its_bytes);
	tcase_add_test(tc, a_set_is_never_a_slash);
	tcase_add_test(tc, a_class_is_of_ASCII);
	tcase_add_test(tc, every_class_has_the_bytes_that_ctype_says);
	tcase_add_test(tc, a_backslash_makes_the_next_byte_itself);
	tcase_add_test(tc, two_asterisks_as_a_component_are_any_components);
	tcase_add_test(tc, two_asterisks_elsewhere_are_one);
	tcase_add_test(tc, a_period_that_begins_a_component_is_hidden_by_flag);
	tcase_add_test(tc, letters_fold_by_flag_and_no_other_bytes);
	tcase_add_test(tc, check_refuses_what_is_malformed);
	tcase_add_test(tc, neither_a_component_nor_a_path_has_a_limit);
}
