/* SPDX-License-Identifier: MIT */
/* Trees to be watched. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree.h"

enum { FANOUT = 10, MAX_FDS = 32 };

static struct bench_tree trees[4];
static unsigned tree_count;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_trees(void)
{
	while (tree_count > 0)
		nftw(trees[--tree_count].path, remove_entry, MAX_FDS, FTW_DEPTH | FTW_PHYS);
}

/* The nth is in the one of number (n - 1) / FANOUT, the top is number 0. */
static void name_directory(const struct bench_tree *tree, unsigned n, char *buf, size_t size)
{
	char below[256];
	size_t at = sizeof(below) - 1;
	below[at] = '\0';
	for (; n > 0; n = (n - 1) / FANOUT) {
		below[--at] = (char)('0' + (n - 1) % FANOUT);
		below[--at] = 'd';
		below[--at] = '/';
	}
	snprintf(buf, size, "%s%s", tree->path, below + at);
}

int bench_tree_make(struct bench_tree *tree, const char *parent, unsigned count)
{
	char path[512];
	snprintf(tree->path, sizeof(tree->path), "%s/butter-bench-tree-XXXXXX", parent);
	if (!mkdtemp(tree->path))
		return 0;
	if (tree_count == 0)
		atexit(remove_trees);
	trees[tree_count++] = *tree;
	tree->count = count;
	for (unsigned i = 1; i <= count; i++) {
		name_directory(tree, i, path, sizeof(path));
		if (mkdir(path, 0700) < 0)
			bench_die(path);
	}
	return 1;
}
