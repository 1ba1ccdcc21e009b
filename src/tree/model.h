/* SPDX-License-Identifier: MIT */
/*
 * What a tree is known to hold: nodes with a name and a parent, never a whole path, so that renaming a
 * directory touches one node whatever is below it. Directories always; other files where asked.
 */
#ifndef BUTTER__MODEL_H
#define BUTTER__MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "pool.h"

/* Flags of a node. */
enum {
	BUTTER__NODE_DIR = 1,        /* a directory */
	BUTTER__NODE_ROOT = 2,       /* the name is the number of a root */
	BUTTER__NODE_SEEN = 4,       /* found by the listing of its parent */
	BUTTER__NODE_DIRTY = 8,      /* to be listed again */
	BUTTER__NODE_UNWATCHED = 16, /* a directory that cannot be watched */
	BUTTER__NODE_HELD = 32,      /* not where it was: moved or deleted, it is not known yet which */
	BUTTER__NODE_ALIASED = 64,   /* other nodes have the same watch */
	BUTTER__NODE_WINDOW = 128, /* a directory whose files are known until what its listing saw is read */
};

struct butter__node {
	uint32_t parent;       /* 0: a root, or a free node */
	uint32_t name;         /* in the pool */
	uint32_t next_in_hash; /* of parent and name; free nodes: the next */
	uint32_t first_child, next_sibling, prev_sibling;
	int32_t wd; /* watch descriptor; BUTTER__WD_* */
	uint16_t name_len : 14;
	uint16_t left : 1; /* held, and a record has said that it left */
	uint16_t lazy : 1; /* a directory that may have subdirectories that are no nodes */
	uint8_t flags;
	uint8_t dev; /* in devs */
	uint64_t ino;
};

/* What ENTRIES know besides. */
struct butter__entry {
	uint64_t size;
	int64_t mtime;        /* nanoseconds */
	uint32_t next_in_ino; /* nodes of the same bucket */
	uint16_t mode;        /* st_mode, type and permissions */
	uint16_t owner;       /* of user and group as much as there is room for */
};

struct butter__model {
	struct butter__node **nodes;    /* in chunks, so that none moves */
	struct butter__entry **entries; /* likewise; NULL: directories only */
	uint32_t chunks, used, count;   /* used: highest number ever given; count: alive */
	uint32_t free;                  /* a list through next_in_hash */
	uint32_t *by_name, *by_ino;     /* buckets, of which there are buckets */
	uint32_t buckets;
	uint64_t devs[256];
	uint32_t dev_count;
	struct butter__pool names;
	uint32_t places;              /* another number when the path of a node may be another one */
	uint32_t roots, root_numbers; /* how many; their numbers, xor'ed: of one root it is its number */
	int has_entries;
};

enum { BUTTER__NODE_CHUNK = 4096, BUTTER__DEV_ANY = 255 };

/* There is none; or the kernel has ended it, with the inode: a directory that is there now is another one. */
enum { BUTTER__WD_NONE = -1, BUTTER__WD_ENDED = -2 };

static inline struct butter__node *butter__node(const struct butter__model *m, uint32_t number)
{
	return &m->nodes[number / BUTTER__NODE_CHUNK][number % BUTTER__NODE_CHUNK];
}

static inline struct butter__entry *butter__entry(const struct butter__model *m, uint32_t number)
{
	return &m->entries[number / BUTTER__NODE_CHUNK][number % BUTTER__NODE_CHUNK];
}

static inline const char *butter__node_name(const struct butter__model *m, uint32_t number)
{
	return butter__pool_text(&m->names, butter__node(m, number)->name);
}

void butter__model_init(struct butter__model *m, int has_entries);
void butter__model_free(struct butter__model *m);

/* Numbers of nodes; 0 is none. Adding returns 0 and sets ENOMEM, or ENAMETOOLONG. */
uint32_t butter__model_add(struct butter__model *m, uint32_t parent, const char *name, size_t len,
			   unsigned flags);
uint32_t butter__model_add_root(struct butter__model *m, uint32_t root);
uint32_t butter__model_find(const struct butter__model *m, uint32_t parent, const char *name, size_t len);

/* A node and what is below it go to another place, where nothing is. 0, or -1 and ENOMEM. */
int butter__model_move(struct butter__model *m, uint32_t number, uint32_t parent, const char *name,
		       size_t len);

/* Two nodes change places. */
void butter__model_exchange(struct butter__model *m, uint32_t a, uint32_t b);

/* A node that has no children. */
void butter__model_remove(struct butter__model *m, uint32_t number);

/* The next node below top in an order that has children before parents, then top, then 0. */
uint32_t butter__model_first_leaf(const struct butter__model *m, uint32_t top);

/* 1 when number is top or below it. */
int butter__model_is_below(const struct butter__model *m, uint32_t number, uint32_t top);

/* Entries from now on, if there are none yet. 0, or -1 and ENOMEM. */
int butter__model_want_entries(struct butter__model *m);

/* Its identity on the disk. */
void butter__model_set_ino(struct butter__model *m, uint32_t number, uint64_t dev, uint64_t ino);
/* Beyond 255 devices only the inode counts. */
static inline int butter__model_is(const struct butter__model *m, uint32_t number, uint64_t dev, uint64_t ino)
{
	const struct butter__node *n = butter__node(m, number);
	return n->ino == ino && (n->dev == BUTTER__DEV_ANY || m->devs[n->dev] == dev);
}

/* The next node of this identity after number, 0: the first; returns 0 when there is none. */
uint32_t butter__model_by_ino(const struct butter__model *m, uint64_t dev, uint64_t ino, uint32_t after);

/* The number of the root above a node. */
uint32_t butter__model_find_root(const struct butter__model *m, uint32_t number);
static inline uint32_t butter__model_root(const struct butter__model *m, uint32_t number)
{
	return m->roots == 1 ? m->root_numbers : butter__model_find_root(m, number);
}

/* Bytes from the root to the node, "a/b"; written to the end of buf, of len bytes, with a NUL; buf may be
 * NULL. */
size_t butter__model_path(const struct butter__model *m, uint32_t number, char *buf, size_t len);

/*
 * The way from one directory to another, "../../a/b", with a NUL in buf. 0: from the root it is no longer, or
 * the way is longer than buf, or there is none.
 */
size_t butter__model_way(const struct butter__model *m, uint32_t from, uint32_t to, char *buf, size_t len);

/* Memory in use, in bytes. */
size_t butter__model_bytes(const struct butter__model *m);

#endif
