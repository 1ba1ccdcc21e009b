/* SPDX-License-Identifier: MIT */
/*
 * When the kernel has nothing more to say, or all that was before a barrier has been said, what is left
 * open is decided: directories that were elsewhere are listed again, what was not found anywhere is gone.
 */
#include <errno.h>

#include "../event/object.h"
#include "../event/time.h"
#include "tree.h"
#include "verdict.h"

enum { PASSES = 64 };

uint32_t butter__milliseconds(int64_t ns)
{
	return (uint32_t)(ns / 1000000);
}

/* Without memory everything is looked at again, and then it is found again what is held or dirty. */
void butter__hold(struct butter_tree *t, uint32_t node)
{
	struct butter__node *n = butter__node(&t->model, node);
	if (n->flags & BUTTER__NODE_HELD)
		return;
	t->held_since = butter__time_now();
	if (butter__list_add(&t->held_when, butter__milliseconds(t->held_since)) < 0) {
		t->lost = 1;
	} else if (butter__list_add(&t->held, node) < 0) {
		t->held_when.count--;
		t->lost = 1;
	} else {
		n->flags |= BUTTER__NODE_HELD;
	}
}

void butter__mark_dirty(struct butter_tree *t, uint32_t node)
{
	struct butter__node *n = butter__node(&t->model, node);
	if (n->flags & BUTTER__NODE_DIRTY)
		return;
	if (butter__list_add(&t->dirty, node) < 0)
		t->lost = 1;
	else
		n->flags |= BUTTER__NODE_DIRTY;
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

static void mark_again(struct butter_tree *t, uint32_t node)
{
	butter__node(&t->model, node)->flags &= (uint8_t)~BUTTER__NODE_DIRTY;
	butter__mark_dirty(t, node);
}

/* It may not be looked into. Its parent may not either, and then that one's mode is what changes. */
static void denied(struct butter_tree *t, uint32_t node, int error)
{
	struct butter__node *n = butter__node(&t->model, node);
	int is_news = !(n->flags & BUTTER__NODE_UNWATCHED);
	n->flags &= (uint8_t)~BUTTER__NODE_DIRTY;
	butter__degrade(t, node, error);
	if (is_news && n->parent && butter__is_forbidden(error))
		butter__mark_dirty(t, n->parent);
}

/* The nearest above it that is there, in one go, however deep it is. */
static void mark_above(struct butter_tree *t, uint32_t node)
{
	while ((node = butter__node(&t->model, node)->parent) && !is_dirty(t, node)) {
		butter__mark_dirty(t, node);
		if (butter__tree_open_dir(t, node) >= 0 || !butter__is_gone(errno))
			break;
	}
}

/* A directory that is not where it was known to be: where it was has to be looked at. */
static void list_dirty(struct butter_tree *t, uint32_t node)
{
	struct butter__node *n = butter__node(&t->model, node);
	if (n->parent && is_dirty(t, n->parent)) {
		mark_again(t, node);
	} else if (butter__tree_open_dir(t, node) >= 0) {
		n->flags &= (uint8_t)~BUTTER__NODE_DIRTY;
		butter__list_again(t, node);
	} else if (butter__is_denied(errno)) {
		denied(t, node, errno);
	} else if (!butter__is_gone(errno)) {
		mark_again(t, node);
		butter__retry_later(t);
	} else if (n->parent) {
		mark_again(t, node);
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

/* Nothing that is younger than so many milliseconds. */
static void settle_halves(struct butter_tree *t, uint32_t now, uint32_t age)
{
	for (uint32_t i = t->halves.count > 0 ? t->halves.used : 0; i > 0; i--) {
		const struct butter__half *h = butter__half_at(&t->halves, i);
		if (h->name && now - butter__milliseconds(h->since) >= age)
			butter__half_gone(t, i);
	}
}

static void hold_on(struct butter_tree *t, uint32_t node, uint32_t when)
{
	if (butter__list_add(&t->held_when, when) == 0 && butter__list_add(&t->held, node) == 0)
		return;
	t->held_when.count = t->held.count;
	butter__node(&t->model, node)->flags &= (uint8_t)~BUTTER__NODE_HELD;
	t->lost = 1;
}

/* What only a listing has missed has its record still to come, and before that what happened in it. */
static int may_settle(const struct butter_tree *t, uint32_t node, uint32_t has_waited, uint32_t age)
{
	int is_busy = age > butter__milliseconds(BUTTER__PATIENCE);
	return has_waited >= age && (!is_busy || butter__node(&t->model, node)->left);
}

static void settle_held(struct butter_tree *t, uint32_t now, uint32_t age)
{
	struct butter__list held = t->held, when = t->held_when;
	t->held = t->held_when = (struct butter__list){0};
	for (uint32_t i = 0; i < held.count; i++) {
		if (!alive(t, held.items[i], BUTTER__NODE_HELD))
			continue;
		if (may_settle(t, held.items[i], now - when.items[i], age))
			butter__reconcile_held(t, held.items[i]);
		else
			hold_on(t, held.items[i], when.items[i]);
	}
	butter__free(held.items);
	butter__free(when.items);
	butter__scan(t);
	settle_halves(t, now, age);
}

static int waits(const struct butter_tree *t)
{
	return t->dirty.count > 0 || t->held.count > 0 || t->halves.count > 0 || t->below.count > 0;
}

/*
 * A directory that is not found is listed when its parent's listing has told where it is, or it is gone
 * with what is held. What is left after so many passes is for the timer: others write faster than this
 * looks.
 */
void butter__settle(struct butter_tree *t, int64_t patience)
{
	uint32_t age = butter__milliseconds(patience);
	int64_t failed = t->retry_after;
	int i = 0;
	for (; i < PASSES && waits(t); i++) {
		uint32_t waiting = t->held.count + t->halves.count;
		int64_t now = butter__time_now();
		butter__settle_below(t);
		if (age == 0 || now >= t->retry_after)
			settle_dirty(t);
		settle_held(t, butter__milliseconds(now), age);
		uint32_t left = t->held.count + t->halves.count;
		/* what failed just now fails again; what failed before is no reason to leave all else open */
		if (t->retry_after != failed || (age > 0 && now < t->retry_after) ||
		    (age > 0 && left > 0 && left >= waiting))
			break;
	}
	if (i == PASSES)
		butter__retry_later(t);
	butter__tree_close_dir(t);
}
