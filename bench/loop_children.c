/* SPDX-License-Identifier: MIT */
/*
 * From the moment in which a process is let end to the callback. The process is cat(1), since there is a
 * library that watches what it has started alone; it ends when its standard input does.
 */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop.h"

enum { CHILDREN = 8 };

static void child_open(struct loop_child *child)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC))
		bench_die("pipe2");
	*child = (struct loop_child){.input = fds[0], .gate = fds[1]};
}

static void child_spawn(struct loop_child *child)
{
	char *const arguments[] = {(char[]){"/bin/cat"}, NULL};
	posix_spawn_file_actions_t actions;
	if (posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_adddup2(&actions, child->input, STDIN_FILENO) ||
	    posix_spawn(&child->pid, arguments[0], &actions, NULL, arguments, environ))
		bench_die("posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
}

/* Lets it come as far as its read(2), which is when the pipe is empty again. */
static void child_settle(const struct loop_child *child)
{
	(void)child;
	loop_sleep(2 * (int64_t)LOOP_MS);
}

static int child_side(const struct loop_lib *lib, void *arg, double *ret)
{
	struct loop_use use = {0};
	struct loop_child child;
	(void)arg;
	if (!lib->child_start)
		return 0;
	ret[0] = 0;
	use.loop = lib->open(&use);
	for (int i = 0; i < CHILDREN; i++) {
		child_open(&child);
		if (lib != &loop_libuv)
			child_spawn(&child);
		lib->child_start(use.loop, &child);
		close(child.input);
		lib->turn(use.loop);
		child_settle(&child);
		uint64_t start = bench_now();
		close(child.gate);
		lib->run(use.loop);
		ret[0] += (double)(child.ended - start) / CHILDREN;
	}
	lib->close(use.loop);
	return 1;
}

void loop_children(void)
{
	struct loop_race race = {
		.names = {"child: its end to the callback"}, .goal = 1.05, .side = child_side};
	loop_race(&race);
}
