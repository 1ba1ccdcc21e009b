/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../event/object.h"
#include "handles.h"

enum { FIRST = 64 };

/* Of most events of a filesystem nothing but this is computed. */
static uint32_t hash_of(const unsigned char *key, size_t len)
{
	uint64_t hash = len, word;
	while (len > 0) {
		size_t n = len < sizeof(word) ? len : sizeof(word);
		word = 0;
		memcpy(&word, key, n);
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
		key += n;
		len -= n;
	}
	return (uint32_t)(hash >> 32);
}

static uint32_t *bucket_of(const struct butter__handles *h, uint32_t hash)
{
	return &h->buckets[hash & (h->bucket_count - 1)];
}

static void link_item(struct butter__handles *h, uint32_t number)
{
	uint32_t *bucket = bucket_of(h, h->items[number].hash);
	h->items[number].next = *bucket;
	*bucket = number;
}

/* Without memory the buckets get longer, and that is all. */
static int grow_buckets(struct butter__handles *h)
{
	if (h->count < h->bucket_count)
		return 0;
	uint32_t count = h->bucket_count ? h->bucket_count * 2 : FIRST;
	uint32_t *buckets = calloc(count, sizeof(*buckets));
	if (!buckets)
		return h->bucket_count ? 0 : -1;
	free(h->buckets);
	h->buckets = buckets;
	h->bucket_count = count;
	for (uint32_t i = 1; i <= h->used; i++)
		if (h->items[i].key)
			link_item(h, i);
	return 0;
}

static int grow_items(struct butter__handles *h)
{
	if (h->free || h->used + 1 < h->size)
		return 0;
	struct butter__handle *items = butter__grow(h->items, &h->size, FIRST, sizeof(*items));
	if (!items)
		return -1;
	h->items = items;
	return 0;
}

static uint32_t find(const struct butter__handles *h, uint32_t hash, const void *key, size_t len)
{
	uint32_t i = h->bucket_count ? *bucket_of(h, hash) : 0;
	while (i && (h->items[i].hash != hash || h->items[i].len != len ||
		     memcmp(butter__pool_text(&h->keys, h->items[i].key), key, len) != 0))
		i = h->items[i].next;
	return i;
}

int butter__handles_find(const struct butter__handles *h, const void *key, size_t len)
{
	return (int)find(h, hash_of(key, len), key, len);
}

int butter__handles_intern(struct butter__handles *h, const void *key, size_t len)
{
	uint32_t hash = hash_of(key, len), number = find(h, hash, key, len);
	if (number)
		return (int)number;
	if (len >= BUTTER__POOL_MAX || grow_buckets(h) < 0 || grow_items(h) < 0) {
		errno = ENOMEM;
		return -1;
	}
	uint32_t text = butter__pool_add(&h->keys, key, len);
	if (!text)
		return -1;
	number = h->free;
	if (number)
		h->free = h->items[number].next;
	else
		number = ++h->used;
	h->items[number] = (struct butter__handle){.key = text, .hash = hash, .len = (uint32_t)len};
	h->count++;
	link_item(h, number);
	return (int)number;
}

void butter__handles_forget(struct butter__handles *h, int number)
{
	uint32_t i = (uint32_t)number;
	if (i == 0 || i > h->used || !h->items[i].key)
		return;
	uint32_t *at = bucket_of(h, h->items[i].hash);
	while (*at != i)
		at = &h->items[*at].next;
	*at = h->items[i].next;
	butter__pool_remove(&h->keys, h->items[i].key, h->items[i].len);
	h->items[i] = (struct butter__handle){.next = h->free};
	h->free = i;
	h->count--;
}

size_t butter__handles_bytes(const struct butter__handles *h)
{
	return h->size * sizeof(*h->items) + h->bucket_count * sizeof(*h->buckets) +
	       butter__pool_bytes(&h->keys);
}

void butter__handles_free(struct butter__handles *h)
{
	butter__free(h->items);
	butter__free(h->buckets);
	butter__pool_free(&h->keys);
	*h = (struct butter__handles){0};
}
