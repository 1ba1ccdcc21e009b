/* SPDX-License-Identifier: MIT */
/*
 * System calls of a loop with one io watcher and one timer, each time it goes round: counted, not timed.
 * butter's has to be the one that waits, or the program ends.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop.h"

enum { TURNS = 100, STOP = SIGTRAP | 0x80 };

/* What a child does once with turns = 0, and once with many: the difference is that of the turns. */
typedef void rounds(const struct loop_lib *lib, struct loop_use *use, unsigned turns);

/* The timer is a timeout, which each byte puts off. */
static void bytes(const struct loop_lib *lib, struct loop_use *use, unsigned turns)
{
	loop_ring_pass(lib, use, 1, 1 + turns);
}

/* The fd is never ready, and the timer fires. */
static void ticks(const struct loop_lib *lib, struct loop_use *use, unsigned turns)
{
	use->last = use->fired + 1 + turns;
	lib->run(use->loop);
}

static void child(const struct loop_lib *lib, rounds *run, int64_t after)
{
	struct loop_pair *pairs = loop_ring_open(1);
	struct loop_use use = {.io_count = 1, .timer_count = 1, .pairs = pairs, .after = &after, .timed = 1};
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	loop_ring_start(lib, &use);
	run(lib, &use, 0);
	raise(SIGSTOP);
	run(lib, &use, 0);
	raise(SIGUSR1);
	run(lib, &use, TURNS);
	raise(SIGUSR2);
	_exit(0);
}

/* Up to the next signal; gives the stops of system calls, two for each. */
static unsigned count_stops(pid_t pid, int signo)
{
	unsigned stops = 0;
	int status;
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid ||
		    !WIFSTOPPED(status))
			bench_die("a loop that is traced has failed");
		if (WSTOPSIG(status) == signo)
			return stops;
		stops += WSTOPSIG(status) == STOP;
	}
}

static double calls(const struct loop_lib *lib, rounds *run, int64_t after)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		child(lib, run, after);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))
		bench_die("ptrace");
	unsigned none = count_stops(pid, SIGUSR1), all = count_stops(pid, SIGUSR2);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return (double)((int)all - (int)none) / 2 / TURNS;
}

static void row(const char *name, rounds *run, int64_t after, double own)
{
	double figures[LOOP_MAX];
	for (int i = 0; loop_libs[i]; i++)
		figures[i] = loop_libs[i]->open ? calls(loop_libs[i], run, after) - own : -1;
	loop_figures(name, figures);
	if (figures[LOOP_BUTTER] > 1 || figures[LOOP_BUTTER] < 1)
		loop_die(&loop_butter, "not one system call for each turn");
}

void loop_calls(void)
{
	enum { READ_AND_WRITE = 2 };
	loop_figures_head("System calls of the loop itself");
	row("for a byte that puts off a timeout", bytes, 10 * (int64_t)LOOP_SECOND, READ_AND_WRITE);
	row("for a timer that repeats", ticks, 2 * (int64_t)LOOP_MS, 0);
}
