/* SPDX-License-Identifier: MIT */
/* A full inotify queue, drained by hand and by butter. Filling it is not timed. */
#include <string.h>
#include <unistd.h>

#include <butter/inotify.h>

#include "bench.h"

enum { BUFFER_SIZE = 64 << 10, BATCH = 64, SLICES = 5 };

struct butter_drain {
	struct bench_queue queue;
	struct butter_inotify *inotify;
	unsigned (*drain)(struct butter_inotify *x);
};

void bench_raw_drain_open(struct bench_raw_drain *drain, const char *name)
{
	bench_queue_make(&drain->queue, name);
	drain->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (drain->fd < 0 || inotify_add_watch(drain->fd, drain->queue.dir, IN_MOVE) < 0)
		bench_die("inotify");
}

unsigned bench_drain_raw(int fd)
{
	static char buf[BUFFER_SIZE] __attribute__((aligned(16)));
	const struct inotify_event *event;
	unsigned count = 0;
	uint64_t sum = 0;
	ssize_t n;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (const char *at = buf; at < buf + n; at += sizeof(*event) + event->len) {
			event = (const void *)at;
			sum += (uint32_t)event->wd + event->mask + event->cookie;
			sum += event->len ? strlen(event->name) : 0;
			count++;
		}
	}
	bench_sink = sum;
	return count;
}

double bench_raw_drain_side(void *arg)
{
	struct bench_raw_drain *drain = arg;
	bench_queue_fill(&drain->queue);
	uint64_t start = bench_now();
	unsigned count = bench_drain_raw(drain->fd);
	double ns = bench_per(start, drain->queue.count);
	bench_check_count(count, drain->queue.count);
	return ns;
}

static uint64_t touch(const struct butter_inotify_event *event)
{
	return (uint64_t)((uint32_t)event->wd + event->mask + event->cookie) + event->name_len;
}

BENCH_DRAINS(inotify, BATCH)

static double butter_side(void *arg)
{
	struct butter_drain *drain = arg;
	bench_queue_fill(&drain->queue);
	uint64_t start = bench_now();
	unsigned count = drain->drain(drain->inotify);
	double ns = bench_per(start, drain->queue.count);
	bench_check_count(count, drain->queue.count);
	return ns;
}

void bench_inotify(void)
{
	struct bench_raw_drain raw;
	struct butter_drain drain = {.inotify = butter_inotify_open(0), .drain = drain_one_by_one};
	struct bench bench = {"inotify drain, read_event",
			      BENCH_GOAL,
			      SLICES,
			      bench_raw_drain_side,
			      butter_side,
			      &raw,
			      &drain};

	bench_raw_drain_open(&raw, "raw");
	bench_queue_make(&drain.queue, "butter");
	if (!drain.inotify || butter_inotify_watch(drain.inotify, drain.queue.dir, IN_MOVE) < 0)
		bench_die("butter_inotify");
	bench_compare(&bench);
	bench.name = "inotify drain, read_events of 64";
	drain.drain = drain_batches;
	bench_compare(&bench);
	butter_inotify_close(drain.inotify);
	close(raw.fd);
}
