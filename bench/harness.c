/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

enum { ROUNDS = 11, MAX_SLICES = 128 };

volatile uint64_t bench_sink;
static volatile sig_atomic_t interrupted;

static void interrupt(int signo)
{
	interrupted = signo;
}

_Noreturn void bench_die(const char *what)
{
	int error = errno;
	fflush(stdout);
	fprintf(stderr, "bench: %s%s%s\n", what, error ? ": " : "", error ? strerror(error) : "");
	exit(2);
}

uint64_t bench_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t bench_cpu(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

double bench_per(uint64_t start, unsigned count)
{
	return (double)(bench_now() - start) / count;
}

void bench_check_count(unsigned got, unsigned expected)
{
	errno = 0;
	if (got != expected)
		bench_die("a drain gave another number of events than were queued");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* By rank: each value is above the true median as often as a coin falls on one side. */
struct bench_middle bench_middle(double *values, size_t count)
{
	const double squared = 1.96 * 1.96;
	struct bench_middle middle = {.median = bench_median(values, count)};
	size_t below = 0;
	while (2 * below + 2 < count &&
	       (double)((count - 2 * below - 2) * (count - 2 * below - 2)) >= squared * (double)count)
		below++;
	middle.low = values[below];
	middle.high = values[count - 1 - below];
	return middle;
}

const char *bench_verdict(const struct bench_middle *ratio, double goal)
{
	if (ratio->median <= goal)
		return "ok";
	return ratio->low <= goal ? "near goal" : "above goal";
}

void bench_check_interrupt(void)
{
	errno = 0;
	if (interrupted)
		bench_die("interrupted");
}

/* Who begins changes from slice to slice and from round to round. */
static void run_round(const struct bench *bench, unsigned round, double *ret_raw, double *ret_other)
{
	double raw[MAX_SLICES], other[MAX_SLICES];
	for (unsigned i = 0; i < bench->slices; i++) {
		int raw_first = (i + round) % 2 == 0;
		if (raw_first)
			raw[i] = bench->raw(bench->raw_arg);
		other[i] = bench->other(bench->other_arg);
		if (!raw_first)
			raw[i] = bench->raw(bench->raw_arg);
	}
	*ret_raw = bench_median(raw, bench->slices);
	*ret_other = bench_median(other, bench->slices);
	bench_check_interrupt();
}

static void print_line(const char *name, double goal, double raw, double other,
		       const struct bench_middle *ratio)
{
	printf("%-36s %9.1f %9.1f %7.3f", name, raw, other, ratio->median);
	if (goal > 0)
		printf(" %6.2f  %.3f-%.3f  %s\n", goal, ratio->low, ratio->high, bench_verdict(ratio, goal));
	else
		printf(" %6s  %.3f-%.3f  %s\n", "-", ratio->low, ratio->high, goal < 0 ? "control" : "peer");
	fflush(stdout);
}

void bench_figures(const char *name, double goal, double raw, double other)
{
	double ratio = other / raw;
	print_line(name, goal, raw, other, &(struct bench_middle){ratio, ratio, ratio});
}

void bench_compare_in(const struct bench *bench, unsigned rounds)
{
	double raw[ROUNDS], other[ROUNDS], ratio[ROUNDS];
	bench->raw(bench->raw_arg);
	bench->other(bench->other_arg);
	for (unsigned i = 0; i < rounds; i++) {
		run_round(bench, i, &raw[i], &other[i]);
		ratio[i] = other[i] / raw[i];
	}
	struct bench_middle middle = bench_middle(ratio, rounds);
	print_line(bench->name, bench->goal, bench_median(raw, rounds), bench_median(other, rounds), &middle);
}

void bench_compare(const struct bench *bench)
{
	bench_compare_in(bench, ROUNDS);
}

void bench_head(void)
{
	struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	printf("Nanoseconds per call, pair, event or KiB; ratio: median of %d rounds that take turns; "
	       "noise:\n"
	       "between what it would be in 95 of 100 such runs. Near goal: above it, and no more than "
	       "that.\n\n",
	       ROUNDS);
	printf("%-36s %9s %9s %7s %6s  %s\n", "", "raw", "butter", "ratio", "goal", "noise");
}

void bench_missing(const char *name, const char *why)
{
	printf("%-36s %s\n", name, why);
	fflush(stdout);
}
