/* SPDX-License-Identifier: MIT */
/* Filters of a root: what is watched, and what of that is told. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <butter/tree.h>

#include "test.h"

static struct butter_tree *t;
static const char *top;
static char stream[4096];

static void rules(const struct butter_tree_root *root, unsigned flags)
{
	struct butter_tree_options o = {.size = sizeof(o), .flags = flags};
	t = butter_tree_open(&o);
	ck_assert_ptr_nonnull(t);
	ck_assert_int_eq(butter_tree_add(t, top, root, NULL), 0);
}

static const char *at(const char *name)
{
	return path_in(top, name);
}

static void dir(const char *name)
{
	ck_assert_int_eq(mkdir(at(name), 0700), 0);
}

static void move(const char *from, const char *to)
{
	ck_assert_int_eq(rename(at(from), at(to)), 0);
}

static void write_file(const char *name, const char *text)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static const char *below(const char *path)
{
	size_t len = strlen(top);
	return strlen(path) > len ? path + len + 1 : ".";
}

static void note(const struct butter_tree_event *ev)
{
	static const char letters[] = "CDMmwaoca";
	size_t len = strlen(stream);
	int bit = __builtin_ctz(ev->type);
	if (ev->type & 0xffff0000u)
		return;
	snprintf(stream + len, sizeof(stream) - len, "%s%c %s%s%s", len ? ", " : "", letters[bit],
		 ev->type == BUTTER_TREE_MOVED ? below(ev->old_path) : "",
		 ev->type == BUTTER_TREE_MOVED ? " " : "", below(ev->path));
}

/* All that is told up to a barrier: "C a" created, "D a", "M a b", "m" modified, "w" written ... */
static const char *told(void)
{
	struct butter_tree_event ev;
	stream[0] = '\0';
	ck_assert_int_ge(butter_tree_sync(t, -1), 0);
	while (butter_tree_read_event(t, &ev) == 1 && ev.type != BUTTER_TREE_SYNC)
		note(&ev);
	return stream;
}

#define RULES(...)                                                                                           \
	.rules = (const struct butter_tree_rule[]){__VA_ARGS__},                                             \
	.rule_count =                                                                                        \
		sizeof((const struct butter_tree_rule[]){__VA_ARGS__}) / sizeof(struct butter_tree_rule)
#define ROOT(...)                                                                                            \
	(&(struct butter_tree_root){                                                                         \
		.size = sizeof(struct butter_tree_root), .backend = BUTTER_TREE_INOTIFY, __VA_ARGS__})
#define PRUNE(text)                                                                                          \
	{                                                                                                    \
		.action = BUTTER_TREE_PRUNE, .pattern = (text)                                               \
	}
#define EXCLUDE(text)                                                                                        \
	{                                                                                                    \
		.action = BUTTER_TREE_EXCLUDE, .pattern = (text)                                             \
	}

enum { EXISTENCE = BUTTER_TREE_CREATED | BUTTER_TREE_DELETED | BUTTER_TREE_MOVED };

/* Watches that the kernel has of this process's inotify. */
/* But those of the directories on the way to the root. */
static unsigned watches(void)
{
	char path[64], line[512];
	unsigned count = 0;
	for (const char *at = top; *at; at++)
		count -= *at == '/';
	for (int fd = 0; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		FILE *f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			count += strncmp(line, "inotify ", 8) == 0;
		if (f)
			fclose(f);
	}
	return count;
}

START_TEST(a_wrong_rule_is_told_by_its_index_and_adds_no_root)
{
	size_t bad = 4242;
	const struct butter_tree_root *root = ROOT(RULES(EXCLUDE("a"), EXCLUDE("[")));
	top = scratch();
	t = butter_tree_open(NULL);
	ck_assert_fails(butter_tree_add(t, top, root, &bad), EINVAL);
	ck_assert_uint_eq(bad, 1);
	ck_assert_fails(butter_tree_add(t, top, root, NULL), EINVAL);
	ck_assert_fails(butter_tree_add(t, top, ROOT(.ignore_file = "a/b"), NULL), EINVAL);
	ck_assert_int_eq(butter_tree_add(t, top, NULL, NULL), 0);
	butter_tree_close(t);
}
END_TEST

START_TEST(what_is_pruned_costs_no_watch_and_is_not_told_of)
{
	top = scratch();
	dir("p");
	dir("p/in");
	dir("a");
	rules(ROOT(RULES(PRUNE("p"))), (unsigned)_i);
	ck_assert_uint_eq(watches(), 3); /* the root, a and the barrier */
	told();
	dir("p/more");
	dir("a/p");
	dir("a/p/x");
	touch(at("p/file"));
	ck_assert_str_eq(told(), "");
	ck_assert_uint_eq(watches(), 3);
	butter_tree_close(t);
}
END_TEST

START_TEST(a_move_out_of_what_is_pruned_creates_and_one_into_it_deletes_all_below)
{
	top = scratch();
	dir("p");
	dir("p/d");
	dir("p/d/e");
	rules(ROOT(RULES(PRUNE("p")), .mask = EXISTENCE), (unsigned)_i);
	told();
	move("p/d", "d");
	ck_assert_str_eq(told(), "C d, C d/e");
	move("d", "p/d");
	ck_assert_str_eq(told(), "D d/e, D d");
	ck_assert_uint_eq(watches(), 2);
	butter_tree_close(t);
}
END_TEST

START_TEST(a_file_that_comes_to_be_told_of_is_created_and_one_that_ceases_to_be_is_deleted)
{
	top = scratch();
	rules(ROOT(RULES(EXCLUDE("*.o")), .mask = EXISTENCE), (unsigned)_i);
	told();
	touch(at("a.o"));
	ck_assert_str_eq(told(), "");
	move("a.o", "a");
	ck_assert_str_eq(told(), "C a");
	move("a", "b");
	ck_assert_str_eq(told(), "M a b");
	move("b", "b.o");
	ck_assert_str_eq(told(), "D b");
	move("b.o", "c.o");
	ck_assert_str_eq(told(), "");
	butter_tree_close(t);
}
END_TEST

START_TEST(a_file_replaced_by_one_that_was_not_told_of_is_deleted_first)
{
	top = scratch();
	rules(ROOT(RULES(EXCLUDE("*.o")), .mask = EXISTENCE), BUTTER_TREE_ENTRIES);
	touch(at("a"));
	touch(at("b.o"));
	told();
	move("b.o", "a");
	ck_assert_str_eq(told(), "D a, C a");
	butter_tree_close(t);
}
END_TEST

START_TEST(an_excluded_directory_is_watched_and_what_is_below_it_moves_with_it)
{
	top = scratch();
	dir("x");
	dir("x/d");
	rules(ROOT(RULES(EXCLUDE("x")), .mask = EXISTENCE), (unsigned)_i);
	told();
	dir("x/e");
	ck_assert_str_eq(told(), "C x/e");
	move("x/e", "e");
	ck_assert_str_eq(told(), "M x/e e");
	move("x", "y");
	ck_assert_str_eq(told(), "D x/d, C y, C y/d");
	butter_tree_close(t);
}
END_TEST

START_TEST(a_directory_at_the_greatest_depth_is_told_of_and_not_entered)
{
	top = scratch();
	dir("a");
	dir("a/b");
	rules(ROOT(.max_depth = 2, .mask = EXISTENCE), (unsigned)_i);
	told();
	ck_assert_uint_eq(watches(), 3);
	dir("a/d");
	dir("a/b/e");
	ck_assert_str_eq(told(), "C a/d");
	move("a/b", "b");
	ck_assert_str_eq(told(), "C b, C b/e, D a/b");
	butter_tree_close(t);
}
END_TEST

START_TEST(a_rule_about_paths_is_asked_again_when_what_is_above_moves)
{
	top = scratch();
	dir("a");
	dir("a/x");
	dir("b");
	dir("b/x");
	rules(ROOT(RULES(PRUNE("a/x")), .mask = EXISTENCE), (unsigned)_i);
	told();
	move("a", "c");
	ck_assert_str_eq(told(), "M a c, C c/x");
	move("b", "a");
	ck_assert_str_eq(told(), "M b a, D a/x");
	butter_tree_close(t);
}
END_TEST

START_TEST(hidden_names_do_not_exist)
{
	top = scratch();
	dir(".git");
	rules(ROOT(.flags = BUTTER_TREE_SKIP_HIDDEN, .mask = EXISTENCE), (unsigned)_i);
	told();
	dir(".git/objects");
	touch(at(".x"));
	ck_assert_str_eq(told(), "");
	move(".x", "x");
	ck_assert_str_eq(told(), "C x");
	move("x", ".x");
	ck_assert_str_eq(told(), "D x");
	ck_assert_uint_eq(watches(), 2);
	butter_tree_close(t);
}
END_TEST

START_TEST(an_ignore_file_prunes_and_is_read_again_when_it_changes)
{
	top = scratch();
	dir("build");
	dir("src");
	write_file(".gitignore", "build\n");
	rules(ROOT(.ignore_file = ".gitignore", .mask = EXISTENCE), (unsigned)_i);
	told();
	dir("build/more");
	ck_assert_str_eq(told(), "");
	write_file(".gitignore", "/src\n");
	ck_assert_str_eq(told(), "C build, C build/more, D src");
	ck_assert_int_eq(unlink(at(".gitignore")), 0);
	ck_assert_ptr_nonnull(strstr(told(), "C src"));
	butter_tree_close(t);
}
END_TEST

START_TEST(the_nearest_ignore_file_decides)
{
	top = scratch();
	dir("a");
	dir("b");
	write_file(".gitignore", "*.log\n");
	write_file("a/.gitignore", "!keep.log\n");
	rules(ROOT(.ignore_file = ".gitignore", .mask = EXISTENCE), (unsigned)_i);
	told();
	touch(at("a/keep.log"));
	touch(at("a/x.log"));
	touch(at("b/keep.log"));
	ck_assert_str_eq(told(), "C a/keep.log");
	butter_tree_close(t);
}
END_TEST

START_TEST(a_root_that_wants_no_moves_is_told_of_deletions_and_creations)
{
	top = scratch();
	rules(ROOT(.mask = BUTTER_TREE_CREATED | BUTTER_TREE_DELETED), (unsigned)_i);
	dir("a");
	dir("a/b");
	touch(at("f"));
	told();
	move("a", "c");
	ck_assert_str_eq(told(), "D a/b, D a, C c, C c/b");
	move("f", "g");
	ck_assert_str_eq(told(), "D f, C g");
	butter_tree_close(t);
}
END_TEST

START_TEST(a_mask_of_deletions_alone_keeps_what_is_known_right)
{
	top = scratch();
	rules(ROOT(.mask = BUTTER_TREE_DELETED), BUTTER_TREE_ENTRIES);
	dir("a");
	touch(at("a/f"));
	move("a", "b");
	told();
	unlink(at("b/f"));
	rmdir(at("b"));
	ck_assert_str_eq(told(), "D b/f, D b");
	butter_tree_close(t);
}
END_TEST

START_TEST(opening_reading_and_closing_are_told_on_request)
{
	char byte;
	top = scratch();
	write_file("f", "x");
	rules(ROOT(.mask = BUTTER_TREE_OPENED | BUTTER_TREE_CLOSED | BUTTER_TREE_ACCESSED), (unsigned)_i);
	told();
	int fd = open(at("f"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	close(fd);
	ck_assert_str_eq(told(), "o f, a f, c f");
	butter_tree_close(t);
}
END_TEST

START_TEST(a_file_in_the_place_of_a_directory_that_left_the_tree_is_told_of)
{
	const char *out = scratch();
	top = scratch();
	dir("d");
	rules(ROOT(.mask = EXISTENCE), (unsigned)_i);
	told();
	ck_assert_int_eq(rename(at("d"), path_in(out, "d")), 0);
	touch(at("d"));
	told();
	ck_assert_ptr_nonnull(strstr(stream, "C d"));
	ck_assert_ptr_nonnull(strstr(stream, "D d"));
	butter_tree_close(t);
}
END_TEST

static void both_levels(TCase *tc, TCase *raw)
{
	(void)raw;
	tcase_add_loop_test(tc, what_is_pruned_costs_no_watch_and_is_not_told_of, 0, 2);
	tcase_add_loop_test(tc, a_move_out_of_what_is_pruned_creates_and_one_into_it_deletes_all_below, 0, 2);
	tcase_add_loop_test(
		tc, a_file_that_comes_to_be_told_of_is_created_and_one_that_ceases_to_be_is_deleted, 0, 2);
	tcase_add_loop_test(tc, an_excluded_directory_is_watched_and_what_is_below_it_moves_with_it, 0, 2);
	tcase_add_loop_test(tc, a_directory_at_the_greatest_depth_is_told_of_and_not_entered, 0, 2);
	tcase_add_loop_test(tc, a_rule_about_paths_is_asked_again_when_what_is_above_moves, 0, 2);
	tcase_add_loop_test(tc, hidden_names_do_not_exist, 0, 2);
	tcase_add_loop_test(tc, an_ignore_file_prunes_and_is_read_again_when_it_changes, 0, 2);
	tcase_add_loop_test(tc, the_nearest_ignore_file_decides, 0, 2);
	tcase_add_loop_test(tc, a_root_that_wants_no_moves_is_told_of_deletions_and_creations, 0, 2);
	tcase_add_loop_test(tc, a_file_in_the_place_of_a_directory_that_left_the_tree_is_told_of, 0, 2);
	tcase_add_loop_test(tc, opening_reading_and_closing_are_told_on_request, 0, 2);
}

START_TEST(a_directory_whose_files_are_told_of_where_it_was_and_not_where_it_is_is_no_plain_move)
{
	top = scratch();
	dir("a");
	dir("a/below");
	write_file("a/below/seen", "x");
	write_file("a/hidden", "x");
	rules(ROOT(RULES(EXCLUDE("/a/hidden"))), BUTTER_TREE_ENTRIES);
	told();
	move("a", "b");
	ck_assert_str_eq(told(),
			 "D a/below/seen, D a/below, D a, C b, C b/hidden, C b/below, C b/below/seen");
	move("b/hidden", "b/other");
	ck_assert_str_eq(told(), "M b/hidden b/other");
	move("b", "a");
	ck_assert_str_eq(told(), "M b a");
	butter_tree_close(t);
}
END_TEST

SUITE(tree_filtered)
{
	tcase_add_test(tc,
		       a_directory_whose_files_are_told_of_where_it_was_and_not_where_it_is_is_no_plain_move);
	tcase_add_test(tc, a_wrong_rule_is_told_by_its_index_and_adds_no_root);
	tcase_add_test(tc, a_file_replaced_by_one_that_was_not_told_of_is_deleted_first);
	tcase_add_test(tc, a_mask_of_deletions_alone_keeps_what_is_known_right);
	both_levels(tc, raw);
}
