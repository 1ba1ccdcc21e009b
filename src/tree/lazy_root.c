/* SPDX-License-Identifier: MIT */
/* Roots that are not walked: when one begins, when records are lost, when mounts change. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../event/mounts.h"
#include "../event/object.h"
#include "climb.h"
#include "lazy.h"

enum { DIRECTORY = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC, DISCARDS = 64 };

static struct butter__channel *fanotify_of(struct butter_tree *t)
{
	return &t->channels[BUTTER_TREE_FANOTIFY - 1];
}

void butter__lazy_end(struct butter__root *root)
{
	if (root->lazy && root->channel->lazy > 0)
		root->channel->lazy--;
	root->lazy = 0;
	while (root->top_count > 0)
		butter__free(root->tops[--root->top_count].path);
	butter__free(root->tops);
	root->tops = NULL;
}

/* Whether directories can be found by their handles. */
static int finds(struct butter__channel *c, int fd)
{
	_Alignas(struct file_handle) unsigned char handle[BUTTER__HANDLE_LIMIT];
	struct butter__key key;
	if (butter__fan_key(butter__fan_of(c), fd, NULL, &key) < 0)
		return 0;
	memcpy(handle, key.bytes + sizeof(uint64_t), key.len - sizeof(uint64_t));
	int found = butter_open_by_handle_at(fd, (struct file_handle *)handle, O_PATH | O_CLOEXEC);
	if (found >= 0)
		butter__close(found);
	return found >= 0;
}

/* 1: it is the only top of its filesystem; 0 it is not, or without memory. */
static int add_top(struct butter__root *root, const char *path, int fd)
{
	uint64_t fsid;
	if (butter__fsid_of(fd, &fsid, NULL) < 0)
		return 0;
	for (uint32_t i = 0; i < root->top_count; i++)
		if (root->tops[i].fsid == fsid)
			return !strcmp(root->tops[i].path, path);
	struct butter__top *tops = realloc(root->tops, (root->top_count + 1) * sizeof(*tops));
	if (!tops)
		return 0;
	root->tops = tops;
	tops[root->top_count] = (struct butter__top){.fsid = fsid, .path = strdup(path)};
	if (!tops[root->top_count].path)
		return 0;
	root->top_count++;
	return 1;
}

static const char *below(const struct butter__root *root, const char *point)
{
	size_t len = strcmp(root->real, "/") ? strlen(root->real) : 0;
	return !strncmp(root->real, point, len) && point[len] == '/' && point[len + 1] ? point + len + 1
										       : NULL;
}

/* What cannot be marked is degraded, as it would be by a walk. */
static int begin_mount(struct butter_tree *t, struct butter__root *root, const char *point)
{
	struct butter__channel *c = root->channel;
	int ok = 1, fd = open(point, DIRECTORY);
	if (fd < 0)
		return 1;
	int wd = c->backend->watch(c, fd, NULL, butter__root_mask(t, root->node));
	if (wd < 0) {
		int error = errno;
		const char *path = below(root, point);
		uint32_t node = path ? butter__lazy_reach(t, root, path, 0) : 0;
		if (node)
			butter__degrade(t, node, error);
	} else {
		ok = add_top(root, point, fd);
		butter__drop_watch(t, c, wd);
	}
	butter__close(fd);
	return ok;
}

/* 1, or 0: a filesystem is there twice, and from a handle only one place of a directory would be found. */
static int begin_mounts(struct butter_tree *t, struct butter__root *root)
{
	int ok = 1;
	if (root->flags & BUTTER_TREE_ONE_FILESYSTEM)
		return 1;
	for (uint32_t i = 0; i < t->mounts.count && ok; i++)
		if (below(root, t->mounts.items[i].point))
			ok = begin_mount(t, root, t->mounts.items[i].point);
	return ok;
}

static int begin(struct butter_tree *t, struct butter__root *root, int fd)
{
	return finds(root->channel, fd) && add_top(root, root->path_len ? root->path : "/", fd) &&
	       begin_mounts(t, root);
}

int butter__lazy_begin(struct butter_tree *t, struct butter__root *root)
{
	struct butter__node *n = butter__node(&t->model, root->node);
	if (butter__tree_has_entries(t) || root->missing || !(n->flags & BUTTER__NODE_DIR) || n->wd < 0 ||
	    root->channel != fanotify_of(t) || root->ignore_file || !root->real)
		return 0;
	int fd = open(root->path_len ? root->path : "/", DIRECTORY), saved = errno;
	root->lazy = 1;
	root->channel->lazy++;
	n->lazy = 1;
	int ok = fd >= 0 && begin(t, root, fd);
	if (fd >= 0)
		butter__close(fd);
	errno = saved;
	if (ok) {
		t->scan.count = 0;
		butter__lazy_meet_roots(t, root->channel);
		return 1;
	}
	butter__lazy_forget(t, root);
	butter__lazy_end(root);
	n->lazy = 0;
	return 0;
}

/* Nodes that cannot be watched stay, with those above them. */
void butter__lazy_forget(struct butter_tree *t, struct butter__root *root)
{
	struct butter__model *m = &t->model;
	struct butter__fan *s = butter__fan_of(root->channel);
	struct butter__list all = {0};
	int n = butter__list_add(&all, root->node);
	for (uint32_t i = 0; i < all.count && n == 0; i++)
		for (uint32_t k = butter__node(m, all.items[i])->first_child; k && n == 0;
		     k = butter__node(m, k)->next_sibling)
			n = butter__list_add(&all, k);
	for (uint32_t i = all.count; i-- > 1;) {
		const struct butter__node *node = butter__node(m, all.items[i]);
		if (!node->first_child && !(node->flags & BUTTER__NODE_UNWATCHED))
			butter__forget_tree(t, all.items[i]);
		else
			butter__node(m, all.items[i])->lazy = 1;
	}
	butter__node(m, root->node)->lazy = 1;
	butter__free(all.items);
	for (int i = 0; i < 2; i++)
		butter__handles_free(&s->away[i]);
	if (n < 0)
		t->lost = 1;
	butter__lazy_meet_roots(t, root->channel);
}

void butter__lazy_prepare(struct butter_tree *t)
{
	struct butter__channel *c = fanotify_of(t);
	if (!c->state || !c->lazy)
		return;
	butter__ahead_fill(t, c);
	uint64_t end = c->consumed + (c->end - c->next) + butter__ahead_bytes(c);
	while (c->consumed < end && butter__stream_read(t, c) > 0)
		continue;
	butter__settle(t, 0);
	for (uint32_t i = 0; i < t->root_count; i++)
		if (t->roots[i].node && t->roots[i].lazy)
			butter__lazy_forget(t, &t->roots[i]);
}

/* What was before this is covered by what is told now. The barrier may be among it, which is passed then. */
void butter__lazy_discard(struct butter_tree *t)
{
	struct butter__channel *c = fanotify_of(t);
	if (!c->state || !c->lazy)
		return;
	for (int i = 0; i < DISCARDS; i++) {
		t->overflows += butter__ahead_drop(c);
		butter__ahead_fill(t, c);
		if (c->next == c->end && !c->ahead)
			break;
	}
	t->overflows += butter__ahead_drop(c);
	t->lost = 0;
}

/* One component, of which fd is the parent's: its fd, or -1. */
static int reach_one(struct butter_tree *t, struct butter__root *root, int fd, const char *name, size_t len,
		     int is_other, uint32_t *node)
{
	struct butter__rung link = {.name_len = len};
	struct stat st;
	if (len > NAME_MAX)
		return -1;
	memcpy(link.name, name, len);
	link.name[len] = '\0';
	int down = openat(fd, link.name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	uint32_t known = butter__model_find(&t->model, *node, name, len);
	if (!known && !is_other && down >= 0 && fstat(down, &st) == 0 &&
	    butter__fan_key(butter__fan_of(root->channel), down, NULL, &link.key) == 0) {
		link.dev = st.st_dev;
		link.ino = st.st_ino;
	}
	*node = known ? known : butter__lazy_add(t, root->channel, *node, &link);
	return down;
}

uint32_t butter__lazy_reach(struct butter_tree *t, struct butter__root *root, const char *path, int is_other)
{
	uint32_t node = root->node;
	int fd = open(root->path_len ? root->path : "/", DIRECTORY);
	while (node && *path && fd >= 0) {
		size_t len = strcspn(path, "/"), skip = len + strspn(path + len, "/");
		int down = reach_one(t, root, fd, path, len, is_other && !path[skip], &node);
		butter__close(fd);
		fd = down;
		path += skip;
	}
	if (fd >= 0)
		butter__close(fd);
	return *path ? 0 : node;
}

/* From now on it is like a root that was walked when it was added; what was waiting may have been seen. */
static void walk(struct butter_tree *t, struct butter__root *root)
{
	uint32_t node = root->node;
	butter__lazy_forget(t, root);
	butter__lazy_end(root);
	butter__node(&t->model, node)->lazy = 0;
	if (butter__list_add(&t->scan, node) < 0)
		t->lost = 1;
	t->initial = 1;
	butter__scan(t);
	t->initial = 0;
	butter__tell(t, BUTTER_TREE_GAP, BUTTER_TREE_IS_DIR, node, NULL, 0);
}

void butter__lazy_mounts(struct butter_tree *t, struct butter__root *root)
{
	while (root->top_count > 1)
		butter__free(root->tops[--root->top_count].path);
	if (!begin_mounts(t, root))
		walk(t, root);
}
