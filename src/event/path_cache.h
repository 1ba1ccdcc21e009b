/* SPDX-License-Identifier: MIT */
/* Paths by a key of bytes, at most so many: the older gives way. */
#ifndef BUTTER__PATH_CACHE_H
#define BUTTER__PATH_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct butter__cached_path {
	uint64_t hash;
	uint64_t era;
	uint32_t key_len, path_len;
	unsigned char key[]; /* and behind it the path and a NUL */
};

struct butter__path_cache {
	struct butter__cached_path **slots; /* in sets, of which a key belongs to one */
	uint64_t era;                       /* entries of another are no more */
	uint32_t sets;
	uint32_t victim;
};

/* Room for at most max paths (at least 4). 0, or -1 and ENOMEM. */
int butter__path_cache_init(struct butter__path_cache *c, uint32_t max);
void butter__path_cache_clear(struct butter__path_cache *c); /* at once, however many there are */
void butter__path_cache_free(struct butter__path_cache *c);

/* The path, and its length; NULL: not here. */
const char *butter__path_cache_get(const struct butter__path_cache *c, const void *key, size_t key_len,
				   size_t *ret_len);

/* Keeps a path under a key that is not here; without memory it does not. errno may change. */
void butter__path_cache_put(struct butter__path_cache *c, const void *key, size_t key_len, const char *path,
			    size_t path_len);
void butter__path_cache_remove(struct butter__path_cache *c, const void *key, size_t key_len);

#endif
