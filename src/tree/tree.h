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

#include "aliases.h"
#include "coalesce.h"
#include "halves.h"
#include "listing.h"
#include "model.h"
#include "queue.h"
#include "wds.h"
#include "window.h"

enum { BUTTER__STREAM_SIZE = 64 << 10 };

/* A list of numbers. */
struct butter__list {
	uint32_t *items;
	uint32_t count, size;
};
int butter__list_add(struct butter__list *l, uint32_t item); /* 0, or -1 and ENOMEM */

/* Names in directories, copied. */
struct butter__dir_name {
	uint32_t dir;
	size_t len;
	char *text;
};
struct butter__names_list {
	struct butter__dir_name *items;
	uint32_t count, size;
};
int butter__names_add(struct butter__names_list *l, uint32_t dir, const char *text, size_t len);
void butter__names_clear(struct butter__names_list *l);

struct butter__text {
	char *text;
	size_t len, size;
	uint32_t node, places; /* the path of this node, up to dir_len, while the model's places are these */
	size_t dir_len;
};
/* The first at bytes stay, and len bytes follow them. 0, or -1 and ENOMEM. */
int butter__text_set(struct butter__text *text, size_t at, const char *more, size_t len);

struct butter__filter;
struct butter__root {
	char *path; /* absolute; "" is "/" */
	size_t path_len;
	uint32_t node; /* 0: there is no such root any more */
	uint32_t mask;
	void *data;
	struct butter__channel *channel;
	int missing;
	struct butter__filter *filter; /* NULL: everything */
	uint32_t max_depth;
	char *ignore_file; /* NULL: none */
	int64_t settle, settle_max;
	uint32_t flags; /* BUTTER_TREE_WAIT ... */
	uint64_t dev;
	char *real;      /* without symlinks, as mountinfo has it; NULL: not known */
	int look;        /* to be looked at again */
	int unsure;      /* not all of its path can be watched */
	int is_dir_only; /* the path ended in '/' */
	struct butter__link *links;
	uint32_t link_count;
	uint32_t backend;            /* that was asked for */
	int errors[3];               /* of the backends: why it is not this one */
	int64_t interval, next_look; /* of those that look */
	int lazy;                    /* its directories become known when they are met */
	struct butter__top *tops;    /* where its filesystems are mounted: itself first */
	uint32_t top_count;
};

/* A filesystem of a root that is not walked, and a directory that all that is met of it is found from. */
struct butter__top {
	uint64_t fsid;
	char *path;
};

/* A directory that a root's path leads through, and what is looked up there. */
struct butter__link {
	int wd;
	char *name; /* "" is never told: only what becomes of the directory itself counts */
};

/* What a root's path leads to. */
struct butter__found {
	int fd; /* O_PATH; -1: error says why */
	int error;
	struct stat st;
};

struct butter__mountpoint {
	int id;
	char *point;
};
struct butter__mountpoints {
	struct butter__mountpoint *items;
	uint32_t count, size;
};

/* What the list of a directory says of names. */
struct butter__ignore {
	uint32_t dir;
	struct butter__gitignore *list;
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
	/* name NULL: what dir itself is open on. dir may be AT_FDCWD in the first scan. */
	int (*watch)(struct butter__channel *c, int dir, const char *name, uint32_t mask);
	void (*unwatch)(struct butter__channel *c, int wd);
	/* The next of what the last read(2) gave: 1, 0 there is no more, -1 it cannot be one. */
	int (*next)(struct butter__channel *c, struct butter__record *ret);
	size_t (*bytes)(const struct butter__channel *c); /* of its state; NULL: it has none */
	ssize_t (*read)(struct butter__channel *c);       /* into the stream; NULL: read(2) */
	/* Bytes behind the stream's buffer; NULL: FIONREAD says. */
	uint64_t (*waiting)(struct butter_tree *t, struct butter__channel *c);
	int takes_paths; /* watch() without a name takes what is open with O_PATH */
	int tells_self;  /* what happens to a directory is told of itself, not of its name in its parent */
	int looks;       /* there are no records, nor an fd: it is looked at again and again */
};

extern const struct butter__backend butter__fanotify_backend, butter__inotify_backend, butter__poll_backend;

/* A backend at work: its queue, and the place in the stream of its records. */
struct butter__channel {
	const struct butter__backend *backend;
	int fd;                /* -1: not in use */
	unsigned char *stream; /* what the last read(2) gave */
	uint32_t next, end;
	uint64_t consumed; /* bytes of the stream that have been handled */
	uint32_t ahead;    /* buffers that were read before their turn */
	uint32_t lazy;     /* roots of which nothing is walked */
	struct butter__wds wds;
	int barrier, barrier_wd; /* a memfd; touching it puts a record behind all others */
	int barrier_open;        /* it has not come back yet */
	uint64_t barrier_cookie; /* the last butter_tree_sync() that it is for */
	void *state;             /* the backend's own */
	struct butter_tree *tree;
};

enum { BUTTER__CHANNELS = 3 };

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
	struct butter__halves halves;
	struct butter__windows windows[BUTTER__CHANNELS];
	uint32_t window_count, window_number; /* windows of all channels; the last number */
	struct butter__wds window_of;         /* numbers, of nodes */
	struct butter__aliases aliases;

	int64_t held_since; /* when the last came to held or halves */
	int64_t armed;      /* what the timer is set to: 0 not, 1 at once, or when */
	int initial;        /* the first scan of a root goes on */
	int lost;           /* events were lost: everything is to be looked at again */
	int64_t rescan_after, pause;

	uint64_t cookie; /* of the last barrier */

	uint32_t open_node; /* whose directory is open, 0: none */
	int open_fd;
	int listed_fd; /* of the directory that is being listed, which closes it; -1: none */
	struct butter__text path, old_path, scratch;
	unsigned char *listing;

	uint64_t synced;               /* the cookie of the last SYNC event */
	int64_t retry_after;           /* what failed is not tried again before */
	struct butter__list held_when; /* milliseconds, for each of held */
	int64_t settled;               /* when it was last decided what was held */
	int paused;
	uint64_t records, events, overflows, rescans;
	struct butter__text rule_path;
	struct butter__list below; /* directories that are to be listed again with all below them */
	struct butter__ignore *ignores;
	uint32_t ignore_count;
	struct butter__coalesce coalesce;
	struct butter__wds ignored;    /* of a directory 1 + its place in ignores */
	struct butter__wds links;      /* how many links there are of a watch descriptor */
	uint32_t looks;                /* roots that are to be looked at again */
	struct butter__list unwatched; /* directories that cannot be watched, or read */
	int64_t retry_at, retry_pause; /* when they are tried again; 0: not */
	int mounts_fd[2];              /* of mountinfo: in the epoll set, and to ask; -1: not open */
	int mounts_changed;
	struct butter__mountpoints mounts;
	int32_t pid; /* who did what is being handled; 0: not known */
	uint32_t scan_workers;
	int rules;     /* a root has had rules, or lists */
	int lists_all; /* everything is being listed: what moves meanwhile may not come by any more */
};

/* Whose records are of the way to a root too, whatever its own backend is. */
static inline struct butter__channel *butter__inotify_of(const struct butter_tree *t)
{
	return (struct butter__channel *)&t->channels[BUTTER_TREE_INOTIFY - 1];
}
int butter__channel_open(struct butter_tree *t, struct butter__channel *c); /* if it is not; -1 and errno */

static inline int butter__tree_has_entries(const struct butter_tree *t)
{
	return (t->flags & BUTTER_TREE_ENTRIES) != 0;
}

/* Handling one name may remove others, such as a directory that is just being listed. */
static inline int butter__tree_knows(const struct butter_tree *t, uint32_t node)
{
	const struct butter__node *n = butter__node(&t->model, node);
	return n->flags & BUTTER__NODE_DIR && (n->parent || n->flags & BUTTER__NODE_ROOT);
}
/* Whether files are in the model: they are where ENTRIES are wanted, or differences are all there is. */
int butter__keeps_files(const struct butter_tree *t, uint32_t node);

/* Absolute, without a '/' at its end; what symlinks are in it may lead elsewhere later. malloc(3)'s. */
char *butter__absolute(const char *path);

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

/*
 * The same for directories that are listed one after the other, so that a deep tree costs no more for each
 * than a flat one. Their path from the root is not walked again: who wants to know whether it still leads
 * there asks butter__tree_open_dir().
 */
int butter__tree_open_near(struct butter_tree *t, uint32_t node);

/* A directory by a path of any length below at, through no symlink; the path is changed meanwhile. */
int butter__open_below(int at, char *path, size_t len);

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
/* Names where something else may be by now. */
void butter__reconcile_again(struct butter_tree *t);
/* Something else may be where a held node was, which waited for it to be found. */
void butter__leave_place(struct butter_tree *t, uint32_t node);
/* A file of a window is known no more; what has its name by now has waited for that. */
void butter__forget_file(struct butter_tree *t, uint32_t node);
void butter__remove_tree(struct butter_tree *t, uint32_t node);
void butter__hold(struct butter_tree *t, uint32_t node);
void butter__mark_dirty(struct butter_tree *t, uint32_t node);

/* What is wrong, see trouble.c. */
int butter__is_gone(int error);
int butter__is_forbidden(int error);
void butter__retry_later(struct butter_tree *t);
void butter__look_failed(struct butter_tree *t, uint32_t node, int error);

/* Something that no node stands for; a directory with its watch, or one that is not entered. */
void butter__found_new(struct butter_tree *t, uint32_t dir, const char *name, size_t len,
		       const struct stat *st, int wd, int is_leaf);

/* Lists all new directories; those of a root that has just been added. */
void butter__scan(struct butter_tree *t);
void butter__first_scan(struct butter_tree *t, uint32_t root);
void butter__list_again(struct butter_tree *t, uint32_t node);

/* Reads and handles one buffer of records: 1, 0 there are none, -1 and errno. */
int butter__stream_read(struct butter_tree *t, struct butter__channel *c);

/* What was held or left at least so many nanoseconds ago, or is dirty, is decided. */
void butter__settle(struct butter_tree *t, int64_t patience);
void butter__lose(struct butter_tree *t);
/* A directory and all below it, listed again. */
void butter__list_tree(struct butter_tree *t, uint32_t node);

/* Backends. */
void butter__channels_init(struct butter_tree *t);
void butter__channel_close(struct butter__channel *c);
/* Begins to watch a root, which fd is open on: its watch descriptor, or -1 and errno. */
int butter__choose(struct butter_tree *t, struct butter__root *root, int fd);
/* When the next look is due; 0: never. Looking, at what is due or at all. */
int64_t butter__poll_due(const struct butter_tree *t);
void butter__poll(struct butter_tree *t, int all);

/* Half a rename: after this long its other half does not come any more, in nanoseconds. */
#define BUTTER__PATIENCE INT64_C(10000000)
#define BUTTER__RETRY INT64_C(100000000) /* and so long until what failed is tried again */
uint32_t butter__milliseconds(int64_t ns);
void butter__half_gone(struct butter_tree *t, uint32_t place);
void butter__halves_of(struct butter_tree *t, uint32_t dir, int tell);
void butter__forget_watch(struct butter_tree *t, struct butter__channel *c, int wd);
void butter__root_lost(struct butter_tree *t, uint32_t node);

/* Roots (root.c) and the way there (chain.c). */
void butter__look_later(struct butter_tree *t, struct butter__root *root);
void butter__look_at_roots(struct butter_tree *t, int all);
void butter__root_rebind(struct butter_tree *t, struct butter__root *root);
void butter__chain_walk(struct butter_tree *t, struct butter__root *root, struct butter__found *ret);
void butter__chain_end(struct butter_tree *t, struct butter__root *root);
void butter__chain_record(struct butter_tree *t, const struct butter__record *ev);
void butter__roots_free(struct butter_tree *t);

/* A watch that no node has, and no root's path: it is ended. */
void butter__drop_watch(struct butter_tree *t, struct butter__channel *c, int wd);
uint32_t butter__inotify_mask(uint32_t types);

/* What cannot be watched (degrade.c). An error that says nothing about what is there is a lack. */
int butter__is_denied(int error);
int butter__can_search(int dir);
void butter__degrade(struct butter_tree *t, uint32_t node, int error);
void butter__recover(struct butter_tree *t, uint32_t node, int wd);
void butter__may_recover(struct butter_tree *t, uint32_t node, int wd);
void butter__retry_soon(struct butter_tree *t);
int64_t butter__retry_due(const struct butter_tree *t);
void butter__retry(struct butter_tree *t);

/* Mounts (mountwatch.c). */
void butter__mounts_begin(struct butter_tree *t);
void butter__mounts_end(struct butter_tree *t);
void butter__mounts_look(struct butter_tree *t);

/* Puts what the disk has at a directory's place there again, without a word about the directory itself. */
void butter__rebind(struct butter_tree *t, uint32_t node);
void butter__tell_event(struct butter_tree *t, struct butter_tree_event *ev, uint32_t node);

/* Roots, mounts and what could not be watched are looked at. */
void butter__upkeep(struct butter_tree *t);

/* The timer behind the fd. */
void butter__set_timer(struct butter_tree *t);
void butter__forget_tree(struct butter_tree *t, uint32_t node);

#endif
