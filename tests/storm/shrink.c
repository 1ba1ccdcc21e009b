/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "storm.h"

enum { MOST_RUNS = 5000 };

static int fails(const struct storm_setting *setting, const struct step_list *steps)
{
	struct storm_setting silent = *setting;
	char error[512];
	silent.log = NULL;
	storm_replay(&silent, steps, error);
	return error[0] != '\0';
}

static struct step_list without(const struct step_list *l, size_t from, size_t count)
{
	struct step_list less = {.items = malloc((l->count + 1) * sizeof(*l->items)), .size = l->count + 1};
	less.count = l->count - count;
	memcpy(less.items, l->items, from * sizeof(*l->items));
	memcpy(less.items + from, l->items + from + count, (l->count - from - count) * sizeof(*l->items));
	return less;
}

/* Halves, quarters, and so on, down to single steps, until nothing more can be left out. */
void storm_shrink(const struct storm_setting *setting, struct step_list *steps)
{
	unsigned runs = 0;
	for (size_t chunk = (steps->count + 1) / 2; chunk > 0 && runs < MOST_RUNS;) {
		size_t before = steps->count;
		for (size_t end = steps->count; end > 0 && runs < MOST_RUNS; runs++) {
			size_t from = end > chunk ? end - chunk : 0;
			struct step_list less = without(steps, from, end - from);
			if (fails(setting, &less)) {
				free(steps->items);
				*steps = less;
			} else {
				free(less.items);
			}
			end = from;
		}
		chunk = chunk > 1 ? chunk / 2 : steps->count < before;
	}
}
