/* SPDX-License-Identifier: MIT */
/* Windows of DIRS (window.c). */
#ifndef BUTTER__WINDOW_H
#define BUTTER__WINDOW_H

#include <stddef.h>
#include <stdint.h>

struct butter_tree;
struct butter__channel;

/* Directories that were listed while events of them were waiting, up to this place of the stream; in order.
 */
struct butter__window {
	uint64_t end;
	uint32_t node, number; /* of the window: the node may have a later one, or be another by now */
};
struct butter__windows {
	struct butter__window *items;
	uint32_t first, end, size;
};

void butter__window_open(struct butter_tree *t, uint32_t node);
void butter__windows_close(struct butter_tree *t, const struct butter__channel *c);
void butter__windows_forget(struct butter_tree *t);
void butter__windows_free(struct butter_tree *t);
size_t butter__windows_bytes(const struct butter_tree *t);
void butter__window_gone(struct butter_tree *t, uint32_t node);

#endif
