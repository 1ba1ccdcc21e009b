/* SPDX-License-Identifier: MIT */
/*
 * A million timers. Each step counts with the turn that follows it, in which a loop may do what it has
 * put off. A timer that is put off goes behind all others, as a timeout does that activity puts off.
 */
#include <stdio.h>
#include <stdlib.h>

#include "loop.h"

enum { TIMERS = 1000000, SPREAD_MS = 100, SLACK_MS = 20 };

int loop_fired(struct loop_use *use)
{
	return ++use->fired == use->last;
}

static double timed(const struct loop_lib *lib, struct loop_use *use, void (*step)(void *))
{
	uint64_t start = bench_now();
	step(use->loop);
	lib->turn(use->loop);
	return bench_per(start, use->timer_count);
}

static void limit(const struct loop_lib *lib, struct loop_use *use)
{
	use->timer_count = lib->max_timers && lib->max_timers < TIMERS ? lib->max_timers : TIMERS;
}

/* start, again, stop */
static void arm(const struct loop_lib *lib, const int64_t *times, double *ret)
{
	struct loop_use use = {.after = times};
	limit(lib, &use);
	use.loop = lib->open(&use);
	lib->turn(use.loop);
	ret[0] = timed(lib, &use, lib->timer_start);
	loop_sleep((SPREAD_MS + SLACK_MS) * (int64_t)LOOP_MS);
	lib->turn(use.loop);
	ret[1] = timed(lib, &use, lib->timer_again);
	ret[2] = timed(lib, &use, lib->timer_stop);
	lib->close(use.loop);
}

/* All of them are due when the loop runs, and it runs until all have fired. */
static void fire(const struct loop_lib *lib, const int64_t *times, double *ret)
{
	struct loop_use use = {.after = times, .once = 1};
	limit(lib, &use);
	use.last = use.timer_count;
	use.loop = lib->open(&use);
	lib->turn(use.loop);
	lib->timer_start(use.loop);
	lib->turn(use.loop);
	unsigned before = use.fired;
	loop_sleep((SPREAD_MS + SLACK_MS) * (int64_t)LOOP_MS);
	uint64_t start = bench_now();
	lib->run(use.loop);
	ret[3] = bench_per(start, use.last - before);
	bench_check_count(use.fired, use.last);
	lib->close(use.loop);
}

struct times {
	int64_t *far, *near;
};

static int timers_side(const struct loop_lib *lib, void *arg, double *ret)
{
	const struct times *times = arg;
	arm(lib, times->far, ret);
	fire(lib, times->near, ret);
	return 1;
}

void loop_timers(void)
{
	struct times times = {loop_times(TIMERS, 1000 * (int64_t)LOOP_SECOND, SPREAD_MS * (int64_t)LOOP_MS),
			      loop_times(TIMERS, LOOP_MS, SPREAD_MS * (int64_t)LOOP_MS)};
	struct loop_race race = {.names = {"1,000,000 timers: start", "  put off", "  stop", "  fire"},
				 .base = LOOP_LIBEV,
				 .goal = 1 / 1.8,
				 .side = timers_side,
				 .arg = &times};
	loop_race(&race);
	free(times.far);
	free(times.near);
	for (int i = 0; loop_libs[i]; i++)
		if (loop_libs[i]->open && loop_libs[i]->max_timers)
			printf("  %s: of %u timers\n", loop_libs[i]->name, loop_libs[i]->max_timers);
}
