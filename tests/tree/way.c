/* SPDX-License-Identifier: MIT */
/* The way from one directory to another. */
#include "../../src/tree/model.h"
#include "test.h"

static struct butter__model m;

static uint32_t add(uint32_t parent, const char *name)
{
	uint32_t node = butter__model_add(&m, parent, name, strlen(name), BUTTER__NODE_DIR);
	ck_assert_uint_ne(node, 0);
	return node;
}

static void assert_way(uint32_t from, uint32_t to, const char *way)
{
	char buf[64];
	ck_assert_uint_eq(butter__model_way(&m, from, to, buf, sizeof(buf)), strlen(way));
	if (*way)
		ck_assert_str_eq(buf, way);
}

START_TEST(it_goes_up_and_down_when_that_is_shorter_than_from_the_root)
{
	butter__model_init(&m, 0);
	uint32_t root = butter__model_add_root(&m, 0), a = add(root, "a"), b = add(a, "bb"), c = add(b, "c");
	uint32_t d = add(c, "d"), e = add(c, "ee"), other = add(root, "other");
	assert_way(c, d, "d");
	assert_way(b, d, "c/d");
	assert_way(d, e, "../ee");
	assert_way(d, c, "..");
	assert_way(d, b, "");    /* two levels either way */
	assert_way(root, d, ""); /* from the root */
	assert_way(d, d, "");
	assert_way(d, root, "");
	assert_way(d, other, "");
	butter__model_free(&m);
}
END_TEST

START_TEST(between_two_roots_there_is_none)
{
	butter__model_init(&m, 0);
	uint32_t a = add(butter__model_add_root(&m, 0), "a"), b = add(butter__model_add_root(&m, 1), "b");
	assert_way(add(a, "c"), add(b, "d"), "");
	butter__model_free(&m);
}
END_TEST

START_TEST(one_that_is_too_long_is_none)
{
	char buf[64];
	butter__model_init(&m, 0);
	uint32_t node = butter__model_add_root(&m, 0), first = 0, last;
	for (int i = 0; i < 30; i++) {
		node = add(node, "name");
		first = i == 8 ? node : first;
	}
	ck_assert_uint_eq(butter__model_way(&m, first, node, buf, sizeof(buf)), 0);
	ck_assert_uint_eq(butter__model_way(&m, node, first, buf, sizeof(buf)), 0);
	last = add(node, "a name that takes all that there is in a buffer of 64 by1234567");
	ck_assert_uint_eq(butter__model_way(&m, node, last, buf, sizeof(buf)), 63);
	last = add(node, "a name that takes more than there is in a buffer of 64 by1234567");
	ck_assert_uint_eq(butter__model_way(&m, node, last, buf, sizeof(buf)), 0);
	butter__model_free(&m);
}
END_TEST

START_TEST(the_only_root_is_known_without_going_there)
{
	butter__model_init(&m, 0);
	uint32_t first = butter__model_add_root(&m, 3), a = add(first, "a");
	ck_assert_uint_eq(butter__model_root(&m, a), 3);
	uint32_t second = butter__model_add_root(&m, 6), b = add(second, "b");
	ck_assert_uint_eq(butter__model_root(&m, a), 3);
	ck_assert_uint_eq(butter__model_root(&m, b), 6);
	butter__model_remove(&m, a);
	butter__model_remove(&m, first);
	ck_assert_uint_eq(m.root_numbers, 6);
	ck_assert_uint_eq(butter__model_root(&m, b), 6);
	butter__model_free(&m);
}
END_TEST

SUITE(tree_way)
{
	tcase_add_test(tc, it_goes_up_and_down_when_that_is_shorter_than_from_the_root);
	tcase_add_test(tc, between_two_roots_there_is_none);
	tcase_add_test(tc, one_that_is_too_long_is_none);
	tcase_add_test(tc, the_only_root_is_known_without_going_there);
}
