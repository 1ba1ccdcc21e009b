/* SPDX-License-Identifier: MIT */
/* Events of mounts and of whole filesystems: attached, detached, broken. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "child.h"
#include "group.h"
#include "image.h"
#include "test.h"

enum { UNKNOWN_TYPE = 0xff /* FILEID_INVALID */ };

/* Watches the mounts of this namespace; NULL: not before Linux 6.16, nor by nobody. */
static struct butter_fanotify *watch_mounts(void)
{
	uint64_t mask = FAN_MNT_ATTACH | FAN_MNT_DETACH;
	struct butter_fanotify *x = butter_fanotify_open(FAN_REPORT_MNT, O_RDONLY, NULL);
	if (!linux_is_at_least(6, 16)) {
		ck_assert_ptr_null(x);
		return NULL;
	}
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, "/proc/self/ns/mnt", mask, FAN_MARK_MNTNS), 0);
	return x;
}

/* Nothing but a mount is told. */
static void expect_mount(struct butter_fanotify *x, uint64_t mask, uint64_t id)
{
	uint64_t told = 0, untouched = 7;
	uint32_t count = 7;
	int32_t error = 7;
	struct butter_fanotify_event ev = expect(x, mask);
	ck_assert_int_eq(butter_fanotify_event_mount(&ev, &told), 1);
	ck_assert_uint_eq(told, id);
	ck_assert_int_eq(ev.pid, getpid());
	ck_assert_int_eq(ev.fd, FAN_NOFD);
	ck_assert_ptr_null(ev.object.handle);
	ck_assert_ptr_null(ev.dir.handle);
	ck_assert_int_eq(butter_fanotify_event_range(&ev, &untouched, &untouched), 0);
	ck_assert_int_eq(butter_fanotify_event_error(&ev, &error, &count), 0);
	ck_assert(untouched == 7 && error == 7 && count == 7);
}

static void attach_and_detach(void *dir)
{
	must_mount("tmpfs", dir);
	const char *a = path_in(dir, "a"), *b = path_in(dir, "b");
	ck_assert_int_eq(mkdir(a, 0700), 0);
	ck_assert_int_eq(mkdir(b, 0700), 0);
	struct butter_fanotify *x = watch_mounts();
	if (!x)
		return;
	must_mount("tmpfs", a);
	uint64_t id = unique_mount_id(a);
	expect_mount(x, FAN_MNT_ATTACH, id);
	ck_assert_int_eq(mount(a, b, "", MS_MOVE, NULL), 0);
	ck_assert_uint_eq(unique_mount_id(b), id);
	expect_mount(x, FAN_MNT_ATTACH | FAN_MNT_DETACH, id);
	ck_assert_int_eq(mount(b, a, "", MS_BIND, NULL), 0);
	expect_mount(x, FAN_MNT_ATTACH, unique_mount_id(a));
	ck_assert_int_eq(umount2(b, 0), 0);
	expect_mount(x, FAN_MNT_DETACH, id);
	id = unique_mount_id(a);
	ck_assert_int_eq(umount2(a, MNT_DETACH), 0);
	expect_mount(x, FAN_MNT_DETACH, id);
	expect_nothing(x);
	ck_assert_int_eq(butter_fanotify_flush(x, FAN_MARK_MNTNS), 0);
	must_mount("tmpfs", a);
	expect_nothing(x);
	butter_fanotify_close(x);
}

START_TEST(mounts_are_told_by_the_ids_that_statx_tells)
{
	in_mount_namespace(attach_and_detach, (void *)scratch());
}
END_TEST

/* The namespace by an fd and no path, and one kind of event alone. */
static void attached_only(void *dir)
{
	if (!linux_is_at_least(6, 16))
		return;
	int ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	struct butter_fanotify *x = group_with(FAN_REPORT_MNT);
	ck_assert_int_eq(butter_fanotify_watch(x, ns, NULL, FAN_MNT_ATTACH, FAN_MARK_MNTNS), 0);
	must_mount("tmpfs", dir);
	uint64_t id = unique_mount_id(dir);
	ck_assert_int_eq(umount2(dir, 0), 0);
	expect_mount(x, FAN_MNT_ATTACH, id);
	expect_nothing(x);
	ck_assert_int_eq(butter_fanotify_ignore(x, ns, NULL, FAN_MNT_ATTACH, FAN_MARK_MNTNS), 0);
	ck_assert_fails(butter_fanotify_ignore(x, ns, NULL, FAN_MNT_ATTACH, FAN_MARK_MNTNS), ENOENT);
	butter_fanotify_close(x);
	close(ns);
}

START_TEST(a_namespace_is_watched_by_its_fd_and_for_one_kind_of_event)
{
	in_mount_namespace(attached_only, (void *)scratch());
}
END_TEST

/* Ext4 is asked for an error, under the name of its loop device. */
static void make_errors(const char *dir, int count)
{
	char link[64], device[4096], path[4200];
	struct stat st;
	ck_assert_int_eq(stat(dir, &st), 0);
	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
	ck_assert_ptr_nonnull(realpath(link, device));
	snprintf(path, sizeof(path), "/sys/fs/ext4/%s/trigger_fs_error", strrchr(device, '/') + 1);
	while (count-- > 0)
		write_file(path, "a test");
}

/* An error of no inode has a handle of no bytes, which leads nowhere. */
static void expect_error(struct butter_fanotify *x, const char *dir, int32_t expected, uint32_t times)
{
	char path[64];
	int32_t error = 0;
	uint32_t count = 0, head[2];
	uint64_t untouched = 7;
	struct handle root;
	struct butter_fanotify_event ev = expect(x, FAN_FS_ERROR);
	ck_assert_int_eq(butter_fanotify_event_error(&ev, &error, &count), 1);
	ck_assert_int_eq(error, expected);
	ck_assert_uint_eq(count, times);
	handle_of(&root, dir);
	ck_assert_uint_eq(ev.object.fsid, root.h.fsid);
	ck_assert_uint_eq(ev.object.len, sizeof(head));
	memcpy(head, ev.object.handle, sizeof(head));
	ck_assert_uint_eq(head[0], 0);
	ck_assert_uint_eq(head[1], UNKNOWN_TYPE);
	ck_assert_fails(butter_fanotify_path(x, &ev.object, NULL, path, sizeof(path)), EINVAL);
	ck_assert_int_eq(butter_fanotify_event_mount(&ev, &untouched), 0);
	ck_assert_uint_eq(untouched, 7);
}

static void break_and_read(void *dir)
{
	if (!is_admin() || !linux_is_at_least(5, 16))
		return;
	must_mount("ext4", dir);
	struct butter_fanotify *x = group_with(FAN_REPORT_FID);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir, FAN_FS_ERROR, FAN_MARK_FILESYSTEM), 0);
	make_errors(dir, 3);
	expect_error(x, dir, EUCLEAN, 3);
	expect_nothing(x);
	mount("none", dir, "ext4", MS_REMOUNT, "abort");
	expect_error(x, dir, ESHUTDOWN, 1);
	expect_nothing(x);
	butter_fanotify_close(x);
}

START_TEST(an_error_of_a_filesystem_is_told_with_its_errno_and_how_often)
{
	in_mount_namespace(break_and_read, (void *)scratch());
}
END_TEST

SUITE(event_fanotify_mounts)
{
	tcase_add_test(tc, mounts_are_told_by_the_ids_that_statx_tells);
	tcase_add_test(tc, a_namespace_is_watched_by_its_fd_and_for_one_kind_of_event);
	tcase_add_test(raw, an_error_of_a_filesystem_is_told_with_its_errno_and_how_often);
}
