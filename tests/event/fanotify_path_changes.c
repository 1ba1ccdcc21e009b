/* SPDX-License-Identifier: MIT */
/* The paths of handles are right at once after whatever changed them. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "test.h"
#include "watched.h"

static struct handle a, b;

TEST_WATCHED(a_directory_is_renamed_and_moved, 0)
{
	expect_path(new_dir(&a, at("a")), NULL, at("a"));
	new_dir(&b, at("b"));
	for (int i = 0; i < 100; i++) {
		move(at("a"), at("b/c"));
		expect_path(&a, "name", at("b/c/name"));
		expect_path(&b, NULL, at("b"));
		move(at("b/c"), at("a"));
		expect_path(&a, "name", at("a/name"));
	}
}

/* top/d0/d1/.../d50: "d" of each in turn becomes "e". */
TEST_WATCHED(any_directory_above_is_renamed, 0)
{
	enum { DEPTH = 51 };
	char path[DEPTH * 4 + 1] = "", renamed[sizeof(path)];
	for (int i = 0; i < DEPTH; i++) {
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "%sd%02d", i ? "/" : "", i);
		make(at("%s", path));
	}
	expect_path(handle_of(&a, at("%s", path)), NULL, at("%s", path));
	for (size_t i = 0; i < DEPTH; i++) {
		char *prefix = strndup(path, i * 4 + 3);
		memcpy(renamed, path, sizeof(path));
		renamed[i * 4] = 'e';
		char *to = strndup(renamed, i * 4 + 3);
		move(at("%s", prefix), at("%s", to));
		expect_path(&a, "x", at("%s/x", renamed));
		move(at("%s", to), at("%s", prefix));
		expect_path(&a, "x", at("%s/x", path));
		free(prefix);
		free(to);
	}
}

TEST_WATCHED(two_directories_are_exchanged, 0)
{
	make(at("a"));
	make(at("b"));
	expect_path(new_dir(&a, at("a/x")), NULL, at("a/x"));
	expect_path(new_dir(&b, at("b/y")), NULL, at("b/y"));
	exchange(at("a"), at("b"));
	expect_path(&a, NULL, at("b/x"));
	expect_path(&b, NULL, at("a/y"));
	exchange(at("b/x"), at("a/y"));
	expect_path(&a, NULL, at("a/y"));
	expect_path(&b, NULL, at("b/x"));
	touch(at("file"));
	exchange(at("a"), at("file"));
	expect_path(&a, NULL, at("file/y"));
}

TEST_WATCHED(a_directory_is_renamed_over_an_empty_one, 0)
{
	expect_path(new_dir(&a, at("a")), NULL, at("a"));
	expect_path(new_dir(&b, at("b")), NULL, at("b"));
	move(at("a"), at("b"));
	expect_errno(&b, ESTALE);
	expect_path(&a, NULL, at("b"));
}

TEST_WATCHED(a_directory_of_the_same_name_is_another, 0)
{
	for (int i = 0; i < 50; i++) {
		expect_path(new_dir(&a, at("a")), NULL, at("a"));
		ck_assert_int_eq(rmdir(at("a")), 0);
		expect_path(new_dir(&b, at("a")), "name", at("a/name"));
		expect_errno(&a, ESTALE);
		ck_assert_int_eq(rmdir(at("a")), 0);
	}
}

static long queue_length(void)
{
	FILE *file = fopen("/proc/sys/fs/fanotify/max_queued_events", "re");
	long value = 0;
	if (!file)
		return 16384; /* Linux before 5.13 */
	ck_assert_int_eq(fscanf(file, "%ld", &value), 1);
	fclose(file);
	return value;
}

/*
 * The queue is full of what concerns no kept path, so that the rename that does is lost: nothing but the
 * overflow tells of it. Directories of their own, for events that differ in nothing are one.
 */
TEST_WATCHED(a_rename_that_the_queue_has_no_room_for, 0)
{
	long most = queue_length();
	if (most > 1000000)
		return; /* it would take too long */
	make(at("above"));
	expect_path(new_dir(&a, at("above/a")), NULL, at("above/a"));
	for (long i = 0; i <= most; i++) {
		make(at("%ld", i));
		ck_assert_int_eq(rmdir(at("%ld", i)), 0);
	}
	move(at("above"), at("b"));
	expect_path(&a, NULL, at("b/a"));
	expect_kept(&a, 1);
	move(at("b"), at("c"));
	expect_path(&a, NULL, at("c/a"));
}

TEST_WATCHED(what_happens_to_files_costs_nothing, 0)
{
	expect_path(new_dir(&a, at("a")), NULL, at("a"));
	touch(at("a/file"));
	move(at("a/file"), at("moved"));
	ck_assert_int_eq(unlink(at("moved")), 0);
	expect_kept(&a, linux_is_at_least(6, 0));
	make(at("new"));
	expect_kept(&a, 1);
}

enum { MANY = 300 };

static void rename_all(struct handle *handles, int from)
{
	move(at("%d", from), at("%d", from + 1));
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < MANY; i++)
			expect_path(&handles[i], NULL, at("%d/%d", from + 1, i));
}

/* How many are kept is seen in path_cache.c's own tests. */
TEST_WATCHED(more_directories_than_paths_are_kept, 8)
{
	static struct handle handles[MANY];
	make(at("0"));
	for (int i = 0; i < MANY; i++)
		new_dir(&handles[i], at("0/%d", i));
	for (int i = 0; i < 5; i++)
		rename_all(handles, i);
	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(rmdir(at("5/%d", i)), 0);
		expect_errno(&handles[i], ESTALE);
	}
}

SUITE(event_fanotify_path_changes)
{
	tcase_add_test(tc, a_directory_is_renamed_and_moved);
	tcase_add_test(tc, any_directory_above_is_renamed);
	tcase_add_test(tc, two_directories_are_exchanged);
	tcase_add_test(tc, a_directory_is_renamed_over_an_empty_one);
	tcase_add_test(tc, a_directory_of_the_same_name_is_another);
	tcase_add_test(raw, a_rename_that_the_queue_has_no_room_for);
	tcase_add_test(raw, what_happens_to_files_costs_nothing);
	tcase_add_test(tc, more_directories_than_paths_are_kept);
}
