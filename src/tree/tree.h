/* SPDX-License-Identifier: MIT */
/*
 * The parts of a tree object. Records of the kernel come in through inotify.c, which only says that a name
 * in a directory is dirty; reconcile.c looks at the disk, makes the model like it and tells the
 * difference; settle.c decides what is left open when the kernel has nothing more to say.
 */
#ifndef BUTTER__TREE_H
#define BUTTER__TREE_H

#include <limits.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <butter/source.h>
#include <butter/tree.h>

#include "listing.h"
#include "model.h"
#include "queue.h"
#include "wds.h"

enum { BUTTER__STREAM_SIZE = 64 << 10 };

/* A list of numbers. */
struct butter__list {
	uint32_t *items;
	uint32_t count, size;
};
int butter__list_add(struct butter__list *l, uint32_t item); /* 0, or -1 and ENOMEM */

/* Names in directories, copied. */
struct butter__name {
	uint32_t dir;
	size_t len;
	char *text;
};
struct butter__names_list {
	struct butter__name *items;
	uint32_t count, size;
};
int butter__names_add(struct butter__names_list *l, uint32_t dir, const char *text, size_t len);
void butter__names_clear(struct butter__names_list *l);

struct butter__text {
	char *text;
	size_t len, size;
};

struct butter__root {
	char *path; /* absolute; "" is "/" */
	size_t path_len;
	uint32_t node; /* 0: there is no such root any more */
	uint32_t mask;
	void *data;
	struct butter__channel *channel;
	int missing;
};

/* A name that left a directory, whose other half may come yet. */
struct butter__half {
	uint32_t dir, cookie;
	int64_t since;
	char *name;
	size_t len;
};

/* Another node with the watch of one that the channel knows. */
struct butter__alias {
	struct butter__channel *channel;
	int wd;
	uint32_t node;
};

/* A directory that was listed while events of it were waiting, up to this place of the stream. */
struct butter__window {
	struct butter__channel *channel;
	uint64_t end;
	uint32_t node;
};

/* What a backend tells, in inotify's words whichever it is. */
struct butter__record {
	int wd;        /* of the directory */
	uint32_t mask; /* IN_* */
	uint32_t cookie;
	int32_t pid;
	const char *name; /* "" with len 0: of the directory itself */
	size_t len;
};

struct butter__channel;

/* How changes are learnt. A watch descriptor stands for an inode, whatever it is called. */
struct butter__backend {
	const char *name;
	int (*open)(struct butter__channel *c); /* 0, and its fd is set; or -1 and errno */
	void (*close)(struct butter__channel *c);
	/* name NULL: what dir itself is open on. */
	int (*watch)(struct butter__channel *c, int dir, const char *name, uint32_t mask);
	void (*unwatch)(struct butter__channel *c, int wd);
	/* The next of what the last read(2) gave: 1, 0 there is no more, -1 it cannot be one. */
	int (*next)(struct butter__channel *c, struct butter__record *ret);
};

extern const struct butter__backend butter__inotify_backend;

/* A backend at work: its queue, and the place in the stream of its records. */
struct butter__channel {
	const struct butter__backend *backend;
	int fd;                /* -1: not in use */
	unsigned char *stream; /* what the last read(2) gave */
	uint32_t next, end;
	uint64_t consumed; /* bytes of the stream that have been handled */
	struct butter__wds wds;
	int barrier, barrier_wd; /* a memfd; touching it puts a record behind all others */
	int barrier_open;        /* it has not come back yet */
};

enum { BUTTER__CHANNELS = 1 };

struct butter_tree {
	struct butter_source source; /* an epoll fd of the timer and the channels */
	int timer;
	pid_t owner;
	unsigned flags;
	struct butter__model model;
	struct butter__queue queue;
	struct butter__root *roots;
	uint32_t root_count;

	struct butter__channel channels[BUTTER__CHANNELS];

	struct butter__list scan;  /* new directories that are to be listed */
	struct butter__list dirty; /* directories that are to be listed again */
	struct butter__list held;
	struct butter__names_list again; /* names to be looked at once more */
	struct butter__half *halves;
	uint32_t half_count;
	struct butter__window *windows;
	uint32_t window_count;
	struct butter__alias *aliases;
	uint32_t alias_count;

	int64_t held_since; /* when the last came to held or halves */
	int64_t armed;      /* what the timer is set to: 0 not, 1 at once, or when */
	int initial;        /* the first scan of a root goes on */
	int lost;           /* events were lost: everything is to be looked at again */
	int64_t rescan_after, pause;

	uint64_t cookie; /* of the last barrier */

	uint32_t open_node; /* whose directory is open, 0: none */
	int open_fd;
	struct butter__text path, old_path, scratch;
	unsigned char *listing;
	int paused;
};

static inline int butter__tree_has_entries(const struct butter_tree *t)
{
	return (t->flags & BUTTER_TREE_ENTRIES) != 0;
}

/* Paths: of a node, or of a name in it, into text. 0, or -1 and ENOMEM. */
int butter__tree_path(const struct butter_tree *t, struct butter__text *text, uint32_t node, const char *name,
		      size_t len);

/* Telling. name NULL: of the node itself. An event that the root does not want is not told. */
void butter__tell(struct butter_tree *t, uint32_t type, unsigned flags, uint32_t node, const char *name,
		  size_t len);
/* MOVED, from t->old_path, which the caller has filled. */
void butter__tell_moved(struct butter_tree *t, unsigned flags, uint32_t node, const char *name, size_t len);

/*
 * The directory of a node, opened without following a symlink, and found to be the one that is known; it
 * belongs to the tree, and is closed by the next call or by butter__tree_close_dir(). -1: it is not there.
 */
int butter__tree_open_dir(struct butter_tree *t, uint32_t node);
void butter__tree_close_dir(struct butter_tree *t);

/* Watches. */
struct butter__channel *butter__channel_of(const struct butter_tree *t, uint32_t node);
int butter__set_watch(struct butter_tree *t, int wd, uint32_t node); /* 0, or -1 and ENOMEM */
void butter__unwatch(struct butter_tree *t, uint32_t node);

/* The other nodes that a watch is of, from *at, which begins as 0; 0: there are no more. */
uint32_t butter__next_alias(const struct butter_tree *t, const struct butter__channel *c, int wd,
			    uint32_t *at);
uint32_t butter__root_mask(const struct butter_tree *t, uint32_t node);

/* What events are about. */
enum butter__why { BUTTER__CAME, BUTTER__WENT, BUTTER__DELETED, BUTTER__OTHER, BUTTER__LISTED };

/* Makes a name in the model like it is on the disk, and tells. */
void butter__reconcile(struct butter_tree *t, uint32_t dir, const char *name, size_t len,
		       enum butter__why why);
void butter__reconcile_held(struct butter_tree *t, uint32_t node);
void butter__remove_tree(struct butter_tree *t, uint32_t node);
void butter__hold(struct butter_tree *t, uint32_t node);
void butter__mark_dirty(struct butter_tree *t, uint32_t node);

/* Lists all new directories. */
void butter__scan(struct butter_tree *t);
void butter__list_again(struct butter_tree *t, uint32_t node);

/* Reads and handles one buffer of records: 1, 0 there are none, -1 and errno. */
int butter__stream_read(struct butter_tree *t, struct butter__channel *c);

/* What was held, left or dirty is decided; with everything, also what is not old enough. */
void butter__settle(struct butter_tree *t, int everything);
void butter__lose(struct butter_tree *t);

/* Half a rename: after this long its other half does not come any more, in nanoseconds. */
#define BUTTER__PATIENCE INT64_C(10000000)
void butter__half_gone(struct butter_tree *t, uint32_t i);
void butter__forget_watch(struct butter_tree *t, struct butter__channel *c, int wd);
void butter__root_lost(struct butter_tree *t, uint32_t node);

/* Windows of DIRS. */
void butter__window_open(struct butter_tree *t, uint32_t node);
void butter__windows_close(struct butter_tree *t, const struct butter__channel *c);
void butter__windows_forget(struct butter_tree *t);

/* The timer behind the fd. */
void butter__set_timer(struct butter_tree *t);
void butter__forget_tree(struct butter_tree *t, uint32_t node);

#endif
