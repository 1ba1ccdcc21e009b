/* SPDX-License-Identifier: MIT */
/*
 * The order of callbacks, against libev itself: for every pair of the kinds of watchers that libev has,
 * started one way and the other, with the first of a higher, the same and a lower priority, the same
 * thing is done to a loop of libev's and to one of butter's, and what is called is compared.
 * Where libev's order follows from what it is made of and from nothing that it promises, only who is
 * called is compared: see is_free() and is_late().
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "order.h"

static const char *const names[KINDS] = {"io",      "timer", "periodic", "signal", "child",   "stat", "idle",
					 "prepare", "check", "embed",    "fork",   "cleanup", "async"};
/* What was called: a digit for which of the two, and '|' after each iteration. */
static char trace[MOST];
static size_t traced;

void note(char c)
{
	if (traced < MOST - 1)
		trace[traced++] = c;
	trace[traced] = 0;
}

struct world world;

static void open_world(void)
{
	world.io = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	world.inner_io = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	demand(world.io >= 0 && world.inner_io >= 0);
	world.child = fork();
	while (world.child == 0)
		pause();
}

static void end_child(void)
{
	siginfo_t si;
	demand(kill(world.child, SIGKILL) == 0);
	demand(waitid(P_PID, (id_t)world.child, &si, WEXITED | WNOWAIT) == 0);
}

static void close_world(void)
{
	close(world.io);
	close(world.inner_io);
	kill(world.child, SIGKILL);
	waitpid(world.child, NULL, 0);
}

static void append(void)
{
	int fd = open(world.path, O_WRONLY | O_APPEND | O_CLOEXEC);
	demand(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
}

void make_due(enum kind kind)
{
	if (kind == SIGNAL)
		raise(SIGUSR1);
	else if (kind == CHILD)
		end_child();
	else if (kind == STAT)
		append();
}

static int is_one_of(enum kind kind, const char *set)
{
	return strchr(set, "itpSCsIPcefxa"[kind]) != NULL;
}

/*
 * Of one priority: libev calls those of one kind in the reverse order of their start, but for those
 * with deadlines; async, signal and child have one pipe; stat comes whenever its pipe is read; and
 * what an epoll finds has an order of the kernel's.
 */
static int is_free(const enum kind kinds[2], const int priorities[2])
{
	if (priorities[0] != priorities[1])
		return 0;
	return (kinds[0] == kinds[1] && kinds[0] != TIMER && kinds[0] != PERIODIC) || kinds[0] == STAT ||
	       kinds[1] == STAT || (is_one_of(kinds[0], "aSC") && is_one_of(kinds[1], "aSC")) ||
	       (is_one_of(kinds[0], "ie") && is_one_of(kinds[1], "ie"));
}

/*
 * libev hears of these by watchers of its own, of the highest priority, that keep any idle one waiting;
 * and it calls who waits for a child at that priority, whatever its own is.
 */
static int is_late(const enum kind kinds[2], const int priorities[2])
{
	for (int i = 0; i < 2; i++) {
		if (kinds[i] == IDLE && (is_one_of(kinds[!i], "sf") ||
					 (is_one_of(kinds[!i], "aSC") && priorities[i] > priorities[!i])))
			return 1;
		if (kinds[i] == CHILD && priorities[i] < priorities[!i])
			return 1;
	}
	return 0;
}

/* What inotify had to tell is lost with a fork, until libev polls. */
static int is_lost(const enum kind kinds[2])
{
	return kinds[0] == STAT && kinds[1] == FORK;
}

static int compare_chars(const void *a, const void *b)
{
	return *(const char *)a - *(const char *)b;
}

/* In each iteration, whoever comes first. */
static void sort_iterations(char *text)
{
	for (char *end; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "|");
		qsort(text, (size_t)(end - text), 1, compare_chars);
	}
}

/* Who is called before whom, if only once. */
static void forget_iterations(char *text)
{
	char *to = text;
	for (char *from = text; *from; from++)
		if (*from != '|' && !memchr(text, *from, (size_t)(to - text)))
			*to++ = *from;
	*to = 0;
	qsort(text, (size_t)(to - text), 1, compare_chars);
}

static int compare(const enum kind kinds[2], const int priorities[2], int first)
{
	char their[MOST], our[MOST];
	char *const traces[2] = {their, our};
	for (int i = 0; i < 2; i++) {
		traced = 0;
		trace[0] = 0;
		open_world();
		(i ? run_ours : run_theirs)(kinds, priorities, first);
		close_world();
		memcpy(traces[i], trace, sizeof(trace));
		if (is_late(kinds, priorities))
			forget_iterations(traces[i]);
		else if (is_free(kinds, priorities))
			sort_iterations(traces[i]);
	}
	if ((!strcmp(their, our) || is_lost(kinds)) && strlen(our) > ITERATIONS - 2)
		return 0;
	printf("FAIL loop: 0 is %s of priority %d, 1 is %s of %d, %d is started first: libev calls %s, "
	       "butter %s\n",
	       names[kinds[0]], priorities[0], names[kinds[1]], priorities[1], first, their, our);
	return 1;
}

/* In a process of its own, since libev's default loop, which children need, is good for one life. */
static int compare_apart(const enum kind kinds[2], const int priorities[2], int first)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		int failed = compare(kinds, priorities, first);
		fflush(stdout);
		_exit(failed);
	}
	demand(waitpid(pid, &status, 0) == pid);
	if (!WIFEXITED(status))
		printf("FAIL loop: %s and %s: status %x\n", names[kinds[0]], names[kinds[1]], status);
	return status != 0;
}

int main(int argc, char **argv)
{
	static const int priorities[3][2] = {{0, 0}, {1, 0}, {-1, 0}};
	int failed = 0, count = 0;
	demand(argc == 2);
	snprintf(world.path, sizeof(world.path), "%s/file", argv[1]);
	close(open(world.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	for (int a = 0; a < KINDS; a++)
		for (int b = a; b < KINDS; b++)
			for (int i = 0; i < 6; i++, count++) {
				const enum kind kinds[2] = {(enum kind)a, (enum kind)b};
				failed += compare_apart(kinds, priorities[i / 2], i % 2);
			}
	if (!failed)
		printf("ok loop: in %d settings of two watchers each the order is libev's\n", count);
	return failed > 0;
}
