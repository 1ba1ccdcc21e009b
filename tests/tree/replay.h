/* SPDX-License-Identifier: MIT */
/*
 * A naive consumer: what it has been told is all that it knows. A deletion of what it does not know, or a
 * creation of what it does, fails the test.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stddef.h>

#include <butter/tree.h>

struct replay {
	struct told {
		char *path;
		int is_dir;
	} * items;
	size_t count;
	int dirs_only;    /* files are told as the kernel tells them, and not replayed */
	uint32_t types;   /* that were told since replay_sync() last began */
	const char *what; /* in failures */
	int pid;          /* of the last event that had one */
};

/* Knows already what is below path. */
void replay_load(struct replay *r, const char *path);
void replay_apply(struct replay *r, const struct butter_tree_event *ev);

/* Syncs, applies all that is told until SYNC, and demands that what is below the paths is what is known. */
void replay_sync(struct replay *r, struct butter_tree *t, const char *const *paths, size_t count);
void replay_free(struct replay *r);

#endif
