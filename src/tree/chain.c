/* SPDX-License-Identifier: MIT */
/*
 * From "/" to a root, a component at a time, through whatever symlinks there are. Each directory is watched
 * before a name is looked up in it. Where a symlink, the root itself or what is missing has its name,
 * changes of names count; elsewhere only what becomes of the directory itself, so that others' files in
 * /tmp wake nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "../event/object.h"
#include "tree.h"

enum { LINKS = 40, SELF = 0, NAMES = 1, CONTENT = 2 };

struct walk {
	struct butter_tree *t;
	struct butter__root *root;
	int at;     /* O_PATH */
	char *rest; /* what is still to go, in whole */
	char *whole;
	int symlinks, least;
	struct butter__link *links;
	uint32_t count;
};

static uint32_t mask_of(const struct walk *w, int level)
{
	uint32_t mask = IN_MASK_ADD | IN_ONLYDIR | IN_MOVE_SELF | IN_DELETE_SELF;
	if (level >= NAMES)
		mask |= IN_CREATE | IN_DELETE | IN_MOVE;
	return level >= CONTENT ? mask | butter__inotify_mask(w->root->mask) : mask;
}

static int note_link(struct walk *w, int wd, const char *name, size_t len)
{
	struct butter__wds *all = &w->t->links;
	struct butter__link *links = realloc(w->links, (w->count + 1) * sizeof(*links));
	if (!links)
		return -1;
	w->links = links;
	char *copy = malloc(len + 1);
	if (!copy || butter__wds_set(all, wd, butter__wds_get(all, wd) + 1) < 0) {
		free(copy);
		return -1;
	}
	memcpy(copy, name, len);
	copy[len] = '\0';
	links[w->count++] = (struct butter__link){.wd = wd, .name = copy};
	return 0;
}

/* Without a watch there it has to be looked at now and then. */
static void watch_here(struct walk *w, const char *name, size_t len, int level)
{
	struct butter__channel *c = butter__inotify_of(w->t);
	int wd =
		butter__channel_open(w->t, c) < 0 ? -1 : c->backend->watch(c, w->at, NULL, mask_of(w, level));
	if (wd < 0) {
		w->root->unsure = 1;
	} else if (note_link(w, wd, name, len) < 0) {
		w->root->unsure = 1;
		butter__drop_watch(w->t, c, wd);
	}
}

static void go(struct walk *w, int fd)
{
	if (w->at >= 0)
		butter__close(w->at);
	w->at = fd;
}

/* What a symlink says takes its place in what is still to go. */
static int follow(struct walk *w, int symlink, const char *rest)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(symlink, "", target, sizeof(target));
	butter__close(symlink);
	if (n < 0)
		return -1;
	if (n == 0 || ++w->symlinks > LINKS) {
		errno = n == 0 ? ENOENT : ELOOP;
		return -1;
	}
	size_t len = strlen(rest);
	char *whole = malloc((size_t)n + len + 2);
	if (!whole)
		return -1;
	memcpy(whole, target, (size_t)n);
	whole[n] = '/';
	memcpy(whole + n + 1, rest, len + 1);
	free(w->whole);
	w->whole = w->rest = whole;
	if (whole[0] != '/')
		return 0;
	int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	go(w, top);
	return top < 0 ? -1 : 0;
}

static int is_last(const char *rest)
{
	return rest[strspn(rest, "/")] == '\0';
}

static int open_name(const struct walk *w, const char *name, size_t len, struct stat *ret)
{
	char copy[NAME_MAX + 1];
	if (len > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(copy, name, len);
	copy[len] = '\0';
	int fd = openat(w->at, copy, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, ret) < 0) {
		butter__close(fd);
		return -1;
	}
	return fd;
}

static int wanted(const struct walk *w, int fd, const struct stat *st, const char *rest)
{
	if (fd < 0 || S_ISLNK(st->st_mode))
		return NAMES;
	if (is_last(rest))
		return S_ISDIR(st->st_mode) ? NAMES : CONTENT;
	return w->least;
}

/* Watched, then looked up; when it turns out to matter more, again. 0, or -1 and errno. */
static int step(struct walk *w, struct stat *st)
{
	char *name = w->rest;
	size_t len = strcspn(name, "/");
	char *rest = name + len + strspn(name + len, "/");
	int level, next = is_last(rest) ? NAMES : w->least, fd = -1;
	do {
		level = next;
		if (fd >= 0)
			butter__close(fd);
		watch_here(w, name, len, level);
		fd = open_name(w, name, len, st);
		next = wanted(w, fd, st, rest);
	} while (next > level);
	w->rest = rest;
	if (fd < 0)
		return -1;
	if (S_ISLNK(st->st_mode))
		return follow(w, fd, rest);
	go(w, fd);
	return 0;
}

/* ".." leads where the directory is, whatever it was reached by. */
static int step_plain(struct walk *w, struct stat *st)
{
	size_t len = strcspn(w->rest, "/");
	int dots = w->rest[0] == '.' ? len == 1 ? 1 : len == 2 && w->rest[1] == '.' ? 2 : 0 : 0;
	if (dots != 1) {
		if (!dots)
			return step(w, st);
		int up = openat(w->at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return -1;
		go(w, up);
	}
	w->rest += len;
	return 0;
}

static int walk(struct walk *w, struct butter__found *ret)
{
	w->symlinks = 0;
	w->at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	w->whole = w->rest = strdup(w->root->path);
	int n = w->at < 0 || !w->whole ? -1 : 0;
	while (n == 0 && *(w->rest += strspn(w->rest, "/")))
		n = step_plain(w, &ret->st);
	if (n == 0)
		n = fstat(w->at, &ret->st);
	if (n == 0 && w->root->is_dir_only && !S_ISDIR(ret->st.st_mode)) {
		errno = ENOTDIR;
		n = -1;
	}
	ret->error = n < 0 ? errno : 0;
	ret->fd = n < 0 ? -1 : w->at;
	if (n < 0 && w->at >= 0)
		butter__close(w->at);
	butter__free(w->whole);
	return n;
}

static void end_links(struct butter_tree *t, struct butter__link *links, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t users = butter__wds_get(&t->links, links[i].wd);
		if (users > 0)
			butter__wds_set(&t->links, links[i].wd, users - 1);
		if (users == 1)
			butter__drop_watch(t, butter__inotify_of(t), links[i].wd);
		butter__free(links[i].name);
	}
	butter__free(links);
}

/* While it is missing, any directory on the way may be removed and made again. */
void butter__chain_walk(struct butter_tree *t, struct butter__root *root, struct butter__found *ret)
{
	struct walk w = {.t = t, .root = root, .least = SELF};
	struct butter__link *links = root->links;
	uint32_t count = root->link_count;
	root->unsure = 0;
	if (walk(&w, ret) < 0) {
		w.least = NAMES;
		walk(&w, ret);
		root->unsure |= ret->error != ENOENT;
	}
	root->links = w.links;
	root->link_count = w.count;
	end_links(t, links, count);
}

void butter__chain_end(struct butter_tree *t, struct butter__root *root)
{
	end_links(t, root->links, root->link_count);
	root->links = NULL;
	root->link_count = 0;
}

static const struct {
	uint32_t mask, type;
} changes[] = {
	{IN_MODIFY, BUTTER_TREE_MODIFIED},      {IN_CLOSE_WRITE, BUTTER_TREE_WRITTEN},
	{IN_ATTRIB, BUTTER_TREE_ATTRIB},        {IN_OPEN, BUTTER_TREE_OPENED},
	{IN_CLOSE_NOWRITE, BUTTER_TREE_CLOSED}, {IN_ACCESS, BUTTER_TREE_ACCESSED},
};

/* A root that is a file is told of by its directory; that is the last link. */
static void tell_file(struct butter_tree *t, const struct butter__root *root, uint32_t mask)
{
	if (root->missing || butter__node(&t->model, root->node)->flags & BUTTER__NODE_DIR)
		return;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (mask & changes[i].mask)
			butter__tell(t, changes[i].type, 0, root->node, NULL, 0);
}

static void on_link(struct butter_tree *t, struct butter__root *root, const struct butter__link *link,
		    int is_last_one, const struct butter__record *ev)
{
	if (ev->len == 0) {
		if (ev->mask & (IN_MOVE_SELF | IN_DELETE_SELF | IN_IGNORED | IN_UNMOUNT))
			butter__look_later(t, root);
		return;
	}
	if (strcmp(link->name, ev->name) != 0)
		return;
	if (ev->mask & (IN_CREATE | IN_DELETE | IN_MOVE))
		butter__look_later(t, root);
	else if (is_last_one)
		tell_file(t, root, ev->mask);
}

static void on_root(struct butter_tree *t, struct butter__root *root, const struct butter__record *ev)
{
	for (uint32_t i = 0; i < root->link_count; i++) {
		const struct butter__link *l = &root->links[i];
		if (l->wd == ev->wd)
			on_link(t, root, l, i + 1 == root->link_count, ev);
	}
}

void butter__chain_record(struct butter_tree *t, const struct butter__record *ev)
{
	if (ev->mask & IN_UNMOUNT)
		t->mounts_changed = 1;
	for (uint32_t i = 0; i < t->root_count; i++)
		if (t->roots[i].node)
			on_root(t, &t->roots[i], ev);
	if (ev->mask & IN_IGNORED)
		butter__wds_set(&t->links, ev->wd, 0);
}
