/* SPDX-License-Identifier: MIT */
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "consumer.h"
#include "test.h"

static struct told *find(struct consumer *r, const char *path)
{
	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->items[i].path, path))
			return &r->items[i];
	return NULL;
}

static void add(struct consumer *r, const char *path, int is_dir)
{
	ck_assert_msg(!find(r, path), "%s: %s was created twice", r->what, path);
	r->items = realloc(r->items, (r->count + 1) * sizeof(*r->items));
	r->items[r->count++] = (struct told){.path = strdup(path), .is_dir = is_dir};
}

static void take(struct consumer *r, const char *path)
{
	struct told *told = find(r, path);
	ck_assert_msg(told != NULL, "%s: %s was deleted and not known", r->what, path);
	free(told->path);
	*told = r->items[--r->count];
}

static int is_at(const char *path, const char *top)
{
	size_t n = strlen(top);
	return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

/* In DIRS what is below it need not have been told of. */
static void take_tree(struct consumer *r, const char *path)
{
	for (size_t i = r->dirs_only && find(r, path) ? r->count : 0; i-- > 0;)
		if (is_at(r->items[i].path, path) && strcmp(r->items[i].path, path) != 0)
			take(r, r->items[i].path);
	take(r, path);
}

static void rename_one(struct told *told, const char *from, const char *to)
{
	char *path = malloc(strlen(told->path) + strlen(to) + 1);
	sprintf(path, "%s%s", to, told->path + strlen(from));
	free(told->path);
	told->path = path;
}

static void move(struct consumer *r, const struct butter_tree_event *ev)
{
	int is_exchange = (ev->flags & BUTTER_TREE_EXCHANGED) != 0;
	ck_assert_msg(find(r, ev->old_path) != NULL, "%s: %s was moved and not known", r->what, ev->old_path);
	if (!is_exchange && find(r, ev->path))
		take(r, ev->path);
	for (size_t i = 0; i < r->count; i++) {
		if (is_at(r->items[i].path, ev->old_path))
			rename_one(&r->items[i], ev->old_path, ev->path);
		else if (is_exchange && is_at(r->items[i].path, ev->path))
			rename_one(&r->items[i], ev->path, ev->old_path);
	}
}

void consumer_apply(struct consumer *r, const struct butter_tree_event *ev)
{
	int is_dir = (ev->flags & BUTTER_TREE_IS_DIR) != 0;
	r->types |= ev->type;
	r->pid = ev->pid ? ev->pid : r->pid;
	if (r->dirs_only && !is_dir)
		return;
	if (ev->type == BUTTER_TREE_CREATED)
		add(r, ev->path, is_dir);
	else if (ev->type == BUTTER_TREE_DELETED)
		take_tree(r, ev->path);
	else if (ev->type == BUTTER_TREE_MOVED)
		move(r, ev);
}

static struct walk {
	struct consumer *r;
	int load;
	size_t count;
} walking;

static int visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	int is_dir = S_ISDIR(st->st_mode);
	(void)type;
	if (at->level == 0 || (walking.r->dirs_only && !is_dir))
		return 0;
	walking.count++;
	if (walking.load)
		add(walking.r, path, is_dir);
	const struct told *told = find(walking.r, path);
	ck_assert_msg(told && told->is_dir == is_dir, "%s: %s was not told", walking.r->what, path);
	return 0;
}

/* Each that is on the disk: known, or made known. Returns how many. */
static size_t walk(struct consumer *r, const char *top, int load)
{
	walking = (struct walk){.r = r, .load = load};
	ck_assert_int_eq(nftw(top, visit, 256, FTW_PHYS), 0);
	return walking.count;
}

void consumer_load(struct consumer *r, const char *path)
{
	walk(r, path, 1);
}

void consumer_sync(struct consumer *r, struct butter_tree *t, const char *const *paths, size_t count)
{
	struct butter_tree_event ev = {0};
	size_t there = 0;
	ck_assert_int_ge(butter_tree_sync(t, -1), 0);
	do {
		ck_assert_msg(butter_tree_read_event(t, &ev) == 1, "%s: no SYNC", r->what);
		consumer_apply(r, &ev);
	} while (ev.type != BUTTER_TREE_SYNC);
	for (size_t i = 0; i < count; i++)
		there += walk(r, paths[i], 0);
	ck_assert_msg(there == r->count, "%s: %zu are known, %zu there", r->what, r->count, there);
}

void consumer_free(struct consumer *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->items[i].path);
	free(r->items);
	r->items = NULL;
	r->count = 0;
}
