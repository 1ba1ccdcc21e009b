/* SPDX-License-Identifier: MIT */
/* The paths of handles: what is answered, and the errnos. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "child.h"
#include "fault.h"
#include "test.h"
#include "watched.h"

static struct handle a, b, c;

TEST_WATCHED(a_directory_has_its_path_with_and_without_a_name, 0)
{
	new_dir(&a, at("a"));
	new_dir(&b, at("a/b"));
	expect_path(&b, NULL, at("a/b"));
	expect_path(&b, "", at("a/b"));
	expect_path(&b, ".", at("a/b"));
	expect_path(&b, "name", at("a/b/name"));
	expect_path(&b, "..", at("a/b/.."));
	expect_path(handle_of(&c, top), NULL, top);
	expect_path(&c, ".", top);
	expect_path(&c, "name", at("name"));
}

TEST_WATCHED(an_event_is_where_its_handles_and_its_name_say, 0)
{
	struct butter_fanotify_event ev;
	char buf[8192];
	new_dir(&a, at("a"));
	touch(at("a/file"));
	ck_assert_int_eq(butter_fanotify_read_event(x, &ev), 1);
	ck_assert_int_gt(butter_fanotify_path(x, &ev.dir, ev.name, buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, at("a"));
	ck_assert_int_eq(butter_fanotify_read_event(x, &ev), 1);
	ck_assert_uint_eq(ev.mask, FAN_CREATE);
	ck_assert_int_gt(butter_fanotify_path(x, &ev.dir, ev.name, buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, at("a/file"));
}

TEST_WATCHED(odd_names_are_names, 0)
{
	static const char *const names[] = {"x (deleted)", "new\nline", "a b\\040", "\xff\x01", " ", "..."};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *name = names[i];
		expect_path(new_dir(&a, at("%s", name)), name, at("%s/%s", name, name));
		ck_assert_int_eq(rmdir(at("%s", name)), 0);
		expect_errno(&a, ESTALE);
	}
}

/* The name comes from mountinfo, which escapes it. */
TEST_WATCHED(a_mount_point_has_an_odd_name, 0)
{
	const char *point = at("a b\\\n\tc");
	ck_assert_int_eq(mkdir(point, 0700), 0);
	ck_assert_int_eq(mount("tmpfs", point, "tmpfs", 0, ""), 0);
	new_dir(&a, at("a b\\\n\tc/d"));
	expect_errno(&a, ENODEV);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, point, FAN_CREATE, 0), 0);
	expect_path(&a, NULL, at("a b\\\n\tc/d"));
	expect_kept(&a, 1);
}

/* That this user namespace knows. */
static unsigned users(void)
{
	unsigned inside = 0, outside = 0, count = 0;
	FILE *map = fopen("/proc/self/uid_map", "re");
	ck_assert_int_eq(fscanf(map, "%u %u %u", &inside, &outside, &count), 3);
	fclose(map);
	return count;
}

TEST_WATCHED(a_file_has_the_path_of_one_of_its_names, 0)
{
	char buf[8192];
	touch(at("one"));
	handle_of(&a, at("one"));
	if (users() == 1) { /* root there may open nothing but directories */
		expect_errno(&a, ESTALE);
		return;
	}
	expect_path(&a, NULL, at("one"));
	ck_assert_int_eq(link(at("one"), at("two")), 0);
	ck_assert_int_gt(butter_fanotify_path(x, &a.h, NULL, buf, sizeof(buf)), 0);
	ck_assert(strcmp(buf, at("one")) == 0 || strcmp(buf, at("two")) == 0);
	ck_assert_int_eq(unlink(at("one")), 0);
	expect_path(&a, NULL, at("two"));
	ck_assert_int_eq(rename(at("two"), at("three")), 0);
	expect_path(&a, NULL, at("three"));
	expect_kept(&a, 0);
	int fd = open(at("three"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(unlink(at("three")), 0);
	expect_errno(&a, ESTALE);
	close(fd);
	expect_errno(&a, ESTALE);
}

TEST_WATCHED(the_buffer_is_exactly_large_enough, 0)
{
	char buf[8192];
	new_dir(&a, at("a"));
	const char *path = at("a/name");
	size_t len = strlen(path);
	for (int i = 0; i < 2; i++) {
		memset(buf, '#', sizeof(buf));
		ck_assert_fails(butter_fanotify_path(x, &a.h, "name", NULL, 0), ERANGE);
		ck_assert_fails(butter_fanotify_path(x, &a.h, "name", buf, 1), ERANGE);
		ck_assert_fails(butter_fanotify_path(x, &a.h, "name", buf, len), ERANGE);
		ck_assert_int_eq(buf[0], '#');
		ck_assert_int_eq(butter_fanotify_path(x, &a.h, "name", buf, len + 1), (ssize_t)len);
		ck_assert_str_eq(buf, path);
		ck_assert_int_eq(buf[len + 1], '#');
	}
}

TEST_WATCHED(what_is_no_handle_is_EINVAL, 0)
{
	struct handle bad = *new_dir(&a, at("a"));
	expect_path(&a, NULL, at("a"));
	ck_assert_fails(butter_fanotify_path(x, NULL, NULL, (char[1]){0}, 1), EINVAL);
	bad.h.handle = NULL;
	expect_errno(&bad, EINVAL);
	bad.h.handle = bad.bytes;
	for (bad.h.len = 0; bad.h.len < 300; bad.h.len++)
		if (bad.h.len != a.h.len)
			expect_errno(&bad, EINVAL);
	bad.h.len = a.h.len;
	for (uint32_t bytes = 0; bytes < 300; bytes++) {
		memcpy(bad.bytes, &bytes, sizeof(bytes));
		if (bytes != a.h.len - 8)
			expect_errno(&bad, EINVAL);
	}
	bad.h.len = UINT32_MAX;
	expect_errno(&bad, EINVAL);
}

TEST_WATCHED(a_handle_may_lie_at_any_address, 0)
{
	unsigned char bytes[200];
	new_dir(&a, at("a"));
	b = a;
	for (size_t i = 1; i < 9; i++) {
		b.h.handle = memcpy(bytes + i, a.bytes, a.h.len);
		expect_path(&b, NULL, at("a"));
	}
}

TEST_WATCHED(a_filesystem_that_no_watch_told_of_is_ENODEV, 0)
{
	struct butter_fanotify *none = butter_fanotify_open(FAN_REPORT_FID, 0, NULL);
	char buf[8192];
	new_dir(&a, at("a"));
	ck_assert_fails(butter_fanotify_path(none, &a.h, NULL, buf, sizeof(buf)), ENODEV);
	ck_assert_int_eq(butter_fanotify_watch(none, AT_FDCWD, "/proc", FAN_OPEN, 0), 0);
	ck_assert_fails(butter_fanotify_path(none, &a.h, NULL, buf, sizeof(buf)), ENODEV);
	butter_fanotify_close(none);
	a.h.fsid ^= 1;
	expect_errno(&a, ENODEV);
}

TEST_WATCHED(a_directory_that_was_removed_is_ESTALE, 0)
{
	int cached = 1;
	do {
		new_dir(&a, at("a"));
		if (cached)
			expect_path(&a, NULL, at("a"));
		int fd = open(at("a"), O_RDONLY | O_CLOEXEC);
		ck_assert_int_eq(rmdir(at("a")), 0);
		expect_errno(&a, ESTALE);
		new_dir(&b, at("a"));
		expect_errno(&a, ESTALE);
		expect_path(&b, NULL, at("a"));
		close(fd);
		expect_errno(&a, ESTALE);
		expect_path(&b, NULL, at("a"));
		ck_assert_int_eq(rmdir(at("a")), 0);
	} while (cached--);
}

/* tmpfs reads no more of a handle than it needs; what tells of the removal is the directory's own. */
TEST_WATCHED(another_handle_of_a_directory_is_never_kept, 0)
{
	uint32_t bytes;
	b = *new_dir(&a, at("a"));
	b.h.handle = b.bytes;
	b.h.len += 4;
	bytes = b.h.len - 8;
	memcpy(b.bytes, &bytes, sizeof(bytes));
	expect_path(&b, NULL, at("a"));
	expect_path(&a, NULL, at("a"));
	expect_kept(&b, 0);
	expect_kept(&a, 1);
	ck_assert_int_eq(rmdir(at("a")), 0);
	expect_errno(&b, ESTALE);
	expect_errno(&a, ESTALE);
}

/* A path that is kept lasts until its own directory is removed. */
TEST_WATCHED(removing_one_directory_costs_the_others_nothing, 0)
{
	expect_path(new_dir(&a, at("a")), NULL, at("a"));
	expect_path(new_dir(&b, at("b")), NULL, at("b"));
	ck_assert_int_eq(rmdir(at("a")), 0);
	ck_assert_int_eq(butter_fanotify_path(x, &a.h, NULL, (char[1]){0}, 1), -1);
	expect_kept(&b, linux_is_at_least(5, 17));
	expect_errno(&a, ESTALE);
}

/* chdir is the test's own; the library looks at nothing but whole paths. */
static void make_deep(unsigned levels)
{
	char name[256];
	memset(name, 'n', 255);
	name[255] = '\0';
	ck_assert_int_eq(chdir(top), 0);
	while (levels--) {
		ck_assert_int_eq(mkdir(name, 0700), 0);
		ck_assert_int_eq(chdir(name), 0);
	}
}

TEST_WATCHED(a_path_that_the_kernel_cannot_tell_is_ENAMETOOLONG, 0)
{
	char name[201] = "", buf[PATH_MAX + 300];
	struct handle deep;
	make_deep(15);
	handle_of(&a, ".");
	ssize_t len = (ssize_t)(strlen(top) + 15 * 256);
	ck_assert_int_eq(butter_fanotify_path(x, &a.h, NULL, buf, sizeof(buf)), len);
	memset(name, 'm', sizeof(name) - 1);
	ck_assert_int_eq(butter_fanotify_path(x, &a.h, name, buf, sizeof(buf)), len + 201);
	ck_assert_int_eq(mkdir(name, 0700), 0);
	ck_assert_int_eq(chdir(name), 0);
	ck_assert_int_eq(mkdir(name, 0700), 0);
	expect_errno(handle_of(&deep, name), ENAMETOOLONG);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, name, FAN_CREATE, 0), 0);
	ck_assert_int_eq(chdir("/"), 0);
}

/* fds up to this number may be open. */
static void limit_fds(int highest)
{
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)highest + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void without_fds(void *unused)
{
	char buf[8192];
	(void)unused;
	limit_fds(dup(0));
	expect_path(&a, NULL, at("a"));
	ck_assert_fails(butter_fanotify_path(x, &b.h, NULL, buf, sizeof(buf)), EMFILE);
	ck_assert_fails(butter_fanotify_watch(x, AT_FDCWD, top, FAN_CREATE, 0), EMFILE);
	expect_path(&a, NULL, at("a"));
	limit_fds(1000);
	expect_path(&b, NULL, at("b"));
}

TEST_WATCHED(without_a_free_fd_it_is_EMFILE_until_there_is_one, 0)
{
	expect_path(new_dir(&a, at("a")), NULL, at("a"));
	new_dir(&b, at("b"));
	in_child(without_fds, NULL);
}

/* Nothing has been asked yet: what would tell of changes cannot be had now, but is had later. */
static void keep_without_fds(void *unused)
{
	char buf[8192];
	(void)unused;
	for (int lowest = dup(0), more = 0; more < 4; more++) {
		limit_fds(lowest + more);
		errno = 0;
		ssize_t n = butter_fanotify_path(x, &a.h, NULL, buf, sizeof(buf));
		ck_assert(n > 0 ? !strcmp(buf, at("a")) : errno == EMFILE);
	}
	limit_fds(1000);
	expect_path(&a, NULL, at("a"));
	expect_kept(&a, 1);
}

TEST_WATCHED(what_keeps_paths_is_tried_again_after_EMFILE, 0)
{
	new_dir(&a, at("a"));
	in_child(keep_without_fds, NULL);
}

TEST_WATCHED(without_memory_paths_are_told_and_not_kept, 0)
{
	new_dir(&a, at("a"));
	for (unsigned nth = 1; nth <= 2; nth++) {
		fault_error_from(FAULT_CALLOC, nth, ENOMEM);
		expect_path(&a, "name", at("a/name"));
		ck_assert(fault_happened(FAULT_CALLOC));
		fault_clear();
	}
	expect_path(&a, "name", at("a/name"));
	expect_kept(&a, 1);
}

static void as_nobody(void *unused)
{
	(void)unused;
	ck_assert_int_eq(chdir("/"), 0);
	become_nobody();
	expect_path(&a, NULL, at("a"));
	expect_errno(&b, EPERM);
}

/* What is kept needs none. Root of a user namespace of one user cannot become another. */
TEST_WATCHED(without_CAP_DAC_READ_SEARCH_it_is_EPERM, 0)
{
	ck_assert_int_eq(chmod(top, 0755), 0);
	expect_path(new_dir(&a, at("a")), NULL, at("a"));
	new_dir(&b, at("b"));
	if (users() > 1)
		in_child(as_nobody, NULL);
}

static void closes(void *unused)
{
	(void)unused;
	butter_fanotify_close(x);
}

TEST_WATCHED(a_forked_child_that_closes_the_object_disturbs_nothing, 0)
{
	expect_path(new_dir(&a, at("a")), NULL, at("a"));
	in_child(closes, NULL);
	expect_kept(&a, 1);
	ck_assert_int_eq(rename(at("a"), at("b")), 0);
	expect_path(&a, NULL, at("b"));
	ck_assert_int_eq(mkdir(at("m"), 0700), 0);
	ck_assert_int_eq(mount(top, at("m"), "", MS_BIND, ""), 0);
	expect_path(&a, NULL, at("b"));
}

static void ordinary_user(void *dir)
{
	char buf[8192];
	become_nobody();
	x = butter_fanotify_open(FAN_REPORT_FID, 0, NULL);
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir, FAN_OPEN | FAN_ONDIR, 0), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_fails(butter_fanotify_path(x, &a.h, NULL, buf, sizeof(buf)), EPERM);
	butter_fanotify_close(x);
}

START_TEST(an_ordinary_user_is_told_EPERM)
{
	const char *dir = scratch();
	ck_assert_int_eq(chmod(dir, 0755), 0);
	handle_of(&a, dir);
	in_child(ordinary_user, (void *)dir);
}
END_TEST

SUITE(event_fanotify_path)
{
	tcase_add_test(tc, a_directory_has_its_path_with_and_without_a_name);
	tcase_add_test(tc, an_event_is_where_its_handles_and_its_name_say);
	tcase_add_test(tc, odd_names_are_names);
	tcase_add_test(raw, a_mount_point_has_an_odd_name);
	tcase_add_test(raw, a_file_has_the_path_of_one_of_its_names);
	tcase_add_test(tc, the_buffer_is_exactly_large_enough);
	tcase_add_test(tc, what_is_no_handle_is_EINVAL);
	tcase_add_test(tc, a_handle_may_lie_at_any_address);
	tcase_add_test(tc, a_filesystem_that_no_watch_told_of_is_ENODEV);
	tcase_add_test(tc, a_directory_that_was_removed_is_ESTALE);
	tcase_add_test(raw, another_handle_of_a_directory_is_never_kept);
	tcase_add_test(raw, removing_one_directory_costs_the_others_nothing);
	tcase_add_test(tc, a_path_that_the_kernel_cannot_tell_is_ENAMETOOLONG);
	tcase_add_test(raw, without_a_free_fd_it_is_EMFILE_until_there_is_one);
	tcase_add_test(raw, what_keeps_paths_is_tried_again_after_EMFILE);
	tcase_add_test(raw, without_memory_paths_are_told_and_not_kept);
	tcase_add_test(tc, without_CAP_DAC_READ_SEARCH_it_is_EPERM);
	tcase_add_test(raw, a_forked_child_that_closes_the_object_disturbs_nothing);
	tcase_add_test(tc, an_ordinary_user_is_told_EPERM);
}
