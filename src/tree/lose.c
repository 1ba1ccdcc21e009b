/* SPDX-License-Identifier: MIT */
/* The kernel's queue was full, or memory was: everything is looked at again, and the difference told. */
#include "../event/object.h"
#include "../event/time.h"
#include "tree.h"

enum { FIRST_PAUSE = 10000000, MOST_PAUSE = 1000000000 };

static void push_dirs(struct butter_tree *t, struct butter__list *stack, uint32_t node)
{
	for (uint32_t i = butter__node(&t->model, node)->first_child; i;
	     i = butter__node(&t->model, i)->next_sibling)
		if (butter__node(&t->model, i)->flags & BUTTER__NODE_DIR && butter__list_add(stack, i) < 0)
			t->lost = 1;
}

/* Parents before children, since what a child is called is known by then. */
void butter__list_tree(struct butter_tree *t, uint32_t node)
{
	struct butter__list stack = {0};
	if (butter__list_add(&stack, node) < 0)
		t->lost = 1;
	while (stack.count > 0) {
		uint32_t next = stack.items[--stack.count];
		const struct butter__node *n = butter__node(&t->model, next);
		if (!(n->parent || n->flags & BUTTER__NODE_ROOT))
			continue;
		butter__list_again(t, next);
		push_dirs(t, &stack, next);
	}
	butter__free(stack.items);
}

/* Again and again is no use while the writers are faster: each time it waits longer. */
void butter__lose(struct butter_tree *t)
{
	if (!t->lost || butter__time_now() < t->rescan_after)
		return;
	t->lost = 0;
	butter__windows_forget(t);
	for (uint32_t i = 0; i < t->root_count; i++)
		if (t->roots[i].node) {
			butter__tell(t, BUTTER_TREE_RESCAN, BUTTER_TREE_IS_DIR, t->roots[i].node, NULL, 0);
			butter__list_tree(t, t->roots[i].node);
		}
	butter__settle(t, 1);
	for (uint32_t i = 0; i < t->root_count && !butter__tree_has_entries(t); i++)
		if (t->roots[i].node)
			butter__tell(t, BUTTER_TREE_GAP, BUTTER_TREE_IS_DIR, t->roots[i].node, NULL, 0);
	t->pause = t->pause ? (t->pause * 2 < MOST_PAUSE ? t->pause * 2 : MOST_PAUSE) : FIRST_PAUSE;
	t->rescan_after = butter__time_now() + t->pause;
}
