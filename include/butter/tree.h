/* SPDX-License-Identifier: MIT */
/*
 * Whole trees of directories, watched by path. In DIRS, the default, every event of the kernel is told
 * with the path that is right when it is told; after a loss the caller is told which directories to list
 * again. In ENTRIES a loss is made up for by looking, and what has been told is what is on the disk.
 */
#ifndef BUTTER_TREE_H
#define BUTTER_TREE_H

#include <butter/common.h>

BUTTER_BEGIN_DECLS

/* Types of events, and bits of masks. */
#define BUTTER_TREE_CREATED 0x00000001u /* path is new */
#define BUTTER_TREE_DELETED 0x00000002u /* path is no more, and all that was below it */
#define BUTTER_TREE_MOVED                                                                                    \
	0x00000004u /* old_path, and all below it, is at path; what was there is no more                     \
		     */
#define BUTTER_TREE_MODIFIED 0x00000008u  /* written to, or truncated */
#define BUTTER_TREE_WRITTEN 0x00000010u   /* closed by one who could write */
#define BUTTER_TREE_ATTRIB 0x00000020u    /* mode, owner, times, links, extended attributes */
#define BUTTER_TREE_OPENED 0x00000040u    /* told on request */
#define BUTTER_TREE_CLOSED 0x00000080u    /* told on request: closed by one who could only read */
#define BUTTER_TREE_ACCESSED 0x00000100u  /* told on request: read from, executed */
#define BUTTER_TREE_READY 0x00010000u     /* the first scan of a root is done */
#define BUTTER_TREE_GAP 0x00020000u       /* DIRS: events were lost; list path and all below it again */
#define BUTTER_TREE_RESCAN 0x00040000u    /* ENTRIES: events were lost; what they were about follows */
#define BUTTER_TREE_DEGRADED 0x00080000u  /* path cannot be watched: error and limit say why */
#define BUTTER_TREE_RECOVERED 0x00100000u /* path is watched again; what is below it follows, or GAP */
#define BUTTER_TREE_UNMOUNTED 0x00200000u /* what was mounted at path is no more */
#define BUTTER_TREE_MOUNTED 0x00400000u   /* another filesystem is at path */
#define BUTTER_TREE_SYNC 0x00800000u      /* all that was before butter_tree_sync() has been told */

/* What a mask of 0 stands for: everything that says what is there, and all that is no event of a file. */
#define BUTTER_TREE_CHANGES 0x0000003fu

/* Flags of an event. */
#define BUTTER_TREE_IS_DIR 0x1u
#define BUTTER_TREE_SYNTHETIC 0x2u /* found by looking, not told by the kernel */
#define BUTTER_TREE_EXCHANGED 0x4u /* MOVED: path and old_path have changed places */

struct butter_tree_event {
	uint32_t type;  /* one of BUTTER_TREE_* */
	uint32_t flags; /* BUTTER_TREE_IS_DIR ... */
	int32_t root;   /* of butter_tree_add(); -1: of none */
	int32_t pid;    /* who did it; 0: not known */
	int32_t error;  /* DEGRADED: errno */
	uint32_t path_len, old_path_len;
	uint32_t name_len;    /* of the last component of path */
	const char *path;     /* any bytes but NUL, NUL-terminated, at any length; "" of no path */
	const char *old_path; /* MOVED: where it was; else "" */
	const char *name;     /* in path */
	const char
		*limit; /* DEGRADED by a limit: its sysctl, such as "fs.inotify.max_user_watches"; else "" */
	uint64_t limit_value; /* of that sysctl */
	uint64_t limit_use;   /* of it by this object */
	uint64_t cookie;      /* SYNC: of butter_tree_sync() */
	void *data;           /* of the root's options */
	uint64_t reserved[2];
};

struct butter_tree;

/* Options of the object: what its model holds. */
#define BUTTER_TREE_ENTRIES 0x1u /* files too */

/* All 0 but size is what butter_tree_open() does without options. */
struct butter_tree_options {
	size_t size;           /* sizeof(struct butter_tree_options) */
	uint32_t flags;        /* BUTTER_TREE_ENTRIES */
	uint32_t scan_workers; /* threads for a scan, which end with the call that needs them; 0: none */
	uint64_t reserved[4];
};

/* What a rule does. */
enum {
	BUTTER_TREE_PRUNE,   /* a directory, and all that is in it, is neither watched nor told of */
	BUTTER_TREE_EXCLUDE, /* it is watched, and not told of */
	BUTTER_TREE_INCLUDE  /* it is told of */
};

/* How a rule matches; the last two are or'ed. */
enum {
	BUTTER_TREE_GLOB,          /* see FILTERS in butter_tree_add(3) */
	BUTTER_TREE_REGEX,         /* regex(7), extended */
	BUTTER_TREE_CALLBACK,      /* match(), and no pattern */
	BUTTER_TREE_FOLD = 0x100,  /* letters match in both cases; in a glob those of ASCII */
	BUTTER_TREE_PERIOD = 0x200 /* glob: a period that begins a name is matched by a period only */
};

/*
 * Pruning comes first and nothing undoes it. Of the other rules the last that matches decides; when none
 * does, the opposite of the first one. A pattern with a '/' is matched against the path relative to the
 * root, any other against the name.
 */
struct butter_tree_rule {
	uint32_t action;     /* BUTTER_TREE_PRUNE ... */
	uint32_t syntax;     /* BUTTER_TREE_GLOB ... */
	const char *pattern; /* copied; NULL for a callback */
	/* Not 0: it matches. type is the event's, 0 to ask whether to prune. It may not use the tree. */
	int (*match)(const char *path, const char *name, uint32_t type, void *data);
	void *data;
};

/* Backends. */
enum {
	BUTTER_TREE_AUTO, /* the first of those below that works for the root */
	/* one mark for a whole filesystem, in DIRS no walk: CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH */
	BUTTER_TREE_FANOTIFY,
	BUTTER_TREE_INOTIFY, /* a watch for each directory: any user */
	BUTTER_TREE_POLL     /* looking again and again: any filesystem, such as NFS, FUSE, proc */
};

/* Flags of a root. */
#define BUTTER_TREE_WAIT 0x1u           /* it need not be there yet, and is waited for */
#define BUTTER_TREE_ONE_FILESYSTEM 0x2u /* no other filesystem below it is entered */
#define BUTTER_TREE_SKIP_HIDDEN 0x4u    /* names that begin with a period do not exist */

/*
 * All 0 but size is what butter_tree_add() does without options. A move between what is told of and what is
 * not, or for a root whose mask has no MOVED, is a DELETED and a CREATED. With settle a MOVED is told at
 * once, behind what waits of its paths, and no DELETED is left out.
 */
struct butter_tree_root {
	size_t size;        /* sizeof(struct butter_tree_root) */
	uint32_t mask;      /* types that are told; 0: BUTTER_TREE_CHANGES */
	uint32_t flags;     /* BUTTER_TREE_WAIT ... */
	uint32_t backend;   /* BUTTER_TREE_AUTO ... */
	uint32_t max_depth; /* the root's entries have depth 1; 0: no limit */
	const struct butter_tree_rule *rules;
	size_t rule_count;
	const char *ignore_file; /* a name such as ".gitignore" of files with patterns; NULL: none */
	int64_t poll_interval;   /* BUTTER_TREE_POLL: nanoseconds between two looks; 0: a second */
	int64_t settle;          /* nanoseconds of quiet before changes of a path are told, as one; 0: none */
	int64_t settle_max;      /* they are told after this long even so; 0: ten times settle */
	void *data;              /* comes with every event of this root */
	uint64_t reserved[4];
};

/* What the object has and has done. */
struct butter_tree_statistics {
	uint64_t directories, entries; /* that are known; entries: files, with BUTTER_TREE_ENTRIES */
	uint64_t watches, unwatched;   /* watches of inotify, and directories that cannot be watched */
	uint64_t bytes;                /* of memory for what is known */
	uint64_t records;              /* read from the kernel */
	uint64_t events;               /* handed out */
	uint64_t overflows, rescans;
	uint64_t reserved[7];
};

/*
 * A tree object without roots. NULL and errno: EINVAL, E2BIG (options of a later butter), ENOMEM, those of
 * epoll_create1(2) and timerfd_create(2).
 */
BUTTER_API struct butter_tree *butter_tree_open(const struct butter_tree_options *options);

/* There is no releasing what a tree has: -1 with EINVAL for NULL, else the epoll fd of an ended object. */
BUTTER_API int butter_tree_release(struct butter_tree *x);

/* Ends the object and all its watches. NULL is allowed, errno is kept. */
BUTTER_API void butter_tree_close(struct butter_tree *x);

/* An epoll fd, which is readable while anything is cached too. */
BUTTER_API int butter_tree_fd(const struct butter_tree *x);

/* Events that are ready to be handed out. */
BUTTER_API size_t butter_tree_pending(struct butter_tree *x);

/* The object as a source, for the verbs of source.h. */
BUTTER_API struct butter_source *butter_tree_source(struct butter_tree *x);

/* 1 an event in ret, 0 nothing now, -1 and errno: read(2)'s. */
BUTTER_API int butter_tree_read_event(struct butter_tree *x, struct butter_tree_event *ret);

/* Stores up to max events. Returns how many; 0: nothing now; -1 and errno, EINVAL when max is 0. */
BUTTER_API ssize_t butter_tree_read_events(struct butter_tree *x, struct butter_tree_event *ret, size_t max);

/* read_event, waiting up to timeout nanoseconds (-1: for ever). 0: timed out; -1 and EINTR, too. */
BUTTER_API int butter_tree_wait_event(struct butter_tree *x, struct butter_tree_event *ret, int64_t timeout);

/*
 * Watches path, a directory with all below it or a single file; options may be NULL. The first scan is done
 * within the call. Returns the number of the root, or -1 and errno: EEXIST it is a root already, EINVAL,
 * E2BIG, ENOMEM, those of open(2) and of the backend. A wrong rule is EINVAL, and *ret_bad_rule, when it
 * is not NULL, its index.
 */
BUTTER_API int butter_tree_add(struct butter_tree *x, const char *path,
			       const struct butter_tree_root *options, size_t *ret_bad_rule);

/* Ends a root, by the path that it was added by; its events that are cached are still handed out. ENOENT. */
BUTTER_API int butter_tree_remove(struct butter_tree *x, const char *path);

/*
 * Puts a mark behind all that has happened until now: a SYNC event follows what came before it. Waits up to
 * timeout nanoseconds (-1: for ever, 0: not at all) until all that is cached. 1 it is, 0 not yet, -1 and
 * errno.
 */
BUTTER_API int butter_tree_sync(struct butter_tree *x, int64_t timeout);

/* No event is handed out until resume; what happens meanwhile is told then. */
BUTTER_API void butter_tree_pause(struct butter_tree *x);
BUTTER_API void butter_tree_resume(struct butter_tree *x);

/*
 * 0: the root uses this backend. -1 and errno: it does not, and this is why; EAGAIN it was not tried, ENOENT
 * there is no such root.
 */
BUTTER_API int butter_tree_backend(const struct butter_tree *x, int root, int backend);

/* What is known of a path. */
struct butter_tree_node {
	const char *path; /* until tell() returns */
	uint64_t ino;
	uint32_t flags; /* BUTTER_TREE_IS_DIR */
	int32_t wd;     /* of inotify; -1: none */
	int32_t root;
	uint32_t reserved;
};

/* Calls tell() for each path that is known, parents first, until it returns other than 0, which it returns.
 */
BUTTER_API int butter_tree_dump(const struct butter_tree *x,
				int (*tell)(const struct butter_tree_node *node, void *data), void *data);

BUTTER_API void butter_tree_get(const struct butter_tree *x, struct butter_tree_statistics *ret);

/* Types of events: see butter_inotify_mask_format(3). */
BUTTER_API int butter_tree_mask_format(uint32_t mask, char *buf, size_t len);
BUTTER_API int butter_tree_mask_parse(const char *text, uint32_t *ret_mask);

BUTTER_END_DECLS

#endif
