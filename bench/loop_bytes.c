/* SPDX-License-Identifier: MIT */
/* The memory of a watcher: the watcher itself, and the loop's share, of which many are started. */
#include <malloc.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop.h"

enum { IOS = 4000, TIMERS = 100000 };

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
static double heap(void)
{
	struct mallinfo2 info = mallinfo2();
	return (double)info.uordblks + (double)info.hblkhd;
}
#else
static double heap(void)
{
	return -1;
}
#endif

/* Without the watchers' own memory, which is asked for when the loop is opened. */
static double growth(const struct loop_lib *lib, struct loop_use *use, void (*start)(void *), double own)
{
	unsigned count = use->io_count + use->timer_count;
	double before = heap();
	use->loop = lib->open(use);
	start(use->loop);
	lib->turn(use->loop);
	double after = heap();
	lib->close(use->loop);
	return before < 0 ? -1 : (after - before) / count - own;
}

static void ios(double *ret)
{
	unsigned count = loop_ring_most(IOS);
	struct loop_use use = {.io_count = count, .pairs = calloc(count, sizeof(*use.pairs))};
	if (!use.pairs)
		bench_die("malloc");
	for (unsigned i = 0; i < count; i++) {
		use.pairs[i].use = &use;
		if ((use.pairs[i].fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) < 0)
			bench_die("timerfd_create");
	}
	for (int i = 0; loop_libs[i]; i++)
		ret[i] = loop_libs[i]->open ? growth(loop_libs[i], &use, loop_libs[i]->io_start,
						     (double)loop_libs[i]->io_size)
					    : -1;
	loop_ring_close(use.pairs, count);
}

static void timers(double *ret)
{
	int64_t *times = loop_times(TIMERS, 1000 * (int64_t)LOOP_SECOND, LOOP_SECOND);
	struct loop_use use = {.timer_count = TIMERS, .after = times};
	for (int i = 0; loop_libs[i]; i++)
		ret[i] = loop_libs[i]->open ? growth(loop_libs[i], &use, loop_libs[i]->timer_start,
						     (double)loop_libs[i]->timer_size)
					    : -1;
	free(times);
}

void loop_bytes(void)
{
	double size[LOOP_MAX], more[LOOP_MAX];
	loop_figures_head("Bytes for a watcher");
	for (int i = 0; loop_libs[i]; i++)
		size[i] = loop_libs[i]->open ? (double)loop_libs[i]->io_size : -1;
	ios(more);
	loop_figures("io: the caller's", size);
	loop_figures("io: the loop's, when started", more);
	for (int i = 0; loop_libs[i]; i++)
		size[i] = loop_libs[i]->open ? (double)loop_libs[i]->timer_size : -1;
	timers(more);
	loop_figures("timer: the caller's", size);
	loop_figures("timer: the loop's, when started", more);
}
