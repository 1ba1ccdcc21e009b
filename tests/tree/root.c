/* SPDX-License-Identifier: MIT */
/* Roots that come, go, are elsewhere, and are reached in every way. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../support/child.h"
#include "../support/fault.h"
#include "../support/image.h"
#include "../support/test.h"
#include "told.h"

static const unsigned levels[] = {0, BUTTER_TREE_ENTRIES};

START_TEST(a_root_that_is_deleted_is_told_after_all_below_it_and_is_told_when_it_is_made_again)
{
	struct butter_tree *t = tree_of(levels[_i], scratch());
	make_dir("r");
	make_dir("r/a");
	make_dir("r/a/b");
	must_add(t, at_base("r"), 0);
	told(t);
	remove_dir("r/a/b");
	remove_dir("r/a");
	remove_dir("r");
	ck_assert_str_eq(told(t), "DELETED r/a/b/\nDELETED r/a/\nDELETED r/\n");
	make_dir("r");
	make_dir("r/c");
	make_file("r/c/f");
	ck_assert_str_eq(told(t), "CREATED r/\nCREATED r/c/\nCREATED r/c/f\n");
	make_dir("r/d");
	ck_assert_str_eq(told(t), "CREATED r/d/\n");
	butter_tree_close(t);
}
END_TEST

START_TEST(a_root_that_is_renamed_away_is_gone_and_what_happens_there_is_not_told)
{
	struct butter_tree *t = tree_of(levels[_i], scratch());
	make_dir("r");
	make_dir("r/a");
	must_add(t, at_base("r"), 0);
	told(t);
	change_name("r", "elsewhere");
	make_dir("elsewhere/b");
	ck_assert_str_eq(told(t), "DELETED r/a/\nDELETED r/\n");
	make_dir("elsewhere/c");
	ck_assert_str_eq(told(t), "");
	change_name("elsewhere", "r");
	ck_assert_str_eq(told_sorted(t), "CREATED r/\nCREATED r/a/\nCREATED r/b/\nCREATED r/c/\n");
	butter_tree_close(t);
}
END_TEST

START_TEST(a_root_is_gone_when_a_directory_above_it_is_renamed)
{
	struct butter_tree *t = tree_of(levels[_i], scratch());
	make_dir("above");
	make_dir("above/between");
	make_dir("above/between/r");
	must_add(t, at_base("above/between/r"), 0);
	told(t);
	change_name("above", "below");
	ck_assert_str_eq(told(t), "DELETED above/between/r/\n");
	change_name("below", "above");
	ck_assert_str_eq(told(t), "CREATED above/between/r/\n");
	butter_tree_close(t);
}
END_TEST

START_TEST(a_root_that_is_waited_for_is_told_when_the_way_to_it_has_been_made)
{
	struct butter_tree *t = tree_of(levels[_i], scratch());
	must_add(t, at_base("a/link/b/r"), BUTTER_TREE_WAIT);
	ck_assert_str_eq(told(t), "READY a/link/b/r\n");
	make_dir("a");
	make_dir("target");
	ck_assert_str_eq(told(t), "");
	make_symlink("../target", "a/link");
	ck_assert_str_eq(told(t), "");
	make_dir("target/b");
	ck_assert_str_eq(told(t), "");
	make_dir("target/b/r");
	make_dir("target/b/r/d");
	ck_assert_str_eq(told(t), "CREATED a/link/b/r/\nCREATED a/link/b/r/d/\n");
	make_dir("elsewhere");
	make_dir("elsewhere/b");
	make_dir("elsewhere/b/r");
	make_symlink("../elsewhere", "a/new");
	change_name("a/new", "a/link");
	ck_assert_str_eq(told(t), "DELETED a/link/b/r/d/\nDELETED a/link/b/r/\nCREATED a/link/b/r/\n");
	butter_tree_close(t);
}
END_TEST

START_TEST(the_way_to_a_root_may_be_made_and_removed_again_and_again)
{
	struct butter_tree *t = tree_of(levels[_i], scratch());
	must_add(t, at_base("a/b/r"), BUTTER_TREE_WAIT);
	told(t);
	for (int i = 0; i < 20; i++) {
		make_dir("a");
		make_dir("a/b");
		if (i % 3 == 0)
			told(t);
		make_dir("a/b/r");
		ck_assert_str_eq(told(t), "CREATED a/b/r/\n");
		remove_dir("a/b/r");
		remove_dir("a/b");
		if (i % 2 == 0)
			told(t);
		remove_dir("a");
		if (i % 2)
			ck_assert_str_eq(told(t), "DELETED a/b/r/\n");
	}
	butter_tree_close(t);
}
END_TEST

static void write_to(const char *path)
{
	int fd = open(at_base(path), O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

START_TEST(a_root_may_be_a_single_file_that_is_saved_atomically_deleted_and_made_again)
{
	struct butter_tree *t = tree_of(levels[_i], scratch());
	make_file("f");
	make_file("other");
	must_add(t, at_base("f"), 0);
	ck_assert_str_eq(told(t), "READY f\n");
	write_to("f");
	write_to("other");
	ck_assert_str_eq(told(t), "MODIFIED f\n");
	for (int i = 0; i < 3; i++) {
		make_file("tmp");
		write_to("tmp");
		change_name("tmp", "f");
		ck_assert_str_eq(told(t), "DELETED f\nCREATED f\n");
	}
	write_to("f");
	ck_assert_str_eq(told(t), "MODIFIED f\n");
	remove_file("f");
	ck_assert_str_eq(told(t), "DELETED f\n");
	make_file("f");
	ck_assert_str_eq(told(t), "CREATED f\n");
	remove_file("f");
	make_dir("f");
	make_dir("f/d");
	ck_assert_str_eq(told(t), "DELETED f\nCREATED f/\nCREATED f/d/\n");
	butter_tree_close(t);
}
END_TEST

/* As Kubernetes exchanges the data of a volume. */
START_TEST(a_file_behind_symlinks_is_told_when_they_lead_elsewhere)
{
	struct butter_tree *t = tree_of(levels[_i], scratch());
	make_dir("v");
	make_dir("v/..1");
	make_file("v/..1/key");
	make_symlink("..1", "v/..data");
	make_symlink("..data/key", "v/key");
	must_add(t, at_base("v/key"), 0);
	told(t);
	for (int i = 2; i < 6; i++) {
		char dir[32], file[64], old[64];
		snprintf(dir, sizeof(dir), "v/..%d", i);
		snprintf(file, sizeof(file), "%s/key", dir);
		make_dir(dir);
		make_file(file);
		make_symlink(dir + 2, "v/..data_tmp");
		ck_assert_str_eq(told(t), "");
		change_name("v/..data_tmp", "v/..data");
		snprintf(old, sizeof(old), "v/..%d/key", i - 1);
		remove_file(old);
		*strrchr(old, '/') = '\0';
		remove_dir(old);
		ck_assert_str_eq(told(t), "DELETED v/key\nCREATED v/key\n");
		write_to(file);
		ck_assert_str_eq(told(t), "MODIFIED v/key\n");
	}
	butter_tree_close(t);
}
END_TEST

START_TEST(a_path_is_the_same_root_with_slashes_behind_it_and_relative)
{
	struct butter_tree *t = tree_of(0, scratch());
	make_dir("r");
	make_file("f");
	make_symlink("r", "link");
	make_symlink("loop", "loop");
	int root = must_add(t, at_base("r//"), 0);
	ck_assert_fails(butter_tree_add(t, at_base("r"), NULL, NULL), EEXIST);
	ck_assert_int_eq(chdir(scratch()), 0);
	ck_assert_int_eq(chdir(at_base(".")), 0);
	ck_assert_fails(butter_tree_add(t, "r/", NULL, NULL), EEXIST);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_ne(must_add(t, at_base("link"), 0), root);
	ck_assert_fails(butter_tree_add(t, at_base("none"), NULL, NULL), ENOENT);
	ck_assert_fails(butter_tree_add(t, at_base("f/x"), NULL, NULL), ENOTDIR);
	ck_assert_fails(butter_tree_add(t, at_base("f/"), NULL, NULL), ENOTDIR);
	ck_assert_fails(butter_tree_add(t, at_base("loop"), NULL, NULL), ELOOP);
	ck_assert_fails(butter_tree_add(t, "", NULL, NULL), ENOENT);
	ck_assert_fails(butter_tree_remove(t, at_base("none")), ENOENT);
	told(t);
	make_dir("r/d");
	ck_assert_str_eq(told_sorted(t), "CREATED link/d/\nCREATED r/d/\n");
	butter_tree_close(t);
}
END_TEST

START_TEST(a_root_that_is_removed_tells_nothing_more_and_leaves_the_watches_of_others)
{
	struct butter_tree *t = tree_of(levels[_i], scratch());
	struct butter_tree_event ev;
	make_dir("r");
	make_dir("r/a");
	must_add(t, at_base("r"), 0);
	must_add(t, at_base("r/a"), 0);
	told(t);
	make_dir("r/a/cached");
	ck_assert_str_eq(told(t), "CREATED r/a/cached/\nCREATED r/a/cached/\n");
	make_dir("r/a/x");
	ck_assert_int_eq(butter_tree_wait_event(t, &ev, -1), 1);
	make_dir("r/a/y");
	ck_assert_int_eq(butter_tree_remove(t, at_base("r")), 0);
	const char *rest = told(t);
	ck_assert_msg(!strcmp(rest, "CREATED r/a/x/\nCREATED r/a/y/\n"), "%s", rest);
	make_dir("r/b");
	make_dir("r/a/z");
	ck_assert_str_eq(told(t), "CREATED r/a/z/\n");
	ck_assert_int_eq(butter_tree_remove(t, at_base("r/a")), 0);
	make_dir("r/a/w");
	ck_assert_str_eq(told(t), "");
	ck_assert_fails(butter_tree_remove(t, at_base("r/a")), ENOENT);
	must_add(t, at_base("r"), 0);
	told(t);
	make_dir("r/c");
	ck_assert_str_eq(told(t), "CREATED r/c/\n");
	butter_tree_close(t);
}
END_TEST

static void watch_slash(void *arg)
{
	const char *dir = arg;
	must_mount("tmpfs", dir);
	ck_assert_int_eq(mkdir(path_in(dir, "proc"), 0755), 0);
	ck_assert_int_eq(mount("/proc", path_in(dir, "proc"), "", MS_BIND | MS_REC, ""), 0);
	ck_assert_int_eq(chroot(dir), 0);
	ck_assert_int_eq(chdir("/"), 0);
	struct butter_tree *t = tree_of(0, "/nowhere");
	must_add(t, "//", BUTTER_TREE_ONE_FILESYSTEM);
	ck_assert_str_eq(told(t), "READY //\n");
	ck_assert_int_eq(mkdir("/new", 0755), 0);
	ck_assert_str_eq(told(t), "CREATED /new/\n");
	butter_tree_close(t);
}

START_TEST(the_slash_alone_may_be_a_root)
{
	in_mount_namespace(watch_slash, (void *)scratch());
}
END_TEST

static int add_with(struct butter_tree *t, struct butter_tree_root o)
{
	o.size = sizeof(o);
	return butter_tree_add(t, at_base("r"), &o, NULL);
}

START_TEST(a_wrong_option_is_EINVAL_and_adds_no_root)
{
	struct butter_tree *t = tree_of(0, scratch());
	struct {
		struct butter_tree_root o;
		char more[8];
	} later = {.o = {.size = sizeof(later)}, .more = {1}};
	make_dir("r");
	ck_assert_fails(add_with(t, (struct butter_tree_root){.flags = 0x80}), EINVAL);
	ck_assert_fails(add_with(t, (struct butter_tree_root){.backend = 4}), EINVAL);
	ck_assert_fails(add_with(t, (struct butter_tree_root){.poll_interval = -1}), EINVAL);
	ck_assert_fails(add_with(t, (struct butter_tree_root){.settle = -1}), EINVAL);
	ck_assert_fails(add_with(t, (struct butter_tree_root){.ignore_file = "a/b"}), EINVAL);
	ck_assert_fails(add_with(t, (struct butter_tree_root){.reserved = {1}}), EINVAL);
	ck_assert_fails(butter_tree_add(t, at_base("r"), &later.o, NULL), E2BIG);
	ck_assert_fails(butter_tree_add(t, NULL, NULL, NULL), EINVAL);
	ck_assert_fails(butter_tree_remove(t, NULL), EINVAL);
	ck_assert_fails(butter_tree_remove(t, ""), ENOENT);
	ck_assert_fails(butter_tree_remove(t, at_base("r")), ENOENT);
	fault_error(FAULT_REALLOC, 1, ENOMEM);
	ck_assert_fails(add_with(t, (struct butter_tree_root){0}), ENOMEM);
	fault_clear();
	ck_assert_int_eq(add_with(t, (struct butter_tree_root){0}), 0);
	fault_error(FAULT_REALLOC, 1, ENOMEM);
	ck_assert_fails(butter_tree_remove(t, at_base("r")), ENOMEM);
	fault_clear();
	ck_assert_int_eq(butter_tree_remove(t, at_base("r")), 0);
	butter_tree_close(t);
}
END_TEST

SUITE(tree_root)
{
	tcase_add_test(tc, a_wrong_option_is_EINVAL_and_adds_no_root);
#define BOTH(test) tcase_add_loop_test(tc, test, 0, 2)
	BOTH(a_root_that_is_deleted_is_told_after_all_below_it_and_is_told_when_it_is_made_again);
	BOTH(a_root_that_is_renamed_away_is_gone_and_what_happens_there_is_not_told);
	BOTH(a_root_is_gone_when_a_directory_above_it_is_renamed);
	BOTH(a_root_that_is_waited_for_is_told_when_the_way_to_it_has_been_made);
	BOTH(the_way_to_a_root_may_be_made_and_removed_again_and_again);
	BOTH(a_root_may_be_a_single_file_that_is_saved_atomically_deleted_and_made_again);
	BOTH(a_file_behind_symlinks_is_told_when_they_lead_elsewhere);
	tcase_add_test(tc, a_path_is_the_same_root_with_slashes_behind_it_and_relative);
	BOTH(a_root_that_is_removed_tells_nothing_more_and_leaves_the_watches_of_others);
	tcase_add_test(raw, the_slash_alone_may_be_a_root);
}
