/* SPDX-License-Identifier: MIT */
/* Whether a wheel is what it has to be. */
#include "wheel.h"

/* What all entries of a list have in common. */
static int list_is_sound(const struct butter__wheel *h, uint32_t list)
{
	const struct butter__list *l = &h->lists[list];
	uint32_t i = l->head;
	for (uint32_t count = butter__list_count(l); count; count--, i = h->entries[i].next) {
		const struct butter__deadline *e = i < h->used ? &h->entries[i] : NULL;
		if (!e || !e->who || e->list != list || e->at < l->first || e->next >= h->used ||
		    h->entries[e->next].prev != i ||
		    (butter__wheel_is_placed(list) && butter__wheel_place_of(h, e->at) != list))
			return 0;
	}
	return i == l->head || !butter__list_count(l);
}

static int lists_are_sound(const struct butter__wheel *h)
{
	uint32_t count = 0;
	for (uint32_t list = 0; list < BUTTER__LISTS; list++) {
		uint64_t marked = butter__wheel_is_placed(list)
					  ? h->values[list / BUTTER__VALUES] >> list % BUTTER__VALUES & 1
					  : 0;
		if (!list_is_sound(h, list) ||
		    (butter__wheel_is_placed(list) && marked != !!butter__list_count(&h->lists[list])))
			return 0;
		count += butter__list_count(&h->lists[list]);
	}
	for (uint32_t digit = 0; digit < BUTTER__DIGITS; digit++)
		if (!h->values[digit] != !(h->digits >> digit & 1))
			return 0;
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
