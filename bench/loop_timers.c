/* SPDX-License-Identifier: MIT */
/*
 * A million timers. The first start of all is mostly the kernel's giving of pages to tables that grow, and
 * has no goal. Each step counts with the turn that follows it, in which a loop may do what it has put off. A
 * timer that is put off goes behind all others, as a timeout does that activity puts off.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop.h"

/* malloc(3) keeps nothing as large as this for the next round, whose start is a first one again. */
enum { NOT_KEPT = 1 << 17 };

enum { TIMERS = 1000000, SPREAD_MS = 100, SLACK_MS = 20, FAR_SECONDS = 1000, ROUNDS = 15 };

int loop_fired(struct loop_use *use)
{
	return ++use->fired == use->last;
}

static double timed(const struct loop_lib *lib, struct loop_use *use, void (*step)(void *))
{
	uint64_t start = bench_cpu();
	step(use->loop);
	lib->turn(use->loop);
	return (double)(bench_cpu() - start) / use->timer_count;
}

static void limit(const struct loop_lib *lib, struct loop_use *use)
{
	use->timer_count = lib->max_timers && lib->max_timers < TIMERS ? lib->max_timers : TIMERS;
}

/* start, when the tables have to grow, and when they have; again, stop. Gives the time of a start. */
static uint64_t arm(const struct loop_lib *lib, const int64_t *times, double *ret)
{
	struct loop_use use = {.after = times};
	limit(lib, &use);
	use.loop = lib->open(&use);
	lib->turn(use.loop);
	uint64_t start = bench_now();
	ret[0] = timed(lib, &use, lib->timer_start);
	start = bench_now() - start;
	lib->timer_stop(use.loop);
	lib->turn(use.loop);
	ret[1] = timed(lib, &use, lib->timer_start);
	loop_sleep((SPREAD_MS + SLACK_MS) * (int64_t)LOOP_MS);
	lib->turn(use.loop);
	ret[2] = timed(lib, &use, lib->timer_again);
	ret[3] = timed(lib, &use, lib->timer_stop);
	lib->close(use.loop);
	return start;
}

/* Late enough for all to be started before the first is due. */
static int64_t make_near(int64_t *times, unsigned count, uint64_t start)
{
	int64_t after = SPREAD_MS * (int64_t)LOOP_MS + 3 * (int64_t)start;
	for (unsigned i = 0; i < count; i++)
		times[i] += after - FAR_SECONDS * (int64_t)LOOP_SECOND;
	return after;
}

static void make_far(int64_t *times, unsigned count, int64_t after)
{
	for (unsigned i = 0; i < count; i++)
		times[i] -= after - FAR_SECONDS * (int64_t)LOOP_SECOND;
}

/* All of them are due when the loop runs, and it runs until all have fired. */
static void fire(const struct loop_lib *lib, int64_t *times, uint64_t start_time, double *ret)
{
	struct loop_use use = {.after = times, .once = 1};
	limit(lib, &use);
	int64_t after = make_near(times, use.timer_count, start_time);
	use.last = use.timer_count;
	use.loop = lib->open(&use);
	lib->turn(use.loop);
	lib->timer_start(use.loop);
	lib->turn(use.loop);
	unsigned before = use.fired;
	errno = 0;
	if (before == use.last)
		loop_die(lib, "all timers fired while they were being started");
	loop_sleep(after + (SPREAD_MS + SLACK_MS) * (int64_t)LOOP_MS);
	uint64_t start = bench_cpu();
	lib->run(use.loop);
	ret[4] = (double)(bench_cpu() - start) / (use.last - before);
	bench_check_count(use.fired, use.last);
	lib->close(use.loop);
	make_far(times, use.timer_count, after);
}

static int timers_side(const struct loop_lib *lib, void *arg, double *ret)
{
	int64_t *times = arg;
	fire(lib, times, arm(lib, times, ret), ret);
	return 1;
}

void loop_timers(void)
{
	mallopt(M_MMAP_THRESHOLD, NOT_KEPT);
	int64_t *times = loop_times(TIMERS, FAR_SECONDS * (int64_t)LOOP_SECOND, SPREAD_MS * (int64_t)LOOP_MS);
	struct loop_race race = {
		.names = {"1,000,000 timers: first start", "  start", "  put off", "  stop", "  fire"},
		.base = LOOP_LIBEV,
		.rounds = ROUNDS,
		.goal = 1 / 1.8,
		.goals_from = 1,
		.timers = TIMERS,
		.side = timers_side,
		.arg = times};
	loop_race(&race);
	free(times);
	for (int i = 0; loop_libs[i]; i++)
		if (loop_libs[i]->open && loop_libs[i]->max_timers)
			printf("  %s: of %u timers\n", loop_libs[i]->name, loop_libs[i]->max_timers);
}
