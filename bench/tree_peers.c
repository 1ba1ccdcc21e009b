/* SPDX-License-Identifier: MIT */
/* The same tree by other programs, where they are installed: until all is watched. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <butter/tree.h>

#include "tree.h"

enum { ROUNDS = 5, SLOW_ROUNDS = 3, SLICES = 101, PATIENCE = 60, POKE = 1, LINE = 512 };

struct peer {
	const struct bench_tree *tree;
	const char *command; /* of sh(1), with the tree's path as $1 */
	const char *ready;   /* what it says when all is watched; NULL: it says nothing before an event */
	const char *script;  /* $2 */
	pid_t pid;
	int out;
};

static void run(struct peer *peer)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0 || (peer->pid = fork()) < 0)
		bench_die("fork");
	if (peer->pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		execl("/bin/sh", "sh", "-c", peer->command, "sh", peer->tree->path, peer->script,
		      (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	peer->out = fds[0];
}

/* Byte by byte, since the rest of what it says is for the next read. 0: it has ended. */
static int read_line(int fd, char line[LINE])
{
	size_t len = 0;
	ssize_t n = 0;
	while (len + 1 < LINE && (n = read(fd, line + len, 1)) == 1 && line[len] != '\n')
		len++;
	line[len] = '\0';
	return n == 1;
}

/* What is watched last is the whole; until then nobody hears of the top. */
static int poke(const struct peer *peer)
{
	struct pollfd out = {.fd = peer->out, .events = POLLIN};
	char line[LINE];
	uint64_t end = bench_now() + PATIENCE * 1000000000ULL;
	while (bench_now() < end && utimensat(AT_FDCWD, peer->tree->path, NULL, 0) == 0)
		if (poll(&out, 1, POKE) > 0)
			return read_line(peer->out, line) && strstr(line, peer->tree->path);
	return 0;
}

/* 0: there is no such program, or it cannot do it. */
static int start(struct peer *peer)
{
	char line[LINE];
	run(peer);
	if (!peer->ready)
		return poke(peer);
	while (read_line(peer->out, line))
		if (strstr(line, peer->ready))
			return 1;
	return 0;
}

static void stop(struct peer *peer)
{
	kill(peer->pid, SIGKILL);
	waitpid(peer->pid, NULL, 0);
	close(peer->out);
	errno = 0;
}

static double peer_side(void *arg)
{
	struct peer *peer = arg;
	uint64_t start_time = bench_now();
	if (!start(peer))
		bench_die(peer->command);
	double ns = bench_per(start_time, peer->tree->count);
	stop(peer);
	return ns;
}

static unsigned count_lines(const char *path, const char *begin)
{
	char line[LINE];
	unsigned count = 0;
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		count += strncmp(line, begin, strlen(begin)) == 0;
	if (file)
		fclose(file);
	return count;
}

static unsigned count_watches(const struct peer *peer)
{
	char path[300];
	unsigned count = 0;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)peer->pid);
	size_t len = strlen(path);
	DIR *dir = opendir(path);
	const struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		snprintf(path + len, sizeof(path) - len, "/%s", entry->d_name);
		count += entry->d_name[0] != '.' ? count_lines(path, "inotify wd:") : 0;
	}
	if (dir)
		closedir(dir);
	return count;
}

/* Whether it does the whole: a peer that stops half-way would be the fastest. */
static const char *what_is_wrong(struct peer *peer, double *ret_bytes)
{
	int there = start(peer);
	unsigned watches = there ? count_watches(peer) : 0;
	*ret_bytes = there ? bench_tree_resident(peer->pid) / peer->tree->count : 0;
	stop(peer);
	if (!there)
		return "not installed, or it fails";
	return watches < peer->tree->count ? "does not watch all of it" : NULL;
}

static void set_up(struct peer *peer, const char *what, const char *where, double goal, unsigned rounds)
{
	char name[96];
	double bytes;
	const char *wrong = what_is_wrong(peer, &bytes);
	for (unsigned i = 0; i < (wrong ? 1 : 2); i++) {
		struct bench_tree_scan scan = {peer->tree, BUTTER_TREE_INOTIFY, i, 0, peer->tree->count};
		const struct bench bench = {name, goal, 1, peer_side, bench_tree_scan_side, peer, &scan};
		snprintf(name, sizeof(name), "tree, %s, %s, %u workers", where, what, i);
		if (wrong)
			bench_missing(name, wrong);
		else
			bench_compare_in(&bench, rounds);
	}
	if (!wrong)
		bench_figures("  bytes of its process a directory", BENCH_PEER, bytes,
			      bench_tree_bytes(peer->tree, 0));
}

/* One mark for the filesystem; exec(2) is in it. */
static void mark(const struct bench_tree *tree, const char *where)
{
	struct peer peer = {
		.tree = tree, .command = "exec fsnotifywait -S -m -e modify \"$1\"", .ready = "established"};
	struct bench_tree_scan scan = {tree, BUTTER_TREE_FANOTIFY, 0, 0, tree->count};
	char name[96];
	const struct bench bench = {name, BENCH_PEER, 1, peer_side, bench_tree_scan_side, &peer, &scan};
	snprintf(name, sizeof(name), "tree, %s, fsnotifywait -S", where);
	int there = start(&peer);
	stop(&peer);
	if (there)
		bench_compare_in(&bench, ROUNDS);
	else
		bench_missing(name, "not installed, or not for this user");
}

void bench_tree_peers(const struct bench_tree *tree, const char *where, const char *script)
{
	struct peer inotifywait = {
		.tree = tree, .command = "exec inotifywait -r -m \"$1\"", .ready = "established"};
	struct peer fswatch = {.tree = tree, .command = "exec fswatch -m inotify_monitor -r \"$1\""};
	struct peer pyinotify = {.tree = tree,
				 .command = "exec /usr/bin/python3 \"$2\" pyinotify \"$1\"",
				 .ready = "ready",
				 .script = script};
	struct peer watchdog = pyinotify;
	watchdog.command = "exec /usr/bin/python3 \"$2\" watchdog \"$1\"";
	set_up(&inotifywait, "inotifywait", where, 1 / 2.2, ROUNDS);
	set_up(&pyinotify, "pyinotify", where, 1 / 3.5, SLOW_ROUNDS);
	set_up(&watchdog, "watchdog", where, BENCH_PEER, SLOW_ROUNDS);
	set_up(&fswatch, "fswatch", where, BENCH_PEER, SLOW_ROUNDS);
	mark(tree, where);
}

/* From a write to the line that another process prints of it. */
struct latency {
	int fd, out;
	char path[256];
};

static void make_file(struct latency *latency, const char *dir)
{
	snprintf(latency->path, sizeof(latency->path), "%s/file", dir);
	latency->fd = open(latency->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (latency->fd < 0)
		bench_die(latency->path);
}

static double latency_side(void *arg)
{
	const struct latency *latency = arg;
	char line[LINE];
	uint64_t start_time = bench_now();
	if (pwrite(latency->fd, "x", 1, 0) != 1)
		bench_die(latency->path);
	if (!read_line(latency->out, line))
		bench_die("a program that tells of events has ended");
	return bench_per(start_time, 1);
}

_Noreturn static void tell_of(const struct bench_tree *tree, int out)
{
	struct bench_tree_scan scan = {.tree = tree, .backend = BUTTER_TREE_INOTIFY};
	struct butter_tree *x = bench_tree_open(&scan);
	struct butter_tree_event event;
	dprintf(out, "ready\n");
	while (butter_tree_wait_event(x, &event, -1) == 1)
		if (event.type == BUTTER_TREE_MODIFIED)
			dprintf(out, "%s MODIFY %s\n", tree->path, event.name);
	_exit(1);
}

static pid_t run_butter(const struct bench_tree *tree, struct latency *latency)
{
	char line[LINE];
	int fds[2];
	pid_t pid = pipe2(fds, O_CLOEXEC) < 0 ? -1 : fork();
	if (pid < 0)
		bench_die("fork");
	if (pid == 0)
		tell_of(tree, fds[1]);
	close(fds[1]);
	latency->out = fds[0];
	if (!read_line(fds[0], line))
		bench_die("butter_tree");
	return pid;
}

void bench_tree_latency(void)
{
	struct bench_tree dirs[2];
	struct latency raw, butter;
	struct peer peer = {.tree = &dirs[0],
			    .command = "exec inotifywait -r -m -e modify \"$1\"",
			    .ready = "established"};
	const struct bench bench = {
		"tree latency, beside inotifywait", 1.05, SLICES, latency_side, latency_side, &raw, &butter};
	for (unsigned i = 0; i < 2; i++)
		bench_tree_make(&dirs[i], bench_scratch(), 0);
	make_file(&raw, dirs[0].path);
	make_file(&butter, dirs[1].path);
	if (start(&peer)) {
		raw.out = peer.out;
		pid_t pid = run_butter(&dirs[1], &butter);
		bench_compare(&bench);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(butter.out);
	} else {
		bench_missing(bench.name, "not installed");
	}
	stop(&peer);
	close(raw.fd);
	close(butter.fd);
}
