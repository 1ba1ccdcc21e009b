/* SPDX-License-Identifier: MIT */
/* From a directory up to one that is known, a link at a time. */
#ifndef BUTTER__CLIMB_H
#define BUTTER__CLIMB_H

#include "fan.h"

/* A directory, and its name in the next. */
struct butter__rung {
	struct butter__key key;
	uint64_t dev, ino; /* 0: it is no more */
	size_t name_len;
	char name[NAME_MAX + 1];
};

struct butter__climb {
	struct butter_tree *tree;
	struct butter__channel *channel;
	const struct butter__root *root;
	struct butter__rung *links;
	uint32_t count, size;
	int fd;        /* of the last of them; -1: not open */
	uint32_t node; /* that was reached; 0: none */
	int waits;     /* for the record that says where a directory was that is no more */
};

enum butter__step {
	BUTTER__HIGHER,  /* the link is known, and the next is to be found */
	BUTTER__CLIMBED, /* it is a node */
	BUTTER__OUTSIDE, /* nobody was told of it */
	BUTTER__UNCLEAR, /* it is no more, and no record says where it was: another was renamed over it */
	BUTTER__FAILED   /* for want of memory or fds, or it never stands still */
};

/* 0, or -1 and ENOMEM. */
int butter__climb_begin(struct butter__climb *climb, const struct butter__key *key);
/* Finds where the last directory is, and makes the one that it is in the last. */
enum butter__step butter__climb_step(struct butter__climb *climb);
/* Leaves the links. */
void butter__climb_end(struct butter__climb *climb);

/* Returns when all that is being done to names of a directory is told in the queue. */
void butter__climb_lock(int dir);
/* The same of a directory, wherever it is; of one that is no more there is nothing to wait for. */
void butter__climb_lock_key(struct butter_tree *t, const struct butter__root *root,
			    const struct butter__key *key);
/* What the disk says of it, as it is reached from a root. */
void butter__climb_identify(const struct butter__root *root, struct butter__rung *link);
/* The name that a record says it had. 0, or -1: there is none. */
int butter__rung_name(struct butter__rung *link, const struct butter_fanotify_event *ev);

/* lazy.c: makes it a node, see there. A link without a key has no watch. */
uint32_t butter__lazy_add(struct butter_tree *t, struct butter__channel *c, uint32_t parent,
			  const struct butter__rung *link);

#endif
