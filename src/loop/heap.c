/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../event/object.h"
#include "../event/time.h"
#include "heap.h"

enum { WAYS = 4, LINE = 64, FIRST_ROOM = 64 };

static int is_before(const struct butter__deadline *a, const struct butter__deadline *b)
{
	return a->at < b->at || (a->at == b->at && (int32_t)(a->seq - b->seq) < 0);
}

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

/* The first of i's children; there is one. */
static uint32_t first_child(const struct butter__heap *h, uint32_t i)
{
	uint32_t child = i * WAYS + 1, end = child + WAYS < h->count ? child + WAYS : h->count;
	uint32_t first = child;
	while (++child < end)
		if (is_before(&h->entries[child], &h->entries[first]))
			first = child;
	return first;
}

static void sift_down(struct butter__heap *h, uint32_t i, struct butter__deadline d)
{
	while (i < (h->count + WAYS - 2) / WAYS) {
		uint32_t child = first_child(h, i);
		if (!is_before(&h->entries[child], &d))
			break;
		put(h, i, h->entries[child]);
		i = child;
	}
	put(h, i, d);
}

static void sift(struct butter__heap *h, uint32_t i, struct butter__deadline d)
{
	if (i > 0 && is_before(&d, &h->entries[(i - 1) / WAYS]))
		sift_up(h, i, d);
	else
		sift_down(h, i, d);
}

/* One allocation; the second entry begins a line, since the children of i are 4i + 1 to 4i + 4. */
static int resize(struct butter__heap *h, uint32_t room)
{
	const size_t each = sizeof(*h->entries) + sizeof(*h->who) + sizeof(*h->position);
	struct butter__heap to = *h;
	if (room <= h->room || (size_t)room > (SIZE_MAX - 2 * LINE) / each) {
		errno = ENOMEM;
		return -1;
	}
	char *at = to.memory = calloc(1, room * each + 2 * LINE);
	if (!at)
		return -1;
	at += LINE - (uintptr_t)at % LINE + LINE - sizeof(*h->entries);
	to.entries = (void *)at;
	to.who = (void *)(to.entries + room);
	to.position = (void *)(to.who + room);
	to.room = room;
	if (h->room) {
		memcpy(to.entries, h->entries, (h->count + h->start_count) * sizeof(*h->entries));
		memcpy(to.who, h->who, h->used * sizeof(*h->who));
		memcpy(to.position, h->position, h->used * sizeof(*h->position));
	}
	free(h->memory);
	*h = to;
	return 0;
}

int butter__heap_take(struct butter__heap *h, void *who, uint32_t *ret_slot)
{
	uint32_t slot = h->used;
	if (h->free) {
		slot = h->free - 1;
		h->free = h->position[slot];
	} else {
		if (slot == h->room && resize(h, h->room ? h->room * 2 : FIRST_ROOM) < 0)
			return -1;
		h->used++;
	}
	h->position[slot] = 0;
	h->who[slot] = who;
	*ret_slot = slot;
	return 0;
}

/* Takes entry i out of the heap: the last of the heap takes its place, and leaves its own free. */
static void leave_heap(struct butter__heap *h, uint32_t i)
{
	struct butter__deadline last = h->entries[--h->count];
	if (i != h->count)
		sift(h, i, last);
}

/* The last of those that wait for the clock takes the place of entry i, which is none of them now. */
static void fill(struct butter__heap *h, uint32_t i)
{
	uint32_t last = h->count + h->start_count;
	if (i != last)
		put(h, i, h->entries[last]);
}

/* Takes its deadline from a slot. */
static void take_back(struct butter__heap *h, uint32_t slot)
{
	uint32_t i = h->position[slot] - 1;
	if (i >= h->count) {
		h->start_count--;
		fill(h, i);
	} else {
		leave_heap(h, i);
		fill(h, h->count);
	}
	h->position[slot] = 0;
}

void butter__heap_drop(struct butter__heap *h, uint32_t slot)
{
	if (h->position[slot])
		take_back(h, slot);
	h->who[slot] = NULL;
	h->position[slot] = h->free;
	h->free = slot + 1;
}

void butter__heap_set(struct butter__heap *h, uint32_t slot, int64_t at)
{
	struct butter__deadline d = {.at = at, .seq = h->seq++, .slot = slot};
	if (h->position[slot] && !butter__heap_is_starting(h, slot)) {
		sift(h, h->position[slot] - 1, d);
		return;
	}
	if (h->position[slot])
		take_back(h, slot);
	if (h->start_count)
		put(h, h->count + h->start_count, h->entries[h->count]);
	sift_up(h, h->count++, d);
}

void butter__heap_set_after(struct butter__heap *h, uint32_t slot, int64_t after)
{
	struct butter__deadline d = {.at = after, .seq = h->seq++, .slot = slot};
	uint32_t i = h->count + h->start_count;
	if (h->position[slot] && butter__heap_is_starting(h, slot)) {
		h->entries[h->position[slot] - 1] = d;
		return;
	}
	if (h->position[slot]) {
		leave_heap(h, h->position[slot] - 1);
		i = h->count; /* those behind it begin here now */
	}
	h->start_count++;
	put(h, i, d);
}

void butter__heap_settle(struct butter__heap *h, int64_t now)
{
	while (h->start_count) {
		struct butter__deadline d = h->entries[h->count];
		d.at = butter__time_add(d.at, now);
		h->start_count--;
		sift_up(h, h->count++, d);
	}
}

void butter__heap_shift(struct butter__heap *h, int64_t by)
{
	for (uint32_t i = 0; i < h->count; i++)
		h->entries[i].at = butter__time_add(h->entries[i].at, by);
}

void butter__heap_free(struct butter__heap *h)
{
	butter__free(h->memory);
	*h = (struct butter__heap){0};
}

int butter__heap_is_sound(const struct butter__heap *h)
{
	uint32_t free = 0, waiting = 0, count = h->count + h->start_count;
	if (h->used > h->room || count > h->used)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct butter__deadline *d = &h->entries[i];
		if (i > 0 && i < h->count && is_before(d, &h->entries[(i - 1) / WAYS]))
			return 0;
		if (d->slot >= h->used || h->position[d->slot] != i + 1 || !h->who[d->slot])
			return 0;
	}
	for (uint32_t slot = h->free; slot && free <= h->used; slot = h->position[slot - 1]) {
		if (slot > h->used)
			return 0;
		free++;
	}
	for (uint32_t slot = 0; slot < h->used; slot++)
		waiting += h->who[slot] && h->position[slot];
	return free + waiting == h->used;
}
