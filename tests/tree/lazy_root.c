/* SPDX-License-Identifier: MIT */
/* Roots that are not walked: rules, mounts, losses, roots that come and go. */
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <butter/fanotify.h>
#include <butter/file.h>
#include <butter/tree.h>

#include "child.h"
#include "image.h"
#include "replay.h"
#include "scenarios.h"
#include "test.h"
#include "told.h"
#include "unwalked.h"

UNWALKED(what_is_pruned_is_not_there)
{
	const struct butter_tree_rule rule = {.action = BUTTER_TREE_PRUNE, .pattern = "no"};
	const struct butter_tree_root o = {
		.size = sizeof(o), .rules = &rule, .rule_count = 1, .flags = BUTTER_TREE_SKIP_HIDDEN};
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/no/b");
	make_dirs("top/a/.x/b");
	make_dirs("top/a/yes/b");
	if (!unwalked_add(t, "top", &o))
		return;
	make_file("top/a/no/b/f");
	make_file("top/a/.x/b/f");
	make_file("top/a/yes/b/f");
	TOLD(t, "CREATED top/a/yes/b/f\n");
	change_name("top/a/.x", "top/a/x");
	TOLD(t, "CREATED top/a/x/\nCREATED top/a/x/b/\nCREATED top/a/x/b/f\n");
	change_name("top/a/yes", "top/a/no2");
	change_name("top/a/no2", "top/a/.y");
	make_file("top/a/.y/b/g");
	TOLD(t, "CREATED top/a/no2/\nDELETED top/a/no2/\nDELETED top/a/yes/b/\nDELETED top/a/yes/\n");
	butter_tree_close(t);
}

/* Where paths decide, nobody knows what is below it, so that it goes and comes. */
UNWALKED(below_the_greatest_depth_is_nothing)
{
	const struct butter_tree_root o = {.size = sizeof(o), .max_depth = 3};
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b/c/d");
	if (!unwalked_add(t, "top", &o))
		return;
	make_file("top/a/b/c/d/f");
	make_file("top/a/b/c/f");
	make_file("top/a/b/f");
	make_dir("top/a/b/new");
	TOLD(t, "CREATED top/a/b/f\nCREATED top/a/b/new/\n");
	change_name("top/a/b", "top/b");
	ck_assert_str_eq(told_sorted(t),
			 "CREATED top/b/\nCREATED top/b/c/\nCREATED top/b/c/d/\nCREATED top/b/c/f\n"
			 "CREATED top/b/f\nCREATED top/b/new/\n"
			 "DELETED top/a/b/\nDELETED top/a/b/c/\nDELETED top/a/b/new/\n");
	butter_tree_close(t);
}

UNWALKED(a_root_with_an_ignore_file_is_walked)
{
	const struct butter_tree_root o = {.size = sizeof(o), .ignore_file = ".ignore"};
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b/c");
	if (!unwalked_add(t, "top", &o))
		return;
	ck_assert_uint_eq(directories_of(t), 4);
	/* One that is not is beside it. */
	ck_assert(unwalked_add(t, "top/a", NULL));
	make_file("top/a/b/c/f");
	TOLD(t, "CREATED top/a/b/c/f\nCREATED top/a/b/c/f\n");
	butter_tree_close(t);
}

UNWALKED(a_mount_below_is_met_too)
{
	const struct butter_tree_root one = {.size = sizeof(one), .flags = BUTTER_TREE_ONE_FILESYSTEM};
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/m");
	must_mount("tmpfs", at_base("top/a/m"));
	make_dirs("top/a/m/x/y");
	if (!unwalked_add(t, "top", NULL))
		return;
	ck_assert_uint_eq(directories_of(t), 1);
	make_file("top/a/m/x/y/f");
	change_name("top/a/m/x", "top/a/m/z");
	TOLD(t, "CREATED top/a/m/x/y/f\nMOVED top/a/m/x > top/a/m/z/\n");
	must(umount(at_base("top/a/m")));
	ck_assert_ptr_nonnull(strstr(told(t), "UNMOUNTED top/a/m/\n"));
	make_dir("top/a/m/under");
	TOLD(t, "CREATED top/a/m/under/\n");
	must_mount("tmpfs", at_base("top/a/m"));
	ck_assert_ptr_nonnull(strstr(told(t), "MOUNTED top/a/m/\n"));
	make_dirs("top/a/m/p/q");
	TOLD(t, "CREATED top/a/m/p/\nCREATED top/a/m/p/q/\n");
	butter_tree_close(t);
	t = tree_of(0, arg);
	ck_assert(unwalked_add(t, "top", &one));
	make_file("top/a/m/p/q/f");
	make_file("top/a/f");
	TOLD(t, "CREATED top/a/f\n");
	butter_tree_close(t);
}

/* A mount that is not known to be one of the tree's, over and away from a directory that nothing is known of.
 */
UNWALKED(a_mount_comes_and_goes_where_nothing_is_known)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/m/under");
	if (!unwalked_add(t, "top", NULL))
		return;
	must_mount("tmpfs", at_base("top/a/m"));
	make_dirs("top/a/m/new");
	TOLD(t, "MOUNTED top/a/m/\nCREATED top/a/m/new/\n");
	must(umount(at_base("top/a/m")));
	TOLD(t, "UNMOUNTED top/a/m/\nDELETED top/a/m/new/\nCREATED top/a/m/under/\n");
	make_file("top/a/m/under/f");
	TOLD(t, "CREATED top/a/m/under/f\n");
	butter_tree_close(t);
}

/* From a handle only one of the paths would be found. */
UNWALKED(a_directory_that_is_there_twice_is_told_by_both_paths)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b");
	make_dirs("top/m");
	char *from = strdup(at_base("top/a"));
	must(mount(from, at_base("top/m"), NULL, MS_BIND, NULL));
	if (!unwalked_add(t, "top", NULL))
		return;
	ck_assert_uint_eq(directories_of(t), 5);
	make_file("top/a/b/f");
	ck_assert_str_eq(told_sorted(t), "CREATED top/a/b/f\nCREATED top/m/b/f\n");
	must(umount(at_base("top/m")));
	butter_tree_close(t);
	t = tree_of(0, arg);
	ck_assert(unwalked_add(t, "top", NULL));
	ck_assert_uint_eq(directories_of(t), 1);
	must(mount(from, at_base("top/m"), NULL, MS_BIND, NULL));
	ck_assert_ptr_nonnull(strstr(told(t), "GAP top/\n"));
	make_file("top/a/b/g");
	ck_assert_str_eq(told_sorted(t), "CREATED top/a/b/g\nCREATED top/m/b/g\n");
	butter_tree_close(t);
	free(from);
}

/* Reached by another mount than its neighbour. */
UNWALKED(a_root_on_a_bind_mount_has_its_own_paths)
{
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b/c");
	make_dirs("bound");
	char *from = strdup(at_base("top/a"));
	must(mount(from, at_base("bound"), NULL, MS_BIND, NULL));
	if (!unwalked_add(t, "top", NULL) || !unwalked_add(t, "bound", NULL))
		return;
	make_file("top/a/b/c/f");
	ck_assert_str_eq(told_sorted(t), "CREATED bound/b/c/f\nCREATED top/a/b/c/f\n");
	make_file("top/g");
	TOLD(t, "CREATED top/g\n");
	butter_tree_close(t);
	free(from);
}

UNWALKED(after_a_full_queue_there_is_a_gap_and_then_it_goes_on)
{
	long limit = read_number("/proc/sys/fs/fanotify/max_queued_events");
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b/c");
	make_dir("out");
	if (!unwalked_add(t, "top", NULL))
		return;
	make_file("top/a/b/c/f");
	TOLD(t, "CREATED top/a/b/c/f\n");
	for (long i = 0; i <= limit; i++) {
		char name[32];
		snprintf(name, sizeof(name), "out/x%ld", i);
		must(mknod(at_base(name), S_IFREG | 0600, 0));
	}
	change_name("top/a/b", "top/b");
	TOLD(t, "RESCAN top/\nGAP top/\n");
	ck_assert_uint_eq(directories_of(t), 1);
	remove_file("top/b/c/f");
	change_name("top/b/c", "top/c");
	TOLD(t, "DELETED top/b/c/f\nMOVED top/b/c > top/c/\n");
	butter_tree_close(t);
}

UNWALKED(a_root_that_is_made_again_is_new)
{
	const struct butter_tree_root wait = {.size = sizeof(wait), .flags = BUTTER_TREE_WAIT};
	struct butter_tree *t = unwalked_begin(arg);
	make_dirs("top/a/b");
	if (!unwalked_add(t, "top", NULL) || !unwalked_add(t, "later", &wait))
		return;
	change_name("top", "gone");
	make_dirs("top/n/m");
	ck_assert_str_eq(told(t), "DELETED top/\nCREATED top/\nCREATED top/n/\nCREATED top/n/m/\n");
	make_file("gone/a/b/f");
	make_file("top/n/m/f");
	TOLD(t, "CREATED top/n/m/f\n");
	change_name("gone", "later");
	TOLD(t, "CREATED later/\nCREATED later/a/\nCREATED later/a/b/\nCREATED later/a/b/f\n");
	make_file("later/a/b/g");
	TOLD(t, "CREATED later/a/b/g\n");
	butter_tree_close(t);
}

/* Two writers among names that are few, in a tree that was there. */
enum { NAMES = 5, OPS = 1500 };

struct churner {
	unsigned state;
	int running;
	const char *dir;
};

static unsigned roll(struct churner *w, unsigned sides)
{
	w->state = w->state * 1103515245u + 12345u;
	return (w->state >> 16) % sides;
}

static void random_path(struct churner *w, char *path, size_t size)
{
	size_t at = (size_t)snprintf(path, size, "%s/%s", w->dir, roll(w, 20) ? "top" : "out");
	for (unsigned depth = 1 + roll(w, 4); depth > 0; depth--)
		at += (size_t)snprintf(path + at, size - at, "/%u", roll(w, NAMES));
}

/* Nothing is renamed over anything, so that every directory is told of. */
static void *churn(void *arg)
{
	struct churner *w = arg;
	char a[200], b[200];
	for (int i = 0; i < OPS; i++) {
		unsigned what = roll(w, 10);
		random_path(w, a, sizeof(a));
		random_path(w, b, sizeof(b));
		if (what < 3)
			(void)!mkdir(a, 0755);
		else if (what < 5)
			(void)!rmdir(a);
		else if (what < 9)
			(void)!butter_renameat2(AT_FDCWD, a, AT_FDCWD, b, 1);
		else
			(void)!butter_renameat2(AT_FDCWD, a, AT_FDCWD, b, 2);
	}
	__atomic_store_n(&w->running, 0, __ATOMIC_SEQ_CST);
	return NULL;
}

static struct replay *listing;

static int list_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const struct butter_tree_event ev = {
		.type = BUTTER_TREE_CREATED, .flags = BUTTER_TREE_IS_DIR, .path = path, .old_path = ""};
	(void)type;
	if (at->level > 0 && S_ISDIR(st->st_mode))
		replay_event(listing, &ev);
	return 0;
}

static size_t there;

static int check_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)type;
	if (at->level > 0 && S_ISDIR(st->st_mode)) {
		there++;
		ck_assert_msg(replay_has(listing, path), "%s is not known", path);
	}
	return 0;
}

static void read_all(struct butter_tree *t, struct replay *r, struct churner *churners)
{
	struct butter_tree_event ev = {0};
	while (__atomic_load_n(&churners[0].running, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&churners[1].running, __ATOMIC_SEQ_CST))
		if (butter_tree_wait_event(t, &ev, 1000000) == 1)
			replay_event(r, &ev);
	ck_assert_int_eq(butter_tree_sync(t, -1), 1);
	while (ev.type != BUTTER_TREE_SYNC) {
		ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
		replay_event(r, &ev);
	}
}

static void churn_once(const char *dir, unsigned seed)
{
	struct replay r = {.dirs_only = 1, .lazy = 1};
	struct churner churners[2] = {{seed * 2, 1, dir}, {seed * 2 + 1, 1, dir}};
	pthread_t threads[2];
	struct butter_tree *t = tree_of(0, dir);
	listing = &r;
	ck_assert(unwalked_add(t, "top", NULL));
	nftw(at_base("top"), list_one, 256, FTW_PHYS);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, &churners[i]), 0);
	read_all(t, &r, churners);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	there = 0;
	nftw(at_base("top"), check_one, 256, FTW_PHYS);
	ck_assert_msg(r.errors == 0 && there == r.count,
		      "BUTTER_STORM_SEED=%u: %u errors (%s), %zu told, %zu there", seed, r.errors, r.first,
		      r.count, there);
	replay_free(&r);
	butter_tree_close(t);
}

UNWALKED(among_writers_what_is_told_of_directories_is_what_is_there)
{
	const char *first = getenv("BUTTER_STORM_SEED");
	unsigned seed = first ? (unsigned)strtoul(first, NULL, 10) : 1;
	struct butter_tree *t = unwalked_begin(arg);
	make_dir("top");
	make_dir("out");
	if (!unwalked_add(t, "top", NULL))
		return;
	butter_tree_close(t);
	for (unsigned i = 0; i < 625; i++) {
		char path[32];
		snprintf(path, sizeof(path), "top/%u/%u/%u/%u", i % 5, i / 5 % 5, i / 25 % 5, i / 125);
		if (i % 3)
			make_dirs(path);
	}
	for (unsigned i = 0; i < 10; i++)
		churn_once(arg, seed + i);
}

SUITE(tree_lazy_root)
{
	tcase_set_timeout(raw, 120);
	tcase_add_test(raw, what_is_pruned_is_not_there);
	tcase_add_test(raw, below_the_greatest_depth_is_nothing);
	tcase_add_test(raw, a_root_with_an_ignore_file_is_walked);
	tcase_add_test(raw, a_mount_below_is_met_too);
	tcase_add_test(raw, a_mount_comes_and_goes_where_nothing_is_known);
	tcase_add_test(raw, a_directory_that_is_there_twice_is_told_by_both_paths);
	tcase_add_test(raw, a_root_on_a_bind_mount_has_its_own_paths);
	tcase_add_test(raw, after_a_full_queue_there_is_a_gap_and_then_it_goes_on);
	tcase_add_test(raw, a_root_that_is_made_again_is_new);
	tcase_add_test(raw, among_writers_what_is_told_of_directories_is_what_is_there);
}
