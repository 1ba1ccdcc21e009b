/* SPDX-License-Identifier: MIT */
/*
 * Changes of a path, told as one when the path has been quiet for a while.
 *
 * - Of what happens to a path within that time, MODIFIED is told as WRITTEN when it was closed too, and
 *   every other kind once. CREATED says it all: a file that is new is looked at anyway; what happened to
 *   one that is deleted in the end is not told.
 * - A deletion is told always: of a file that came and went CREATED and DELETED are told, of one that went
 *   and came again DELETED and CREATED, however often it did.
 * - A directory's CREATED is told before what is below it, its DELETED after it. A move is told at once,
 *   behind all that has to do with either of its paths. Else there is no order between paths.
 * - GAP, RESCAN, SYNC and their like are told at once, behind everything.
 * - When too many paths wait, the oldest is told of.
 */
#ifndef BUTTER__COALESCE_H
#define BUTTER__COALESCE_H

#include <stddef.h>
#include <stdint.h>

struct butter_tree;
struct butter_tree_event;
struct butter__root;
struct butter__pending;

enum { BUTTER__COALESCE_BUCKETS = 256, BUTTER__COALESCE_MAX = 1024 };

/* All 0: nothing waits. */
struct butter__coalesce {
	struct butter__pending *first, *last; /* by age */
	struct butter__pending *buckets[BUTTER__COALESCE_BUCKETS];
	uint32_t count;
	int64_t next; /* none is due before; it may be later */
};

/* Takes the times of the options. 0, or -1 and EINVAL. */
int butter__coalesce_set(struct butter__root *root, int64_t settle, int64_t settle_max);

/* An event, to be queued now or later. */
void butter__coalesce_tell(struct butter_tree *t, const struct butter__root *root,
			   const struct butter_tree_event *ev);

/* Queues what is due, or everything. */
void butter__coalesce_look(struct butter_tree *t);
void butter__coalesce_flush(struct butter_tree *t);

/* When to look; 0: nothing waits. */
int64_t butter__coalesce_due(const struct butter_tree *t);
void butter__coalesce_free(struct butter_tree *t);

#endif
