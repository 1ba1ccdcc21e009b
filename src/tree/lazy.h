/* SPDX-License-Identifier: MIT */
/*
 * Roots that are not walked (lazy.c, lazy_root.c). Of directories only those are nodes that something was
 * told of, or that are new; a node that is lazy may have subdirectories that are none.
 */
#ifndef BUTTER__LAZY_H
#define BUTTER__LAZY_H

#include "tree.h"

struct butter__there;

int butter__lazy_begin(struct butter_tree *t, struct butter__root *root); /* 1: there is nothing to walk */
void butter__lazy_end(struct butter__root *root);
/* Another root is to be added: what is known of these is not known to be in that one. */
void butter__lazy_prepare(struct butter_tree *t);
/* Records were lost: what is waiting is of no use. A root of which only its directory is known. */
void butter__lazy_discard(struct butter_tree *t);
void butter__lazy_forget(struct butter_tree *t, struct butter__root *root);
/* Mounts of a root: a directory becomes known because something is, or was, mounted there; 0: it is pruned.
 * With is_other nothing is known of what it was. And all mounts, when they have changed. */
uint32_t butter__lazy_reach(struct butter_tree *t, struct butter__root *root, const char *path, int is_other);
void butter__lazy_mounts(struct butter_tree *t, struct butter__root *root);
/* A directory of the disk that is no node, and fd is open on dir; 1: it was there all the time. */
int butter__lazy_stranger(struct butter_tree *t, uint32_t dir, int fd, const char *name, size_t len,
			  const struct butter__there *there);
/* A record says that a directory was renamed to this name, which has been looked at. */
void butter__lazy_came(struct butter_tree *t, uint32_t dir, const char *name, size_t len);
void butter__lazy_deleted(struct butter_tree *t, uint32_t node); /* it has just been told of */

#endif
