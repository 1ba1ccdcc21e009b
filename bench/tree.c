/* SPDX-License-Identifier: MIT */
/* Beginning to watch a tree, beside hand-written C: time, and memory. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <butter/tree.h>

#include "tree.h"

enum { DIRECTORIES = 100000, FEW = 1000, ROUNDS = 11, GOAL_BYTES = 64, NAME = 3 /* "d0" and its NUL */ };

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

unsigned bench_tree_drain(struct butter_tree *x)
{
	struct butter_tree_event event;
	unsigned got = 0;
	while (butter_tree_read_event(x, &event) > 0)
		got++;
	return got;
}

static struct butter_tree *open_tree(const struct bench_tree_scan *scan)
{
	struct butter_tree_options options = {
		.size = sizeof(options), .flags = scan->flags, .scan_workers = scan->workers};
	struct butter_tree_root root = {.size = sizeof(root), .backend = scan->backend};
	struct butter_tree *x = butter_tree_open(&options);
	if (!x || butter_tree_add(x, scan->tree->path, &root, NULL) < 0)
		bench_die("butter_tree_add");
	return x;
}

/* What is told: that the root is ready, and where files are known what is there. fanotify need not know the
 * directories yet. */
static void check(struct butter_tree *x, const struct bench_tree_scan *scan)
{
	struct butter_tree_statistics s;
	butter_tree_get(x, &s);
	errno = 0;
	if (scan->backend == BUTTER_TREE_INOTIFY &&
	    (s.directories != scan->tree->count + 1 || s.watches != s.directories))
		bench_die("not all directories are watched; the limit of watches is the whole user's");
	bench_check_count(bench_tree_drain(x),
			  scan->flags & BUTTER_TREE_ENTRIES ? (unsigned)(s.directories + s.entries) : 1);
}

struct butter_tree *bench_tree_open(const struct bench_tree_scan *scan)
{
	struct butter_tree *x = open_tree(scan);
	check(x, scan);
	return x;
}

double bench_tree_scan_side(void *arg)
{
	const struct bench_tree_scan *scan = arg;
	uint64_t start = bench_now();
	struct butter_tree *x = open_tree(scan);
	double ns = bench_per(start, scan->per);
	check(x, scan);
	butter_tree_close(x);
	return ns;
}

/* A watch for each directory: with no thread, and with threads. */
static void watch_each(struct bench_tree *tree, const char *where, uint32_t flags)
{
	static const double goals[] = {BENCH_PEER, 1.25, 1.0};
	char name[64];
	for (unsigned i = 0; i < 3; i++) {
		struct bench_tree_scan scan = {tree, BUTTER_TREE_INOTIFY, i, flags, tree->count};
		const struct bench bench = {
			name, flags ? BENCH_PEER : goals[i], 1, hand_side, bench_tree_scan_side, tree, &scan};
		snprintf(name, sizeof(name), "tree set-up, %s%s, %u workers", where, flags ? ", files" : "",
			 i);
		bench_compare_in(&bench, ROUNDS);
	}
}

static int has_fanotify(const struct bench_tree *tree)
{
	struct butter_tree_root root = {.size = sizeof(root), .backend = BUTTER_TREE_FANOTIFY};
	struct butter_tree *x = butter_tree_open(NULL);
	int n = x ? butter_tree_add(x, tree->path, &root, NULL) : -1;
	butter_tree_close(x);
	errno = 0;
	return n >= 0;
}

/* One mark: the whole call, of a small tree and of a large one. */
static void mark_all(const struct bench_tree *few, const struct bench_tree *many, const char *where)
{
	struct bench_tree_scan small = {few, BUTTER_TREE_FANOTIFY, 0, 0, 1}, large = small;
	char name[64];
	const struct bench bench = {name, 1.1, 1, bench_tree_scan_side, bench_tree_scan_side, &small, &large};
	large.tree = many;
	snprintf(name, sizeof(name), "tree add, fanotify, %s, few and many", where);
	if (has_fanotify(few))
		bench_compare_in(&bench, ROUNDS);
	else
		bench_missing(name, "not for this user");
}

double bench_tree_resident(pid_t pid)
{
	char path[64], line[128];
	double kib = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %lf", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib * 1024;
}

/* What the trees before it had would be used again, and not be seen. */
static double resident_now(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
	return bench_tree_resident(getpid());
}

double bench_tree_bytes(const struct bench_tree *tree, uint32_t flags)
{
	struct bench_tree_scan scan = {tree, BUTTER_TREE_INOTIFY, 0, flags, 1};
	struct butter_tree_statistics s;
	struct butter_tree *x = bench_tree_open(&scan);
	butter_tree_get(x, &s);
	butter_tree_close(x);
	return (double)s.bytes / tree->count;
}

static double growth(const struct bench_tree *tree, uint32_t flags)
{
	struct bench_tree_scan scan = {tree, BUTTER_TREE_INOTIFY, 0, flags, 1};
	double before = resident_now();
	struct butter_tree *x = bench_tree_open(&scan);
	double after = bench_tree_resident(getpid());
	butter_tree_close(x);
	return (after - before) / tree->count;
}

/* What statistics say, beside the goal; and what the process has grown by, beside what statistics say. */
static void memory(const struct bench_tree *tree, uint32_t flags)
{
	double bytes = bench_tree_bytes(tree, flags);
	bench_figures(flags ? "tree, bytes a directory, files known" : "tree, bytes a directory, beside goal",
		      flags ? BENCH_PEER : 1.0, GOAL_BYTES + NAME, bytes);
	bench_figures("  as the process grows", BENCH_PEER, bytes, growth(tree, flags));
}

static void on_filesystem(const char *type, unsigned count, const char *script)
{
	struct bench_tree few, many;
	const char *place = bench_tree_place(type);
	char name[64];
	snprintf(name, sizeof(name), "trees on %s", type);
	if (!place) {
		bench_missing(name, "not for this user");
		return;
	}
	bench_tree_make(&few, place, FEW < count ? FEW : count);
	bench_tree_make(&many, place, count);
	mark_all(&few, &many, type);
	watch_each(&many, type, 0);
	watch_each(&many, type, BUTTER_TREE_ENTRIES);
	bench_tree_peers(&many, type, script);
	if (!strcmp(type, "tmpfs")) {
		memory(&many, 0);
		memory(&many, BUTTER_TREE_ENTRIES);
		bench_tree_events(&few, &many);
	}
}

void bench_tree(const char *script, unsigned directories)
{
	unsigned wanted = directories ? directories : DIRECTORIES, count = bench_tree_watches(wanted);
	if (count < wanted)
		printf("Trees of %u directories, since fs.inotify.max_user_watches allows no more.\n", count);
	on_filesystem("tmpfs", count, script);
	on_filesystem("ext4", count, script);
	bench_tree_latency();
}
