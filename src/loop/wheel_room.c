/* SPDX-License-Identifier: MIT */
/* The memory of a wheel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../event/object.h"
#include "wheel.h"

enum { FIRST_ROOM = 64, CACHE_LINE = 64 };

/* No entry lies in two cache lines, for which realloc(3) does nothing. */
static int resize(struct butter__wheel *h, size_t size)
{
	size_t before = h->used ? (size_t)((char *)h->entries - h->memory) : 0;
	char *memory = realloc(h->memory, size + CACHE_LINE);
	if (!memory)
		return -1;
	size_t after = -(uintptr_t)memory % CACHE_LINE;
	if (h->used && after != before)
		memmove(memory + after, memory + before, h->used * sizeof(*h->entries));
	h->memory = memory;
	h->entries = (struct butter__deadline *)(void *)(memory + after);
	return 0;
}

/* Each for itself may fail and leave all as it was: the room is told last. */
int butter__wheel_grow(struct butter__wheel *h)
{
	uint32_t room = h->room ? h->room * 2 : FIRST_ROOM;
	size_t size;
	if (room <= h->room || __builtin_mul_overflow((size_t)room, sizeof(*h->entries), &size) ||
	    size > PTRDIFF_MAX - CACHE_LINE) {
		errno = ENOMEM;
		return -1;
	}
	if (!h->lists)
		h->lists = calloc(BUTTER__LISTS, sizeof(*h->lists));
	if (!h->lists || resize(h, size) < 0)
		return -1;
	h->room = room;
	if (!h->used) {
		h->stage = BUTTER__STAGE;
		h->entries[h->used++].who = NULL;
	}
	return 0;
}

void butter__wheel_free(struct butter__wheel *h)
{
	butter__free(h->memory);
	butter__free(h->lists);
	*h = (struct butter__wheel){0};
}
