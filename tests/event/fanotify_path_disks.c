/* SPDX-License-Identifier: MIT */
/* The paths of handles on filesystems that lie on disks, which forget names and have other handles. */
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "child.h"
#include "test.h"
#include "watched.h"

static const char *type;
static struct handle a, b, c;
static int loop = -1;
static char device[32];

static const char *mkfs_of(const char *name)
{
	static char path[64];
	snprintf(path, sizeof(path), "/sbin/mkfs.%s", name);
	return path;
}

/* A device that is free again when nobody uses it, in however bad a way the test ends. */
static void make_device(const char *image)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), fd = open(image, O_RDWR | O_CLOEXEC);
	struct loop_info64 info = {.lo_flags = LO_FLAGS_AUTOCLEAR};
	ck_assert_int_ge(control, 0);
	ck_assert_int_ge(fd, 0);
	for (int n = -1; n < 0;) {
		snprintf(device, sizeof(device), "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
		loop = open(device, O_RDWR | O_CLOEXEC);
		ck_assert_int_ge(loop, 0);
		n = ioctl(loop, LOOP_SET_FD, fd);
		ck_assert(n == 0 || errno == EBUSY); /* another was faster */
		if (n < 0)
			close(loop);
	}
	ck_assert_int_eq(ioctl(loop, LOOP_SET_STATUS64, &info), 0);
	close(control);
	close(fd);
}

/* The image lies in top; its filesystem is mounted at m and watched. */
static void mount_disk(void)
{
	char command[9000];
	const char *image = at("image");
	touch(image);
	ck_assert_int_eq(truncate(image, 320 << 20), 0);
	snprintf(command, sizeof(command), "exec %s -q %s >/dev/null 2>&1", mkfs_of(type), image);
	ck_assert_int_eq(system(command), 0);
	make_device(image);
	make(at("m"));
	make(at("n"));
	ck_assert_int_eq(mount(device, at("m"), type, 0, ""), 0);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, at("m"), FAN_CREATE, FAN_MARK_FILESYSTEM), 0);
}

static void unmount_disk(void)
{
	ck_assert_int_eq(umount2(at("m"), 0), 0);
	close(loop);
}

static void kept_and_right(void)
{
	mount_disk();
	make(at("m/1"));
	expect_path(new_dir(&a, at("m/1/d")), "name", at("m/1/d/name"));
	expect_path(new_dir(&b, at("m/1/e")), NULL, at("m/1/e"));
	expect_kept(&a, 1);
	move(at("m/1"), at("m/2"));
	expect_path(&a, NULL, at("m/2/d"));
	ck_assert_int_eq(rmdir(at("m/2/d")), 0);
	expect_errno(&a, ESTALE);
	expect_path(new_dir(&c, at("m/2/d")), NULL, at("m/2/d"));
	expect_errno(&a, ESTALE);
	expect_path(&b, NULL, at("m/2/e"));
	unmount_disk();
	expect_errno(&b, ENODEV);
}

/* The kernel finds the names of directories on the disk, those of files it does not look for. */
static void mounted_anew(void)
{
	mount_disk();
	make(at("m/1"));
	expect_path(new_dir(&a, at("m/1/d")), NULL, at("m/1/d"));
	touch(at("m/1/file"));
	handle_of(&b, at("m/1/file"));
	expect_path(&b, NULL, at("m/1/file"));
	ck_assert_int_eq(umount2(at("m"), 0), 0);
	ck_assert_int_eq(mount(device, at("n"), type, 0, ""), 0);
	expect_path(&a, NULL, at("n/1/d"));
	expect_errno(&b, ENOENT);
	ck_assert_int_eq(access(at("n/1/file"), F_OK), 0);
	expect_path(&b, NULL, at("n/1/file"));
	move(at("n/1"), at("n/2"));
	expect_path(&a, NULL, at("n/2/d"));
	ck_assert_int_eq(umount2(at("n"), 0), 0);
	close(loop);
}

static void subvolume(int create, const char *name)
{
	struct btrfs_ioctl_vol_args args = {.fd = 0};
	int fd = open(at("m"), O_RDONLY | O_CLOEXEC);
	snprintf(args.name, sizeof(args.name), "%s", name);
	int n = create ? ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &args) : ioctl(fd, BTRFS_IOC_SNAP_DESTROY, &args);
	ck_assert_int_eq(n, 0);
	close(fd);
}

/* Its directories go with it: one event tells of all. */
static void subvolumes(void)
{
	mount_disk();
	subvolume(1, "s");
	handle_of(&b, at("m"));
	new_dir(&a, at("m/s/d"));
	a.h.fsid = b.h.fsid; /* as events of a filesystem mark have it */
	expect_path(&a, NULL, at("m/s/d"));
	expect_kept(&a, 1);
	move(at("m/s"), at("m/t"));
	expect_path(&a, NULL, at("m/t/d"));
	subvolume(0, "t");
	expect_errno(&a, ESTALE);
	expect_path(&b, NULL, at("m"));
	unmount_disk();
}

static void on_disk(const char *name, void (*body)(void))
{
	type = name;
	if (geteuid() != 0)
		return; /* a user namespace has no disks: tests/sys/mount.c */
	if (access(mkfs_of(name), X_OK) < 0 || access("/dev/loop-control", R_OK | W_OK) < 0)
		test_skip(name, "no mkfs, or no loop devices");
	in_watched(body, 0);
}

START_TEST(paths_on_ext4_are_kept_and_right)
{
	on_disk("ext4", kept_and_right);
}
END_TEST

START_TEST(paths_on_btrfs_are_kept_and_right)
{
	on_disk("btrfs", kept_and_right);
}
END_TEST

START_TEST(paths_on_xfs_are_kept_and_right)
{
	on_disk("xfs", kept_and_right);
}
END_TEST

START_TEST(a_disk_is_mounted_anew_elsewhere)
{
	on_disk("ext4", mounted_anew);
}
END_TEST

START_TEST(a_subvolume_is_removed_with_its_directories)
{
	on_disk("btrfs", subvolumes);
}
END_TEST

SUITE(event_fanotify_path_disks)
{
	(void)tc;
	tcase_add_test(raw, paths_on_ext4_are_kept_and_right);
	tcase_add_test(raw, paths_on_btrfs_are_kept_and_right);
	tcase_add_test(raw, paths_on_xfs_are_kept_and_right);
	tcase_add_test(raw, a_disk_is_mounted_anew_elsewhere);
	tcase_add_test(raw, a_subvolume_is_removed_with_its_directories);
}
