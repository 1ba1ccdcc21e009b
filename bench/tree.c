/* SPDX-License-Identifier: MIT */
/* The tree watcher beside hand-written C: setting up, draining, and renaming what much is in. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <butter/tree.h>

#include "tree.h"

enum { DIRECTORIES = 100000, SPARE_WATCHES = 1000, ROUNDS = 5, SLICES = 5, FILES = 64, BATCH = 64 };

static double hand_side(void *arg)
{
	const struct bench_tree *tree = arg;
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	uint64_t start = bench_now();
	unsigned got = bench_tree_by_hand(fd, tree->path);
	double ns = bench_per(start, tree->count);
	bench_check_count(got, tree->count);
	close(fd);
	return ns;
}

struct butter_tree *bench_tree_open(const char *path, unsigned workers)
{
	struct butter_tree_options options = {.size = sizeof(options), .scan_workers = workers};
	struct butter_tree_event event;
	struct butter_tree *x = butter_tree_open(&options);
	if (!x || butter_tree_add(x, path, NULL, NULL) < 0)
		bench_die("butter_tree");
	while (butter_tree_read_event(x, &event) > 0)
		continue;
	return x;
}

double bench_tree_scan_side(void *arg)
{
	const struct bench_tree_scan *scan = arg;
	uint64_t start = bench_now();
	struct butter_tree *x = bench_tree_open(scan->tree->path, scan->workers);
	double ns = bench_per(start, scan->tree->count);
	butter_tree_close(x);
	return ns;
}

static void set_up(struct bench_tree *tree, const char *where)
{
	static const double goals[] = {BENCH_PEER, 1.25, 1.0};
	char name[64];
	for (unsigned i = 0; i < 3; i++) {
		struct bench_tree_scan scan = {tree, i};
		const struct bench bench = {name, goals[i], 1, hand_side, bench_tree_scan_side, tree, &scan};
		snprintf(name, sizeof(name), "tree set-up, %s, %u workers", where, i);
		bench_compare_in(&bench, ROUNDS);
	}
}

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

static void drain(void)
{
	struct drain raw = {.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)},
		     butter = {.drain = drain_one_by_one};
	struct bench bench = {"tree drain, read_event", 1.3,  SLICES, raw_drain_side,
			      butter_drain_side,        &raw, &butter};
	make_files(&raw, "tree-raw");
	make_files(&butter, "tree-butter");
	if (raw.fd < 0 || inotify_add_watch(raw.fd, raw.queue.dir, IN_ATTRIB) < 0)
		bench_die("inotify");
	butter.tree = bench_tree_open(butter.queue.dir, 0);
	bench_compare(&bench);
	bench.name = "tree drain, read_events of 64";
	butter.drain = drain_batches;
	bench_compare(&bench);
	butter_tree_close(butter.tree);
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
	unsigned got;
	uint64_t start = bench_now();
	if (rename(top->paths[0], top->paths[1]) < 0)
		bench_die(top->paths[0]);
	got = drain_one_by_one(top->tree);
	double ns = bench_per(start, 1);
	bench_check_count(got, 1);
	memcpy(path, top->paths[0], sizeof(path));
	memcpy(top->paths[0], top->paths[1], sizeof(path));
	memcpy(top->paths[1], path, sizeof(path));
	return ns;
}

/* The one has a tenth of the tree in it, the other nothing. */
static void rename_top(const struct bench_tree *tree)
{
	struct top full = {0}, empty = {0};
	const struct bench bench = {
		"tree rename, of empty and full", 1.1, 11, rename_side, rename_side, &empty, &full};
	snprintf(full.paths[0], sizeof(full.paths[0]), "%s/d0", tree->path);
	snprintf(full.paths[1], sizeof(full.paths[1]), "%s/e0", tree->path);
	snprintf(empty.paths[0], sizeof(empty.paths[0]), "%s/d-", tree->path);
	snprintf(empty.paths[1], sizeof(empty.paths[1]), "%s/e-", tree->path);
	if (mkdir(empty.paths[0], 0700) < 0)
		bench_die(empty.paths[0]);
	full.tree = empty.tree = bench_tree_open(tree->path, 0);
	bench_compare(&bench);
	butter_tree_close(full.tree);
	rename(full.paths[1], tree->path);
	rmdir(empty.paths[0]);
	rmdir(empty.paths[1]);
}

static unsigned watches_left(unsigned wanted)
{
	unsigned limit = 0;
	FILE *file = fopen("/proc/sys/fs/inotify/max_user_watches", "re");
	if (!file || fscanf(file, "%u", &limit) != 1)
		bench_die("/proc/sys/fs/inotify/max_user_watches");
	fclose(file);
	if (limit < 2 * SPARE_WATCHES)
		return limit / 2;
	return limit - SPARE_WATCHES < wanted ? limit - SPARE_WATCHES : wanted;
}

void bench_tree(const char *pyinotify_script, unsigned directories)
{
	struct bench_tree memory, disk;
	const char *tmp = getenv("TMPDIR");
	unsigned count = watches_left(directories ? directories : DIRECTORIES);
	drain();
	if (!bench_tree_make(&memory, bench_scratch(), count) ||
	    !bench_tree_make(&disk, tmp && *tmp ? tmp : "/tmp", count))
		bench_die("mkdtemp");
	set_up(&memory, "tmpfs");
	set_up(&disk, "disk");
	rename_top(&memory);
	bench_tree_peers(&memory, pyinotify_script);
}
