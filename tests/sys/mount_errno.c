/* SPDX-License-Identifier: MIT */
/* What mount(2) and the others refuse to whom, and what mount(2) refuses for a disk. */
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <butter/mount.h>

#include "child.h"
#include "test.h"

static void without_permission(void *closed)
{
	become_nobody();
	ck_assert_fails(butter_mount("x", "/", "tmpfs", 0, NULL), EPERM);
	ck_assert_fails(butter_umount2("/", 0), EPERM);
	ck_assert_fails(butter_pivot_root("/", "/"), EPERM);
	ck_assert_fails(butter_mount("x", closed, "tmpfs", 0, NULL), EACCES);
	ck_assert_fails(butter_umount2(closed, 0), EACCES);
}

START_TEST(the_calls_without_permission_are_EPERM_and_without_a_way_there_EACCES)
{
	const char *closed = path_in(scratch(), "closed");
	ck_assert_int_eq(mkdir(closed, 0), 0);
	in_child(without_permission, (void *)path_in(closed, "below"));
}
END_TEST

/* The name of a file system that lies on a disk and that this kernel has. */
static const char *disk_type(void)
{
	static char type[64];
	char line[80];
	FILE *file = fopen("/proc/filesystems", "re");
	ck_assert_ptr_nonnull(file);
	while (!*type && fgets(line, sizeof(line), file))
		if (strstr(line, "ext") && sscanf(line, "\text%60s", type + 3) == 1)
			memcpy(type, "ext", 3);
	fclose(file);
	return type;
}

static void disk_errnos(void *dir)
{
	const char *file = path_in(dir, "file"), *disk = path_in(dir, "disk"), *to = path_in(dir, "to");
	ck_assert_int_eq(butter_mount("butter", dir, "tmpfs", 0, "mode=755"), 0);
	ck_assert_int_eq(mkdir(to, 0755), 0);
	touch(file);
	ck_assert_int_eq(mknod(disk, S_IFBLK | 0600, makedev(4095, 0)), 0);
	ck_assert_fails(butter_mount(file, to, disk_type(), MS_SILENT, NULL), ENOTBLK);
	ck_assert_fails(butter_mount(path_in(dir, "none"), to, disk_type(), MS_SILENT, NULL), ENOENT);
	ck_assert_fails(butter_mount(disk, to, disk_type(), MS_SILENT, NULL), ENXIO);
	ck_assert_int_eq(butter_mount(NULL, dir, NULL, MS_REMOUNT | MS_NODEV, NULL), 0);
	ck_assert_fails(butter_mount(disk, to, disk_type(), MS_SILENT, NULL), EACCES);
}

static void disk_in_user_namespace(void *dir)
{
	ck_assert_fails(butter_mount("x", dir, disk_type(), MS_SILENT, NULL), EPERM);
}

START_TEST(a_disk_that_is_none_is_ENOTBLK_or_ENXIO_or_EACCES_and_in_a_user_namespace_EPERM)
{
	const char *dir = scratch();
	if (!*disk_type())
		SKIP("the kernel has no ext2, ext3 or ext4");
	if (geteuid() == 0)
		in_mount_namespace(disk_errnos, (void *)dir);
	in_namespaces(CLONE_NEWNS | CLONE_NEWUSER, disk_in_user_namespace, (void *)dir);
}
END_TEST

SUITE(sys_mount_errno)
{
	tcase_add_test(tc, the_calls_without_permission_are_EPERM_and_without_a_way_there_EACCES);
	tcase_add_test(raw, a_disk_that_is_none_is_ENOTBLK_or_ENXIO_or_EACCES_and_in_a_user_namespace_EPERM);
}
