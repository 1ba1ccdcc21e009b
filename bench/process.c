/* SPDX-License-Identifier: MIT */
/*
 * A program started and waited for: butter beside posix_spawn(3) and waitpid(2), in a small parent
 * and in one that has much memory, of which neither copies anything; then beside fork(2).
 */
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <butter/process.h>

#include "bench.h"

enum { COUNT = 16, SLICES = 16, FORK_SLICES = 4, MIB = 1024 * 1024, LARGE = 256 };

static char program[] = "/bin/true";
static char *const arguments[] = {program, NULL};

static void check_status(int status)
{
	if (status)
		bench_die("the child has failed");
	bench_sink += 1;
}

static double libc_side(void *arg)
{
	pid_t pid;
	int status;
	(void)arg;
	uint64_t start = bench_now();
	for (unsigned i = 0; i < COUNT; i++) {
		if (posix_spawn(&pid, program, NULL, NULL, arguments, environ) ||
		    waitpid(pid, &status, 0) != pid)
			bench_die("posix_spawn");
		check_status(status);
	}
	return bench_per(start, COUNT);
}

static double fork_side(void *arg)
{
	int status;
	(void)arg;
	uint64_t start = bench_now();
	for (unsigned i = 0; i < COUNT; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			execve(program, arguments, environ);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			bench_die("fork");
		check_status(status);
	}
	return bench_per(start, COUNT);
}

static double butter_side(void *arg)
{
	const struct butter_spawn how = {.size = sizeof(how), .path = program, .argv = arguments};
	struct butter_process_event event;
	(void)arg;
	uint64_t start = bench_now();
	for (unsigned i = 0; i < COUNT; i++) {
		struct butter_process *x = butter_spawn(&how);
		if (!x || butter_process_wait_event(x, &event, -1) != 1)
			bench_die("butter_spawn");
		check_status(event.status);
		butter_process_close(x);
	}
	return bench_per(start, COUNT);
}

void bench_process(void)
{
	struct bench bench = {
		"process, spawn and wait_event", BENCH_GOAL, SLICES, libc_side, butter_side, NULL, NULL};
	bench_compare(&bench);
	char *memory = malloc((size_t)LARGE * MIB);
	if (!memory)
		bench_die("malloc");
	memset(memory, 1, (size_t)LARGE * MIB);
	bench_sink += (unsigned char)memory[LARGE];
	bench.name = "  in a parent of 256 MiB";
	bench_compare(&bench);
	bench.name = "  posix_spawn(3) twice";
	bench.goal = BENCH_CONTROL;
	bench.other = libc_side;
	bench_compare(&bench);
	bench.name = "  fork(2) beside posix_spawn(3)";
	bench.goal = BENCH_PEER;
	bench.slices = FORK_SLICES;
	bench.other = fork_side;
	bench_compare(&bench);
	free(memory);
}
