/* SPDX-License-Identifier: MIT */
/* Roots: where trees begin. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../event/object.h"
#include "../event/options.h"
#include "../event/time.h"
#include "lazy.h"
#include "tree.h"
#include "verdict.h"

static struct butter__root *find_root(struct butter_tree *t, const char *path)
{
	for (uint32_t i = 0; i < t->root_count; i++)
		if (t->roots[i].path && !strcmp(t->roots[i].path, path))
			return &t->roots[i];
	return NULL;
}

static struct butter__root *new_root(struct butter_tree *t, char *path, const struct butter_tree_root *o,
				     size_t *ret_bad_rule)
{
	struct butter__root *roots = realloc(t->roots, (t->root_count + 1) * sizeof(*roots));
	if (!roots)
		return NULL;
	t->roots = roots;
	struct butter__root *root = &roots[t->root_count];
	*root = (struct butter__root){.path = path,
				      .path_len = strlen(path),
				      .mask = o->mask ? o->mask : BUTTER_TREE_CHANGES,
				      .data = o->data,
				      .flags = o->flags,
				      .missing = 1,
				      .channel = butter__inotify_of(t),
				      .backend = o->backend,
				      .errors = {EAGAIN, EAGAIN, EAGAIN},
				      .interval = o->poll_interval ? o->poll_interval : BUTTER__SECOND};
	if (butter__coalesce_set(root, o->settle, o->settle_max) < 0 ||
	    butter__root_filter(root, o, ret_bad_rule) < 0)
		return NULL;
	root->node = butter__model_add_root(&t->model, t->root_count);
	if (!root->node) {
		butter__root_filter_free(root);
		return NULL;
	}
	t->rules |= root->filter || root->ignore_file;
	t->root_count++;
	return root;
}

static uint32_t kind_of(const struct butter__found *found)
{
	return S_ISDIR(found->st.st_mode) ? BUTTER__NODE_DIR : 0;
}

/* Its mountinfo name; one that is longer than PATH_MAX has none. */
static void note_real(struct butter__root *root, int fd)
{
	char link[32], real[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, real, sizeof(real));
	butter__free(root->real);
	root->real = n > 0 && n < (ssize_t)sizeof(real) ? strndup(real, (size_t)n) : NULL;
}

/* A root that is known stays with its backend. For fanotify the fd must be one that can be read from. */
static int watch_found(struct butter_tree *t, struct butter__root *root, struct butter__found *found)
{
	if (found->fd < 0 || !kind_of(found))
		return -1;
	struct butter__channel *c = root->channel;
	int fd = openat(found->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK), wd = -1;
	if (fd >= 0 && root->missing)
		wd = butter__choose(t, root, fd);
	else if (fd >= 0)
		wd = c->backend->watch(c, fd, NULL,
				       butter__root_mask(t, root->node) | IN_ATTRIB | IN_MOVE_SELF |
					       IN_DELETE_SELF);
	found->error = wd < 0 ? errno : 0;
	if (fd >= 0)
		butter__close(fd);
	return wd;
}

static void set_identity(struct butter_tree *t, struct butter__root *root, const struct butter__found *found)
{
	struct butter__node *n = butter__node(&t->model, root->node);
	n->flags = (uint8_t)((n->flags & ~(unsigned)BUTTER__NODE_DIR) | kind_of(found));
	butter__model_set_ino(&t->model, root->node, found->st.st_dev, found->st.st_ino);
	if (t->model.entries)
		butter__entry(&t->model, root->node)->mode = (uint16_t)found->st.st_mode;
	root->dev = found->st.st_dev;
	root->missing = 0;
	note_real(root, found->fd);
}

/* It is there now. What is in it is listed by the next scan. */
static void root_came(struct butter_tree *t, struct butter__root *root, const struct butter__found *found,
		      int wd, int tell)
{
	uint32_t node = root->node;
	set_identity(t, root, found);
	if (tell)
		butter__tell(t, BUTTER_TREE_CREATED,
			     BUTTER_TREE_SYNTHETIC | (kind_of(found) ? BUTTER_TREE_IS_DIR : 0), node, NULL,
			     0);
	if (!kind_of(found)) {
		root->errors[BUTTER_TREE_INOTIFY - 1] = 0;
		return;
	}
	if (wd < 0)
		butter__degrade(t, node, found->error);
	else if (butter__set_watch(t, wd, node) < 0 || butter__list_add(&t->scan, node) < 0)
		t->lost = 1;
}

/* What was below it is gone, and itself. */
static void root_went(struct butter_tree *t, struct butter__root *root, int tell)
{
	uint32_t node = root->node;
	struct butter__node *n = butter__node(&t->model, node);
	if (root->missing)
		return;
	root->missing = 1;
	butter__lazy_end(root);
	n->lazy = 0;
	if (t->halves.count > 0)
		butter__halves_of(t, node, 1);
	while (n->first_child)
		butter__remove_tree(t, n->first_child);
	butter__unwatch(t, node);
	if (t->open_node == node)
		butter__tree_close_dir(t);
	n->flags &= (uint8_t) ~(BUTTER__NODE_DIRTY | BUTTER__NODE_UNWATCHED | BUTTER__NODE_WINDOW);
	butter__model_set_ino(&t->model, node, 0, 0);
	if (tell)
		butter__tell(t, BUTTER_TREE_DELETED, n->flags & BUTTER__NODE_DIR ? BUTTER_TREE_IS_DIR : 0,
			     node, NULL, 0);
}

/* A watch that it has stays, though another cannot be had any more. */
static int is_same(const struct butter_tree *t, const struct butter__root *root,
		   const struct butter__found *found, int wd)
{
	const struct butter__node *n = butter__node(&t->model, root->node);
	if (root->missing || found->fd < 0 || (n->flags & BUTTER__NODE_DIR) != kind_of(found) ||
	    !butter__model_is(&t->model, root->node, found->st.st_dev, found->st.st_ino))
		return 0;
	return n->wd == BUTTER__WD_NONE || wd < 0 || n->wd == wd;
}

/* It may be elsewhere now: what mountinfo calls it goes with it. */
static void root_stayed(struct butter_tree *t, struct butter__root *root, const struct butter__found *found,
			int wd)
{
	struct butter__node *n = butter__node(&t->model, root->node);
	note_real(root, found->fd);
	if (wd < 0 || n->wd >= 0)
		return;
	if (n->flags & BUTTER__NODE_UNWATCHED)
		butter__recover(t, root->node, wd);
	else if (butter__set_watch(t, wd, root->node) == 0)
		butter__mark_dirty(t, root->node);
	else
		t->lost = 1;
}

static void look_at(struct butter_tree *t, struct butter__root *root, int tell, struct butter__found *found)
{
	t->looks -= root->look != 0;
	root->look = 0;
	butter__chain_walk(t, root, found);
	int wd = watch_found(t, root, found);
	if (!root->missing && found->fd < 0 && !butter__is_gone(found->error)) {
		butter__degrade(t, root->node, found->error);
		return;
	}
	if (is_same(t, root, found, wd)) {
		root_stayed(t, root, found, wd);
	} else {
		struct butter__channel *old = root->channel;
		int was_there = !root->missing;
		root_went(t, root, tell);
		/* with the old root its watch went, which may have been this one */
		if (was_there && found->fd >= 0 && kind_of(found)) {
			int again = watch_found(t, root, found);
			if (wd >= 0 && (old != root->channel || wd != again))
				butter__drop_watch(t, old, wd);
			wd = again;
		}
		if (found->fd >= 0)
			root_came(t, root, found, wd, tell && !t->initial);
	}
	if (found->fd >= 0)
		butter__close(found->fd);
}

void butter__look_later(struct butter_tree *t, struct butter__root *root)
{
	if (root->look)
		return;
	root->look = 1;
	t->looks++;
	t->held_since = butter__time_now();
}

void butter__look_at_roots(struct butter_tree *t, int all)
{
	struct butter__found found;
	for (uint32_t i = 0; i < t->root_count; i++)
		if (t->roots[i].node && (all || t->roots[i].look))
			look_at(t, &t->roots[i], 1, &found);
	butter__scan(t);
}

/* Another filesystem is there, or none any more, which has been told. */
void butter__root_rebind(struct butter_tree *t, struct butter__root *root)
{
	struct butter__found found;
	look_at(t, root, 0, &found);
	if (root->missing)
		butter__tell(t, BUTTER_TREE_DELETED, BUTTER_TREE_IS_DIR, root->node, NULL, 0);
}

/* Its path led elsewhere. When it leads there again, what was to be listed still is. */
void butter__root_lost(struct butter_tree *t, uint32_t node)
{
	const struct butter__node *n = butter__node(&t->model, node);
	int wd = n->wd;
	uint64_t ino = n->ino;
	butter__node(&t->model, node)->flags &= (uint8_t)~BUTTER__NODE_DIRTY;
	butter__look_later(t, &t->roots[n->name]);
	butter__look_at_roots(t, 0);
	n = butter__node(&t->model, node);
	if (!t->roots[n->name].missing && n->wd == wd && n->ino == ino)
		butter__mark_dirty(t, node);
}

void butter__upkeep(struct butter_tree *t)
{
	if (t->mounts_fd[1] >= 0)
		butter__mounts_look(t);
	butter__retry(t);
	if (t->looks > 0)
		butter__look_at_roots(t, 0);
}

static void free_root(struct butter_tree *t, struct butter__root *root)
{
	butter__chain_end(t, root);
	t->looks -= root->look != 0;
	root->look = 0;
	butter__free(root->path);
	butter__free(root->real);
	root->path = root->real = NULL;
	butter__root_filter_free(root);
	butter__lazy_end(root);
	root->node = 0;
}

static void end_root(struct butter_tree *t, struct butter__root *root)
{
	butter__forget_tree(t, root->node);
	free_root(t, root);
}

void butter__roots_free(struct butter_tree *t)
{
	for (uint32_t i = 0; i < t->root_count; i++)
		for (uint32_t k = 0; k < t->roots[i].link_count; k++)
			butter__free(t->roots[i].links[k].name);
	for (uint32_t i = 0; i < t->root_count; i++) {
		butter__free(t->roots[i].links);
		butter__free(t->roots[i].path);
		butter__free(t->roots[i].real);
		butter__root_filter_free(&t->roots[i]);
		butter__lazy_end(&t->roots[i]);
	}
	butter__wds_free(&t->links);
}

/* Its first scan. */
static int begin_root(struct butter_tree *t, struct butter__root *root)
{
	struct butter__found found;
	uint32_t number = (uint32_t)(root - t->roots);
	butter__mounts_begin(t);
	butter__lazy_prepare(t);
	root = &t->roots[number];
	t->initial = 1;
	look_at(t, root, 0, &found);
	if (root->missing ? !(root->flags & BUTTER_TREE_WAIT) || found.error == ELOOP : found.error) {
		t->initial = 0;
		errno = found.error;
		return -1;
	}
	if (!butter__lazy_begin(t, root))
		butter__first_scan(t, root->node);
	t->initial = 0;
	butter__tree_close_dir(t);
	root = &t->roots[number];
	root->next_look = butter__time_add(butter__time_now(), root->interval);
	butter__tell(t, BUTTER_TREE_READY,
		     !root->missing && butter__node(&t->model, root->node)->flags & BUTTER__NODE_DIR
			     ? BUTTER_TREE_IS_DIR
			     : 0,
		     root->node, NULL, 0);
	return 0;
}

static int bad_options(const struct butter_tree_root *o)
{
	uint32_t known = BUTTER_TREE_WAIT | BUTTER_TREE_ONE_FILESYSTEM | BUTTER_TREE_SKIP_HIDDEN;
	return (o->flags & ~known) != 0 || o->backend > BUTTER_TREE_POLL || o->poll_interval < 0 ||
	       o->reserved[0] | o->reserved[1] | o->reserved[2] | o->reserved[3];
}

static struct butter__root *make_root(struct butter_tree *t, const char *path,
				      const struct butter_tree_root *o, size_t *ret_bad_rule)
{
	char *whole = butter__absolute(path);
	if (!whole)
		return NULL;
	struct butter__root *root = find_root(t, whole) ? NULL : new_root(t, whole, o, ret_bad_rule);
	if (root) {
		root->is_dir_only = path[strlen(path) - 1] == '/';
	} else {
		if (find_root(t, whole))
			errno = EEXIST;
		butter__free(whole);
	}
	return root;
}

int butter_tree_add(struct butter_tree *x, const char *path, const struct butter_tree_root *options,
		    size_t *ret_bad_rule)
{
	struct butter_tree_root o;
	int saved = errno;
	if (!path || !*path) {
		errno = path ? ENOENT : EINVAL;
		return -1;
	}
	if (butter__options_copy(&o, sizeof(o), options) < 0)
		return -1;
	if (bad_options(&o)) {
		errno = EINVAL;
		return -1;
	}
	struct butter__root *root = make_root(x, path, &o, ret_bad_rule);
	if (!root)
		return -1;
	int number = (int)(root - x->roots), n = begin_root(x, root), error = n < 0 ? errno : saved;
	if (n < 0)
		end_root(x, &x->roots[number]);
	butter__set_timer(x);
	errno = error;
	return n < 0 ? -1 : number;
}

int butter_tree_remove(struct butter_tree *x, const char *path)
{
	int saved = errno;
	if (!path || !*path) {
		errno = path ? ENOENT : EINVAL;
		return -1;
	}
	char *whole = butter__absolute(path);
	struct butter__root *root = whole ? find_root(x, whole) : NULL;
	if (whole && !root)
		errno = ENOENT;
	butter__free(whole);
	if (!root)
		return -1;
	butter__coalesce_flush(x);
	end_root(x, root);
	butter__set_timer(x);
	errno = saved;
	return 0;
}
