/* SPDX-License-Identifier: MIT */
/* Short byte strings in little memory. */
#include "../../src/tree/pool.h"
#include "test.h"

START_TEST(texts_of_every_length_come_back_as_they_were)
{
	struct butter__pool p = {0};
	uint32_t numbers[BUTTER__POOL_MAX];
	char text[BUTTER__POOL_MAX];
	for (size_t len = 0; len < BUTTER__POOL_MAX; len++) {
		memset(text, 'a' + (int)(len % 26), len);
		numbers[len] = butter__pool_add(&p, text, len);
		ck_assert_uint_ne(numbers[len], 0);
	}
	for (size_t len = 0; len < BUTTER__POOL_MAX; len++) {
		memset(text, 'a' + (int)(len % 26), len);
		ck_assert_uint_eq(strlen(butter__pool_text(&p, numbers[len])), len);
		ck_assert_int_eq(memcmp(butter__pool_text(&p, numbers[len]), text, len), 0);
	}
	butter__pool_free(&p);
}
END_TEST

START_TEST(what_is_removed_is_used_again)
{
	struct butter__pool p = {0};
	uint32_t a = butter__pool_add(&p, "12345678", 8), b = butter__pool_add(&p, "x", 1);
	butter__pool_remove(&p, a, 8);
	ck_assert_uint_ne(butter__pool_add(&p, "y", 1), a);
	ck_assert_uint_eq(butter__pool_add(&p, "123456789", 9), a);
	ck_assert_str_eq(butter__pool_text(&p, b), "x");
	butter__pool_free(&p);
}
END_TEST

/* A chunk's rest, too short for what came, is used for what is shorter. */
START_TEST(adding_and_removing_for_long_does_not_grow)
{
	struct butter__pool p = {0};
	uint32_t numbers[64] = {0};
	size_t lens[64] = {0}, bytes = 0;
	char text[BUTTER__POOL_MAX];
	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < 200000; i++) {
		unsigned at = i % 64;
		if (numbers[at])
			butter__pool_remove(&p, numbers[at], lens[at]);
		lens[at] = (i * 37U + at) % 256;
		numbers[at] = butter__pool_add(&p, text, lens[at]);
		if (i == 100000)
			bytes = butter__pool_bytes(&p);
	}
	ck_assert_uint_eq(butter__pool_bytes(&p), bytes);
	butter__pool_free(&p);
}
END_TEST

SUITE(tree_pool)
{
	tcase_add_test(tc, texts_of_every_length_come_back_as_they_were);
	tcase_add_test(tc, what_is_removed_is_used_again);
	tcase_add_test(tc, adding_and_removing_for_long_does_not_grow);
}
