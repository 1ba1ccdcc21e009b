/* SPDX-License-Identifier: MIT */
/* Paths of nodes, and events with them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../event/object.h"
#include "tree.h"
#include "verdict.h"

int butter__list_add(struct butter__list *l, uint32_t item)
{
	if (l->count == l->size) {
		uint32_t *items = butter__grow(l->items, &l->size, 64, sizeof(*items));
		if (!items)
			return -1;
		l->items = items;
	}
	l->items[l->count++] = item;
	return 0;
}

int butter__names_add(struct butter__names_list *l, uint32_t dir, const char *text, size_t len)
{
	if (l->count == l->size) {
		struct butter__dir_name *items = butter__grow(l->items, &l->size, 16, sizeof(*items));
		if (!items)
			return -1;
		l->items = items;
	}
	char *copy = malloc(len + 1);
	if (!copy)
		return -1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	l->items[l->count++] = (struct butter__dir_name){.dir = dir, .len = len, .text = copy};
	return 0;
}

void butter__names_clear(struct butter__names_list *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		butter__free(l->items[i].text);
	l->count = 0;
}

static int reserve(struct butter__text *text, size_t size)
{
	if (size <= text->size)
		return 0;
	char *bytes = realloc(text->text, size * 2);
	if (!bytes)
		return -1;
	text->text = bytes;
	text->size = size * 2;
	return 0;
}

int butter__text_set(struct butter__text *text, size_t at, const char *more, size_t len)
{
	if (reserve(text, at + len + 1) < 0)
		return -1;
	memcpy(text->text + at, more, len);
	text->text[at + len] = '\0';
	text->len = at + len;
	text->node = 0;
	return 0;
}

/* What is below the root, at the end of the text, where more bytes follow it. In one go when there is room,
 * as there mostly is. */
static int write_below(const struct butter_tree *t, struct butter__text *text, uint32_t node, size_t more,
		       size_t *ret_len)
{
	*ret_len = butter__model_path(&t->model, node, text->text, text->size);
	if (*ret_len + more <= text->size)
		return 0;
	if (reserve(text, *ret_len + more) < 0)
		return -1;
	butter__model_path(&t->model, node, text->text, text->size);
	return 0;
}

/* The path of a node, and room for a name. */
static int set_dir(const struct butter_tree *t, struct butter__text *text, uint32_t node, size_t len)
{
	const struct butter__root *root = &t->roots[butter__model_root(&t->model, node)];
	size_t below, at = root->path_len;
	text->node = 0;
	if (write_below(t, text, node, root->path_len + len + 4, &below) < 0)
		return -1;
	if (below > 0) {
		memmove(text->text + at + 1, text->text + text->size - 1 - below, below);
		text->text[at] = '/';
	}
	memcpy(text->text, root->path, root->path_len);
	text->dir_len = at + below + (below > 0);
	text->node = node;
	text->places = t->model.places;
	return 0;
}

/* Of many names in a row the directory is the same. */
int butter__tree_path(const struct butter_tree *t, struct butter__text *text, uint32_t node, const char *name,
		      size_t len)
{
	if ((text->node != node || text->places != t->model.places || text->dir_len + len + 2 > text->size) &&
	    set_dir(t, text, node, len) < 0)
		return -1;
	size_t at = text->dir_len;
	if (name || at == 0) {
		text->text[at++] = '/';
		memcpy(text->text + at, name ? name : "", len);
		at += len;
	}
	text->text[at] = '\0';
	text->len = at;
	return 0;
}

static const char *last_slash(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] != '/')
		len--;
	return text + len;
}

/* Of the root its path's. */
static size_t name_len(const struct butter_tree *t, uint32_t node)
{
	const struct butter__node *n = butter__node(&t->model, node);
	return n->parent ? n->name_len
			 : (size_t)(t->path.text + t->path.len - last_slash(t->path.text, t->path.len));
}

/* What records were lost of a root that is not walked makes wrong what others say, until GAP. */
static int is_blind(const struct butter_tree *t, const struct butter__root *root)
{
	return t->lost && root->lazy;
}

static void tell(struct butter_tree *t, struct butter_tree_event *ev, uint32_t node, const char *name,
		 size_t len)
{
	uint32_t number = butter__model_root(&t->model, node);
	const struct butter__root *root = &t->roots[number];
	int is_change = (ev->type & 0xffff) != 0;
	if (is_change && (!(root->mask & ev->type) || is_blind(t, root)))
		return;
	if (butter__tree_path(t, &t->path, node, name, len) < 0) {
		t->queue.failed = 1;
		return;
	}
	if (is_change && root->filter && ev->type != BUTTER_TREE_MOVED &&
	    !butter__reports(root, &t->path, ev->type))
		return;
	ev->root = (int32_t)number;
	ev->pid = ev->flags & BUTTER_TREE_SYNTHETIC ? 0 : t->pid;
	ev->data = root->data;
	ev->path = t->path.text;
	ev->path_len = (uint32_t)t->path.len;
	ev->name_len = (uint32_t)(name ? len : name_len(t, node));
	butter__coalesce_tell(t, root, ev);
}

void butter__tell(struct butter_tree *t, uint32_t type, unsigned flags, uint32_t node, const char *name,
		  size_t len)
{
	struct butter_tree_event ev = {.type = type, .flags = flags, .old_path = "", .limit = ""};
	tell(t, &ev, node, name, len);
}

void butter__tell_moved(struct butter_tree *t, unsigned flags, uint32_t node, const char *name, size_t len)
{
	struct butter_tree_event ev = {.type = BUTTER_TREE_MOVED,
				       .flags = flags,
				       .old_path = t->old_path.text,
				       .old_path_len = (uint32_t)t->old_path.len,
				       .limit = ""};
	tell(t, &ev, node, name, len);
}

void butter__tell_event(struct butter_tree *t, struct butter_tree_event *ev, uint32_t node)
{
	tell(t, ev, node, NULL, 0);
}

char *butter__absolute(const char *path)
{
	char *cwd = path[0] == '/' ? strdup("") : getcwd(NULL, 0);
	if (!cwd)
		return NULL;
	size_t n = strlen(cwd), len = strlen(path);
	if (!strcmp(path, "."))
		len = 0;
	while (len > 0 && path[len - 1] == '/')
		len--;
	char *whole = realloc(cwd, n + len + 2);
	if (!whole) {
		free(cwd);
		return NULL;
	}
	if (n > 0 && whole[n - 1] != '/' && len > 0)
		whole[n++] = '/';
	memcpy(whole + n, path, len);
	n += len;
	while (n > 0 && whole[n - 1] == '/')
		n--;
	whole[n] = '\0';
	return whole;
}
