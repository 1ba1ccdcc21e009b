/* SPDX-License-Identifier: MIT */
/* Directories that cannot be watched or read, and can again. */
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../support/child.h"
#include "../support/image.h"
#include "../support/test.h"
#include "told.h"
#include "watched.h"

enum { DIRS = 100, LIMIT = 20, NOBODY = 65534 };

static const unsigned levels[] = {0, BUTTER_TREE_ENTRIES};
static unsigned level;
static const char limit_file[] = "/proc/sys/user/max_inotify_watches";

static const char *name_of(int i)
{
	static char name[16];
	snprintf(name, sizeof(name), "r/%03d", i);
	return name;
}

static int count(const char *text, const char *line)
{
	int n = 0;
	while ((text = strstr(text, line))) {
		n++;
		text++;
	}
	return n;
}

static void make_dir_in(const char *dir, const char *name)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	make_dir(path);
}

/* DEGRADED, once, for each that the kernel does not watch, and for no other. */
static int assert_exact(const char *text)
{
	int unwatched = 0;
	for (int i = 0; i < DIRS; i++) {
		char line[64];
		int watched = is_path_watched(at_base(name_of(i)));
		snprintf(line, sizeof(line), "DEGRADED %s/\n", name_of(i));
		ck_assert_int_eq(count(text, line), !watched);
		unwatched += !watched;
	}
	return unwatched;
}

static void wait_for_recovery(struct butter_tree *t, int wanted)
{
	struct butter_tree_event ev;
	while (wanted > 0) {
		int ready = butter_tree_wait_event(t, &ev, INT64_C(20000000000));
		ck_assert_msg(ready == 1, "%d do not recover", wanted);
		wanted -= ev.type == BUTTER_TREE_RECOVERED;
	}
}

static void few_watches(void *dir)
{
	must_mount("tmpfs", dir);
	write_file(limit_file, "20");
	struct butter_tree *t = tree_of(level, dir);
	make_dir("r");
	for (int i = 0; i < DIRS; i++)
		make_dir(name_of(i));
	must_add(t, at_base("r"), 0);
	int unwatched = assert_exact(told(t));
	ck_assert_int_ge(unwatched, DIRS - LIMIT);
	ck_assert_int_lt(unwatched, DIRS);
	ck_assert_int_eq(last_degraded.error, ENOSPC);
	ck_assert_str_eq(last_degraded.limit, "user.max_inotify_watches");
	ck_assert_uint_eq(last_degraded.limit_value, LIMIT);
	ck_assert_uint_ge(last_degraded.limit_use, LIMIT - 2);
	for (int i = 0; i < DIRS; i++)
		make_dir_in(name_of(i), "x");
	const char *seen = told(t);
	ck_assert_int_eq(count(seen, "CREATED"), DIRS - unwatched);
	write_file(limit_file, "1000");
	wait_for_recovery(t, unwatched);
	told(t);
	for (int i = 0; i < DIRS; i++)
		ck_assert(is_path_watched(at_base(name_of(i))));
	make_dir("r/099/y");
	make_dir("r/000/y");
	ck_assert_str_eq(told_sorted(t), "CREATED r/000/y/\nCREATED r/099/y/\n");
	butter_tree_close(t);
}

START_TEST(exactly_those_that_the_limit_leaves_out_are_told_and_they_recover_when_it_is_raised)
{
	level = levels[_i];
	in_namespaces(CLONE_NEWUSER | CLONE_NEWNS, few_watches, (void *)scratch());
}
END_TEST

static void room_again(void *dir)
{
	must_mount("tmpfs", dir);
	write_file(limit_file, "20");
	struct butter_tree *t = tree_of(level, dir);
	make_dir("r");
	for (int i = 0; i < LIMIT + 1; i++)
		make_dir(name_of(i));
	must_add(t, at_base("r"), 0);
	told(t);
	int removed = 0;
	while (!is_path_watched(at_base(name_of(removed))))
		removed++;
	remove_dir(name_of(removed));
	wait_for_recovery(t, 1);
	butter_tree_close(t);
}

START_TEST(a_watch_that_is_no_more_needed_goes_to_a_directory_that_had_none)
{
	level = levels[_i];
	in_namespaces(CLONE_NEWUSER | CLONE_NEWNS, room_again, (void *)scratch());
}
END_TEST

static void set_mode(const char *path, unsigned mode)
{
	ck_assert_int_eq(chmod(at_base(path), mode), 0);
}

static void unreadable(void *dir)
{
	struct butter_tree *t = tree_of(level, dir);
	become_nobody();
	make_dir("r");
	make_dir("r/d");
	make_dir("r/d/x");
	make_dir("r/e");
	set_mode("r/d", 0);
	must_add(t, at_base("r"), 0);
	const char *seen = told(t);
	ck_assert_int_eq(count(seen, "DEGRADED"), 1);
	ck_assert_ptr_nonnull(strstr(seen, "DEGRADED r/d/\n"));
	ck_assert_int_eq(last_degraded.error, EACCES);
	ck_assert_str_eq(last_degraded.limit, "");
	make_dir("r/e/y");
	ck_assert_str_eq(told(t), "CREATED r/e/y/\n");
	set_mode("r/d", 0755);
	ck_assert_str_eq(told_until(t, "CREATED r/d/x/"),
			 level ? "RECOVERED r/d/\nCREATED r/d/x/\n"
			       : "RECOVERED r/d/\nGAP r/d/\nCREATED r/d/x/\n");
	make_dir("r/d/z");
	ck_assert_str_eq(told(t), "CREATED r/d/z/\n");
	butter_tree_close(t);
}

/* The folder is nobody's, as far as root may give it away. */
static const char *folder_of_nobody(void)
{
	const char *dir = scratch();
	if (geteuid() == 0)
		ck_assert_int_eq(chown(dir, NOBODY, NOBODY), 0);
	return dir;
}

START_TEST(a_directory_that_may_not_be_read_is_told_and_recovers_when_it_may)
{
	level = levels[_i];
	in_child(unreadable, (void *)folder_of_nobody());
}
END_TEST

/* Its watch stays, and what it says cannot be looked at. */
static void later_unreadable(void *dir)
{
	struct butter_tree *t = tree_of(level, dir);
	become_nobody();
	make_dir("r");
	make_dir("r/d");
	make_dir("r/d/x");
	must_add(t, at_base("r"), 0);
	told(t);
	make_dir("r/d/y");
	set_mode("r/d", 0);
	ck_assert_str_eq(told(t), "DEGRADED r/d/\n");
	ck_assert_str_eq(told(t), "");
	set_mode("r/d", 0700);
	ck_assert_ptr_nonnull(strstr(told_until(t, "CREATED r/d/y/"), "RECOVERED r/d/\n"));
	set_mode("r/d", 0400);
	set_mode("r/d", 0700);
	remove_dir("r/d/x");
	set_mode("r/d", 0400);
	ck_assert_str_eq(told(t), "DEGRADED r/d/\n");
	set_mode("r/d", 0700);
	ck_assert_ptr_nonnull(strstr(told_until(t, "DELETED r/d/x/"), "RECOVERED r/d/\n"));
	butter_tree_close(t);
}

START_TEST(nothing_is_told_as_gone_because_it_may_not_be_looked_at)
{
	level = levels[_i];
	in_child(later_unreadable, (void *)folder_of_nobody());
}
END_TEST

static void set_files(rlim_t n)
{
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = n;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void no_fds(void *dir)
{
	struct rlimit old;
	struct butter_tree *t = tree_of(level, dir);
	getrlimit(RLIMIT_NOFILE, &old);
	make_dir("r");
	make_dir("r/a");
	must_add(t, at_base("r"), 0);
	told(t);
	make_dir("r/b");
	set_files(3);
	ck_assert_str_eq(told(t), "DEGRADED r/\n");
	ck_assert_int_eq(last_degraded.error, EMFILE);
	ck_assert_str_eq(last_degraded.limit, "RLIMIT_NOFILE");
	ck_assert_uint_eq(last_degraded.limit_value, 3);
	ck_assert_uint_ge(last_degraded.limit_use, 4);
	set_files(old.rlim_cur);
	ck_assert_ptr_nonnull(strstr(told_until(t, "CREATED r/b/"), "RECOVERED r/\n"));
	butter_tree_close(t);
}

START_TEST(without_fds_nothing_is_gone_and_it_recovers_when_there_are_some)
{
	level = levels[_i];
	in_child(no_fds, (void *)scratch());
}
END_TEST

SUITE(tree_degraded)
{
#define BOTH(test) tcase_add_loop_test(raw, test, 0, 2)
	BOTH(exactly_those_that_the_limit_leaves_out_are_told_and_they_recover_when_it_is_raised);
	BOTH(a_watch_that_is_no_more_needed_goes_to_a_directory_that_had_none);
	BOTH(a_directory_that_may_not_be_read_is_told_and_recovers_when_it_may);
	BOTH(nothing_is_told_as_gone_because_it_may_not_be_looked_at);
	BOTH(without_fds_nothing_is_gone_and_it_recovers_when_there_are_some);
}
