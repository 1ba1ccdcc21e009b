/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

enum { CHUNK_UNITS = 8192 };

/* Numbers count units, from 1. */
static unsigned char *at(const struct butter__pool *p, uint32_t text)
{
	return p->chunks[(text - 1) / CHUNK_UNITS] + (size_t)((text - 1) % CHUNK_UNITS) * BUTTER__POOL_UNIT;
}

static void put_free(struct butter__pool *p, uint32_t text, uint32_t units)
{
	memcpy(at(p, text), &p->free[units], sizeof(uint32_t));
	p->free[units] = text;
}

/* What is left of the last chunk is not lost. */
static int add_chunk(struct butter__pool *p)
{
	unsigned char **chunks = realloc(p->chunks, (p->count + 1) * sizeof(*chunks));
	if (!chunks)
		return -1;
	p->chunks = chunks;
	unsigned char *chunk = malloc((size_t)CHUNK_UNITS * BUTTER__POOL_UNIT);
	if (!chunk)
		return -1;
	if (p->next < p->end)
		put_free(p, p->next + 1, p->end - p->next);
	chunks[p->count] = chunk;
	p->next = p->count * CHUNK_UNITS;
	p->end = p->next + CHUNK_UNITS;
	p->count++;
	return 0;
}

static uint32_t units_of(size_t len)
{
	return (uint32_t)(len / BUTTER__POOL_UNIT + 1);
}

uint32_t butter__pool_add(struct butter__pool *p, const char *text, size_t len)
{
	uint32_t units = units_of(len), number = p->free[units];
	if (number) {
		memcpy(&p->free[units], at(p, number), sizeof(uint32_t));
	} else {
		if (p->end - p->next < units && add_chunk(p) < 0)
			return 0;
		number = p->next + 1;
		p->next += units;
	}
	memcpy(at(p, number), text, len);
	at(p, number)[len] = '\0';
	return number;
}

void butter__pool_remove(struct butter__pool *p, uint32_t text, size_t len)
{
	put_free(p, text, units_of(len));
}

const char *butter__pool_text(const struct butter__pool *p, uint32_t text)
{
	return (const char *)at(p, text);
}

size_t butter__pool_bytes(const struct butter__pool *p)
{
	return (size_t)p->count * CHUNK_UNITS * BUTTER__POOL_UNIT;
}

void butter__pool_free(struct butter__pool *p)
{
	int saved = errno;
	for (uint32_t i = 0; i < p->count; i++)
		free(p->chunks[i]);
	free(p->chunks);
	errno = saved;
}
