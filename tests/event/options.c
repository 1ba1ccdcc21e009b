/* SPDX-License-Identifier: MIT */
/* Structs that begin with their size, from callers of an older and of a newer butter. */
#include "../../src/event/options.h"

#include "test.h"

/* What this butter knows, and what the next one may. */
struct options {
	size_t size;
	uint32_t first, second;
};

struct newer {
	struct options known;
	uint32_t third, fourth;
};

static struct options got;

static void poison(void)
{
	memset(&got, 0x5a, sizeof(got));
	errno = 4242;
}

static void expect(uint32_t first, uint32_t second)
{
	ck_assert_uint_eq(got.size, sizeof(got));
	ck_assert_uint_eq(got.first, first);
	ck_assert_uint_eq(got.second, second);
	ck_assert_int_eq(errno, 4242);
}

static void expect_untouched(void)
{
	ck_assert_uint_eq(got.first, 0x5a5a5a5a);
	ck_assert_uint_eq(got.second, 0x5a5a5a5a);
}

START_TEST(no_options_are_all_0)
{
	poison();
	ck_assert_int_eq(butter__options_copy(&got, sizeof(got), NULL), 0);
	expect(0, 0);
}
END_TEST

START_TEST(options_of_this_size_are_copied)
{
	struct options given = {sizeof(given), 1, 2};
	poison();
	ck_assert_int_eq(butter__options_copy(&got, sizeof(got), &given), 0);
	expect(1, 2);
}
END_TEST

/* The bytes behind its size are not the caller's: here they end the allocation. */
START_TEST(what_an_older_caller_does_not_know_is_0)
{
	size_t sizes[] = {offsetof(struct options, first), offsetof(struct options, second)};
	for (unsigned i = 0; i < 2; i++) {
		struct options given = {sizes[i], 1, 2}, *exact = malloc(sizes[i]);
		ck_assert_ptr_nonnull(exact);
		memcpy(exact, &given, sizes[i]);
		poison();
		ck_assert_int_eq(butter__options_copy(&got, sizeof(got), exact), 0);
		expect(i, 0);
		free(exact);
	}
}
END_TEST

START_TEST(a_newer_caller_who_asks_for_nothing_new_is_served)
{
	struct newer given = {{sizeof(given), 1, 2}, 0, 0};
	poison();
	ck_assert_int_eq(butter__options_copy(&got, sizeof(got), &given), 0);
	expect(1, 2);
}
END_TEST

START_TEST(a_newer_caller_who_asks_for_more_is_E2BIG)
{
	struct newer given[] = {{{sizeof(*given), 1, 2}, 1, 0}, {{sizeof(*given), 1, 2}, 0, 1U << 31}};
	poison();
	for (size_t i = 0; i < 2; i++)
		ck_assert_fails(butter__options_copy(&got, sizeof(got), &given[i]), E2BIG);
	expect_untouched();
}
END_TEST

START_TEST(a_size_that_leaves_no_room_for_itself_is_EINVAL)
{
	poison();
	for (size_t size = 0; size < sizeof(size); size++) {
		struct options given = {size, 1, 2};
		ck_assert_fails(butter__options_copy(&got, sizeof(got), &given), EINVAL);
	}
	expect_untouched();
}
END_TEST

SUITE(event_options)
{
	tcase_add_test(tc, no_options_are_all_0);
	tcase_add_test(tc, options_of_this_size_are_copied);
	tcase_add_test(tc, what_an_older_caller_does_not_know_is_0);
	tcase_add_test(tc, a_newer_caller_who_asks_for_nothing_new_is_served);
	tcase_add_test(tc, a_newer_caller_who_asks_for_more_is_E2BIG);
	tcase_add_test(tc, a_size_that_leaves_no_room_for_itself_is_EINVAL);
}
