/* SPDX-License-Identifier: MIT */
/* What make storm has found, as short as it could be made: what happens within a call, at which moment. */
#include "../storm/storm.h"
#include "fault.h"
#include "test.h"
#include "told.h"

static const char *const exchanged_while_looked_at[] = {
	"mkdir 0 o/0 -",
	"~9 mkdir 71 o/0/2 b/0/3",
	"rename 0 o/0 b/0",
	"read 0 - -",
	"mkdir 18 b/0/2/2 a/4/3/0/2/3",
	"read 10 - -",
	"~2 mkdir 112 b/2/1/3/1 a/1/1/1",
	"~3 mkdir 242 a/4 a/1/2/3/0",
	"~2 exchange 108 a/0 b/0/2/2",
};

static const char *const moved_while_looked_at[] = {
	"~4 rmtree 0 b/1 b/4/3/2/2/3",
	"mkdir 245 a/1 b/4/2/1/3/2",
	"mkdir 116 b/2 a/0/1/2",
	"~2 mkdir 136 o/3 b/3/2/3/1/2",
	"mkdir 139 b/2/2 a/2/0/3/1",
	"~35 mkdir 103 o/3/3 a/1/0/0",
	"read 0 - -",
	"~19 mkdir 42 b/4/0 o/3/3/0/2/3",
	"~16 newname 228 b/4 b/1/1/2/0",
	"~2 mkdir 240 a/1/2 a/0/3/0/1",
	"rename 0 o/3 b/1",
	"read 0 - -",
	"~2 create 145 a/2/2/3/2/0 b/2/0/2",
	"~4 mkdir 0 o/2/0/1 -",
	"~4 mkdir 0 o/2/1 -",
	"~4 mkdir 0 o/2/1/1 -",
	"~1 exchange 230 o/2 b/2",
	"~7 rename 0 o/2 b/1/3",
};

static const char *const hard_link[] = {
	"create 99 a/3 b/1",
	"~57 create 19 a/4 b/2/2/0/0/3",
	"link 229 a/3 a/0/0/0/2",
	"~3 exchange 92 a/3 a/0/0",
	"~42 rename 0 a/0/0 o/1",
	"exchange 108 a/3 a/4",
	"read 0 - -",
	"rename 0 o/1 b/2",
	"newname 228 a/4 b/0",
};

static const char *const moved_while_listed[] = {
	"mkdir 0 o/2/0 -",
	"~2 mkdir 0 o/2/1 -",
	"~49 create 0 o/2/1/1 -",
	"mkdir 182 b/2 a/0/3/0/0/0",
	"~2 mkdir 85 a/4 a/0/1",
	"create 129 b/4 o/1/3/3/0/1",
	"mkdir 15 b/2/3 b/1/2/1/1/2",
	"mkdir 203 b/2/3/2 b/3/0/0",
	"mkdir 156 b/2/3/2/1 a/1/3/1/3",
	"exchange 153 b/2/3/2 b/4",
	"read 14 - -",
	"exchange 13 b/4 a/4",
	"read 0 - -",
	"~28 rename 81 a/3/3/2 a/2/2/1/0/3",
	"~3 rename 0 o/2 a/4/1/0",
	"read 0 - -",
	"~15 rename 16 a/4 b/1/0/1/1/1",
	"~6 exchange 13 b/4 a/4",
};

/* Where it is looked at, another is only while it is watched; then one of the two takes the place of the
 * other. */
static const char *const away_while_watched[] = {
	"mkdir 0 o/0 -",         "mkdir 0 o/0/1 -",       "mkdir 0 o/3 -",
	"mkdir 0 o/3/2 -",       "rename 0 o/0 a/4",      "read 0 - -",
	"~5 exchange 0 a/4 o/3", "~2 exchange 0 a/4 o/3", "~6 exchange 0 a/4 o/3",
};

static const char *const away_while_watched_and_then[] = {
	"mkdir 0 o/0 -",        "mkdir 0 o/0/1 -",     "mkdir 0 o/3 -",         "mkdir 0 o/3/2 -",
	"rename 0 o/0 a/4",     "read 0 - -",          "~5 exchange 0 a/4 o/3", "~2 exchange 0 a/4 o/3",
	"~12 rename 0 a/4 o/4", "~1 rename 0 o/3 a/2",
};

/* From where has not been listed again yet to where has been, with what is new in it. */
static const char *const moved_while_all_is_listed[] = {
	"mkdir 0 a/4 -",   "mkdir 0 b/0 -",      "mkdir 0 b/0/2 -",      "sync 0 - -",
	"flood 0 - -",     "rename 0 a/4 b/1/0", "mkdir 0 a/4 -",        "rename 0 b/0/2 b/2",
	"mkdir 0 a/4/2 -", "mkdir 0 b/2/0 -",    "exchange 0 b/2 a/4/2",
};

#define REPLAY(lines, backend, flags) replay(lines, sizeof(lines) / sizeof(lines[0]), backend, flags)

static void replay(const char *const *lines, size_t count, uint32_t backend, uint32_t flags)
{
	struct storm_setting setting = {.dir = scratch(), .backend = backend, .flags = flags};
	struct step items[32];
	struct step_list steps = {.items = items, .count = count};
	char error[512];
	ck_assert_uint_le(count, 32);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(step_scan(lines[i], &items[i]), 1);
	for (size_t i = 0; i < count; i++)
		if (items[i].kind == STEP_FLOOD)
			items[i].n = storm_flood(backend);
	storm_replay(&setting, &steps, error);
	ck_assert_str_eq(error, "");
}

START_TEST(a_directory_that_changes_places_while_it_is_looked_at_keeps_its_own)
{
	REPLAY(exchanged_while_looked_at, geteuid() == 0 ? BUTTER_TREE_FANOTIFY : BUTTER_TREE_INOTIFY, 0);
}
END_TEST

START_TEST(a_directory_that_is_replaced_while_it_is_looked_at_is_told_whole)
{
	REPLAY(moved_while_looked_at, BUTTER_TREE_INOTIFY, BUTTER_TREE_ENTRIES);
}
END_TEST

START_TEST(a_hard_link_goes_with_its_directory)
{
	REPLAY(hard_link, BUTTER_TREE_INOTIFY, BUTTER_TREE_ENTRIES);
}
END_TEST

START_TEST(files_of_a_new_directory_that_moves_while_it_is_listed_are_told)
{
	REPLAY(moved_while_listed, BUTTER_TREE_INOTIFY, 0);
}
END_TEST

static const uint32_t levels[] = {0, BUTTER_TREE_ENTRIES};

START_TEST(a_directory_that_is_away_while_it_is_watched_is_not_taken_for_another)
{
	REPLAY(away_while_watched, BUTTER_TREE_INOTIFY, levels[_i]);
	REPLAY(away_while_watched_and_then, BUTTER_TREE_INOTIFY, levels[_i]);
}
END_TEST

START_TEST(what_moves_while_all_is_listed_again_is_listed_too)
{
	REPLAY(moved_while_all_is_listed, BUTTER_TREE_INOTIFY, levels[_i]);
	REPLAY(moved_while_all_is_listed, BUTTER_TREE_POLL, levels[_i]);
	if (geteuid() == 0 && levels[_i])
		REPLAY(moved_while_all_is_listed, BUTTER_TREE_FANOTIFY, levels[_i]);
}
END_TEST

/* It takes more than one pass to find what is new in what has moved. */
START_TEST(what_failed_a_moment_ago_leaves_nothing_open_at_a_sync)
{
	struct butter_tree_root root = {
		.size = sizeof(root), .backend = BUTTER_TREE_POLL, .poll_interval = INT64_C(3600000000000)};
	struct butter_tree *t = tree_of(BUTTER_TREE_ENTRIES, scratch());
	static const char *const dirs[] = {"a", "b", "a/4", "b/0", "b/0/2", "b/0/2/0", "b/0/2/0/0", "b/1"};
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		make_dir(dirs[i]);
	ck_assert_int_eq(butter_tree_add(t, at_base("a"), &root, NULL), 0);
	ck_assert_int_eq(butter_tree_add(t, at_base("b"), &root, NULL), 1);
	told(t);
	fault_error(FAULT_GETDENTS, 1, EIO);
	ck_assert_str_eq(told(t), "");
	ck_assert(fault_happened(FAULT_GETDENTS));
	change_name("a/4", "b/1/0");
	make_dir("a/4");
	change_name("b/0/2", "a/4/2");
	make_dir("a/4/2/0/0/9");
	const char *text = told(t);
	ck_assert_msg(strstr(text, "CREATED a/4/2/0/0/9/"), "%s", text);
	butter_tree_close(t);
}
END_TEST

SUITE(tree_found_by_storm)
{
	tcase_add_test(tc, a_directory_that_changes_places_while_it_is_looked_at_keeps_its_own);
	tcase_add_test(tc, a_directory_that_is_replaced_while_it_is_looked_at_is_told_whole);
	tcase_add_test(tc, a_hard_link_goes_with_its_directory);
	tcase_add_test(tc, files_of_a_new_directory_that_moves_while_it_is_listed_are_told);
	tcase_add_loop_test(tc, a_directory_that_is_away_while_it_is_watched_is_not_taken_for_another, 0, 2);
	tcase_add_loop_test(tc, what_moves_while_all_is_listed_again_is_listed_too, 0, 2);
	tcase_add_test(tc, what_failed_a_moment_ago_leaves_nothing_open_at_a_sync);
}
