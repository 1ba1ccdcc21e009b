/* SPDX-License-Identifier: MIT */
/*
 * The first scan of a root, by one or more walkers that share the model under a lock. A walker takes a
 * directory from the tree's list of new ones, watches and looks at what is in it without the lock, and
 * hands over what it found with it. Only what is plainly new is handed over: all else, such as what is
 * known already or gone meanwhile, is left until the walkers are done.
 */
#ifndef BUTTER__FIRST_H
#define BUTTER__FIRST_H

#include <pthread.h>

#include "nlink.h"
#include "tree.h"

struct butter__walk {
	struct butter_tree *t;
	struct butter__channel *channel;
	int top;         /* the root's directory */
	size_t top_path; /* bytes of a path up to what is below it */
	uint32_t mask;
	int has_rules, has_lists; /* of what is there; lists of directories, which are read first */
	int lists_all;            /* also directories without subdirectories */
	int stays_on_dev;
	char self[16]; /* what /proc/self leads to, which the kernel would have to ask each time */
	struct butter__list failed; /* directories that could not be listed */
	struct butter__nlink nlink;
	struct butter__names_list later; /* names for butter__reconcile() */
	struct butter__list strays;      /* watches that may be of no node */
	pthread_mutex_t lock;
	pthread_cond_t more;
	unsigned working, waiting; /* walkers */
};

/* Walks until there is nothing more to walk: 0, or -1 and ENOMEM before it has begun. */
int butter__walk(struct butter__walk *w, int has_cwd);

/* The same with threads of their own: how many there were. */
unsigned butter__walk_workers(struct butter__walk *w, unsigned count);

#endif
