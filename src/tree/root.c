/* SPDX-License-Identifier: MIT */
/* Roots: where trees begin. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../event/object.h"
#include "../event/options.h"
#include "tree.h"

/* Absolute, without a '/' at its end; what symlinks are in it may lead elsewhere later. */
static char *absolute(const char *path)
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

static struct butter__root *find_root(struct butter_tree *t, const char *path)
{
	for (uint32_t i = 0; i < t->root_count; i++)
		if (t->roots[i].path && !strcmp(t->roots[i].path, path))
			return &t->roots[i];
	return NULL;
}

static struct butter__root *new_root(struct butter_tree *t, char *path, const struct butter_tree_root *o)
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
				      .channel = &t->channels[0]};
	root->node = butter__model_add_root(&t->model, t->root_count);
	if (!root->node)
		return NULL;
	t->root_count++;
	return root;
}

static int begin_root(struct butter_tree *t, uint32_t node)
{
	const struct butter__root *root = &t->roots[butter__node(&t->model, node)->name];
	struct stat st;
	int fd = open(root->path_len ? root->path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	struct butter__channel *c = root->channel;
	int wd = c->backend->watch(c, fd, NULL, butter__root_mask(t, node) | IN_ATTRIB);
	if (wd < 0 || fstat(fd, &st) < 0 || butter__set_watch(t, wd, node) < 0) {
		butter__close(fd);
		return -1;
	}
	butter__model_set_ino(&t->model, node, st.st_dev, st.st_ino);
	butter__close(fd);
	return butter__list_add(&t->scan, node);
}

static void end_root(struct butter_tree *t, struct butter__root *root)
{
	uint32_t node = root->node;
	while (butter__node(&t->model, node)->first_child)
		butter__forget_tree(t, butter__node(&t->model, node)->first_child);
	butter__forget_tree(t, node);
	root->node = 0;
	butter__free(root->path);
	root->path = NULL;
}

int butter_tree_add(struct butter_tree *x, const char *path, const struct butter_tree_root *options,
		    size_t *ret_bad_rule)
{
	struct butter_tree_root o;
	(void)ret_bad_rule;
	if (!path || !*path) {
		errno = ENOENT;
		return -1;
	}
	if (butter__options_copy(&o, sizeof(o), options) < 0)
		return -1;
	char *whole = absolute(path);
	if (!whole)
		return -1;
	if (find_root(x, whole)) {
		free(whole);
		errno = EEXIST;
		return -1;
	}
	struct butter__root *root = new_root(x, whole, &o);
	if (!root) {
		butter__free(whole);
		return -1;
	}
	int number = (int)(root - x->roots);
	if (begin_root(x, root->node) < 0) {
		end_root(x, root);
		return -1;
	}
	x->initial = 1;
	butter__first_scan(x, x->roots[number].node);
	x->initial = 0;
	butter__tree_close_dir(x);
	butter__tell(x, BUTTER_TREE_READY, BUTTER_TREE_IS_DIR, x->roots[number].node, NULL, 0);
	butter__set_timer(x);
	return number;
}

int butter_tree_remove(struct butter_tree *x, const char *path)
{
	char *whole = path ? absolute(path) : NULL;
	struct butter__root *root = whole ? find_root(x, whole) : NULL;
	free(whole);
	if (!root) {
		errno = ENOENT;
		return -1;
	}
	end_root(x, root);
	return 0;
}

/* It was there and is not any more: what was below it is gone, and it is waited for. */
void butter__root_lost(struct butter_tree *t, uint32_t node)
{
	struct butter__root *root = &t->roots[butter__node(&t->model, node)->name];
	butter__node(&t->model, node)->flags &= (uint8_t)~BUTTER__NODE_DIRTY;
	if (root->missing)
		return;
	root->missing = 1;
	while (butter__node(&t->model, node)->first_child)
		butter__remove_tree(t, butter__node(&t->model, node)->first_child);
	butter__unwatch(t, node);
	butter__tell(t, BUTTER_TREE_DELETED, BUTTER_TREE_IS_DIR, node, NULL, 0);
}
