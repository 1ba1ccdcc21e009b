/* SPDX-License-Identifier: MIT */
/* What puts a record behind all others of a channel. */
#ifndef BUTTER__BARRIER_H
#define BUTTER__BARRIER_H

#include "tree.h"

/* Makes the channel's; 0, or -1 and errno. */
int butter__barrier_open(struct butter__channel *c);
/* Puts one behind all that happened, where there is none already: 0, or -1 and errno. */
int butter__barriers_touch(struct butter_tree *t);
/* The kernel has nothing more, and one has not come: there was no room for it in the queue. */
void butter__barriers_again(struct butter_tree *t);
/*
 * All has been looked at since they were asked for, so that nobody waits for them any more: others may write
 * faster than this reads, and then there never is room for one.
 */
void butter__barriers_pass(struct butter_tree *t);

#endif
