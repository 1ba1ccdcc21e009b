/* SPDX-License-Identifier: MIT */
#include <ftw.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "replay.h"

struct known {
	char *path;
	int is_dir;
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->path, ((const struct known *)b)->path);
}

static void wrong(struct replay *r, const char *what, const char *path)
{
	if (r->errors++ == 0)
		snprintf(r->first, sizeof(r->first), "%s: %s", what, path);
}

static struct known *find(const struct replay *r, const char *path)
{
	struct known key = {.path = (char *)path};
	void *at = tfind(&key, (void *const *)&r->paths, compare);
	return at ? *(struct known **)at : NULL;
}

int replay_has(const struct replay *r, const char *path)
{
	return find(r, path) != NULL;
}

static void put(struct replay *r, struct known *e)
{
	tsearch(e, &r->paths, compare);
	r->count++;
}

static void take(struct replay *r, struct known *e)
{
	tdelete(e, &r->paths, compare);
	r->count--;
}

static void created(struct replay *r, const char *path, int is_dir)
{
	if (find(r, path)) {
		wrong(r, "created, and was there", path);
		return;
	}
	struct known *e = malloc(sizeof(*e));
	*e = (struct known){.path = strdup(path), .is_dir = is_dir};
	put(r, e);
}

static void end(struct known *e)
{
	free(e->path);
	free(e);
}

static void deleted(struct replay *r, const char *path)
{
	struct known *e = find(r, path);
	if (!e) {
		wrong(r, "deleted, and was not there", path);
		return;
	}
	take(r, e);
	end(e);
}

/* What is at a path and below it, taken out. */
struct found {
	const char *path;
	size_t len, count;
	struct known **items;
};
static struct found *finding;

static void collect(const void *node, VISIT visit, int depth)
{
	struct known *e = *(struct known *const *)node;
	(void)depth;
	if ((visit == postorder || visit == leaf) && !strncmp(e->path, finding->path, finding->len) &&
	    (!e->path[finding->len] || e->path[finding->len] == '/'))
		finding->items[finding->count++] = e;
}

static struct found take_all(struct replay *r, const char *path)
{
	struct found found = {.path = path, .len = strlen(path)};
	found.items = malloc((r->count + 1) * sizeof(struct known *));
	finding = &found;
	twalk(r->paths, collect);
	for (size_t i = 0; i < found.count; i++)
		take(r, found.items[i]);
	return found;
}

static void deleted_all(struct replay *r, const char *path)
{
	if (!find(r, path)) {
		deleted(r, path);
		return;
	}
	struct found all = take_all(r, path);
	while (all.count > 0)
		end(all.items[--all.count]);
	free(all.items);
}

static void put_all(struct replay *r, struct found *found, const char *path)
{
	for (size_t i = 0; i < found->count; i++) {
		struct known *e = found->items[i];
		char *old = e->path;
		size_t len = strlen(path) + strlen(old) + 1;
		e->path = malloc(len);
		snprintf(e->path, len, "%s%s", path, old + found->len);
		free(old);
		put(r, e);
	}
	free(found->items);
}

static void moved(struct replay *r, const struct butter_tree_event *ev)
{
	if (!find(r, ev->old_path)) {
		wrong(r, "moved, and was not there", ev->old_path);
		return;
	}
	struct found from = take_all(r, ev->old_path), to = take_all(r, ev->path);
	put_all(r, &from, ev->path);
	if (ev->flags & BUTTER_TREE_EXCHANGED) {
		put_all(r, &to, ev->old_path);
		return;
	}
	if (to.count > 1)
		wrong(r, "moved over what is full", ev->path);
	while (to.count > 0)
		end(to.items[--to.count]);
	free(to.items);
}

void replay_event(struct replay *r, const struct butter_tree_event *ev)
{
	int is_dir = (ev->flags & BUTTER_TREE_IS_DIR) != 0;
	r->types[__builtin_ctz(ev->type)]++;
	if (r->dirs_only && !is_dir)
		return;
	if (ev->type == BUTTER_TREE_CREATED)
		created(r, ev->path, is_dir);
	else if (ev->type == BUTTER_TREE_DELETED && r->lazy)
		deleted_all(r, ev->path);
	else if (ev->type == BUTTER_TREE_DELETED)
		deleted(r, ev->path);
	else if (ev->type == BUTTER_TREE_MOVED)
		moved(r, ev);
}

static struct replay *comparing;
static size_t on_disk, dumped;

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)type;
	if (ftw->level == 0 || (comparing->dirs_only && !S_ISDIR(st->st_mode)))
		return 0;
	const struct known *e = find(comparing, path);
	on_disk++;
	if (!e || e->is_dir != S_ISDIR(st->st_mode))
		wrong(comparing, e ? "of another type" : "not told", path);
	return 0;
}

static int check_node(const struct butter_tree_node *node, void *data)
{
	struct stat st;
	(void)data;
	if (dumped++ == 0)
		return 0;
	if (lstat(node->path, &st) < 0 || st.st_ino != node->ino ||
	    S_ISDIR(st.st_mode) != (node->flags & BUTTER_TREE_IS_DIR))
		wrong(comparing, "known, and something else on the disk", node->path);
	return 0;
}

void replay_compare(struct replay *r, const struct butter_tree *x, const char *top)
{
	char text[64];
	comparing = r;
	on_disk = dumped = 0;
	nftw(top, visit, 256, FTW_PHYS);
	butter_tree_dump(x, check_node, NULL);
	snprintf(text, sizeof(text), "%zu, on the disk %zu, known %zu", r->count, on_disk, dumped - 1);
	if (r->count != on_disk || dumped - 1 != on_disk)
		wrong(r, "told", text);
}

void replay_free(struct replay *r)
{
	while (r->paths) {
		struct known *e = *(struct known **)r->paths;
		take(r, e);
		end(e);
	}
}
