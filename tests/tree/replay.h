/* SPDX-License-Identifier: MIT */
/* What one knows who has heard nothing but the events of a tree, and believes every one of them. */
#ifndef REPLAY_H
#define REPLAY_H

#include <butter/tree.h>

struct replay {
	void *paths;     /* a tree of tsearch(3) */
	size_t count;    /* of them */
	int dirs_only;   /* files are told in other ways */
	int lazy;        /* DELETED takes out what is below, too */
	unsigned errors; /* what was told and cannot be, and differences that were found */
	char first[512]; /* the first of them */
	unsigned types[32];
};

void replay_event(struct replay *r, const struct butter_tree_event *ev);

/* Whether it is told of. */
int replay_has(const struct replay *r, const char *path);

/* Compares it with what is below top on the disk, and that with what the tree knows, inodes too. */
void replay_compare(struct replay *r, const struct butter_tree *x, const char *top);

void replay_free(struct replay *r);

#endif
