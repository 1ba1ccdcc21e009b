/* SPDX-License-Identifier: MIT */
#include <dirent.h>

#include "child.h"
#include "fault.h"
#include "statted.h"

#include "child.h"
#include "fault.h"
#include "statted.h"

/* How many watches the loop's inotify has; -1: there is none. */
static int count_watches(void)
{
	char path[300], link[64] = "", line[256];
	DIR *fds = opendir("/proc/self/fd");
	struct dirent *entry;
	int count = -1;
	while ((entry = readdir(fds))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		ssize_t n = readlink(path, link, sizeof(link) - 1);
		if (n < 0 || strncmp(link, "anon_inode:inotify", (size_t)n) != 0)
			continue;
		ck_assert_int_eq(count, -1); /* one inotify for the loop */
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", entry->d_name);
		FILE *file = fopen(path, "re");
		for (count = 0; fgets(line, sizeof(line), file);)
			count += strncmp(line, "inotify wd:", 11) == 0;
		fclose(file);
	}
	closedir(fds);
	return count;
}

START_TEST(each_change_of_what_counts_is_told_once)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "file"), *other = path_in(dir, "other");
	write_text(path, "abc");
	start(0, path);
	ck_assert_int_eq(watcher[0].attr.size, 3);
	ck_assert(is_true(&watcher[0]));
	for (int i = 0; i < 8; i++) {
		struct butter_ev_stat_attr before = watcher[0].attr;
		int64_t size = before.size;
		struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 7, .tv_nsec = 9}};
		switch (i) {
		case 0:
			write_text(path, "abcdef");
			size = 6;
			break;
		case 1:
			ck_assert_int_eq(truncate(path, 2), 0);
			size = 2;
			break;
		case 2:
			ck_assert_int_eq(chmod(path, 0640), 0);
			break;
		case 3:
			ck_assert_int_eq(link(path, other), 0);
			break;
		case 4:
			write_text(other, "xyz"); /* the same file by another name */
			size = 3;
			break;
		case 5:
			ck_assert_int_eq(unlink(other), 0);
			break;
		case 6:
			ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
			break;
		default:
			if (geteuid() == 0)
				ck_assert_int_eq(chown(path, 1, 2), 0);
			else
				ck_assert_int_eq(chmod(path, 0600), 0);
		}
		wait_for_note();
		ck_assert_noted(0);
		ck_assert_uint_eq(told, BUTTER_EV_STAT);
		ck_assert(is_true(&watcher[0]));
		ck_assert_int_eq(watcher[0].attr.size, size);
		ck_assert_mem_eq(&watcher[0].prev, &before, sizeof(before));
		settle();
		ck_assert_noted_nothing();
	}
	ck_assert_int_eq(watcher[0].attr.mtime, 7 * INT64_C(1000000000) + 9);
	butter_ev_stat_stop(loop, &watcher[0]);
	ck_assert_int_eq(count_watches(), 0);
	free_loop();
}
END_TEST

START_TEST(reading_it_and_what_happens_beside_it_is_not_told)
{
	char byte;
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "file");
	write_text(path, "abc");
	start(0, path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	close(fd);
	write_text(path_in(dir, "files"), "x");
	write_text(path_in(dir, "fil"), "x");
	ck_assert_int_eq(rename(path_in(dir, "fil"), path_in(dir, "files")), 0);
	settle();
	ck_assert_noted_nothing();
	free_loop();
}
END_TEST

START_TEST(a_file_that_is_missing_is_waited_for)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "file");
	start(0, path);
	ck_assert_uint_eq(watcher[0].attr.nlink, 0);
	ck_assert_int_eq(watcher[0].attr.error, ENOENT);
	for (int i = 0; i < 3; i++) {
		touch(path);
		wait_for_note();
		ck_assert_noted(0);
		ck_assert_uint_eq(watcher[0].attr.nlink, 1);
		ck_assert_uint_eq(watcher[0].prev.nlink, 0);
		ck_assert_int_eq(unlink(path), 0);
		wait_for_note();
		ck_assert_noted(0);
		ck_assert_uint_eq(watcher[0].attr.nlink, 0);
		ck_assert_uint_eq(watcher[0].prev.nlink, 1);
	}
	free_loop();
}
END_TEST

START_TEST(a_file_that_is_replaced_is_told_once_and_watched_from_then_on)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "file"), *next = path_in(dir, "next");
	write_text(path, "abc");
	start(0, path);
	for (int i = 0; i < 3; i++) {
		write_text(next, "def");
		ck_assert_int_eq(rename(next, path), 0);
		settle();
		ck_assert_noted(0);
		ck_assert_uint_ne(watcher[0].attr.ino, watcher[0].prev.ino);
		write_text(path, "ghij");
		settle();
		ck_assert_noted(0);
		ck_assert_int_eq(watcher[0].attr.size, 4);
		ck_assert_int_eq(unlink(path), 0);
		write_text(path, "abc");
		settle();
		ck_assert_noted(0);
		ck_assert(is_true(&watcher[0]));
	}
	free_loop();
}
END_TEST

START_TEST(a_folder_is_told_of_when_its_entries_change)
{
	new_loop();
	dir = scratch();
	start(0, dir);
	touch(path_in(dir, "file"));
	settle();
	ck_assert_noted(0);
	write_text(path_in(dir, "file"), "abc");
	settle();
	ck_assert_noted_nothing();
	ck_assert_int_eq(unlink(path_in(dir, "file")), 0);
	settle();
	ck_assert_noted(0);
	ck_assert_int_eq(rmdir(dir), 0);
	settle();
	ck_assert_noted(0);
	ck_assert_uint_eq(watcher[0].attr.nlink, 0);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	settle();
	ck_assert_noted(0);
	free_loop();
}
END_TEST

START_TEST(many_watch_one_file_and_any_may_stop)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "file");
	touch(path);
	start(0, path);
	int watches = count_watches();
	for (int i = 1; i < 4; i++)
		start(i, path);
	ck_assert_int_eq(count_watches(), watches);
	butter_ev_stat_stop(loop, &watcher[1]);
	butter_ev_stat_stop(loop, &watcher[1]);
	write_text(path, "x");
	settle();
	ck_assert_int_eq(note_count, 3);
	note_count = 0;
	butter_ev_stat_stop(loop, &watcher[0]);
	butter_ev_stat_stop(loop, &watcher[3]);
	ck_assert_int_eq(count_watches(), watches);
	write_text(path, "xy");
	settle();
	ck_assert_noted(2);
	butter_ev_stat_stop(loop, &watcher[2]);
	ck_assert_int_eq(count_watches(), 0);
	free_loop();
}
END_TEST

static void stop_all(struct butter_loop *in, struct butter_ev_stat *w, uint32_t revents)
{
	note_stat(in, w, revents);
	for (int i = 0; i < 4; i++)
		butter_ev_stat_stop(in, &watcher[i]);
	memset(watcher, 0x55, sizeof(watcher));
}

START_TEST(a_callback_may_stop_and_overwrite_all_of_them)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "file");
	for (int i = 0; i < 4; i++) {
		butter_ev_stat_init(&watcher[i], stop_all, path, 0);
		ck_assert_int_eq(butter_ev_stat_start(loop, &watcher[i]), 0);
	}
	touch(path);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_int_eq(note_count, 1);
	free_loop();
}
END_TEST

START_TEST(stat_takes_in_what_has_happened_so_that_it_is_not_told)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "file");
	start(0, path);
	start(1, path);
	write_text(path, "abc");
	butter_ev_stat_stat(loop, &watcher[0]);
	ck_assert(is_true(&watcher[0]));
	ck_assert_int_eq(watcher[0].attr.size, 3);
	settle();
	ck_assert_noted(1);
	write_text(path, "abcd");
	settle();
	ck_assert_int_eq(note_count, 2);
	butter_ev_stat_stop(loop, &watcher[0]);
	ck_assert_int_eq(truncate(path, 0), 0);
	butter_ev_stat_stat(loop, &watcher[0]);
	ck_assert_int_eq(watcher[0].attr.size, 0);
	free_loop();
}
END_TEST

/* Whoever makes it pending: prev is what the last callback was told. */
START_TEST(prev_is_what_was_told_last)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "file");
	start(0, path);
	write_text(path, "a");
	settle();
	ck_assert_uint_eq(watcher[0].prev.nlink, 0);
	butter_ev_feed(loop, &watcher[0], BUTTER_EV_CUSTOM);
	write_text(path, "abc");
	settle();
	ck_assert_int_eq(watcher[0].prev.size, 1);
	ck_assert_int_eq(watcher[0].attr.size, 3);
	butter_ev_feed(loop, &watcher[0], BUTTER_EV_STAT);
	settle();
	ck_assert_int_eq(watcher[0].prev.size, 3);
	ck_assert_noted(0, 0, 0, 0);
	free_loop();
}
END_TEST

static void change_in_child(void *path)
{
	ck_assert_int_eq(butter_loop_fork(loop), 0);
	settle();
	note_count = 0; /* what was written within a tick of the start may be told again */
	ck_assert_int_eq(unlink(path), 0);
	settle();
	ck_assert_noted(0);
	ck_assert_uint_eq(watcher[0].attr.nlink, 0);
	touch(path);
	settle();
	ck_assert_noted(0);
	butter_ev_stat_stop(loop, &watcher[0]);
	free_loop();
}

static void stop_in_child(void *path)
{
	(void)path;
	butter_ev_stat_stat(loop, &watcher[0]);
	butter_ev_stat_stop(loop, &watcher[0]);
	butter_loop_free(loop);
}

START_TEST(a_forked_child_watches_for_itself)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "file");
	touch(path);
	start(0, path);
	in_child(stop_in_child, NULL);
	in_child(change_in_child, (void *)path);
	settle();
	ck_assert_noted(0);
	ck_assert(is_true(&watcher[0]));
	write_text(path, "x");
	settle();
	ck_assert_noted(0);
	free_loop();
}
END_TEST

START_TEST(wrong_arguments_are_EINVAL)
{
	new_loop();
	butter_ev_stat_init(&watcher[0], note_stat, NULL, 0);
	ck_assert_fails(butter_ev_stat_start(loop, &watcher[0]), EINVAL);
	ck_assert_int_eq(butter_ev_stat_set(&watcher[0], "", 0), 0);
	ck_assert_fails(butter_ev_stat_start(loop, &watcher[0]), EINVAL);
	ck_assert_int_eq(butter_ev_stat_set(&watcher[0], "/", -1), 0);
	ck_assert_fails(butter_ev_stat_start(loop, &watcher[0]), EINVAL);
	ck_assert_int_eq(butter_ev_stat_set(&watcher[0], "/", 0), 0);
	ck_assert_int_eq(butter_ev_stat_start(loop, &watcher[0]), 0);
	ck_assert_int_eq(butter_ev_stat_start(loop, &watcher[0]), 0);
	ck_assert_fails(butter_ev_stat_set(&watcher[0], "/", 0), EBUSY);
	ck_assert_uint_eq(butter_ev_kind(&watcher[0]), BUTTER_EV_STAT);
	ck_assert(S_ISDIR(watcher[0].attr.mode));
	free_loop();
}
END_TEST

SUITE(loop_stat)
{
	tcase_add_test(tc, each_change_of_what_counts_is_told_once);
	tcase_add_test(tc, reading_it_and_what_happens_beside_it_is_not_told);
	tcase_add_test(tc, a_file_that_is_missing_is_waited_for);
	tcase_add_test(tc, a_file_that_is_replaced_is_told_once_and_watched_from_then_on);
	tcase_add_test(tc, a_folder_is_told_of_when_its_entries_change);
	tcase_add_test(tc, many_watch_one_file_and_any_may_stop);
	tcase_add_test(tc, a_callback_may_stop_and_overwrite_all_of_them);
	tcase_add_test(tc, stat_takes_in_what_has_happened_so_that_it_is_not_told);
	tcase_add_test(tc, prev_is_what_was_told_last);
	tcase_add_test(tc, a_forked_child_watches_for_itself);
	tcase_add_test(tc, wrong_arguments_are_EINVAL);
}
