/* SPDX-License-Identifier: MIT */
/* Trees of directories, and what the tree watcher is measured against. */
#ifndef BENCH_TREE_H
#define BENCH_TREE_H

#include <stdint.h>
#include <sys/types.h>

#include "bench.h"

struct butter_tree;

/* A directory with one in it, top, which is a tree of directories with up to 10 subdirectories each. */
struct bench_tree {
	char path[128];
	unsigned count; /* of directories below path */
};

/* Made in a new directory of parent, and removed when the program ends. */
void bench_tree_make(struct bench_tree *tree, const char *parent, unsigned count);

/*
 * A directory of a filesystem of this type, "tmpfs" or "ext4", mounted for this process and its children
 * only. NULL: not for this user.
 */
const char *bench_tree_place(const char *type);

/* As many directories as may be watched, and no more than wanted. */
unsigned bench_tree_watches(unsigned wanted);

/* What a daemon of its own would do, as fast as it can be done by one thread; it gives its directories. */
unsigned bench_tree_by_hand(int inotify, const char *path);

/* butter's side: a tree that is watched, which is found to be whole, and the time that it took. */
struct bench_tree_scan {
	const struct bench_tree *tree;
	uint32_t backend, workers, flags;
	unsigned per; /* what the time is divided by */
};
struct butter_tree *bench_tree_open(const struct bench_tree_scan *scan);
double bench_tree_scan_side(void *arg);

/* Reads until there is nothing; gives the number of events. */
unsigned bench_tree_drain(struct butter_tree *x);

/* The memory of a process, in bytes; 0: there is none. */
double bench_tree_resident(pid_t pid);

/* What butter says that it has for a directory of the tree. */
double bench_tree_bytes(const struct bench_tree *tree, uint32_t flags);

/* The parts: what is handled when all is watched, and other programs. */
void bench_tree_events(const struct bench_tree *small, const struct bench_tree *large);
void bench_tree_peers(const struct bench_tree *tree, const char *where, const char *script);
void bench_tree_latency(void);

#endif
