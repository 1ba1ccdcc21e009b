/* SPDX-License-Identifier: MIT */
/* What the object knows and tells of itself, and whether it hands anything out. */
#include <errno.h>

#include <butter/epoll.h>

#include "../event/object.h"
#include "tree.h"

/* Without its channels the epoll fd is quiet, and what happens stays in the kernel's queue. */
static void listen(struct butter_tree *t, uint32_t events)
{
	struct epoll_event in = {.events = events};
	int saved = errno;
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		if (t->channels[i].fd >= 0)
			butter_epoll_ctl(t->source.fd, EPOLL_CTL_MOD, t->channels[i].fd, &in);
	butter__set_timer(t);
	errno = saved;
}

void butter_tree_pause(struct butter_tree *x)
{
	x->paused = 1;
	listen(x, 0);
}

void butter_tree_resume(struct butter_tree *x)
{
	x->paused = 0;
	listen(x, EPOLLIN);
}

static const struct butter__backend *backend_of(int number)
{
	return number == BUTTER_TREE_INOTIFY ? &butter__inotify_backend : NULL;
}

int butter_tree_backend(const struct butter_tree *x, int root, int backend)
{
	if (backend <= BUTTER_TREE_AUTO || backend > BUTTER_TREE_POLL) {
		errno = EINVAL;
		return -1;
	}
	if (root < 0 || (uint32_t)root >= x->root_count || !x->roots[root].node) {
		errno = ENOENT;
		return -1;
	}
	if (x->roots[root].channel->backend == backend_of(backend))
		return 0;
	errno = EAGAIN;
	return -1;
}

static int is_known(const struct butter__node *n)
{
	return n->parent || n->flags & BUTTER__NODE_ROOT;
}

static int dump_node(const struct butter_tree *t, uint32_t number, struct butter__text *text,
		     int (*tell)(const struct butter_tree_node *node, void *data), void *data)
{
	const struct butter__node *n = butter__node(&t->model, number);
	if (butter__tree_path(t, text, number, NULL, 0) < 0)
		return -1;
	struct butter_tree_node node = {
		.path = text->text,
		.ino = n->ino,
		.flags = n->flags & (BUTTER__NODE_DIR | BUTTER__NODE_ROOT) ? BUTTER_TREE_IS_DIR : 0,
		.wd = n->wd,
		.root = (int32_t)butter__model_root(&t->model, number),
	};
	return tell(&node, data);
}

/* The next in an order that has parents before children, or 0. */
static uint32_t next_node(const struct butter__model *m, uint32_t number, uint32_t top)
{
	if (butter__node(m, number)->first_child)
		return butter__node(m, number)->first_child;
	while (number != top && !butter__node(m, number)->next_sibling)
		number = butter__node(m, number)->parent;
	return number == top ? 0 : butter__node(m, number)->next_sibling;
}

int butter_tree_dump(const struct butter_tree *x,
		     int (*tell)(const struct butter_tree_node *node, void *data), void *data)
{
	struct butter__text text = {0};
	int n = 0;
	for (uint32_t i = 0; i < x->root_count && n == 0; i++)
		for (uint32_t top = x->roots[i].node, node = top; node && n == 0;
		     node = next_node(&x->model, node, top))
			n = dump_node(x, node, &text, tell, data);
	butter__free(text.text);
	return n;
}

void butter_tree_get(const struct butter_tree *x, struct butter_tree_statistics *ret)
{
	struct butter_tree_statistics s = {.bytes = butter__model_bytes(&x->model)};
	for (uint32_t i = 1; i <= x->model.used; i++) {
		const struct butter__node *n = butter__node(&x->model, i);
		if (!is_known(n))
			continue;
		if (n->flags & (BUTTER__NODE_DIR | BUTTER__NODE_ROOT))
			s.directories++;
		else if (butter__tree_has_entries(x))
			s.entries++;
		s.watches += n->wd >= 0;
		s.unwatched += (n->flags & BUTTER__NODE_UNWATCHED) != 0;
	}
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		s.bytes += butter__wds_bytes(&x->channels[i].wds);
	*ret = s;
}
