/* SPDX-License-Identifier: MIT */
/*
 * When the kernel has nothing more to say, or all that was before a barrier has been said, what is left
 * open is decided: directories that were elsewhere are listed again, what was not found anywhere is gone.
 */
#include "../event/object.h"
#include "../event/time.h"
#include "tree.h"

enum { PASSES = 64 };

void butter__hold(struct butter_tree *t, uint32_t node)
{
	struct butter__node *n = butter__node(&t->model, node);
	if (n->flags & BUTTER__NODE_HELD)
		return;
	n->flags |= BUTTER__NODE_HELD;
	t->held_since = butter__time_now();
	if (butter__list_add(&t->held, node) < 0)
		t->lost = 1;
}

void butter__mark_dirty(struct butter_tree *t, uint32_t node)
{
	struct butter__node *n = butter__node(&t->model, node);
	if (n->flags & BUTTER__NODE_DIRTY)
		return;
	n->flags |= BUTTER__NODE_DIRTY;
	if (butter__list_add(&t->dirty, node) < 0)
		t->lost = 1;
}

static int alive(const struct butter_tree *t, uint32_t node, unsigned flag)
{
	const struct butter__node *n = butter__node(&t->model, node);
	return (n->parent || n->flags & BUTTER__NODE_ROOT) && n->flags & flag;
}

static int is_dirty(const struct butter_tree *t, uint32_t node)
{
	return butter__node(&t->model, node)->flags & BUTTER__NODE_DIRTY;
}

/* The nearest above it that is there, in one go, however deep it is. */
static void mark_above(struct butter_tree *t, uint32_t node)
{
	while ((node = butter__node(&t->model, node)->parent) && !is_dirty(t, node)) {
		butter__mark_dirty(t, node);
		if (butter__tree_open_dir(t, node) >= 0 || butter__is_denied(errno))
			break;
	}
}

/* A directory that is not where it was known to be: where it was has to be looked at. */
static void list_dirty(struct butter_tree *t, uint32_t node)
{
	struct butter__node *n = butter__node(&t->model, node);
	if (n->parent && is_dirty(t, n->parent)) {
		if (butter__list_add(&t->dirty, node) < 0)
			t->lost = 1;
	} else if (butter__tree_open_dir(t, node) >= 0) {
		n->flags &= (uint8_t)~BUTTER__NODE_DIRTY;
		butter__list_again(t, node);
	} else if (butter__is_denied(errno)) {
		n->flags &= (uint8_t)~BUTTER__NODE_DIRTY;
		butter__degrade(t, node, errno);
	} else if (n->parent) {
		if (butter__list_add(&t->dirty, node) < 0)
			t->lost = 1;
		mark_above(t, node);
	} else {
		butter__root_lost(t, node);
	}
}

/* Those that came meanwhile are for the next pass. */
static void settle_dirty(struct butter_tree *t)
{
	struct butter__list dirty = t->dirty;
	t->dirty = (struct butter__list){0};
	while (dirty.count > 0) {
		uint32_t node = dirty.items[--dirty.count];
		if (alive(t, node, BUTTER__NODE_DIRTY))
			list_dirty(t, node);
	}
	butter__free(dirty.items);
}

static void settle_held(struct butter_tree *t)
{
	struct butter__list held = t->held;
	t->held = (struct butter__list){0};
	for (uint32_t i = 0; i < held.count; i++)
		if (alive(t, held.items[i], BUTTER__NODE_HELD))
			butter__reconcile_held(t, held.items[i]);
	butter__free(held.items);
	butter__scan(t);
	while (t->half_count > 0)
		butter__half_gone(t, t->half_count - 1);
}

/*
 * A directory that is not found is listed when its parent's listing has told where it is, or it is gone
 * with what is held.
 */
void butter__settle(struct butter_tree *t, int everything)
{
	butter__upkeep(t);
	for (int i = 0; i < PASSES && (t->dirty.count > 0 || t->held.count > 0 || t->half_count > 0); i++) {
		settle_dirty(t);
		if (!everything && butter__time_now() - t->held_since < BUTTER__PATIENCE)
			break;
		settle_held(t);
	}
	butter__tree_close_dir(t);
}
