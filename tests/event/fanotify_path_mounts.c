/* SPDX-License-Identifier: MIT */
/* The paths of handles while filesystems are mounted, moved and unmounted, and the root changes. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "child.h"
#include "test.h"
#include "watched.h"

static struct handle a, b, c;

static void mount_tmpfs(const char *path)
{
	ck_assert_int_eq(mount("tmpfs", path, "tmpfs", 0, ""), 0);
}

static void bind(const char *from, const char *to)
{
	ck_assert_msg(mount(from, to, "", MS_BIND, "") == 0, "%s on %s: %s", from, to, strerror(errno));
}

static void unmount(const char *path)
{
	ck_assert_msg(umount2(path, 0) == 0, "%s: %s", path, strerror(errno));
}

static void watch(const char *path)
{
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, path, FAN_CREATE, FAN_MARK_FILESYSTEM), 0);
}

TEST_WATCHED(something_is_mounted_over_it_and_goes_again, 0)
{
	make(at("a"));
	new_dir(&a, at("a/x"));
	expect_path(&a, NULL, at("a/x"));
	expect_path(handle_of(&b, top), NULL, top);
	mount_tmpfs(at("a"));
	expect_errno(&a, ENOENT);
	expect_path(&b, NULL, top);
	unmount(at("a"));
	expect_path(&a, NULL, at("a/x"));
	mount_tmpfs(top);
	expect_errno(&a, ENOENT);
	expect_errno(&b, ENOENT);
	unmount(top);
	expect_path(&a, NULL, at("a/x"));
	expect_path(&b, NULL, top);
	expect_kept(&a, 1);
}

/* A filesystem at m, with a directory d in it. */
static void mount_at(const char *m)
{
	mount_tmpfs(m);
	char d[4200];
	snprintf(d, sizeof(d), "%s/d", m);
	new_dir(&a, d);
	watch(m);
}

TEST_WATCHED(its_mount_is_moved, 0)
{
	make(at("m"));
	make(at("n"));
	mount_at(at("m"));
	expect_path(&a, NULL, at("m/d"));
	ck_assert_int_eq(mount(at("m"), at("n"), "", MS_MOVE, ""), 0);
	expect_path(&a, NULL, at("n/d"));
	expect_kept(&a, 1);
	move(at("n/d"), at("n/e"));
	expect_path(&a, NULL, at("n/e"));
}

TEST_WATCHED(a_directory_above_its_mount_is_renamed, 0)
{
	make(at("1"));
	make(at("1/2"));
	make(at("1/2/3"));
	mount_at(at("1/2/3"));
	expect_path(&a, NULL, at("1/2/3/d"));
	expect_kept(&a, 1);
	move(at("1/2"), at("1/b"));
	expect_path(&a, NULL, at("1/b/3/d"));
	move(at("1"), at("a"));
	expect_path(&a, NULL, at("a/b/3/d"));
	expect_kept(&a, 1);
	/* Another directory takes its name: what is above is not what it was. */
	make(at("q"));
	make(at("q/r"));
	expect_path(&a, NULL, at("a/b/3/d"));
	move(at("a/b"), at("q/r/b"));
	move(at("a"), at("old"));
	move(at("q/r"), at("a"));
	expect_path(&a, NULL, at("a/b/3/d"));
	move(at("a/b"), at("c"));
	expect_path(&a, NULL, at("c/3/d"));
	exchange(at("c"), at("old"));
	expect_path(&a, NULL, at("old/3/d"));
}

/* There, a mount point is a directory like any other. */
static void move_mount_point(void *unused)
{
	(void)unused;
	unmount(at("1/m"));
	move(at("1/m"), at("n"));
}

TEST_WATCHED(a_mount_point_is_renamed_in_another_mount_namespace, 0)
{
	make(at("1"));
	make(at("1/m"));
	mount_at(at("1/m"));
	expect_path(&a, NULL, at("1/m/d"));
	in_namespaces(CLONE_NEWNS, move_mount_point, NULL);
	expect_path(&a, NULL, at("n/d"));
}

TEST_WATCHED(it_is_mounted_elsewhere, 0)
{
	make(at("m"));
	make(at("n"));
	mount_at(at("m"));
	expect_path(&a, NULL, at("m/d"));
	bind(at("m"), at("n"));
	expect_path(&a, NULL, at("m/d"));
	unmount(at("m"));
	expect_path(&a, NULL, at("n/d"));
	expect_kept(&a, 1);
	move(at("n/d"), at("n/e"));
	expect_path(&a, NULL, at("n/e"));
	unmount(at("n"));
	expect_errno(&a, ENODEV);
}

TEST_WATCHED(only_parts_of_it_are_mounted, 0)
{
	make(at("m"));
	make(at("n"));
	make(at("o"));
	mount_at(at("m"));
	new_dir(&b, at("m/d/b"));
	new_dir(&c, at("m/e"));
	bind(at("m/d"), at("n"));
	bind(at("m/e"), at("o"));
	ck_assert_int_eq(umount2(at("m"), 0), 0);
	for (int i = 0; i < 3; i++) {
		expect_path(&a, NULL, at("n"));
		expect_path(&b, NULL, at("n/b"));
		expect_path(&c, NULL, at("o"));
	}
	expect_kept(&b, 1);
	expect_kept(&c, 1);
	move(at("n/b"), at("n/x"));
	expect_path(&b, NULL, at("n/x"));
	unmount(at("o"));
	expect_errno(&c, ENOENT);
}

TEST_WATCHED(its_filesystem_is_unmounted_while_paths_are_kept, 0)
{
	make(at("m"));
	mount_at(at("m"));
	for (int i = 0; i < 3; i++) {
		expect_path(&a, NULL, at("m/d"));
		expect_kept(&a, 1);
		unmount(at("m"));
		expect_errno(&a, ENODEV);
		mount_at(at("m"));
	}
	expect_path(&a, NULL, at("m/d"));
}

static void chroot_there(const char *dir)
{
	ck_assert_int_eq(mount("/proc", at("%s/proc", dir), "", MS_BIND | MS_REC, ""), 0);
	ck_assert_int_eq(chroot(at("%s", dir)), 0);
	ck_assert_int_eq(chdir("/"), 0);
}

/* The root is that of the first path: a new object after chroot(2). */
TEST_WATCHED(a_root_that_is_a_mount_has_short_paths, 0)
{
	make(at("proc"));
	new_dir(&a, at("d"));
	handle_of(&b, top);
	chroot_there("");
	expect_path(&a, NULL, "/d");
	expect_path(&b, NULL, "/");
	expect_path(&b, "name", "/name");
	expect_kept(&a, 1);
}

TEST_WATCHED(a_root_that_is_no_mount_has_short_paths, 0)
{
	make(at("jail"));
	make(at("jail/proc"));
	new_dir(&a, at("jail/d"));
	new_dir(&b, at("outside"));
	butter_fanotify_close(x);
	chroot_there("jail");
	x = butter_fanotify_open(FAN_REPORT_FID, 0, NULL);
	watch("/");
	expect_path(&a, NULL, "/d");
	expect_kept(&a, 1);
	expect_errno(&b, ENOENT);
	move("/d", "/e");
	expect_path(&a, "name", "/e/name");
}

TEST_WATCHED(the_root_is_pivoted, 0)
{
	make(at("proc"));
	make(at("old"));
	expect_path(new_dir(&a, at("d")), NULL, at("d"));
	ck_assert_int_eq(mount("/proc", at("proc"), "", MS_BIND | MS_REC, ""), 0);
	ck_assert_int_eq(chdir(top), 0);
	ck_assert_int_eq(syscall(SYS_pivot_root, ".", "old"), 0);
	expect_path(&a, NULL, "/d");
	expect_kept(&a, 1);
	ck_assert_int_eq(umount2("/old", MNT_DETACH), 0);
	expect_path(&a, NULL, "/d");
}

TEST_WATCHED(without_proc_there_are_no_paths, 0)
{
	expect_path(new_dir(&a, at("a")), NULL, at("a"));
	new_dir(&b, at("b"));
	mount_tmpfs("/proc");
	expect_errno(&a, ENOENT);
	expect_errno(&b, ENOENT);
	unmount("/proc");
	expect_path(&a, NULL, at("a"));
	expect_path(&b, NULL, at("b"));
}

SUITE(event_fanotify_path_mounts)
{
	tcase_add_test(raw, something_is_mounted_over_it_and_goes_again);
	tcase_add_test(raw, its_mount_is_moved);
	tcase_add_test(raw, a_directory_above_its_mount_is_renamed);
	tcase_add_test(tc, a_mount_point_is_renamed_in_another_mount_namespace);
	tcase_add_test(raw, it_is_mounted_elsewhere);
	tcase_add_test(raw, only_parts_of_it_are_mounted);
	tcase_add_test(raw, its_filesystem_is_unmounted_while_paths_are_kept);
	tcase_add_test(raw, a_root_that_is_a_mount_has_short_paths);
	tcase_add_test(raw, a_root_that_is_no_mount_has_short_paths);
	tcase_add_test(raw, the_root_is_pivoted);
	tcase_add_test(tc, without_proc_there_are_no_paths);
}
