/* SPDX-License-Identifier: MIT */
/*
 * In DIRS the files of a new directory are told by its listing, and those made after it was watched by
 * records too, which are read later. Until these have been read the model knows the files of such a
 * directory, so that each is told once.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "../event/object.h"
#include "tree.h"

void butter__forget_file(struct butter_tree *t, uint32_t node)
{
	butter__leave_place(t, node);
	butter__model_remove(&t->model, node);
}

static void forget_files(struct butter_tree *t, uint32_t node)
{
	struct butter__node *n = butter__node(&t->model, node);
	if (!(n->flags & BUTTER__NODE_WINDOW))
		return;
	n->flags &= (uint8_t)~BUTTER__NODE_WINDOW;
	for (uint32_t i = n->first_child, next; i; i = next) {
		next = butter__node(&t->model, i)->next_sibling;
		if (!(butter__node(&t->model, i)->flags & BUTTER__NODE_DIR))
			butter__forget_file(t, i);
	}
}

static struct butter__windows *windows_of(struct butter_tree *t, const struct butter__channel *c)
{
	return &t->windows[c - t->channels];
}

/* What has been closed makes room. */
static int make_room(struct butter__windows *w)
{
	if (w->end < w->size)
		return 0;
	if (w->first > w->size / 2) {
		memmove(w->items, w->items + w->first, (w->end - w->first) * sizeof(*w->items));
		w->end -= w->first;
		w->first = 0;
		return 0;
	}
	struct butter__window *items = butter__grow(w->items, &w->size, 16, sizeof(*items));
	if (!items)
		return -1;
	w->items = items;
	return 0;
}

static uint64_t bytes_waiting(struct butter_tree *t, struct butter__channel *c)
{
	int waiting = 0;
	if (c->backend->waiting)
		return c->backend->waiting(t, c);
	ioctl(c->fd, FIONREAD, &waiting);
	return (unsigned)waiting;
}

/* Only what is waiting now can be about what the listing saw; what is listed later sees no less. */
void butter__window_open(struct butter_tree *t, uint32_t node)
{
	uint64_t waiting = bytes_waiting(t, butter__channel_of(t, node));
	struct butter__channel *c = butter__channel_of(t, node);
	struct butter__windows *w = windows_of(t, c);
	uint32_t number = t->window_number == UINT32_MAX ? 1 : t->window_number + 1;
	if (make_room(w) < 0 || butter__wds_set(&t->window_of, (int)node, number) < 0) {
		t->lost = 1;
		forget_files(t, node);
		return;
	}
	t->window_number = number;
	t->window_count++;
	w->items[w->end++] = (struct butter__window){
		.end = c->consumed + (c->end - c->next) + waiting, .node = node, .number = number};
}

/* The number may be another node's soon, with a window of its own. */
void butter__window_gone(struct butter_tree *t, uint32_t node)
{
	butter__wds_set(&t->window_of, (int)node, 0);
}

static void close_first(struct butter_tree *t, struct butter__windows *w)
{
	const struct butter__window first = w->items[w->first++];
	if (w->first == w->end)
		w->first = w->end = 0;
	t->window_count--;
	if (butter__wds_get(&t->window_of, (int)first.node) != first.number)
		return;
	butter__wds_set(&t->window_of, (int)first.node, 0);
	forget_files(t, first.node);
}

void butter__windows_forget(struct butter_tree *t)
{
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		while (t->windows[i].first < t->windows[i].end)
			close_first(t, &t->windows[i]);
}

void butter__windows_close(struct butter_tree *t, const struct butter__channel *c)
{
	struct butter__windows *w = windows_of(t, c);
	while (w->first < w->end && w->items[w->first].end <= c->consumed)
		close_first(t, w);
}

size_t butter__windows_bytes(const struct butter_tree *t)
{
	size_t bytes = butter__wds_bytes(&t->window_of);
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		bytes += t->windows[i].size * sizeof(*t->windows[i].items);
	return bytes;
}

void butter__windows_free(struct butter_tree *t)
{
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		butter__free(t->windows[i].items);
	butter__wds_free(&t->window_of);
}
