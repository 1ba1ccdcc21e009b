/* SPDX-License-Identifier: MIT */
/*
 * What the fanotify backend knows: numbers of handles, and, for roots that are not walked (lazy.c), the
 * records that were read before their turn (ahead.c).
 */
#ifndef BUTTER__FAN_H
#define BUTTER__FAN_H

#include <fcntl.h>

#include <butter/fanotify.h>
#include <butter/file.h>

#include "handles.h"
#include "tree.h"

enum {
	BUTTER__HANDLE_HEADER = 8, /* of struct file_handle */
	BUTTER__HANDLE_LIMIT = BUTTER__HANDLE_HEADER + MAX_HANDLE_SZ,
	BUTTER__KEY_LIMIT = sizeof(uint64_t) + BUTTER__HANDLE_LIMIT,
	BUTTER__AHEAD_MOST = 128, /* buffers */
};

/* A directory as records name it: the filesystem's number, then the handle. */
struct butter__key {
	uint32_t len; /* 0: none */
	unsigned char bytes[BUTTER__KEY_LIMIT];
};

/* A record that says where a directory was. */
struct butter__turn {
	uint64_t at; /* in the stream */
	const unsigned char *raw;
	uint32_t len;
	struct {
		uint32_t number,
			next; /* of the index, 0: it is not in it; the next of the same number, or 0 */
	} of[2];
};

/* Turns by what they have in common, in their order. */
struct butter__turns_index {
	struct butter__handles keys;
	struct butter__list heads, tails; /* turns, by number of the key */
};
enum { BUTTER__BY_TARGET, BUTTER__BY_PLACE /* where it was: the directory's key, then the name */ };

struct butter__ahead {
	unsigned char *buffers[BUTTER__AHEAD_MOST];
	uint32_t lens[BUTTER__AHEAD_MOST], count;
	uint64_t base;    /* where in the stream the channel's own buffer begins */
	uint64_t handled; /* what is before it has had its turn */
	uint64_t indexed; /* up to here turns are known */
	struct butter__turn *turns;
	uint32_t first, last, size; /* turns from first to before last, from 1, modulo size */
	struct butter__turns_index by[2];
};

struct butter__fan {
	struct butter__handles handles;
	uint64_t mount, fsid; /* of the last directory: 0 none, or the kernel has no unique numbers */
	int no_unique;
	int half; /* the first half of the rename that is next has been told */
	uint32_t cookie;
	struct butter_tree *tree;
	struct butter__ahead ahead;
	struct butter__handles away[2]; /* directories that nobody was told of: the newer, the older */
};

static inline struct butter__fan *butter__fan_of(const struct butter__channel *c)
{
	return c->state;
}

/* The key of what a name in dir is, or of dir (NULL). 0, or -1 and errno. */
int butter__fan_key(struct butter__fan *s, int dir, const char *name, struct butter__key *ret);
int butter__fan_key_of(const struct butter_fanotify_handle *h, struct butter__key *ret);
int butter__key_is(const struct butter__key *a, const struct butter__key *b);

/* Reads all that the kernel has now, behind what was read before. */
void butter__ahead_fill(struct butter_tree *t, struct butter__channel *c);
/* The first record whose turn has not come that says where a directory was: 1, or 0 there is none. */
int butter__ahead_first(struct butter_tree *t, struct butter__channel *c, const struct butter__key *key,
			struct butter_fanotify_event *ret);
/* The first such record of a directory that left this name, and of which no other is waiting before it. */
int butter__ahead_left(struct butter_tree *t, struct butter__channel *c, const struct butter__key *dir,
		       const char *name, size_t len, struct butter_fanotify_event *ret);
/* The next buffer of the stream into the channel: as read(2). */
ssize_t butter__ahead_read(struct butter__channel *c);
/* Bytes behind the channel's own buffer. */
uint64_t butter__ahead_bytes(const struct butter__channel *c);
/* What waits does not get its turn. Returns how many times the queue had overflowed in it. */
uint32_t butter__ahead_drop(struct butter__channel *c);
void butter__ahead_free(struct butter__channel *c);

/* A directory came, went or was renamed. */
static inline int butter__is_turn(const struct butter_fanotify_event *ev)
{
	return ev->mask & FAN_ONDIR && ev->mask & (FAN_CREATE | FAN_DELETE | FAN_RENAME) && ev->object.handle;
}

/* lazy.c */

/* The number of the directory of a record, which becomes known if it is in a root; 0: it is in none. What
 * becomes of a name in one that is no more, nobody knows where, is a loss. */
int butter__lazy_meet(struct butter_tree *t, struct butter__channel *c,
		      const struct butter_fanotify_handle *h, int is_name);
void butter__lazy_meet_roots(struct butter_tree *t, struct butter__channel *c);
/* A record of a directory that comes, goes or is renamed is next. */
void butter__lazy_turn(struct butter_tree *t, struct butter__channel *c,
		       const struct butter_fanotify_event *ev);

#endif
