/* SPDX-License-Identifier: MIT */
/* What statistics say of memory: all that is kept for directories, whichever part of the tree keeps it. */
#include <stdio.h>
#include <sys/stat.h>

#include "../../src/tree/handles.h"
#include "../../src/tree/tree.h"
#include "test.h"

enum { COUNT = 200 };

static struct butter_tree *open_on(const char *top, uint32_t backend)
{
	struct butter_tree_root root = {.size = sizeof(root), .backend = backend};
	struct butter_tree *x = butter_tree_open(NULL);
	ck_assert_int_eq(butter_tree_add(x, top, &root, NULL), 0);
	return x;
}

static uint64_t bytes_of(const struct butter_tree *x)
{
	struct butter_tree_statistics s;
	butter_tree_get(x, &s);
	return s.bytes;
}

static void make_dirs(const char *top)
{
	char path[512];
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(path, sizeof(path), "%s/d%u", top, i);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
}

START_TEST(what_a_backend_knows_directories_by_is_counted)
{
	const char *top = scratch();
	make_dirs(top);
	struct butter_tree *x = open_on(top, BUTTER_TREE_POLL);
	const struct butter__channel *c = &x->channels[BUTTER_TREE_POLL - 1];
	size_t handles = butter__handles_bytes(c->state);
	ck_assert_uint_ge(handles, COUNT * sizeof(struct butter__handle));
	ck_assert_uint_ge(bytes_of(x), butter__model_bytes(&x->model) + butter__wds_bytes(&c->wds) + handles);
	butter_tree_close(x);
}
END_TEST

START_TEST(what_is_kept_for_a_while_is_counted)
{
	const char *top = scratch(), *below = path_in(top, "below");
	struct butter_tree_root root = {.size = sizeof(root), .backend = BUTTER_TREE_INOTIFY};
	struct butter_tree_event event;
	ck_assert_int_eq(mkdir(below, 0700), 0);
	struct butter_tree *x = open_on(top, BUTTER_TREE_INOTIFY);
	make_dirs(below);
	ck_assert_int_ge(butter_tree_sync(x, -1), 0);
	while (butter_tree_read_event(x, &event) > 0)
		continue;
	ck_assert_uint_ge(bytes_of(x), butter__model_bytes(&x->model) + butter__windows_bytes(x));
	uint64_t nodes = butter__model_bytes(&x->model), before = bytes_of(x);
	ck_assert_int_eq(butter_tree_add(x, below, &root, NULL), 1);
	ck_assert_uint_eq(x->aliases.count, COUNT + 1);
	uint64_t more = butter__model_bytes(&x->model) - nodes;
	ck_assert_uint_ge(bytes_of(x) - before, more + COUNT * sizeof(struct butter__alias));
	butter_tree_close(x);
}
END_TEST

SUITE(tree_bytes)
{
	tcase_add_test(tc, what_a_backend_knows_directories_by_is_counted);
	tcase_add_test(tc, what_is_kept_for_a_while_is_counted);
}
