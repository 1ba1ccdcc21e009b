/* SPDX-License-Identifier: MIT */
/*
 * Deadlines in a 4-ary heap. Who waits for one is known by a slot, a number that stays; the heap
 * writes positions into a dense table and not into the waiters, which lie anywhere in memory.
 */
#ifndef BUTTER__HEAP_H
#define BUTTER__HEAP_H

#include <stddef.h>
#include <stdint.h>

struct butter__deadline {
	int64_t at;   /* of those that wait for the clock: how long after it */
	uint32_t seq; /* of its start, which decides between equals */
	uint32_t slot;
};

struct butter__heap {
	/*
	 * The heap, and behind it those that count from when the clock is read next, where they will
	 * be added to it. So aligned that four siblings are one cache line.
	 */
	struct butter__deadline *entries;
	uint32_t *position; /* of a slot in entries, from 1; 0: not there. Free: the next */
	void **who;         /* of a slot; NULL: free */
	void *memory;       /* of all these */
	uint32_t count, start_count;
	uint32_t room;       /* of each */
	uint32_t used, free; /* slots ever used; the first free one, from 1 */
	uint32_t seq;
};

/* A slot for who. 0, or -1 with ENOMEM. */
int butter__heap_take(struct butter__heap *h, void *who, uint32_t *ret_slot);

/* Takes the slot and its deadlines away. */
void butter__heap_drop(struct butter__heap *h, uint32_t slot);

/* A deadline for the slot, in place of the one it has. */
void butter__heap_set(struct butter__heap *h, uint32_t slot, int64_t at);

/* Such a one, counted from the next butter__heap_settle(); until then it has none. */
void butter__heap_set_after(struct butter__heap *h, uint32_t slot, int64_t after);
void butter__heap_settle(struct butter__heap *h, int64_t now);

/* Puts all deadlines off. */
void butter__heap_shift(struct butter__heap *h, int64_t by);

/* Whether the slot's deadline is such a one, that waits for the clock; it has one. */
static inline int butter__heap_is_starting(const struct butter__heap *h, uint32_t slot)
{
	return h->position[slot] > h->count;
}

void butter__heap_free(struct butter__heap *h);

/* Whether the heap is one, and slots and entries name each other. */
int butter__heap_is_sound(const struct butter__heap *h);

#endif
