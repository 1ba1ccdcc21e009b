/* SPDX-License-Identifier: MIT */
/* Paths of directories are followed through no symlink, with openat2(2) and without. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../../src/tree/tree.h"
#include "fault.h"
#include "test.h"

static const char *top;

static void make(void)
{
	top = scratch();
	ck_assert_int_eq(mkdir(path_in(top, "a"), 0755), 0);
	ck_assert_int_eq(mkdir(path_in(top, "a/b"), 0755), 0);
	ck_assert_int_eq(mkdir(path_in(top, "a/b/c"), 0755), 0);
	ck_assert_int_eq(symlink("a", path_in(top, "link")), 0);
	touch(path_in(top, "a/file"));
}

/* The errno, or 0 when it is the directory that stat(2) finds there. */
static int open_it(const char *path)
{
	struct stat is, wanted;
	char text[64];
	int at = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	strcpy(text, path);
	int fd = butter__open_below(at, text, strlen(text)), error = fd < 0 ? errno : 0;
	ck_assert_str_eq(text, path);
	if (fd >= 0) {
		ck_assert_int_eq(fstat(fd, &is), 0);
		ck_assert_int_eq(stat(path_in(top, path), &wanted), 0);
		ck_assert_uint_eq(is.st_ino, wanted.st_ino);
		close(fd);
	}
	close(at);
	return error;
}

static const int refusals[] = {0, ENOSYS, EPERM};

START_TEST(directories_are_opened_below_and_symlinks_are_not_followed)
{
	make();
	if (refusals[_i])
		fault_error_from(FAULT_OPENAT2, 1, refusals[_i]);
	ck_assert_int_eq(open_it("a"), 0);
	ck_assert_int_eq(open_it("a/b/c"), 0);
	ck_assert_int_eq(open_it("a/none"), ENOENT);
	ck_assert_int_eq(open_it("none/b"), ENOENT);
	ck_assert_int_eq(open_it("a/file"), ENOTDIR);
	ck_assert_int_eq(open_it("a/file/x"), ENOTDIR);
	ck_assert_int_ne(open_it("link"), 0);
	ck_assert_int_ne(open_it("link/b"), 0);
	ck_assert_int_ne(open_it("link/b/c"), 0);
	ck_assert_uint_gt(fault_calls(FAULT_OPENAT2), 0);
	fault_clear();
}
END_TEST

/* What else openat2(2) says is what is so. */
START_TEST(an_error_of_openat2_is_told)
{
	make();
	fault_error(FAULT_OPENAT2, 1, ENOMEM);
	ck_assert_int_eq(open_it("a/b"), ENOMEM);
	fault_clear();
	ck_assert_int_eq(open_it("a/b"), 0);
}
END_TEST

static struct butter_tree_event told_at(struct butter_tree *x, uint32_t type)
{
	struct butter_tree_event ev;
	do
		ck_assert_int_eq(butter_tree_wait_event(x, &ev, INT64_C(20000000000)), 1);
	while (ev.type != type);
	return ev;
}

/* The whole object does without the call. */
START_TEST(a_tree_is_watched_without_openat2)
{
	struct butter_tree_options options = {.size = sizeof(options), .flags = BUTTER_TREE_ENTRIES};
	struct butter_tree_root root = {.size = sizeof(root), .backend = BUTTER_TREE_INOTIFY};
	make();
	fault_error_from(FAULT_OPENAT2, 1, ENOSYS);
	struct butter_tree *x = butter_tree_open(&options);
	ck_assert_int_eq(butter_tree_add(x, top, &root, NULL), 0);
	told_at(x, BUTTER_TREE_READY);
	ck_assert_int_eq(mkdir(path_in(top, "a/b/c/d"), 0755), 0);
	ck_assert_str_eq(told_at(x, BUTTER_TREE_CREATED).path, path_in(top, "a/b/c/d"));
	ck_assert_int_eq(rename(path_in(top, "a/b"), path_in(top, "b")), 0);
	ck_assert_str_eq(told_at(x, BUTTER_TREE_MOVED).path, path_in(top, "b"));
	touch(path_in(top, "b/c/d/f"));
	ck_assert_str_eq(told_at(x, BUTTER_TREE_CREATED).path, path_in(top, "b/c/d/f"));
	ck_assert(fault_happened(FAULT_OPENAT2));
	fault_clear();
	butter_tree_close(x);
}
END_TEST

SUITE(tree_resolve)
{
	tcase_add_loop_test(tc, directories_are_opened_below_and_symlinks_are_not_followed, 0, 3);
	tcase_add_test(tc, an_error_of_openat2_is_told);
	tcase_add_test(tc, a_tree_is_watched_without_openat2);
}
