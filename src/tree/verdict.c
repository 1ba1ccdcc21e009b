/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../event/object.h"
#include "verdict.h"

static struct butter__root *root_of(const struct butter_tree *t, uint32_t node)
{
	return &t->roots[butter__model_root(&t->model, node)];
}

static int is_name(const char *text)
{
	return *text && !strchr(text, '/') && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

/* The mask is the tree's own to ask, since what it leaves out is known all the same. */
int butter__root_filter(struct butter__root *root, const struct butter_tree_root *options,
			size_t *ret_bad_rule)
{
	struct butter__filter_settings settings = {.skip_hidden = options->flags & BUTTER_TREE_SKIP_HIDDEN,
						   .max_depth = options->max_depth};
	root->max_depth = options->max_depth;
	if (options->ignore_file && !is_name(options->ignore_file)) {
		errno = EINVAL;
		return -1;
	}
	if (options->ignore_file && !(root->ignore_file = strdup(options->ignore_file)))
		return -1;
	if (!options->rule_count && !settings.skip_hidden && !settings.max_depth)
		return 0;
	root->filter = butter__filter_new(options->rules, options->rule_count, &settings, ret_bad_rule);
	if (root->filter)
		return 0;
	butter__free(root->ignore_file);
	root->ignore_file = NULL;
	return -1;
}

void butter__root_filter_free(struct butter__root *root)
{
	butter__filter_free(root->filter);
	butter__free(root->ignore_file);
	root->filter = NULL;
	root->ignore_file = NULL;
}

static uint32_t depth_of(const struct butter_tree *t, uint32_t node)
{
	uint32_t depth = 0;
	for (; butter__node(&t->model, node)->parent; node = butter__node(&t->model, node)->parent)
		depth++;
	return depth;
}

/* To a file only its name and its depth can say that it is pruned. */
int butter__is_hidden(const struct butter_tree *t, uint32_t dir, const char *name)
{
	const struct butter__root *root = root_of(t, dir);
	return root->filter &&
	       butter__filter_prunes(root->filter, name, name, root->max_depth ? depth_of(t, dir) + 1 : 1,
				     0) == BUTTER__FILTER_GONE;
}

int butter__is_leaf(const struct butter_tree *t, uint32_t node)
{
	uint32_t max = root_of(t, node)->max_depth;
	return max && depth_of(t, node) >= max;
}

/* Below the root, of which path is not. */
static const char *below_root(const struct butter__root *root, const struct butter__text *path)
{
	return path->text + root->path_len + 1;
}

enum butter__filter_verdict butter__verdict(struct butter_tree *t, uint32_t dir, const char *name, size_t len,
					    int is_dir)
{
	enum butter__filter_verdict verdict = BUTTER__FILTER_ENTER;
	const struct butter__root *root = root_of(t, dir);
	if (!root->filter && !root->ignore_file)
		return verdict;
	if (butter__tree_path(t, &t->rule_path, dir, name, len) < 0) {
		t->lost = 1;
		return verdict;
	}
	const char *path = below_root(root, &t->rule_path);
	if (root->filter)
		verdict =
			butter__filter_prunes(root->filter, path, t->rule_path.text + t->rule_path.len - len,
					      depth_of(t, dir) + 1, is_dir);
	if (verdict != BUTTER__FILTER_GONE && root->ignore_file &&
	    butter__is_ignored(t, dir, path, len, is_dir))
		verdict = BUTTER__FILTER_GONE;
	return verdict;
}

int butter__reports(const struct butter__root *root, const struct butter__text *path, uint32_t type)
{
	if (!root->filter || path->len <= root->path_len + 1)
		return 1;
	const char *below = below_root(root, path), *slash = strrchr(below, '/');
	return butter__filter_reports(root->filter, below, slash ? slash + 1 : below, type);
}

static uint32_t next_below(const struct butter_tree *t, uint32_t node, uint32_t top)
{
	const struct butter__node *n = butter__node(&t->model, node);
	if (n->first_child)
		return n->first_child;
	for (; node != top; n = butter__node(&t->model, node)) {
		if (n->next_sibling)
			return n->next_sibling;
		node = n->parent;
	}
	return 0;
}

/* Whether what is below is told of where it was as where it will be, below to. */
static int is_alike_below(struct butter_tree *t, uint32_t top, const struct butter__root *from,
			  const struct butter__root *to, size_t old_len)
{
	size_t new_len = t->rule_path.len;
	for (uint32_t node = next_below(t, top, top); node; node = next_below(t, node, top)) {
		if (butter__tree_path(t, &t->path, node, NULL, 0) < 0 ||
		    butter__text_set(&t->rule_path, new_len, t->path.text + old_len, t->path.len - old_len) <
			    0)
			return 0;
		if (butter__reports(from, &t->path, BUTTER_TREE_CREATED) !=
		    butter__reports(to, &t->rule_path, BUTTER_TREE_CREATED))
			return 0;
	}
	return 1;
}

/* Paths are in old_path and rule_path. */
static int is_plain(struct butter_tree *t, uint32_t node, const struct butter__root *from,
		    const struct butter__root *to)
{
	const uint32_t either = BUTTER_TREE_CREATED | BUTTER_TREE_DELETED;
	if (!(from->mask & to->mask & BUTTER_TREE_MOVED))
		return !((from->mask | to->mask) & either);
	if (!from->filter && !to->filter)
		return 1;
	if (!butter__reports(from, &t->old_path, BUTTER_TREE_MOVED) ||
	    !butter__reports(to, &t->rule_path, BUTTER_TREE_MOVED))
		return 0;
	if (!node || (from == to && !butter__filter_looks_at_paths(from->filter, 0)))
		return 1;
	return is_alike_below(t, node, from, to, t->old_path.len);
}

int butter__renames_plainly(struct butter_tree *t, uint32_t from, const char *old, size_t old_len,
			    uint32_t dir, const char *name, size_t len)
{
	if (butter__tree_path(t, &t->old_path, from, old, old_len) < 0 ||
	    butter__tree_path(t, &t->rule_path, dir, name, len) < 0) {
		t->lost = 1;
		return 0;
	}
	return is_plain(t, 0, root_of(t, from), root_of(t, dir));
}

/* What is below it is not known, and would have to be for the two places to be compared. */
static int is_unknown_below(const struct butter_tree *t, uint32_t node, const struct butter__root *from,
			    const struct butter__root *to)
{
	if (!butter__node(&t->model, node)->lazy)
		return 0;
	if (from != to)
		return !to->lazy || from->filter || to->filter;
	return from->filter && (butter__filter_looks_at_paths(from->filter, 0) ||
				butter__filter_looks_at_paths(from->filter, 1));
}

int butter__moves_plainly(struct butter_tree *t, uint32_t node, uint32_t dir, const char *name, size_t len)
{
	const struct butter__root *from = root_of(t, node), *to = root_of(t, dir);
	if (is_unknown_below(t, node, from, to))
		return 0;
	if (!from->filter && !to->filter && from->mask & to->mask & BUTTER_TREE_MOVED)
		return 1;
	if (butter__tree_path(t, &t->old_path, node, NULL, 0) < 0 ||
	    butter__tree_path(t, &t->rule_path, dir, name, len) < 0) {
		t->lost = 1;
		return 0;
	}
	return is_plain(t, node, from, to);
}

void butter__list_below(struct butter_tree *t, uint32_t node)
{
	if (t->below.count > 0 && t->below.items[t->below.count - 1] == node)
		return;
	if (butter__list_add(&t->below, node) < 0)
		t->lost = 1;
}

void butter__moved(struct butter_tree *t, uint32_t node)
{
	const struct butter__root *root = root_of(t, node);
	if (!(butter__node(&t->model, node)->flags & BUTTER__NODE_DIR))
		return;
	if (t->lists_all || root->ignore_file ||
	    (root->filter && butter__filter_looks_at_paths(root->filter, 1)))
		butter__list_below(t, node);
}

/* What is no more is a free node or another by now, which does no harm. */
void butter__settle_below(struct butter_tree *t)
{
	while (t->below.count > 0) {
		uint32_t top = t->below.items[--t->below.count];
		for (uint32_t node = butter__tree_knows(t, top) ? top : 0; node;
		     node = next_below(t, node, top))
			if (butter__node(&t->model, node)->flags & BUTTER__NODE_DIR)
				butter__mark_dirty(t, node);
	}
}
