/* SPDX-License-Identifier: MIT */
/*
 * Directories that need no listing for their subdirectories: a link count of 2 says that there are none,
 * where the file system counts them. That it does is checked on each directory that is listed.
 */
#ifndef BUTTER__NLINK_H
#define BUTTER__NLINK_H

#include <sys/stat.h>

#include "tree.h"

enum { BUTTER__NLINK_DEVS = 16 };

struct butter__nlink {
	struct {
		uint64_t dev;
		int trusted;
	} devs[BUTTER__NLINK_DEVS];
	uint32_t count;
	struct butter__list skipped; /* nodes */
};

/* Whether the counts of this directory's file system are to be trusted; fd is any of it. */
int butter__nlink_trusts(struct butter__nlink *n, int fd, const struct stat *dir);

/* Whether a directory has no subdirectory, going by its count; its file system is trusted. */
int butter__nlink_is_leaf(const struct stat *dir);

/*
 * A directory has been listed: st is from before, subdirs what was found. 0: the counts of its file system
 * are wrong, and no longer trusted.
 */
int butter__nlink_check(struct butter__nlink *n, int fd, const struct stat *st, uint64_t subdirs);

#endif
