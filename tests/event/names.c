/* SPDX-License-Identifier: MIT */
/* The tables of names, on a table of the test's own. */
#include <limits.h>

#include "../../src/event/names.h"
#include "test.h"

static const struct butter__name bits[] = {{"X_ONE", 1}, {"X_TWO", 2}, {"X_HIGH", 1u << 31}, {"X_BOTH", 3}};
static const struct butter__names table = BUTTER__NAMES("X_", bits);
static char text[64];

START_TEST(format_writes_known_bits_by_name_and_the_rest_in_hexadecimal)
{
	static const struct {
		uint32_t mask;
		const char *text;
	} cases[] = {
		{0, "0"},         {1, "X_ONE"}, {3, "X_ONE|X_TWO"}, {0x80000005, "X_ONE|X_HIGH|0x4"},
		{0xff0, "0xff0"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int len = butter__mask_format(&table, cases[i].mask, text, sizeof(text));
		ck_assert_str_eq(text, cases[i].text);
		ck_assert_int_eq(len, (int)strlen(text));
	}
}
END_TEST

START_TEST(format_into_every_short_length_stays_inside_and_tells_the_whole)
{
	int whole = butter__mask_format(&table, 7, text, sizeof(text));
	ck_assert_str_eq(text, "X_ONE|X_TWO|0x4");
	ck_assert_int_eq(butter__mask_format(&table, 7, NULL, 0), whole);
	for (size_t len = 1; len <= (size_t)whole; len++) {
		char *exact = malloc(len);
		ck_assert_int_eq(butter__mask_format(&table, 7, exact, len), whole);
		ck_assert_uint_eq(strlen(exact), len - 1);
		ck_assert_int_eq(strncmp(exact, text, len - 1), 0);
		free(exact);
	}
}
END_TEST

START_TEST(parse_takes_names_and_numbers_with_any_separator)
{
	static const struct {
		const char *text;
		uint32_t mask;
	} good[] = {
		{"X_ONE", 1},
		{"x_one|TWO", 3},
		{" one , two\n", 3},
		{"both", 3},
		{"0x10|X_ONE", 17},
		{"0", 0},
		{"HIGH|4294967295", UINT32_MAX},
		{"010", 10},
	};
	static const char *const bad[] = {"",
					  " ",
					  "|",
					  "X_",
					  "X_ONEX",
					  "ON",
					  "-1",
					  "4294967296",
					  "0x",
					  "12z",
					  "0b1",
					  "0x-1",
					  "one two three",
					  "0x1ffffffffffffffffffffffff"};
	uint32_t mask = 42;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_int_eq(butter__mask_parse(&table, good[i].text, &mask), 0);
		ck_assert_uint_eq(mask, good[i].mask);
	}
	mask = 42;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_fails(butter__mask_parse(&table, bad[i], &mask), EINVAL);
	ck_assert_fails(butter__mask_parse(&table, NULL, &mask), EINVAL);
	ck_assert_uint_eq(mask, 42);
}
END_TEST

START_TEST(only_a_mask_of_64_bits_takes_more_than_32)
{
	uint32_t mask = 42;
	uint64_t wide = 42;
	ck_assert_int_eq(butter__mask_format(&table, UINT64_C(0x8000000000000001), text, sizeof(text)), 24);
	ck_assert_str_eq(text, "X_ONE|0x8000000000000000");
	ck_assert_int_eq(butter__mask_parse64(&table, text, &wide), 0);
	ck_assert_uint_eq(wide, UINT64_C(0x8000000000000001));
	ck_assert_fails(butter__mask_parse(&table, text, &mask), EINVAL);
	ck_assert_fails(butter__mask_parse(&table, "0x100000000", &mask), EINVAL);
	ck_assert_int_eq(butter__mask_parse64(&table, "18446744073709551615", &wide), 0);
	ck_assert_uint_eq(wide, UINT64_MAX);
	ck_assert_fails(butter__mask_parse64(&table, "18446744073709551616", &wide), EINVAL);
	ck_assert_fails(butter__mask_parse64(&table, "0x10000000000000000", &wide), EINVAL);
	ck_assert_fails(butter__mask_parse64(&table, NULL, &wide), EINVAL);
	ck_assert_uint_eq(wide, UINT64_MAX);
	ck_assert_uint_eq(mask, 42);
}
END_TEST

START_TEST(parse_keeps_errno_when_it_succeeds)
{
	uint32_t mask;
	int value;
	errno = 4242;
	ck_assert_int_eq(butter__mask_parse(&table, "one|0x8", &mask), 0);
	ck_assert_int_eq(butter__enum_parse(&table, "one", &value), 0);
	ck_assert_int_eq(butter__enum_parse(&table, "7", &value), 0);
	ck_assert_int_eq(errno, 4242);
}
END_TEST

START_TEST(an_enum_is_one_name_or_a_decimal_number)
{
	int value;
	ck_assert_str_eq(butter__enum_name(&table, 2), "X_TWO");
	ck_assert_ptr_null(butter__enum_name(&table, 4));
	ck_assert_int_eq(butter__enum_format(&table, -7, text, sizeof(text)), 2);
	ck_assert_str_eq(text, "-7");
	ck_assert_int_eq(butter__enum_parse(&table, "-2147483648", &value), 0);
	ck_assert_int_eq(value, INT_MIN);
	ck_assert_fails(butter__enum_parse(&table, "one|two", &value), EINVAL);
	ck_assert_fails(butter__enum_parse(&table, "2147483648", &value), EINVAL);
	ck_assert_int_eq(value, INT_MIN);
}
END_TEST

SUITE(event_names)
{
	tcase_add_test(tc, format_writes_known_bits_by_name_and_the_rest_in_hexadecimal);
	tcase_add_test(tc, format_into_every_short_length_stays_inside_and_tells_the_whole);
	tcase_add_test(tc, parse_takes_names_and_numbers_with_any_separator);
	tcase_add_test(tc, only_a_mask_of_64_bits_takes_more_than_32);
	tcase_add_test(tc, parse_keeps_errno_when_it_succeeds);
	tcase_add_test(tc, an_enum_is_one_name_or_a_decimal_number);
}
