/* SPDX-License-Identifier: MIT */
/* Names that left a directory, whose other half may come yet: found by cookie, by name, by directory. */
#ifndef BUTTER__HALVES_H
#define BUTTER__HALVES_H

#include <stddef.h>
#include <stdint.h>

#include "wds.h"

struct butter__half {
	uint32_t dir, cookie;
	int64_t since;
	char *name; /* NULL: this place is free */
	size_t len;
	uint32_t next_by_cookie, next_by_name; /* places count from 1; of a free one the next free one */
	uint32_t next_in_dir, prev_in_dir;
};

struct butter__halves {
	struct butter__half *items;
	uint32_t count, used, size, free; /* used: places that ever were */
	uint32_t *by_cookie, *by_name;    /* buckets, as many as there is room for items */
	struct butter__wds of_dir;
};

/* 0, or -1 and ENOMEM. The name is copied. */
int butter__halves_add(struct butter__halves *h, const struct butter__half *half);

/* Places, 0: none. The first of a directory, by a cookie, of a name with another cookie. */
uint32_t butter__halves_in_dir(const struct butter__halves *h, uint32_t dir);
uint32_t butter__halves_by_cookie(const struct butter__halves *h, uint32_t cookie);
uint32_t butter__halves_by_name(const struct butter__halves *h, uint32_t dir, const char *name, size_t len,
				uint32_t but_cookie);

static inline const struct butter__half *butter__half_at(const struct butter__halves *h, uint32_t place)
{
	return &h->items[place - 1];
}

void butter__halves_remove(struct butter__halves *h, uint32_t place);
size_t butter__halves_bytes(const struct butter__halves *h);
void butter__halves_free(struct butter__halves *h);

#endif
