/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <time.h>

#include "../../src/loop/heap.h"
#include "fault.h"
#include "test.h"

static struct butter__heap h;
static char who;

static uint32_t take(void)
{
	uint32_t slot;
	ck_assert_int_eq(butter__heap_take(&h, &who, &slot), 0);
	return slot;
}

/* The slot of the first, which is dropped. */
static uint32_t pop(void)
{
	ck_assert_ptr_nonnull(butter__heap_first(&h));
	uint32_t slot = butter__heap_first(&h)->slot;
	butter__heap_drop(&h, slot);
	ck_assert(butter__heap_is_sound(&h));
	return slot;
}

START_TEST(deadlines_come_out_in_order_and_equals_as_they_were_set)
{
	static const int64_t at[] = {5, 1, 5, 0, 9, 1, INT64_MAX, 5, 1, 0};
	static const uint32_t order[] = {4, 10, 2, 6, 9, 1, 3, 8, 5, 7};
	for (int i = 0; i < 10; i++)
		butter__heap_set(&h, take(), at[i]);
	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(pop(), order[i]);
	butter__heap_free(&h);
}
END_TEST

START_TEST(equals_keep_their_order_when_the_count_of_starts_wraps)
{
	h.seq = UINT32_MAX - 1;
	for (int i = 0; i < 4; i++)
		butter__heap_set(&h, take(), 7);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(pop(), i + 1);
	butter__heap_free(&h);
}
END_TEST

START_TEST(a_deadline_after_the_clock_counts_from_settling)
{
	uint32_t a = take(), b = take(), c = take();
	butter__heap_set_after(&h, a, 10);
	butter__heap_set(&h, b, 105);
	butter__heap_set_after(&h, c, INT64_MAX);
	ck_assert_uint_eq(h.count, 1);
	ck_assert(butter__heap_is_sound(&h));
	butter__heap_settle(&h, 100);
	ck_assert(butter__heap_is_sound(&h));
	ck_assert_int_eq(butter__heap_first(&h)->at, 105);
	ck_assert_uint_eq(pop(), b);
	ck_assert_int_eq(butter__heap_first(&h)->at, 110);
	ck_assert_uint_eq(pop(), a);
	ck_assert_int_eq(butter__heap_first(&h)->at, INT64_MAX);
	ck_assert_uint_eq(pop(), c);
	butter__heap_free(&h);
}
END_TEST

START_TEST(the_last_word_on_a_deadline_counts)
{
	uint32_t a = take(), b = take();
	butter__heap_set_after(&h, a, 10);
	butter__heap_set_after(&h, a, 20);
	butter__heap_set_after(&h, b, 5);
	butter__heap_set(&h, b, 300);
	butter__heap_settle(&h, 100);
	ck_assert_int_eq(butter__heap_first(&h)->at, 120);
	butter__heap_shift(&h, 7);
	ck_assert_int_eq(butter__heap_first(&h)->at, 127);
	butter__heap_set(&h, a, 400);
	ck_assert_int_eq(butter__heap_first(&h)->at, 307);
	butter__heap_set_after(&h, b, 900);
	butter__heap_drop(&h, b);
	butter__heap_settle(&h, 0);
	ck_assert_uint_eq(pop(), a);
	ck_assert_ptr_null(butter__heap_first(&h));
	butter__heap_free(&h);
}
END_TEST

START_TEST(without_memory_the_heap_stays_as_it_was)
{
	uint32_t slot = 4711, first = take();
	butter__heap_set(&h, first, 3);
	while (h.used < h.room)
		butter__heap_set(&h, take(), 4);
	fault_error(FAULT_REALLOC, 1, ENOMEM);
	ck_assert_fails(butter__heap_take(&h, &who, &slot), ENOMEM);
	ck_assert_uint_eq(slot, 4711);
	ck_assert(butter__heap_is_sound(&h));
	for (unsigned nth = 2; nth <= 3; nth++) {
		fault_error(FAULT_REALLOC, nth, ENOMEM);
		ck_assert_fails(butter__heap_take(&h, &who, &slot), ENOMEM);
		ck_assert(butter__heap_is_sound(&h));
	}
	butter__heap_drop(&h, first);
	ck_assert_uint_eq(take(), first);
	butter__heap_set(&h, first, 1);
	butter__heap_set(&h, take(), 2);
	ck_assert_uint_eq(pop(), first);
	butter__heap_free(&h);
}
END_TEST

START_TEST(a_damaged_heap_is_noticed)
{
	for (int i = 0; i < 6; i++)
		butter__heap_set(&h, take(), i);
	butter__heap_set_after(&h, take(), 1);
	ck_assert(butter__heap_is_sound(&h));
	h.entries[5].at = -1;
	ck_assert(!butter__heap_is_sound(&h));
	h.entries[5].at = 5;
	h.position[3] = 1;
	ck_assert(!butter__heap_is_sound(&h));
	h.position[3] = 3;
	h.position[7] = 2;
	ck_assert(!butter__heap_is_sound(&h));
	h.position[7] = 7;
	h.ghosts = 1;
	ck_assert(!butter__heap_is_sound(&h));
	h.ghosts = 0;
	ck_assert(butter__heap_is_sound(&h));
	h.free = 3;
	ck_assert(!butter__heap_is_sound(&h));
	butter__heap_free(&h);
}
END_TEST

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 33) % below;
}

enum { MOST = 300, STEPS = 20000 };

/* A table of all deadlines against the heap: the least of the one is the first of the other. */
START_TEST(any_operations_leave_the_least_deadline_first)
{
	const char *replay = getenv("BUTTER_TEST_SEED");
	static int64_t at[MOST];
	static uint32_t slots[MOST];
	int64_t now = 0;
	state = replay ? strtoull(replay, NULL, 0) : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
	printf("seed %llu\n", (unsigned long long)state);
	for (int i = 0; i < MOST; i++)
		at[i] = -1;
	for (int step = 0; step < STEPS; step++) {
		uint32_t i = rnd(MOST);
		if (at[i] < 0) {
			slots[i] = take();
			butter__heap_set(&h, slots[i], at[i] = now + rnd(50));
		} else if (rnd(3) == 0) {
			butter__heap_drop(&h, slots[i]);
			at[i] = -1;
		} else if (rnd(2) == 0) {
			butter__heap_set(&h, slots[i], at[i] = now + rnd(50));
		} else {
			int64_t after = rnd(50);
			butter__heap_set_after(&h, slots[i], after);
			butter__heap_settle(&h, now += rnd(3));
			at[i] = now + after;
		}
		int64_t least = INT64_MAX;
		for (int k = 0; k < MOST; k++)
			least = at[k] >= 0 && at[k] < least ? at[k] : least;
		const struct butter__deadline *first = butter__heap_first(&h);
		ck_assert_int_eq(first ? first->at : INT64_MAX, least);
		ck_assert(step % 16 || butter__heap_is_sound(&h));
	}
	butter__heap_free(&h);
}
END_TEST

SUITE(loop_heap)
{
	tcase_add_test(tc, deadlines_come_out_in_order_and_equals_as_they_were_set);
	tcase_add_test(tc, equals_keep_their_order_when_the_count_of_starts_wraps);
	tcase_add_test(tc, a_deadline_after_the_clock_counts_from_settling);
	tcase_add_test(tc, the_last_word_on_a_deadline_counts);
	tcase_add_test(tc, without_memory_the_heap_stays_as_it_was);
	tcase_add_test(tc, a_damaged_heap_is_noticed);
	tcase_add_test(tc, any_operations_leave_the_least_deadline_first);
}
