/* SPDX-License-Identifier: MIT */
/*
 * What of a tree is watched, and what of that is told.
 *
 * Pruning comes first: what is pruned is neither entered nor watched nor told of, so that no rule brings
 * back anything below it. Of the rest, what the event mask or the hidden setting leaves out is not told,
 * and then the report rules decide, the last one that matches: a list goes from the general to the
 * particular, as in gitignore(5). When none matches, what is told is the opposite of the first report
 * rule: a list that begins with an include picks, one that begins with an exclude leaves out. Without
 * report rules all is told.
 *
 * A rule whose pattern has a '/' anywhere is matched against the path relative to the root, any other
 * against the name. Neither has a limit of length; both are bytes, and end with NUL.
 */
#ifndef BUTTER__FILTER_H
#define BUTTER__FILTER_H

#include <stddef.h>
#include <stdint.h>

#include <butter/tree.h>

/* All 0: everything. */
struct butter__filter_settings {
	uint32_t skip_hidden; /* not 0: names that begin with a period are pruned, or not told of */
	uint32_t max_depth;   /* the root's entries have depth 1; 0: no limit */
	uint32_t mask;        /* types that are told; 0: all */
};

struct butter__filter;

/*
 * A filter with copies of the patterns; settings may be NULL. NULL and errno: ENOMEM; EINVAL the rule that
 * *ret_bad (may be NULL) tells the index of is wrong: an unknown action or syntax, no callback or one with
 * a pattern, what butter__glob_check() or regcomp(3) refuses, a glob with an empty component, which
 * matches no path.
 */
struct butter__filter *butter__filter_new(const struct butter_tree_rule *rules, size_t count,
					  const struct butter__filter_settings *settings, size_t *ret_bad);

/* NULL is allowed, errno is kept. */
void butter__filter_free(struct butter__filter *f);

enum butter__filter_verdict {
	BUTTER__FILTER_ENTER, /* a directory to enter and watch, or a file to ask reports() for */
	BUTTER__FILTER_LEAF,  /* a directory at the maximum depth: told of, and not entered */
	BUTTER__FILTER_GONE,  /* pruned */
};

/*
 * Both questions are for an entry of a directory that is entered: a path of depth components, of which
 * name is the last. Nothing is allocated but by regexec(3). When it finds no memory, the rule does what has
 * more told: it does not match, but an include does.
 */
enum butter__filter_verdict butter__filter_prunes(const struct butter__filter *f, const char *path,
						  const char *name, uint32_t depth, int is_dir);
int butter__filter_reports(const struct butter__filter *f, const char *path, const char *name, uint32_t type);

/* Whether a rule that prunes, or one of the others, asks for more than the name: what a directory that is
 * renamed has below it may then be decided otherwise. */
int butter__filter_looks_at_paths(const struct butter__filter *f, int prune);

/* Whether there is a rule that is the caller's function. */
int butter__filter_calls(const struct butter__filter *f);

#endif
