/* SPDX-License-Identifier: MIT */
/* The same tree by other programs, where they are installed: until they say that all is watched. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <butter/tree.h>

#include "tree.h"

enum { ROUNDS = 5, SLICES = 101, PYTHON_ROUNDS = 3, SECOND = 1000000000 };

struct peer {
	const struct bench_tree *tree;
	const char *command; /* of sh(1), with the tree's path as $1 */
	const char *ready;   /* what it says when all is watched */
	const char *script;  /* $2 */
	pid_t pid;
	FILE *out;
};

/* 0: there is no such program. */
static int start(struct peer *peer)
{
	char line[512];
	int pipe_fds[2];
	if (pipe2(pipe_fds, O_CLOEXEC) < 0 || (peer->pid = fork()) < 0)
		bench_die("fork");
	if (peer->pid == 0) {
		dup2(pipe_fds[1], STDOUT_FILENO);
		dup2(pipe_fds[1], STDERR_FILENO);
		execl("/bin/sh", "sh", "-c", peer->command, "sh", peer->tree->path, peer->script,
		      (char *)NULL);
		_exit(127);
	}
	close(pipe_fds[1]);
	peer->out = fdopen(pipe_fds[0], "r");
	while (peer->out && fgets(line, sizeof(line), peer->out))
		if (strstr(line, peer->ready))
			return 1;
	return 0;
}

static void stop(struct peer *peer)
{
	kill(peer->pid, SIGKILL);
	waitpid(peer->pid, NULL, 0);
	if (peer->out)
		fclose(peer->out);
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

static int is_there(struct peer *peer)
{
	int there = start(peer);
	stop(peer);
	return there;
}

static void set_up(struct peer *peer, const char *name, double goal, unsigned rounds)
{
	struct bench_tree_scan scan = {peer->tree, 1};
	const struct bench bench = {name, goal, 1, peer_side, bench_tree_scan_side, peer, &scan};
	if (is_there(peer))
		bench_compare_in(&bench, rounds);
	else
		bench_missing(name, "not installed");
}

/* From a write to the news of it. */
struct latency {
	int fd;
	char path[256];
	FILE *out;
	struct butter_tree *tree;
};

static void make_file(struct latency *latency, const char *dir, const char *name)
{
	snprintf(latency->path, sizeof(latency->path), "%s/%s", dir, name);
	latency->fd = open(latency->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (latency->fd < 0)
		bench_die(latency->path);
}

static void write_one(const struct latency *latency)
{
	if (pwrite(latency->fd, "x", 1, 0) != 1)
		bench_die(latency->path);
}

static double peer_latency_side(void *arg)
{
	const struct latency *latency = arg;
	char line[512];
	uint64_t start_time = bench_now();
	write_one(latency);
	if (!fgets(line, sizeof(line), latency->out))
		bench_die("a peer ended");
	return bench_per(start_time, 1);
}

static double butter_latency_side(void *arg)
{
	const struct latency *latency = arg;
	struct butter_tree_event event;
	uint64_t start_time = bench_now();
	write_one(latency);
	if (butter_tree_wait_event(latency->tree, &event, 10LL * SECOND) != 1)
		bench_die("butter_tree_wait_event");
	return bench_per(start_time, 1);
}

/* One file for each of the two, in a folder for each. */
static void latency(const char *pattern)
{
	struct bench_tree dirs[2];
	struct latency peer_side_arg = {0}, butter = {0};
	struct peer peer = {.tree = &dirs[0], .command = pattern, .ready = "established"};
	const struct bench bench = {"tree latency, beside inotifywait",
				    1.0,
				    31,
				    peer_latency_side,
				    butter_latency_side,
				    &peer_side_arg,
				    &butter};
	if (!bench_tree_make(&dirs[0], bench_scratch(), 0) || !bench_tree_make(&dirs[1], bench_scratch(), 0))
		bench_die("mkdtemp");
	make_file(&peer_side_arg, dirs[0].path, "file");
	make_file(&butter, dirs[1].path, "file");
	if (start(&peer)) {
		peer_side_arg.out = peer.out;
		butter.tree = bench_tree_open(dirs[1].path, 0);
		bench_compare(&bench);
		butter_tree_close(butter.tree);
	} else {
		bench_missing(bench.name, "not installed");
	}
	stop(&peer);
	close(peer_side_arg.fd);
	close(butter.fd);
}

void bench_tree_peers(const struct bench_tree *tree, const char *pyinotify_script)
{
	struct peer inotifywait = {
		.tree = tree, .command = "exec inotifywait -r -m \"$1\"", .ready = "established"};
	struct peer pyinotify = {.tree = tree,
				 .command = "exec /usr/bin/python3 \"$2\" pyinotify \"$1\"",
				 .ready = "ready",
				 .script = pyinotify_script};
	struct peer watchdog = pyinotify;
	watchdog.command = "exec /usr/bin/python3 \"$2\" watchdog \"$1\"";
	set_up(&inotifywait, "tree set-up, beside inotifywait -r", 1 / 2.2, ROUNDS);
	set_up(&pyinotify, "tree set-up, beside pyinotify", 1 / 3.5, PYTHON_ROUNDS);
	set_up(&watchdog, "tree set-up, beside watchdog", BENCH_PEER, PYTHON_ROUNDS);
	latency("exec inotifywait -r -m -e modify \"$1\"");
}
