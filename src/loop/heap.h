/* SPDX-License-Identifier: MIT */
/*
 * Deadlines in a 4-ary heap. Who waits for one is known by a slot, a number that stays; the heap
 * writes positions into a dense table and not into the waiters, which lie anywhere in memory. What is
 * taken away stays in the heap as a ghost until it is the first, or until there are too many.
 */
#ifndef BUTTER__HEAP_H
#define BUTTER__HEAP_H

#include <stddef.h>
#include <stdint.h>

struct butter__deadline {
	int64_t at;    /* of those that wait for the clock: how long after it */
	uint32_t seq;  /* of its start, which decides between equals */
	uint32_t slot; /* 0: a ghost */
};

struct butter__heap {
	struct butter__deadline *entries; /* the heap, then those that wait for the clock */
	uint32_t *position;               /* of a slot in entries, from 1; 0: none. Free: the next */
	void **who;                       /* of a slot; NULL: free */
	uint32_t count, start_count;      /* of the heap; of those that wait */
	uint32_t ghosts;                  /* of both */
	uint32_t room;                    /* of each table; of entries twice that, for ghosts */
	uint32_t used, free;              /* slots ever used, and the ghosts'; the first free one, or 0 */
	uint32_t seq;
};

/* A slot for who. 0, or -1 with ENOMEM. */
int butter__heap_take(struct butter__heap *h, void *who, uint32_t *ret_slot);

/* Takes the slot and its deadline away. */
void butter__heap_drop(struct butter__heap *h, uint32_t slot);

/* A deadline for the slot, in place of the one it has. */
void butter__heap_set(struct butter__heap *h, uint32_t slot, int64_t at);

/* Such a one, counted from the next butter__heap_settle(). */
void butter__heap_set_after(struct butter__heap *h, uint32_t slot, int64_t after);
void butter__heap_settle(struct butter__heap *h, int64_t now);

/* The first, which is no ghost; NULL: there is none. */
const struct butter__deadline *butter__heap_first(struct butter__heap *h);

/* Puts all deadlines off. */
void butter__heap_shift(struct butter__heap *h, int64_t by);

void butter__heap_free(struct butter__heap *h);

/* Whether the heap is one, and slots and entries name each other. */
int butter__heap_is_sound(const struct butter__heap *h);

#endif
