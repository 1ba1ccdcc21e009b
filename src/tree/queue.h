/* SPDX-License-Identifier: MIT */
/* Events that are to be handed out, with their paths. */
#ifndef BUTTER__QUEUE_H
#define BUTTER__QUEUE_H

#include <butter/tree.h>

struct butter__queue {
	unsigned char *buf;
	size_t at, end, size; /* bytes: the next to hand out, the end of the last, of the buffer */
	size_t count;         /* events from at to end */
	int failed;           /* an event was lost for want of memory */
};

/* A copy of ev, of its paths and name. Without memory the queue is marked as failed. */
void butter__queue_add(struct butter__queue *q, const struct butter_tree_event *ev);

/* 1, and what ret points at lives until something is added to the queue; 0: it is empty. */
int butter__queue_take(struct butter__queue *q, struct butter_tree_event *ret);
void butter__queue_free(struct butter__queue *q);

#endif
