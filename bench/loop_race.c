/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "loop.h"

enum { ROUNDS = 11 };

/* What a peer may take for a row: a slow one runs in the first rounds only. */
#define PEER_NS (2 * (uint64_t)LOOP_SECOND)

const struct loop_lib *const loop_libs[] = {&loop_epoll,    &loop_butter, &loop_libev,    &loop_libuv,
					    &loop_libevent, &loop_glib,   &loop_sd_event, NULL};

struct figures {
	unsigned rounds; /* that it ran in */
	uint64_t took;
	double value[LOOP_METRICS][LOOP_ROUNDS];
};

_Noreturn void loop_die(const struct loop_lib *lib, const char *what)
{
	fflush(stdout);
	fprintf(stderr, "bench: %s: ", lib->name);
	bench_die(what);
}

void *loop_memory(size_t count, size_t size)
{
	enum { PAGE = 4096 };
	size_t end = (count + 1) * size;
	volatile char *memory = calloc(1, end);
	if (!memory)
		bench_die("malloc");
	for (size_t i = 0; i < end; i += PAGE)
		memory[i] = 0;
	return (void *)memory;
}

int64_t *loop_times(unsigned count, int64_t after, int64_t spread)
{
	int64_t *times = malloc((count + 1) * sizeof(*times));
	uint64_t random = 1;
	if (!times)
		bench_die("malloc");
	for (unsigned i = 0; i < count; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		times[i] = after + (int64_t)((random >> 33) % (uint64_t)(spread + 1));
	}
	return times;
}

void loop_sleep(int64_t ns)
{
	struct timespec time = {ns / LOOP_SECOND, ns % LOOP_SECOND};
	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

/* Of the rounds in which both ran; the ratio of one to another is that of each such round. */
static struct bench_middle ratio(const struct figures *x, const struct figures *base, int metric)
{
	double ratios[LOOP_ROUNDS];
	unsigned rounds = x->rounds < base->rounds ? x->rounds : base->rounds;
	for (unsigned i = 0; i < rounds; i++)
		ratios[i] = x->value[metric][i] / base->value[metric][i];
	return bench_middle(ratios, rounds);
}

static void run(const struct loop_race *race, int i, struct figures *figures)
{
	const struct loop_lib *lib = loop_libs[i];
	double ret[LOOP_METRICS];
	int is_peer = i != LOOP_BASE && i != LOOP_BUTTER && i != race->base;
	if (!lib->open || (is_peer && figures->took > PEER_NS))
		return;
	uint64_t start = bench_cpu();
	if (!race->side(lib, race->arg, ret))
		return;
	figures->took += bench_cpu() - start;
	for (int metric = 0; metric < LOOP_METRICS && race->names[metric]; metric++)
		figures->value[metric][figures->rounds] = ret[metric];
	figures->rounds++;
}

/* Who shall be slower, and is not, by more than noise; NULL: nobody. */
static const char *ahead(const struct loop_race *race, const struct figures *figures, int metric,
			 double *ret_ratio)
{
	const char *name = NULL;
	*ret_ratio = BENCH_GOAL;
	for (int i = LOOP_BUTTER + 1; loop_libs[i]; i++) {
		if (!figures[i].rounds ||
		    (loop_libs[i]->max_timers && loop_libs[i]->max_timers < race->timers))
			continue;
		struct bench_middle behind = ratio(&figures[LOOP_BUTTER], &figures[i], metric);
		if (behind.median > *ret_ratio && behind.low > 1) {
			*ret_ratio = behind.median;
			name = loop_libs[i]->name;
		}
	}
	return name;
}

static void print_verdict(const struct loop_race *race, const struct figures *figures, int metric)
{
	double behind;
	if (!figures[LOOP_BUTTER].rounds || !figures[race->base].rounds || metric < race->goals_from) {
		printf("      -\n");
		return;
	}
	struct bench_middle own = ratio(&figures[LOOP_BUTTER], &figures[race->base], metric);
	const char *who = ahead(race, figures, metric, &behind);
	printf(" %6.2f  %.2f-%.2f  %s", race->goal, own.low, own.high, bench_verdict(&own, race->goal));
	if (who)
		printf(", behind %s %.2f", who, behind);
	printf("\n");
}

static void print_row(const struct loop_race *race, const struct figures *figures, int metric)
{
	const struct figures *base = &figures[race->base];
	double values[LOOP_ROUNDS];
	for (unsigned i = 0; i < base->rounds; i++)
		values[i] = base->value[metric][i];
	printf("%-34s %11.1f", race->names[metric], base->rounds ? bench_median(values, base->rounds) : 0);
	for (int i = 0; loop_libs[i]; i++)
		if (figures[i].rounds && base->rounds)
			printf(" %8.2f", ratio(&figures[i], base, metric).median);
		else
			printf(" %8s", "-");
	print_verdict(race, figures, metric);
	fflush(stdout);
}

void loop_race(const struct loop_race *race)
{
	struct figures *figures = calloc(LOOP_MAX, sizeof(*figures));
	double ret[LOOP_METRICS];
	if (!figures)
		bench_die("malloc");
	race->side(&loop_epoll, race->arg, ret); /* what is done once */
	int rounds = race->rounds ? race->rounds : ROUNDS;
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < LOOP_MAX; i++) {
			int at = (i + round) % LOOP_MAX;
			run(race, at, &figures[at]);
			bench_check_interrupt();
		}
	for (int metric = 0; metric < LOOP_METRICS && race->names[metric]; metric++)
		print_row(race, figures, metric);
	free(figures);
}

static void print_names(const char *title, const char *unit)
{
	printf("\n%-34s %11s", title, unit);
	for (int i = 0; loop_libs[i]; i++)
		printf(" %8s", loop_libs[i]->name);
}

void loop_head(void)
{
	print_names("Event loops, ratios to the base", "base, ns");
	printf(" %6s  %-9s\n", "goal", "noise");
}

void loop_figures_head(const char *title)
{
	print_names(title, "");
	printf("\n");
}

void loop_figures(const char *name, const double *figures)
{
	printf("%-46s", name);
	for (int i = 0; loop_libs[i]; i++)
		if (figures[i] >= 0)
			printf(" %8.2f", figures[i]);
		else
			printf(" %8s", "-");
	printf("\n");
	fflush(stdout);
}
