/* SPDX-License-Identifier: MIT */
/*
 * Files in the format of gitignore(5), decided as git decides.
 *
 * A list knows one file, and paths relative to the directory of that file. The rest is for the walk:
 * - Files of lower directories come first: to decide a path, ask the list of its own directory, then of
 *   the directory above (with the path relative to that one), up to the root; the first list that says
 *   anything but BUTTER__GITIGNORE_SILENT has decided.
 * - What is below an ignored directory is ignored, and no '!' brings it back: a directory for which
 *   BUTTER__GITIGNORE_IGNORED is decided has to be pruned, neither entered nor searched for files of
 *   this kind, and no path below it asked for. A list alone would find such a path included.
 */
#ifndef BUTTER__GITIGNORE_H
#define BUTTER__GITIGNORE_H

#include <stddef.h>

struct butter__gitignore;

enum butter__gitignore_says {
	BUTTER__GITIGNORE_SILENT,
	BUTTER__GITIGNORE_IGNORED,
	BUTTER__GITIGNORE_INCLUDED, /* by a '!' */
};

enum { BUTTER__GITIGNORE_MAX = 1 << 20 }; /* bytes of a file */

/*
 * No text is wrong: what is malformed matches nothing. NULL and errno: ENOMEM; EFBIG there are more than
 * BUTTER__GITIGNORE_MAX bytes.
 */
struct butter__gitignore *butter__gitignore_parse(const char *text, size_t len);

/*
 * The list of a file, to which no symbolic link is followed, as git does it. NULL and errno: openat(2)'s
 * and read(2)'s, ELOOP a symbolic link, EINVAL no regular file, and the above.
 */
struct butter__gitignore *butter__gitignore_read(int dirfd, const char *path);

/* NULL is allowed, errno is kept. */
void butter__gitignore_free(struct butter__gitignore *list);

/* The last pattern that matches decides. path: without a '/' at its ends. */
enum butter__gitignore_says butter__gitignore_match(const struct butter__gitignore *list, const char *path,
						    int is_dir);

#endif
