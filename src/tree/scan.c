/* SPDX-License-Identifier: MIT */
/* Directories are watched before they are listed, so that nothing falls between. No recursion: a list. */
#include <dirent.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../event/object.h"
#include "tree.h"
#include "verdict.h"

/* Files that a window of DIRS knows are its own business, and what is seen of them means something else. */
static int is_listed(const struct butter_tree *t, uint32_t node)
{
	return butter__node(&t->model, node)->flags & BUTTER__NODE_DIR || butter__keeps_files(t, node);
}

static void clear_seen(struct butter_tree *t, uint32_t node)
{
	for (uint32_t i = butter__node(&t->model, node)->first_child; i;
	     i = butter__node(&t->model, i)->next_sibling)
		if (is_listed(t, i))
			butter__node(&t->model, i)->flags &= (uint8_t)~BUTTER__NODE_SEEN;
}

static void hold_unseen(struct butter_tree *t, uint32_t node)
{
	for (uint32_t i = butter__node(&t->model, node)->first_child; i;
	     i = butter__node(&t->model, i)->next_sibling)
		if (is_listed(t, i) && !(butter__node(&t->model, i)->flags & BUTTER__NODE_SEEN))
			butter__hold(t, i);
}

/* A file in DIRS: told once, by the listing or by its record. */
static void found_file(struct butter_tree *t, uint32_t dir, const struct butter__dirent *entry)
{
	if (!(butter__node(&t->model, dir)->flags & BUTTER__NODE_WINDOW) ||
	    butter__model_find(&t->model, dir, entry->name, entry->len) ||
	    butter__verdict(t, dir, entry->name, entry->len, 0) == BUTTER__FILTER_GONE)
		return;
	uint32_t node = butter__model_add(&t->model, dir, entry->name, entry->len, BUTTER__NODE_SEEN);
	if (!node)
		t->lost = 1;
	butter__tell(t, BUTTER_TREE_CREATED, BUTTER_TREE_SYNTHETIC, dir, entry->name, entry->len);
}

static void found(struct butter_tree *t, uint32_t dir, const struct butter__dirent *entry)
{
	if (entry->type == DT_DIR &&
	    butter__verdict(t, dir, entry->name, entry->len, 1) == BUTTER__FILTER_GONE)
		return;
	if (butter__keeps_files(t, dir) || entry->type == DT_DIR || entry->type == DT_UNKNOWN)
		butter__reconcile(t, dir, entry->name, entry->len, BUTTER__LISTED);
	else
		found_file(t, dir, entry);
}

/* On another filesystem, where the root is to stay on its own: there is nothing in it. */
static int is_beyond(const struct butter_tree *t, uint32_t node, int fd)
{
	const struct butter__root *root = &t->roots[butter__model_root(&t->model, node)];
	struct stat st;
	return root->flags & BUTTER_TREE_ONE_FILESYSTEM && fstat(fd, &st) == 0 && st.st_dev != root->dev;
}

/* Its directory stays open for what is found in it, and for the next that is listed. */
static int begin_list(struct butter_tree *t, uint32_t node)
{
	int was_open = t->open_node == node, fd = butter__tree_open_near(t, node);
	if (fd >= 0 && was_open && lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	t->listed_fd = fd;
	return fd;
}

static void end_list(struct butter_tree *t, int fd)
{
	int error = errno, is_open = t->open_node && t->open_fd == fd;
	t->listed_fd = -1;
	if (!is_open)
		butter__close(fd);
	errno = error;
}

/* 0, or -1: it is not there. */
static int list(struct butter_tree *t, uint32_t node)
{
	struct butter__dirent entry;
	struct butter__listing listing = {.buf = t->listing};
	int n;
	if (butter__is_leaf(t, node))
		return 0;
	listing.fd = begin_list(t, node);
	if (listing.fd < 0)
		return -1;
	if (is_beyond(t, node, listing.fd)) {
		end_list(t, listing.fd);
		return 0;
	}
	butter__ignore_read(t, node, listing.fd);
	uint64_t ino = butter__node(&t->model, node)->ino;
	while ((n = butter__listing_next(&listing, &entry)) > 0) {
		found(t, node, &entry);
		if (!butter__tree_knows(t, node) || butter__node(&t->model, node)->ino != ino) {
			n = 0;
			break;
		}
	}
	end_list(t, listing.fd);
	return n;
}

static int is_dirty(const struct butter_tree *t, uint32_t node)
{
	return butter__node(&t->model, node)->flags & BUTTER__NODE_DIRTY;
}

/* One that is not where it was has been marked, and is listed when it is found: its files are news then. */
static void open_window(struct butter_tree *t, uint32_t node)
{
	if (butter__tree_knows(t, node) && butter__node(&t->model, node)->flags & BUTTER__NODE_WINDOW &&
	    !is_dirty(t, node))
		butter__window_open(t, node);
}

void butter__scan(struct butter_tree *t)
{
	while (t->scan.count > 0) {
		uint32_t node = t->scan.items[--t->scan.count];
		struct butter__node *n = butter__node(&t->model, node);
		if (!butter__tree_knows(t, node))
			continue;
		if (!t->initial && !butter__keeps_files(t, node))
			n->flags |= BUTTER__NODE_WINDOW;
		if (list(t, node) < 0)
			butter__look_failed(t, node, errno);
		open_window(t, node);
	}
}

/* Whether something in it could not be looked at: then what was not seen may be there. */
static int is_marked(const struct butter_tree *t, uint32_t node, uint32_t from)
{
	return t->dirty.count > from && is_dirty(t, node);
}

void butter__list_again(struct butter_tree *t, uint32_t node)
{
	clear_seen(t, node);
	if (butter__node(&t->model, node)->flags & BUTTER__NODE_WINDOW)
		butter__window_gone(t, node);
	uint32_t dirty = t->dirty.count;
	if (list(t, node) < 0) {
		butter__look_failed(t, node, errno);
	} else if (!is_marked(t, node, dirty)) {
		hold_unseen(t, node);
	}
	open_window(t, node);
	butter__scan(t);
}
