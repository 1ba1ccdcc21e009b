/* SPDX-License-Identifier: MIT */
/* Permission events of each kind, and the bytes that FAN_PRE_ACCESS tells. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "child.h"
#include "image.h"
#include "opener.h"
#include "test.h"

enum { PAGES = 64 };

static size_t page(size_t count)
{
	return count * (size_t)sysconf(_SC_PAGESIZE);
}

static int do_open(const void *path)
{
	return open(path, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

/* The last byte of one page and the first of the next. */
static int do_read(const void *path)
{
	char bytes[2];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || pread(fd, bytes, sizeof(bytes), (off_t)page(2) - 1) < 0 ? errno : 0;
}

static int do_write(const void *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || pwrite(fd, "xyz", 3, (off_t)page(3) + 7) < 0 ? errno : 0;
}

static int do_truncate(const void *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || ftruncate(fd, (off_t)page(5)) < 0 ? errno : 0;
}

static int do_map(const void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	return mmap(NULL, page(2), PROT_READ, MAP_SHARED, fd, (off_t)page(7)) == MAP_FAILED ? errno : 0;
}

static int do_list(const void *path)
{
	char bytes[4096];
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || syscall(SYS_getdents64, fd, bytes, sizeof(bytes), 0L, 0L, 0L) < 0 ? errno : 0;
}

static int do_exec(const void *path)
{
	char *const arguments[] = {(char *)"file", NULL};
	return execve(path, arguments, arguments) < 0 ? errno : 0;
}

struct question {
	uint64_t mask;
	int (*act)(const void *path);
	int of_dir, allowed;  /* what the call gives when it is allowed */
	size_t offset, count; /* pages */
};

static const struct question questions[] = {
	{FAN_OPEN_PERM, do_open, 0, 0, 0, 0},
	{FAN_OPEN_PERM, do_open, 1, 0, 0, 0},
	{FAN_OPEN_PERM, do_exec, 0, ENOEXEC, 0, 0},
	{FAN_ACCESS_PERM, do_read, 0, 0, 0, 0},
	{FAN_ACCESS_PERM, do_list, 1, 0, 0, 0},
	{FAN_ACCESS_PERM, do_exec, 0, ENOEXEC, 0, 0},
	{FAN_OPEN_EXEC_PERM, do_exec, 0, ENOEXEC, 0, 0},
};
enum { QUESTIONS = sizeof(questions) / sizeof(questions[0]) };

static const struct question ranges[] = {
	{FAN_PRE_ACCESS, do_read, 0, 0, 1, 2},       {FAN_PRE_ACCESS, do_write, 0, 0, 3, 1},
	{FAN_PRE_ACCESS, do_truncate, 0, 0, 5, 0},   {FAN_PRE_ACCESS, do_map, 0, 0, 7, 2},
	{FAN_PRE_ACCESS, do_exec, 0, ENOEXEC, 0, 1},
};
enum { RANGES = sizeof(ranges) / sizeof(ranges[0]) };

static void expect_range(const struct question *q, const struct butter_fanotify_event *ev)
{
	uint64_t offset = 1, count = 1;
	int has = q->mask == FAN_PRE_ACCESS;
	ck_assert_int_eq(butter_fanotify_event_range(ev, &offset, &count), has);
	ck_assert_uint_eq(offset, has ? page(q->offset) : 1);
	ck_assert_uint_eq(count, has ? page(q->count) : 1);
}

/* Asked once, and what the child is told. FAN_ONDIR is told by groups of handles alone. */
static int answer(struct butter_fanotify *x, const struct question *q, const char *path, uint32_t response)
{
	pid_t pid = start_child(x, q->act, path);
	struct butter_fanotify_event ev = expect(x, q->mask);
	ck_assert_int_eq(ev.pid, pid);
	ck_assert_int_ge(ev.fd, 0);
	expect_range(q, &ev);
	ck_assert_int_eq(butter_fanotify_respond(x, &ev, response, NULL), 0);
	butter_fanotify_event_close(x, &ev);
	int result = ended_with(pid);
	expect_nothing(x);
	return result;
}

static void try_question(const struct question *q, const char *dir)
{
	const char *file = path_in(dir, "file"), *path = q->of_dir ? dir : file;
	struct butter_fanotify *x = group_with(FAN_CLASS_PRE_CONTENT);
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0700);
	ck_assert_int_eq(ftruncate(fd, (off_t)page(PAGES)), 0);
	close(fd);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, path, q->mask | (q->of_dir ? FAN_ONDIR : 0), 0),
			 0);
	ck_assert_int_eq(answer(x, q, path, FAN_DENY), EPERM);
	if (linux_is_at_least(6, 14))
		ck_assert_int_eq(answer(x, q, path, BUTTER_FAN_DENY_ERRNO(EBUSY)), EBUSY);
	ck_assert_int_eq(answer(x, q, path, FAN_ALLOW), q->allowed);
	butter_fanotify_close(x);
}

static void ask_all(void *dir)
{
	must_mount("tmpfs", dir);
	for (size_t i = 0; i < QUESTIONS && is_admin(); i++)
		try_question(&questions[i], dir);
}

START_TEST(each_question_is_asked_once_and_its_answer_is_what_the_call_gives)
{
	in_mount_namespace(ask_all, (void *)scratch());
}
END_TEST

struct place {
	const char *type, *dir;
};

static void ask_ranges(void *arg)
{
	const struct place *place = arg;
	if (!is_admin() || !linux_is_at_least(6, 14))
		return;
	must_mount(place->type, place->dir);
	for (size_t i = 0; i < RANGES; i++)
		try_question(&ranges[i], place->dir);
}

START_TEST(the_bytes_that_will_be_accessed_are_told_in_whole_pages)
{
	static const char *const types[] = {"ext4", "xfs", "btrfs"};
	struct place place = {types[_i], scratch()};
	in_mount_namespace(ask_ranges, &place);
}
END_TEST

/* Under valgrind execve(2) asks questions of its own. */
SUITE(event_fanotify_questions)
{
	(void)tc;
	tcase_add_test(raw, each_question_is_asked_once_and_its_answer_is_what_the_call_gives);
	tcase_add_loop_test(raw, the_bytes_that_will_be_accessed_are_told_in_whole_pages, 0, 3);
}
