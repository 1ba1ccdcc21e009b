/* SPDX-License-Identifier: MIT */
/* What a tree tells, as lines of text: "CREATED a/b/", "MOVED a > b", without what is before the base. */
#ifndef TOLD_H
#define TOLD_H

#include <butter/tree.h>

/* A tree object of this level, and what its lines are relative to. */
struct butter_tree *tree_of(unsigned flags, const char *base);

/* Demands that the root is added. */
int must_add(struct butter_tree *t, const char *path, unsigned flags);

/* All that is told up to now: a string that lives until the next call. */
const char *told(struct butter_tree *t);

/* The same, in alphabetical order. */
const char *told_sorted(struct butter_tree *t);

/* Reads until this line has been told, which comes soon; what is told until then. */
const char *told_until(struct butter_tree *t, const char *line);

/* The last DEGRADED that was told. */
extern struct butter_tree_event last_degraded;

/* mkdir(2), open(2), and so on below the base, which succeed. */
void make_dir(const char *path);
void make_file(const char *path);
void change_name(const char *from, const char *to);
void make_symlink(const char *target, const char *path);
void remove_file(const char *path);
void remove_dir(const char *path);
const char *at_base(const char *path);

#endif
