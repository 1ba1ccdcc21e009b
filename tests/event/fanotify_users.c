/* SPDX-License-Identifier: MIT */
/* What ordinary users and root of a user namespace may have; what is not for them has its errno. */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "child.h"
#include "image.h"
#include "opener.h"
#include "test.h"

enum { ANY = FAN_REPORT_DFID_NAME_TARGET };
#define NAMESPACE "/proc/self/ns/mnt"

struct mark {
	const char *on;
	unsigned init, flags;
	uint64_t mask;
	int of_nobody, of_namespace; /* errno, 0: it is taken */
	unsigned major, minor;
};

/* In a folder, which is a tmpfs of the namespace for its root. */
static const struct mark marks[] = {
	{"file", ANY, 0, FAN_OPEN | FAN_ATTRIB | FAN_DELETE_SELF, 0, 0, 5, 17},
	{".", ANY, 0, FAN_CREATE | FAN_DELETE | FAN_MOVE | FAN_ONDIR | FAN_EVENT_ON_CHILD, 0, 0, 5, 17},
	{".", ANY, 0, FAN_RENAME, 0, 0, 5, 17},
	{".", ANY, FAN_MARK_ONLYDIR | FAN_MARK_DONT_FOLLOW, FAN_CREATE, 0, 0, 5, 17},
	{"file", ANY, FAN_MARK_EVICTABLE, FAN_OPEN, 0, 0, 5, 19},
	{"file", ANY, FAN_MARK_IGNORE_SURV, FAN_OPEN, 0, 0, 6, 0},
	{"file", ANY, 0, FAN_OPEN_PERM, EINVAL, EINVAL, 5, 17},
	{"file", ANY, 0, FAN_PRE_ACCESS, EINVAL, EINVAL, 5, 17},
	{"secret", ANY, 0, FAN_OPEN, EACCES, 0, 5, 17},
	{".", ANY, FAN_MARK_MOUNT, FAN_OPEN, EPERM, 0, 6, 16},
	{".", ANY, FAN_MARK_FILESYSTEM, FAN_OPEN | FAN_CREATE, EPERM, 0, 6, 16},
	{".", ANY, FAN_MARK_FILESYSTEM, FAN_FS_ERROR, EPERM, 0, 6, 16},
	{NAMESPACE, FAN_REPORT_MNT, FAN_MARK_MNTNS, FAN_MNT_ATTACH, EPERM, 0, 6, 16},
	{"/", ANY, FAN_MARK_FILESYSTEM, FAN_DELETE_SELF, EPERM, EPERM, 5, 17},
	{"/", ANY, FAN_MARK_MOUNT, FAN_OPEN, EPERM, EPERM, 5, 17},
};
enum { MARKS = sizeof(marks) / sizeof(marks[0]) };

static const unsigned for_admins[] = {
	FAN_CLASS_NOTIF,
	FAN_CLASS_CONTENT,
	FAN_CLASS_PRE_CONTENT,
	FAN_REPORT_FID | FAN_UNLIMITED_QUEUE,
	FAN_REPORT_FID | FAN_UNLIMITED_MARKS,
	FAN_REPORT_FID | FAN_ENABLE_AUDIT,
	FAN_REPORT_FID | FAN_REPORT_TID,
	FAN_REPORT_FID | FAN_REPORT_PIDFD,
	FAN_REPORT_FID | FAN_REPORT_FD_ERROR,
	FAN_REPORT_MNT | FAN_REPORT_PIDFD,
};

static void expect_refused_groups(void)
{
	for (size_t i = 0; i < sizeof(for_admins) / sizeof(for_admins[0]); i++)
		ck_assert_null_errno(butter_fanotify_open(for_admins[i], O_RDONLY, NULL), EPERM);
}

static void try_marks(int dirfd, int of_namespace)
{
	for (const struct mark *m = marks; m < marks + MARKS; m++) {
		int error = of_namespace ? m->of_namespace : m->of_nobody;
		if (!linux_is_at_least(m->major, m->minor))
			continue;
		struct butter_fanotify *x = group_with(m->init);
		errno = 0;
		butter_fanotify_watch(x, dirfd, m->on, m->mask, m->flags);
		ck_assert_msg(errno == error, "%s, flags %#x, mask %#llx: %s instead of %s", m->on, m->flags,
			      (unsigned long long)m->mask, strerror(errno), strerror(error));
		butter_fanotify_close(x);
	}
}

static void fill(const char *dir)
{
	touch(path_in(dir, "file"));
	touch(path_in(dir, "secret"));
	ck_assert_int_eq(chmod(path_in(dir, "file"), 0644), 0);
	ck_assert_int_eq(chmod(path_in(dir, "secret"), 0), 0);
	ck_assert_int_eq(chmod(dir, 0755), 0);
}

static void as_root_of_a_namespace(void *dir)
{
	must_mount("tmpfs", dir);
	fill(dir);
	int dirfd = open(dir, O_PATH | O_CLOEXEC);
	expect_refused_groups();
	try_marks(dirfd, 1);
	close(dirfd);
}

START_TEST(root_of_a_user_namespace_marks_what_belongs_to_it_and_tells_no_fds)
{
	in_namespaces(CLONE_NEWNS | CLONE_NEWUSER, as_root_of_a_namespace, (void *)scratch());
}
END_TEST

static void as_nobody(void *dirfd)
{
	become_nobody();
	expect_refused_groups();
	try_marks(*(int *)dirfd, 0);
}

START_TEST(an_ordinary_user_marks_inodes_that_he_may_read)
{
	const char *dir = scratch();
	fill(dir);
	int dirfd = open(dir, O_PATH | O_CLOEXEC);
	in_child(as_nobody, &dirfd);
	close(dirfd);
}
END_TEST

/* Who did it is told of oneself alone; where it is only a handle says, which is for others to open. */
static void watch_as_nobody(void *dirfd)
{
	char path[4096];
	become_nobody();
	ck_assert_int_eq(fchdir(*(int *)dirfd), 0);
	struct butter_fanotify *x = group_with(FAN_REPORT_DFID_NAME);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, ".", FAN_OPEN | FAN_EVENT_ON_CHILD, 0), 0);
	ck_assert_int_eq(ended_with(start_opener(x, "file")), 0);
	struct butter_fanotify_event ev = expect(x, FAN_OPEN);
	ck_assert_int_eq(ev.pid, 0);
	ck_assert_str_eq(ev.name, "file");
	expect_handle_of(&ev.dir, ".");
	ck_assert_fails(butter_fanotify_path(x, &ev.dir, ev.name, path, sizeof(path)), EPERM);
	open_and_close_at("file", O_RDONLY);
	ck_assert_int_eq(expect(x, FAN_OPEN).pid, getpid());
	butter_fanotify_close(x);
}

START_TEST(an_ordinary_user_is_told_no_pid_but_his_own)
{
	const char *dir = scratch();
	fill(dir);
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	in_child(watch_as_nobody, &dirfd);
	close(dirfd);
}
END_TEST

SUITE(event_fanotify_users)
{
	tcase_add_test(tc, root_of_a_user_namespace_marks_what_belongs_to_it_and_tells_no_fds);
	tcase_add_test(tc, an_ordinary_user_marks_inodes_that_he_may_read);
	tcase_add_test(tc, an_ordinary_user_is_told_no_pid_but_his_own);
}
