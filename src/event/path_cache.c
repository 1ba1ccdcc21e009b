/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "object.h"
#include "path_cache.h"

enum { WAYS = 4 };

int butter__path_cache_init(struct butter__path_cache *c, uint32_t max)
{
	uint32_t sets = max < WAYS ? 1 : max / WAYS;
	c->slots = calloc((size_t)sets * WAYS, sizeof(struct butter__cached_path *));
	if (!c->slots)
		return -1;
	c->sets = sets;
	return 0;
}

/* Handles are inode numbers and generations, mostly zero bytes: each word is mixed in well. */
static uint64_t hash_of(const void *key, size_t len)
{
	uint64_t hash = len, word;
	const unsigned char *at = key;
	for (size_t n; len > 0; at += n) {
		n = len < sizeof(word) ? len : sizeof(word);
		word = 0;
		memcpy(&word, at, n);
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
		len -= n;
	}
	return hash;
}

static struct butter__cached_path **set_of(const struct butter__path_cache *c, uint64_t hash)
{
	return c->slots + (size_t)((hash >> 32) * c->sets >> 32) * WAYS;
}

/* Where a key is, or NULL. */
static struct butter__cached_path **find(const struct butter__path_cache *c, const void *key, size_t key_len)
{
	uint64_t hash = hash_of(key, key_len);
	struct butter__cached_path **set = set_of(c, hash);
	for (unsigned i = 0; i < WAYS; i++)
		if (set[i] && set[i]->hash == hash && set[i]->era == c->era && set[i]->key_len == key_len &&
		    !memcmp(set[i]->key, key, key_len))
			return &set[i];
	return NULL;
}

const char *butter__path_cache_get(const struct butter__path_cache *c, const void *key, size_t key_len,
				   size_t *ret_len)
{
	struct butter__cached_path **slot = find(c, key, key_len);
	if (!slot)
		return NULL;
	*ret_len = (*slot)->path_len;
	return (const char *)(*slot)->key + key_len;
}

static void empty(struct butter__cached_path **slot)
{
	butter__free(*slot);
	*slot = NULL;
}

/* A slot of the set without a path, or one that is emptied, in turn. */
static struct butter__cached_path **make_room(struct butter__path_cache *c, uint64_t hash)
{
	struct butter__cached_path **set = set_of(c, hash), **slot = NULL;
	for (unsigned i = 0; i < WAYS && !slot; i++)
		if (!set[i] || set[i]->era != c->era)
			slot = &set[i];
	if (!slot)
		slot = &set[c->victim++ % WAYS];
	empty(slot);
	return slot;
}

void butter__path_cache_put(struct butter__path_cache *c, const void *key, size_t key_len, const char *path,
			    size_t path_len)
{
	struct butter__cached_path *entry = calloc(1, sizeof(*entry) + key_len + path_len + 1);
	if (!entry)
		return;
	entry->hash = hash_of(key, key_len);
	entry->era = c->era;
	entry->key_len = (uint32_t)key_len;
	entry->path_len = (uint32_t)path_len;
	memcpy(entry->key, key, key_len);
	memcpy(entry->key + key_len, path, path_len);
	*make_room(c, entry->hash) = entry;
}

void butter__path_cache_remove(struct butter__path_cache *c, const void *key, size_t key_len)
{
	struct butter__cached_path **slot = find(c, key, key_len);
	if (slot)
		empty(slot);
}

void butter__path_cache_clear(struct butter__path_cache *c)
{
	c->era++;
}

void butter__path_cache_free(struct butter__path_cache *c)
{
	for (size_t i = 0; i < (size_t)c->sets * WAYS; i++)
		empty(&c->slots[i]);
	butter__free(c->slots);
	*c = (struct butter__path_cache){0};
}
