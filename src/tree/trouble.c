/* SPDX-License-Identifier: MIT */
/*
 * Errors that do not say that something is gone. What is denied, or lacks fds or memory, is DEGRADED; a disk
 * that fails is asked again by the timer. Nothing is told to be deleted for such a reason.
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

/* A directory could not be looked into: whether it is there has to be asked elsewhere, or later. */
void butter__look_failed(struct butter_tree *t, uint32_t node, int error)
{
	if (butter__is_denied(error)) {
		butter__degrade(t, node, error);
		return;
	}
	if (!butter__is_gone(error))
		butter__retry_later(t);
	butter__mark_dirty(t, node);
}
