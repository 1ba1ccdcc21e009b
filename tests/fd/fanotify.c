/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <butter/fanotify.h>

#include "child.h"
#include "test.h"
#include "trace.h"

/* Any user may have a group that tells file handles; all that tells fds is for CAP_SYS_ADMIN. */
static int fid_group(void)
{
	int fd = butter_fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_FID, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* -1 for an ordinary user, who is told EPERM. */
static int admin_group(unsigned flags)
{
	int fd = butter_fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK | flags, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	ck_assert_int_eq(errno, EPERM);
	if (geteuid() == 0)
		SKIP("root without CAP_SYS_ADMIN");
	return -1;
}

/* The first event of what one read(2) gives. */
static struct fanotify_event_metadata event_of(int group)
{
	_Alignas(8) char buf[4096];
	struct fanotify_event_metadata event;
	ck_assert_int_eq(poll_in(group, 10000), POLLIN);
	ssize_t n = read(group, buf, sizeof(buf));
	ck_assert_int_ge(n, (ssize_t)sizeof(event));
	memcpy(&event, buf, sizeof(event));
	ck_assert_uint_eq(event.vers, FANOTIFY_METADATA_VERSION);
	ck_assert_uint_eq(event.event_len, n);
	return event;
}

static void open_and_close(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

START_TEST(init_makes_an_fd_with_the_flags_given_and_no_others)
{
	int fd = butter_fanotify_init(FAN_REPORT_FID, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	fd = fid_group();
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	close(fd);
}
END_TEST

START_TEST(init_knows_the_flags_that_an_ordinary_user_may_give)
{
	static const struct {
		unsigned flags, major, minor;
	} known[] = {
		{FAN_REPORT_DIR_FID, 5, 13},
		{FAN_REPORT_DFID_NAME, 5, 13},
		{FAN_REPORT_DFID_NAME_TARGET, 5, 17},
		{FAN_REPORT_MNT, 6, 16},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		int fd = butter_fanotify_init(FAN_CLOEXEC | known[i].flags, O_RDONLY);
		ck_assert(fd >= 0 || !linux_is_at_least(known[i].major, known[i].minor));
		if (fd >= 0)
			close(fd);
	}
}
END_TEST

START_TEST(init_knows_the_flags_that_are_for_CAP_SYS_ADMIN)
{
	static const struct {
		unsigned flags, major, minor;
	} known[] = {
		{FAN_CLASS_NOTIF, 2, 6}, {FAN_CLASS_CONTENT, 2, 6}, {FAN_CLASS_PRE_CONTENT, 2, 6},
		{FAN_REPORT_TID, 4, 20}, {FAN_REPORT_PIDFD, 5, 15}, {FAN_REPORT_FD_ERROR, 6, 13},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		int fd = -1;
		if (linux_is_at_least(known[i].major, known[i].minor))
			fd = admin_group(known[i].flags);
		if (fd >= 0)
			close(fd);
	}
}
END_TEST

START_TEST(init_with_flags_that_do_not_go_together_is_EINVAL)
{
	ck_assert_fails(butter_fanotify_init(FAN_REPORT_FID | 1U << 31, O_RDONLY), EINVAL);
	ck_assert_fails(butter_fanotify_init(FAN_REPORT_FID | FAN_REPORT_NAME, O_RDONLY), EINVAL);
	ck_assert_fails(butter_fanotify_init(FAN_REPORT_FID | FAN_REPORT_TARGET_FID, O_RDONLY), EINVAL);
	ck_assert_fails(butter_fanotify_init(FAN_REPORT_FID | FAN_REPORT_MNT, O_RDONLY), EINVAL);
	ck_assert_fails(butter_fanotify_init(FAN_REPORT_FID, O_CREAT), EINVAL);
	int fd = admin_group(FAN_CLASS_NOTIF);
	if (fd < 0)
		return;
	close(fd);
	ck_assert_fails(butter_fanotify_init(FAN_REPORT_FID | FAN_CLASS_CONTENT, O_RDONLY), EINVAL);
	ck_assert_fails(butter_fanotify_init(FAN_REPORT_PIDFD | FAN_REPORT_TID, O_RDONLY), EINVAL);
	ck_assert_fails(butter_fanotify_init(FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT, O_RDONLY), EINVAL);
}
END_TEST

START_TEST(an_inode_mark_gives_a_file_handle)
{
	const char *file = path_in(scratch(), "file");
	int fd = fid_group();
	touch(file);
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_INODE, FAN_OPEN, -1, file), 0);
	ck_assert_int_eq(poll_in(fd, 0), 0);
	open_and_close(file);
	struct fanotify_event_metadata event = event_of(fd);
	ck_assert_uint_eq(event.mask, FAN_OPEN);
	ck_assert_int_eq(event.fd, FAN_NOFD);
	ck_assert_int_eq(event.pid, getpid());
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_REMOVE, FAN_OPEN, -1, file), 0);
	open_and_close(file);
	ck_assert_int_eq(poll_in(fd, 0), 0);
	close(fd);
}
END_TEST

START_TEST(an_inode_mark_of_an_admin_gives_an_fd)
{
	const char *file = path_in(scratch(), "file");
	struct stat expected, got;
	int fd = admin_group(FAN_CLASS_NOTIF);
	if (fd < 0)
		return;
	touch(file);
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, file), 0);
	open_and_close(file);
	struct fanotify_event_metadata event = event_of(fd);
	ck_assert_int_ge(event.fd, 0);
	ck_assert_int_eq(fstat(event.fd, &got), 0);
	ck_assert_int_eq(stat(file, &expected), 0);
	ck_assert_uint_eq(got.st_ino, expected.st_ino);
	close(event.fd);
	close(fd);
}
END_TEST

START_TEST(a_mark_is_relative_to_a_folder_or_the_folder_itself)
{
	const char *dir = scratch();
	int fd = fid_group(), dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	touch(path_in(dir, "file"));
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, dirfd, "file"), 0);
	open_and_close(path_in(dir, "file"));
	ck_assert_uint_eq(event_of(fd).mask, FAN_OPEN);
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_CREATE, dirfd, NULL), 0);
	touch(path_in(dir, "new"));
	ck_assert_uint_eq(event_of(fd).mask, FAN_CREATE);
	close(dirfd);
	close(fd);
}
END_TEST

/* A mount point in a namespace of the test's own, and who the test is outside of it. */
struct place {
	const char *dir;
	uid_t uid;
};

static struct place mounted_at(const char *dir)
{
	return (struct place){.dir = dir, .uid = geteuid()};
}

static void mount_here(const struct place *place, const char *type)
{
	ck_assert_int_eq(mount(type, place->dir, type, 0, NULL), 0);
}

/* Root of a user namespace may mark its own mounts and filesystems since Linux 6.16. */
static int may_mark(const struct place *place, int result)
{
	if (result == -1 && place->uid != 0 && !linux_is_at_least(6, 16)) {
		ck_assert_int_eq(errno, EPERM);
		return 0;
	}
	ck_assert_int_eq(result, 0);
	return 1;
}

static void mark_the_whole(const struct place *place, unsigned flag)
{
	int fd = fid_group();
	touch(path_in(place->dir, "file"));
	if (may_mark(place,
		     butter_fanotify_mark(fd, FAN_MARK_ADD | flag, FAN_CLOSE_NOWRITE, -1, place->dir))) {
		open_and_close(path_in(place->dir, "file"));
		ck_assert_uint_eq(event_of(fd).mask, FAN_CLOSE_NOWRITE);
		ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_FLUSH | flag, 0, -1, place->dir), 0);
		open_and_close(path_in(place->dir, "file"));
		ck_assert_int_eq(poll_in(fd, 0), 0);
	}
	close(fd);
	unlink(path_in(place->dir, "file"));
}

static void mark_mount_and_filesystem(void *place)
{
	mount_here(place, "tmpfs");
	mark_the_whole(place, FAN_MARK_MOUNT);
	mark_the_whole(place, FAN_MARK_FILESYSTEM);
}

START_TEST(a_mount_and_a_filesystem_are_marked_whole)
{
	struct place place = mounted_at(scratch());
	in_mount_namespace(mark_mount_and_filesystem, &place);
}
END_TEST

static void refused_filesystems(void *place)
{
	int fd = fid_group();
	mount_here(place, "ramfs");
	const char *dir = ((struct place *)place)->dir;
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, -1, dir), -1);
	ck_assert(errno == EOPNOTSUPP || errno == ENODEV || errno == EPERM);
	if (linux_is_at_least(6, 16))
		ck_assert_int_eq(errno, EOPNOTSUPP);
	close(fd);
	fd = butter_fanotify_init(FAN_CLASS_PRE_CONTENT | FAN_CLOEXEC, O_RDONLY);
	if (fd < 0)
		return;
	ck_assert_fails(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_PRE_ACCESS, -1, dir),
			linux_is_at_least(6, 14) ? EOPNOTSUPP : EINVAL);
	close(fd);
}

START_TEST(a_filesystem_that_cannot_is_EOPNOTSUPP)
{
	struct place place = mounted_at(scratch());
	in_mount_namespace(refused_filesystems, &place);
}
END_TEST

/* The mounts of a namespace: 40 bytes an event, of which the info record has 16. */
static void attach_and_detach(void *place)
{
	struct place *p = place;
	unsigned char buf[4096];
	int fd = butter_fanotify_init(FAN_REPORT_MNT | FAN_CLOEXEC | FAN_NONBLOCK, 0);
	if (fd < 0) {
		ck_assert(!linux_is_at_least(6, 16));
		return;
	}
	if (!may_mark(p,
		      butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MNTNS, FAN_MNT_ATTACH | FAN_MNT_DETACH,
					   AT_FDCWD, "/proc/self/ns/mnt")))
		return;
	mount_here(place, "tmpfs");
	ck_assert_int_eq(poll_in(fd, 10000), POLLIN);
	ck_assert_int_eq(read(fd, buf, sizeof(buf)), 40);
	ck_assert_uint_eq(((struct fanotify_event_metadata *)(void *)buf)->mask, FAN_MNT_ATTACH);
	ck_assert_uint_eq(buf[24], FAN_EVENT_INFO_TYPE_MNT);
	ck_assert_int_eq(umount2(p->dir, MNT_DETACH), 0);
	ck_assert_uint_eq(event_of(fd).mask, FAN_MNT_DETACH);
	close(fd);
}

START_TEST(the_mounts_of_a_namespace_are_told)
{
	struct place place = mounted_at(scratch());
	in_mount_namespace(attach_and_detach, &place);
}
END_TEST

START_TEST(names_and_renames_have_their_info_records)
{
	const char *dir = scratch();
	unsigned char buf[4096];
	if (!linux_is_at_least(5, 17))
		SKIP("FAN_RENAME is of Linux 5.17");
	int fd = butter_fanotify_init(FAN_REPORT_DFID_NAME | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);
	touch(path_in(dir, "old"));
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_RENAME, -1, dir), 0);
	ck_assert_int_eq(rename(path_in(dir, "old"), path_in(dir, "new")), 0);
	ssize_t n = read(fd, buf, sizeof(buf));
	uint16_t first;
	ck_assert_int_gt(n, 28);
	memcpy(&first, buf + 26, sizeof(first));
	ck_assert_int_gt(n, 24 + first);
	ck_assert_uint_eq(buf[24], FAN_EVENT_INFO_TYPE_OLD_DFID_NAME);
	ck_assert_uint_eq(buf[24 + first], FAN_EVENT_INFO_TYPE_NEW_DFID_NAME);
	close(fd);
}
END_TEST

/* A child opens the file, and waits for the answer; the errno that it gets. */
static int open_answered(int group, const char *file, unsigned response)
{
	int status;
	pid_t pid = check_fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(group); /* or the child would wait for itself when the parent dies */
		_exit(open(file, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0);
	}
	struct fanotify_event_metadata event = event_of(group);
	struct fanotify_response answer = {.fd = event.fd, .response = response};
	ck_assert_uint_eq(event.mask, FAN_OPEN_PERM);
	ck_assert_int_eq(event.pid, pid);
	ck_assert_int_eq(write(group, &answer, sizeof(answer)), sizeof(answer));
	close(event.fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(a_permission_event_is_answered)
{
	const char *file = path_in(scratch(), "file");
	int fd = admin_group(FAN_CLASS_CONTENT);
	if (fd < 0)
		return;
	touch(file);
	ck_assert_int_eq(butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, -1, file), 0);
	ck_assert_int_eq(open_answered(fd, file, FAN_DENY), EPERM);
	ck_assert_int_eq(open_answered(fd, file, FAN_ALLOW), 0);
	close(fd);
}
END_TEST

static void all_calls(void *dir)
{
	int fd = butter_fanotify_init(FAN_REPORT_FID | FAN_CLOEXEC, O_RDONLY);
	butter_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, dir);
}

START_TEST(each_call_is_one_system_call)
{
	ck_assert_system_calls(all_calls, (void *)scratch(), SYS_fanotify_init, SYS_fanotify_mark);
}
END_TEST

SUITE(fd_fanotify)
{
	tcase_add_test(tc, init_makes_an_fd_with_the_flags_given_and_no_others);
	tcase_add_test(tc, init_knows_the_flags_that_an_ordinary_user_may_give);
	tcase_add_test(tc, init_knows_the_flags_that_are_for_CAP_SYS_ADMIN);
	tcase_add_test(tc, init_with_flags_that_do_not_go_together_is_EINVAL);
	tcase_add_test(tc, an_inode_mark_gives_a_file_handle);
	tcase_add_test(tc, an_inode_mark_of_an_admin_gives_an_fd);
	tcase_add_test(tc, a_mark_is_relative_to_a_folder_or_the_folder_itself);
	tcase_add_test(tc, a_mount_and_a_filesystem_are_marked_whole);
	tcase_add_test(tc, a_filesystem_that_cannot_is_EOPNOTSUPP);
	tcase_add_test(tc, the_mounts_of_a_namespace_are_told);
	tcase_add_test(tc, names_and_renames_have_their_info_records);
	tcase_add_test(tc, a_permission_event_is_answered);
	tcase_add_test(raw, each_call_is_one_system_call);
}
