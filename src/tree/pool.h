/* SPDX-License-Identifier: MIT */
/* Many short byte strings in little memory: each takes its bytes, rounded up to 8, and nothing more. */
#ifndef BUTTER__POOL_H
#define BUTTER__POOL_H

#include <stddef.h>
#include <stdint.h>

enum {
	BUTTER__POOL_UNIT = 8,
	BUTTER__POOL_MAX = 1024,
	BUTTER__POOL_CLASSES = BUTTER__POOL_MAX / BUTTER__POOL_UNIT
};

struct butter__pool {
	unsigned char **chunks;
	uint32_t count;                          /* of chunks */
	uint32_t next, end;                      /* units of the last chunk that were never used */
	uint32_t free[BUTTER__POOL_CLASSES + 1]; /* lists, by units */
};

/* A copy of len bytes and a NUL, len < BUTTER__POOL_MAX: a number that is not 0, or 0 and ENOMEM. */
uint32_t butter__pool_add(struct butter__pool *p, const char *text, size_t len);
void butter__pool_remove(struct butter__pool *p, uint32_t text, size_t len);
const char *butter__pool_text(const struct butter__pool *p, uint32_t text);
size_t butter__pool_bytes(const struct butter__pool *p);
void butter__pool_free(struct butter__pool *p);

#endif
