/* SPDX-License-Identifier: MIT */
/* Which marks each file system takes, and that events name its objects as it names them elsewhere. */
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "child.h"
#include "files.h"
#include "image.h"
#include "opener.h"
#include "test.h"

/* errno of a mark or mount, 0: it is made. */
struct filesystem {
	const char *type;
	int mounting;   /* for root of a user namespace */
	int permission; /* FAN_OPEN_PERM of any kind */
	int fid_whole;  /* a mount or the whole in a group that reports file handles, FAN_FS_ERROR */
	int pre_access; /* FAN_PRE_ACCESS of any kind */
	int has_files;  /* can be made in it */
	int exports;    /* has handles that can be opened */
};

static const struct filesystem filesystems[] = {
	{"ext4", EACCES, 0, 0, 0, 1, 1},
	{"xfs", EACCES, 0, 0, 0, 1, 1},
	{"btrfs", EACCES, 0, 0, 0, 1, 1},
	{"tmpfs", 0, 0, 0, EOPNOTSUPP, 1, 1},
	{"overlay", 0, 0, EOPNOTSUPP, EOPNOTSUPP, 1, 0},
	{"overlay,nfs_export", 0, 0, 0, EOPNOTSUPP, 1, 1},
	{"ramfs", 0, 0, EOPNOTSUPP, EOPNOTSUPP, 1, 0},
	{"proc", EPERM, EINVAL, EOPNOTSUPP, EOPNOTSUPP, 0, 0},
	{"sysfs", EPERM, 0, EOPNOTSUPP, EOPNOTSUPP, 0, 0},
	{"devpts", 0, 0, EOPNOTSUPP, EOPNOTSUPP, 0, 0},
	{"cgroup2", EPERM, 0, 0, EOPNOTSUPP, 0, 1},
};
enum { BTRFS = 2, IMAGES, FILESYSTEMS = sizeof(filesystems) / sizeof(filesystems[0]) };

struct place {
	const struct filesystem *fs;
	const char *dir;
	void (*then)(const struct place *);
};

/* Overlayfs exports nothing without trusted attributes, and says so only in the log. */
static void mounted(void *arg)
{
	const struct place *place = arg;
	int admin = is_admin();
	if (!admin && strcmp(place->fs->type, "overlay,nfs_export") == 0)
		return;
	if (!mount_new(place->fs->type, place->dir))
		ck_assert_int_eq(errno, admin ? 0 : place->fs->mounting);
	else
		place->then(place);
}

static void on_filesystem(int i, void (*then)(const struct place *))
{
	struct place place = {.fs = &filesystems[i], .dir = scratch(), .then = then};
	in_mount_namespace(mounted, &place);
}

/* A mark of each kind on a directory; expected: of the inode, and of the whole. */
static void try_marks(const struct place *place, unsigned init, uint64_t mask, const int expected[2])
{
	static const unsigned kinds[] = {FAN_MARK_INODE, FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM};
	for (size_t i = 0; i < 3; i++) {
		struct butter_fanotify *x = group_with(init);
		int error = expected[i > 0];
		if (i > 0 && !is_admin() && !linux_is_at_least(6, 16))
			error = EPERM;
		errno = 0;
		butter_fanotify_watch(x, AT_FDCWD, place->dir, mask, kinds[i]);
		ck_assert_msg(errno == error, "%s, flags %#x, mark %#x: %s instead of %s", place->fs->type,
			      init, kinds[i], strerror(errno), strerror(error));
		butter_fanotify_close(x);
	}
}

static void try_all_marks(const struct place *place)
{
	const struct filesystem *fs = place->fs;
	int inode = fs->exports || linux_is_at_least(6, 8) ? 0 : EOPNOTSUPP;
	try_marks(place, FAN_REPORT_FID, FAN_OPEN, (int[]){inode, fs->fid_whole});
	if (!is_admin())
		return;
	try_marks(place, FAN_CLASS_NOTIF, FAN_OPEN, (int[]){0, 0});
	try_marks(place, FAN_CLASS_CONTENT, FAN_OPEN_PERM, (int[]){fs->permission, fs->permission});
	int range = linux_is_at_least(6, 14) ? fs->pre_access : EINVAL;
	try_marks(place, FAN_CLASS_PRE_CONTENT, FAN_PRE_ACCESS, (int[]){range, range});
	struct butter_fanotify *x = group_with(FAN_REPORT_FID);
	errno = 0;
	butter_fanotify_watch(x, AT_FDCWD, place->dir, FAN_FS_ERROR, FAN_MARK_FILESYSTEM);
	ck_assert_int_eq(errno, linux_is_at_least(5, 16) ? fs->fid_whole : EINVAL);
	butter_fanotify_close(x);
}

START_TEST(each_file_system_takes_its_marks_and_refuses_the_others)
{
	on_filesystem(_i, try_all_marks);
}
END_TEST

/* Any bytes but '/' and NUL. */
static const char *longest_name(char name[256])
{
	for (unsigned i = 0; i < 255; i++)
		name[i] = (char)(i % 254 + 1 == '/' ? 0xff : i % 254 + 1);
	name[255] = '\0';
	return name;
}

static unsigned with_target(void)
{
	return linux_is_at_least(5, 17) ? FAN_REPORT_DFID_NAME_TARGET : FAN_REPORT_DFID_NAME;
}

static void try_names(const struct place *place)
{
	char name[256];
	const char *file = path_in(place->dir, longest_name(name));
	struct butter_fanotify *x = group_with(with_target());
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, place->dir, FAN_CREATE, 0), 0);
	touch(file);
	struct butter_fanotify_event ev = expect(x, FAN_CREATE);
	ck_assert_uint_eq(ev.name_len, 255);
	ck_assert_str_eq(ev.name, name);
	expect_handle_of(&ev.dir, place->dir);
	if (linux_is_at_least(5, 17))
		expect_handle_of(&ev.object, file);
	butter_fanotify_close(x);
}

static void try_itself(const struct place *place)
{
	struct butter_fanotify *x = group_with(with_target());
	if (!place->fs->exports && !linux_is_at_least(6, 8)) {
		butter_fanotify_close(x);
		return;
	}
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, place->dir, FAN_OPEN | FAN_ONDIR, 0), 0);
	open_and_close_at(place->dir, O_RDONLY);
	struct butter_fanotify_event ev = expect(x, FAN_OPEN | FAN_ONDIR);
	ck_assert_str_eq(ev.name, ".");
	expect_handle_of(&ev.dir, place->dir);
	ck_assert_ptr_null(ev.object.handle);
	ck_assert_int_eq(ev.pid, getpid());
	butter_fanotify_close(x);
	if (place->fs->has_files)
		try_names(place);
}

START_TEST(handles_are_those_of_name_to_handle_at_and_fsids_those_of_statfs)
{
	on_filesystem(_i, try_itself);
}
END_TEST

static void try_fds(const struct place *place)
{
	const char *file = path_in(place->dir, "file");
	struct stat is, should;
	struct butter_fanotify *x = admin_group_with(FAN_CLASS_CONTENT, O_RDONLY);
	if (!place->fs->has_files || !x)
		return butter_fanotify_close(x);
	touch(file);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, file, FAN_OPEN_PERM, FAN_MARK_FILESYSTEM), 0);
	pid_t pid = start_opener(x, file);
	struct butter_fanotify_event ev = expect(x, FAN_OPEN_PERM);
	ck_assert_int_eq(ev.pid, pid);
	ck_assert_int_eq(fstat(ev.fd, &is), 0);
	ck_assert_int_eq(stat(file, &should), 0);
	ck_assert_uint_eq(is.st_ino, should.st_ino);
	ck_assert_uint_eq(is.st_dev, should.st_dev);
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, FAN_DENY, NULL), 0);
	butter_fanotify_event_close(x, &ev);
	ck_assert_int_eq(ended_with(pid), EPERM);
	butter_fanotify_close(x);
}

START_TEST(fds_are_of_the_object_and_questions_are_asked_on_each_file_system)
{
	on_filesystem(_i, try_fds);
}
END_TEST

static int make_subvolume(const char *dir)
{
	struct btrfs_ioctl_vol_args args = {.name = "sub"};
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &args);
	close(fd);
	return n;
}

/* What a mark of the whole tells has the fsid of its root, that of an inode in it the subvolume's own. */
static void expect_path_in(const char *watched, unsigned kind, const char *sub, const char *name)
{
	char path[4096];
	struct handle known;
	struct butter_fanotify *x = group_with(FAN_REPORT_DFID_NAME);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, watched, FAN_CREATE, kind), 0);
	touch(path_in(sub, name));
	struct butter_fanotify_event ev = expect(x, FAN_CREATE);
	handle_of(&known, watched);
	ck_assert_uint_eq(ev.dir.fsid, known.h.fsid);
	ssize_t n = butter_fanotify_path(x, &ev.dir, ev.name, path, sizeof(path));
	ck_assert_int_eq(n, (ssize_t)strlen(path_in(sub, name)));
	ck_assert_str_eq(path, path_in(sub, name));
	butter_fanotify_close(x);
}

static void in_subvolume(const struct place *place)
{
	const char *sub = path_in(place->dir, "sub");
	if (!linux_is_at_least(6, 8))
		return;
	ck_assert_int_eq(make_subvolume(place->dir), 0);
	expect_path_in(place->dir, FAN_MARK_FILESYSTEM, sub, "of the whole");
	expect_path_in(sub, FAN_MARK_INODE, sub, "of the inode");
	struct butter_fanotify *x = group_with(FAN_REPORT_FID);
	ck_assert_fails(butter_fanotify_watch(x, AT_FDCWD, sub, FAN_OPEN, FAN_MARK_MOUNT), EXDEV);
	ck_assert_fails(butter_fanotify_watch(x, AT_FDCWD, sub, FAN_OPEN, FAN_MARK_FILESYSTEM), EXDEV);
	butter_fanotify_close(x);
}

START_TEST(a_subvolume_is_marked_by_its_inodes_or_with_the_whole_and_has_paths_either_way)
{
	on_filesystem(BTRFS, in_subvolume);
}
END_TEST

static void use_pipe(struct butter_fanotify *x, const int fds[2])
{
	char byte;
	ck_assert_int_eq(butter_fanotify_watch(x, fds[READ], NULL, FAN_ACCESS | FAN_MODIFY, 0), 0);
	ck_assert_int_eq(write(fds[WRITE], "x", 1), 1);
	ck_assert_int_eq(read(fds[READ], &byte, 1), 1);
}

/* An fd and no path. The kernel makes fds for events of regular files and directories alone. */
START_TEST(a_pipe_is_marked_by_its_fd_and_told_by_handle_but_never_by_fd)
{
	int fds[2];
	struct butter_fanotify *by_fd, *by_handle = group_with(FAN_REPORT_FID);
	make_pipe(fds);
	if (linux_is_at_least(6, 8)) {
		use_pipe(by_handle, fds);
		ck_assert_ptr_nonnull(expect(by_handle, FAN_ACCESS | FAN_MODIFY).object.handle);
	}
	by_fd = admin_group_with(FAN_CLASS_CONTENT, O_RDONLY);
	if (by_fd) {
		use_pipe(by_fd, fds);
		expect_nothing(by_fd);
		ck_assert_int_eq(butter_fanotify_watch(by_fd, fds[READ], NULL, FAN_ACCESS_PERM, 0), 0);
	}
	butter_fanotify_close(by_fd);
	butter_fanotify_close(by_handle);
	close_pipe(fds);
}
END_TEST

static void add_for_each(TCase *tc, int from, int to)
{
	tcase_add_loop_test(tc, each_file_system_takes_its_marks_and_refuses_the_others, from, to);
	tcase_add_loop_test(tc, handles_are_those_of_name_to_handle_at_and_fsids_those_of_statfs, from, to);
	tcase_add_loop_test(tc, fds_are_of_the_object_and_questions_are_asked_on_each_file_system, from, to);
}

SUITE(event_fanotify_filesystems)
{
	add_for_each(raw, 0, IMAGES);
	add_for_each(tc, IMAGES, FILESYSTEMS);
	tcase_add_test(raw, a_subvolume_is_marked_by_its_inodes_or_with_the_whole_and_has_paths_either_way);
	tcase_add_test(tc, a_pipe_is_marked_by_its_fd_and_told_by_handle_but_never_by_fd);
}
