/* SPDX-License-Identifier: MIT */
/* Whether a wheel is what it has to be. */
#include "wheel.h"

static uint32_t next_mark(const struct butter__list *l, uint32_t mark)
{
	while (mark < BUTTER__MARKS && !l->marks[mark])
		mark++;
	return mark;
}

/* What all entries of a list have in common; its marks are among them, in order. */
static int list_is_sound(const struct butter__wheel *h, uint32_t list)
{
	const struct butter__list *l = &h->lists[list];
	uint32_t i = l->head, mark = 0;
	for (uint32_t count = butter__list_count(l); count; count--, i = h->entries[i].next) {
		const struct butter__deadline *e = i < h->used ? &h->entries[i] : NULL;
		if (!e || !e->who || e->list != list || e->at < l->first || e->next >= h->used ||
		    h->entries[e->next].prev != i ||
		    (butter__wheel_is_placed(list) && butter__wheel_place_of(h, e->at) != list))
			return 0;
		mark = next_mark(l, mark);
		mark += mark < BUTTER__MARKS && l->marks[mark] == i;
	}
	return !butter__list_count(l) || (i == l->head && next_mark(l, mark) == BUTTER__MARKS);
}

/* A digit's values, which are marked where there is something. Most are empty. */
static int digit_is_sound(const struct butter__wheel *h, uint32_t digit, uint32_t *count)
{
	const uint64_t marked = h->values[digit];
	uint32_t list = digit * BUTTER__VALUES;
	for (uint32_t value = 0; value < BUTTER__VALUES; value++, list++) {
		uint32_t found = butter__list_count(&h->lists[list]);
		if ((marked >> value & 1) != !!found || (found && !list_is_sound(h, list)))
			return 0;
		*count += found;
	}
	return !marked == !(h->digits >> digit & 1);
}

static int lists_are_sound(const struct butter__wheel *h)
{
	uint32_t count = 0;
	for (uint32_t digit = 0; digit < BUTTER__DIGITS; digit++)
		if (!digit_is_sound(h, digit, &count))
			return 0;
	for (uint32_t list = BUTTER__STAGE; list < BUTTER__LISTS; list++) {
		if (!list_is_sound(h, list))
			return 0;
		count += butter__list_count(&h->lists[list]);
	}
	return count == h->count;
}

int butter__wheel_is_sound(const struct butter__wheel *h)
{
	uint32_t free = 0;
	for (uint32_t i = h->free; i && free <= h->used; i = h->entries[i].next)
		free++;
	return (!h->used || lists_are_sound(h)) && free + h->count + (h->used > 0) == h->used &&
	       h->used <= h->room;
}
