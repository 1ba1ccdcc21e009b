/* SPDX-License-Identifier: MIT */
/* Hand-written C and butter (or a peer) side by side, in rounds that take turns. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_GOAL 1.03
#define BENCH_PEER 0.0     /* no goal: shown for comparison */
#define BENCH_CONTROL -1.0 /* no goal: the same code on both sides, which shows the noise */

/* Runs one slice: its setting up, then the timed part. Returns nanoseconds per operation. */
typedef double bench_side(void *arg);

struct bench {
	const char *name;
	double goal;     /* highest ratio to raw that is still ok, or BENCH_PEER, BENCH_CONTROL */
	unsigned slices; /* in each round and for each side */
	bench_side *raw, *other;
	void *raw_arg, *other_arg;
};

/* Measures and prints a line of the table. */
void bench_compare(const struct bench *bench);
void bench_compare_in(const struct bench *bench, unsigned rounds); /* no more than as usual */
/* Prints a line of the table from figures that are no times. */
void bench_figures(const char *name, double goal, double raw, double other);
void bench_head(void);
void bench_missing(const char *name, const char *why);

uint64_t bench_now(void);
uint64_t bench_cpu(void); /* the time that this thread has had, whatever else the machine did */
double bench_per(uint64_t start, unsigned count); /* nanoseconds since start, for each of count */

/* Sorts them. */
double bench_median(double *values, size_t count);

/* A median, and between what it would be in 95 of 100 such runs; of a few values, between all of them. */
struct bench_middle {
	double median, low, high;
};
struct bench_middle bench_middle(double *values, size_t count);
/* What is to be said of a ratio: above the goal, or near it, is only what noise does not account for. */
const char *bench_verdict(const struct bench_middle *ratio, double goal);

/* Ends the program when a signal has asked for that. */
void bench_check_interrupt(void);

/* A drain that gave another number of events than were queued ends the program. */
void bench_check_count(unsigned got, unsigned expected);

/*
 * drain_one_by_one() and drain_batches() of butter's T, by its typed verbs: they give the number of
 * events. The file itself has touch(), which makes a number of what it reads in an event.
 */
#define BENCH_DRAINS(T, BATCH)                                                                               \
	static unsigned drain_one_by_one(struct butter_##T *x)                                               \
	{                                                                                                    \
		struct butter_##T##_event event;                                                             \
		unsigned got = 0;                                                                            \
		uint64_t sum = 0;                                                                            \
		while (butter_##T##_read_event(x, &event) > 0) {                                             \
			sum += touch(&event);                                                                \
			got++;                                                                               \
		}                                                                                            \
		bench_sink = sum;                                                                            \
		return got;                                                                                  \
	}                                                                                                    \
	static unsigned drain_batches(struct butter_##T *x)                                                  \
	{                                                                                                    \
		struct butter_##T##_event events[BATCH];                                                     \
		unsigned got = 0;                                                                            \
		uint64_t sum = 0;                                                                            \
		ssize_t n;                                                                                   \
		while ((n = butter_##T##_read_events(x, events, BATCH)) > 0) {                               \
			for (ssize_t i = 0; i < n; i++)                                                      \
				sum += touch(&events[i]);                                                    \
			got += (unsigned)n;                                                                  \
		}                                                                                            \
		bench_sink = sum;                                                                            \
		return got;                                                                                  \
	}

/* What was read goes here, so that no compiler leaves the reading out. */
extern volatile uint64_t bench_sink;

/* Prints the message, and errno when it is not 0, and exits with 2. */
_Noreturn void bench_die(const char *what);

/* A new directory, removed with what is in it when the program ends; made on the first call. */
const char *bench_scratch(void);

/* An inotify queue that can be filled. */
struct bench_queue {
	char dir[128];
	unsigned count; /* events that fill it */
};

void bench_queue_make(struct bench_queue *queue, const char *name);
void bench_queue_fill(const struct bench_queue *queue);

/* Hand-written C drains a queue; the arg is a struct bench_raw_drain. */
struct bench_raw_drain {
	struct bench_queue queue;
	int fd;
};

void bench_raw_drain_open(struct bench_raw_drain *drain, const char *name);
unsigned bench_drain_raw(int fd); /* gives the number of events */
double bench_raw_drain_side(void *arg);

/* The parts of the run. */
void bench_thin(void);
void bench_inotify(void);
void bench_fanotify(void);
void bench_peers(const char *pyinotify_script);
void bench_signalfd(void);
void bench_eventfd(void);
void bench_timerfd(void);
void bench_relay(void);
void bench_process(void);
void bench_tree(const char *pyinotify_script, unsigned directories);
void bench_loop(const char *part); /* NULL: all */

#endif
