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

enum butter__filter_action {
	BUTTER__FILTER_PRUNE,   /* a directory, and all that is in it, does not exist */
	BUTTER__FILTER_EXCLUDE, /* it is not told of */
	BUTTER__FILTER_INCLUDE, /* it is told of */
};

enum butter__filter_syntax {
	BUTTER__FILTER_GLOB,     /* glob.h; a '/' at the beginning makes it match the whole path */
	BUTTER__FILTER_REGEX,    /* POSIX extended, in the locale of the time of regcomp(3) */
	BUTTER__FILTER_CALLBACK, /* match(), and no pattern */
	/* Or'ed to the above. */
	BUTTER__FILTER_FOLD = 0x100, /* glob, regex: letters match in both cases */
	BUTTER__FILTER_PERIOD =
		0x200, /* glob: a period that begins a component is matched by a period only */
};

struct butter__filter_rule {
	uint32_t action;
	uint32_t syntax;
	const char *pattern;
	/* Not 0: it matches. type is that of reports(), and 0 from prunes(). */
	int (*match)(const char *path, const char *name, uint32_t type, void *data);
	void *data;
};

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
struct butter__filter *butter__filter_new(const struct butter__filter_rule *rules, size_t count,
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

#endif
