/* SPDX-License-Identifier: MIT */
/* Entries of a model that had none. */
#include <errno.h>
#include <stdlib.h>

#include "model.h"

static int add_entries(struct butter__model *m)
{
	struct butter__entry **entries = calloc(m->chunks + 1, sizeof(struct butter__entry *));
	uint32_t *by_ino = calloc(m->buckets + 1, sizeof(*by_ino)), made = 0;
	while (entries && made < m->chunks && (entries[made] = calloc(BUTTER__NODE_CHUNK, sizeof(**entries))))
		made++;
	if (!entries || !by_ino || made < m->chunks) {
		while (entries && made > 0)
			free(entries[--made]);
		free(entries);
		free(by_ino);
		errno = ENOMEM;
		return -1;
	}
	m->entries = entries;
	m->by_ino = by_ino;
	return 0;
}

/* Given again, each identity becomes known to by_ino. */
int butter__model_want_entries(struct butter__model *m)
{
	if (m->has_entries)
		return 0;
	if (add_entries(m) < 0)
		return -1;
	m->has_entries = 1;
	for (uint32_t i = 1; i <= m->used; i++) {
		struct butter__node *n = butter__node(m, i);
		uint64_t ino = n->ino;
		n->ino = 0;
		if (n->parent || n->flags & BUTTER__NODE_ROOT)
			butter__model_set_ino(m, i, m->devs[n->dev], ino);
	}
	return 0;
}
