/* SPDX-License-Identifier: MIT */
/* Deadlines that are due, in order: where they lie, since there may be no memory for anything else. */
#include "wheel.h"

enum { RUNS = 32, FEW = BUTTER__FEW };

struct key {
	int64_t at;
	uint32_t seq, slot;
};

static int is_before(const struct key *a, const struct key *b)
{
	return a->at < b->at || (a->at == b->at && (int32_t)(a->seq - b->seq) < 0);
}

static struct key key_of(const struct butter__wheel *h, uint32_t i)
{
	return (struct key){h->entries[i].at, h->entries[i].seq, i};
}

/* Of a chain the first few, out of which they are taken: in order, where they are near. */
static uint32_t sort_few(struct butter__wheel *h, uint32_t *rest)
{
	struct key keys[FEW];
	uint32_t count = 0, next = 0;
	for (; *rest && count < FEW; *rest = h->entries[*rest].next) {
		struct key key = key_of(h, *rest);
		uint32_t k = count++;
		for (; k > 0 && is_before(&key, &keys[k - 1]); k--)
			keys[k] = keys[k - 1];
		keys[k] = key;
	}
	while (count > 0) {
		h->entries[keys[--count].slot].next = next;
		next = keys[count].slot;
	}
	return next;
}

/* Two chains that are in order and end with 0. */
static uint32_t merge(struct butter__wheel *h, uint32_t a, uint32_t b)
{
	uint32_t head = 0, *end = &head;
	while (a && b) {
		struct key left = key_of(h, a), right = key_of(h, b);
		uint32_t *from = is_before(&right, &left) ? &b : &a;
		*end = *from;
		end = &h->entries[*from].next;
		*from = *end;
	}
	*end = a ? a : b;
	return head;
}

/* Of run k there are FEW times 2 to the k, or none. */
uint32_t butter__wheel_sort(struct butter__wheel *h, uint32_t i)
{
	uint32_t runs[RUNS] = {0}, sorted = 0, most = 0;
	while (i) {
		uint32_t run = sort_few(h, &i), k = 0;
		for (; runs[k]; runs[k++] = 0)
			run = merge(h, runs[k], run);
		runs[k] = run;
		most = k > most ? k : most;
	}
	for (uint32_t k = 0; k <= most; k++)
		sorted = merge(h, runs[k], sorted);
	return sorted;
}
