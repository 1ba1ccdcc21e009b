/* SPDX-License-Identifier: MIT */
/* The kernel's queue was full, or memory was: everything is looked at again, and the difference told. */
#include "../event/object.h"
#include "../event/time.h"
#include "lazy.h"
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

/*
 * What could not be told for want of memory is in the model, and no difference any more: a GAP says so, in
 * ENTRIES too.
 *
 * Again and again is no use while the writers are faster: each time it waits
 * longer.
 */
void butter__lose(struct butter_tree *t)
{
	int64_t now = butter__time_now();
	if (!t->lost || now < t->rescan_after)
		return;
	int untold = t->queue.failed;
	if (now - t->rescan_after > MOST_PAUSE)
		t->pause = 0;
	t->lost = t->queue.failed = 0;
	t->rescans++;
	t->lists_all = 1;
	butter__windows_forget(t);
	butter__lazy_discard(t);
	butter__look_at_roots(t, 1);
	t->mounts_changed = 1;
	for (uint32_t i = 0; i < t->root_count; i++)
		if (t->roots[i].node && !t->roots[i].missing) {
			butter__tell(t, BUTTER_TREE_RESCAN, BUTTER_TREE_IS_DIR, t->roots[i].node, NULL, 0);
			if (t->roots[i].lazy)
				butter__lazy_forget(t, &t->roots[i]);
			else
				butter__list_tree(t, t->roots[i].node);
		}
	t->lists_all = 0;
	butter__upkeep(t);
	butter__settle(t, 0);
	for (uint32_t i = 0; i < t->root_count && (untold || !butter__tree_has_entries(t)); i++)
		if (t->roots[i].node && !t->roots[i].missing)
			butter__tell(t, BUTTER_TREE_GAP, BUTTER_TREE_IS_DIR, t->roots[i].node, NULL, 0);
	t->pause = t->pause ? (t->pause * 2 < MOST_PAUSE ? t->pause * 2 : MOST_PAUSE) : FIRST_PAUSE;
	t->rescan_after = butter__time_now() + t->pause;
}
