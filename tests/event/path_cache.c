/* SPDX-License-Identifier: MIT */
/* The table of paths, beside a plain array that remembers all. */
#include <stdio.h>
#include <time.h>

#include "../../src/event/path_cache.h"
#include "fault.h"
#include "test.h"

enum { KEYS = 2000, OPERATIONS = 100000 };

static struct butter__path_cache cache;

static const char *get(const void *key, size_t key_len)
{
	size_t len = 12345;
	const char *path = butter__path_cache_get(&cache, key, key_len, &len);
	ck_assert_uint_eq(len, path ? strlen(path) : 12345);
	return path;
}

static void put(unsigned key, const char *path)
{
	butter__path_cache_put(&cache, &key, sizeof(key), path, strlen(path));
}

static unsigned held(void)
{
	unsigned count = 0;
	for (size_t i = 0; i < (size_t)cache.sets * 4; i++)
		count += cache.slots[i] != NULL;
	return count;
}

START_TEST(what_is_put_is_got_until_it_is_removed_or_all_is_cleared)
{
	unsigned one = 1, two = 2;
	ck_assert_int_eq(butter__path_cache_init(&cache, 100), 0);
	ck_assert_ptr_null(get(&one, sizeof(one)));
	put(1, "/one");
	put(2, "");
	ck_assert_str_eq(get(&one, sizeof(one)), "/one");
	ck_assert_str_eq(get(&two, sizeof(two)), "");
	butter__path_cache_remove(&cache, &one, sizeof(one));
	butter__path_cache_remove(&cache, &one, sizeof(one));
	ck_assert_ptr_null(get(&one, sizeof(one)));
	ck_assert_ptr_nonnull(get(&two, sizeof(two)));
	butter__path_cache_clear(&cache);
	ck_assert_ptr_null(get(&two, sizeof(two)));
	butter__path_cache_remove(&cache, &two, sizeof(two));
	put(2, "/two");
	ck_assert_str_eq(get(&two, sizeof(two)), "/two");
	butter__path_cache_free(&cache);
	butter__path_cache_free(&cache);
}
END_TEST

/* Keys that begin alike, end alike, or differ in their length. */
START_TEST(keys_are_all_of_their_bytes)
{
	static unsigned char key[144];
	char path[16];
	ck_assert_int_eq(butter__path_cache_init(&cache, 4096), 0);
	for (size_t len = 0; len <= sizeof(key); len++) {
		snprintf(path, sizeof(path), "%zu", len);
		butter__path_cache_put(&cache, key, len, path, strlen(path));
	}
	for (size_t i = 0; i < sizeof(key); i++) {
		key[i] = 1;
		ck_assert_ptr_null(get(key, sizeof(key)));
		key[i] = 0;
	}
	for (size_t len = 0; len <= sizeof(key); len++) {
		snprintf(path, sizeof(path), "%zu", len);
		ck_assert_str_eq(get(key, len), path);
	}
	butter__path_cache_free(&cache);
}
END_TEST

START_TEST(no_more_than_max_are_held_and_at_least_four_can_be)
{
	static const uint32_t most[] = {1, 2, 4, 5, 7, 8, 15, 16, 100, 1000, 4096};
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		uint32_t max = most[i] < 4 ? 4 : most[i];
		ck_assert_int_eq(butter__path_cache_init(&cache, most[i]), 0);
		for (unsigned key = 0; key < 5 * max; key++) {
			put(key, "/path");
			ck_assert_str_eq(get(&key, sizeof(key)), "/path");
			ck_assert_uint_le(held(), max);
			if (key == max)
				butter__path_cache_clear(&cache);
		}
		ck_assert_uint_ge(held(), max / 2);
		butter__path_cache_free(&cache);
	}
}
END_TEST

static char truth[KEYS][16];

static void any_operation(unsigned number)
{
	unsigned key = (unsigned)rand() % KEYS;
	const char *path = get(&key, sizeof(key));
	if (path)
		ck_assert_str_eq(path, truth[key]);
	if (rand() % 1000 == 0) {
		memset(truth, 0, sizeof(truth));
		butter__path_cache_clear(&cache);
	} else if (rand() % 4 == 0) {
		truth[key][0] = '\0';
		butter__path_cache_remove(&cache, &key, sizeof(key));
	} else if (!path) {
		snprintf(truth[key], sizeof(truth[key]), "/%u", number);
		put(key, truth[key]);
	}
}

START_TEST(what_is_got_is_always_what_was_put_last)
{
	const char *given = getenv("BUTTER_TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	printf("path_cache: BUTTER_TEST_SEED=%u\n", seed);
	srand(seed);
	ck_assert_int_eq(butter__path_cache_init(&cache, KEYS), 0);
	for (unsigned i = 0; i < OPERATIONS; i++)
		any_operation(i);
	butter__path_cache_free(&cache);
}
END_TEST

START_TEST(without_memory_nothing_is_kept)
{
	unsigned key = 1;
	fault_error(FAULT_CALLOC, 1, ENOMEM);
	ck_assert_fails(butter__path_cache_init(&cache, 100), ENOMEM);
	fault_clear();
	butter__path_cache_free(&cache);
	ck_assert_int_eq(butter__path_cache_init(&cache, 100), 0);
	fault_error(FAULT_CALLOC, 1, ENOMEM);
	put(key, "/path");
	fault_clear();
	ck_assert_ptr_null(get(&key, sizeof(key)));
	put(key, "/path");
	ck_assert_str_eq(get(&key, sizeof(key)), "/path");
	butter__path_cache_free(&cache);
}
END_TEST

SUITE(event_path_cache)
{
	tcase_add_test(tc, what_is_put_is_got_until_it_is_removed_or_all_is_cleared);
	tcase_add_test(tc, keys_are_all_of_their_bytes);
	tcase_add_test(tc, no_more_than_max_are_held_and_at_least_four_can_be);
	tcase_add_test(tc, what_is_got_is_always_what_was_put_last);
	tcase_add_test(tc, without_memory_nothing_is_kept);
}
