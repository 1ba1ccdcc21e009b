/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "../../src/tree/handles.h"
#include "test.h"

enum { MANY = 20000 };

static size_t key_of(int i, char *key)
{
	return (size_t)sprintf(key, "%*s%d", i % 90, "", i);
}

START_TEST(a_string_has_one_number_until_it_is_forgotten)
{
	struct butter__handles h = {0};
	char key[128];
	static int numbers[MANY];
	ck_assert_int_eq(butter__handles_find(&h, "x", 1), 0);
	for (int i = 0; i < MANY; i++) {
		numbers[i] = butter__handles_intern(&h, key, key_of(i, key));
		ck_assert_int_gt(numbers[i], 0);
	}
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(butter__handles_intern(&h, key, key_of(i, key)), numbers[i]);
	for (int i = 0; i < MANY; i += 2)
		butter__handles_forget(&h, numbers[i]);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(butter__handles_find(&h, key, key_of(i, key)), i % 2 ? numbers[i] : 0);
	ck_assert_uint_eq(h.count, MANY / 2);
	ck_assert_uint_gt(butter__handles_bytes(&h), 0);
	butter__handles_free(&h);
}
END_TEST

START_TEST(numbers_that_were_forgotten_are_used_again)
{
	struct butter__handles h = {0};
	int first = butter__handles_intern(&h, "first", 5);
	butter__handles_forget(&h, first);
	butter__handles_forget(&h, first);
	butter__handles_forget(&h, 0);
	butter__handles_forget(&h, 1000);
	ck_assert_int_eq(butter__handles_intern(&h, "second", 6), first);
	ck_assert_int_eq(butter__handles_find(&h, "first", 5), 0);
	ck_assert_uint_eq(h.count, 1);
	butter__handles_free(&h);
}
END_TEST

SUITE(tree_handles)
{
	tcase_add_test(tc, a_string_has_one_number_until_it_is_forgotten);
	tcase_add_test(tc, numbers_that_were_forgotten_are_used_again);
}
