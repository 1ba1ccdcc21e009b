/* SPDX-License-Identifier: MIT */
/*
 * Files with patterns, such as ".gitignore", of the directories that are entered. The list of a directory
 * is read before the rest of it is listed, and again with each record of its name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "../event/object.h"
#include "gitignore.h"
#include "verdict.h"

enum { WRITES = IN_CREATE | IN_DELETE | IN_MOVE | IN_MODIFY | IN_CLOSE_WRITE };

static const struct butter__root *root_of(const struct butter_tree *t, uint32_t node)
{
	return &t->roots[butter__model_root(&t->model, node)];
}

static struct butter__gitignore *list_of(const struct butter_tree *t, uint32_t dir)
{
	uint32_t i = butter__wds_get(&t->ignored, (int)dir);
	return i ? t->ignores[i - 1].list : NULL;
}

void butter__ignore_forget(struct butter_tree *t, uint32_t dir)
{
	uint32_t i = t->ignore_count ? butter__wds_get(&t->ignored, (int)dir) : 0;
	if (!i)
		return;
	butter__gitignore_free(t->ignores[i - 1].list);
	butter__wds_set(&t->ignored, (int)dir, 0);
	t->ignores[i - 1] = t->ignores[--t->ignore_count];
	if (i <= t->ignore_count)
		butter__wds_set(&t->ignored, (int)t->ignores[i - 1].dir, i);
}

static void keep(struct butter_tree *t, uint32_t dir, struct butter__gitignore *list)
{
	struct butter__ignore *ignores = realloc(t->ignores, (t->ignore_count + 1) * sizeof(*ignores));
	if (ignores)
		t->ignores = ignores;
	if (!ignores || butter__wds_set(&t->ignored, (int)dir, t->ignore_count + 1) < 0) {
		butter__gitignore_free(list);
		t->lost = 1;
		return;
	}
	ignores[t->ignore_count++] = (struct butter__ignore){.dir = dir, .list = list};
}

/* What cannot be read has no patterns, as for git. */
void butter__ignore_read(struct butter_tree *t, uint32_t dir, int fd)
{
	const char *name = root_of(t, dir)->ignore_file;
	if (!name)
		return;
	struct butter__gitignore *list = butter__gitignore_read(fd, name);
	if (!list && errno == ENOMEM)
		t->lost = 1;
	butter__ignore_forget(t, dir);
	if (list)
		keep(t, dir, list);
}

void butter__ignore_changed(struct butter_tree *t, uint32_t dir, const struct butter__record *ev)
{
	const char *name = root_of(t, dir)->ignore_file;
	if (!name || !(ev->mask & WRITES) || strlen(name) != ev->len || memcmp(name, ev->name, ev->len) != 0)
		return;
	int fd = butter__tree_open_dir(t, dir);
	if (fd >= 0)
		butter__ignore_read(t, dir, fd);
	butter__list_below(t, dir);
}

void butter__ignore_free(struct butter_tree *t)
{
	for (uint32_t i = 0; i < t->ignore_count; i++)
		butter__gitignore_free(t->ignores[i].list);
	butter__free(t->ignores);
	butter__wds_free(&t->ignored);
}

/* The nearest list that says anything decides. */
int butter__is_ignored(const struct butter_tree *t, uint32_t dir, const char *path, size_t name_len,
		       int is_dir)
{
	const char *below = path + strlen(path) - name_len;
	for (;;) {
		const struct butter__node *n = butter__node(&t->model, dir);
		const struct butter__gitignore *list = list_of(t, dir);
		enum butter__gitignore_says says =
			list ? butter__gitignore_match(list, below, is_dir) : BUTTER__GITIGNORE_SILENT;
		if (says != BUTTER__GITIGNORE_SILENT)
			return says == BUTTER__GITIGNORE_IGNORED;
		if (!n->parent)
			return 0;
		below -= n->name_len + 1u;
		dir = n->parent;
	}
}
