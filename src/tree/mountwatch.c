/* SPDX-License-Identifier: MIT */
/*
 * Mounts in trees. inotify says nothing when a filesystem is mounted over a watched directory, and when a
 * bind mount goes; mountinfo does. An open mountinfo tells each change once, to whoever polls it: so one is
 * in the epoll set, which others poll, and one is for asking.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <butter/epoll.h>

#include "../event/mounts.h"
#include "../event/object.h"
#include "lazy.h"
#include "tree.h"

static void clear(struct butter__mountpoints *m)
{
	for (uint32_t i = 0; i < m->count; i++)
		butter__free(m->items[i].point);
	butter__free(m->items);
	*m = (struct butter__mountpoints){0};
}

static int add(struct butter__mountpoints *m, int id, const char *point)
{
	if (m->count == m->size) {
		struct butter__mountpoint *items = butter__grow(m->items, &m->size, 16, sizeof(*items));
		if (!items)
			return -1;
		m->items = items;
	}
	char *copy = strdup(point);
	if (!copy)
		return -1;
	m->items[m->count++] = (struct butter__mountpoint){.id = id, .point = copy};
	return 0;
}

static int read_mounts(struct butter__mountpoints *ret)
{
	struct butter__mountinfo info;
	int n = butter__mountinfo_open(&info);
	*ret = (struct butter__mountpoints){0};
	if (n < 0)
		return -1;
	while (n == 0 && butter__mountinfo_next(&info))
		n = add(ret, info.id, info.point);
	butter__mountinfo_close(&info);
	if (n < 0)
		clear(ret);
	return n;
}

static int open_info(void)
{
	return open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
}

/* Without mountinfo there is only what inotify says. */
void butter__mounts_begin(struct butter_tree *t)
{
	struct epoll_event in = {.events = EPOLLPRI};
	int saved = errno;
	if (t->mounts_fd[0] >= 0)
		return;
	t->mounts_fd[0] = open_info();
	t->mounts_fd[1] = open_info();
	if (t->mounts_fd[0] < 0 || t->mounts_fd[1] < 0 ||
	    butter_epoll_ctl(t->source.fd, EPOLL_CTL_ADD, t->mounts_fd[0], &in) < 0 ||
	    read_mounts(&t->mounts) < 0)
		butter__mounts_end(t);
	errno = saved;
}

void butter__mounts_end(struct butter_tree *t)
{
	for (int i = 0; i < 2; i++) {
		if (t->mounts_fd[i] >= 0)
			butter__close(t->mounts_fd[i]);
		t->mounts_fd[i] = -1;
	}
	clear(&t->mounts);
}

static int has(const struct butter__mountpoints *m, const struct butter__mountpoint *mount)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (m->items[i].id == mount->id && !strcmp(m->items[i].point, mount->point))
			return 1;
	return 0;
}

/* What of a path is below a root; NULL: it is not. */
static const char *below(const char *real, const char *point)
{
	size_t len = strcmp(real, "/") ? strlen(real) : 0;
	if (strncmp(real, point, len) != 0 || (point[len] && point[len] != '/'))
		return NULL;
	return point + len + strspn(point + len, "/");
}

static uint32_t node_at(const struct butter_tree *t, uint32_t node, const char *path)
{
	while (node && *path) {
		size_t len = strcspn(path, "/");
		node = butter__model_find(&t->model, node, path, len);
		path += len + strspn(path + len, "/");
	}
	return node;
}

static void change(struct butter_tree *t, const char *point, uint32_t type)
{
	for (uint32_t i = 0; i < t->root_count; i++) {
		struct butter__root *root = &t->roots[i];
		const char *path = root->node && root->real ? below(root->real, point) : NULL;
		uint32_t node = path && !root->missing ? root->lazy ? butter__lazy_reach(t, root, path, 1)
								    : node_at(t, root->node, path)
						       : 0;
		if (!node || !(butter__node(&t->model, node)->flags & BUTTER__NODE_DIR))
			continue;
		butter__tell(t, type, BUTTER_TREE_IS_DIR, node, NULL, 0);
		butter__rebind(t, node);
		butter__scan(t);
	}
}

/* What is mounted upon another is above it in the list: the last goes first. */
static void compare(struct butter_tree *t, const struct butter__mountpoints *old,
		    const struct butter__mountpoints *now)
{
	for (uint32_t i = old->count; i-- > 0;)
		if (!has(now, &old->items[i]))
			change(t, old->items[i].point, BUTTER_TREE_UNMOUNTED);
	for (uint32_t i = 0; i < now->count; i++)
		if (!has(old, &now->items[i]))
			change(t, now->items[i].point, BUTTER_TREE_MOUNTED);
	for (uint32_t i = 0; i < t->root_count; i++)
		if (t->roots[i].node && t->roots[i].lazy && !t->roots[i].missing)
			butter__lazy_mounts(t, &t->roots[i]);
	for (uint32_t i = 0; i < t->root_count; i++)
		if (t->roots[i].node)
			butter__look_later(t, &t->roots[i]);
}

void butter__mounts_look(struct butter_tree *t)
{
	struct pollfd pfd = {.fd = t->mounts_fd[1], .events = POLLPRI};
	struct butter__mountpoints now, old = t->mounts;
	int saved = errno, changed = poll(&pfd, 1, 0) > 0;
	if (!changed && !t->mounts_changed) {
		errno = saved;
		return;
	}
	t->mounts_changed = 0;
	if (read_mounts(&now) == 0) {
		t->mounts = now;
		compare(t, &old, &now);
		clear(&old);
	} else {
		t->mounts_changed = 1;
		t->lost = 1;
	}
	errno = saved;
}
