/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "../../src/loop/wheel.h"
#include "fault.h"
#include "test.h"

static struct butter__wheel h;
static char who;

static uint32_t take(void)
{
	uint32_t slot;
	ck_assert_int_eq(butter__wheel_take(&h, &who, &slot), 0);
	return slot;
}

/* The slot of the first that is due now, which is dropped. */
static uint32_t pop(int64_t now)
{
	uint32_t slot = butter__wheel_due(&h, now);
	ck_assert(butter__wheel_is_sound(&h));
	if (slot)
		butter__wheel_drop(&h, slot);
	ck_assert(butter__wheel_is_sound(&h));
	return slot;
}

START_TEST(deadlines_come_out_in_order_and_equals_as_they_were_set)
{
	static const int64_t at[] = {5, 1, 5, 0, 9, 1, INT64_MAX, 5, 1, 0};
	static const uint32_t order[] = {4, 10, 2, 6, 9, 1, 3, 8, 5, 0, 7};
	for (int i = 0; i < 10; i++)
		butter__wheel_set(&h, take(), at[i]);
	for (int i = 0; i < 11; i++)
		ck_assert_uint_eq(pop(i < 10 ? INT64_MAX - 1 : INT64_MAX), order[i]);
	butter__wheel_free(&h);
}
END_TEST

START_TEST(nothing_is_due_early)
{
	static const int64_t at[] = {0, 1, 63, 64, 65, 4095, 4096, 1 << 18, INT64_C(1) << 60, INT64_MAX - 1};
	butter__wheel_set(&h, take(), INT64_MAX);
	for (unsigned i = 0; i < sizeof(at) / sizeof(*at); i++) {
		butter__wheel_set(&h, take(), at[i]);
		ck_assert_int_eq(butter__wheel_first(&h), at[i]);
		ck_assert_uint_eq(pop(at[i] - 1), 0);
		ck_assert_uint_eq(pop(at[i]), 2);
	}
	ck_assert_int_eq(butter__wheel_first(&h), INT64_MAX);
	ck_assert_uint_eq(pop(INT64_MAX), 1);
	butter__wheel_free(&h);
}
END_TEST

enum { CROWD = 1000 };

/* Of one deadline, of as many, and with those that are over from the beginning. */
START_TEST(a_crowd_comes_out_in_order)
{
	for (int spread = 1; spread <= 1000000; spread *= 1000) {
		int64_t at[CROWD + 1], last = -1;
		uint32_t previous = 0;
		h.last = spread / 2;
		for (int i = 0; i < CROWD; i++)
			butter__wheel_set(&h, take(), at[i + 1] = (int64_t)i * 7919 % spread);
		for (int i = 0; i < CROWD; i++) {
			uint32_t slot = pop(spread);
			ck_assert(at[slot] > last || (at[slot] == last && slot > previous));
			last = at[slot];
			previous = slot;
		}
		ck_assert_uint_eq(pop(INT64_MAX), 0);
		butter__wheel_free(&h);
	}
}
END_TEST

START_TEST(equals_keep_their_order_when_the_count_of_starts_wraps)
{
	h.seq = UINT32_MAX - 1;
	for (int i = 0; i < 4; i++)
		butter__wheel_set(&h, take(), 7);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(pop(7), i + 1);
	butter__wheel_free(&h);
}
END_TEST

START_TEST(a_deadline_after_the_clock_counts_from_settling)
{
	uint32_t a = take(), b = take(), c = take();
	butter__wheel_set_after(&h, a, 10);
	butter__wheel_set(&h, b, 105);
	butter__wheel_set_after(&h, c, INT64_MAX);
	ck_assert_uint_eq(butter__wheel_due(&h, 104), 0);
	ck_assert_int_eq(butter__wheel_at(&h, a, 50), 60);
	ck_assert(butter__wheel_is_sound(&h));
	butter__wheel_settle(&h, 100);
	ck_assert(butter__wheel_is_sound(&h));
	ck_assert_int_eq(butter__wheel_at(&h, a, 50), 110);
	ck_assert_int_eq(butter__wheel_first(&h), 105);
	ck_assert_uint_eq(pop(109), b);
	ck_assert_int_eq(butter__wheel_first(&h), 110);
	ck_assert_uint_eq(pop(109), 0);
	ck_assert_uint_eq(pop(110), a);
	ck_assert_int_eq(butter__wheel_first(&h), INT64_MAX);
	ck_assert_uint_eq(pop(INT64_MAX), c);
	butter__wheel_free(&h);
}
END_TEST

START_TEST(the_last_word_on_a_deadline_counts)
{
	uint32_t a = take(), b = take();
	butter__wheel_set_after(&h, a, 10);
	butter__wheel_set_after(&h, a, 20);
	butter__wheel_set_after(&h, b, 5);
	butter__wheel_set(&h, b, 300);
	butter__wheel_settle(&h, 100);
	ck_assert_int_eq(butter__wheel_first(&h), 120);
	butter__wheel_shift(&h, 7);
	ck_assert_int_eq(butter__wheel_first(&h), 127);
	butter__wheel_set(&h, a, 400);
	ck_assert_int_eq(butter__wheel_first(&h), 307);
	butter__wheel_set_after(&h, b, 900);
	butter__wheel_drop(&h, b);
	butter__wheel_settle(&h, 101);
	ck_assert_uint_eq(pop(400), a);
	ck_assert_uint_eq(pop(INT64_MAX), 0);
	butter__wheel_free(&h);
}
END_TEST

/* Where there are few, and among those that have waited for the clock. */
START_TEST(the_first_is_known_when_the_one_before_is_gone)
{
	uint32_t slots[10];
	for (int i = 0; i < 10; i++)
		butter__wheel_set(&h, slots[i] = take(), 1000 + i);
	for (int i = 0; i < 9; i++) {
		butter__wheel_drop(&h, slots[i]);
		ck_assert_int_eq(butter__wheel_first(&h), 1001 + i);
	}
	butter__wheel_set_after(&h, slots[0] = take(), 1);
	butter__wheel_set_after(&h, slots[1] = take(), 2);
	butter__wheel_settle(&h, 100);
	ck_assert_int_eq(butter__wheel_first(&h), 101);
	butter__wheel_drop(&h, slots[0]);
	ck_assert_int_eq(butter__wheel_first(&h), 102);
	ck_assert(butter__wheel_is_sound(&h));
	butter__wheel_free(&h);
}
END_TEST

START_TEST(a_clock_that_is_set_back_changes_no_order)
{
	enum { COUNT = 100 };
	for (int i = 0; i < COUNT; i++)
		butter__wheel_set(&h, take(), 5000 - i);
	ck_assert_uint_eq(pop(4901), COUNT);
	uint32_t extra = take();
	butter__wheel_set(&h, extra, 4902);
	for (int64_t now = 4950; now >= -10; now -= 620) {
		butter__wheel_settle(&h, now);
		ck_assert(butter__wheel_is_sound(&h));
		butter__wheel_set(&h, extra, 7);
	}
	ck_assert_uint_eq(pop(8), extra);
	for (uint32_t i = COUNT - 1; i > 0; i--)
		ck_assert_uint_eq(pop(5000 - i + 1), i);
	butter__wheel_free(&h);
}
END_TEST

START_TEST(without_memory_the_wheel_stays_as_it_was)
{
	uint32_t slot = 4711;
	fault_error(FAULT_CALLOC, 1, ENOMEM);
	ck_assert_fails(butter__wheel_take(&h, &who, &slot), ENOMEM);
	uint32_t first = take();
	butter__wheel_set(&h, first, 3);
	while (h.used < h.room)
		butter__wheel_set(&h, take(), 4);
	fault_error(FAULT_REALLOC, 1, ENOMEM);
	ck_assert_fails(butter__wheel_take(&h, &who, &slot), ENOMEM);
	ck_assert_uint_eq(slot, 4711);
	ck_assert(butter__wheel_is_sound(&h));
	butter__wheel_drop(&h, first);
	ck_assert_uint_eq(take(), first);
	butter__wheel_set(&h, first, 1);
	butter__wheel_set(&h, take(), 2);
	ck_assert_uint_eq(pop(1), first);
	butter__wheel_free(&h);
}
END_TEST

START_TEST(a_damaged_wheel_is_noticed)
{
	for (int i = 0; i < 6; i++)
		butter__wheel_set(&h, take(), i);
	butter__wheel_set_after(&h, take(), 1);
	ck_assert(butter__wheel_is_sound(&h));
	static const size_t words[] = {
		offsetof(struct butter__deadline, at), offsetof(struct butter__deadline, next),
		offsetof(struct butter__deadline, prev), offsetof(struct butter__deadline, list)};
	for (unsigned i = 0; i < 4; i++) {
		uint32_t *word = (uint32_t *)(void *)((char *)&h.entries[5] + words[i]), kept = *word;
		*word = 9999;
		ck_assert(!butter__wheel_is_sound(&h));
		*word = kept;
	}
	h.lists[h.entries[5].list].marks[1] = 4;
	ck_assert(!butter__wheel_is_sound(&h));
	h.lists[h.entries[5].list].marks[1] = 0;
	h.values[0] ^= 1;
	ck_assert(!butter__wheel_is_sound(&h));
	h.values[0] ^= 1;
	h.digits |= 2;
	ck_assert(!butter__wheel_is_sound(&h));
	h.digits &= ~2u;
	h.count++;
	ck_assert(!butter__wheel_is_sound(&h));
	h.count--;
	ck_assert(butter__wheel_is_sound(&h));
	h.free = 3;
	ck_assert(!butter__wheel_is_sound(&h));
	butter__wheel_free(&h);
}
END_TEST

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 33) % below;
}

enum { MOST = 300, STEPS = 20000 };

/* What the wheel is to know, without any order. 0: no deadline. */
static struct {
	int64_t at;
	uint64_t order; /* of its start */
	uint32_t slot;
} known[MOST];
static int64_t clock_now;
static uint64_t starts;

static int is_crowded;

/* Near or far, and often the same; or all of them in a list or two. */
static int64_t distance(void)
{
	if (is_crowded)
		return (INT64_C(1) << 26) + ((int64_t)rnd(1 << 16) << 4);
	return (int64_t)rnd(64) << rnd(40);
}

static void change(int i)
{
	int64_t by = distance();
	if (known[i].at && rnd(4) == 0) {
		butter__wheel_drop(&h, known[i].slot);
		known[i].at = 0;
		return;
	}
	if (!known[i].at)
		known[i].slot = take();
	known[i].at = clock_now + by;
	known[i].order = starts++;
	if (rnd(4) == 0)
		butter__wheel_set(&h, known[i].slot, known[i].at);
	else
		butter__wheel_set_after(&h, known[i].slot, by);
}

/* The clock, which now and then is set back, as all that is told of it counts. */
static void pass_time(void)
{
	int64_t to = rnd(200) ? clock_now + distance() / 64 : clock_now / 2;
	butter__wheel_settle(&h, clock_now);
	ck_assert(butter__wheel_is_sound(&h));
	butter__wheel_settle(&h, clock_now = to);
	if (rnd(50) == 0) {
		butter__wheel_shift(&h, 1000);
		for (int i = 0; i < MOST; i++)
			known[i].at += known[i].at ? 1000 : 0;
	}
}

static int first_known(void)
{
	int first = -1;
	for (int i = 0; i < MOST; i++)
		if (known[i].at && (first < 0 || known[i].at < known[first].at ||
				    (known[i].at == known[first].at && known[i].order < known[first].order)))
			first = i;
	return first;
}

/* All that is due, and nothing else; some are set again. */
static void compare(void)
{
	int first;
	while ((first = first_known()) >= 0 && known[first].at <= clock_now) {
		ck_assert_int_le(butter__wheel_first(&h), known[first].at);
		ck_assert_uint_eq(butter__wheel_due(&h, clock_now), known[first].slot);
		known[first].at = rnd(2) ? clock_now + 1 + distance() : 0;
		known[first].order = starts++;
		if (known[first].at)
			butter__wheel_set(&h, known[first].slot, known[first].at);
		else
			butter__wheel_drop(&h, known[first].slot);
	}
	ck_assert_uint_eq(butter__wheel_due(&h, clock_now), 0);
	int64_t bound = butter__wheel_first(&h);
	ck_assert_int_gt(bound, clock_now);
	ck_assert_int_le(bound, first < 0 ? INT64_MAX : known[first].at);
	ck_assert(butter__wheel_is_sound(&h));
}

/* A table of all deadlines against the wheel: what is due comes out of both in the same order. */
START_TEST(any_operations_leave_the_order_of_a_table)
{
	const char *replay = getenv("BUTTER_TEST_SEED");
	state = replay ? strtoull(replay, NULL, 0) : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
	printf("seed %llu\n", (unsigned long long)state);
	clock_now = 1000000000;
	for (int step = 0; step < STEPS; step++) {
		int busy = step / 1000 % 2; /* at times there are few */
		is_crowded = step / 500 % 8 == 7;
		for (uint32_t n = rnd(busy ? 100 : 4); n; n--)
			change((int)rnd(busy ? MOST : 8));
		pass_time();
		compare();
	}
	butter__wheel_free(&h);
}
END_TEST

SUITE(loop_wheel)
{
	tcase_add_test(tc, deadlines_come_out_in_order_and_equals_as_they_were_set);
	tcase_add_test(tc, nothing_is_due_early);
	tcase_add_test(tc, a_crowd_comes_out_in_order);
	tcase_add_test(tc, equals_keep_their_order_when_the_count_of_starts_wraps);
	tcase_add_test(tc, a_deadline_after_the_clock_counts_from_settling);
	tcase_add_test(tc, the_last_word_on_a_deadline_counts);
	tcase_add_test(tc, the_first_is_known_when_the_one_before_is_gone);
	tcase_add_test(tc, a_clock_that_is_set_back_changes_no_order);
	tcase_add_test(tc, without_memory_the_wheel_stays_as_it_was);
	tcase_add_test(tc, a_damaged_wheel_is_noticed);
	tcase_add_test(tc, any_operations_leave_the_order_of_a_table);
}
