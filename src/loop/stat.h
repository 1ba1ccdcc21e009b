/* SPDX-License-Identifier: MIT */
/* What stat watchers are made of: stat.c looks, stat_path.c knows when. */
#ifndef BUTTER__STAT_H
#define BUTTER__STAT_H

#include <butter/inotify.h>

#include "loop.h"

/* An interest of a watcher in a directory's entry, or in what is watched itself. */
struct butter__stat_link {
	struct butter__stat_link *next; /* of the watcher's */
	struct butter__stat_link *beside, **at;
	struct butter__stat_watch *watch;
	struct butter__stat *stat;
	uint32_t name_len; /* 0: itself */
	char name[];
};

enum butter__dirt {
	BUTTER__LOOK = 1, /* at the file */
	BUTTER__WALK = 2, /* the path may lead elsewhere */
	BUTTER__MODIFIED = 4,
};

/* Of a watcher that is active. */
struct butter__stat {
	struct butter_ev_stat *w;
	struct butter__stat_link *links;
	struct butter__stat *dirty_next;
	int64_t looked; /* when, on CLOCK_REALTIME */
	uint32_t dirt;
};

enum { BUTTER__STAT_BUCKETS = 256 };

struct butter__stats {
	struct butter_inotify *inotify; /* NULL: it could not be had, */
	int32_t refused;                /* for this errno */
	struct butter_ev_io io;
	struct butter__stat *dirty;
	struct butter__stat_watch *buckets[BUTTER__STAT_BUCKETS];
};

/*
 * Watches all that the path leads over, in place of what was watched. 1: the kernel will tell of each
 * change; 0: not of all, with its errno in ret_refused, or 0 there.
 */
int butter__stat_walk(struct butter_loop *loop, struct butter__stat *s, int *ret_refused);

/* Watches nothing any more. */
void butter__stat_leave(struct butter_loop *loop, struct butter__stat *s);

/* inotify has forgotten all that it watched. */
void butter__stat_forget_all(struct butter__stats *stats);

/* Puts those that an event is for among the dirty. */
void butter__stat_note(struct butter_loop *loop, const struct butter_inotify_event *ev);
void butter__stat_soil(struct butter_loop *loop, struct butter__stat *s, uint32_t dirt);

#endif
