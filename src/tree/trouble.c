/* SPDX-License-Identifier: MIT */
/*
 * Errors that do not say that something is gone. A directory that may not be read is DEGRADED until its
 * mode changes; what else there is (no fd, no memory, a disk that fails) passes or does not, and is tried
 * again by the timer. Nothing is told to be deleted for such a reason.
 */
#include <errno.h>

#include "../event/time.h"
#include "tree.h"

int butter__is_gone(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ESTALE;
}

int butter__is_forbidden(int error)
{
	return error == EACCES || error == EPERM;
}

void butter__retry_later(struct butter_tree *t)
{
	t->retry_after = butter__time_now() + BUTTER__RETRY;
}

/* Told once. */
void butter__degrade(struct butter_tree *t, uint32_t node, int error)
{
	struct butter__node *n = butter__node(&t->model, node);
	if (n->flags & BUTTER__NODE_UNWATCHED)
		return;
	n->flags |= BUTTER__NODE_UNWATCHED;
	butter__tell_error(t, BUTTER_TREE_DEGRADED, node, error);
}

/* It is watched, and has been listed. */
void butter__recover(struct butter_tree *t, uint32_t node)
{
	struct butter__node *n = butter__node(&t->model, node);
	if (!(n->flags & BUTTER__NODE_UNWATCHED) || n->wd < 0)
		return;
	n->flags &= (uint8_t)~BUTTER__NODE_UNWATCHED;
	butter__tell(t, BUTTER_TREE_RECOVERED, BUTTER_TREE_IS_DIR, node, NULL, 0);
	if (!butter__tree_has_entries(t))
		butter__tell(t, BUTTER_TREE_GAP, BUTTER_TREE_IS_DIR, node, NULL, 0);
}

/* A directory could not be looked into: whether it is there has to be asked elsewhere, or later. */
void butter__look_failed(struct butter_tree *t, uint32_t node, int error)
{
	if (butter__is_forbidden(error)) {
		butter__degrade(t, node, error);
		return;
	}
	if (!butter__is_gone(error))
		butter__retry_later(t);
	butter__mark_dirty(t, node);
}
