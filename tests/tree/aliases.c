/* SPDX-License-Identifier: MIT */
/* Nodes of the same watch, beside a plain list that is searched. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../src/tree/aliases.h"
#include "fault.h"
#include "test.h"

enum { STEPS = 4000, WDS = 40, NODES = 500 };

struct alias {
	uint32_t channel, node;
	int wd;
};
static struct alias list[NODES];
static unsigned count;

/* In the order in which they came. */
static void assert_like_list(const struct butter__aliases *a, unsigned seed)
{
	ck_assert_uint_eq(a->count, count);
	for (uint32_t channel = 0; channel < BUTTER__ALIAS_CHANNELS; channel++)
		for (int wd = 1; wd <= WDS; wd++) {
			uint32_t at = 0;
			for (unsigned i = 0; i < count; i++)
				if (list[i].channel == channel && list[i].wd == wd)
					ck_assert_msg(butter__aliases_next(a, channel, wd, &at) ==
							      list[i].node,
						      "seed %u", seed);
			ck_assert_uint_eq(butter__aliases_next(a, channel, wd, &at), 0);
			ck_assert_uint_eq(butter__aliases_next(a, channel, wd, &at), 0);
		}
}

static void take(struct butter__aliases *a, unsigned i, int by_node, unsigned seed)
{
	struct alias gone = list[i];
	if (!by_node)
		for (i = 0; list[i].channel != gone.channel || list[i].wd != gone.wd; i++)
			continue;
	uint32_t node = list[i].node;
	memmove(list + i, list + i + 1, (--count - i) * sizeof(*list));
	ck_assert_msg(butter__aliases_take(a, gone.channel, gone.wd, by_node ? node : 0) == node, "seed %u",
		      seed);
	ck_assert_uint_eq(butter__aliases_take(a, gone.channel, gone.wd, node), 0);
}

START_TEST(they_are_told_in_the_order_in_which_they_came)
{
	unsigned seed = (unsigned)time(NULL), state = seed;
	struct butter__aliases a = {0};
	count = 0;
	for (unsigned i = 0; i < STEPS; i++) {
		if (count > 0 && rand_r(&state) % 5 < 2) {
			take(&a, (unsigned)rand_r(&state) % count, rand_r(&state) % 2, seed);
		} else if (count < NODES) {
			struct alias *new = &list[count++];
			*new = (struct alias){.channel = (unsigned)rand_r(&state) % BUTTER__ALIAS_CHANNELS,
					      .node = i + 1,
					      .wd = 1 + rand_r(&state) % WDS};
			ck_assert_int_eq(butter__aliases_add(&a, new->channel, new->wd, new->node), 0);
		}
		if (i % 50 == 0)
			assert_like_list(&a, seed);
	}
	while (count > 0)
		take(&a, (unsigned)rand_r(&state) % count, 1, seed);
	assert_like_list(&a, seed);
	butter__aliases_free(&a);
}
END_TEST

START_TEST(one_of_another_watch_is_not_taken)
{
	struct butter__aliases a = {0};
	ck_assert_int_eq(butter__aliases_add(&a, 1, 7, 100), 0);
	ck_assert_uint_eq(butter__aliases_take(&a, 0, 7, 100), 0);
	ck_assert_uint_eq(butter__aliases_take(&a, 1, 8, 100), 0);
	ck_assert_uint_eq(butter__aliases_take(&a, 1, 7, 100), 100);
	butter__aliases_free(&a);
}
END_TEST

START_TEST(without_memory_nothing_is_added)
{
	for (unsigned nth = 1; nth <= 2; nth++) {
		struct butter__aliases a = {0};
		uint32_t at = 0;
		fault_error(FAULT_CALLOC, nth, ENOMEM);
		ck_assert_int_eq(butter__aliases_add(&a, 0, 7, 100), -1);
		fault_clear();
		ck_assert_uint_eq(butter__aliases_next(&a, 0, 7, &at), 0);
		ck_assert_uint_eq(butter__aliases_take(&a, 0, 7, 100), 0);
		ck_assert_int_eq(butter__aliases_add(&a, 0, 7, 100), 0);
		butter__aliases_free(&a);
	}
}
END_TEST

SUITE(tree_aliases)
{
	tcase_add_test(tc, they_are_told_in_the_order_in_which_they_came);
	tcase_add_test(tc, one_of_another_watch_is_not_taken);
	tcase_add_test(tc, without_memory_nothing_is_added);
}
