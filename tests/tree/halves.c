/* SPDX-License-Identifier: MIT */
/* Names that left, found in each way, beside a plain list that is searched. */
#include <stdio.h>
#include <time.h>

#include "../../src/tree/halves.h"
#include "fault.h"
#include "test.h"

enum { COUNT = 3000, DIRS = 7, NAMES = 50, COOKIES = 400 };

static struct butter__half list[COUNT];
static char names[NAMES][16];

static uint32_t count_in_dir(const struct butter__halves *h, uint32_t dir)
{
	uint32_t count = 0;
	for (uint32_t i = butter__halves_in_dir(h, dir); i; i = butter__half_at(h, i)->next_in_dir)
		count++;
	return count;
}

static void assert_like_list(const struct butter__halves *h, unsigned count, unsigned seed)
{
	unsigned in_dir[DIRS + 1] = {0};
	ck_assert_uint_eq(h->count, count);
	for (unsigned i = 0; i < count; i++) {
		const struct butter__half *want = &list[i];
		uint32_t place = butter__halves_by_cookie(h, want->cookie);
		ck_assert_msg(place && butter__half_at(h, place)->cookie == want->cookie, "seed %u", seed);
		place = butter__halves_by_name(h, want->dir, want->name, want->len, want->cookie + COOKIES);
		ck_assert_msg(place && butter__half_at(h, place)->dir == want->dir, "seed %u", seed);
		ck_assert_str_eq(butter__half_at(h, place)->name, want->name);
		in_dir[want->dir]++;
	}
	for (uint32_t dir = 1; dir <= DIRS; dir++)
		ck_assert_msg(count_in_dir(h, dir) == in_dir[dir], "seed %u", seed);
}

static void forget(const struct butter__half *gone, unsigned *count)
{
	unsigned i = 0;
	while (list[i].dir != gone->dir || list[i].cookie != gone->cookie || strcmp(list[i].name, gone->name))
		i++;
	list[i] = list[--*count];
}

START_TEST(they_are_found_by_cookie_name_and_directory)
{
	unsigned seed = (unsigned)time(NULL), state = seed, count = 0;
	struct butter__halves h = {0};
	for (unsigned i = 0; i < NAMES; i++)
		snprintf(names[i], sizeof(names[i]), "name %u", i);
	for (unsigned i = 0; i < COUNT; i++) {
		char *name = names[(unsigned)rand_r(&state) % NAMES];
		struct butter__half half = {.dir = 1 + (unsigned)rand_r(&state) % DIRS,
					    .cookie = 1 + (unsigned)rand_r(&state) % COOKIES,
					    .name = name,
					    .len = strlen(name)};
		if (rand_r(&state) % 3 && h.count > 0) {
			uint32_t place = 1 + (unsigned)rand_r(&state) % h.used;
			if (!butter__half_at(&h, place)->name)
				continue;
			forget(butter__half_at(&h, place), &count);
			butter__halves_remove(&h, place);
		}
		ck_assert_int_eq(butter__halves_add(&h, &half), 0);
		list[count++] = half;
		if (i % 100 == 0)
			assert_like_list(&h, count, seed);
	}
	assert_like_list(&h, count, seed);
	butter__halves_free(&h);
}
END_TEST

START_TEST(its_own_cookie_is_not_meant)
{
	struct butter__halves h = {0};
	ck_assert_uint_eq(butter__halves_by_cookie(&h, 5), 0);
	ck_assert_uint_eq(butter__halves_by_name(&h, 1, "a", 1, 5), 0);
	ck_assert_int_eq(
		butter__halves_add(
			&h, &(struct butter__half){.dir = 1, .cookie = 5, .name = (char *)"a", .len = 1}),
		0);
	ck_assert_uint_eq(butter__halves_by_name(&h, 1, "a", 1, 5), 0);
	ck_assert_uint_ne(butter__halves_by_name(&h, 1, "a", 1, 6), 0);
	ck_assert_uint_eq(butter__halves_by_name(&h, 2, "a", 1, 6), 0);
	butter__halves_free(&h);
}
END_TEST

START_TEST(without_memory_nothing_is_added)
{
	struct butter__half half = {.dir = 1, .cookie = 5, .name = (char *)"a", .len = 1};
	for (unsigned nth = 1; nth <= 3; nth++) {
		struct butter__halves h = {0};
		fault_error(FAULT_CALLOC, nth, ENOMEM);
		int n = butter__halves_add(&h, &half);
		ck_assert_int_eq(fault_happened(FAULT_CALLOC), 1);
		fault_clear();
		ck_assert_int_eq(n, -1);
		ck_assert_uint_eq(h.count, 0);
		ck_assert_uint_eq(butter__halves_in_dir(&h, 1), 0);
		ck_assert_int_eq(butter__halves_add(&h, &half), 0);
		ck_assert_uint_eq(butter__halves_in_dir(&h, 1), butter__halves_by_cookie(&h, 5));
		butter__halves_free(&h);
	}
}
END_TEST

SUITE(tree_halves)
{
	tcase_add_test(tc, they_are_found_by_cookie_name_and_directory);
	tcase_add_test(tc, its_own_cookie_is_not_meant);
	tcase_add_test(tc, without_memory_nothing_is_added);
}
