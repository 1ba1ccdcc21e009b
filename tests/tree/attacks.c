/* SPDX-License-Identifier: MIT */
/* What others can do to a tree that is watched: swaps with symlinks, depth, names. */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../support/child.h"
#include "../support/fault.h"
#include "../support/test.h"
#include "told.h"
#include "watched.h"

enum {
	DEPTH = 200,
	STACK = 256 << 10,
	FILES = 64,
	ROUNDS = 60,
	EXCHANGE = 2,
	APART = 32,
	BURST = 4,
	MANY = 30000
};

static const unsigned levels[] = {0, BUTTER_TREE_ENTRIES};
static unsigned level;
static char path_a[PATH_MAX], path_b[PATH_MAX];
static const char long_name[] = "a-name-of-some-length";

/* Until it is killed. Its parent's end ends it too. */
static pid_t swap_for_ever(const char *a, const char *b)
{
	pid_t parent = getpid(), pid = check_fork();
	ck_assert_int_ge(pid, 0);
	while (pid == 0 && getppid() == parent) {
		syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, EXCHANGE);
		sched_yield();
	}
	if (pid == 0)
		_exit(0);
	return pid;
}

static void assert_outside_is_not_watched(void)
{
	ck_assert(!is_path_watched(at_base("out")));
	ck_assert(!is_path_watched(at_base("out/a")));
	ck_assert(!is_path_watched(at_base("out/a/b")));
}

/* Up to the mark of a sync: whoever reads until there is nothing more reads as long as there is an attacker.
 */
static void drain(struct butter_tree *t)
{
	struct butter_tree_event ev = {0};
	ck_assert_int_eq(butter_tree_sync(t, -1), 1);
	while (ev.type != BUTTER_TREE_SYNC) {
		ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
		ck_assert_ptr_null(strstr(ev.path, "secret"));
	}
}

START_TEST(nothing_outside_is_watched_while_a_directory_and_a_symlink_change_places)
{
	struct butter_tree *t = tree_of(levels[_i], scratch());
	make_dir("out");
	make_dir("out/a");
	make_dir("out/a/b");
	make_file("out/a/secret");
	make_dir("r");
	make_dir("r/d");
	make_dir("r/d/a");
	make_dir("r/d/a/b");
	make_symlink("../out", "r/link");
	pid_t pid = swap_for_ever(at_base("r/d"), at_base("r/link"));
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 3 == 0)
			must_add(t, at_base("r"), 0);
		drain(t);
		if (i % 10 == 0)
			assert_outside_is_not_watched();
		if (i % 3 == 2)
			ck_assert_int_eq(butter_tree_remove(t, at_base("r")), 0);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_outside_is_not_watched();
	butter_tree_close(t);
}
END_TEST

/* Where it ends. Its fd is the caller's. */
static int make_depth(int depth)
{
	int at = open(at_base("r"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < depth; i++) {
		ck_assert_int_eq(mkdirat(at, long_name, 0755), 0);
		int next = openat(at, long_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	return at;
}

/* From the end, since nothing else reaches it by a path. */
static void remove_depth(int at, int depth)
{
	for (int i = 0; i < depth; i++) {
		int up = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		ck_assert_int_eq(unlinkat(up, long_name, AT_REMOVEDIR), 0);
		at = up;
	}
	close(at);
}

static void next_is(struct butter_tree *t, uint32_t type, struct butter_tree_event *ret)
{
	do
		ck_assert_int_eq(butter_tree_wait_event(t, ret, INT64_C(20000000000)), 1);
	while (ret->type != type);
}

static void *watch_deep(void *arg)
{
	struct butter_tree *t = arg;
	struct butter_tree_event ev;
	int end = make_depth(DEPTH);
	size_t len = strlen(at_base("r")) + (size_t)DEPTH * sizeof(long_name);
	must_add(t, at_base("r"), 0);
	next_is(t, BUTTER_TREE_READY, &ev);
	ck_assert_int_eq(mkdirat(end, "new", 0755), 0);
	next_is(t, BUTTER_TREE_CREATED, &ev);
	while (strcmp(ev.name, "new") != 0)
		next_is(t, BUTTER_TREE_CREATED, &ev);
	ck_assert_uint_eq(ev.path_len, len + 4);
	ck_assert_uint_gt(ev.path_len, PATH_MAX);
	ck_assert_uint_eq(strlen(ev.path), ev.path_len);
	ck_assert_int_eq(unlinkat(end, "new", AT_REMOVEDIR), 0);
	next_is(t, BUTTER_TREE_DELETED, &ev);
	ck_assert_uint_eq(ev.path_len, len + 4);
	remove_depth(end, DEPTH);
	for (int i = 0; i < DEPTH; i++)
		next_is(t, BUTTER_TREE_DELETED, &ev);
	ck_assert_str_eq(ev.path, path_in(at_base("r"), long_name));
	end = make_depth(DEPTH);
	for (int i = 0; i < DEPTH; i++)
		next_is(t, BUTTER_TREE_CREATED, &ev);
	ck_assert_uint_eq(ev.path_len, len);
	remove_depth(end, DEPTH);
	return NULL;
}

static void deep(void *dir)
{
	pthread_t thread;
	pthread_attr_t attributes;
	struct rlimit files = {FILES, FILES};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	struct butter_tree *t = tree_of(level, dir);
	make_dir("r");
	ck_assert_int_eq(pthread_attr_init(&attributes), 0);
	ck_assert_int_eq(pthread_attr_setstacksize(&attributes, STACK), 0);
	ck_assert_int_eq(pthread_create(&thread, &attributes, watch_deep, t), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&attributes);
	butter_tree_close(t);
}

START_TEST(a_path_longer_than_any_call_takes_is_told_whole_with_a_small_stack_and_few_fds)
{
	level = levels[_i];
	in_child(deep, (void *)scratch());
}
END_TEST

static const char *odd_name(int i)
{
	static char longest[NAME_MAX + 1];
	static const char *const names[] = {"new\nline", "\xff\xfe\x80", " ", "..a", "\\134", longest};
	memset(longest, 'x', NAME_MAX);
	return i < 6 ? names[i] : NULL;
}

START_TEST(names_are_any_bytes)
{
	struct butter_tree *t = tree_of(levels[_i], scratch());
	char line[4 * NAME_MAX];
	make_dir("r");
	must_add(t, at_base("r"), 0);
	told(t);
	for (int i = 0; odd_name(i); i++) {
		const char *path = path_in("r", odd_name(i));
		make_dir(path);
		make_dir(path_in(path, "x"));
		snprintf(line, sizeof(line), "CREATED %s/\nCREATED %s/x/\n", path, path);
		ck_assert_str_eq(told(t), line);
		change_name(path, "r/plain");
		snprintf(line, sizeof(line), "MOVED %s > r/plain/\n", path);
		ck_assert_str_eq(told(t), line);
		remove_dir("r/plain/x");
		remove_dir("r/plain");
		ck_assert_str_eq(told(t), "DELETED r/plain/x/\nDELETED r/plain/\n");
	}
	butter_tree_close(t);
}
END_TEST

/* The root is x/r, where x leads to the one or the other, and y to the other or the one. */
static struct butter_tree *tree_of_two(const char *dir, unsigned which)
{
	struct butter_tree *t = tree_of(which, dir);
	make_dir("one");
	make_dir("one/r");
	make_dir("one/r/a");
	make_dir("two");
	make_dir("two/r");
	make_dir("two/r/b");
	make_symlink("one", "x");
	make_symlink("two", "y");
	must_add(t, at_base("x/r"), 0);
	return t;
}

static void assert_last_is_watched(void)
{
	const char *there = access(at_base("x/r/a"), F_OK) == 0 ? "one/r/a" : "two/r/b";
	const char *other = *there == 'o' ? "two/r/b" : "one/r/a";
	ck_assert(is_path_watched(at_base(there)));
	ck_assert(!is_path_watched(at_base(other)));
}

static void swap_root(const char *dir, unsigned which)
{
	struct butter_tree *t = tree_of_two(dir, which);
	struct butter_tree_event ev;
	pid_t pid = swap_for_ever(at_base("x"), at_base("y"));
	for (int i = 0; i < ROUNDS; i++)
		ck_assert_int_eq(butter_tree_wait_event(t, &ev, INT64_C(20000000000)), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	told(t);
	assert_last_is_watched();
	butter_tree_close(t);
}

START_TEST(the_way_to_a_root_is_exchanged_again_and_again_and_the_last_is_watched)
{
	swap_root(scratch(), levels[_i]);
}
END_TEST

static int calls, swap_at, swap_again;

static void swap_ways(void)
{
	ck_assert_int_eq(syscall(SYS_renameat2, AT_FDCWD, path_a, AT_FDCWD, path_b, EXCHANGE), 0);
}

static void swap_between(long number)
{
	(void)number;
	calls++;
	if (calls != swap_at && calls != swap_again)
		return;
	fault_between = NULL;
	swap_ways();
	fault_between = swap_between;
}

/* The way is another before the nth call of what a change of it gives rise to, and is the first again some
 * later. */
START_TEST(the_way_to_a_root_is_exchanged_between_any_two_calls_and_the_last_is_watched)
{
	struct butter_tree *t = tree_of_two(scratch(), levels[_i]);
	snprintf(path_a, sizeof(path_a), "%s", at_base("x"));
	snprintf(path_b, sizeof(path_b), "%s", at_base("y"));
	told(t);
	for (int apart = 1; apart <= APART; apart *= 2) {
		swap_at = calls = 0;
		while (swap_at <= calls) {
			swap_again = ++swap_at + apart;
			calls = 0;
			swap_ways();
			fault_between = swap_between;
			told(t);
			fault_between = NULL;
			told(t);
			assert_last_is_watched();
		}
	}
	butter_tree_close(t);
}
END_TEST

/* A file of a new directory is known until all has been read that was written when the directory was listed.
 */
START_TEST(a_directory_that_changes_places_with_a_file_of_a_new_one_is_told)
{
	struct butter_tree *t = tree_of(levels[_i], scratch());
	char name[64], line[80];
	make_dir("r");
	make_dir("out");
	must_add(t, at_base("r"), 0);
	told(t);
	swap_again = 0;
	for (calls = swap_at = 1; calls >= swap_at; swap_at++) {
		snprintf(name, sizeof(name), "out/%d", swap_at);
		make_dir(name);
		snprintf(path_a, sizeof(path_a), "%s", at_base(name));
		snprintf(name, sizeof(name), "r/%d", swap_at);
		make_dir(name);
		snprintf(name, sizeof(name), "r/%d/x", swap_at);
		make_file(name);
		snprintf(path_b, sizeof(path_b), "%s", at_base(name));
		calls = 0;
		fault_between = swap_between;
		const char *text = told(t);
		fault_between = NULL;
		snprintf(line, sizeof(line), "CREATED %s/\n", name);
		ck_assert_msg(calls < swap_at || strstr(text, line) || strstr(told(t), line),
			      "%s is not told, exchanged before call %d", name, swap_at);
	}
	butter_tree_close(t);
}
END_TEST

SUITE(tree_attacks)
{
#define BOTH(in, test) tcase_add_loop_test(in, test, 0, 2)
	BOTH(raw, nothing_outside_is_watched_while_a_directory_and_a_symlink_change_places);
	BOTH(raw, a_path_longer_than_any_call_takes_is_told_whole_with_a_small_stack_and_few_fds);
	BOTH(tc, names_are_any_bytes);
	BOTH(tc, a_directory_that_changes_places_with_a_file_of_a_new_one_is_told);
	BOTH(raw, the_way_to_a_root_is_exchanged_again_and_again_and_the_last_is_watched);
	BOTH(tc, the_way_to_a_root_is_exchanged_between_any_two_calls_and_the_last_is_watched);
}
