/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "group.h"
#include "image.h"
#include "test.h"
#include "told.h"
#include "unwalked.h"

struct butter_tree *unwalked_begin(const char *dir)
{
	must_mount("tmpfs", dir);
	return tree_of(0, dir);
}

int unwalked_add(struct butter_tree *t, const char *path, const struct butter_tree_root *options)
{
	struct butter_tree_root o = {.size = sizeof(o)};
	struct butter_tree_event ev;
	if (options)
		o = *options;
	o.backend = BUTTER_TREE_FANOTIFY;
	o.mask = BUTTER_TREE_CREATED | BUTTER_TREE_DELETED | BUTTER_TREE_MOVED | BUTTER_TREE_MODIFIED;
	int root = butter_tree_add(t, at_base(path), &o, NULL);
	if (!is_admin()) {
		ck_assert(root == 0 || errno == EPERM);
		butter_tree_close(t);
		return 0;
	}
	ck_assert_msg(root >= 0, "%s: %s", path, strerror(errno));
	while (butter_tree_pending(t) > 1)
		ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
	ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
	ck_assert_uint_eq(ev.type, BUTTER_TREE_READY);
	return 1;
}

void make_dirs(const char *path)
{
	char *whole = strdup(at_base(path));
	for (char *at = strstr(whole, path); at; at = strchr(at + 1, '/')) {
		char *slash = strchr(at + 1, '/');
		if (slash)
			*slash = '\0';
		ck_assert(mkdir(whole, 0755) == 0 || errno == EEXIST);
		if (slash)
			*slash = '/';
	}
	free(whole);
}

uint64_t directories_of(const struct butter_tree *t)
{
	struct butter_tree_statistics s;
	butter_tree_get(t, &s);
	return s.directories;
}
