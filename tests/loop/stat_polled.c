/* SPDX-License-Identifier: MIT */
/* What inotify does not tell of, or cannot. */
#include <sys/mount.h>

#include "child.h"
#include "fault.h"
#include "statted.h"

START_TEST(what_inotify_refuses_is_polled_until_it_does_not)
{
	static const struct {
		enum fault_call call;
		int error;
	} refusals[] = {{FAULT_INOTIFY_INIT1, EMFILE},
			{FAULT_INOTIFY_ADD_WATCH, ENOSPC},
			{FAULT_INOTIFY_ADD_WATCH, EACCES}};
	dir = scratch();
	const char *path = path_in(dir, "file");
	for (int i = 0; i < 3; i++) {
		new_loop();
		fault_error_from(refusals[i].call, 1, refusals[i].error);
		start_with(0, path, 2 * MILLISECOND);
		ck_assert_uint_eq(watcher[0].polled, 1);
		ck_assert_int_eq(watcher[0].refused, refusals[i].error);
		touch(path);
		wait_for_note();
		ck_assert_noted(0);
		ck_assert(is_true(&watcher[0]));
		ck_assert_uint_eq(watcher[0].polled, 1);
		fault_clear();
		ck_assert_int_eq(unlink(path), 0);
		wait_for_note();
		ck_assert_noted(0);
		ck_assert_uint_eq(watcher[0].polled, 0);
		ck_assert_int_eq(watcher[0].refused, 0);
		butter_ev_stat_stop(loop, &watcher[0]);
		free_loop();
	}
}
END_TEST

static void watch_without_watches(void *path)
{
	write_file("/proc/sys/user/max_inotify_watches", "2");
	new_loop();
	start_with(0, path, MILLISECOND);
	ck_assert_uint_eq(watcher[0].polled, 1);
	ck_assert_int_eq(watcher[0].refused, ENOSPC);
	touch(path);
	wait_for_note();
	ck_assert_noted(0);
	write_file("/proc/sys/user/max_inotify_watches", "100");
	ck_assert_int_eq(unlink(path), 0);
	wait_for_note();
	ck_assert_uint_eq(watcher[0].polled, 0);
	butter_ev_stat_stop(loop, &watcher[0]);
	free_loop();
}

START_TEST(a_user_without_a_watch_left_polls)
{
	in_user_namespace(watch_without_watches, (void *)path_in(scratch(), "file"));
}
END_TEST

START_TEST(what_inotify_does_not_tell_of_is_polled)
{
	static const char *const paths[] = {"/proc/self/comm", "/proc/self/cwd/.", "/sys/kernel",
					    "/proc/none"};
	ck_assert_int_eq(chdir("/"), 0);
	new_loop();
	for (unsigned i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		start_with(0, paths[i], LONG);
		ck_assert_uint_eq(watcher[0].polled, 1);
		ck_assert_int_eq(watcher[0].refused, 0);
		butter_ev_stat_stop(loop, &watcher[0]);
	}
	int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	start_with(0, path, MILLISECOND);
	ck_assert_uint_ne(watcher[0].attr.nlink, 0);
	close(fd);
	wait_for_note();
	ck_assert_uint_eq(watcher[0].attr.nlink, 0);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	free_loop();
}
END_TEST

static void write_in_one_tick(void *path)
{
	char file[512];
	ck_assert_int_eq(mount("none", path, "ramfs", 0, NULL), 0);
	snprintf(file, sizeof(file), "%s/file", (const char *)path);
	new_loop();
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	start(0, file);
	for (int i = 0; i < 500; i++) {
		ck_assert_int_eq(pwrite(fd, &i, 1, 0), 1);
		settle();
		ck_assert_noted(0);
	}
	close(fd);
	butter_ev_stat_stop(loop, &watcher[0]);
	free_loop();
}

/* ramfs has timestamps of a tick, some milliseconds; so had all filesystems before Linux 6.13. */
START_TEST(writes_in_one_tick_of_the_timestamps_are_told)
{
	if (geteuid() == 0)
		in_mount_namespace(write_in_one_tick, (void *)scratch());
}
END_TEST

static void unmount(void *path)
{
	char file[512];
	ck_assert_int_eq(mount("none", path, "tmpfs", 0, NULL), 0);
	snprintf(file, sizeof(file), "%s/file", (const char *)path);
	touch(file);
	new_loop();
	start(0, file);
	ck_assert_int_eq(umount2(path, 0), 0);
	settle();
	ck_assert_noted(0);
	ck_assert_uint_eq(watcher[0].attr.nlink, 0);
	touch(file);
	settle();
	ck_assert_noted(0);
	butter_ev_stat_stop(loop, &watcher[0]);
	free_loop();
}

START_TEST(a_filesystem_that_is_unmounted_is_noticed)
{
	in_mount_namespace(unmount, (void *)scratch());
}
END_TEST

START_TEST(after_an_overflow_everything_is_looked_at)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "file"), *a = path_in(dir, "a"), *b = path_in(dir, "b");
	long limit = read_number("/proc/sys/fs/inotify/max_queued_events");
	start(0, path);
	touch(a);
	for (long i = 0; i < limit; i++)
		ck_assert_int_eq(i % 2 ? rename(b, a) : rename(a, b), 0);
	touch(path); /* nothing of this is in the queue */
	for (int i = 0; i < 100 && !note_count; i++)
		butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(0);
	ck_assert_int_eq(unlink(path), 0);
	settle();
	ck_assert_noted(0);
	free_loop();
}
END_TEST

START_TEST(without_memory_it_is_polled_or_fails_and_nothing_is_left)
{
	static const enum fault_call calls[] = {FAULT_CALLOC, FAULT_REALLOC};
	dir = scratch();
	const char *path = path_in(dir, "file");
	touch(path);
	for (int i = 0; i < 2; i++)
		for (unsigned nth = 1;; nth++) {
			new_loop();
			butter_ev_stat_init(&watcher[0], note_stat, path, MILLISECOND);
			fault_error(calls[i], nth, ENOMEM);
			int n = butter_ev_stat_start(loop, &watcher[0]), error = errno;
			int is_over = !fault_happened(calls[i]);
			fault_clear();
			ck_assert_int_eq(butter_ev_is_active(&watcher[0]), n == 0);
			ck_assert(n == 0 || error == ENOMEM);
			if (n == 0) {
				ck_assert_int_eq(butter_loop_verify(loop), 0);
				write_text(path, nth % 2 ? "a" : "bc");
				wait_for_note();
				note_count = 0;
				ck_assert(is_true(&watcher[0]));
				while (watcher[0].polled) /* the next look mends it */
					butter_loop_run(loop, BUTTER_RUN_ONCE);
				butter_ev_stat_stop(loop, &watcher[0]);
			}
			free_loop();
			if (is_over)
				break;
		}
}
END_TEST

SUITE(loop_stat_polled)
{
	tcase_add_test(tc, what_inotify_refuses_is_polled_until_it_does_not);
	tcase_add_test(tc, a_user_without_a_watch_left_polls);
	tcase_add_test(tc, what_inotify_does_not_tell_of_is_polled);
	tcase_add_test(raw, writes_in_one_tick_of_the_timestamps_are_told);
	tcase_add_test(raw, a_filesystem_that_is_unmounted_is_noticed);
	tcase_add_test(tc, after_an_overflow_everything_is_looked_at);
	tcase_add_test(tc, without_memory_it_is_polled_or_fails_and_nothing_is_left);
}
