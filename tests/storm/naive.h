/* SPDX-License-Identifier: MIT */
/*
 * Who has heard nothing but the events of a tree, and believes every one of them. An event that cannot be
 * true, for what was told before, is an error.
 */
#ifndef STORM_NAIVE_H
#define STORM_NAIVE_H

#include <butter/tree.h>

struct place {
	char *name;
	int is_dir;
	struct place *parent, *first, *next;
};

struct naive {
	char *base; /* what paths begin with */
	size_t base_len;
	struct place top;
	size_t dirs, files;
	int entries; /* files count as directories do */
	int deep;    /* a DELETED directory takes with it what is below */
	int merged;  /* DIRS: files are told, but cannot be followed by that */
	int unsure;  /* there was a GAP: files are not known until the next listing */
	/* DIRS: files that were created where one was. That is all that the kernel tells of what is renamed
	 * over a file from where nobody looks. */
	unsigned again;
	unsigned over; /* directories of a deep one that were told to be created over an empty one */
	unsigned errors;
	char first[512]; /* the first of them */
	uint64_t types[32], synced;
};

void naive_init(struct naive *v, const char *base, int entries);
void naive_free(struct naive *v);
void naive_event(struct naive *v, const struct butter_tree_event *ev);

/* What is at a path behind the base; NULL: nothing is known of it. In DIRS directories and files are told in
 * ways of their own, and for a while both may be there. */
struct place *naive_find(const struct naive *v, const char *path, int is_dir);
/* The next of all that is known, NULL: the first; after the last there is none. And its path behind the base,
 * however long, which is the caller's to free. */
struct place *naive_next(const struct naive *v, const struct place *p);
char *naive_path(const struct naive *v, const struct place *p);
/* The listing has this. */
void naive_learn(struct naive *v, const char *path, int is_dir);
/* Nothing is known. */
void naive_forget(struct naive *v);
/* An error. */
void naive_wrong(struct naive *v, const char *what, const char *path);

#endif
