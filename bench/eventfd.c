/* SPDX-License-Identifier: MIT */
/*
 * Pairs of an addition and a read that takes the counter back: butter beside a loop written with
 * eventfd_write(3) and eventfd_read(3). Beside bare write(2) and read(2) any function costs its
 * own return after the kernel, which processors mispredict: libc's pair shows how much.
 */
#include <unistd.h>

#include <butter/eventfd.h>

#include "bench.h"

enum { COUNT = 4096, SLICES = 16 };

static double raw_side(void *arg)
{
	int fd = *(int *)arg;
	uint64_t value = 1, sum = 0;
	uint64_t start = bench_now();
	for (unsigned i = 0; i < COUNT; i++) {
		if (write(fd, &value, sizeof(value)) != sizeof(value) ||
		    read(fd, &value, sizeof(value)) != sizeof(value))
			bench_die("eventfd");
		sum += value;
	}
	bench_sink = sum;
	return bench_per(start, COUNT);
}

static double libc_side(void *arg)
{
	int fd = *(int *)arg;
	uint64_t value, sum = 0;
	uint64_t start = bench_now();
	for (unsigned i = 0; i < COUNT; i++) {
		if (eventfd_write(fd, 1) < 0 || eventfd_read(fd, &value) < 0)
			bench_die("eventfd");
		sum += value;
	}
	bench_sink = sum;
	return bench_per(start, COUNT);
}

static double butter_side(void *arg)
{
	struct butter_eventfd *x = arg;
	struct butter_eventfd_event event;
	uint64_t sum = 0;
	uint64_t start = bench_now();
	for (unsigned i = 0; i < COUNT; i++) {
		if (butter_eventfd_add(x, 1) < 0 || butter_eventfd_read_event(x, &event) != 1)
			bench_die("butter_eventfd");
		sum += event.value;
	}
	bench_sink = sum;
	return bench_per(start, COUNT);
}

void bench_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct butter_eventfd *x = butter_eventfd_open(0, 0);
	struct bench bench = {
		"eventfd, add and read_event", BENCH_GOAL, SLICES, libc_side, butter_side, &fd, x};
	if (fd < 0 || !x)
		bench_die("eventfd");
	bench_compare(&bench);
	bench.goal = BENCH_PEER;
	bench.name = "  beside bare write(2), read(2)";
	bench.raw = raw_side;
	bench_compare(&bench);
	bench.name = "  eventfd_write(3), _read(3) so";
	bench.other = libc_side;
	bench.other_arg = &fd;
	bench_compare(&bench);
	butter_eventfd_close(x);
	close(fd);
}
