/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "naive.h"

void naive_init(struct naive *v, const char *base, int entries)
{
	*v = (struct naive){.base = strdup(base), .base_len = strlen(base), .entries = entries};
	v->top.is_dir = 1;
}

void naive_wrong(struct naive *v, const char *what, const char *path)
{
	if (v->errors++ == 0)
		snprintf(v->first, sizeof(v->first), "%s: %s", what, path);
}

static struct place *child(const struct place *p, const char *name, size_t len, int type)
{
	struct place *c = p->first;
	while (c && (strncmp(c->name, name, len) != 0 || c->name[len] || (type >= 0 && c->is_dir != type)))
		c = c->next;
	return c;
}

/* type 1: a directory, 0: a file, -1: the one or the other. */
static struct place *find(const struct naive *v, const char *path, size_t len, int type)
{
	const struct place *p = &v->top;
	const char *end = path + len;
	while (p && path < end) {
		size_t n = 0;
		while (path + n < end && path[n] != '/')
			n++;
		int more = path + n < end;
		p = n ? child(p, path, n, more ? 1 : type) : p;
		path += n + (size_t)more;
	}
	return (struct place *)p;
}

struct place *naive_find(const struct naive *v, const char *path, int is_dir)
{
	return find(v, path, strlen(path), v->entries ? -1 : is_dir);
}

struct place *naive_next(const struct naive *v, const struct place *p)
{
	const struct place *at = p ? p : &v->top;
	if (at->first)
		return at->first;
	while (at != &v->top && !at->next)
		at = at->parent;
	return at == &v->top ? NULL : at->next;
}

char *naive_path(const struct naive *v, const struct place *p)
{
	size_t at = 0;
	for (const struct place *q = p; q != &v->top; q = q->parent)
		at += strlen(q->name) + 1;
	char *path = calloc(1, at + 1);
	for (char end = '\0'; p != &v->top; p = p->parent, end = '/') {
		size_t len = strlen(p->name);
		at -= len + 1;
		memcpy(path + at, p->name, len);
		path[at + len] = end;
	}
	return path;
}

static void count(struct naive *v, const struct place *p, size_t by)
{
	*(p->is_dir ? &v->dirs : &v->files) += by;
}

static void attach(struct place *p, struct place *parent)
{
	p->parent = parent;
	p->next = parent->first;
	parent->first = p;
}

static void detach(struct place *p)
{
	struct place **at = &p->parent->first;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

static void set_name(struct place *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	free(p->name);
	p->name = strdup(slash ? slash + 1 : path);
}

/* From the leaves up. */
static void end(struct naive *v, struct place *top)
{
	struct place *p = top;
	for (;;) {
		while (p->first)
			p = p->first;
		struct place *parent = p->parent;
		int last = p == top;
		detach(p);
		count(v, p, (size_t)-1);
		free(p->name);
		free(p);
		if (last)
			return;
		p = parent;
	}
}

void naive_forget(struct naive *v)
{
	while (v->top.first)
		end(v, v->top.first);
}

void naive_free(struct naive *v)
{
	naive_forget(v);
	free(v->base);
}

/* Where something is to be; NULL: in no directory that is known. */
static struct place *parent_of(struct naive *v, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct place *p = find(v, path, slash ? (size_t)(slash - path) : 0, 1);
	return p;
}

void naive_learn(struct naive *v, const char *path, int is_dir)
{
	struct place *parent = parent_of(v, path), *p = calloc(1, sizeof(*p));
	if (!parent) {
		naive_wrong(v, "in no directory that is known", path);
		free(p);
		return;
	}
	p->is_dir = is_dir;
	set_name(p, path);
	attach(p, parent);
	count(v, p, 1);
}

/* Files of DIRS after a GAP, or as fanotify has merged what became of them. */
static int may_err(const struct naive *v, int is_dir)
{
	return !is_dir && !v->entries && (v->unsure || v->merged);
}

static int has_dirs(const struct place *p)
{
	const struct place *c = p->first;
	while (c && !c->is_dir)
		c = c->next;
	return c != NULL;
}

static void created(struct naive *v, const char *path, int is_dir)
{
	struct place *p = naive_find(v, path, is_dir);
	if (p && !is_dir && !v->entries)
		v->again++;
	else if (p && v->deep && is_dir && !has_dirs(p))
		v->over++; /* an empty one that nobody knew was renamed over */
	else if (p && !(may_err(v, is_dir) && p->is_dir == is_dir))
		naive_wrong(v, "created, and was there", path);
	else if (!p)
		naive_learn(v, path, is_dir);
}

static void deleted(struct naive *v, const char *path, int is_dir)
{
	struct place *p = naive_find(v, path, is_dir);
	if (!p) {
		if (!may_err(v, is_dir))
			naive_wrong(v, "deleted, and was not there", path);
		return;
	}
	if (p->is_dir != is_dir) {
		if (!may_err(v, is_dir))
			naive_wrong(v, "deleted, and of another type", path);
		return;
	}
	if (v->entries ? p->first != NULL : has_dirs(p) && !v->deep)
		naive_wrong(v, "deleted, and full", path);
	end(v, p);
}

static void move(struct place *p, struct place *parent, const char *path)
{
	detach(p);
	set_name(p, path);
	attach(p, parent);
}

static int is_below(const struct place *p, const struct place *top)
{
	while (p && p != top)
		p = p->parent;
	return p != NULL;
}

static void exchanged(struct naive *v, struct place *p, struct place *q, const char *from, const char *to)
{
	struct place *there = p->parent, *here = q->parent;
	if (is_below(p, q) || is_below(q, p)) {
		naive_wrong(v, "exchanged with what is in it", to);
		return;
	}
	move(p, here, to);
	move(q, there, from);
}

static void moved(struct naive *v, const char *from, const char *to, int is_dir, int exchange)
{
	struct place *p = naive_find(v, from, is_dir), *q = naive_find(v, to, is_dir),
		     *parent = parent_of(v, to);
	if (!p && may_err(v, is_dir)) {
		if (!q && parent)
			naive_learn(v, to, is_dir);
		return;
	}
	if (!p || p->is_dir != is_dir)
		naive_wrong(v, p ? "moved, and of another type" : "moved, and was not there", from);
	else if (!parent || is_below(parent, p))
		naive_wrong(v, "moved to no directory that is known", to);
	else if (exchange && !q)
		naive_wrong(v, "exchanged with nothing", to);
	else if (exchange)
		exchanged(v, p, q, from, to);
	else if (q && q->is_dir && (!v->deep || has_dirs(q)))
		naive_wrong(v, "moved over a directory", to);
	else if (p != q) {
		if (q)
			end(v, q);
		move(p, parent, to);
	}
}

static const char *behind(struct naive *v, const char *path)
{
	if (!strncmp(path, v->base, v->base_len) && path[v->base_len] == '/')
		return path + v->base_len + 1;
	naive_wrong(v, "outside", path);
	return NULL;
}

/* Of a file that is not known. One of DIRS whose record was late may have gone already. */
static void changed(struct naive *v, const char *path, int is_dir)
{
	struct place *p = naive_find(v, path, is_dir);
	if (p ? p->is_dir != is_dir : v->entries)
		naive_wrong(v, p ? "changed, and of another type" : "changed, and was not there", path);
	else if (!p && !parent_of(v, path))
		naive_wrong(v, "changed, in no directory that is known", path);
}

/* Nothing makes up for a loss but a listing, until which no event is of use. */
static int is_lost(const struct naive *v)
{
	return v->deep && v->unsure;
}

void naive_event(struct naive *v, const struct butter_tree_event *ev)
{
	int is_dir = (ev->flags & BUTTER_TREE_IS_DIR) != 0;
	v->types[__builtin_ctz(ev->type)]++;
	if (ev->type == BUTTER_TREE_SYNC)
		v->synced = ev->cookie;
	if (ev->type == BUTTER_TREE_GAP)
		v->unsure = 1;
	if (ev->type > BUTTER_TREE_ATTRIB)
		return;
	const char *path = behind(v, ev->path), *old;
	if (!path || is_lost(v))
		return;
	if (ev->type == BUTTER_TREE_CREATED)
		created(v, path, is_dir);
	else if (ev->type == BUTTER_TREE_DELETED)
		deleted(v, path, is_dir);
	else if (ev->type != BUTTER_TREE_MOVED)
		changed(v, path, is_dir);
	else if ((old = behind(v, ev->old_path)))
		moved(v, old, path, is_dir, (ev->flags & BUTTER_TREE_EXCHANGED) != 0);
}
