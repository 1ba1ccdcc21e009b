/* SPDX-License-Identifier: MIT */
/* What the disk has under a name, and where the model has what is there. */
#ifndef BUTTER__LOOK_H
#define BUTTER__LOOK_H

#include <sys/stat.h>

#include "tree.h"

/* What is on the disk. */
struct butter__there {
	int exists, is_dir;
	int leaf;    /* of a directory: it is not entered */
	int wd;      /* of a directory; -1: it cannot be watched */
	int error;   /* why */
	int trouble; /* 0, or the errno with which it could not be asked */
	int denied;  /* that is of this name alone: whose it is does not let others see it */
	struct stat st;
};

/* fstatat(2) of the name itself, whatever it is. */
int butter__stat_at(int dir, const char *name, struct stat *ret);

/* dir is open on parent. A directory that is to be entered is watched when this returns. */
void butter__look(struct butter_tree *t, int dir, uint32_t parent, const char *name,
		  struct butter__there *ret);

/* The node of what is there, which is known at another place and is no more there; 0: it is new. */
uint32_t butter__find_moved(struct butter_tree *t, uint32_t dir, const struct butter__there *there);

#endif
