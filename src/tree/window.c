/* SPDX-License-Identifier: MIT */
/*
 * In DIRS the files of a new directory are told by its listing, and those made after it was watched by
 * records too, which are read later. Until these have been read the model knows the files of such a
 * directory, so that each is told once.
 */
#include <stdlib.h>
#include <sys/ioctl.h>

#include "tree.h"

static void forget_files(struct butter_tree *t, uint32_t node)
{
	struct butter__node *n = butter__node(&t->model, node);
	if (!(n->flags & BUTTER__NODE_WINDOW))
		return;
	n->flags &= (uint8_t)~BUTTER__NODE_WINDOW;
	for (uint32_t i = n->first_child, next; i; i = next) {
		next = butter__node(&t->model, i)->next_sibling;
		if (!(butter__node(&t->model, i)->flags & BUTTER__NODE_DIR))
			butter__model_remove(&t->model, i);
	}
}

static uint64_t bytes_waiting(struct butter_tree *t, struct butter__channel *c)
{
	int waiting = 0;
	if (c->backend->waiting)
		return c->backend->waiting(t, c);
	ioctl(c->fd, FIONREAD, &waiting);
	return (unsigned)waiting;
}

/* Only what is waiting now can be about what the listing saw. */
void butter__window_open(struct butter_tree *t, uint32_t node)
{
	uint64_t waiting = bytes_waiting(t, butter__channel_of(t, node));
	struct butter__channel *c = butter__channel_of(t, node);
	struct butter__window *windows = realloc(t->windows, (t->window_count + 1) * sizeof(*windows));
	if (!windows) {
		t->lost = 1;
		forget_files(t, node);
		return;
	}
	t->windows = windows;
	windows[t->window_count++] = (struct butter__window){
		.channel = c, .end = c->consumed + (c->end - c->next) + waiting, .node = node};
}

/* The number may be another node's soon, with a window of its own. */
void butter__window_gone(struct butter_tree *t, uint32_t node)
{
	uint32_t left = 0;
	for (uint32_t i = 0; i < t->window_count; i++)
		if (t->windows[i].node != node)
			t->windows[left++] = t->windows[i];
	t->window_count = left;
}

void butter__windows_forget(struct butter_tree *t)
{
	while (t->window_count > 0)
		forget_files(t, t->windows[--t->window_count].node);
}

void butter__windows_close(struct butter_tree *t, const struct butter__channel *c)
{
	uint32_t left = 0;
	for (uint32_t i = 0; i < t->window_count; i++) {
		const struct butter__window w = t->windows[i];
		if (w.channel == c && w.end <= c->consumed)
			forget_files(t, w.node);
		else
			t->windows[left++] = w;
	}
	t->window_count = left;
}
