/* SPDX-License-Identifier: MIT */
/*
 * Directories that are there and cannot be watched, or not be read: each is told of once, with the limit that
 * is in the way, and tried again until it can be.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "../event/object.h"
#include "../event/time.h"
#include "tree.h"

#define FIRST_RETRY INT64_C(50000000)
#define MOST_RETRY INT64_C(1000000000)

int butter__is_denied(int error)
{
	return error == EACCES || error == EPERM || error == EMFILE || error == ENFILE || error == ENOMEM ||
	       error == ENOSPC;
}

int butter__can_search(int dir)
{
	struct stat st;
	return fstatat(dir, ".", &st, 0) == 0;
}

static uint64_t read_limit(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	butter__close(fd);
	return n > 0 ? strtoull(text, NULL, 10) : 0;
}

static uint32_t count_of(const struct butter__wds *w)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < w->count; i++)
		count += w->pages[i] ? w->pages[i][0] : 0;
	return count;
}

/* The barrier has one too. Directories above a root that are in a tree as well are counted twice. */
static void watch_limit(const struct butter_tree *t, struct butter_tree_event *ev)
{
	uint64_t system = read_limit("/proc/sys/fs/inotify/max_user_watches");
	uint64_t user = read_limit("/proc/sys/user/max_inotify_watches");
	int by_user = user && (!system || user < system);
	ev->limit = by_user ? "user.max_inotify_watches" : "fs.inotify.max_user_watches";
	ev->limit_value = by_user ? user : system;
	ev->limit_use = count_of(&butter__inotify_of(t)->wds) + count_of(&t->links) + 1;
}

static uint64_t fds_of(const struct butter_tree *t)
{
	uint64_t count =
		(t->source.fd >= 0) + (t->timer >= 0) + (t->mounts_fd[0] >= 0) + (t->mounts_fd[1] >= 0);
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		count += (t->channels[i].fd >= 0) + (t->channels[i].barrier >= 0);
	return count;
}

static void name_limit(const struct butter_tree *t, struct butter_tree_event *ev)
{
	struct rlimit files;
	if (ev->error == ENOSPC) {
		watch_limit(t, ev);
	} else if (ev->error == EMFILE && getrlimit(RLIMIT_NOFILE, &files) == 0) {
		ev->limit = "RLIMIT_NOFILE";
		ev->limit_value = files.rlim_cur;
		ev->limit_use = fds_of(t);
	} else if (ev->error == ENFILE) {
		ev->limit = "fs.file-max";
		ev->limit_value = read_limit("/proc/sys/fs/file-max");
		ev->limit_use = fds_of(t);
	}
}

static void begin_retry(struct butter_tree *t)
{
	t->retry_pause = FIRST_RETRY;
	t->retry_at = butter__time_now() + t->retry_pause;
}

void butter__degrade(struct butter_tree *t, uint32_t node, int error)
{
	struct butter__node *n = butter__node(&t->model, node);
	struct butter_tree_event ev = {.type = BUTTER_TREE_DEGRADED,
				       .flags = BUTTER_TREE_IS_DIR,
				       .error = error,
				       .old_path = "",
				       .limit = ""};
	int saved = errno;
	if (n->flags & BUTTER__NODE_UNWATCHED)
		return;
	if (butter__list_add(&t->unwatched, node) < 0) {
		t->lost = 1;
		return;
	}
	n->flags |= BUTTER__NODE_UNWATCHED;
	if (!t->retry_at)
		begin_retry(t);
	name_limit(t, &ev);
	butter__tell_event(t, &ev, node);
	errno = saved;
}

/* wd: of the directory, -1 when it had one all the time and could not be read. What it holds is listed when
 * nothing else is. */
void butter__recover(struct butter_tree *t, uint32_t node, int wd)
{
	struct butter__node *n = butter__node(&t->model, node);
	n->flags &= (uint8_t)~BUTTER__NODE_UNWATCHED;
	if (wd >= 0 && n->wd != wd && butter__set_watch(t, wd, node) < 0)
		t->lost = 1;
	butter__tell(t, BUTTER_TREE_RECOVERED, BUTTER_TREE_IS_DIR, node, NULL, 0);
	if (!butter__tree_has_entries(t))
		butter__tell(t, BUTTER_TREE_GAP, BUTTER_TREE_IS_DIR, node, NULL, 0);
	butter__mark_dirty(t, node);
}

/* It could be watched just now; whether it can be read too is seen when it is tried, which is soon. */
void butter__may_recover(struct butter_tree *t, uint32_t node, int wd)
{
	butter__drop_watch(t, butter__channel_of(t, node), wd);
	butter__retry_soon(t);
}

/* There is a watch to be had. */
void butter__retry_soon(struct butter_tree *t)
{
	if (t->retry_at)
		t->retry_at = 1;
}

int64_t butter__retry_due(const struct butter_tree *t)
{
	return t->retry_at;
}

static int is_unwatched(const struct butter_tree *t, uint32_t node)
{
	const struct butter__node *n = butter__node(&t->model, node);
	return (n->parent || n->flags & BUTTER__NODE_ROOT) && n->flags & BUTTER__NODE_UNWATCHED;
}

/* 0, or why not. A root is looked at with its whole path. */
static int try(struct butter_tree *t, uint32_t node)
{
	struct butter__node *n = butter__node(&t->model, node);
	int fd = butter__tree_open_dir(t, node);
	if (fd < 0 || !butter__can_search(fd))
		return errno;
	struct butter__channel *c = butter__channel_of(t, node);
	int wd = c->backend->watch(c, fd, NULL, butter__root_mask(t, node));
	if (wd < 0)
		return errno;
	if (n->wd >= 0 && n->wd != wd) {
		butter__drop_watch(t, c, wd);
		return ESTALE;
	}
	butter__recover(t, node, wd);
	return 0;
}

static void keep(struct butter_tree *t, uint32_t node)
{
	if (is_unwatched(t, node) && butter__list_add(&t->unwatched, node) < 0)
		t->lost = 1;
}

/* What one is denied by a limit is denied to all behind it, which are first the next time. */
static void try_all(struct butter_tree *t)
{
	struct butter__list list = t->unwatched;
	uint32_t tried = 0;
	int error = 0;
	t->unwatched = (struct butter__list){0};
	while (tried < list.count && (!butter__is_denied(error) || error == EACCES || error == EPERM)) {
		uint32_t node = list.items[tried++];
		error = is_unwatched(t, node) ? try(t, node) : 0;
		if (!error)
			t->retry_pause = FIRST_RETRY;
		else if (!butter__is_denied(error))
			butter__mark_dirty(t, node);
	}
	for (uint32_t i = tried; i < list.count; i++)
		keep(t, list.items[i]);
	for (uint32_t i = 0; i < tried; i++)
		keep(t, list.items[i]);
	butter__free(list.items);
}

static int any_unsure(const struct butter_tree *t)
{
	int any = 0;
	for (uint32_t i = 0; i < t->root_count; i++)
		any |= t->roots[i].node && t->roots[i].unsure;
	return any;
}

void butter__retry(struct butter_tree *t)
{
	int unsure = any_unsure(t);
	if (unsure && !t->retry_at)
		begin_retry(t);
	if (!t->retry_at || butter__time_now() < t->retry_at)
		return;
	if (t->unwatched.count > 0)
		try_all(t);
	for (uint32_t i = 0; i < t->root_count; i++)
		if (t->roots[i].node && t->roots[i].unsure)
			butter__look_later(t, &t->roots[i]);
	t->retry_pause = t->retry_pause * 2 < MOST_RETRY ? t->retry_pause * 2 : MOST_RETRY;
	t->retry_at = t->unwatched.count > 0 || unsure ? butter__time_now() + t->retry_pause : 0;
}
