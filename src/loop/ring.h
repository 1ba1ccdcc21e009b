/* SPDX-License-Identifier: MIT */
/* Rings of watchers, by the link that follows their common part. */
#ifndef BUTTER__RING_H
#define BUTTER__RING_H

#include <stdint.h>

#include <butter/loop.h>

static inline struct butter_ev_link *butter__link(const struct butter_ev *w)
{
	return (struct butter_ev_link *)(uintptr_t)(w + 1);
}

/* Rings, by next and prev; the head is the one that came first. */
static inline void butter__ring_add(struct butter_ev **head, struct butter_ev *w)
{
	struct butter_ev_link *link = butter__link(w);
	if (!*head) {
		*head = link->next = link->prev = w;
		return;
	}
	link->next = *head;
	link->prev = butter__link(*head)->prev;
	butter__link(link->prev)->next = w;
	butter__link(*head)->prev = w;
}

static inline void butter__ring_remove(struct butter_ev **head, struct butter_ev *w)
{
	struct butter_ev_link *link = butter__link(w);
	if (*head == w)
		*head = link->next == w ? NULL : link->next;
	butter__link(link->prev)->next = link->next;
	butter__link(link->next)->prev = link->prev;
	link->next = link->prev = NULL;
}

/* The one after w, NULL after the last. */
static inline struct butter_ev *butter__ring_next(const struct butter_ev *head, const struct butter_ev *w)
{
	struct butter_ev *next = butter__link(w)->next;
	return next == head ? NULL : next;
}

#endif
