/* SPDX-License-Identifier: MIT */
/* What a file in the format of gitignore(5) says, sentence by sentence; gitignore_git.c compares with git. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../../src/tree/gitignore.h"
#include "fault.h"
#include "test.h"

enum { NO = BUTTER__GITIGNORE_SILENT, YES = BUTTER__GITIGNORE_IGNORED, IN = BUTTER__GITIGNORE_INCLUDED };

/* A path that ends with '/' is a directory's. */
struct row {
	const char *file, *path;
	int says;
};

static int says(const struct butter__gitignore *list, const char *given)
{
	char *path = strdup(given);
	size_t len = strlen(path);
	int is_dir = path[len - 1] == '/';
	if (is_dir)
		path[len - 1] = '\0';
	int answer = (int)butter__gitignore_match(list, path, is_dir);
	free(path);
	return answer;
}

/* The text ends where its allocation ends. */
static struct butter__gitignore *parse(const char *text, size_t len)
{
	char *exact = malloc(len + !len);
	memcpy(exact, text, len);
	struct butter__gitignore *list = butter__gitignore_parse(exact, len);
	free(exact);
	ck_assert_ptr_nonnull(list);
	return list;
}

static void assert_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct butter__gitignore *list = parse(rows[i].file, strlen(rows[i].file));
		ck_assert_msg(says(list, rows[i].path) == rows[i].says, "'%s' says of '%s' not %d",
			      rows[i].file, rows[i].path, rows[i].says);
		butter__gitignore_free(list);
	}
}
#define ASSERT_ROWS(rows) assert_rows(rows, sizeof(rows) / sizeof((rows)[0]))

START_TEST(blank_lines_and_comments_say_nothing)
{
	static const struct row rows[] = {
		{"", "a", NO},         {"\n\n", "a", NO},   {"#a", "#a", NO},   {"#a\n", "a", NO},
		{"\\#a", "#a", YES},   {" #a", " #a", YES}, {"a#", "a#", YES},  {"a #b", "a", NO},
		{"a #b", "a #b", YES}, {"#a\na", "a", YES}, {"   \n", " ", NO}, {"!#a", "#a", IN},
		{"\t", "\t", YES},
	};
	ASSERT_ROWS(rows);
}
END_TEST

START_TEST(trailing_spaces_go_unless_they_are_quoted)
{
	static const struct row rows[] = {
		{"a ", "a", YES},  {"a   \n", "a", YES},  {"a ", "a ", NO},      {"a\\ ", "a ", YES},
		{"a\\ ", "a", NO}, {"a\\   ", "a ", YES}, {"a \\ ", "a  ", YES}, {"a\\\\ ", "a\\", YES},
		{" a", " a", YES}, {" a", "a", NO},       {"a b", "a b", YES},   {"a\t", "a\t", YES},
		{"a\t", "a", NO},  {"a/ ", "a/", YES},    {"a\\", "a", NO},      {"a\\", "a\\", NO},
		{"! ", "!", NO},
	};
	ASSERT_ROWS(rows);
}
END_TEST

START_TEST(a_line_ends_with_newline_or_both_or_the_end)
{
	static const struct row rows[] = {
		{"a\nb", "a", YES},
		{"a\nb", "b", YES},
		{"a\r\nb\r\n", "a", YES},
		{"a\r\nb\r\n", "b", YES},
		{"b\r", "b", YES},
		{"a \r\n", "a", YES},
		{"a\r \n", "a\r", YES},
		{"a\r\r\n", "a\r", YES},
		{"a\rb\n", "a\rb", YES},
		{"\r\n", "\r", NO},
		{"\xef\xbb\xbf"
		 "a",
		 "a", YES},
		{"b\n\xef\xbb\xbf"
		 "a",
		 "a", NO},
		{"\xef\xbb\xbf#a", "#a", NO},
		{"\xef\xbb", "\xef\xbb", YES},
	};
	ASSERT_ROWS(rows);
}
END_TEST

START_TEST(an_exclamation_mark_includes_again_and_the_last_that_matches_decides)
{
	static const struct row rows[] = {
		{"a\n!a", "a", IN},
		{"!a\na", "a", YES},
		{"*\n!b", "a", YES},
		{"*\n!b", "b", IN},
		{"!a", "b", NO},
		{"\\!important!.txt", "!important!.txt", YES},
		{"!!a", "!a", IN},
		{"!", "!", NO},
		{"!", "a", NO},
		{" !a", "a", NO},
		{" !a", " !a", YES},
		{"a*\n!ab*\nabc*", "abcd", YES},
		{"a*\n!ab*\nabc*", "abd", IN},
		{"!a/", "a", NO},
		{"!a/", "a/", IN},
	};
	ASSERT_ROWS(rows);
}
END_TEST

START_TEST(a_slash_at_the_beginning_or_in_the_middle_anchors)
{
	static const struct row rows[] = {
		{"a", "a", YES},       {"a", "x/a", YES},     {"a", "x/y/a", YES},
		{"a", "a/x", NO}, /* the walk has pruned it */
		{"/a", "a", YES},      {"/a", "x/a", NO},     {"a/b", "a/b", YES},
		{"a/b", "x/a/b", NO},  {"/a/b", "a/b", YES},  {"/*.c", "a.c", YES},
		{"/*.c", "x/a.c", NO}, {"*.c", "x/a.c", YES}, {"x/*", "x/a", YES},
		{"x/*", "x/a/b", NO},  {"/", "a", NO},        {"//", "a", NO},
		{"//a", "a", NO},      {"a//b", "a/b", NO},   {"a[/]b", "a/b", NO},
		{"[x/]", "x", YES}, /* anchored by the slash that never matches */
		{"[x/]", "a/x", NO},   {"\\/a", "a", NO},
	};
	ASSERT_ROWS(rows);
}
END_TEST

START_TEST(a_slash_at_the_end_is_for_directories)
{
	static const struct row rows[] = {
		{"a/", "a/", YES},
		{"a/", "a", NO},
		{"a/", "x/a/", YES},
		{"a", "a/", YES},
		{"doc/frotz/", "doc/frotz/", YES},
		{"doc/frotz/", "a/doc/frotz/", NO},
		{"frotz/", "a/frotz/", YES},
		{"*/", "a/", YES},
		{"*/", "a", NO},
		{"/a/", "a/", YES},
		{"/a/", "x/a/", NO},
		{"a//", "a/", NO},
		{"a\\/", "a/", NO},
		{"**/", "a/b/", YES},
		{"**/", "a", NO},
	};
	ASSERT_ROWS(rows);
}
END_TEST

START_TEST(two_asterisks_match_full_paths)
{
	static const struct row rows[] = {
		{"**/foo", "foo", YES},
		{"**/foo", "a/b/foo", YES},
		{"**/foo/bar", "foo/bar", YES},
		{"**/foo/bar", "a/foo/bar", YES},
		{"**/foo/bar", "a/foo/x/bar", NO},
		{"abc/**", "abc/", NO},
		{"abc/**", "abc/x", YES},
		{"abc/**", "abc/x/y/z", YES},
		{"abc/**", "x/abc/y", NO},
		{"abc/**/", "abc/x", NO},
		{"abc/**/", "abc/x/", YES},
		{"a/**/b", "a/b", YES},
		{"a/**/b", "a/x/b", YES},
		{"a/**/b", "a/x/y/b", YES},
		{"a/**/b", "x/a/b", NO},
		{"foo**", "foobar", YES},
		{"a/foo**bar", "a/foo/bar", NO},
		{"**foo", "x/afoo", YES},
		{"**", "a/b", YES},
		{"/**", "a/b", YES},
		{"/**/a", "x/a", YES},
	};
	ASSERT_ROWS(rows);
}
END_TEST

START_TEST(the_examples_of_the_page)
{
	static const char all_but[] =
		"# exclude everything except directory foo/bar\n/*\n!/foo\n/foo/*\n!/foo/bar\n";
	static const struct row rows[] = {
		{"hello.*", "hello.c", YES},
		{"hello.*", "a/hello.java", YES},
		{"/hello.*", "hello.txt", YES},
		{"/hello.*", "a/hello.java", NO},
		{"foo/", "foo/", YES},
		{"foo/", "foo", NO},
		{"foo/*", "foo/test.json", YES},
		{"foo/*", "foo/bar/", YES},
		{"foo/*", "foo/bar/hello.c", NO},
		{"*.[oa]", "lib.a", YES},
		{"*.[oa]", "src/internal.o", YES},
		{"*.[oa]", "x.c", NO},
		{"*.html\n!foo.html", "x.html", YES},
		{"*.html\n!foo.html", "foo.html", IN},
		{"vmlinux*", "arch/foo/kernel/vmlinux.lds.S", YES},
		{"!/vmlinux*", "vmlinux.lds.S", IN},
		{all_but, "x", YES},
		{all_but, "foo/", IN},
		{all_but, "foo/x", YES},
		{all_but, "foo/bar/", IN},
		{all_but, "foo/bar/x", NO},
	};
	ASSERT_ROWS(rows);
}
END_TEST

START_TEST(what_is_malformed_matches_nothing_and_breaks_nothing)
{
	static const struct row rows[] = {
		{"[\na", "a", YES}, {"[a", "a", NO},          {"[a", "[a", NO},
		{"\\", "\\", NO},   {"[[:x:]]\na", "a", YES},
	};
	ASSERT_ROWS(rows);
}
END_TEST

/* So it is in git, which reads lines as strings. */
START_TEST(a_NUL_ends_a_line)
{
	static const char text[] = "a\0b\n\0c\nd \0\r\n";
	struct butter__gitignore *list = parse(text, sizeof(text) - 1);
	ck_assert_int_eq(says(list, "a"), YES);
	ck_assert_int_eq(says(list, "ab"), NO);
	ck_assert_int_eq(says(list, "c"), NO);
	ck_assert_int_eq(says(list, "d"), YES);
	butter__gitignore_free(list);
}
END_TEST

START_TEST(parse_fails_for_want_of_memory_or_at_a_MiB)
{
	char *text = calloc(1, BUTTER__GITIGNORE_MAX + 1);
	memset(text, 'a', BUTTER__GITIGNORE_MAX + 1);
	ck_assert_null_errno(butter__gitignore_parse(text, BUTTER__GITIGNORE_MAX + 1), EFBIG);
	fault_error(FAULT_CALLOC, 1, ENOMEM);
	ck_assert_null_errno(butter__gitignore_parse(text, 1), ENOMEM);
	struct butter__gitignore *list = parse(text, BUTTER__GITIGNORE_MAX);
	ck_assert_int_eq(says(list, "a"), NO);
	free(text);
	errno = 4242;
	butter__gitignore_free(list);
	butter__gitignore_free(NULL);
	ck_assert_int_eq(errno, 4242);
}
END_TEST

/* The file ".gitignore" of the test's folder, of so many bytes "a\n" after text. */
static const char *file_of(const char *text, size_t len)
{
	const char *path = path_in(scratch(), ".gitignore");
	FILE *file = fopen(path, "wxe");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	for (size_t at = strlen(text); at < len; at++)
		putc(at % 2 ? '\n' : 'a', file);
	ck_assert_int_eq(fclose(file), 0);
	return path;
}

START_TEST(read_takes_a_file_of_up_to_a_MiB)
{
	struct butter__gitignore *list = butter__gitignore_read(AT_FDCWD, file_of("b\n", 0));
	ck_assert_int_eq(says(list, "b"), YES);
	butter__gitignore_free(list);
	list = butter__gitignore_read(AT_FDCWD, file_of("b\n", BUTTER__GITIGNORE_MAX));
	ck_assert_int_eq(says(list, "b"), YES);
	butter__gitignore_free(list);
	ck_assert_null_errno(butter__gitignore_read(AT_FDCWD, file_of("b\n", BUTTER__GITIGNORE_MAX + 1)),
			     EFBIG);
}
END_TEST

START_TEST(read_takes_the_path_from_a_directory_and_short_reads)
{
	const char *dir = scratch();
	FILE *file = fopen(path_in(dir, "ignored"), "wxe");
	ck_assert_int_ge(fputs("abc\n", file), 0);
	ck_assert_int_eq(fclose(file), 0);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fault_result(FAULT_READ, 1, 4, "xyz\n");
	struct butter__gitignore *list = butter__gitignore_read(fd, "ignored");
	ck_assert_int_eq(says(list, "xyz"), YES);
	ck_assert_int_eq(says(list, "abc"), YES);
	butter__gitignore_free(list);
	close(fd);
}
END_TEST

START_TEST(read_of_what_is_no_regular_file_fails_and_does_not_wait)
{
	const char *dir = scratch(), *link = path_in(dir, "link"), *fifo = path_in(dir, "fifo");
	ck_assert_int_eq(symlink("/dev/null", link), 0);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_null_errno(butter__gitignore_read(AT_FDCWD, path_in(dir, "none")), ENOENT);
	ck_assert_null_errno(butter__gitignore_read(AT_FDCWD, link), ELOOP);
	ck_assert_null_errno(butter__gitignore_read(AT_FDCWD, fifo), EINVAL);
	ck_assert_null_errno(butter__gitignore_read(AT_FDCWD, dir), EINVAL);
	ck_assert_null_errno(butter__gitignore_read(AT_FDCWD, "/dev/null"), EINVAL);
}
END_TEST

START_TEST(read_tells_what_failed_and_leaks_nothing)
{
	const char *path = file_of("b\n", 0);
	fault_error(FAULT_READ, 1, EIO);
	ck_assert_null_errno(butter__gitignore_read(AT_FDCWD, path), EIO);
	fault_error(FAULT_READ, 2, EINTR);
	ck_assert_null_errno(butter__gitignore_read(AT_FDCWD, path), EINTR);
	for (unsigned nth = 1; nth <= 2; nth++) {
		fault_error(FAULT_CALLOC, nth, ENOMEM);
		ck_assert_null_errno(butter__gitignore_read(AT_FDCWD, path), ENOMEM);
	}
}
END_TEST

SUITE(tree_gitignore)
{
	tcase_add_test(tc, blank_lines_and_comments_say_nothing);
	tcase_add_test(tc, trailing_spaces_go_unless_they_are_quoted);
	tcase_add_test(tc, a_line_ends_with_newline_or_both_or_the_end);
	tcase_add_test(tc, an_exclamation_mark_includes_again_and_the_last_that_matches_decides);
	tcase_add_test(tc, a_slash_at_the_beginning_or_in_the_middle_anchors);
	tcase_add_test(tc, a_slash_at_the_end_is_for_directories);
	tcase_add_test(tc, two_asterisks_match_full_paths);
	tcase_add_test(tc, the_examples_of_the_page);
	tcase_add_test(tc, what_is_malformed_matches_nothing_and_breaks_nothing);
	tcase_add_test(tc, a_NUL_ends_a_line);
	tcase_add_test(tc, parse_fails_for_want_of_memory_or_at_a_MiB);
	tcase_add_test(tc, read_takes_a_file_of_up_to_a_MiB);
	tcase_add_test(tc, read_takes_the_path_from_a_directory_and_short_reads);
	tcase_add_test(tc, read_of_what_is_no_regular_file_fails_and_does_not_wait);
	tcase_add_test(tc, read_tells_what_failed_and_leaks_nothing);
}
