/* SPDX-License-Identifier: MIT */
/* From watch descriptors to nodes. */
#include <limits.h>

#include "../../src/tree/wds.h"
#include "fault.h"
#include "test.h"

START_TEST(what_was_never_set_is_none)
{
	struct butter__wds w = {0};
	ck_assert_uint_eq(butter__wds_get(&w, -1), 0);
	ck_assert_uint_eq(butter__wds_get(&w, 0), 0);
	ck_assert_uint_eq(butter__wds_get(&w, INT_MAX), 0);
	ck_assert_int_eq(butter__wds_set(&w, 5000, 0), 0);
	ck_assert_uint_eq(butter__wds_bytes(&w), 0);
}
END_TEST

START_TEST(numbers_that_go_up_and_up_leave_no_pages_behind)
{
	struct butter__wds w = {0};
	unsigned wrong = 0;
	for (int wd = 1; wd < 1000000; wd++) {
		wrong += butter__wds_set(&w, wd, (uint32_t)wd * 3) != 0;
		wrong += butter__wds_get(&w, wd) != (uint32_t)wd * 3;
		if (wd > 100)
			wrong += butter__wds_set(&w, wd - 100, 0) != 0;
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(butter__wds_get(&w, 999899), 0);
	ck_assert_uint_eq(butter__wds_get(&w, 999950), 999950U * 3);
	ck_assert_uint_lt(butter__wds_bytes(&w), 32768);
	butter__wds_free(&w);
}
END_TEST

START_TEST(without_memory_it_is_as_it_was)
{
	struct butter__wds w = {0};
	ck_assert_int_eq(butter__wds_set(&w, 7, 1), 0);
	fault_error(FAULT_CALLOC, 1, ENOMEM);
	ck_assert_fails(butter__wds_set(&w, 5000, 2), ENOMEM);
	fault_clear();
	ck_assert_uint_eq(butter__wds_get(&w, 5000), 0);
	ck_assert_uint_eq(butter__wds_get(&w, 7), 1);
	ck_assert_int_eq(butter__wds_set(&w, 5000, 2), 0);
	ck_assert_uint_eq(butter__wds_get(&w, 5000), 2);
	butter__wds_free(&w);
}
END_TEST

SUITE(tree_wds)
{
	tcase_add_test(tc, what_was_never_set_is_none);
	tcase_add_test(tc, numbers_that_go_up_and_up_leave_no_pages_behind);
	tcase_add_test(tc, without_memory_it_is_as_it_was);
}
