/* SPDX-License-Identifier: MIT */
/* Trees of directories, and what the tree watcher is measured against. */
#ifndef BENCH_TREE_H
#define BENCH_TREE_H

#include "bench.h"

struct butter_tree;

/* A tree of directories, each with up to 10 subdirectories. */
struct bench_tree {
	char path[128];
	unsigned count; /* of directories below it */
};

/* Made in a new directory of parent, and removed when the program ends. 0: it cannot be made there. */
int bench_tree_make(struct bench_tree *tree, const char *parent, unsigned count);

/* What a daemon of its own would do, as fast as it can be done by one thread; it gives its directories. */
unsigned bench_tree_by_hand(int inotify, const char *path);

/* butter's side: a tree that is watched, and the time that it took. */
struct bench_tree_scan {
	const struct bench_tree *tree;
	unsigned workers;
};
struct butter_tree *bench_tree_open(const char *path, unsigned workers);
double bench_tree_scan_side(void *arg);

void bench_tree_peers(const struct bench_tree *tree, const char *pyinotify_script);

#endif
