/* SPDX-License-Identifier: MIT */
/*
 * Bytes that go round a ring of socket pairs, the shape of libev's own benchmark: many watchers, few or
 * many of them active, with or without a timeout that each byte puts off; and watchers that are added,
 * changed and removed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop.h"

enum { SPARE_FDS = 200, WARM = 2, SLICE_MS = 8, MIN_WRITES = 20, MAX_WRITES = 20000, TIMERFDS = 4000 };

int loop_pass(struct loop_pair *pair)
{
	struct loop_use *use = pair->use;
	char byte;
	if (read(pair->fd, &byte, 1) != 1)
		bench_die("a ring: read");
	use->reads++;
	if (use->fires < use->writes) {
		use->fires++;
		if (write(pair->next_fd, &byte, 1) != 1)
			bench_die("a ring: write");
	}
	return use->reads == use->fires && use->fires >= use->writes;
}

unsigned loop_ring_most(unsigned wanted)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		bench_die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		bench_die("setrlimit");
	unsigned most = limit.rlim_cur > SPARE_FDS ? (unsigned)((limit.rlim_cur - SPARE_FDS) / 2) : 1;
	return most < wanted ? most : wanted;
}

struct loop_pair *loop_ring_open(unsigned count)
{
	struct loop_pair *pairs = calloc(count, sizeof(*pairs));
	int fds[2];
	if (!pairs)
		bench_die("malloc");
	for (unsigned i = 0; i < count; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
			bench_die("socketpair");
		pairs[i].index = i;
		pairs[i].fd = fds[0];
		pairs[i ? i - 1 : count - 1].next_fd = fds[1];
	}
	return pairs;
}

void loop_ring_close(struct loop_pair *pairs, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		close(pairs[i].fd);
		if (pairs[i].next_fd)
			close(pairs[i].next_fd);
	}
	free(pairs);
}

void *loop_ring_start(const struct loop_lib *lib, struct loop_use *use)
{
	for (unsigned i = 0; i < use->io_count; i++)
		use->pairs[i].use = use;
	use->loop = lib->open(use);
	lib->io_start(use->loop);
	lib->turn(use->loop);
	return use->loop;
}

/* The first bytes come at equal distances; then each read is followed by a write, up to so many. */
void loop_ring_pass(const struct loop_lib *lib, struct loop_use *use, unsigned active, unsigned writes)
{
	unsigned distance = use->io_count / active;
	use->reads = 0;
	use->fires = active;
	use->writes = writes;
	for (unsigned i = 0; i < active; i++)
		if (write(use->pairs[i * distance].next_fd, "e", 1) != 1)
			bench_die("a ring: write");
	lib->run(use->loop);
	bench_check_count(use->reads, use->fires);
}

void loop_ring_stop(const struct loop_lib *lib, struct loop_use *use)
{
	lib->io_stop(use->loop);
	lib->turn(use->loop);
	lib->close(use->loop);
}

struct ring {
	struct loop_use use;
	unsigned active;
	unsigned writes[LOOP_MAX]; /* of each library, so that a slice takes as long; 0: not known */
};

static unsigned *writes_of(struct ring *ring, const struct loop_lib *lib)
{
	int i = 0;
	while (loop_libs[i] != lib)
		i++;
	return &ring->writes[i];
}

static int ring_side(const struct loop_lib *lib, void *arg, double *ret)
{
	struct ring *ring = arg;
	unsigned *writes = writes_of(ring, lib), active = ring->active;
	loop_ring_start(lib, &ring->use);
	uint64_t start = bench_cpu();
	loop_ring_pass(lib, &ring->use, active, WARM * active);
	if (!*writes) {
		double count = SLICE_MS * (double)LOOP_MS * WARM * active / (double)(bench_cpu() - start);
		*writes = count > MAX_WRITES ? MAX_WRITES : (unsigned)count;
		if (*writes < MIN_WRITES || *writes < active)
			*writes = active > MIN_WRITES ? active : MIN_WRITES;
	}
	start = bench_cpu();
	loop_ring_pass(lib, &ring->use, active, *writes);
	ret[0] = (double)(bench_cpu() - start) / ring->use.reads;
	loop_ring_stop(lib, &ring->use);
	return 1;
}

static void ring(struct loop_pair *pairs, unsigned count, unsigned active, int64_t *times)
{
	char name[64];
	struct ring ring = {.use = {.io_count = count,
				    .timer_count = times ? count : 0,
				    .pairs = pairs,
				    .after = times,
				    .timed = times != NULL},
			    .active = active};
	struct loop_race race = {
		.names = {name}, .rounds = LOOP_ROUNDS, .goal = 1.05, .side = ring_side, .arg = &ring};
	snprintf(name, sizeof(name), "%s%u pairs, %u active", times ? "  timeouts, " : "", count, active);
	loop_race(&race);
}

static void rings_of(unsigned count)
{
	static const unsigned active[] = {1, 100, 1000};
	struct loop_pair *pairs = loop_ring_open(count);
	int64_t *times = loop_times(count, 10 * (int64_t)LOOP_SECOND, LOOP_SECOND);
	for (unsigned i = 0; i < sizeof(active) / sizeof(active[0]) && active[i] <= count; i++) {
		ring(pairs, count, active[i], NULL);
		ring(pairs, count, active[i], times);
	}
	free(times);
	loop_ring_close(pairs, count);
}

void loop_rings(void)
{
	rings_of(loop_ring_most(100));
	rings_of(loop_ring_most(1000));
	rings_of(loop_ring_most(9000));
}

static void open_fds(struct loop_use *use)
{
	for (unsigned i = 0; i < use->io_count; i++) {
		use->pairs[i].use = use;
		use->pairs[i].fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		if (use->pairs[i].fd < 0)
			bench_die("timerfd_create");
	}
}

static void stop_and_close(const struct loop_lib *lib, struct loop_use *use)
{
	lib->io_stop(use->loop);
	for (unsigned i = 0; i < use->io_count; i++)
		close(use->pairs[i].fd);
}

/*
 * Each step and the turn in which it is made known to the kernel. The fds are closed, too, since there
 * are loops that leave it to close(2) to make the kernel forget them.
 */
static int add_side(const struct loop_lib *lib, void *arg, double *ret)
{
	struct loop_use *use = arg;
	uint64_t start[4];
	open_fds(use);
	use->loop = lib->open(use);
	lib->turn(use->loop);
	start[0] = bench_cpu();
	lib->io_start(use->loop);
	lib->turn(use->loop);
	start[1] = bench_cpu();
	lib->io_modify(use->loop);
	lib->turn(use->loop);
	start[2] = bench_cpu();
	stop_and_close(lib, use);
	lib->turn(use->loop);
	start[3] = bench_cpu();
	for (int i = 0; i < 3; i++)
		ret[i] = (double)(start[i + 1] - start[i]) / use->io_count;
	ret[3] = (double)(start[3] - start[0]) / use->io_count;
	lib->close(use->loop);
	return 1;
}

/* Timerfds that are not armed are never ready, for reading or writing. */
void loop_adds(void)
{
	unsigned count = loop_ring_most(TIMERFDS);
	struct loop_use use = {.io_count = count, .pairs = calloc(count, sizeof(*use.pairs))};
	struct loop_race race = {
		.names = {"io watcher: start", "  modify", "  stop, and close the fd", "  all of it"},
		.goal = 1.05,
		.side = add_side,
		.arg = &use};
	if (!use.pairs)
		bench_die("malloc");
	loop_race(&race);
	free(use.pairs);
}
