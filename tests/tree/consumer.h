/* SPDX-License-Identifier: MIT */
/*
 * A naive consumer: what it has been told is all that it knows. A deletion of what it does not know, or a
 * creation of what it does, fails the test.
 */
#ifndef CONSUMER_H
#define CONSUMER_H

#include <stddef.h>

#include <butter/tree.h>

struct consumer {
	struct told {
		char *path;
		int is_dir;
	} * items;
	size_t count;
	int dirs_only;    /* files are told as the kernel tells them, and not replayed */
	uint32_t types;   /* that were told since consumer_sync() last began */
	const char *what; /* in failures */
	int pid;          /* of the last event that had one */
};

/* Knows already what is below path. */
void consumer_load(struct consumer *r, const char *path);
void consumer_apply(struct consumer *r, const struct butter_tree_event *ev);

/* Syncs, applies all that is told until SYNC, and demands that what is below the paths is what is known. */
void consumer_sync(struct consumer *r, struct butter_tree *t, const char *const *paths, size_t count);
void consumer_free(struct consumer *r);

#endif
