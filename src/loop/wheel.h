/* SPDX-License-Identifier: MIT */
/*
 * Deadlines in a timing wheel that is exact to the nanosecond. A deadline lies in the list of the
 * highest digit, of six bits, in which it differs from a time that has passed (last), and of the value
 * that it has there: of two such lists one is over before the other begins. Only when a list has come
 * up is it looked into, and what is far more than a few is dealt out to the lists of lower digits. What
 * is set to count from the next time that the clock is read waits in a list of its own; and after that,
 * since most deadlines are put off or taken away before they are due, until the next such ones come.
 */
#ifndef BUTTER__WHEEL_H
#define BUTTER__WHEEL_H

#include <stddef.h>
#include <stdint.h>

enum {
	BUTTER__DIGIT = 6,
	BUTTER__DIGITS = 11,
	BUTTER__VALUES = 1 << BUTTER__DIGIT,
	BUTTER__STAGE = BUTTER__DIGITS * BUTTER__VALUES, /* two lists: what waits for the clock, and has */
	BUTTER__DUE = BUTTER__STAGE + 2,
	BUTTER__LISTS,
	BUTTER__NOWHERE = BUTTER__LISTS,
	BUTTER__MARKS = 2,
	BUTTER__FEW = 64 /* a list of no more is not dealt out, but sorted, at once */
};

struct butter__deadline {
	int64_t at;          /* in the two lists of stages: how long after the clock */
	void *who;           /* NULL: free */
	uint32_t next, prev; /* in the ring of the list; of a free one: the next */
	uint32_t seq;        /* of its start, which decides between equals */
	uint32_t list;
};

struct butter__list {
	int64_t first;  /* none is earlier */
	uint32_t head;  /* the one that came first, and behind which the last is found */
	uint32_t tally; /* twice how many there are, and 1 when the one that was the first was taken away */
	uint32_t marks[BUTTER__MARKS]; /* of a long one: some in between, in order, or 0 */
};

struct butter__wheel {
	struct butter__deadline *entries; /* by slot, from 1; a slot is a number that stays */
	char *memory;                     /* in which they lie */
	struct butter__list *lists;
	int64_t last;                    /* a time of the clock, or before */
	int64_t base;                    /* the clock, for what has waited for it */
	uint64_t values[BUTTER__DIGITS]; /* a bit for each list that has some */
	uint32_t digits;                 /* a bit for each digit that has some */
	uint32_t stage;                  /* the list of what waits for the clock */
	uint32_t count;                  /* slots taken */
	uint32_t room, used, free;       /* entries; slots ever used; the first free one, or 0 */
	uint32_t seq;
};

static inline uint32_t butter__list_count(const struct butter__list *l)
{
	return l->tally / 2; /* 0: the others mean nothing */
}

static inline int butter__list_has_lost(const struct butter__list *l)
{
	return l->tally & 1;
}

/* Whether a list is that of a digit's value, and in which a deadline belongs. */
static inline int butter__wheel_is_placed(uint32_t list)
{
	return list < BUTTER__STAGE;
}

/*
 * Fetches what will be needed soon. A prefetch is dropped where the translation of the address is to be
 * fetched, too. Reads that nothing waits for, and nothing is written between, go on side by side.
 */
static inline void butter__fetch(const void *what)
{
	(void)*(const volatile char *)what;
}

/* What was to come before last is in the list of last itself. */
static inline uint32_t butter__wheel_place_of(const struct butter__wheel *h, int64_t at)
{
	enum { HIGHEST = 63 };
	uint64_t key = (uint64_t)(at < h->last ? h->last : at), differs = key ^ (uint64_t)h->last;
	uint32_t digit = (uint32_t)(HIGHEST - __builtin_clzll(differs | 1)) / BUTTER__DIGIT;
	return digit * BUTTER__VALUES + (uint32_t)(key >> digit * BUTTER__DIGIT) % BUTTER__VALUES;
}

/* A chain by next that ends with 0, put in order. */
uint32_t butter__wheel_sort(struct butter__wheel *h, uint32_t first);

/* A slot for who; 0: there is no room. */
static inline uint32_t butter__wheel_slot(struct butter__wheel *h, void *who)
{
	uint32_t slot = h->free;
	if (slot)
		h->free = h->entries[slot].next;
	else if (h->used < h->room)
		slot = h->used++;
	else
		return 0;
	h->entries[slot].who = who;
	h->count++;
	return slot;
}

/* Room for as many more. 0, or -1 with ENOMEM. */
int butter__wheel_grow(struct butter__wheel *h);

/* A slot for who, or -1 with ENOMEM. */
int butter__wheel_take(struct butter__wheel *h, void *who, uint32_t *ret_slot);

/* As the last of a list that has some. */
static inline void butter__wheel_append(struct butter__wheel *h, uint32_t list, uint32_t i)
{
	struct butter__list *l = &h->lists[list];
	struct butter__deadline *e = &h->entries[i], *head = &h->entries[l->head];
	uint32_t last = head->prev;
	e->list = list;
	e->next = l->head;
	e->prev = last;
	h->entries[last].next = i;
	head->prev = i;
	l->tally += 2;
	if (e->at < l->first)
		l->first = e->at;
}

/* butter__wheel_take() and butter__wheel_set_after(). */
int butter__wheel_take_after(struct butter__wheel *h, void *who, int64_t after, uint32_t *ret_slot);

/*
 * The same where there is room, and others wait for the clock: what a program with many timeouts does most,
 * so that it is done where it is called.
 */
static inline int butter__wheel_is_ready(const struct butter__wheel *h)
{
	return (h->free || h->used < h->room) && butter__list_count(&h->lists[h->stage]);
}

static inline uint32_t butter__wheel_take_ready(struct butter__wheel *h, void *who, int64_t after)
{
	uint32_t slot = butter__wheel_slot(h, who);
	h->entries[slot].seq = h->seq++;
	h->entries[slot].at = after;
	butter__wheel_append(h, h->stage, slot);
	return slot;
}

/* Takes the slot and its deadline away. */
void butter__wheel_drop(struct butter__wheel *h, uint32_t slot);

/* A deadline for the slot, in place of the one it has. */
void butter__wheel_set(struct butter__wheel *h, uint32_t slot, int64_t at);

/* The same in the order of the one it has. */
void butter__wheel_move(struct butter__wheel *h, uint32_t slot, int64_t at);

/* Such a one, counted from the next butter__wheel_settle(), which is told the clock. */
void butter__wheel_set_after(struct butter__wheel *h, uint32_t slot, int64_t after);
void butter__wheel_settle(struct butter__wheel *h, int64_t now);

/* When the slot's is; less the clock, when it waits for that. */
int64_t butter__wheel_at(const struct butter__wheel *h, uint32_t slot, int64_t now);

/* No deadline is before this, and where there are few it is the first. INT64_MAX: there is none. */
int64_t butter__wheel_first(struct butter__wheel *h);

/* The slot of the first that is due, until it is dropped or set to later than now. 0: none is. */
uint32_t butter__wheel_due(struct butter__wheel *h, int64_t now);

/* Puts off all deadlines that do not wait for the clock, which may have been set. */
void butter__wheel_shift(struct butter__wheel *h, int64_t by);

void butter__wheel_free(struct butter__wheel *h);

/* Whether all is in the lists where it belongs. */
int butter__wheel_is_sound(const struct butter__wheel *h);

#endif
