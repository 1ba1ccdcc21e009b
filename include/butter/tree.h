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
#define BUTTER_TREE_DELETED 0x00000002u /* path is no more; what was below it has been told of before */
#define BUTTER_TREE_MOVED 0x00000004u   /* old_path, and all below it, is at path; what was there is no more \
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

#define BUTTER_TREE_ENTRIES 0x1u /* the model holds files too */

/* All 0 but size is what butter_tree_open() does without options. */
struct butter_tree_options {
	size_t size;           /* sizeof(struct butter_tree_options) */
	uint32_t flags;        /* BUTTER_TREE_ENTRIES */
	uint32_t scan_workers; /* threads for a scan, which end with the call that needs them; 0: none */
	uint64_t reserved[4];
};

struct butter_tree_root {
	size_t size;    /* sizeof(struct butter_tree_root) */
	uint32_t mask;  /* which events are told; 0: BUTTER_TREE_CHANGES */
	uint32_t flags; /* 0 */
	void *data;     /* comes with every event of this root */
	uint64_t reserved[4];
};

BUTTER_API struct butter_tree *butter_tree_open(const struct butter_tree_options *options);
BUTTER_API int butter_tree_add(struct butter_tree *x, const char *path,
			       const struct butter_tree_root *options);
BUTTER_API int butter_tree_remove(struct butter_tree *x, const char *path);
BUTTER_API int butter_tree_sync(struct butter_tree *x, int64_t timeout);
BUTTER_API void butter_tree_close(struct butter_tree *x);
BUTTER_API int butter_tree_release(struct butter_tree *x);
BUTTER_API int butter_tree_fd(const struct butter_tree *x);
BUTTER_API size_t butter_tree_pending(struct butter_tree *x);
BUTTER_API struct butter_source *butter_tree_source(struct butter_tree *x);
BUTTER_API int butter_tree_read_event(struct butter_tree *x, struct butter_tree_event *ret);
BUTTER_API ssize_t butter_tree_read_events(struct butter_tree *x, struct butter_tree_event *ret, size_t max);
BUTTER_API int butter_tree_wait_event(struct butter_tree *x, struct butter_tree_event *ret, int64_t timeout);

BUTTER_END_DECLS

#endif
