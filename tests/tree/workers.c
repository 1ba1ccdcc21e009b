/* SPDX-License-Identifier: MIT */
/* The first scan with threads and without finds the same, and leaves nothing behind. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include <butter/tree.h>

#include "../../src/event/time.h"
#include "../../src/tree/tree.h"
#include "child.h"
#include "fault.h"
#include "image.h"
#include "test.h"

enum { FANOUT = 6, DEPTH = 4 };

static unsigned made, files;

/* FANOUT directories in each, in a list and by no recursion; some have files. */
static void make_tree(const char *top, unsigned depth_of_all)
{
	char path[512];
	unsigned count = 1;
	made = files = 0;
	for (unsigned depth = 1; depth <= depth_of_all; depth++) {
		count *= FANOUT;
		for (unsigned i = 0; i < count; i++) {
			size_t at = (size_t)snprintf(path, sizeof(path), "%s", top);
			for (unsigned below = count / FANOUT, left = i; below > 0; below /= FANOUT) {
				at += (size_t)snprintf(path + at, sizeof(path) - at, "/d%u", left / below);
				left %= below;
			}
			ck_assert_msg(mkdir(path, 0700) == 0, "%s", path);
			made++;
			if (i % 7 == 0) {
				snprintf(path + at, sizeof(path) - at, "/file");
				touch(path);
				files++;
			}
		}
	}
}

static const struct butter_tree_root by_inotify = {.size = sizeof(by_inotify),
						   .backend = BUTTER_TREE_INOTIFY};

static struct butter_tree *scan(const char *top, uint32_t flags, uint32_t workers)
{
	struct butter_tree_options options = {
		.size = sizeof(options), .flags = flags, .scan_workers = workers};
	struct butter_tree *x = butter_tree_open(&options);
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(butter_tree_add(x, top, &by_inotify, NULL), 0);
	return x;
}

static unsigned count_watched(const struct butter_tree *x)
{
	unsigned count = 0;
	for (uint32_t i = 1; i <= x->model.used; i++)
		count += butter__node(&x->model, i)->wd >= 0;
	return count;
}

static const uint32_t counts[] = {0, 1, 2, 4};

static void scan_and_count(const char *top)
{
	make_tree(top, amount(DEPTH - 1, DEPTH));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct butter_tree *x = scan(top, 0, counts[i]);
		ck_assert_uint_eq(x->model.count, made + 1);
		ck_assert_uint_eq(count_watched(x), made + 1);
		butter_tree_close(x);
		x = scan(top, BUTTER_TREE_ENTRIES, counts[i]);
		ck_assert_uint_eq(x->model.count, made + files + 1);
		ck_assert_uint_eq(count_watched(x), made + 1);
		butter_tree_close(x);
	}
}

START_TEST(any_number_of_workers_finds_the_same)
{
	scan_and_count(scratch());
}
END_TEST

static void on_type(void *type)
{
	const char *dir = scratch();
	must_mount(type, dir);
	scan_and_count(dir);
}

START_TEST(whatever_counts_links_or_not_is_scanned_whole)
{
	static const char *const types[] = {"tmpfs", "overlay"};
	in_mount_namespace(on_type, (void *)(uintptr_t)types[_i]);
}
END_TEST

/* One link fewer than there are, where there are subdirectories, but few. */
static void miscount(struct stat *st)
{
	if (S_ISDIR(st->st_mode) && (st->st_nlink == 3 || st->st_nlink == 4))
		st->st_nlink--;
}

START_TEST(counts_of_links_that_are_wrong_are_found_out_and_what_was_passed_over_is_listed)
{
	static const char *const dirs[] = {"a", "b", "c", "a/a", "b/a", "b/b", "c/a"};
	const char *top = scratch();
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		ck_assert_int_eq(mkdir(path_in(top, dirs[i]), 0700), 0);
	fault_stat = miscount;
	struct butter_tree *x = scan(top, 0, (uint32_t)_i);
	fault_stat = NULL;
	ck_assert_uint_eq(count_watched(x), 8);
	butter_tree_close(x);
}
END_TEST

static unsigned count_threads(void)
{
	unsigned count = 0;
	const struct dirent *entry;
	DIR *dir = opendir("/proc/self/task");
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* One that was joined is listed for a moment more. */
static unsigned await_threads(unsigned threads)
{
	unsigned count;
	int64_t end = butter__time_now() + INT64_C(2000000000);
	while ((count = count_threads()) != threads && butter__time_now() < end)
		sched_yield();
	return count;
}

/* ThreadSanitizer has a thread of its own from the first that a program makes. */
START_TEST(no_thread_outlives_the_call_and_nothing_of_the_caller_changes)
{
	char before[4096], after[4096];
	sigset_t mask, now;
	const char *top = scratch();
	make_tree(top, amount(DEPTH - 1, DEPTH));
	butter_tree_close(scan(top, 0, 4));
	unsigned fds = count_fds(), threads = await_threads(1);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	butter_tree_close(scan(top, 0, 4));
	ck_assert_ptr_nonnull(getcwd(after, sizeof(after)));
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	ck_assert_str_eq(before, after);
	for (int signo = 1; signo < 32; signo++)
		ck_assert_int_eq(sigismember(&mask, signo), sigismember(&now, signo));
	ck_assert_uint_eq(count_fds(), fds);
	ck_assert_uint_eq(await_threads(threads), threads);
}
END_TEST

struct churn {
	const char *top;
	atomic_int stop;
};

static void *churn(void *arg)
{
	struct churn *c = arg;
	char from[512], to[512];
	for (unsigned i = 0; !atomic_load(&c->stop); i++) {
		snprintf(from, sizeof(from), "%s/d%u/d%u", c->top, i % FANOUT, i / FANOUT % FANOUT);
		snprintf(to, sizeof(to), "%s/d%u/moved", c->top, (i + 1) % FANOUT);
		if (rename(from, to) == 0)
			rename(to, from);
	}
	return NULL;
}

START_TEST(a_scan_among_renames_loses_no_directory)
{
	struct churn c = {.top = scratch()};
	struct butter_tree_event event;
	struct butter_tree_statistics got;
	pthread_t thread;
	make_tree(c.top, amount(DEPTH - 1, DEPTH));
	ck_assert_int_eq(pthread_create(&thread, NULL, churn, &c), 0);
	struct butter_tree *x = scan(c.top, 0, counts[_i]);
	atomic_store(&c.stop, 1);
	pthread_join(thread, NULL);
	ck_assert_int_ge(butter_tree_sync(x, -1), 0);
	while (butter_tree_read_event(x, &event) > 0)
		continue;
	butter_tree_get(x, &got); /* the model may hold files for a while */
	ck_assert_uint_eq(got.directories, made + 1);
	ck_assert_uint_eq(count_watched(x), made + 1);
	butter_tree_close(x);
}
END_TEST

START_TEST(a_directory_takes_64_bytes_at_most_beside_its_name)
{
	const char *top = scratch();
	make_tree(top, DEPTH);
	struct butter_tree *x = scan(top, 0, 0);
	size_t bytes =
		butter__model_bytes(&x->model) + butter__wds_bytes(&x->channels[BUTTER_TREE_INOTIFY - 1].wds);
	size_t chunk = sizeof(struct butter__node) * BUTTER__NODE_CHUNK + (64 << 10) + 8192;
	ck_assert_uint_le(bytes, made * 64 + chunk);
	butter_tree_close(x);
}
END_TEST

SUITE(tree_workers)
{
	tcase_add_loop_test(
		tc, counts_of_links_that_are_wrong_are_found_out_and_what_was_passed_over_is_listed, 0, 3);
	tcase_add_test(tc, any_number_of_workers_finds_the_same);
	tcase_add_loop_test(raw, whatever_counts_links_or_not_is_scanned_whole, 0, 2);
	tcase_add_test(tc, no_thread_outlives_the_call_and_nothing_of_the_caller_changes);
	tcase_add_loop_test(tc, a_scan_among_renames_loses_no_directory, 0, 4);
	tcase_add_test(tc, a_directory_takes_64_bytes_at_most_beside_its_name);
}
