/* SPDX-License-Identifier: MIT */
/* What the object tells of what happens in a tree. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <butter/file.h>

#include "child.h"
#include "fault.h"
#include "replay.h"
#include "test.h"

static const uint32_t levels[] = {0, BUTTER_TREE_ENTRIES};
#define BOTH(test) tcase_add_loop_test(tc, test, 0, 2)

static struct replay replay;

static struct butter_tree *tree_by(uint32_t backend, uint32_t flags, const char *top)
{
	struct butter_tree_options options = {.size = sizeof(options), .flags = flags};
	struct butter_tree_root root = {.size = sizeof(root), .backend = backend};
	struct butter_tree *x = butter_tree_open(&options);
	ck_assert_ptr_nonnull(x);
	ck_assert_int_ge(butter_tree_add(x, top, &root, NULL), 0);
	replay = (struct replay){.dirs_only = !flags};
	return x;
}

static struct butter_tree *tree_of(uint32_t flags, const char *top)
{
	return tree_by(BUTTER_TREE_AUTO, flags, top);
}

/* After a loss, directories that were not walked are for the caller to list. */
static struct butter_tree *walked_tree_of(uint32_t flags, const char *top)
{
	return tree_by(BUTTER_TREE_INOTIFY, flags, top);
}

static void make_dir(const char *dir, const char *name)
{
	ck_assert_int_eq(mkdir(path_in(dir, name), 0755), 0);
}

static void move(const char *dir, const char *from, const char *to, unsigned flags)
{
	ck_assert_int_eq(
		syscall(SYS_renameat2, AT_FDCWD, path_in(dir, from), AT_FDCWD, path_in(dir, to), flags), 0);
}

/* All until now, and what has been told, in words: "CREATED /a", relative to top. */
static char words[16384];
static void drain(struct butter_tree *x, const char *top)
{
	struct butter_tree_event ev = {0};
	size_t at = 0, skip = strlen(top);
	words[0] = '\0';
	ck_assert_int_eq(butter_tree_sync(x, -1), 1);
	while (ev.type != BUTTER_TREE_SYNC) {
		char type[64];
		ck_assert_int_eq(butter_tree_read_event(x, &ev), 1);
		replay_event(&replay, &ev);
		if (ev.type & (BUTTER_TREE_SYNC | BUTTER_TREE_READY) || at > sizeof(words) - 1024)
			continue;
		snprintf(type, sizeof(type), "%s",
			 ev.type == BUTTER_TREE_CREATED     ? "+"
			 : ev.type == BUTTER_TREE_DELETED   ? "-"
			 : ev.type == BUTTER_TREE_MOVED     ? ">"
			 : ev.type == BUTTER_TREE_DEGRADED  ? "degraded "
			 : ev.type == BUTTER_TREE_RECOVERED ? "recovered "
							    : "");
		if (*type && strlen(ev.path) >= skip)
			at += (size_t)snprintf(words + at, sizeof(words) - at, "%s%s%s ", type,
					       *ev.old_path ? ev.old_path + skip : "", ev.path + skip);
	}
}

static void assert_same(struct butter_tree *x, const char *top)
{
	drain(x, top);
	replay_compare(&replay, x, top);
	ck_assert_msg(replay.errors == 0, "%s; told: %s", replay.first, words);
}

static void end(struct butter_tree *x)
{
	butter_tree_close(x);
	replay_free(&replay);
}

START_TEST(directories_made_one_in_another_are_all_told)
{
	const char *top = scratch();
	struct butter_tree *x = tree_of(levels[_i], top);
	make_dir(top, "a");
	make_dir(top, "a/b");
	make_dir(top, "a/b/c");
	touch(path_in(top, "a/b/c/f"));
	drain(x, top);
	ck_assert_str_eq(words, "+/a +/a/b +/a/b/c +/a/b/c/f ");
	assert_same(x, top);
	end(x);
}
END_TEST

START_TEST(a_directory_that_moves_takes_along_what_is_below)
{
	const char *top = scratch();
	struct butter_tree *x = tree_of(levels[_i], top);
	make_dir(top, "a");
	make_dir(top, "a/b");
	make_dir(top, "z");
	drain(x, top);
	move(top, "a", "z/n", 0);
	touch(path_in(top, "z/n/b/f"));
	drain(x, top);
	ck_assert_str_eq(words, ">/a/z/n +/z/n/b/f ");
	assert_same(x, top);
	end(x);
}
END_TEST

START_TEST(what_moves_out_is_deleted_and_what_moves_in_created_with_all_below)
{
	const char *dir = scratch();
	make_dir(dir, "in");
	make_dir(dir, "out");
	make_dir(dir, "out/a");
	make_dir(dir, "out/a/b");
	const char *top = path_in(dir, "in");
	struct butter_tree *x = tree_of(levels[_i], top);
	drain(x, top);
	move(dir, "out/a", "in/x", 0);
	drain(x, top);
	ck_assert_str_eq(words, "+/x +/x/b ");
	move(dir, "in/x", "out/y", 0);
	touch(path_in(dir, "out/y/b/not told"));
	drain(x, top);
	ck_assert_str_eq(words, "-/x/b -/x ");
	assert_same(x, top);
	end(x);
}
END_TEST

START_TEST(files_that_move_are_moved_and_replaced)
{
	const char *top = scratch();
	struct butter_tree *x = tree_of(levels[_i], top);
	touch(path_in(top, "a"));
	touch(path_in(top, "b"));
	drain(x, top);
	move(top, "a", "b", 0);
	drain(x, top);
	ck_assert_str_eq(words, ">/a/b ");
	move(top, "b", "../moved-out-of-tree", 0);
	drain(x, top);
	ck_assert_str_eq(words, "-/b ");
	ck_assert_int_eq(unlink(path_in(top, "../moved-out-of-tree")), 0);
	assert_same(x, top);
	end(x);
}
END_TEST

START_TEST(directories_and_files_change_places)
{
	const char *top = scratch();
	struct butter_tree *x = tree_of(levels[_i], top);
	make_dir(top, "a");
	make_dir(top, "a/in");
	make_dir(top, "b");
	touch(path_in(top, "f"));
	drain(x, top);
	move(top, "a", "b", RENAME_EXCHANGE);
	assert_same(x, top);
	ck_assert_uint_eq(replay.types[__builtin_ctz(BUTTER_TREE_MOVED)], 1);
	move(top, "a", "f", RENAME_EXCHANGE);
	assert_same(x, top);
	touch(path_in(top, "f/in a directory"));
	assert_same(x, top);
	end(x);
}
END_TEST

/* The file half of a rename, whose directory goes before the patience ends, is told where it was. */
START_TEST(a_file_that_left_a_directory_is_deleted_before_it)
{
	const char *dir = scratch();
	make_dir(dir, "in");
	make_dir(dir, "in/d");
	touch(path_in(dir, "in/d/f"));
	const char *top = path_in(dir, "in");
	struct butter_tree *x = tree_of(levels[_i], top);
	drain(x, top);
	move(dir, "in/d/f", "f", 0);
	ck_assert_int_eq(rmdir(path_in(dir, "in/d")), 0);
	drain(x, top);
	ck_assert_str_eq(words, "-/d/f -/d ");
	end(x);
}
END_TEST

START_TEST(a_name_that_comes_again_is_watched_again)
{
	const char *top = scratch();
	struct butter_tree *x = tree_of(levels[_i], top);
	for (int i = 0; i < 60; i++) {
		make_dir(top, "d");
		touch(path_in(top, "d/f"));
		if (i % 3 == 0)
			drain(x, top);
		ck_assert_int_eq(unlink(path_in(top, "d/f")), 0);
		ck_assert_int_eq(rmdir(path_in(top, "d")), 0);
	}
	make_dir(top, "d");
	drain(x, top);
	touch(path_in(top, "d/told"));
	drain(x, top);
	ck_assert_str_eq(words, "+/d/told ");
	assert_same(x, top);
	end(x);
}
END_TEST

START_TEST(names_are_any_bytes_of_any_length)
{
	const char *top = scratch();
	char name[256], deep[4 * 256];
	struct butter_tree *x = tree_of(levels[_i], top);
	memset(name, 'n', 255);
	name[255] = '\0';
	memcpy(name, "\n\xff\xfe %s\\", 7);
	make_dir(top, name);
	snprintf(deep, sizeof(deep), "%s/%s", name, name);
	touch(path_in(top, deep));
	assert_same(x, top);
	end(x);
}
END_TEST

/* Longer than PATH_MAX: made from within, and told in full. */
START_TEST(paths_may_be_longer_than_the_kernel_takes)
{
	enum { DEEP = 60, LEN = 100 };
	const char *top = scratch();
	char name[LEN + 1];
	struct butter_tree_event ev;
	size_t longest = 0;
	struct butter_tree *x = tree_of(levels[_i], top);
	int fds[DEEP + 1];
	fds[0] = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memset(name, 'l', LEN);
	name[LEN] = '\0';
	for (int i = 0; i < DEEP; i++) {
		ck_assert_int_eq(mkdirat(fds[i], name, 0755), 0);
		fds[i + 1] = openat(fds[i], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ge(fds[i + 1], 0);
		if (i % 20 == 0)
			drain(x, top);
	}
	close(openat(fds[DEEP], "f", O_CREAT | O_CLOEXEC, 0600));
	ck_assert_int_eq(butter_tree_sync(x, -1), 1);
	while (butter_tree_read_event(x, &ev) == 1 && ev.type != BUTTER_TREE_SYNC)
		longest = ev.path_len > longest ? ev.path_len : longest;
	ck_assert_uint_eq(longest, strlen(top) + (size_t)DEEP * (LEN + 1) + 2);
	ck_assert_int_eq(unlinkat(fds[DEEP], "f", 0), 0);
	for (int i = DEEP; i > 0; i--) {
		ck_assert_int_eq(unlinkat(fds[i - 1], name, AT_REMOVEDIR), 0);
		close(fds[i]);
	}
	close(fds[0]);
	end(x);
}
END_TEST

START_TEST(without_fds_nothing_is_told_to_be_gone)
{
	const char *top = scratch();
	struct rlimit limit, low;
	struct butter_tree *x = walked_tree_of(levels[_i], top);
	struct butter_tree_event ev;
	make_dir(top, "a");
	make_dir(top, "a/b");
	drain(x, top);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	int lowest = dup(0);
	close(lowest);
	make_dir(top, "a/b/c");
	low = (struct rlimit){.rlim_cur = (rlim_t)lowest, .rlim_max = limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	uint32_t told = 0;
	for (int i = 0; i < 5; i++)
		if (butter_tree_wait_event(x, &ev, 50000000) == 1)
			told |= ev.type;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(told, BUTTER_TREE_DEGRADED);
	do
		ck_assert_int_eq(butter_tree_wait_event(x, &ev, INT64_C(10000000000)), 1);
	while (ev.type & (BUTTER_TREE_RECOVERED | BUTTER_TREE_GAP));
	ck_assert_uint_eq(ev.type, BUTTER_TREE_CREATED);
	ck_assert_str_eq(ev.path, path_in(top, "a/b/c"));
	replay_event(&replay, &ev);
	assert_same(x, top);
	end(x);
}
END_TEST

/* Every call of calloc(3) that fails, once: nothing is missed, if only by looking again. */
START_TEST(without_memory_it_looks_again)
{
	for (unsigned nth = 1; nth < 8; nth++) {
		const char *top = scratch();
		struct butter_tree *x = walked_tree_of(levels[_i], top);
		drain(x, top);
		for (int i = 0; i < 120; i++) {
			char name[16];
			snprintf(name, sizeof(name), "d%d", i);
			make_dir(top, name);
		}
		fault_error(FAULT_CALLOC, nth, ENOMEM);
		drain(x, top);
		int happened = fault_happened(FAULT_CALLOC);
		fault_clear();
		touch(path_in(top, "d119/f"));
		assert_same(x, top);
		ck_assert_ptr_nonnull(strstr(words, "+/d119/f"));
		end(x);
		if (!happened)
			break;
	}
}
END_TEST

START_TEST(a_directory_under_two_roots_is_told_under_both)
{
	const char *dir = scratch();
	make_dir(dir, "a");
	make_dir(dir, "a/b");
	struct butter_tree *x = tree_of(levels[_i], path_in(dir, "a"));
	int b = butter_tree_add(x, path_in(dir, "a/b"), NULL, NULL);
	ck_assert_int_eq(b, 1);
	drain(x, dir);
	replay.types[0] = 0;
	make_dir(dir, "a/b/c");
	touch(path_in(dir, "a/b/c/f"));
	drain(x, dir);
	ck_assert_uint_eq(replay.types[0], 4);
	ck_assert_int_eq(butter_tree_remove(x, path_in(dir, "a/b")), 0);
	touch(path_in(dir, "a/b/c/g"));
	drain(x, dir);
	ck_assert_str_eq(words, "+/a/b/c/g ");
	end(x);
}
END_TEST

START_TEST(a_root_that_is_removed_tells_nothing_more)
{
	const char *top = scratch();
	struct butter_tree *x = tree_of(levels[_i], top);
	struct butter_tree_statistics got;
	make_dir(top, "a");
	make_dir(top, "a/b");
	drain(x, top);
	touch(path_in(top, "a/b/f"));
	ck_assert_int_eq(butter_tree_remove(x, top), 0);
	ck_assert_fails(butter_tree_remove(x, top), ENOENT);
	drain(x, top);
	ck_assert_str_eq(words, "");
	butter_tree_get(x, &got);
	ck_assert_uint_eq(got.directories + got.entries + got.watches, 0);
	ck_assert_int_eq(poll_in(butter_tree_fd(x), 0), 0);
	end(x);
}
END_TEST

SUITE(tree_core)
{
	BOTH(directories_made_one_in_another_are_all_told);
	BOTH(a_directory_that_moves_takes_along_what_is_below);
	BOTH(what_moves_out_is_deleted_and_what_moves_in_created_with_all_below);
	BOTH(files_that_move_are_moved_and_replaced);
	BOTH(directories_and_files_change_places);
	BOTH(a_file_that_left_a_directory_is_deleted_before_it);
	BOTH(a_name_that_comes_again_is_watched_again);
	BOTH(names_are_any_bytes_of_any_length);
	BOTH(paths_may_be_longer_than_the_kernel_takes);
	BOTH(without_fds_nothing_is_told_to_be_gone);
	BOTH(without_memory_it_looks_again);
	BOTH(a_directory_under_two_roots_is_told_under_both);
	BOTH(a_root_that_is_removed_tells_nothing_more);
}
