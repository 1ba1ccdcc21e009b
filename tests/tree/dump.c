/* SPDX-License-Identifier: MIT */
/* What is known, against what the kernel and the disk have. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include <butter/tree.h>

#include "child.h"
#include "image.h"
#include "test.h"

static struct butter_tree *tree_of(uint32_t flags, const char *top, uint32_t backend)
{
	struct butter_tree_options options = {.size = sizeof(options), .flags = flags};
	struct butter_tree_root o = {.size = sizeof(o), .backend = backend};
	struct butter_tree *x = butter_tree_open(&options);
	struct butter_tree_event ev;
	ck_assert_ptr_nonnull(x);
	if (butter_tree_add(x, top, &o, NULL) < 0) {
		butter_tree_close(x);
		return NULL;
	}
	while (butter_tree_read_event(x, &ev) == 1)
		continue;
	return x;
}

/* Lines "inotify wd:1 ino:..." of all of this process's objects. */
static unsigned kernel_has(int32_t wd, uint64_t ino, unsigned *ret_all)
{
	unsigned found = 0;
	DIR *dir = opendir("/proc/self/fdinfo");
	ck_assert_ptr_nonnull(dir);
	*ret_all = 0;
	for (struct dirent *e; (e = readdir(dir));) {
		FILE *file = fopen(path_in("/proc/self/fdinfo", e->d_name), "re");
		char line[512];
		while (file && fgets(line, sizeof(line), file)) {
			unsigned long long has_wd, has_ino;
			if (sscanf(line, "inotify wd:%llx ino:%llx", &has_wd, &has_ino) != 2)
				continue;
			++*ret_all;
			found += has_wd == (uint32_t)wd && has_ino == ino;
		}
		if (file)
			fclose(file);
	}
	closedir(dir);
	return found;
}

static unsigned dumped, watched;
static int check_watch(const struct butter_tree_node *node, void *data)
{
	struct stat st;
	ck_assert_int_eq(lstat(node->path, &st), 0);
	ck_assert_uint_eq(node->ino, st.st_ino);
	dumped++;
	if (node->flags & BUTTER_TREE_IS_DIR) {
		ck_assert_uint_eq(kernel_has(node->wd, node->ino, data), 1);
		watched++;
	} else {
		ck_assert_int_eq(node->wd, -1);
	}
	return 0;
}

static int seven(const struct butter_tree_node *node, void *data)
{
	(void)node, (void)data;
	return 7;
}

START_TEST(dump_and_get_are_what_the_kernel_has)
{
	const char *top = scratch();
	unsigned in_kernel = 0;
	struct butter_tree_statistics got;
	struct butter_tree *x = tree_of(_i ? BUTTER_TREE_ENTRIES : 0, top, BUTTER_TREE_INOTIFY);
	for (unsigned i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof(name), "%u", i);
		ck_assert_int_eq(mkdir(path_in(top, name), 0755), 0);
		strcat(name, "/f");
		touch(path_in(top, name));
	}
	ck_assert_int_eq(rename(path_in(top, "1"), path_in(top, "2/1")), 0);
	ck_assert_int_eq(butter_tree_sync(x, -1), 1);
	dumped = watched = 0;
	ck_assert_int_eq(butter_tree_dump(x, check_watch, &in_kernel), 0);
	ck_assert_int_eq(butter_tree_dump(x, seven, NULL), 7);
	ck_assert_uint_eq(watched, 21);
	for (const char *at = top; *at; at++)
		in_kernel -= *at == '/';           /* the directories on the way */
	ck_assert_uint_eq(in_kernel, watched + 1); /* the barrier */
	butter_tree_get(x, &got);
	ck_assert_uint_eq(got.directories, 21);
	ck_assert_uint_eq(got.watches, 21);
	ck_assert_uint_eq(got.entries, dumped - watched); /* files */
	ck_assert_uint_eq(got.unwatched + got.overflows + got.rescans, 0);
	ck_assert_uint_gt(got.records, 20);
	ck_assert_uint_gt(got.bytes, 0);
	ck_assert_uint_eq(got.events, 1); /* READY, which tree_of() has read */
	butter_tree_close(x);
}
END_TEST

/* Stops at the nth. */
static int count_down(const struct butter_tree_node *node, void *data)
{
	unsigned *left = data;
	(void)node;
	return --*left == 0 ? -3 : 0;
}

START_TEST(dump_ends_when_told_to_and_says_what_it_was_told)
{
	const char *top = scratch();
	ck_assert_int_eq(mkdir(path_in(top, "a"), 0755), 0);
	ck_assert_int_eq(mkdir(path_in(top, "b"), 0755), 0);
	struct butter_tree *x = tree_of(0, top, BUTTER_TREE_INOTIFY);
	for (unsigned nth = 1; nth <= 3; nth++) {
		unsigned left = nth;
		ck_assert_int_eq(butter_tree_dump(x, count_down, &left), -3);
		ck_assert_uint_eq(left, 0);
	}
	unsigned left = 4;
	ck_assert_int_eq(butter_tree_dump(x, count_down, &left), 0);
	ck_assert_uint_eq(left, 1);
	butter_tree_close(x);
}
END_TEST

static int check_without_watch(const struct butter_tree_node *node, void *data)
{
	unsigned *count = data;
	struct stat st;
	ck_assert_int_eq(lstat(node->path, &st), 0);
	ck_assert_uint_eq(node->ino, st.st_ino);
	ck_assert_int_eq(node->wd, -1);
	ck_assert_uint_eq(node->flags, S_ISDIR(st.st_mode) ? BUTTER_TREE_IS_DIR : 0);
	ck_assert_int_eq(node->root, 0);
	++*count;
	return 0;
}

static int is_root;

/* A number of theirs for a directory is none of the kernel's. */
static void dump_others(void *arg)
{
	static const uint32_t others[] = {BUTTER_TREE_FANOTIFY, BUTTER_TREE_POLL};
	const char *dir = arg;
	struct butter_tree_statistics got;
	must_mount("tmpfs", dir);
	ck_assert_int_eq(mkdir(path_in(dir, "a"), 0755), 0);
	touch(path_in(dir, "a/f"));
	for (int i = 0; i < 2; i++) {
		unsigned count = 0;
		struct butter_tree *x = tree_of(BUTTER_TREE_ENTRIES, dir, others[i]);
		if (!x) {
			ck_assert(!is_root && i == 0);
			continue;
		}
		ck_assert_int_eq(butter_tree_dump(x, check_without_watch, &count), 0);
		ck_assert_uint_eq(count, 3);
		butter_tree_get(x, &got);
		ck_assert_uint_eq(got.directories, 2);
		ck_assert_uint_eq(got.entries, 1);
		ck_assert_uint_eq(got.watches, 0);
		butter_tree_close(x);
	}
}

START_TEST(what_fanotify_and_looking_know_has_no_watch)
{
	is_root = geteuid() == 0;
	in_mount_namespace(dump_others, (void *)(uintptr_t)scratch());
}
END_TEST

SUITE(tree_dump)
{
	tcase_add_loop_test(tc, dump_and_get_are_what_the_kernel_has, 0, 2);
	tcase_add_test(tc, dump_ends_when_told_to_and_says_what_it_was_told);
	tcase_add_test(raw, what_fanotify_and_looking_know_has_no_watch);
}
