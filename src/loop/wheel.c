/* SPDX-License-Identifier: MIT */
#include "wheel.h"
#include "../event/time.h"

enum { FEW = BUTTER__FEW, VALUES = BUTTER__VALUES };

static struct butter__deadline *entry(const struct butter__wheel *h, uint32_t i)
{
	return &h->entries[i];
}

static void mark(struct butter__wheel *h, uint32_t list)
{
	h->values[list / VALUES] |= UINT64_C(1) << list % VALUES;
	h->digits |= 1u << list / VALUES;
}

static void unmark(struct butter__wheel *h, uint32_t list)
{
	h->values[list / VALUES] &= ~(UINT64_C(1) << list % VALUES);
	if (!h->values[list / VALUES])
		h->digits &= ~(1u << list / VALUES);
}

static void link_first(struct butter__wheel *h, uint32_t list, uint32_t i)
{
	struct butter__deadline *e = entry(h, i);
	h->lists[list] = (struct butter__list){.first = e->at, .head = i, .tally = 2};
	e->list = list;
	e->next = e->prev = i;
	if (butter__wheel_is_placed(list))
		mark(h, list);
}

static inline void link_last(struct butter__wheel *h, uint32_t list, uint32_t i)
{
	if (butter__list_count(&h->lists[list]))
		butter__wheel_append(h, list, i);
	else
		link_first(h, list, i);
}

static inline void unlink_one(struct butter__wheel *h, uint32_t i)
{
	struct butter__deadline *e = entry(h, i);
	struct butter__list *l = &h->lists[e->list];
	if (e->list == BUTTER__NOWHERE)
		return;
	l->tally = (l->tally - 2) | (e->at == l->first);
	if (!butter__list_count(l) && butter__wheel_is_placed(e->list))
		unmark(h, e->list);
	if (l->head == i)
		l->head = e->next;
	for (int k = 0; k < BUTTER__MARKS; k++)
		if (l->marks[k] == i)
			l->marks[k] = 0;
	entry(h, e->prev)->next = e->next;
	entry(h, e->next)->prev = e->prev;
	e->list = BUTTER__NOWHERE;
}

/* All of a list, out of which they are taken: a ring. How many they are. */
static uint32_t take_list(struct butter__wheel *h, uint32_t list)
{
	uint32_t count = butter__list_count(&h->lists[list]);
	h->lists[list].tally = 0;
	if (count && butter__wheel_is_placed(list))
		unmark(h, list);
	return count;
}

/* Each time that there are twice as many. */
static inline int is_to_mark(const struct butter__list *l)
{
	uint32_t count = butter__list_count(l);
	return !(count & (count - 1)) && count >= FEW / 2;
}

static void place(struct butter__wheel *h, uint32_t i)
{
	uint32_t list = butter__wheel_place_of(h, entry(h, i)->at);
	struct butter__list *l = &h->lists[list];
	link_last(h, list, i);
	if (is_to_mark(l)) {
		l->marks[0] = l->marks[1];
		l->marks[1] = i;
	}
}

/*
 * What is left of a list that was taken. Where one goes on is known when it has been fetched, so that many
 * are fetched at a time only from many places: from both ends of the parts in between the marks, in turn.
 */
struct rest {
	struct part {
		uint32_t first, last;
	} parts[BUTTER__MARKS + 1];
	uint32_t count, turn; /* of parts; the part and the end of it that is next */
};

static struct rest take_rest(struct butter__wheel *h, uint32_t list)
{
	const struct butter__list *l = &h->lists[list];
	struct rest rest = {.count = 0};
	if (!take_list(h, list))
		return rest;
	rest.parts[rest.count++].first = l->head;
	for (int k = 0; k < BUTTER__MARKS; k++) {
		if (!l->marks[k] || l->marks[k] == l->head)
			continue;
		rest.parts[rest.count - 1].last = entry(h, l->marks[k])->prev;
		rest.parts[rest.count++].first = l->marks[k];
	}
	rest.parts[rest.count - 1].last = entry(h, l->head)->prev;
	return rest;
}

static inline uint32_t next_of(const struct butter__wheel *h, struct rest *rest)
{
	struct part *part = &rest->parts[rest->turn / 2];
	uint32_t is_last = rest->turn & 1, i = is_last ? part->last : part->first;
	if (part->first == part->last) {
		*part = rest->parts[--rest->count];
		rest->turn = 0;
		return i;
	}
	if (is_last)
		part->last = entry(h, i)->prev;
	else
		part->first = entry(h, i)->next;
	rest->turn = rest->turn + 1 < 2 * rest->count ? rest->turn + 1 : 0;
	return i;
}

/* A few of it. Nothing is written meanwhile. */
static uint32_t fetch(const struct butter__wheel *h, struct rest *rest, uint32_t slots[FEW])
{
	uint32_t count = 0;
	while (rest->count && count < FEW)
		slots[count++] = next_of(h, rest);
	return count;
}

static void place_rest(struct butter__wheel *h, struct rest *rest, int64_t base)
{
	uint32_t slots[FEW], count;
	while ((count = fetch(h, rest, slots)))
		for (uint32_t k = 0; k < count; k++) {
			struct butter__deadline *e = entry(h, slots[k]);
			e->at = butter__time_add(e->at, base);
			place(h, slots[k]);
		}
}

/* The first list of all that are placed. There is one. */
static uint32_t first_list(const struct butter__wheel *h)
{
	uint32_t digit = (uint32_t)__builtin_ctz(h->digits);
	return digit * VALUES + (uint32_t)__builtin_ctzll(h->values[digit]);
}

/* Those that have waited for the clock, until others have. */
static uint32_t settled(const struct butter__wheel *h)
{
	return BUTTER__STAGE + !(h->stage - BUTTER__STAGE);
}

static void place_settled(struct butter__wheel *h)
{
	struct rest rest = take_rest(h, settled(h));
	place_rest(h, &rest, h->base);
}

/* Deals a list that has come up out to lower digits. */
static void deal(struct butter__wheel *h, uint32_t list)
{
	uint32_t shift = list / VALUES * BUTTER__DIGIT;
	uint64_t above = (uint64_t)h->last >> shift & ~(uint64_t)(VALUES - 1);
	struct rest rest = take_rest(h, list);
	h->last = (int64_t)((above | list % VALUES) << shift);
	place_rest(h, &rest, 0);
}

/* Those that are due of the first list go to that of the due, in order; who they are is fetched meanwhile. */
static void split(struct butter__wheel *h, uint32_t list, int64_t now)
{
	uint32_t slots[FEW], count, due = 0, next;
	struct rest rest = take_rest(h, list);
	while ((count = fetch(h, &rest, slots)))
		for (uint32_t k = 0; k < count; k++) {
			struct butter__deadline *e = entry(h, slots[k]);
			if (e->at > now) {
				link_last(h, list, slots[k]);
				continue;
			}
			butter__fetch(e->who);
			e->next = due;
			due = slots[k];
		}
	for (uint32_t i = butter__wheel_sort(h, due); i; i = next) {
		next = entry(h, i)->next;
		link_last(h, BUTTER__DUE, i);
	}
}

static int64_t first_settled(const struct butter__wheel *h)
{
	const struct butter__list *l = &h->lists[settled(h)];
	return butter__list_count(l) ? butter__time_add(l->first, h->base) : INT64_MAX;
}

/* Brings what is due nearer. 0: nothing is. */
static int advance(struct butter__wheel *h, int64_t now)
{
	if (butter__list_count(&h->lists[settled(h)]) && first_settled(h) <= now) {
		place_settled(h);
		return 1;
	}
	uint32_t list = h->digits ? first_list(h) : BUTTER__NOWHERE;
	if (!h->digits || h->lists[list].first > now)
		return 0;
	if (list < VALUES || butter__list_count(&h->lists[list]) <= FEW)
		split(h, list, now);
	else
		deal(h, list);
	return 1;
}

uint32_t butter__wheel_due(struct butter__wheel *h, int64_t now)
{
	if (!h->count)
		return 0;
	while (!butter__list_count(&h->lists[BUTTER__DUE]) && advance(h, now))
		;
	return butter__list_count(&h->lists[BUTTER__DUE]) ? h->lists[BUTTER__DUE].head : 0;
}

/* Anew, where the one that was the first is gone. */
static void find_first(struct butter__wheel *h, struct butter__list *l)
{
	uint32_t i = l->head;
	l->first = INT64_MAX;
	l->tally &= ~1u;
	for (uint32_t count = butter__list_count(l); count; count--, i = entry(h, i)->next)
		l->first = entry(h, i)->at < l->first ? entry(h, i)->at : l->first;
}

int64_t butter__wheel_first(struct butter__wheel *h)
{
	if (!h->count)
		return INT64_MAX;
	if (butter__list_count(&h->lists[settled(h)]) && butter__list_has_lost(&h->lists[settled(h)]))
		place_settled(h);
	if (butter__list_count(&h->lists[BUTTER__DUE]))
		return h->lists[BUTTER__DUE].first;
	int64_t first = first_settled(h);
	struct butter__list *l = h->digits ? &h->lists[first_list(h)] : NULL;
	if (l && butter__list_has_lost(l) && butter__list_count(l) <= FEW)
		find_first(h, l);
	return l && l->first < first ? l->first : first;
}

static uint32_t take_slot(struct butter__wheel *h, void *who)
{
	uint32_t slot = butter__wheel_slot(h, who);
	if (!slot && butter__wheel_grow(h) == 0)
		slot = butter__wheel_slot(h, who);
	return slot;
}

int butter__wheel_take(struct butter__wheel *h, void *who, uint32_t *ret_slot)
{
	uint32_t slot = take_slot(h, who);
	if (!slot)
		return -1;
	entry(h, slot)->list = BUTTER__NOWHERE;
	*ret_slot = slot;
	return 0;
}

static void wait_for_clock(struct butter__wheel *h, uint32_t slot, int64_t after)
{
	entry(h, slot)->at = after;
	entry(h, slot)->seq = h->seq++;
	link_last(h, h->stage, slot);
}

int butter__wheel_take_after(struct butter__wheel *h, void *who, int64_t after, uint32_t *ret_slot)
{
	uint32_t slot = take_slot(h, who);
	if (!slot)
		return -1;
	wait_for_clock(h, slot, after);
	*ret_slot = slot;
	return 0;
}

void butter__wheel_drop(struct butter__wheel *h, uint32_t slot)
{
	unlink_one(h, slot);
	entry(h, slot)->who = NULL;
	entry(h, slot)->next = h->free;
	h->free = slot;
	h->count--;
}

void butter__wheel_move(struct butter__wheel *h, uint32_t slot, int64_t at)
{
	unlink_one(h, slot);
	entry(h, slot)->at = at;
	place(h, slot);
}

void butter__wheel_set(struct butter__wheel *h, uint32_t slot, int64_t at)
{
	entry(h, slot)->seq = h->seq++;
	butter__wheel_move(h, slot, at);
}

void butter__wheel_set_after(struct butter__wheel *h, uint32_t slot, int64_t after)
{
	unlink_one(h, slot);
	wait_for_clock(h, slot, after);
}

/* Places all anew, as seen from now. */
static void replace(struct butter__wheel *h, int64_t now, int64_t by)
{
	h->last = now;
	for (uint32_t list = 0; list < BUTTER__STAGE; list++)
		take_list(h, list);
	for (uint32_t i = 1; i < h->used; i++) {
		if (!entry(h, i)->who || !butter__wheel_is_placed(entry(h, i)->list))
			continue;
		entry(h, i)->at = butter__time_add(entry(h, i)->at, by);
		place(h, i);
	}
}

/* The later last is, the fewer lists a deadline goes through. */
static void set_last(struct butter__wheel *h, int64_t now)
{
	int64_t first = first_settled(h);
	h->last = first < now ? first : now;
}

/* A clock that was set back is rare. */
void butter__wheel_settle(struct butter__wheel *h, int64_t now)
{
	int64_t not_negative = now < 0 ? 0 : now;
	if (!h->count)
		return;
	if (!h->digits)
		set_last(h, not_negative);
	else if (not_negative < h->last)
		replace(h, not_negative, 0);
	if (!butter__list_count(&h->lists[h->stage]))
		return;
	place_settled(h);
	h->stage = settled(h);
	h->base = now;
}

void butter__wheel_shift(struct butter__wheel *h, int64_t by)
{
	h->base = butter__time_add(h->base, by);
	if (h->count)
		replace(h, h->last, by);
}

int64_t butter__wheel_at(const struct butter__wheel *h, uint32_t slot, int64_t now)
{
	const struct butter__deadline *e = entry(h, slot);
	if (e->list == h->stage)
		return butter__time_add(e->at, now);
	return e->list == settled(h) ? butter__time_add(e->at, h->base) : e->at;
}
