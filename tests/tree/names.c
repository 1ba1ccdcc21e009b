/* SPDX-License-Identifier: MIT */
/* The names of the types of events. */
#include <butter/tree.h>

#include "test.h"

static char text[512];

START_TEST(a_mask_is_written_as_the_constants_it_is_made_of)
{
	static const struct {
		uint32_t mask;
		const char *text;
	} cases[] = {
		{0, "0"},
		{BUTTER_TREE_CREATED, "BUTTER_TREE_CREATED"},
		{BUTTER_TREE_DELETED | BUTTER_TREE_SYNC, "BUTTER_TREE_DELETED|BUTTER_TREE_SYNC"},
		{BUTTER_TREE_CHANGES, "BUTTER_TREE_CREATED|BUTTER_TREE_DELETED|BUTTER_TREE_MOVED|"
				      "BUTTER_TREE_MODIFIED|BUTTER_TREE_WRITTEN|BUTTER_TREE_ATTRIB"},
		{BUTTER_TREE_GAP | 0x80000200u, "BUTTER_TREE_GAP|0x80000200"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int len = butter_tree_mask_format(cases[i].mask, text, sizeof(text));
		ck_assert_str_eq(text, cases[i].text);
		ck_assert_int_eq(len, (int)strlen(text));
	}
}
END_TEST

START_TEST(every_single_bit_is_read_as_it_was_written)
{
	for (uint32_t bit = 1; bit; bit <<= 1) {
		uint32_t mask = ~bit;
		butter_tree_mask_format(bit, text, sizeof(text));
		ck_assert_int_eq(butter_tree_mask_parse(text, &mask), 0);
		ck_assert_uint_eq(mask, bit);
	}
}
END_TEST

START_TEST(names_are_read_without_their_prefix_and_in_any_case)
{
	static const struct {
		const char *text;
		uint32_t mask;
	} cases[] = {
		{"created", BUTTER_TREE_CREATED},
		{"CHANGES", BUTTER_TREE_CHANGES},
		{"butter_tree_changes|opened", BUTTER_TREE_CHANGES | BUTTER_TREE_OPENED},
		{"moved, GAP", BUTTER_TREE_MOVED | BUTTER_TREE_GAP},
		{"0", 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t mask = 42;
		ck_assert_int_eq(butter_tree_mask_parse(cases[i].text, &mask), 0);
		ck_assert_uint_eq(mask, cases[i].mask);
	}
}
END_TEST

START_TEST(what_is_no_name_is_invalid_and_changes_nothing)
{
	static const char *const bad[] = {"",          "BUTTER_TREE_", "TREE_CREATED",
					  "IN_CREATE", "IS_DIR",       "creates"};
	uint32_t mask = 42;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_fails(butter_tree_mask_parse(bad[i], &mask), EINVAL);
	ck_assert_uint_eq(mask, 42);
}
END_TEST

SUITE(tree_names)
{
	tcase_add_test(tc, a_mask_is_written_as_the_constants_it_is_made_of);
	tcase_add_test(tc, every_single_bit_is_read_as_it_was_written);
	tcase_add_test(tc, names_are_read_without_their_prefix_and_in_any_case);
	tcase_add_test(tc, what_is_no_name_is_invalid_and_changes_nothing);
}
