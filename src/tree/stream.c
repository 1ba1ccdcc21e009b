/* SPDX-License-Identifier: MIT */
/* The kernel's records, one after the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "../event/object.h"
#include "../event/time.h"
#include "lazy.h"
#include "tree.h"
#include "verdict.h"

enum { RUN = 64 }; /* events */

static const struct {
	uint32_t mask, type;
} changes[] = {
	{IN_MODIFY, BUTTER_TREE_MODIFIED},      {IN_CLOSE_WRITE, BUTTER_TREE_WRITTEN},
	{IN_ATTRIB, BUTTER_TREE_ATTRIB},        {IN_OPEN, BUTTER_TREE_OPENED},
	{IN_CLOSE_NOWRITE, BUTTER_TREE_CLOSED}, {IN_ACCESS, BUTTER_TREE_ACCESSED},
};

/* These leave a directory as it was. To look at the disk for them would be one more of them. */
enum { NO_CHANGE = IN_OPEN | IN_CLOSE_NOWRITE | IN_ACCESS };
enum { ANY_CHANGE = NO_CHANGE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB };

static int is_change(uint32_t mask)
{
	return (mask & ANY_CHANGE) != 0;
}

static enum butter__why why_of(uint32_t mask)
{
	if (mask & (IN_CREATE | IN_MOVED_TO))
		return BUTTER__CAME;
	if (mask & IN_MOVED_FROM)
		return BUTTER__WENT;
	return mask & IN_DELETE ? BUTTER__DELETED : BUTTER__OTHER;
}

/* All that happened to a node, which fanotify may have in one record. */
static void tell_changes(struct butter_tree *t, uint32_t node, uint32_t mask, const char *name, size_t len)
{
	unsigned flags = mask & IN_ISDIR ? BUTTER_TREE_IS_DIR : 0;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]) && mask & ANY_CHANGE; i++)
		if (mask & changes[i].mask) {
			butter__tell(t, changes[i].type, flags, node, name, len);
			mask &= ~changes[i].mask;
		}
}

/* The numbers of nodes, and of fanotify's directories, are given again. */
static int is_still(const struct butter_tree *t, uint32_t dir, uint64_t ino, const struct butter__record *ev)
{
	const struct butter__node *n = butter__node(&t->model, dir);
	return n->wd == ev->wd && n->ino == ino;
}

/* Names that the model knows: the disk decides, also whether it is a directory. */
static void on_known(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	uint32_t mask = ev->mask & ~(uint32_t)IN_ISDIR, node = 0;
	uint64_t ino = butter__node(&t->model, dir)->ino;
	if (!(mask & ~(uint32_t)NO_CHANGE))
		node = butter__model_find(&t->model, dir, ev->name, ev->len);
	if (!node)
		butter__reconcile(t, dir, ev->name, ev->len, why_of(ev->mask));
	if (ev->mask & IN_MOVED_TO && ev->mask & IN_ISDIR && butter__node(&t->model, dir)->lazy &&
	    is_still(t, dir, ino, ev))
		butter__lazy_came(t, dir, ev->name, ev->len);
	node = is_change(mask) && butter__tree_knows(t, dir)
		       ? butter__model_find(&t->model, dir, ev->name, ev->len)
		       : 0;
	unsigned flags = node ? butter__node(&t->model, node)->flags : 0;
	/* a record of a file is not of the directory that has its name now */
	if (node && !(flags & BUTTER__NODE_HELD) && !(flags & BUTTER__NODE_DIR) == !(ev->mask & IN_ISDIR))
		tell_changes(t, node, ev->mask, NULL, 0);
}

/* Files in DIRS: as the kernel tells them. */

void butter__half_gone(struct butter_tree *t, uint32_t place)
{
	const struct butter__half *h = butter__half_at(&t->halves, place);
	butter__tell(t, BUTTER_TREE_DELETED, 0, h->dir, h->name, h->len);
	butter__halves_remove(&t->halves, place);
}

/* A directory goes: so does what left it, before it. */
void butter__halves_of(struct butter_tree *t, uint32_t dir, int tell)
{
	uint32_t place;
	while ((place = butter__halves_in_dir(&t->halves, dir))) {
		if (tell)
			butter__half_gone(t, place);
		else
			butter__halves_remove(&t->halves, place);
	}
}

static void hold_half(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	struct butter__half half = {.dir = dir,
				    .cookie = ev->cookie,
				    .since = butter__time_now(),
				    .name = (char *)ev->name,
				    .len = ev->len};
	if (butter__halves_add(&t->halves, &half) == 0)
		t->held_since = half.since;
	else
		butter__tell(t, BUTTER_TREE_DELETED, 0, dir, ev->name, ev->len);
}

/* What waits for its other half under this name does not any more. */
static void end_halves(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	uint32_t place;
	while ((place = butter__halves_by_name(&t->halves, dir, ev->name, ev->len, ev->cookie)))
		butter__half_gone(t, place);
}

static int join_halves(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	uint32_t place = ev->cookie ? butter__halves_by_cookie(&t->halves, ev->cookie) : 0;
	if (!place)
		return 0;
	const struct butter__half *h = butter__half_at(&t->halves, place);
	if (butter__renames_plainly(t, h->dir, h->name, h->len, dir, ev->name, ev->len)) {
		butter__tell_moved(t, 0, dir, ev->name, ev->len);
	} else {
		butter__tell(t, BUTTER_TREE_DELETED, 0, h->dir, h->name, h->len);
		butter__tell(t, BUTTER_TREE_CREATED, 0, dir, ev->name, ev->len);
	}
	butter__halves_remove(&t->halves, place);
	return 1;
}

/* In a window what the listing has told is known: 1 when this is to be told too. */
static int is_news(struct butter_tree *t, uint32_t dir, const struct butter__record *ev, enum butter__why why)
{
	if (!(butter__node(&t->model, dir)->flags & BUTTER__NODE_WINDOW))
		return 1;
	uint32_t node = butter__model_find(&t->model, dir, ev->name, ev->len);
	/* A directory that has left, and is held: a file has its name now. */
	if (node && butter__node(&t->model, node)->flags & BUTTER__NODE_DIR)
		return 1;
	if (why == BUTTER__CAME && node) {
		int listed = butter__node(&t->model, node)->flags & BUTTER__NODE_SEEN;
		butter__node(&t->model, node)->flags &= (uint8_t)~BUTTER__NODE_SEEN;
		return !listed;
	}
	if (why == BUTTER__CAME && !butter__model_add(&t->model, dir, ev->name, ev->len, 0))
		t->lost = 1;
	if (why == BUTTER__WENT || why == BUTTER__DELETED) {
		if (node)
			butter__forget_file(t, node);
		return node != 0;
	}
	return 1;
}

/* A file came to, or left, a name that the model has a directory at: is it still there? */
static void look_for_dir(struct butter_tree *t, uint32_t dir, const struct butter__record *ev,
			 enum butter__why why)
{
	uint32_t node = butter__model_find(&t->model, dir, ev->name, ev->len);
	if (node && butter__node(&t->model, node)->flags & BUTTER__NODE_DIR)
		butter__reconcile(t, dir, ev->name, ev->len, why);
}

/*
 * 0: the path of a directory is as far as is known the right one. A directory that left its place and did
 * not arrive with the very next record is nowhere in the tree; what happens in it is told no more, or when it
 * is found again.
 */
static int has_left(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	uint32_t at = t->held.count > 0 ? dir : 0;
	while (at &&
	       !(butter__node(&t->model, at)->flags & BUTTER__NODE_HELD && butter__node(&t->model, at)->left))
		at = butter__node(&t->model, at)->parent;
	if (!at)
		return 0;
	uint64_t ino = butter__node(&t->model, dir)->ino;
	butter__settle(t, 0);
	return !is_still(t, dir, ino, ev);
}

static void on_file(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	enum butter__why why = why_of(ev->mask);
	if (has_left(t, dir, ev))
		return;
	look_for_dir(t, dir, ev, why);
	if (!butter__tree_knows(t, dir) ||
	    (t->rules && butter__verdict(t, dir, ev->name, ev->len, 0) == BUTTER__FILTER_GONE))
		return;
	if (t->halves.count > 0)
		end_halves(t, dir, ev);
	if (!is_news(t, dir, ev, why))
		return;
	if (why == BUTTER__WENT)
		hold_half(t, dir, ev);
	else if (why == BUTTER__CAME && join_halves(t, dir, ev))
		return;
	else if (why == BUTTER__OTHER)
		tell_changes(t, dir, ev->mask, ev->name, ev->len);
	else
		butter__tell(t, why == BUTTER__CAME ? BUTTER_TREE_CREATED : BUTTER_TREE_DELETED, 0, dir,
			     ev->name, ev->len);
}

static int is_there(struct butter_tree *t, uint32_t dir, const char *name)
{
	struct stat st;
	int fd = butter__tree_open_dir(t, dir);
	return fd >= 0 && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0;
}

/*
 * A record of fanotify may have merged that a file came, changed and went: which was first is told by what
 * is there now.
 */
static void on_merged_file(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	uint32_t came = ev->mask & IN_CREATE, went = ev->mask & IN_DELETE, rest = ev->mask & ~(came | went);
	int stays = came && went && is_there(t, dir, ev->name);
	const uint32_t steps[] = {stays ? went : came, stays ? came : 0, rest, stays ? 0 : went};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct butter__record step = *ev;
		step.mask = steps[i];
		if (step.mask)
			on_file(t, dir, &step);
	}
}

static void on_name(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	if (t->rules)
		butter__ignore_changed(t, dir, ev);
	if (ev->mask & IN_ISDIR || butter__tree_has_entries(t))
		on_known(t, dir, ev);
	else if (ev->mask & (IN_CREATE | IN_DELETE))
		on_merged_file(t, dir, ev);
	else
		on_file(t, dir, ev);
}

/* Of the directory itself. Its parent tells what else there is to tell. */
static void on_self(struct butter_tree *t, struct butter__channel *c, uint32_t node,
		    const struct butter__record *ev)
{
	struct butter__node *n = butter__node(&t->model, node);
	if (n->flags & BUTTER__NODE_ROOT && ev->mask & (IN_IGNORED | IN_MOVE_SELF | IN_DELETE_SELF))
		butter__look_later(t, &t->roots[n->name]);
	if (ev->mask & IN_UNMOUNT)
		t->mounts_changed = 1;
	if (ev->mask & IN_IGNORED) {
		butter__mark_dirty(t, n->parent ? n->parent : node);
		butter__forget_watch(t, c, ev->wd);
	} else if (n->flags & BUTTER__NODE_ROOT && ev->mask & IN_ATTRIB) {
		butter__tell(t, BUTTER_TREE_ATTRIB, BUTTER_TREE_IS_DIR, node, NULL, 0);
	} else if (c->backend->tells_self && !(n->flags & (BUTTER__NODE_ROOT | BUTTER__NODE_HELD))) {
		tell_changes(t, node, ev->mask | IN_ISDIR, NULL, 0);
	}
}

static void on_node(struct butter_tree *t, struct butter__channel *c, uint32_t node,
		    const struct butter__record *ev)
{
	if (ev->len)
		on_name(t, node, ev);
	else
		on_self(t, c, node, ev);
}

/* Handling it may change which nodes have the watch. */
static void on_nodes(struct butter_tree *t, struct butter__channel *c, uint32_t node,
		     const struct butter__record *ev)
{
	struct butter__list nodes = {0};
	for (uint32_t at = 0; node; node = butter__next_alias(t, c, ev->wd, &at))
		if (butter__list_add(&nodes, node) < 0)
			t->lost = 1;
	for (uint32_t i = 0; i < nodes.count; i++)
		if (butter__node(&t->model, nodes.items[i])->wd == ev->wd)
			on_node(t, c, nodes.items[i], ev);
	butter__free(nodes.items);
}

static void on_record(struct butter_tree *t, struct butter__channel *c, const struct butter__record *ev)
{
	t->records++;
	if (ev->mask & IN_Q_OVERFLOW) {
		t->overflows++;
		t->lost = 1;
		return;
	}
	if (ev->wd == c->barrier_wd) {
		c->barrier_open = 0;
		return;
	}
	if (c == butter__inotify_of(t) && butter__wds_get(&t->links, ev->wd))
		butter__chain_record(t, ev);
	t->pid = ev->pid;
	uint32_t node = butter__wds_get(&c->wds, ev->wd);
	if (node && butter__node(&t->model, node)->flags & BUTTER__NODE_ALIASED)
		on_nodes(t, c, node, ev);
	else if (node)
		on_node(t, c, node, ev);
	t->pid = 0;
}

/*
 * Up to the end of the buffer, or to the barrier, behind which something has to be told first; or until there
 * are so many events that they would leave the processor's cache before they are handed out.
 */
static void handle_buffer(struct butter_tree *t, struct butter__channel *c)
{
	struct butter__record ev;
	int waits = c->barrier_open;
	size_t most = t->queue.count + RUN;
	while (c->next < c->end && c->barrier_open == waits && t->queue.count < most) {
		uint32_t from = c->next;
		int n = c->backend->next(c, &ev);
		if (n < 0) {
			t->lost = 1;
			c->next = c->end;
		} else if (n > 0) {
			on_record(t, c, &ev);
		}
		c->consumed += c->next - from;
		if (t->scan.count > 0)
			butter__scan(t);
		if (t->window_count > 0)
			butter__windows_close(t, c);
		if (t->again.count > 0)
			butter__reconcile_again(t);
	}
}

int butter__stream_read(struct butter_tree *t, struct butter__channel *c)
{
	if (c->next == c->end) {
		ssize_t n = c->backend->read ? c->backend->read(c)
					     : butter__read(c->fd, c->stream, BUTTER__STREAM_SIZE);
		if (n <= 0)
			return (int)n;
		c->next = 0;
		c->end = (uint32_t)n;
	}
	handle_buffer(t, c);
	return 1;
}
