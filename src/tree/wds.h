/* SPDX-License-Identifier: MIT */
/*
 * From watch descriptors to what they are of. Their numbers go up and up, so that those in use may be far
 * apart: pages, freed when they are empty.
 */
#ifndef BUTTER__WDS_H
#define BUTTER__WDS_H

#include <stddef.h>
#include <stdint.h>

struct butter__wds {
	uint32_t **pages;
	uint32_t count; /* of pages */
};

/* number 0 takes it out. 0, or -1 and ENOMEM. */
int butter__wds_set(struct butter__wds *w, int wd, uint32_t number);
uint32_t butter__wds_get(const struct butter__wds *w, int wd);
size_t butter__wds_bytes(const struct butter__wds *w);
void butter__wds_free(struct butter__wds *w);

#endif
