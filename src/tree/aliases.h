/* SPDX-License-Identifier: MIT */
/*
 * The other nodes that a watch is of, beside the one that the channel knows: in the order in which they came,
 * however many there are of this watch or of others.
 */
#ifndef BUTTER__ALIASES_H
#define BUTTER__ALIASES_H

#include <stddef.h>
#include <stdint.h>

#include "wds.h"

struct butter__alias {
	uint32_t node, channel;
	int wd;
	uint32_t next, prev; /* places count from 1; the first's prev is the last, whose next is 0 */
};

enum { BUTTER__ALIAS_CHANNELS = 3 };

struct butter__aliases {
	struct butter__alias *items;
	uint32_t count, size;
	struct butter__wds first[BUTTER__ALIAS_CHANNELS], of_node; /* places */
};

/* 0, or -1 and ENOMEM. A node is an alias once. */
int butter__aliases_add(struct butter__aliases *a, uint32_t channel, int wd, uint32_t node);

/* The nodes of a watch, from *at, which begins as 0; 0: there are no more. */
uint32_t butter__aliases_next(const struct butter__aliases *a, uint32_t channel, int wd, uint32_t *at);

/* Takes out this node, or with 0 the first of the watch: which it was; 0: there is none. */
uint32_t butter__aliases_take(struct butter__aliases *a, uint32_t channel, int wd, uint32_t node);
size_t butter__aliases_bytes(const struct butter__aliases *a);
void butter__aliases_free(struct butter__aliases *a);

#endif
