/* SPDX-License-Identifier: MIT */
#include <butter/tree.h>

#include "../event/names.h"

/* The name of more than one bit is read, not written: it stands behind its parts. */
static const struct butter__name mask_names[] = {
	BUTTER__NAME(BUTTER_TREE_CREATED),   BUTTER__NAME(BUTTER_TREE_DELETED),
	BUTTER__NAME(BUTTER_TREE_MOVED),     BUTTER__NAME(BUTTER_TREE_MODIFIED),
	BUTTER__NAME(BUTTER_TREE_WRITTEN),   BUTTER__NAME(BUTTER_TREE_ATTRIB),
	BUTTER__NAME(BUTTER_TREE_OPENED),    BUTTER__NAME(BUTTER_TREE_CLOSED),
	BUTTER__NAME(BUTTER_TREE_ACCESSED),  BUTTER__NAME(BUTTER_TREE_READY),
	BUTTER__NAME(BUTTER_TREE_GAP),       BUTTER__NAME(BUTTER_TREE_RESCAN),
	BUTTER__NAME(BUTTER_TREE_DEGRADED),  BUTTER__NAME(BUTTER_TREE_RECOVERED),
	BUTTER__NAME(BUTTER_TREE_UNMOUNTED), BUTTER__NAME(BUTTER_TREE_MOUNTED),
	BUTTER__NAME(BUTTER_TREE_SYNC),      BUTTER__NAME(BUTTER_TREE_CHANGES),
};
static const struct butter__names masks = BUTTER__NAMES("BUTTER_TREE_", mask_names);

int butter_tree_mask_format(uint32_t mask, char *buf, size_t len)
{
	return butter__mask_format(&masks, mask, buf, len);
}

int butter_tree_mask_parse(const char *text, uint32_t *ret_mask)
{
	return butter__mask_parse(&masks, text, ret_mask);
}
