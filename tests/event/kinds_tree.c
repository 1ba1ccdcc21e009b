/* SPDX-License-Identifier: MIT */
/* The tree among the kinds, and its verbs. */
#include <sys/stat.h>

#include "kinds_tree.h"
#include "test.h"

/* Below a folder of its own, so that what others do in the folder above wakes nobody. */
struct butter_source *open_watcher(void)
{
	static const char *top;
	struct butter_tree_root root = {
		.size = sizeof(root), .mask = BUTTER_TREE_CREATED, .backend = BUTTER_TREE_INOTIFY};
	struct butter_tree_event ready;
	struct butter_tree *x = butter_tree_open(NULL);
	if (!top) {
		top = path_in(watched_folder(), "top");
		ck_assert_int_eq(mkdir(top, 0755), 0);
		top = strdup(top);
	}
	if (!x)
		return NULL;
	int n = butter_tree_add(x, top, &root, NULL);
	if (n >= 0)
		while ((n = butter_tree_read_event(x, &ready)) == 1)
			continue;
	if (n < 0) {
		butter_tree_close(x);
		return NULL;
	}
	return butter_tree_source(x);
}

void fire_tree(struct butter_source *source)
{
	(void)source;
	make_name_in(path_in(watched_folder(), "top"), 0);
}

int sync_tree(struct butter_source *source)
{
	return butter_tree_sync((struct butter_tree *)source, 0);
}

int pause_and_resume(struct butter_source *source)
{
	struct butter_tree *x = (struct butter_tree *)source;
	butter_tree_pause(x);
	butter_tree_resume(x);
	return 0;
}

int add_and_remove(struct butter_source *source)
{
	struct butter_tree *x = (struct butter_tree *)source;
	const char *path = watched_folder();
	int n = butter_tree_add(x, path, NULL, NULL);
	if (n < 0 && errno != EEXIST)
		return -1;
	if (n < 0)
		errno = 0; /* it could not be removed the last time, or that was inotify_add_watch(2)'s */
	if (butter_tree_remove(x, path) == 0)
		return 0;
	if (n < 0 && errno == ENOENT)
		errno = EEXIST;
	return -1;
}

int tell_of_backend(struct butter_source *source)
{
	return butter_tree_backend((struct butter_tree *)source, 0, BUTTER_TREE_INOTIFY);
}

static int nothing(const struct butter_tree_node *node, void *data)
{
	(void)node, (void)data;
	return 0;
}

int get_and_dump(struct butter_source *source)
{
	struct butter_tree_statistics now;
	butter_tree_get((struct butter_tree *)source, &now);
	return butter_tree_dump((struct butter_tree *)source, nothing, NULL);
}
