/* SPDX-License-Identifier: MIT */
/* Deadlines that are due, in order: where they lie, since there may be no memory for anything else. */
#include "wheel.h"

enum { RUNS = 32 };

static int is_before(const struct butter__deadline *a, const struct butter__deadline *b)
{
	return (a->at < b->at) | ((a->at == b->at) & ((int32_t)(a->seq - b->seq) < 0));
}

/* Two chains that are in order and end with 0. */
static uint32_t merge(struct butter__wheel *h, uint32_t a, uint32_t b)
{
	uint32_t head = 0, *end = &head;
	while (a && b) {
		uint32_t *from = is_before(&h->entries[b], &h->entries[a]) ? &b : &a;
		*end = *from;
		end = &h->entries[*from].next;
		*from = *end;
	}
	*end = a ? a : b;
	return head;
}

/* Of run k there are 2 to the k, or none. */
uint32_t butter__wheel_sort(struct butter__wheel *h, uint32_t i)
{
	uint32_t runs[RUNS] = {0}, sorted = 0, most = 0;
	while (i) {
		uint32_t run = i, k = 0;
		i = h->entries[i].next;
		h->entries[run].next = 0;
		for (; runs[k]; runs[k++] = 0)
			run = merge(h, runs[k], run);
		runs[k] = run;
		most = k > most ? k : most;
	}
	for (uint32_t k = 0; k <= most; k++)
		sorted = merge(h, runs[k], sorted);
	return sorted;
}
