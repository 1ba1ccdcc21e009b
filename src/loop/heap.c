/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../event/object.h"
#include "../event/time.h"
#include "heap.h"

/*
 * What malloc(3) gives for a large table begins 16 bytes into a page: with two entries before the
 * first, four siblings, 4i + 1 to 4i + 4, are one cache line.
 */
enum { WAYS = 4, PAD = 2, FIRST_ROOM = 64, FEW_GHOSTS = 64, GHOST = 0 };

/* Without a branch, since nobody can predict it. */
static int is_before(const struct butter__deadline *a, const struct butter__deadline *b)
{
	return (a->at < b->at) | ((a->at == b->at) & ((int32_t)(a->seq - b->seq) < 0));
}

/* The ghosts' slot has a position too, which means nothing. */
static void put(struct butter__heap *h, uint32_t i, struct butter__deadline d)
{
	h->entries[i] = d;
	h->position[d.slot] = i + 1;
}

static void sift_up(struct butter__heap *h, uint32_t i, struct butter__deadline d)
{
	while (i > 0) {
		uint32_t parent = (i - 1) / WAYS;
		if (!is_before(&d, &h->entries[parent]))
			break;
		put(h, i, h->entries[parent]);
		i = parent;
	}
	put(h, i, d);
}

/* The first of four siblings. */
static uint32_t first_of(const struct butter__deadline *entries, uint32_t child)
{
	uint32_t a = child + (uint32_t)is_before(&entries[child + 1], &entries[child]);
	uint32_t b = child + 2 + (uint32_t)is_before(&entries[child + 3], &entries[child + 2]);
	uint32_t is_b = (uint32_t)is_before(&entries[b], &entries[a]);
	return a ^ ((a ^ b) & (0u - is_b));
}

/* Of those that there are, where they are fewer than four. */
static uint32_t first_of_few(const struct butter__heap *h, uint32_t child)
{
	uint32_t first = child;
	while (++child < h->count)
		if (is_before(&h->entries[child], &h->entries[first]))
			first = child;
	return first;
}

/* The first child of i; 0: there is none. What will be asked next is fetched meanwhile. */
static uint32_t first_child(const struct butter__heap *h, uint32_t i)
{
	uint32_t child = i * WAYS + 1, last = child + WAYS - 1;
	if (child >= h->count)
		return 0;
	if (last >= h->count)
		return first_of_few(h, child);
	if (last * WAYS + WAYS < h->count)
		for (uint32_t next = child * WAYS + 1; next <= last * WAYS + 1; next += WAYS)
			__builtin_prefetch(&h->entries[next]);
	return first_of(h->entries, child);
}

static void sift_down(struct butter__heap *h, uint32_t i, struct butter__deadline d)
{
	uint32_t child;
	while ((child = first_child(h, i)) && is_before(&h->entries[child], &d)) {
		put(h, i, h->entries[child]);
		i = child;
	}
	put(h, i, d);
}

/* Who comes next, and of those after that where it is written: far away, both. */
static void fetch_who(const struct butter__heap *h, uint32_t i, uint32_t slot)
{
	enum { CHILDREN = WAYS + 1, GRANDCHILDREN = WAYS * WAYS + CHILDREN };
	if (i < CHILDREN)
		__builtin_prefetch(h->who[slot], 1);
	else if (i < GRANDCHILDREN)
		__builtin_prefetch(&h->who[slot]);
}

/* The same for the last, which is likely to go back to the end: the gap goes there first. */
static void sift_last(struct butter__heap *h, struct butter__deadline d)
{
	uint32_t i = 0, child;
	while ((child = first_child(h, i))) {
		put(h, i, h->entries[child]);
		fetch_who(h, i, h->entries[i].slot);
		i = child;
	}
	sift_up(h, i, d);
}

/* Of the others, each for itself may fail and leave the heap as it was: the room is told last. */
static int resize(struct butter__heap *h, uint32_t room)
{
	struct butter__deadline *entries = h->entries ? h->entries - PAD : NULL;
	size_t size;
	if (room <= h->room || __builtin_mul_overflow((size_t)room + PAD, 2 * sizeof(*entries), &size)) {
		errno = ENOMEM;
		return -1;
	}
	entries = realloc(entries, size);
	if (!entries)
		return -1;
	h->entries = entries + PAD;
	uint32_t *position = realloc(h->position, room * sizeof(*position));
	if (!position)
		return -1;
	h->position = position;
	void **who = realloc(h->who, room * sizeof(*who));
	if (!who)
		return -1;
	h->who = who;
	h->room = room;
	return 0;
}

int butter__heap_take(struct butter__heap *h, void *who, uint32_t *ret_slot)
{
	uint32_t slot = h->free;
	if (slot) {
		h->free = h->position[slot];
	} else {
		if (h->used == h->room && resize(h, h->room ? h->room * 2 : FIRST_ROOM) < 0)
			return -1;
		if (!h->used)
			h->who[h->used++] = NULL;
		slot = h->used++;
	}
	h->position[slot] = 0;
	h->who[slot] = who;
	*ret_slot = slot;
	return 0;
}

/* The heap without its ghosts, and what waits for the clock behind it. */
static void bury(struct butter__heap *h)
{
	uint32_t end = h->count + h->start_count, kept = 0, heap = 0;
	for (uint32_t i = 0; i < end; i++) {
		if (h->entries[i].slot != GHOST)
			put(h, kept++, h->entries[i]);
		if (i < h->count)
			heap = kept;
	}
	h->count = heap;
	h->start_count = kept - heap;
	h->ghosts = 0;
	for (uint32_t i = (heap + WAYS - 2) / WAYS; i-- > 0;)
		sift_down(h, i, h->entries[i]);
}

static void make_ghost(struct butter__heap *h, uint32_t slot)
{
	if (!h->position[slot])
		return;
	h->entries[h->position[slot] - 1].slot = GHOST;
	h->ghosts++;
}

static void limit_ghosts(struct butter__heap *h)
{
	if (h->ghosts > FEW_GHOSTS && h->ghosts > (h->count + h->start_count) / 2)
		bury(h);
}

void butter__heap_drop(struct butter__heap *h, uint32_t slot)
{
	make_ghost(h, slot);
	h->who[slot] = NULL;
	h->position[slot] = h->free;
	h->free = slot;
	limit_ghosts(h);
}

/* Room for one more: there is, or there are ghosts, since no slot has more than one entry. */
static void make_room(struct butter__heap *h)
{
	if (h->count + h->start_count == 2 * h->room)
		bury(h);
}

void butter__heap_set(struct butter__heap *h, uint32_t slot, int64_t at)
{
	struct butter__deadline d = {.at = at, .seq = h->seq++, .slot = slot};
	uint32_t i = h->position[slot];
	if (i == 1 && h->count) {
		sift_down(h, 0, d); /* as a timer that repeats */
		return;
	}
	make_ghost(h, slot);
	h->position[slot] = 0;
	make_room(h);
	if (h->start_count) { /* the first of those that wait becomes the last */
		struct butter__deadline moved = h->entries[h->count];
		put(h, h->count + h->start_count, moved);
	}
	sift_up(h, h->count++, d);
	limit_ghosts(h);
}

void butter__heap_set_after(struct butter__heap *h, uint32_t slot, int64_t after)
{
	struct butter__deadline d = {.at = after, .seq = h->seq++, .slot = slot};
	uint32_t i = h->position[slot];
	if (i > h->count) {
		h->entries[i - 1] = d;
		return;
	}
	make_ghost(h, slot);
	h->position[slot] = 0;
	make_room(h);
	put(h, h->count + h->start_count++, d);
	limit_ghosts(h);
}

void butter__heap_settle(struct butter__heap *h, int64_t now)
{
	uint32_t end = h->count + h->start_count;
	for (uint32_t i = h->count; i < end; i++) {
		struct butter__deadline d = h->entries[i];
		if (d.slot == GHOST) {
			h->ghosts--;
			continue;
		}
		d.at = butter__time_add(d.at, now);
		sift_up(h, h->count++, d);
	}
	h->start_count = 0;
}

/* Takes the first, which is a ghost, out of the heap; the last of those that wait fills the gap. */
static void bury_first(struct butter__heap *h)
{
	struct butter__deadline last = h->entries[--h->count];
	if (h->start_count)
		put(h, h->count, h->entries[h->count + h->start_count]);
	if (h->count)
		sift_last(h, last);
	h->ghosts--;
}

const struct butter__deadline *butter__heap_first(struct butter__heap *h)
{
	while (h->count && h->entries[0].slot == GHOST)
		bury_first(h);
	return h->count ? &h->entries[0] : NULL;
}

void butter__heap_shift(struct butter__heap *h, int64_t by)
{
	for (uint32_t i = 0; i < h->count; i++)
		h->entries[i].at = butter__time_add(h->entries[i].at, by);
}

void butter__heap_free(struct butter__heap *h)
{
	if (h->entries)
		butter__free(h->entries - PAD);
	butter__free(h->position);
	butter__free(h->who);
	*h = (struct butter__heap){0};
}

int butter__heap_is_sound(const struct butter__heap *h)
{
	uint32_t free = 0, ghosts = 0, end = h->count + h->start_count;
	for (uint32_t i = 0; i < end; i++) {
		const struct butter__deadline *d = &h->entries[i];
		if (i > 0 && i < h->count && is_before(d, &h->entries[(i - 1) / WAYS]))
			return 0;
		ghosts += d->slot == GHOST;
		if (d->slot != GHOST &&
		    (d->slot >= h->used || h->position[d->slot] != i + 1 || !h->who[d->slot]))
			return 0;
	}
	for (uint32_t slot = h->free; slot && free <= h->used; slot = h->position[slot])
		free++;
	return ghosts == h->ghosts && free + (end - ghosts) + (h->used > 0) == h->used && h->used <= h->room;
}
