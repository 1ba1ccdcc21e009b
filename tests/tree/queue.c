/* SPDX-License-Identifier: MIT */
/* Events and their paths, first in, first out. */
#include <stdio.h>

#include "../../src/tree/queue.h"
#include "test.h"

static void add(struct butter__queue *q, unsigned i)
{
	char path[600], old[32];
	int len = snprintf(path, sizeof(path), "/a/%0*u", (int)(i % 500) + 1, i);
	int old_len = snprintf(old, sizeof(old), "/b/%u", i);
	struct butter_tree_event ev = {.type = BUTTER_TREE_MOVED,
				       .path = path,
				       .path_len = (uint32_t)len,
				       .name_len = (uint32_t)len - 3,
				       .old_path = i % 2 ? old : "",
				       .old_path_len = i % 2 ? (uint32_t)old_len : 0,
				       .limit = "",
				       .cookie = i};
	butter__queue_add(q, &ev);
}

static void take(struct butter__queue *q, unsigned i)
{
	struct butter_tree_event ev;
	ck_assert_int_eq(butter__queue_take(q, &ev), 1);
	ck_assert_uint_eq(ev.cookie, i);
	ck_assert_uint_eq(strlen(ev.path), ev.path_len);
	ck_assert_uint_eq(strlen(ev.old_path), ev.old_path_len);
	ck_assert_uint_eq(strlen(ev.name), ev.name_len);
	ck_assert_uint_eq(strtoul(ev.name, NULL, 10), i);
	ck_assert_uint_eq(ev.old_path_len > 0, i % 2);
}

START_TEST(events_come_out_as_they_went_in)
{
	struct butter__queue q = {0};
	unsigned in = 0, out = 0;
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned n = round % 17; n > 0; n--)
			add(&q, in++);
		ck_assert_uint_eq(q.count, in - out);
		for (unsigned n = round % 13; n > 0 && out < in; n--)
			take(&q, out++);
	}
	while (out < in)
		take(&q, out++);
	ck_assert_uint_eq(q.count, 0);
	butter__queue_free(&q);
}
END_TEST

START_TEST(an_empty_queue_gives_nothing_and_touches_nothing)
{
	struct butter__queue q = {0};
	struct butter_tree_event ev = {.cookie = 7};
	ck_assert_int_eq(butter__queue_take(&q, &ev), 0);
	ck_assert_uint_eq(ev.cookie, 7);
	add(&q, 1);
	take(&q, 1);
	ck_assert_int_eq(butter__queue_take(&q, &ev), 0);
	butter__queue_free(&q);
}
END_TEST

/* A reader that is as fast as the writer, and never quite there. */
START_TEST(a_queue_that_is_never_empty_does_not_grow)
{
	struct butter__queue q = {0};
	add(&q, 0);
	for (unsigned i = 1; i < 20000; i++) {
		add(&q, i);
		take(&q, i - 1);
	}
	ck_assert_uint_le(q.size, 65536);
	butter__queue_free(&q);
}
END_TEST

SUITE(tree_queue)
{
	tcase_add_test(tc, events_come_out_as_they_went_in);
	tcase_add_test(tc, an_empty_queue_gives_nothing_and_touches_nothing);
	tcase_add_test(tc, a_queue_that_is_never_empty_does_not_grow);
}
