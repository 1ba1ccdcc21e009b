/* SPDX-License-Identifier: MIT */
/* Every bit of a mask and every record of handles and names, provoked. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <butter/file.h>

#include "child.h"
#include "group.h"
#include "image.h"
#include "test.h"

/* The directory of the test has "file", "sub" and, beside it, "../other". */
static const char *in(const char *dir, const char *name)
{
	return *name ? path_in(dir, name) : dir;
}

static void do_open(const char *dir)
{
	open_and_close_at(in(dir, "file"), O_RDONLY);
}

static void do_open_folder(const char *dir)
{
	open_and_close_at(in(dir, "sub"), O_RDONLY);
}

static void do_open_self(const char *dir)
{
	open_and_close_at(dir, O_RDONLY);
}

static void do_read(const char *dir)
{
	char byte;
	int fd = open(in(dir, "file"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	close(fd);
}

static void do_write(const char *dir)
{
	int fd = open(in(dir, "file"), O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

static void do_chmod(const char *dir)
{
	ck_assert_int_eq(chmod(in(dir, "file"), 0700), 0);
}

static void do_create(const char *dir)
{
	ck_assert_int_eq(mknod(in(dir, "new"), S_IFREG | 0600, 0), 0);
}

static void do_link(const char *dir)
{
	ck_assert_int_eq(link(in(dir, "file"), in(dir, "new")), 0);
}

static void do_mkdir(const char *dir)
{
	ck_assert_int_eq(mkdir(in(dir, "new"), 0700), 0);
}

static void do_unlink(const char *dir)
{
	ck_assert_int_eq(unlink(in(dir, "file")), 0);
}

static void do_rmdir(const char *dir)
{
	ck_assert_int_eq(rmdir(in(dir, "sub")), 0);
}

static void do_rename(const char *dir)
{
	ck_assert_int_eq(rename(in(dir, "file"), in(dir, "new")), 0);
}

static void do_rename_folder(const char *dir)
{
	ck_assert_int_eq(rename(in(dir, "sub"), in(dir, "new")), 0);
}

static void do_move_out(const char *dir)
{
	ck_assert_int_eq(rename(in(dir, "file"), in(dir, "../other/new")), 0);
}

static void do_move_in(const char *dir)
{
	ck_assert_int_eq(rename(in(dir, "../other/old"), in(dir, "new")), 0);
}

static void do_remove_self(const char *dir)
{
	ck_assert_int_eq(unlink(in(dir, "file")), 0);
	ck_assert_int_eq(rmdir(in(dir, "sub")), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void do_move_self(const char *dir)
{
	ck_assert_int_eq(rename(dir, in(dir, "../moved")), 0);
}

/* A file of no format is opened, and then is no program. */
static void do_exec(const char *dir)
{
	char *const arguments[] = {(char *)"file", NULL};
	ck_assert_int_eq(truncate(in(dir, "file"), 0), 0);
	ck_assert_fails(execve(in(dir, "file"), arguments, arguments), ENOEXEC);
}

static const struct {
	uint64_t watched;
	void (*act)(const char *dir);
	uint64_t mask;
	const char *name;   /* of the event */
	const char *object; /* before or after it; NULL: not told */
} operations[] = {
	{FAN_ACCESS, do_read, FAN_ACCESS, "file", "file"},
	{FAN_MODIFY, do_write, FAN_MODIFY, "file", "file"},
	{FAN_ATTRIB, do_chmod, FAN_ATTRIB, "file", "file"},
	{FAN_CLOSE_WRITE, do_write, FAN_CLOSE_WRITE, "file", "file"},
	{FAN_CLOSE_NOWRITE, do_read, FAN_CLOSE_NOWRITE, "file", "file"},
	{FAN_OPEN, do_open, FAN_OPEN, "file", "file"},
	{FAN_OPEN, do_open_folder, FAN_OPEN | FAN_ONDIR, ".", NULL},
	{FAN_OPEN, do_open_self, FAN_OPEN | FAN_ONDIR, ".", NULL},
	{FAN_CREATE, do_create, FAN_CREATE, "new", "new"},
	{FAN_CREATE, do_link, FAN_CREATE, "new", "new"},
	{FAN_CREATE, do_mkdir, FAN_CREATE | FAN_ONDIR, "new", "new"},
	{FAN_DELETE, do_unlink, FAN_DELETE, "file", "file"},
	{FAN_DELETE, do_rmdir, FAN_DELETE | FAN_ONDIR, "sub", "sub"},
	{FAN_MOVED_FROM, do_rename, FAN_MOVED_FROM, "file", "new"},
	{FAN_MOVED_TO, do_rename, FAN_MOVED_TO, "new", "new"},
	{FAN_MOVED_FROM, do_rename_folder, FAN_MOVED_FROM | FAN_ONDIR, "sub", "new"},
	{FAN_MOVED_FROM, do_move_out, FAN_MOVED_FROM, "file", "file"},
	{FAN_MOVED_TO, do_move_in, FAN_MOVED_TO, "new", "new"},
	{FAN_DELETE_SELF, do_remove_self, FAN_DELETE_SELF | FAN_ONDIR, ".", NULL},
	{FAN_MOVE_SELF, do_move_self, FAN_MOVE_SELF | FAN_ONDIR, ".", NULL},
	/* Bits that merge: one record for all that happened to one object. */
	{FAN_OPEN | FAN_ACCESS | FAN_CLOSE, do_read, FAN_OPEN | FAN_ACCESS | FAN_CLOSE_NOWRITE, "file",
	 "file"},
	{FAN_OPEN | FAN_MODIFY | FAN_CLOSE, do_write, FAN_OPEN | FAN_MODIFY | FAN_CLOSE_WRITE, "file",
	 "file"},
	{FAN_OPEN | FAN_CLOSE, do_open_self, FAN_OPEN | FAN_CLOSE_NOWRITE | FAN_ONDIR, ".", NULL},
	/* Last, for valgrind makes this call itself. */
	{FAN_OPEN_EXEC, do_exec, FAN_OPEN_EXEC, "file", "file"},
};
enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

static const char *prepare(const char *top)
{
	must_mount("tmpfs", top);
	const char *dir = path_in(top, "dir");
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	ck_assert_int_eq(mkdir(path_in(dir, "sub"), 0700), 0);
	ck_assert_int_eq(mkdir(path_in(top, "other"), 0700), 0);
	touch(path_in(dir, "file"));
	touch(path_in(top, "other/old"));
	do_write(dir);
	do_chmod(dir);
	return dir;
}

struct task {
	int i;
	const char *top;
};

static int knows(const char *path, struct handle *ret)
{
	if (access(path, F_OK) < 0)
		return 0;
	handle_of(ret, path);
	return 1;
}

static void operate(void *arg)
{
	struct task *task = arg;
	const char *dir = prepare(task->top), *object = operations[task->i].object;
	struct handle dir_known, sub_known, object_known;
	int known = object && knows(path_in(dir, object), &object_known);
	struct butter_fanotify *x =
		group_with(linux_is_at_least(5, 17) ? FAN_REPORT_DFID_NAME_TARGET : FAN_REPORT_DFID_NAME);
	handle_of(&dir_known, dir);
	handle_of(&sub_known, path_in(dir, "sub"));
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir,
					       operations[task->i].watched | FAN_ONDIR | FAN_EVENT_ON_CHILD,
					       0),
			 0);
	operations[task->i].act(dir);
	struct butter_fanotify_event ev = expect(x, operations[task->i].mask);
	ck_assert_str_eq(ev.name, operations[task->i].name);
	ck_assert_uint_eq(ev.name_len, strlen(ev.name));
	ck_assert_int_eq(ev.pid, getpid());
	expect_this_handle(&ev.dir, operations[task->i].act == do_open_folder ? &sub_known : &dir_known);
	if (object && !known)
		known = knows(path_in(dir, object), &object_known);
	if (object && linux_is_at_least(5, 17))
		expect_this_handle(&ev.object, &object_known);
	else
		ck_assert_ptr_null(ev.object.handle);
	expect_nothing(x);
	butter_fanotify_close(x);
}

START_TEST(each_bit_is_told_with_its_directory_name_and_object)
{
	struct task task = {.i = _i, .top = scratch()};
	in_mount_namespace(operate, &task);
}
END_TEST

/* Which of two directories are marked, and so which halves of a rename are told. */
static const struct {
	int of_old, of_new;
	unsigned init;
} renames[] = {
	{1, 1, FAN_REPORT_DFID_NAME},        {1, 0, FAN_REPORT_DFID_NAME},
	{0, 1, FAN_REPORT_DFID_NAME},        {1, 1, FAN_REPORT_DFID_NAME_TARGET},
	{1, 0, FAN_REPORT_DFID_NAME_TARGET}, {0, 1, FAN_REPORT_DFID_NAME_TARGET},
};
enum { RENAMES = sizeof(renames) / sizeof(renames[0]) };

static void expect_half(int told, const struct butter_fanotify_handle *dir, const char *path, const char *is,
			uint32_t len, const char *name)
{
	ck_assert_str_eq(is, told ? name : "");
	ck_assert_uint_eq(len, strlen(is));
	if (told)
		expect_handle_of(dir, path);
	else
		ck_assert_ptr_null(dir->handle);
}

/* A directory that is moved shows that the halves are of its parents. */
START_TEST(a_rename_is_told_with_the_marked_of_its_directories_and_both_names)
{
	const char *dir = scratch(), *old = path_in(dir, "a"), *new = path_in(dir, "b");
	ck_assert_int_eq(mkdir(old, 0700), 0);
	ck_assert_int_eq(mkdir(new, 0700), 0);
	ck_assert_int_eq(mkdir(path_in(old, "from"), 0700), 0);
	struct butter_fanotify *x = butter_fanotify_open(renames[_i].init, O_RDONLY, NULL);
	if (!x || !linux_is_at_least(5, 17))
		return butter_fanotify_close(x);
	if (renames[_i].of_old)
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, old, FAN_RENAME | FAN_ONDIR, 0), 0);
	if (renames[_i].of_new)
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, new, FAN_RENAME | FAN_ONDIR, 0), 0);
	ck_assert_int_eq(rename(path_in(old, "from"), path_in(new, "to")), 0);
	struct butter_fanotify_event ev = expect(x, FAN_RENAME | FAN_ONDIR);
	expect_half(renames[_i].of_old, &ev.old_dir, old, ev.old_name, ev.old_name_len, "from");
	expect_half(renames[_i].of_new, &ev.dir, new, ev.name, ev.name_len, "to");
	if (renames[_i].init & FAN_REPORT_TARGET_FID)
		expect_handle_of(&ev.object, path_in(new, "to"));
	else
		ck_assert_ptr_null(ev.object.handle);
	expect_nothing(x);
	butter_fanotify_close(x);
}
END_TEST

START_TEST(an_exchange_is_two_renames)
{
	const char *dir = scratch();
	struct butter_fanotify_event ev;
	if (!linux_is_at_least(5, 17))
		return;
	struct butter_fanotify *x = group_with(FAN_REPORT_DFID_NAME);
	touch(path_in(dir, "a"));
	touch(path_in(dir, "b"));
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir, FAN_RENAME, 0), 0);
	ck_assert_int_eq(
		butter_renameat2(AT_FDCWD, path_in(dir, "a"), AT_FDCWD, path_in(dir, "b"), RENAME_EXCHANGE),
		0);
	for (int i = 0; i < 2; i++) {
		ev = expect(x, FAN_RENAME);
		ck_assert_str_eq(ev.old_name, i ? "b" : "a");
		ck_assert_str_eq(ev.name, i ? "a" : "b");
	}
	expect_nothing(x);
	butter_fanotify_close(x);
}
END_TEST

/* Events of another name in between do not hinder it. */
START_TEST(what_befell_one_name_is_one_event_in_no_order)
{
	const char *dir = scratch();
	uint64_t mask = FAN_CREATE | FAN_DELETE;
	struct butter_fanotify *x = group_with(FAN_REPORT_DFID_NAME);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir, mask, 0), 0);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(mknod(path_in(dir, "a"), S_IFREG | 0600, 0), 0);
		ck_assert_int_eq(mknod(path_in(dir, "b"), S_IFREG | 0600, 0), 0);
		ck_assert_int_eq(unlink(path_in(dir, "a")), 0);
		ck_assert_int_eq(unlink(path_in(dir, "b")), 0);
	}
	ck_assert_str_eq(expect(x, mask).name, "a");
	ck_assert_str_eq(expect(x, mask).name, "b");
	expect_nothing(x);
	butter_fanotify_close(x);
}
END_TEST

SUITE(event_fanotify_records)
{
	tcase_add_loop_test(tc, each_bit_is_told_with_its_directory_name_and_object, 0, OPERATIONS - 1);
	tcase_add_loop_test(raw, each_bit_is_told_with_its_directory_name_and_object, OPERATIONS - 1,
			    OPERATIONS);
	tcase_add_loop_test(tc, a_rename_is_told_with_the_marked_of_its_directories_and_both_names, 0,
			    RENAMES);
	tcase_add_test(tc, an_exchange_is_two_renames);
	tcase_add_test(tc, what_befell_one_name_is_one_event_in_no_order);
}
