/* SPDX-License-Identifier: MIT */
/*
 * The filters of roots, asked about names in directories that are known.
 *
 * What is pruned, hidden, too deep or ignored by a list is not there: what moves there is deleted with all
 * below it, what comes from there is created. What is only not told of is known all the same. A move is
 * told as MOVED when both its ends, and all that is below it, are told of as before; or else as a deletion
 * and a creation, as far as these are told of. So it is for a root whose mask has no MOVED. What rules that
 * look at whole paths say of files below a directory is not known in DIRS, where files are not known.
 */
#ifndef BUTTER__VERDICT_H
#define BUTTER__VERDICT_H

#include "filter.h"
#include "tree.h"

/* Fills the root's filter from its options. 0, or -1 and errno, *ret_bad_rule as of butter_tree_add(). */
int butter__root_filter(struct butter__root *root, const struct butter_tree_root *options,
			size_t *ret_bad_rule);
void butter__root_filter_free(struct butter__root *root);

/* A name that is not there whatever it is, by its name and depth. */
int butter__is_hidden(const struct butter_tree *t, uint32_t dir, const char *name);
enum butter__filter_verdict butter__verdict(struct butter_tree *t, uint32_t dir, const char *name, size_t len,
					    int is_dir);
/* A directory at the greatest depth, in which there is nothing. */
int butter__is_leaf(const struct butter_tree *t, uint32_t node);

/* Whether an event of this path, absolute, is told of. */
int butter__reports(const struct butter__root *root, const struct butter__text *path, uint32_t type);

/* Whether a move is told as MOVED: of a node, or in DIRS of a name in a directory that is none. */
int butter__moves_plainly(struct butter_tree *t, uint32_t node, uint32_t dir, const char *name, size_t len);
int butter__renames_plainly(struct butter_tree *t, uint32_t from, const char *old, size_t old_len,
			    uint32_t dir, const char *name, size_t len);
/* A directory has moved: what is below it may be pruned now, or not any more. */
void butter__moved(struct butter_tree *t, uint32_t node);

/* All directories from node down are to be listed again; done when the kernel has nothing more to say. */
void butter__list_below(struct butter_tree *t, uint32_t node);
void butter__settle_below(struct butter_tree *t);

/* The list of a directory that is entered, read from its fd, or found changed by a record. */
void butter__ignore_read(struct butter_tree *t, uint32_t dir, int fd);
void butter__ignore_changed(struct butter_tree *t, uint32_t dir, const struct butter__record *ev);
void butter__ignore_forget(struct butter_tree *t, uint32_t dir);
void butter__ignore_free(struct butter_tree *t);
/* path: of a name in dir, relative to the root. */
int butter__is_ignored(const struct butter_tree *t, uint32_t dir, const char *path, size_t name_len,
		       int is_dir);

#endif
