/* SPDX-License-Identifier: MIT */
/* The kernel's records, one after the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "../event/object.h"
#include "../event/time.h"
#include "tree.h"
#include "verdict.h"

static const struct {
	uint32_t mask, type;
} changes[] = {
	{IN_MODIFY, BUTTER_TREE_MODIFIED},      {IN_CLOSE_WRITE, BUTTER_TREE_WRITTEN},
	{IN_ATTRIB, BUTTER_TREE_ATTRIB},        {IN_OPEN, BUTTER_TREE_OPENED},
	{IN_CLOSE_NOWRITE, BUTTER_TREE_CLOSED}, {IN_ACCESS, BUTTER_TREE_ACCESSED},
};

/* These leave a directory as it was. To look at the disk for them would be one more of them. */
enum { NO_CHANGE = IN_OPEN | IN_CLOSE_NOWRITE | IN_ACCESS };

static int is_change(uint32_t mask)
{
	uint32_t any = 0;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		any |= mask & changes[i].mask;
	return any != 0;
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
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (mask & changes[i].mask)
			butter__tell(t, changes[i].type, flags, node, name, len);
}

/* Names that the model knows: the disk decides, also whether it is a directory. */
static void on_known(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	uint32_t mask = ev->mask & ~(uint32_t)IN_ISDIR, node = 0;
	if (!(mask & ~(uint32_t)NO_CHANGE))
		node = butter__model_find(&t->model, dir, ev->name, ev->len);
	if (!node)
		butter__reconcile(t, dir, ev->name, ev->len, why_of(ev->mask));
	node = is_change(mask) && butter__tree_knows(t, dir)
		       ? butter__model_find(&t->model, dir, ev->name, ev->len)
		       : 0;
	unsigned flags = node ? butter__node(&t->model, node)->flags : 0;
	if (node && !(flags & BUTTER__NODE_HELD))
		tell_changes(t, node, flags & BUTTER__NODE_DIR ? mask | IN_ISDIR : mask, NULL, 0);
}

/* Files in DIRS: as the kernel tells them. */

static void remove_half(struct butter_tree *t, uint32_t i)
{
	butter__free(t->halves[i].name);
	t->halves[i] = t->halves[--t->half_count];
}

void butter__half_gone(struct butter_tree *t, uint32_t i)
{
	const struct butter__half *h = &t->halves[i];
	butter__tell(t, BUTTER_TREE_DELETED, 0, h->dir, h->name, h->len);
	remove_half(t, i);
}

/* A directory goes: so does what left it, before it. */
void butter__halves_of(struct butter_tree *t, uint32_t dir, int tell)
{
	for (uint32_t i = t->half_count; i-- > 0;) {
		if (t->halves[i].dir != dir)
			continue;
		if (tell)
			butter__half_gone(t, i);
		else
			remove_half(t, i);
	}
}

static void hold_half(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	struct butter__half *halves = realloc(t->halves, (t->half_count + 1) * sizeof(*halves));
	char *name = malloc(ev->len + 1);
	if (halves)
		t->halves = halves;
	if (!halves || !name) {
		free(name);
		butter__tell(t, BUTTER_TREE_DELETED, 0, dir, ev->name, ev->len);
		return;
	}
	memcpy(name, ev->name, ev->len + 1);
	t->held_since = butter__time_now();
	halves[t->half_count++] = (struct butter__half){
		.dir = dir, .cookie = ev->cookie, .since = t->held_since, .name = name, .len = ev->len};
}

/* What waits for its other half under this name does not any more. */
static void end_halves(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	for (uint32_t i = t->half_count; i-- > 0;)
		if (t->halves[i].dir == dir && t->halves[i].len == ev->len &&
		    !memcmp(t->halves[i].name, ev->name, ev->len) && t->halves[i].cookie != ev->cookie)
			butter__half_gone(t, i);
}

static int join_halves(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	for (uint32_t i = 0; ev->cookie && i < t->half_count; i++) {
		const struct butter__half *h = &t->halves[i];
		if (h->cookie != ev->cookie)
			continue;
		if (butter__renames_plainly(t, h->dir, h->name, h->len, dir, ev->name, ev->len)) {
			butter__tell_moved(t, 0, dir, ev->name, ev->len);
		} else {
			butter__tell(t, BUTTER_TREE_DELETED, 0, h->dir, h->name, h->len);
			butter__tell(t, BUTTER_TREE_CREATED, 0, dir, ev->name, ev->len);
		}
		remove_half(t, i);
		return 1;
	}
	return 0;
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
			butter__model_remove(&t->model, node);
		return node != 0;
	}
	return 1;
}

/* Whether a directory has this name, on the disk too: then a record of a file is of what was there before. */
static int is_dir_now(struct butter_tree *t, uint32_t dir, const struct butter__record *ev,
		      enum butter__why why)
{
	uint32_t node = butter__model_find(&t->model, dir, ev->name, ev->len);
	if (!node || !(butter__node(&t->model, node)->flags & BUTTER__NODE_DIR))
		return 0;
	butter__reconcile(t, dir, ev->name, ev->len, why);
	node = butter__model_find(&t->model, dir, ev->name, ev->len);
	unsigned flags = node ? butter__node(&t->model, node)->flags : 0;
	return flags & BUTTER__NODE_DIR && !(flags & BUTTER__NODE_HELD);
}

/*
 * 0: the path of a directory is as far as is known the right one. A directory that left its place and did
 * not arrive with the very next record is nowhere in the tree; what happens in it is told no more, or when it
 * is found again.
 */
static int has_left(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	uint32_t at = t->held.count > 0 ? dir : 0;
	while (at && !(butter__node(&t->model, at)->flags & BUTTER__NODE_HELD))
		at = butter__node(&t->model, at)->parent;
	if (!at)
		return 0;
	butter__settle(t, 0);
	return butter__node(&t->model, dir)->wd != ev->wd;
}

static void on_file(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	enum butter__why why = why_of(ev->mask);
	if (has_left(t, dir, ev) || is_dir_now(t, dir, ev, why) || !butter__tree_knows(t, dir) ||
	    butter__verdict(t, dir, ev->name, ev->len, 0) == BUTTER__FILTER_GONE)
		return;
	if (t->half_count > 0)
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

/* Up to the end of the buffer, or to the barrier, behind which something has to be told first. */
static void handle_buffer(struct butter_tree *t, struct butter__channel *c)
{
	struct butter__record ev;
	int waits = c->barrier_open;
	while (c->next < c->end && c->barrier_open == waits) {
		uint32_t from = c->next;
		int n = c->backend->next(c, &ev);
		if (n < 0) {
			t->lost = 1;
			c->next = c->end;
		} else if (n > 0) {
			on_record(t, c, &ev);
		}
		c->consumed += c->next - from;
		butter__scan(t);
		if (t->window_count > 0)
			butter__windows_close(t, c);
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
