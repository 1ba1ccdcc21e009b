/* SPDX-License-Identifier: MIT */
/* What is known, and how much of it. */
#include <stdlib.h>

#include "../event/object.h"
#include "tree.h"

/* Files that a window of DIRS holds for a while are known to nobody else. */
static int is_shown(const struct butter_tree *t, const struct butter__node *n)
{
	return butter__tree_has_entries(t) || n->flags & BUTTER__NODE_DIR;
}

/* Other backends have numbers of their own, which are of no use to a caller. */
static int wd_of(const struct butter_tree *t, uint32_t number)
{
	int wd = butter__node(&t->model, number)->wd;
	return wd >= 0 && butter__channel_of(t, number) == butter__inotify_of(t) ? wd : -1;
}

static int dump_node(const struct butter_tree *t, struct butter__text *text, uint32_t number,
		     int (*tell)(const struct butter_tree_node *node, void *data), void *data)
{
	const struct butter__node *n = butter__node(&t->model, number);
	if (!is_shown(t, n))
		return 0;
	if (butter__tree_path(t, text, number, NULL, 0) < 0)
		return -1;
	struct butter_tree_node node = {.path = text->text,
					.ino = n->ino,
					.flags = n->flags & BUTTER__NODE_DIR ? BUTTER_TREE_IS_DIR : 0,
					.wd = wd_of(t, number),
					.root = (int32_t)butter__model_root(&t->model, number)};
	return tell(&node, data);
}

/* The next node below top, parents first; 0: there is no more. */
static uint32_t next_below(const struct butter__model *m, uint32_t node, uint32_t top)
{
	if (butter__node(m, node)->first_child)
		return butter__node(m, node)->first_child;
	while (node != top && !butter__node(m, node)->next_sibling)
		node = butter__node(m, node)->parent;
	return node == top ? 0 : butter__node(m, node)->next_sibling;
}

int butter_tree_dump(const struct butter_tree *x,
		     int (*tell)(const struct butter_tree_node *node, void *data), void *data)
{
	struct butter__text text = {0};
	int n = 0;
	for (uint32_t i = 0; i < x->root_count && n == 0; i++) {
		uint32_t top = x->roots[i].missing ? 0 : x->roots[i].node;
		for (uint32_t node = top; node && n == 0; node = next_below(&x->model, node, top))
			n = dump_node(x, &text, node, tell, data);
	}
	butter__free(text.text);
	return n;
}

static void count_node(const struct butter_tree *t, uint32_t number, struct butter_tree_statistics *ret)
{
	const struct butter__node *n = butter__node(&t->model, number);
	if (n->flags & BUTTER__NODE_ROOT ? t->roots[n->name].missing : !n->parent)
		return;
	if (n->flags & BUTTER__NODE_DIR) {
		ret->directories++;
		ret->watches += wd_of(t, number) >= 0;
		ret->unwatched += (n->flags & BUTTER__NODE_UNWATCHED) != 0;
	} else {
		ret->entries += (uint64_t)butter__tree_has_entries(t);
	}
}

/* What is known, and for a while: not what is to be told, nor buffers. */
static size_t count_bytes(const struct butter_tree *t)
{
	size_t bytes = butter__model_bytes(&t->model) + butter__aliases_bytes(&t->aliases) +
		       butter__halves_bytes(&t->halves) + butter__windows_bytes(t) +
		       butter__wds_bytes(&t->links) + butter__wds_bytes(&t->ignored) +
		       t->root_count * sizeof(*t->roots);
	for (int i = 0; i < BUTTER__CHANNELS; i++) {
		const struct butter__channel *c = &t->channels[i];
		bytes += butter__wds_bytes(&c->wds);
		bytes += c->state && c->backend->bytes ? c->backend->bytes(c) : 0;
	}
	const struct butter__list *lists[] = {&t->scan,      &t->dirty,     &t->held,
					      &t->held_when, &t->unwatched, &t->below};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		bytes += lists[i]->size * sizeof(*lists[i]->items);
	return bytes;
}

void butter_tree_get(const struct butter_tree *x, struct butter_tree_statistics *ret)
{
	struct butter_tree_statistics now = {.records = x->records,
					     .events = x->events,
					     .overflows = x->overflows,
					     .rescans = x->rescans,
					     .bytes = count_bytes(x)};
	for (uint32_t i = 1; i <= x->model.used; i++)
		count_node(x, i, &now);
	*ret = now;
}
