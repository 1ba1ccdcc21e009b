/* SPDX-License-Identifier: MIT */
/* A tree that is watched: draining it, and renaming what much is in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <butter/tree.h>

#include "tree.h"

enum { SLICES = 5, RENAMES = 11, FILES = 64, BATCH = 64 };

struct drain {
	struct bench_queue queue;
	int fd;
	struct butter_tree *tree;
	unsigned (*drain)(struct butter_tree *x);
};

static void fill(const struct drain *drain)
{
	char path[256];
	for (unsigned i = 0; i < drain->queue.count; i++) {
		snprintf(path, sizeof(path), "%s/file-%02u.txt", drain->queue.dir, i % FILES);
		if (chmod(path, 0600) < 0)
			bench_die(path);
	}
}

static void make_files(struct drain *drain, const char *name)
{
	char path[256];
	bench_queue_make(&drain->queue, name);
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/file-%02u.txt", drain->queue.dir, i);
		if (mknod(path, S_IFREG | 0600, 0) < 0)
			bench_die(path);
	}
}

static double raw_drain_side(void *arg)
{
	const struct drain *drain = arg;
	fill(drain);
	uint64_t start = bench_now();
	unsigned count = bench_drain_raw(drain->fd);
	double ns = bench_per(start, drain->queue.count);
	bench_check_count(count, drain->queue.count);
	return ns;
}

static uint64_t touch(const struct butter_tree_event *event)
{
	return (uint64_t)event->type + event->path_len + (unsigned char)event->path[0];
}

BENCH_DRAINS(tree, BATCH)

static double butter_drain_side(void *arg)
{
	const struct drain *drain = arg;
	fill(drain);
	uint64_t start = bench_now();
	unsigned count = drain->drain(drain->tree);
	double ns = bench_per(start, drain->queue.count);
	bench_check_count(count, drain->queue.count);
	return ns;
}

static void open_drain(struct drain *drain, uint32_t flags)
{
	struct bench_tree tree = {.count = 0};
	struct bench_tree_scan scan = {.tree = &tree, .backend = BUTTER_TREE_INOTIFY, .flags = flags};
	memcpy(tree.path, drain->queue.dir, sizeof(tree.path));
	drain->tree = bench_tree_open(&scan);
}

static void drain(void)
{
	struct drain raw = {.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)},
		     butter = {.drain = drain_one_by_one}, entries = {.drain = drain_one_by_one};
	struct bench bench = {"tree drain, read_event", 1.3,  SLICES, raw_drain_side,
			      butter_drain_side,        &raw, &butter};
	/* All before any is watched: a root hears of its parent's other entries too. */
	make_files(&raw, "tree-raw");
	make_files(&butter, "tree-dirs");
	make_files(&entries, "tree-entries");
	open_drain(&butter, 0);
	open_drain(&entries, BUTTER_TREE_ENTRIES);
	if (raw.fd < 0 || inotify_add_watch(raw.fd, raw.queue.dir, IN_ATTRIB) < 0)
		bench_die("inotify");
	bench_compare(&bench);
	bench.name = "tree drain, read_events of 64";
	butter.drain = drain_batches;
	bench_compare(&bench);
	bench.name = "tree drain, files known";
	bench.goal = BENCH_PEER;
	bench.other_arg = &entries;
	bench_compare(&bench);
	butter_tree_close(butter.tree);
	butter_tree_close(entries.tree);
	close(raw.fd);
}

struct top {
	struct butter_tree *tree;
	char paths[2][256];
};

static double rename_side(void *arg)
{
	struct top *top = arg;
	char path[256];
	uint64_t start = bench_now();
	if (rename(top->paths[0], top->paths[1]) < 0)
		bench_die(top->paths[0]);
	unsigned got = bench_tree_drain(top->tree);
	double ns = bench_per(start, 1);
	bench_check_count(got, 1);
	memcpy(path, top->paths[0], sizeof(path));
	memcpy(top->paths[0], top->paths[1], sizeof(path));
	memcpy(top->paths[1], path, sizeof(path));
	return ns;
}

static void open_top(struct top *top, const struct bench_tree *tree)
{
	struct bench_tree_scan scan = {.tree = tree, .backend = BUTTER_TREE_INOTIFY};
	top->tree = bench_tree_open(&scan);
	snprintf(top->paths[0], sizeof(top->paths[0]), "%s/top", tree->path);
	snprintf(top->paths[1], sizeof(top->paths[1]), "%s/pot", tree->path);
}

static void close_top(struct top *top)
{
	if (strstr(top->paths[0], "/pot") && rename(top->paths[0], top->paths[1]) < 0)
		bench_die(top->paths[0]);
	butter_tree_close(top->tree);
}

void bench_tree_events(const struct bench_tree *small, const struct bench_tree *large)
{
	struct top few, many;
	const struct bench bench = {
		"tree rename of the top, few and many", 1.1, RENAMES, rename_side, rename_side, &few, &many};
	drain();
	open_top(&few, small);
	open_top(&many, large);
	bench_compare(&bench);
	close_top(&few);
	close_top(&many);
}
