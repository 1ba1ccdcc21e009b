/* SPDX-License-Identifier: MIT */
/*
 * Small numbers for byte strings that identify inodes, such as file handles: what a watch descriptor is to
 * inotify. A string has the same number until it is forgotten.
 */
#ifndef BUTTER__HANDLES_H
#define BUTTER__HANDLES_H

#include <stddef.h>
#include <stdint.h>

#include "pool.h"

struct butter__handle {
	uint32_t key, hash; /* in the pool; key 0: free */
	uint32_t next;      /* of the same bucket, or of the free ones */
	uint32_t len;
};

struct butter__handles {
	struct butter__handle *items; /* from 1 */
	uint32_t *buckets;
	uint32_t size, used, free, count, bucket_count;
	struct butter__pool keys;
};

/* Its number, from 1; -1 and ENOMEM. len < BUTTER__POOL_MAX. */
int butter__handles_intern(struct butter__handles *h, const void *key, size_t len);
/* Its number; 0: it has none. */
int butter__handles_find(const struct butter__handles *h, const void *key, size_t len);
void butter__handles_forget(struct butter__handles *h, int number);
size_t butter__handles_bytes(const struct butter__handles *h);
void butter__handles_free(struct butter__handles *h);

#endif
