/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

enum { FIRST_BUCKETS = 256 };

void butter__model_init(struct butter__model *m, int has_entries)
{
	memset(m, 0, sizeof(*m));
	m->has_entries = has_entries;
}

void butter__model_free(struct butter__model *m)
{
	int saved = errno;
	for (uint32_t i = 0; i < m->chunks; i++) {
		free(m->nodes[i]);
		if (m->entries)
			free(m->entries[i]);
	}
	free(m->nodes);
	free(m->entries);
	free(m->by_name);
	free(m->by_ino);
	butter__pool_free(&m->names);
	memset(m, 0, sizeof(*m));
	errno = saved;
}

static uint32_t mix(uint64_t key)
{
	key *= UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(key >> 32);
}

static uint32_t hash_name(uint32_t parent, const char *name, size_t len)
{
	uint64_t hash = parent, word;
	for (; len > 0; name += sizeof(word)) {
		size_t n = len < sizeof(word) ? len : sizeof(word);
		word = 0;
		memcpy(&word, name, n);
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
		len -= n;
	}
	return mix(hash);
}

static uint32_t *name_bucket(const struct butter__model *m, uint32_t number)
{
	const struct butter__node *n = butter__node(m, number);
	return &m->by_name[hash_name(n->parent, butter__node_name(m, number), n->name_len) &
			   (m->buckets - 1)];
}

static uint32_t *ino_bucket(const struct butter__model *m, uint64_t ino)
{
	return &m->by_ino[mix(ino) & (m->buckets - 1)];
}

/* Lists of nodes by name and by identity. Roots have no name there. */
static void link_name(struct butter__model *m, uint32_t number)
{
	uint32_t *bucket = name_bucket(m, number);
	butter__node(m, number)->next_in_hash = *bucket;
	*bucket = number;
}

static void unlink_name(struct butter__model *m, uint32_t number)
{
	uint32_t *at = name_bucket(m, number);
	while (*at != number)
		at = &butter__node(m, *at)->next_in_hash;
	*at = butter__node(m, number)->next_in_hash;
}

static void link_ino(struct butter__model *m, uint32_t number)
{
	uint32_t *bucket = ino_bucket(m, butter__node(m, number)->ino);
	butter__entry(m, number)->next_in_ino = *bucket;
	*bucket = number;
}

static void unlink_ino(struct butter__model *m, uint32_t number)
{
	uint32_t *at = ino_bucket(m, butter__node(m, number)->ino);
	while (*at && *at != number)
		at = &butter__entry(m, *at)->next_in_ino;
	if (*at)
		*at = butter__entry(m, number)->next_in_ino;
}

static int alive(const struct butter__model *m, uint32_t number)
{
	const struct butter__node *n = butter__node(m, number);
	return n->parent || (n->flags & BUTTER__NODE_ROOT);
}

static int has_identity(const struct butter__model *m, uint32_t number)
{
	return m->entries && butter__node(m, number)->ino;
}

/* As many buckets as nodes. Without memory the lists get longer, and that is all. */
static int grow_buckets(struct butter__model *m)
{
	if (m->count < m->buckets)
		return 0;
	uint32_t buckets = m->buckets ? m->buckets * 2 : FIRST_BUCKETS;
	uint32_t *by_name = calloc(buckets, sizeof(*by_name));
	uint32_t *by_ino = m->has_entries ? calloc(buckets, sizeof(*by_ino)) : NULL;
	if (!by_name || (m->has_entries && !by_ino)) {
		free(by_name);
		free(by_ino);
		return m->buckets ? 0 : -1;
	}
	free(m->by_name);
	free(m->by_ino);
	m->by_name = by_name;
	m->by_ino = by_ino;
	m->buckets = buckets;
	for (uint32_t i = 1; i <= m->used; i++) {
		if (alive(m, i) && butter__node(m, i)->parent)
			link_name(m, i);
		if (alive(m, i) && has_identity(m, i))
			link_ino(m, i);
	}
	return 0;
}

static int add_chunk(struct butter__model *m)
{
	struct butter__node **nodes = realloc(m->nodes, (m->chunks + 1) * sizeof(struct butter__node *));
	if (!nodes)
		return -1;
	m->nodes = nodes;
	if (m->has_entries) {
		struct butter__entry **entries =
			realloc(m->entries, (m->chunks + 1) * sizeof(struct butter__entry *));
		if (!entries)
			return -1;
		m->entries = entries;
		entries[m->chunks] = calloc(BUTTER__NODE_CHUNK, sizeof(**entries));
		if (!entries[m->chunks])
			return -1;
	}
	nodes[m->chunks] = calloc(BUTTER__NODE_CHUNK, sizeof(**nodes));
	if (!nodes[m->chunks]) {
		if (m->has_entries)
			free(m->entries[m->chunks]);
		return -1;
	}
	m->chunks++;
	return 0;
}

static uint32_t new_node(struct butter__model *m)
{
	uint32_t number = m->free;
	if (grow_buckets(m) < 0)
		return 0;
	if (number) {
		m->free = butter__node(m, number)->next_in_hash;
	} else {
		if (m->used + 1 >= m->chunks * BUTTER__NODE_CHUNK && add_chunk(m) < 0)
			return 0;
		number = ++m->used;
	}
	*butter__node(m, number) = (struct butter__node){.wd = -1};
	if (m->entries)
		*butter__entry(m, number) = (struct butter__entry){0};
	m->count++;
	return number;
}

static void free_node(struct butter__model *m, uint32_t number)
{
	*butter__node(m, number) = (struct butter__node){.wd = -1, .next_in_hash = m->free};
	m->free = number;
	m->count--;
}

static void adopt(struct butter__model *m, uint32_t number, uint32_t parent)
{
	struct butter__node *n = butter__node(m, number), *p = butter__node(m, parent);
	n->parent = parent;
	n->prev_sibling = 0;
	n->next_sibling = p->first_child;
	if (p->first_child)
		butter__node(m, p->first_child)->prev_sibling = number;
	p->first_child = number;
}

static void orphan(struct butter__model *m, uint32_t number)
{
	struct butter__node *n = butter__node(m, number);
	if (n->prev_sibling)
		butter__node(m, n->prev_sibling)->next_sibling = n->next_sibling;
	else
		butter__node(m, n->parent)->first_child = n->next_sibling;
	if (n->next_sibling)
		butter__node(m, n->next_sibling)->prev_sibling = n->prev_sibling;
}

uint32_t butter__model_add(struct butter__model *m, uint32_t parent, const char *name, size_t len,
			   unsigned flags)
{
	if (len >= BUTTER__POOL_MAX) {
		errno = ENAMETOOLONG;
		return 0;
	}
	uint32_t text = butter__pool_add(&m->names, name, len);
	if (!text)
		return 0;
	uint32_t number = new_node(m);
	if (!number) {
		butter__pool_remove(&m->names, text, len);
		return 0;
	}
	struct butter__node *n = butter__node(m, number);
	n->name = text;
	n->name_len = len & 0x3fff;
	n->flags = (uint8_t)flags;
	adopt(m, number, parent);
	link_name(m, number);
	return number;
}

uint32_t butter__model_add_root(struct butter__model *m, uint32_t root)
{
	uint32_t number = new_node(m);
	if (number) {
		butter__node(m, number)->flags = BUTTER__NODE_ROOT | BUTTER__NODE_DIR;
		butter__node(m, number)->name = root;
		m->roots++;
		m->root_numbers ^= root;
	}
	return number;
}

uint32_t butter__model_find(const struct butter__model *m, uint32_t parent, const char *name, size_t len)
{
	if (!m->buckets || !butter__node(m, parent)->first_child)
		return 0;
	uint32_t number = m->by_name[hash_name(parent, name, len) & (m->buckets - 1)];
	while (number) {
		const struct butter__node *n = butter__node(m, number);
		if (n->parent == parent && n->name_len == len &&
		    !memcmp(butter__node_name(m, number), name, len))
			break;
		number = n->next_in_hash;
	}
	return number;
}

int butter__model_move(struct butter__model *m, uint32_t number, uint32_t parent, const char *name,
		       size_t len)
{
	struct butter__node *n = butter__node(m, number);
	if (len >= BUTTER__POOL_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	uint32_t text = butter__pool_add(&m->names, name, len);
	if (!text)
		return -1;
	m->places++;
	unlink_name(m, number);
	orphan(m, number);
	butter__pool_remove(&m->names, n->name, n->name_len);
	n->name = text;
	n->name_len = len & 0x3fff;
	adopt(m, number, parent);
	link_name(m, number);
	return 0;
}

void butter__model_exchange(struct butter__model *m, uint32_t a, uint32_t b)
{
	struct butter__node *x = butter__node(m, a), *y = butter__node(m, b);
	uint32_t parent = x->parent, name = x->name;
	unsigned len = x->name_len;
	m->places++;
	unlink_name(m, a);
	unlink_name(m, b);
	orphan(m, a);
	orphan(m, b);
	x->name = y->name;
	x->name_len = y->name_len;
	adopt(m, a, y->parent);
	y->name = name;
	y->name_len = len & 0x3fff;
	adopt(m, b, parent);
	link_name(m, a);
	link_name(m, b);
}

void butter__model_remove(struct butter__model *m, uint32_t number)
{
	struct butter__node *n = butter__node(m, number);
	m->places++;
	if (has_identity(m, number))
		unlink_ino(m, number);
	if (n->parent) {
		unlink_name(m, number);
		orphan(m, number);
		butter__pool_remove(&m->names, n->name, n->name_len);
	}
	if (n->flags & BUTTER__NODE_ROOT) {
		m->roots--;
		m->root_numbers ^= n->name;
	}
	free_node(m, number);
}

uint32_t butter__model_first_leaf(const struct butter__model *m, uint32_t top)
{
	while (butter__node(m, top)->first_child)
		top = butter__node(m, top)->first_child;
	return top;
}

int butter__model_is_below(const struct butter__model *m, uint32_t number, uint32_t top)
{
	while (number && number != top)
		number = butter__node(m, number)->parent;
	return number == top;
}

static uint8_t dev_number(struct butter__model *m, uint64_t dev)
{
	uint32_t i = 0;
	while (i < m->dev_count && m->devs[i] != dev)
		i++;
	if (i == m->dev_count && i < BUTTER__DEV_ANY)
		m->devs[m->dev_count++] = dev;
	return (uint8_t)i;
}

void butter__model_set_ino(struct butter__model *m, uint32_t number, uint64_t dev, uint64_t ino)
{
	struct butter__node *n = butter__node(m, number);
	uint8_t device = dev_number(m, dev);
	if (n->ino == ino && n->dev == device)
		return;
	if (has_identity(m, number))
		unlink_ino(m, number);
	n->dev = device;
	n->ino = ino;
	if (has_identity(m, number))
		link_ino(m, number);
}

uint32_t butter__model_by_ino(const struct butter__model *m, uint64_t dev, uint64_t ino, uint32_t after)
{
	if (!m->entries || !ino)
		return 0;
	uint32_t number = after ? butter__entry(m, after)->next_in_ino : *ino_bucket(m, ino);
	while (number && !butter__model_is(m, number, dev, ino))
		number = butter__entry(m, number)->next_in_ino;
	return number;
}

uint32_t butter__model_find_root(const struct butter__model *m, uint32_t number)
{
	while (butter__node(m, number)->parent)
		number = butter__node(m, number)->parent;
	return butter__node(m, number)->name;
}

size_t butter__model_path(const struct butter__model *m, uint32_t number, char *buf, size_t len)
{
	size_t total = 0;
	for (; butter__node(m, number)->parent; number = butter__node(m, number)->parent) {
		const struct butter__node *n = butter__node(m, number);
		size_t slash = total > 0;
		total += n->name_len + slash;
		if (total < len) {
			if (slash)
				buf[len - 1 - (total - n->name_len)] = '/';
			memcpy(buf + len - 1 - total, butter__node_name(m, number), n->name_len);
		}
	}
	if (len > 0)
		buf[len - 1] = '\0';
	return total;
}

size_t butter__model_bytes(const struct butter__model *m)
{
	size_t each = sizeof(struct butter__node) + (m->has_entries ? sizeof(struct butter__entry) : 0);
	size_t buckets = (size_t)m->buckets * sizeof(uint32_t) * (m->has_entries ? 2 : 1);
	return (size_t)m->chunks * (BUTTER__NODE_CHUNK * each + sizeof(void *) * (m->has_entries ? 2 : 1)) +
	       buckets + butter__pool_bytes(&m->names);
}
