/* SPDX-License-Identifier: MIT */
/* A chain of directories, each in the one before: none costs more for being deep. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <butter/tree.h>

#include "test.h"
#include "trace.h"

#define NAME "a name of some forty bytes, in every level"

enum { SHALLOW = 50, DEEP = 500, DEEPEST = 2000 };

static const struct butter_tree_root by_inotify = {.size = sizeof(by_inotify),
						   .backend = BUTTER_TREE_INOTIFY};

/* The fd of the last. */
static int make_chain(const char *top, unsigned depth)
{
	int at = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < depth; i++) {
		ck_assert_int_eq(mkdirat(at, NAME, 0700), 0);
		int next = openat(at, NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ge(next, 0);
		close(at);
		at = next;
	}
	return at;
}

/* From the last up to top, whose entry is called as it is by now. */
static void remove_chain(int at, unsigned depth, const char *first)
{
	for (unsigned i = depth; i > 0; i--) {
		int up = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_eq(unlinkat(up, i == 1 ? first : NAME, AT_REMOVEDIR), 0);
		close(at);
		at = up;
	}
	close(at);
}

/* All until now: how many events of this type, and the longest path of one. */
static unsigned drain(struct butter_tree *x, uint32_t type, size_t *ret_len)
{
	struct butter_tree_event ev = {0};
	unsigned count = 0;
	ck_assert_int_eq(butter_tree_sync(x, -1), 1);
	while (ev.type != BUTTER_TREE_SYNC) {
		ck_assert_int_eq(butter_tree_read_event(x, &ev), 1);
		count += ev.type == type;
		if (ev.type == type && ret_len && ev.path_len > *ret_len)
			*ret_len = ev.path_len;
	}
	return count;
}

struct chain {
	const char *top;
	unsigned depth;
	uint32_t workers;
	int is_there; /* before it is watched */
};

static void live(struct butter_tree *x, const struct chain *c, int at)
{
	size_t len = 0, whole = strlen(c->top) + c->depth * sizeof(NAME);
	int fd = openat(at, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_uint_eq(drain(x, BUTTER_TREE_CREATED, &len), 1);
	ck_assert_uint_eq(len, whole + strlen("/file"));
	ck_assert_int_eq(rename(path_in(c->top, NAME), path_in(c->top, "renamed")), 0);
	ck_assert_uint_eq(drain(x, BUTTER_TREE_MOVED, NULL), 1);
	len = 0;
	ck_assert_int_eq(unlinkat(at, "file", 0), 0);
	ck_assert_uint_eq(drain(x, BUTTER_TREE_DELETED, &len), 1);
	ck_assert_uint_eq(len, whole - strlen(NAME) + strlen("renamed") + strlen("/file"));
	remove_chain(at, c->depth, "renamed");
	ck_assert_uint_eq(drain(x, BUTTER_TREE_DELETED, NULL), c->depth);
}

static void run(void *arg)
{
	const struct chain *c = arg;
	struct butter_tree_options options = {.size = sizeof(options), .scan_workers = c->workers};
	struct butter_tree_statistics s;
	struct butter_tree *x = butter_tree_open(&options);
	int at = c->is_there ? make_chain(c->top, c->depth) : -1;
	ck_assert_int_eq(butter_tree_add(x, c->top, &by_inotify, NULL), 0);
	if (at < 0) {
		at = make_chain(c->top, c->depth);
		ck_assert_uint_eq(drain(x, BUTTER_TREE_CREATED, NULL), c->depth);
	}
	butter_tree_get(x, &s);
	ck_assert_uint_eq(s.directories, c->depth + 1);
	ck_assert_uint_eq(s.watches, c->depth + 1);
	live(x, c, at);
	butter_tree_close(x);
}

static double calls_for_each(struct chain *c, unsigned depth)
{
	c->depth = depth;
	return (double)trace_total(run, c) / depth;
}

START_TEST(a_level_of_a_deep_chain_takes_no_more_calls_than_one_of_a_shallow_chain)
{
	struct chain c = {.top = scratch(), .is_there = _i};
	unsigned depth = amount(DEEP, DEEPEST);
	double shallow = calls_for_each(&c, SHALLOW), deep = calls_for_each(&c, depth);
	ck_assert_msg(deep <= shallow + 2, "%.1f calls for a level of %u, %.1f of %d", deep, depth, shallow,
		      SHALLOW);
}
END_TEST

START_TEST(threads_go_down_a_chain_too)
{
	struct chain c = {.top = scratch(), .depth = amount(DEEP, DEEPEST), .workers = 2, .is_there = 1};
	run(&c);
}
END_TEST

SUITE(tree_deep)
{
	tcase_add_loop_test(raw, a_level_of_a_deep_chain_takes_no_more_calls_than_one_of_a_shallow_chain, 0,
			    2);
	tcase_add_test(tc, threads_go_down_a_chain_too);
}
