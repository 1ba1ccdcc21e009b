/* SPDX-License-Identifier: MIT */
/* A loop that another thread wakes, and sends to one that knows already. */
#include <pthread.h>
#include <stdlib.h>

#include "loop.h"

enum { TRIPS = 500, SENDS = 100000 };

/* One of two loops that wake each other. */
struct end {
	const struct loop_lib *lib;
	struct loop_use use;
	struct end *other;
	unsigned left; /* wake-ups until it leaves */
};

static int on_wake(void *arg)
{
	struct end *end = arg;
	end->other->lib->async_send(end->other->use.loop, 1);
	return --end->left == 0;
}

static void *thread(void *arg)
{
	struct end *end = arg;
	end->lib->run(end->use.loop);
	return NULL;
}

static void end_open(struct end *end, const struct loop_lib *lib, struct end *other)
{
	*end = (struct end){.lib = lib, .other = other, .left = TRIPS};
	end->use.wake = on_wake;
	end->use.wake_arg = end;
	end->use.loop = lib->open(&end->use);
	lib->turn(end->use.loop);
}

/* The last send, to the end that has left already, is left lying. */
static int wake_side(const struct loop_lib *lib, void *arg, double *ret)
{
	struct end a, b;
	pthread_t other;
	(void)arg;
	if (!lib->async_send)
		return 0;
	end_open(&a, lib, &b);
	end_open(&b, lib, &a);
	if (pthread_create(&other, NULL, thread, &b))
		bench_die("pthread_create");
	uint64_t start = bench_now();
	lib->async_send(a.use.loop, 1);
	lib->run(a.use.loop);
	ret[0] = bench_per(start, 2 * TRIPS);
	pthread_join(other, NULL);
	lib->close(a.use.loop);
	lib->close(b.use.loop);
	return 1;
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int send_side(const struct loop_lib *lib, void *arg, double *ret)
{
	struct loop_use use = {.wake = nothing};
	(void)arg;
	if (!lib->async_send)
		return 0;
	use.loop = lib->open(&use);
	lib->turn(use.loop);
	lib->async_send(use.loop, 1);
	uint64_t start = bench_cpu();
	lib->async_send(use.loop, SENDS);
	ret[0] = (double)(bench_cpu() - start) / SENDS;
	lib->turn(use.loop);
	lib->close(use.loop);
	return 1;
}

void loop_wakes(void)
{
	struct loop_race wake = {.names = {"async: wake-up by a thread"}, .goal = 1.05, .side = wake_side};
	struct loop_race send = {.names = {"  send while one is pending"},
				 .base = LOOP_LIBUV,
				 .goal = 1.05,
				 .side = send_side};
	loop_race(&wake);
	loop_race(&send);
}
