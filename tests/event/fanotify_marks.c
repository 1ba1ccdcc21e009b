/* SPDX-License-Identifier: MIT */
/* Every flag of fanotify_mark(2), through watch, ignore and flush. */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "child.h"
#include "group.h"
#include "image.h"
#include "test.h"

/* A tmpfs with "file", "dir", "dir/file", "link" to file, and "pipe"; 1 when the whole of it may be marked.
 */
static int prepare(const char *dir)
{
	must_mount("tmpfs", dir);
	touch(path_in(dir, "file"));
	ck_assert_int_eq(mkdir(path_in(dir, "dir"), 0700), 0);
	touch(path_in(dir, "dir/file"));
	ck_assert_int_eq(symlink("file", path_in(dir, "link")), 0);
	ck_assert_int_eq(mkfifo(path_in(dir, "pipe"), 0600), 0);
	return is_admin() || linux_is_at_least(6, 16);
}

#define NAMESPACE "/proc/self/ns/mnt"

static const struct {
	unsigned init;
	const char *on;
	unsigned flags;
	uint64_t mask;
	int error;
	unsigned major, minor; /* since when; before it is EINVAL */
} marks[] = {
	{FAN_REPORT_FID, "file", 0, FAN_OPEN, 0, 5, 1},
	{FAN_REPORT_FID, ".", FAN_MARK_MOUNT, FAN_OPEN, 0, 5, 1},
	{FAN_REPORT_FID, ".", FAN_MARK_FILESYSTEM, FAN_OPEN, 0, 5, 1},
	{FAN_REPORT_FID, "pipe", 0, FAN_OPEN, 0, 5, 1},
	{FAN_REPORT_FID, "link", FAN_MARK_DONT_FOLLOW, FAN_ATTRIB, 0, 5, 1},
	{FAN_REPORT_FID, "dir", FAN_MARK_ONLYDIR, FAN_CREATE, 0, 5, 1},
	{FAN_REPORT_FID, "file", FAN_MARK_ONLYDIR, FAN_OPEN, ENOTDIR, 5, 1},
	{FAN_REPORT_FID, "link", FAN_MARK_ONLYDIR, FAN_OPEN, ENOTDIR, 5, 1},
	{FAN_REPORT_FID, "none", 0, FAN_OPEN, ENOENT, 5, 1},
	{FAN_REPORT_FID, "file/x", 0, FAN_OPEN, ENOTDIR, 5, 1},
	{FAN_REPORT_FID, "file", 0, 0, EINVAL, 5, 1},
	{FAN_REPORT_FID, "file", 0, FAN_Q_OVERFLOW, EINVAL, 5, 1},
	{FAN_REPORT_FID, "file", 0, UINT64_C(1) << 40, EINVAL, 5, 1},
	{FAN_REPORT_FID, "file", 1U << 31, FAN_OPEN, EINVAL, 5, 1},
	{FAN_REPORT_FID, "file", FAN_MARK_FLUSH, FAN_OPEN, EINVAL, 5, 1},
	{FAN_REPORT_FID, "file", FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM, FAN_OPEN, EINVAL, 5, 1},
	{FAN_REPORT_FID, "file", 0, FAN_OPEN_PERM, EINVAL, 5, 1},
	{FAN_REPORT_FID, "file", 0, FAN_PRE_ACCESS, EINVAL, 5, 1},
	{FAN_REPORT_FID, "file", 0, FAN_MNT_ATTACH, EINVAL, 5, 1},
	{FAN_REPORT_FID, ".", FAN_MARK_MOUNT, FAN_ATTRIB, EINVAL, 5, 1},
	{FAN_REPORT_FID, ".", FAN_MARK_MOUNT, FAN_CREATE, EINVAL, 5, 1},
	{FAN_REPORT_FID, ".", FAN_MARK_MOUNT, FAN_DELETE_SELF, EINVAL, 5, 1},
	{FAN_REPORT_DFID_NAME, ".", FAN_MARK_MOUNT, FAN_MOVED_TO, EINVAL, 5, 9},
	{FAN_REPORT_DFID_NAME, ".", FAN_MARK_MOUNT, FAN_RENAME, EINVAL, 5, 17},
	{FAN_REPORT_DFID_NAME, ".", FAN_MARK_FILESYSTEM, FAN_RENAME, 0, 5, 17},
	{FAN_REPORT_DFID_NAME, "dir", 0, FAN_RENAME, 0, 5, 17},
	{FAN_REPORT_FID, "dir", 0, FAN_RENAME, EINVAL, 5, 17},
	{FAN_REPORT_DIR_FID, "dir", 0, FAN_RENAME, EINVAL, 5, 17},
	{FAN_REPORT_DFID_NAME_TARGET, "file", 0, FAN_CREATE, ENOTDIR, 5, 17},
	{FAN_REPORT_DFID_NAME_TARGET, "file", 0, FAN_OPEN | FAN_ONDIR, ENOTDIR, 5, 17},
	{FAN_REPORT_DFID_NAME_TARGET, "file", 0, FAN_OPEN | FAN_EVENT_ON_CHILD, ENOTDIR, 5, 17},
	{FAN_REPORT_DFID_NAME, "file", 0, FAN_OPEN | FAN_EVENT_ON_CHILD, 0, 5, 9},
	{FAN_REPORT_FID, ".", FAN_MARK_FILESYSTEM, FAN_FS_ERROR, 0, 5, 16},
	{FAN_REPORT_FID, ".", FAN_MARK_MOUNT, FAN_FS_ERROR, EINVAL, 5, 16},
	{FAN_REPORT_FID, ".", 0, FAN_FS_ERROR, EINVAL, 5, 16},
	{FAN_REPORT_FID, "file", FAN_MARK_EVICTABLE, FAN_OPEN, 0, 5, 19},
	{FAN_REPORT_FID, ".", FAN_MARK_EVICTABLE | FAN_MARK_MOUNT, FAN_OPEN, EINVAL, 5, 19},
	{FAN_REPORT_FID, ".", FAN_MARK_EVICTABLE | FAN_MARK_FILESYSTEM, FAN_OPEN, EINVAL, 5, 19},
	{FAN_REPORT_FID, "file", FAN_MARK_IGNORE, FAN_OPEN, 0, 6, 0},
	{FAN_REPORT_FID, "dir", FAN_MARK_IGNORE, FAN_OPEN, EISDIR, 6, 0},
	{FAN_REPORT_FID, "dir", FAN_MARK_IGNORE_SURV, FAN_OPEN, 0, 6, 0},
	{FAN_REPORT_FID, ".", FAN_MARK_IGNORE | FAN_MARK_MOUNT, FAN_OPEN, EINVAL, 6, 0},
	{FAN_REPORT_FID, ".", FAN_MARK_IGNORE_SURV | FAN_MARK_MOUNT, FAN_OPEN, 0, 6, 0},
	{FAN_REPORT_FID, ".", FAN_MARK_IGNORE | FAN_MARK_FILESYSTEM, FAN_OPEN, EINVAL, 6, 0},
	{FAN_REPORT_FID, ".", FAN_MARK_IGNORE_SURV | FAN_MARK_FILESYSTEM, FAN_OPEN, 0, 6, 0},
	{FAN_REPORT_FID, "file", FAN_MARK_IGNORED_MASK, FAN_OPEN, 0, 5, 1},
	{FAN_REPORT_FID, "dir", FAN_MARK_IGNORED_MASK, FAN_OPEN, 0, 5, 1},
	{FAN_REPORT_FID, "file", FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, 0, 5, 1},
	{FAN_REPORT_FID, "file", FAN_MARK_IGNORE | FAN_MARK_IGNORED_MASK, FAN_OPEN, EINVAL, 6, 0},
	{FAN_REPORT_FID, "file", FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, 0, 5, 1},
	{FAN_REPORT_MNT, NAMESPACE, FAN_MARK_MNTNS, FAN_MNT_ATTACH, 0, 6, 16},
	{FAN_REPORT_MNT, NAMESPACE, FAN_MARK_MNTNS, FAN_MNT_ATTACH | FAN_MNT_DETACH, 0, 6, 16},
	{FAN_REPORT_MNT, NAMESPACE, FAN_MARK_MNTNS, FAN_OPEN, EINVAL, 6, 16},
	{FAN_REPORT_MNT, "dir", FAN_MARK_MNTNS, FAN_MNT_ATTACH, EINVAL, 6, 16},
	{FAN_REPORT_MNT, "file", FAN_MARK_MNTNS, FAN_MNT_ATTACH, EINVAL, 6, 16},
	{FAN_REPORT_MNT, "file", 0, FAN_OPEN, EINVAL, 6, 16},
	{FAN_REPORT_MNT, ".", FAN_MARK_MOUNT, FAN_MNT_ATTACH, EINVAL, 6, 16},
	{FAN_REPORT_FID, NAMESPACE, FAN_MARK_MNTNS, FAN_MNT_ATTACH, EINVAL, 6, 16},
	{FAN_REPORT_MNT, NAMESPACE, FAN_MARK_MNTNS | FAN_MARK_EVICTABLE, FAN_MNT_ATTACH, EINVAL, 6, 16},
	/* For admins. */
	{FAN_CLASS_NOTIF, "file", 0, FAN_ATTRIB, EINVAL, 2, 6},
	{FAN_CLASS_NOTIF, "dir", 0, FAN_CREATE, EINVAL, 2, 6},
	{FAN_CLASS_NOTIF, "file", 0, FAN_OPEN_EXEC, 0, 5, 0},
	{FAN_CLASS_NOTIF, "file", 0, FAN_OPEN_PERM, EINVAL, 2, 6},
	{FAN_CLASS_CONTENT, "file", 0, FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM, 0, 5, 0},
	{FAN_CLASS_CONTENT, "file", 0, FAN_PRE_ACCESS, EINVAL, 6, 14},
	{FAN_CLASS_PRE_CONTENT, "file", 0, FAN_OPEN_PERM | FAN_ACCESS_PERM, 0, 2, 6},
	{FAN_CLASS_PRE_CONTENT, "file", 0, FAN_PRE_ACCESS | FAN_ONDIR, EINVAL, 6, 14},
	{FAN_CLASS_PRE_CONTENT, "file", 0, FAN_PRE_ACCESS, EOPNOTSUPP, 6, 14},
	{FAN_CLASS_CONTENT, "pipe", 0, FAN_OPEN_PERM, 0, 2, 6},
};
enum { MARKS = sizeof(marks) / sizeof(marks[0]) };

/* What an ordinary user's group may not have, open has said. Before Linux 6.16 only admins marked the whole.
 */
static void try_mark(size_t i, int dirfd, int may_mark_all)
{
	int error = linux_is_at_least(marks[i].major, marks[i].minor) ? marks[i].error : EINVAL;
	struct butter_fanotify *x = butter_fanotify_open(marks[i].init, O_RDONLY, NULL);
	if (!x) {
		ck_assert_int_eq(errno, is_admin() ? EINVAL : EPERM);
		return;
	}
	if (!may_mark_all && !error && marks[i].flags & (FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM))
		error = EPERM;
	errno = 0;
	int n = butter_fanotify_watch(x, dirfd, marks[i].on, marks[i].mask, marks[i].flags);
	ck_assert_msg(errno == error && n == (error ? -1 : 0), "row %zu, %s: %s instead of %s", i,
		      marks[i].on, strerror(errno), strerror(error));
	butter_fanotify_close(x);
}

static void try_marks(void *dir)
{
	int may_mark_all = prepare(dir), dirfd = open(dir, O_PATH | O_CLOEXEC);
	for (size_t i = 0; i < MARKS; i++)
		try_mark(i, dirfd, may_mark_all);
	close(dirfd);
}

START_TEST(watch_takes_each_flag_and_bit_where_it_belongs_and_tells_the_errno_elsewhere)
{
	in_mount_namespace(try_marks, (void *)scratch());
}
END_TEST

static void touch_dir_and_children(const char *dir)
{
	open_and_close_at(dir, O_RDONLY);
	open_and_close_at(path_in(dir, "file"), O_RDONLY);
	open_and_close_at(path_in(dir, "dir"), O_RDONLY);
	open_and_close_at(path_in(dir, "dir/file"), O_RDONLY);
}

/* The names of all events there are, in order. */
static void expect_names(struct butter_fanotify *x, const char *expected)
{
	char names[256] = "";
	struct butter_fanotify_event ev;
	while (butter_fanotify_read_event(x, &ev) == 1) {
		strcat(names, ev.name);
		strcat(names, " ");
	}
	ck_assert_str_eq(names, expected);
}

static const struct {
	const char *on;
	unsigned flags;
	uint64_t mask;
	const char *names;
} reaches[] = {
	{"file", 0, FAN_OPEN, "file "},
	{".", 0, FAN_OPEN, ""},
	{".", 0, FAN_OPEN | FAN_ONDIR, ". "},
	{".", 0, FAN_OPEN | FAN_EVENT_ON_CHILD, "file "},
	{".", 0, FAN_OPEN | FAN_EVENT_ON_CHILD | FAN_ONDIR, ". file . "},
	{".", FAN_MARK_MOUNT, FAN_OPEN, "file file "},
	{".", FAN_MARK_MOUNT, FAN_OPEN | FAN_ONDIR, ". file . file "},
	{"dir/file", FAN_MARK_FILESYSTEM, FAN_OPEN, "file file "},
	{"file", FAN_MARK_FILESYSTEM, FAN_OPEN | FAN_ONDIR, ". file . file "},
};

static void try_reach(void *dir)
{
	int may_mark_all = prepare(dir), dirfd = open(dir, O_PATH | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(reaches) / sizeof(reaches[0]); i++) {
		if (reaches[i].flags && !may_mark_all)
			continue;
		struct butter_fanotify *x = group_with(FAN_REPORT_DFID_NAME);
		ck_assert_int_eq(
			butter_fanotify_watch(x, dirfd, reaches[i].on, reaches[i].mask, reaches[i].flags), 0);
		touch_dir_and_children(dir);
		expect_names(x, reaches[i].names);
		butter_fanotify_close(x);
	}
	close(dirfd);
}

START_TEST(a_mark_reaches_an_inode_its_children_its_mount_or_its_filesystem)
{
	in_mount_namespace(try_reach, (void *)scratch());
}
END_TEST

static void try_other_mount(void *dir)
{
	const char *other = path_in(dir, "dir");
	if (!prepare(dir))
		return;
	ck_assert_int_eq(mount(dir, other, "", MS_BIND, NULL), 0);
	struct butter_fanotify *mount = group_with(FAN_REPORT_DFID_NAME),
			       *whole = group_with(FAN_REPORT_DFID_NAME);
	ck_assert_int_eq(butter_fanotify_watch(mount, AT_FDCWD, dir, FAN_OPEN, FAN_MARK_MOUNT), 0);
	ck_assert_int_eq(butter_fanotify_watch(whole, AT_FDCWD, dir, FAN_OPEN, FAN_MARK_FILESYSTEM), 0);
	open_and_close_at(path_in(other, "file"), O_RDONLY);
	expect_names(mount, "");
	expect_names(whole, "file ");
	butter_fanotify_close(mount);
	butter_fanotify_close(whole);
}

START_TEST(a_mark_of_a_mount_is_silent_about_what_is_done_through_another)
{
	in_mount_namespace(try_other_mount, (void *)scratch());
}
END_TEST

/* A change that a link itself can have. */
static void change_link(const char *path)
{
	struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
	ck_assert_int_eq(utimensat(AT_FDCWD, path, now, AT_SYMLINK_NOFOLLOW), 0);
}

START_TEST(with_FAN_MARK_DONT_FOLLOW_a_link_itself_is_marked)
{
	const char *dir = scratch(), *file = path_in(dir, "file"), *link = path_in(dir, "link");
	touch(file);
	ck_assert_int_eq(symlink("file", link), 0);
	for (int follow = 0; follow < 2; follow++) {
		struct butter_fanotify *x = group_with(FAN_REPORT_FID);
		unsigned flags = follow ? 0 : FAN_MARK_DONT_FOLLOW;
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, link, FAN_ATTRIB, flags), 0);
		change_link(follow ? link : file);
		expect_nothing(x);
		change_link(follow ? file : link);
		struct butter_fanotify_event ev = expect(x, FAN_ATTRIB);
		expect_handle_of(&ev.object, follow ? file : link);
		butter_fanotify_close(x);
	}
}
END_TEST

static void change_content(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

static const struct {
	unsigned flags;
	int survives; /* a change of the file */
} ignored[] = {
	{FAN_MARK_IGNORED_MASK, 0},
	{FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, 1},
	{FAN_MARK_IGNORE, 0},
	{FAN_MARK_IGNORE_SURV, 1},
};

/* A mark of the directory tells of its children, one of a child takes that back. */
START_TEST(what_is_ignored_is_not_told_until_a_change_or_for_ever)
{
	const char *dir = scratch(), *file = path_in(dir, "file");
	unsigned flags = ignored[_i].flags;
	struct butter_fanotify *x = group_with(FAN_REPORT_DFID_NAME);
	touch(file);
	touch(path_in(dir, "other"));
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir, FAN_OPEN | FAN_EVENT_ON_CHILD, 0), 0);
	if (flags & FAN_MARK_IGNORE && !linux_is_at_least(6, 0))
		ck_assert_fails(butter_fanotify_watch(x, AT_FDCWD, file, FAN_OPEN, flags), EINVAL);
	else {
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, file, FAN_OPEN, flags), 0);
		open_and_close_at(file, O_RDONLY);
		open_and_close_at(path_in(dir, "other"), O_RDONLY);
		expect_names(x, "other ");
		change_content(file);
		expect_names(x, "");
		open_and_close_at(file, O_RDONLY);
		expect_names(x, ignored[_i].survives ? "" : "file ");
		if (ignored[_i].survives)
			ck_assert_int_eq(butter_fanotify_ignore(x, AT_FDCWD, file, FAN_OPEN, flags), 0);
		open_and_close_at(file, O_RDONLY);
		expect_names(x, "file ");
	}
	butter_fanotify_close(x);
}
END_TEST

START_TEST(a_mark_of_one_kind_does_not_become_one_of_another)
{
	const char *dir = scratch();
	struct butter_fanotify *x = group_with(FAN_REPORT_FID);
	if (linux_is_at_least(6, 0)) {
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir, FAN_OPEN, FAN_MARK_IGNORE_SURV), 0);
		ck_assert_fails(butter_fanotify_watch(x, AT_FDCWD, dir, FAN_OPEN, FAN_MARK_IGNORED_MASK),
				EEXIST);
		ck_assert_fails(butter_fanotify_watch(x, AT_FDCWD, dir, FAN_OPEN, FAN_MARK_EVICTABLE),
				EEXIST);
		ck_assert_int_eq(butter_fanotify_flush(x, 0), 0);
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir, FAN_OPEN, FAN_MARK_EVICTABLE), 0);
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir, FAN_CLOSE, FAN_MARK_EVICTABLE), 0);
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir, FAN_CLOSE, 0), 0);
	}
	butter_fanotify_close(x);
}
END_TEST

START_TEST(ignore_takes_bits_back_until_the_mark_is_gone)
{
	const char *dir = scratch(), *file = path_in(dir, "file");
	struct butter_fanotify *x = group_with(FAN_REPORT_FID);
	touch(file);
	ck_assert_fails(butter_fanotify_ignore(x, AT_FDCWD, file, FAN_OPEN, 0), ENOENT);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, file, FAN_OPEN | FAN_CLOSE, 0), 0);
	ck_assert_int_eq(butter_fanotify_ignore(x, AT_FDCWD, file, FAN_OPEN, 0), 0);
	open_and_close_at(file, O_RDONLY);
	expect(x, FAN_CLOSE_NOWRITE);
	ck_assert_int_eq(butter_fanotify_ignore(x, AT_FDCWD, file, FAN_OPEN, 0), 0);
	ck_assert_int_eq(butter_fanotify_ignore(x, AT_FDCWD, file, FAN_CLOSE, 0), 0);
	ck_assert_fails(butter_fanotify_ignore(x, AT_FDCWD, file, FAN_CLOSE, 0), ENOENT);
	ck_assert_fails(butter_fanotify_ignore(x, AT_FDCWD, file, 0, 0), EINVAL);
	open_and_close_at(file, O_RDONLY);
	expect_nothing(x);
	butter_fanotify_close(x);
}
END_TEST

/* Each mark tells another bit. */
static void try_flush(void *dir)
{
	static const struct {
		unsigned flags;
		uint64_t mask;
	} each[] = {{0, FAN_OPEN}, {FAN_MARK_MOUNT, FAN_ACCESS}, {FAN_MARK_FILESYSTEM, FAN_CLOSE_NOWRITE}};
	uint64_t left = FAN_OPEN | FAN_ACCESS | FAN_CLOSE_NOWRITE;
	struct butter_fanotify *x = group_with(FAN_REPORT_FID);
	char byte;
	if (!prepare(dir))
		return butter_fanotify_close(x);
	const char *file = path_in(dir, "file");
	change_content(file);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, file, each[i].mask, each[i].flags), 0);
	for (size_t i = 0; i < 3; i++) {
		int fd = open(file, O_RDONLY | O_CLOEXEC);
		ck_assert_int_eq(read(fd, &byte, 1), 1);
		close(fd);
		expect(x, left);
		ck_assert_int_eq(butter_fanotify_flush(x, each[i].flags), 0);
		left &= ~each[i].mask;
	}
	open_and_close_at(file, O_RDONLY);
	expect_nothing(x);
	ck_assert_fails(butter_fanotify_flush(x, FAN_MARK_ONLYDIR), EINVAL);
	ck_assert_fails(butter_fanotify_flush(x, FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM), EINVAL);
	butter_fanotify_close(x);
}

START_TEST(flush_takes_away_all_marks_of_one_kind)
{
	in_mount_namespace(try_flush, (void *)scratch());
}
END_TEST

SUITE(event_fanotify_marks)
{
	tcase_add_test(tc, watch_takes_each_flag_and_bit_where_it_belongs_and_tells_the_errno_elsewhere);
	tcase_add_test(tc, a_mark_reaches_an_inode_its_children_its_mount_or_its_filesystem);
	tcase_add_test(tc, a_mark_of_a_mount_is_silent_about_what_is_done_through_another);
	tcase_add_test(tc, with_FAN_MARK_DONT_FOLLOW_a_link_itself_is_marked);
	tcase_add_loop_test(tc, what_is_ignored_is_not_told_until_a_change_or_for_ever, 0, 4);
	tcase_add_test(tc, a_mark_of_one_kind_does_not_become_one_of_another);
	tcase_add_test(tc, ignore_takes_bits_back_until_the_mark_is_gone);
	tcase_add_test(tc, flush_takes_away_all_marks_of_one_kind);
}
