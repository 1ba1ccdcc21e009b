/* SPDX-License-Identifier: MIT */
/*
 * Event loops side by side: by hand, butter's and its peers'. Each is a struct loop_lib in a file of its
 * own; what is done with them is written once.
 */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stdint.h>
#include <sys/types.h>

#include "bench.h"

/* What a loop is opened for: as many io watchers as pairs, and timers. */
struct loop_use {
	unsigned io_count, timer_count;
	struct loop_pair *pairs;
	const int64_t *after;   /* nanoseconds, of each timer */
	int once;               /* timers fire once; else they repeat, after the same time */
	int timed;              /* timer i is started with pair i, and put off by each of its bytes */
	int (*wake)(void *arg); /* async: tells whether the loop is to be left; NULL: no async watcher */
	void *wake_arg;

	void *loop;           /* the struct loop_lib's own */
	unsigned fired, last; /* timers; the loop is left at the last */
	unsigned reads, fires, writes;
};

/* A socket pair: what is read from it is written to the next one. */
struct loop_pair {
	struct loop_use *use;
	unsigned index;
	int fd, next_fd;
};

/* A process that ends when its standard input does. */
struct loop_child {
	pid_t pid;
	int input, gate; /* its standard input, and the end to close */
	uint64_t ended;  /* when the callback came */
	void *private;   /* the library's side's */
};

/*
 * What a kind of loop does. _start, _again and _stop are done to all watchers; what they set up in the
 * kernel may wait for turn(). A function that is NULL is one that the library has not.
 */
struct loop_lib {
	const char *name;
	unsigned max_timers;        /* 0: as many as there are; more take too long */
	size_t io_size, timer_size; /* of a watcher, when it is the caller's memory */
	void *(*open)(struct loop_use *use);
	void (*close)(void *loop);
	void (*run)(void *loop);       /* until a callback leaves it */
	void (*turn)(void *loop);      /* once, without waiting */
	void (*io_start)(void *loop);  /* for reading */
	void (*io_modify)(void *loop); /* for reading and writing */
	void (*io_stop)(void *loop);
	void (*timer_start)(void *loop);
	void (*timer_again)(void *loop);
	void (*timer_stop)(void *loop);
	void (*async_send)(void *loop, unsigned count);
	void (*child_start)(void *loop, struct loop_child *child); /* starts it, too, where pid is 0 */
};

/* The members that every library's file has, by their names there. */
#define LOOP_SIDE                                                                                            \
	.open = side_open, .close = side_close, .run = side_run, .turn = side_turn, .io_start = io_start,    \
	.io_modify = io_modify, .io_stop = io_stop, .timer_start = timer_start, .timer_stop = timer_stop,    \
	.async_send = async_send

extern const struct loop_lib loop_epoll, loop_butter, loop_libev, loop_libuv, loop_libevent, loop_glib,
	loop_sd_event;

/* All of them, by hand first, then butter; ended by a NULL. */
extern const struct loop_lib *const loop_libs[];
enum { LOOP_BASE, LOOP_BUTTER, LOOP_LIBEV, LOOP_LIBUV, LOOP_MAX = 7 };

/* What callbacks call. 1: the loop is to be left. */
int loop_pass(struct loop_pair *pair);
int loop_fired(struct loop_use *use);

/* A side that failed. */
_Noreturn void loop_die(const struct loop_lib *lib, const char *what);

/* What libraries are told of time in. */
#define LOOP_SECOND 1000000000
#define LOOP_MS 1000000
#define LOOP_US 1000

enum { LOOP_METRICS = 5, LOOP_ROUNDS = 25 };

/* One slice of a library: the figures of each metric, or 0 when it was not for this one. */
typedef int loop_side(const struct loop_lib *lib, void *arg, double *ret);

/* All libraries in rounds that take turns. A row for each metric: the base, and ratios to it. */
struct loop_race {
	const char *names[LOOP_METRICS]; /* up to a NULL */
	int base;                        /* LOOP_BASE ... */
	int rounds;                      /* up to LOOP_ROUNDS; 0: 11 */
	double goal;                     /* of butter's ratio to it; butter shall be behind nobody, too */
	int goals_from;                  /* metrics before this one have no goal */
	unsigned timers;                 /* a library that takes fewer is no measure of it */
	loop_side *side;
	void *arg;
};
void loop_race(const struct loop_race *race);

/* A row of figures that are exact: those of one run, of every library; negative: it has none. */
void loop_figures(const char *name, const double *figures);
void loop_head(void);
void loop_figures_head(const char *title);

/* The parts. */
void loop_rings(void);
void loop_adds(void);
void loop_timers(void);
void loop_wakes(void);
void loop_children(void);
void loop_bytes(void);
void loop_calls(void);

/* A ring of pairs, and as many of them as the limit on fds lets there be. */
unsigned loop_ring_most(unsigned wanted);
struct loop_pair *loop_ring_open(unsigned count);
void loop_ring_close(struct loop_pair *pairs, unsigned count);
/* Opens a loop over the ring, its watchers started; passes bytes round; stops and closes it. */
void *loop_ring_start(const struct loop_lib *lib, struct loop_use *use);
void loop_ring_pass(const struct loop_lib *lib, struct loop_use *use, unsigned active, unsigned writes);
void loop_ring_stop(const struct loop_lib *lib, struct loop_use *use);

/* Room for watchers, zeroed, for free(3): what it costs to be given its pages is not the library's. */
void *loop_memory(size_t count, size_t size);

/* Times of timers, from after to after + spread nanoseconds. */
int64_t *loop_times(unsigned count, int64_t after, int64_t spread);
void loop_sleep(int64_t ns);

#endif
