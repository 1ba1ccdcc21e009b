/* SPDX-License-Identifier: MIT */
/* Filesystems that are mounted and unmounted in trees. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../support/child.h"
#include "../support/image.h"
#include "../support/test.h"
#include "told.h"

static const unsigned levels[] = {0, BUTTER_TREE_ENTRIES};
static unsigned level;

static void must_unmount(const char *path)
{
	ck_assert_msg(umount(at_base(path)) == 0, "%s: %s", path, strerror(errno));
}

static void bind_to(const char *from, const char *to)
{
	ck_assert_int_eq(mount(at_base(from), at_base(to), "", MS_BIND, ""), 0);
}

/* In a tmpfs, so that what is mounted below is always another filesystem. */
static struct butter_tree *tree_in(const char *dir)
{
	must_mount("tmpfs", dir);
	return tree_of(level, dir);
}

static void run(void (*fn)(void *), unsigned which)
{
	level = which;
	in_mount_namespace(fn, (void *)scratch());
}

static void unmount_below(void *dir)
{
	struct butter_tree *t = tree_in(dir);
	make_dir("r");
	make_dir("r/m");
	make_dir("r/m/under");
	must_mount("tmpfs", at_base("r/m"));
	make_dir("r/m/a");
	make_dir("r/m/a/b");
	must_add(t, at_base("r"), 0);
	told(t);
	must_unmount("r/m");
	ck_assert_str_eq(told(t), "UNMOUNTED r/m/\nDELETED r/m/a/b/\nDELETED r/m/a/\nCREATED r/m/under/\n");
	make_dir("r/m/under/x");
	ck_assert_str_eq(told(t), "CREATED r/m/under/x/\n");
	butter_tree_close(t);
}

START_TEST(what_is_unmounted_is_told_then_what_is_gone_then_what_is_there_now)
{
	run(unmount_below, levels[_i]);
}
END_TEST

static void mount_over(void *dir)
{
	struct butter_tree *t = tree_in(dir);
	make_dir("r");
	make_dir("r/m");
	make_dir("r/m/under");
	must_add(t, at_base("r"), 0);
	told(t);
	must_mount("tmpfs", at_base("r/m"));
	ck_assert_str_eq(told_until(t, "DELETED r/m/under/"), "MOUNTED r/m/\nDELETED r/m/under/\n");
	make_dir("r/m/a");
	ck_assert_str_eq(told(t), "CREATED r/m/a/\n");
	must_mount("tmpfs", at_base("r/m"));
	make_dir("r/m/second");
	ck_assert_str_eq(told(t), "MOUNTED r/m/\nDELETED r/m/a/\nCREATED r/m/second/\n");
	must_unmount("r/m");
	ck_assert_str_eq(told(t), "UNMOUNTED r/m/\nDELETED r/m/second/\nCREATED r/m/a/\n");
	must_unmount("r/m");
	ck_assert_str_eq(told(t), "UNMOUNTED r/m/\nDELETED r/m/a/\nCREATED r/m/under/\n");
	butter_tree_close(t);
}

START_TEST(what_is_mounted_over_a_watched_directory_is_told_and_wakes_who_waits)
{
	run(mount_over, levels[_i]);
}
END_TEST

static void bind_inside(void *dir)
{
	struct butter_tree *t = tree_in(dir);
	make_dir("r");
	make_dir("r/from");
	make_dir("r/from/x");
	make_dir("r/to");
	must_add(t, at_base("r"), 0);
	told(t);
	bind_to("r/from", "r/to");
	ck_assert_str_eq(told(t), "MOUNTED r/to/\nCREATED r/to/x/\n");
	make_dir("r/to/y");
	ck_assert_str_eq(told_sorted(t), "CREATED r/from/y/\nCREATED r/to/y/\n");
	remove_dir("r/from/x");
	ck_assert_str_eq(told_sorted(t), "DELETED r/from/x/\nDELETED r/to/x/\n");
	must_unmount("r/to");
	ck_assert_str_eq(told(t), "UNMOUNTED r/to/\nDELETED r/to/y/\n");
	make_dir("r/from/y/z");
	make_dir("r/to/own");
	ck_assert_str_eq(told_sorted(t), "CREATED r/from/y/z/\nCREATED r/to/own/\n");
	butter_tree_close(t);
}

START_TEST(a_bind_mount_inside_the_tree_is_told_under_both_paths_until_it_goes)
{
	run(bind_inside, levels[_i]);
}
END_TEST

static void at_root(void *dir)
{
	struct butter_tree *t = tree_in(dir);
	make_dir("r");
	make_dir("r/under");
	must_mount("tmpfs", at_base("r"));
	make_dir("r/a");
	must_add(t, at_base("r"), 0);
	told(t);
	must_unmount("r");
	ck_assert_str_eq(told(t), "UNMOUNTED r/\nDELETED r/a/\nCREATED r/under/\n");
	must_mount("tmpfs", at_base("r"));
	ck_assert_str_eq(told(t), "MOUNTED r/\nDELETED r/under/\n");
	make_dir("r/b");
	ck_assert_str_eq(told(t), "CREATED r/b/\n");
	must_unmount("r");
	ck_assert_str_eq(told(t), "UNMOUNTED r/\nDELETED r/b/\nCREATED r/under/\n");
	butter_tree_close(t);
}

START_TEST(what_is_mounted_at_the_root_itself_comes_and_goes)
{
	run(at_root, levels[_i]);
}
END_TEST

static void above_root(void *dir)
{
	struct butter_tree *t = tree_in(dir);
	make_dir("above");
	make_dir("above/r");
	make_dir("above/r/a");
	must_add(t, at_base("above/r"), 0);
	told(t);
	must_mount("tmpfs", at_base("above"));
	ck_assert_str_eq(told(t), "DELETED above/r/a/\nDELETED above/r/\n");
	make_dir("above/r");
	ck_assert_str_eq(told(t), "CREATED above/r/\n");
	must_unmount("above");
	ck_assert_str_eq(told(t), "DELETED above/r/\nCREATED above/r/\nCREATED above/r/a/\n");
	butter_tree_close(t);
}

START_TEST(a_mount_above_a_root_hides_it_and_shows_it_again)
{
	run(above_root, levels[_i]);
}
END_TEST

static void one_filesystem(void *dir)
{
	struct butter_tree *t = tree_in(dir);
	make_dir("r");
	make_dir("r/m");
	make_dir("r/later");
	make_dir("r/later/gone");
	must_mount("tmpfs", at_base("r/m"));
	make_dir("r/m/a");
	must_add(t, at_base("r"), BUTTER_TREE_ONE_FILESYSTEM);
	told(t);
	make_dir("r/m/b");
	make_dir("r/m/a/c");
	ck_assert_str_eq(told(t), "");
	must_mount("tmpfs", at_base("r/later"));
	make_dir("r/later/x");
	ck_assert_str_eq(told(t), "MOUNTED r/later/\nDELETED r/later/gone/\n");
	must_unmount("r/m");
	make_dir("r/m/own");
	ck_assert_str_eq(told(t), "UNMOUNTED r/m/\nCREATED r/m/own/\n");
	butter_tree_close(t);
}

START_TEST(another_filesystem_is_not_entered_when_the_root_is_to_stay_on_its_own)
{
	run(one_filesystem, levels[_i]);
}
END_TEST

static void never_busy(void *dir)
{
	struct butter_tree *t = tree_in(dir);
	struct butter_tree_event ev;
	make_dir("r");
	make_dir("r/m");
	must_add(t, at_base("r"), 0);
	for (int i = 0; i < 30; i++) {
		must_mount("tmpfs", at_base("r/m"));
		make_dir("r/m/a");
		make_dir("r/m/a/b");
		if (i % 3 == 0)
			told(t);
		else if (i % 3 == 1)
			butter_tree_wait_event(t, &ev, 0);
		must_unmount("r/m");
	}
	told(t);
	make_dir("r/m/own");
	ck_assert_str_eq(told(t), "CREATED r/m/own/\n");
	butter_tree_close(t);
}

START_TEST(what_is_watched_can_be_unmounted_at_any_time)
{
	run(never_busy, levels[_i]);
}
END_TEST

SUITE(tree_mounts)
{
#define BOTH(test) tcase_add_loop_test(raw, test, 0, 2)
	BOTH(what_is_unmounted_is_told_then_what_is_gone_then_what_is_there_now);
	BOTH(what_is_mounted_over_a_watched_directory_is_told_and_wakes_who_waits);
	BOTH(a_bind_mount_inside_the_tree_is_told_under_both_paths_until_it_goes);
	BOTH(what_is_mounted_at_the_root_itself_comes_and_goes);
	BOTH(a_mount_above_a_root_hides_it_and_shows_it_again);
	BOTH(another_filesystem_is_not_entered_when_the_root_is_to_stay_on_its_own);
	BOTH(what_is_watched_can_be_unmounted_at_any_time);
}
