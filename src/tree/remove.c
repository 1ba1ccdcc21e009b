/* SPDX-License-Identifier: MIT */
/* Nodes go, with all that is kept for them elsewhere. */
#include "lazy.h"
#include "tree.h"
#include "verdict.h"

static void remove_node(struct butter_tree *t, uint32_t node, int tell)
{
	unsigned flags = butter__node(&t->model, node)->flags;
	if (flags & BUTTER__NODE_DIR && t->halves.count > 0)
		butter__halves_of(t, node, tell);
	if (tell)
		butter__tell(t, BUTTER_TREE_DELETED, flags & BUTTER__NODE_DIR ? BUTTER_TREE_IS_DIR : 0, node,
			     NULL, 0);
	if (tell && flags & BUTTER__NODE_DIR)
		butter__lazy_deleted(t, node);
	butter__unwatch(t, node);
	butter__ignore_forget(t, node);
	if (flags & BUTTER__NODE_WINDOW)
		butter__window_gone(t, node);
	if (t->open_node == node)
		butter__tree_close_dir(t);
	butter__model_remove(&t->model, node);
}

static void remove_below(struct butter_tree *t, uint32_t node, int tell)
{
	uint32_t leaf;
	do {
		leaf = butter__model_first_leaf(&t->model, node);
		remove_node(t, leaf, tell);
	} while (leaf != node);
}

/* What is below it first. */
void butter__remove_tree(struct butter_tree *t, uint32_t node)
{
	remove_below(t, node, 1);
}

void butter__forget_tree(struct butter_tree *t, uint32_t node)
{
	remove_below(t, node, 0);
}
