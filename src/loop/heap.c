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
	const size_t each = 2 * sizeof(*h->entries) + sizeof(*h->who) + 2 * sizeof(*h->position);
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
	to.starts = to.entries + room;
	to.who = (void *)(to.starts + room);
	to.position = (void *)(to.who + room);
	to.starting = to.position + room;
	to.room = room;
	if (h->room) {
		memcpy(to.entries, h->entries, h->count * sizeof(*h->entries));
		memcpy(to.starts, h->starts, h->start_count * sizeof(*h->starts));
		memcpy(to.who, h->who, h->used * sizeof(*h->who));
		memcpy(to.position, h->position, h->used * sizeof(*h->position));
		memcpy(to.starting, h->starting, h->used * sizeof(*h->starting));
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
	h->position[slot] = h->starting[slot] = 0;
	h->who[slot] = who;
	*ret_slot = slot;
	return 0;
}

static void take_back_start(struct butter__heap *h, uint32_t slot)
{
	uint32_t i = h->starting[slot] - 1;
	struct butter__deadline last = h->starts[--h->start_count];
	h->starts[i] = last;
	h->starting[last.slot] = i + 1;
	h->starting[slot] = 0;
}

void butter__heap_drop(struct butter__heap *h, uint32_t slot)
{
	uint32_t position = h->position[slot];
	if (position) {
		struct butter__deadline last = h->entries[--h->count];
		if (last.slot != slot)
			sift(h, position - 1, last);
	}
	if (h->starting[slot])
		take_back_start(h, slot);
	h->who[slot] = NULL;
	h->position[slot] = h->free;
	h->free = slot + 1;
}

static void set(struct butter__heap *h, struct butter__deadline d)
{
	uint32_t position = h->position[d.slot];
	if (position)
		sift(h, position - 1, d);
	else
		sift_up(h, h->count++, d);
}

void butter__heap_set(struct butter__heap *h, uint32_t slot, int64_t at)
{
	if (h->starting[slot])
		take_back_start(h, slot);
	set(h, (struct butter__deadline){.at = at, .seq = h->seq++, .slot = slot});
}

void butter__heap_move(struct butter__heap *h, uint32_t slot, int64_t at)
{
	struct butter__deadline d = h->entries[h->position[slot] - 1];
	d.at = at;
	set(h, d);
}

void butter__heap_set_after(struct butter__heap *h, uint32_t slot, int64_t after)
{
	uint32_t i = h->starting[slot];
	if (!i)
		h->starting[slot] = i = ++h->start_count;
	h->starts[i - 1] = (struct butter__deadline){.at = after, .seq = h->seq++, .slot = slot};
}

void butter__heap_settle(struct butter__heap *h, int64_t now)
{
	for (uint32_t i = 0; i < h->start_count; i++) {
		struct butter__deadline d = h->starts[i];
		h->starting[d.slot] = 0;
		d.at = butter__time_add(d.at, now);
		set(h, d);
	}
	h->start_count = 0;
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
	uint32_t free = 0, waiting = 0;
	for (uint32_t i = 0; i < h->count; i++) {
		const struct butter__deadline *d = &h->entries[i];
		if (i > 0 && is_before(d, &h->entries[(i - 1) / WAYS]))
			return 0;
		if (d->slot >= h->used || h->position[d->slot] != i + 1 || !h->who[d->slot])
			return 0;
	}
	for (uint32_t i = 0; i < h->start_count; i++) {
		const struct butter__deadline *d = &h->starts[i];
		if (d->slot >= h->used || h->starting[d->slot] != i + 1 || !h->who[d->slot])
			return 0;
	}
	for (uint32_t slot = h->free; slot && free <= h->used; slot = h->position[slot - 1])
		free++;
	for (uint32_t slot = 0; slot < h->used; slot++)
		waiting += h->who[slot] && (h->position[slot] || h->starting[slot]);
	return free + waiting == h->used && h->used <= h->room;
}
