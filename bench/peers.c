/* SPDX-License-Identifier: MIT */
/* The same drain by other libraries, where they are installed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#ifdef BENCH_INOTIFYTOOLS
#include <inotifytools/inotifytools.h>

enum { TOOLS_SLICES = 3 };

static double inotifytools_side(void *arg)
{
	const struct bench_queue *queue = arg;
	unsigned count = 0;
	uint64_t sum = 0;
	bench_queue_fill(queue);
	uint64_t start = bench_now();
	for (; count < queue->count; count++) {
		const struct inotify_event *event = inotifytools_next_event(1);
		if (!event)
			break;
		sum += (uint32_t)event->wd + event->mask + event->cookie;
		sum += event->len ? strlen(event->name) : 0;
	}
	double ns = bench_per(start, queue->count);
	bench_sink = sum;
	errno = 0;
	if (count != queue->count)
		bench_die("inotifytools_next_event");
	return ns;
}

static void inotifytools(struct bench_raw_drain *raw)
{
	struct bench_queue queue;
	const struct bench bench = {"  libinotifytools", BENCH_PEER, TOOLS_SLICES, bench_raw_drain_side,
				    inotifytools_side,   raw,        &queue};
	bench_queue_make(&queue, "inotifytools");
	if (!inotifytools_initialize() || !inotifytools_watch_file(queue.dir, IN_MOVE))
		bench_die("inotifytools");
	bench_compare(&bench);
	inotifytools_cleanup();
}
#else
static void inotifytools(struct bench_raw_drain *raw)
{
	(void)raw;
	bench_missing("  libinotifytools", "not installed");
}
#endif

/* The child fills a queue of its own and prints what an event took. Negative: no pyinotify. */
static double run_pyinotify(const char *script, unsigned count)
{
	char command[512];
	double ns = -1;
	snprintf(command, sizeof(command), "exec /usr/bin/python3 '%s' '%s' %u 2>/dev/null", script,
		 bench_scratch(), count);
	FILE *child = popen(command, "re");
	if (!child)
		bench_die("popen");
	int got = fscanf(child, "%lf", &ns);
	return pclose(child) == 0 && got == 1 ? ns : -1;
}

struct pyinotify {
	const char *script;
	unsigned count;
};

static double pyinotify_side(void *arg)
{
	const struct pyinotify *py = arg;
	double ns = run_pyinotify(py->script, py->count);
	errno = 0;
	if (ns < 0)
		bench_die("pyinotify_drain.py failed");
	return ns;
}

static void pyinotify(struct bench_raw_drain *raw, const char *script)
{
	struct pyinotify py = {script, raw->queue.count};
	const struct bench bench = {"  pyinotify",  BENCH_PEER, 1,  bench_raw_drain_side,
				    pyinotify_side, raw,        &py};
	if (!script || run_pyinotify(script, 2) < 0)
		bench_missing(bench.name, "not installed");
	else
		bench_compare(&bench);
}

void bench_peers(const char *pyinotify_script)
{
	struct bench_raw_drain raw;
	bench_raw_drain_open(&raw, "peers-raw");
	inotifytools(&raw);
	pyinotify(&raw, pyinotify_script);
	close(raw.fd);
}
