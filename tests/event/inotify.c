/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <butter/inotify.h>
#include <butter/source.h>

#include "child.h"
#include "test.h"

static struct butter_inotify *x;
static const char *dir;
static struct butter_inotify_event ev;

/* An object that watches a scratch folder. */
static int watching(uint32_t mask)
{
	dir = scratch();
	x = butter_inotify_open(0);
	ck_assert_ptr_nonnull(x);
	int wd = butter_inotify_watch(x, dir, mask);
	ck_assert_int_eq(wd, 1);
	return wd;
}

static void expect(uint32_t mask, const char *name)
{
	ck_assert_int_eq(butter_inotify_read_event(x, &ev), 1);
	ck_assert_uint_eq(ev.mask, mask);
	ck_assert_str_eq(ev.name, name);
	ck_assert_uint_eq(ev.name_len, strlen(name));
}

static void expect_nothing(void)
{
	ck_assert_int_eq(butter_inotify_read_event(x, &ev), 0);
}

START_TEST(the_typed_verbs_are_the_sources)
{
	struct butter_inotify_event two[2];
	watching(IN_CREATE);
	ck_assert_ptr_eq(butter_inotify_source(x), (struct butter_source *)x);
	ck_assert_int_eq(butter_inotify_fd(x), butter_source_fd(butter_inotify_source(x)));
	for (const char *name = "abcd"; *name; name++)
		touch(path_in(dir, (char[]){*name, 0}));
	ck_assert_int_eq(butter_inotify_wait_event(x, &ev, -1), 1);
	ck_assert_str_eq(ev.name, "a");
	ck_assert_uint_eq(butter_inotify_pending(x), 3);
	ck_assert_fails(butter_inotify_read_events(x, two, 0), EINVAL);
	ck_assert_int_eq(butter_inotify_read_events(x, two, 2), 2);
	ck_assert_str_eq(two[0].name, "b");
	ck_assert_str_eq(two[1].name, "c");
	ck_assert_uint_eq(butter_inotify_pending(x), 1);
	ck_assert_int_eq(butter_inotify_read_event(x, &ev), 1);
	int fd = butter_inotify_release(x);
	x = butter_inotify_from_fd(fd);
	ck_assert_int_eq(butter_inotify_fd(x), fd);
	butter_inotify_close(x);
	butter_inotify_close(NULL);
	ck_assert_fails(butter_inotify_release(NULL), EINVAL);
	ck_assert_null_errno(butter_inotify_open(1), EINVAL);
}
END_TEST

START_TEST(every_change_of_a_file_is_told)
{
	int wd = watching(IN_ALL_EVENTS);
	int fd = open(path_in(dir, "f"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(pread(fd, (char[1]){0}, 1, 0), 1);
	ck_assert_int_eq(fchmod(fd, 0400), 0);
	close(fd);
	close(open(path_in(dir, "f"), O_RDONLY | O_CLOEXEC));
	ck_assert_int_eq(unlink(path_in(dir, "f")), 0);
	ck_assert_int_eq(mkdir(path_in(dir, "d"), 0700), 0);
	expect(IN_CREATE, "f");
	ck_assert_int_eq(ev.wd, wd);
	ck_assert_uint_eq(ev.cookie, 0);
	expect(IN_OPEN, "f");
	expect(IN_MODIFY, "f");
	expect(IN_ACCESS, "f");
	expect(IN_ATTRIB, "f");
	expect(IN_CLOSE_WRITE, "f");
	expect(IN_OPEN, "f");
	expect(IN_CLOSE_NOWRITE, "f");
	expect(IN_DELETE, "f");
	expect(IN_CREATE | IN_ISDIR, "d");
	expect_nothing();
	butter_inotify_close(x);
}
END_TEST

START_TEST(both_halves_of_a_rename_have_one_cookie)
{
	watching(IN_MOVE | IN_MOVE_SELF | IN_DELETE_SELF);
	touch(path_in(dir, "old"));
	ck_assert_int_eq(rename(path_in(dir, "old"), path_in(dir, "new")), 0);
	expect(IN_MOVED_FROM, "old");
	uint32_t cookie = ev.cookie;
	ck_assert_uint_ne(cookie, 0);
	expect(IN_MOVED_TO, "new");
	ck_assert_uint_eq(ev.cookie, cookie);
	expect_nothing();
	butter_inotify_close(x);
}
END_TEST

START_TEST(an_event_of_the_watched_file_itself_has_an_empty_name)
{
	watching(IN_ATTRIB | IN_DELETE_SELF);
	ck_assert_int_eq(chmod(dir, 0711), 0);
	expect(IN_ATTRIB | IN_ISDIR, "");
	butter_inotify_close(x);
}
END_TEST

START_TEST(events_may_come_after_ignore_until_IN_IGNORED)
{
	int wd = watching(IN_CREATE);
	touch(path_in(dir, "before"));
	ck_assert_int_eq(butter_inotify_ignore(x, wd), 0);
	touch(path_in(dir, "after"));
	expect(IN_CREATE, "before");
	expect(IN_IGNORED, "");
	ck_assert_int_eq(ev.wd, wd);
	expect_nothing();
	ck_assert_fails(butter_inotify_ignore(x, wd), EINVAL);
	ck_assert_fails(butter_inotify_watch(x, path_in(dir, "none"), IN_OPEN), ENOENT);
	butter_inotify_close(x);
}
END_TEST

START_TEST(a_watch_of_one_shot_ends_by_itself)
{
	watching(IN_CREATE | IN_ONESHOT);
	touch(path_in(dir, "a"));
	touch(path_in(dir, "b"));
	expect(IN_CREATE, "a");
	expect(IN_IGNORED, "");
	expect_nothing();
	butter_inotify_close(x);
}
END_TEST

START_TEST(equal_events_in_a_row_are_one)
{
	watching(IN_MODIFY);
	int fd = open(path_in(dir, "f"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	expect(IN_MODIFY, "f");
	expect_nothing();
	butter_inotify_close(x);
}
END_TEST

/* Also the longest name, one of 16 bytes (whose NUL starts a new unit of padding), and odd bytes. */
START_TEST(a_name_is_any_bytes_of_any_length)
{
	char name[256];
	watching(IN_CREATE);
	for (size_t len = 1; len <= 255; len += len < 34 ? 1 : 17) {
		memset(name, (int)(128 + len % 100), len);
		name[0] = '\n';
		name[len] = '\0';
		touch(path_in(dir, name));
		expect(IN_CREATE, name);
	}
	expect_nothing();
	butter_inotify_close(x);
}
END_TEST

START_TEST(a_name_lives_until_the_next_read)
{
	struct butter_inotify_event events[64];
	watching(IN_CREATE);
	for (char name[2] = "a"; name[0] <= 'z'; name[0]++)
		touch(path_in(dir, name));
	ck_assert_int_eq(butter_inotify_read_events(x, events, 64), 26);
	for (int i = 0; i < 26; i++)
		ck_assert_int_eq(events[i].name[0], 'a' + i);
	expect_nothing();
	butter_inotify_close(x);
}
END_TEST

/* What happens in a folder that was renamed is told under its watch; its old place is not. */
START_TEST(a_watch_follows_the_inode_not_the_path)
{
	const char *top = scratch();
	x = butter_inotify_open(0);
	ck_assert_int_eq(mkdir(path_in(top, "old"), 0700), 0);
	ck_assert_int_eq(butter_inotify_watch(x, path_in(top, "old"), IN_CREATE | IN_MOVE_SELF), 1);
	ck_assert_int_eq(rename(path_in(top, "old"), path_in(top, "new")), 0);
	ck_assert_int_eq(mkdir(path_in(top, "old"), 0700), 0);
	touch(path_in(top, "old/unseen"));
	touch(path_in(top, "new/seen"));
	expect(IN_MOVE_SELF, "");
	expect(IN_CREATE, "seen");
	expect_nothing();
	butter_inotify_close(x);
}
END_TEST

/* A second watch of one inode is the first, with another mask, unless IN_MASK_ADD says more. */
START_TEST(a_second_watch_replaces_the_mask)
{
	int wd = watching(IN_CREATE);
	ck_assert_int_eq(butter_inotify_watch(x, dir, IN_DELETE), wd);
	touch(path_in(dir, "f"));
	expect_nothing();
	ck_assert_int_eq(butter_inotify_watch(x, dir, IN_CREATE | IN_MASK_ADD), wd);
	ck_assert_int_eq(unlink(path_in(dir, "f")), 0);
	touch(path_in(dir, "f"));
	expect(IN_DELETE, "f");
	expect(IN_CREATE, "f");
	butter_inotify_close(x);
}
END_TEST

/* A mount over a watched folder says nothing, and the watch stays with what is covered. */
static void mount_and_unmount(void *folder)
{
	dir = folder;
	x = butter_inotify_open(0);
	ck_assert_int_eq(mkdir(path_in(dir, "m"), 0700), 0);
	ck_assert_int_eq(butter_inotify_watch(x, path_in(dir, "m"), IN_CREATE), 1);
	ck_assert_int_eq(mount("butter", path_in(dir, "m"), "tmpfs", 0, NULL), 0);
	touch(path_in(dir, "m/unseen"));
	expect_nothing();
	ck_assert_int_eq(butter_inotify_watch(x, path_in(dir, "m"), IN_CREATE), 2);
	ck_assert_int_eq(umount2(path_in(dir, "m"), 0), 0);
	expect(IN_UNMOUNT | IN_ISDIR, "");
	ck_assert_int_eq(ev.wd, 2);
	expect(IN_IGNORED, "");
	touch(path_in(dir, "m/seen"));
	expect(IN_CREATE, "seen");
	butter_inotify_close(x);
}

START_TEST(an_unmount_is_told_and_a_mount_is_not)
{
	in_mount_namespace(mount_and_unmount, (void *)scratch());
}
END_TEST

/* The queue takes its limit of events and one that says so; then it goes on. */
START_TEST(a_full_queue_is_an_event)
{
	long limit = read_number("/proc/sys/fs/inotify/max_queued_events"), count = 0;
	char file[256]; /* whose names come and go: faster than files do */
	snprintf(file, sizeof(file), "%s/file", scratch());
	touch(file);
	watching(IN_CREATE | IN_DELETE);
	const char *path = path_in(dir, "f");
	for (long i = 0; i < limit / 2 + 2; i++)
		ck_assert(link(file, path) == 0 && unlink(path) == 0);
	while (butter_inotify_read_event(x, &ev) == 1 && ev.mask != IN_Q_OVERFLOW)
		count++;
	ck_assert_int_eq(count, limit);
	ck_assert_uint_eq(ev.mask, IN_Q_OVERFLOW);
	ck_assert_int_eq(ev.wd, -1);
	ck_assert_str_eq(ev.name, "");
	expect_nothing();
	touch(path_in(dir, "afterwards"));
	expect(IN_CREATE, "afterwards");
	butter_inotify_close(x);
}
END_TEST

START_TEST(one_read_drains_64_KiB)
{
	int queued = 0;
	char file[256];
	snprintf(file, sizeof(file), "%s/file", scratch());
	touch(file);
	watching(IN_CREATE);
	char name[210];
	memset(name, 'n', sizeof(name));
	for (unsigned i = 0; i < 400; i++) {
		snprintf(name + 190, 20, "%03u", i);
		ck_assert_int_eq(link(file, path_in(dir, name)), 0);
	}
	ck_assert_int_eq(ioctl(butter_inotify_fd(x), FIONREAD, &queued), 0);
	ck_assert_int_gt(queued, 64 << 10);
	ck_assert_int_eq(butter_inotify_read_event(x, &ev), 1);
	int left = 0, record = (int)(sizeof(struct inotify_event) + 208);
	ck_assert_int_eq(ioctl(butter_inotify_fd(x), FIONREAD, &left), 0);
	ck_assert_int_eq(queued - left, (64 << 10) / record * record);
	ck_assert_uint_eq(butter_inotify_pending(x), (unsigned)((64 << 10) / record - 1));
	butter_inotify_close(x);
}
END_TEST

START_TEST(an_end_of_file_is_ENODATA_every_time)
{
	x = butter_inotify_from_fd(open("/dev/null", O_RDONLY));
	ck_assert_ptr_nonnull(x);
	ck_assert_fails(butter_inotify_read_event(x, &ev), ENODATA);
	ck_assert_fails(butter_inotify_wait_event(x, &ev, -1), ENODATA);
	butter_inotify_close(x);
}
END_TEST

START_TEST(mask_names_go_both_ways)
{
	char text[600];
	uint32_t mask;
	ck_assert_int_eq(butter_inotify_mask_format(IN_CREATE | IN_ISDIR, text, sizeof(text)), 18);
	ck_assert_str_eq(text, "IN_CREATE|IN_ISDIR");
	for (int bit = -1; bit < 32; bit++) {
		uint32_t given = bit < 0 ? 0 : IN_OPEN | 1u << bit;
		butter_inotify_mask_format(given, text, sizeof(text));
		ck_assert_int_eq(butter_inotify_mask_parse(text, &mask), 0);
		ck_assert_uint_eq(mask, given);
	}
	butter_inotify_mask_format(UINT32_MAX, text, sizeof(text));
	ck_assert_int_eq(butter_inotify_mask_parse(text, &mask), 0);
	ck_assert_uint_eq(mask, UINT32_MAX);
	ck_assert_int_eq(butter_inotify_mask_parse("close, Move,IN_ALL_EVENTS", &mask), 0);
	ck_assert_uint_eq(mask, IN_ALL_EVENTS);
	ck_assert_fails(butter_inotify_mask_parse("IN_CREATED", &mask), EINVAL);
}
END_TEST

SUITE(event_inotify)
{
	tcase_add_test(tc, the_typed_verbs_are_the_sources);
	tcase_add_test(tc, every_change_of_a_file_is_told);
	tcase_add_test(tc, both_halves_of_a_rename_have_one_cookie);
	tcase_add_test(tc, an_event_of_the_watched_file_itself_has_an_empty_name);
	tcase_add_test(tc, events_may_come_after_ignore_until_IN_IGNORED);
	tcase_add_test(tc, a_watch_of_one_shot_ends_by_itself);
	tcase_add_test(tc, equal_events_in_a_row_are_one);
	tcase_add_test(tc, a_name_is_any_bytes_of_any_length);
	tcase_add_test(tc, a_name_lives_until_the_next_read);
	tcase_add_test(tc, a_watch_follows_the_inode_not_the_path);
	tcase_add_test(tc, a_second_watch_replaces_the_mask);
	tcase_add_test(tc, an_unmount_is_told_and_a_mount_is_not);
	tcase_add_test(tc, a_full_queue_is_an_event);
	tcase_add_test(tc, one_read_drains_64_KiB);
	tcase_add_test(tc, an_end_of_file_is_ENODATA_every_time);
	tcase_add_test(tc, mask_names_go_both_ways);
}
