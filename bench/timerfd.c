/* SPDX-License-Identifier: MIT */
/* A timer armed and left, and one armed to expire at once and read until it has. */
#include <unistd.h>

#include <butter/timerfd.h>

#include "bench.h"

enum { COUNT = 4096, SLICES = 16, EXPIRY_COUNT = 256, FAR_SECONDS = 1000 };
#define FAR (INT64_C(1000000000) * FAR_SECONDS)

static double raw_arm(void *arg)
{
	const struct itimerspec value = {.it_value = {.tv_sec = FAR_SECONDS}};
	int fd = *(int *)arg;
	uint64_t start = bench_now();
	for (unsigned i = 0; i < COUNT; i++)
		if (timerfd_settime(fd, 0, &value, NULL) < 0)
			bench_die("timerfd");
	return bench_per(start, COUNT);
}

static double butter_arm(void *arg)
{
	struct butter_timerfd *x = arg;
	uint64_t start = bench_now();
	for (unsigned i = 0; i < COUNT; i++)
		if (butter_timerfd_arm_in(x, FAR, 0, NULL) < 0)
			bench_die("butter_timerfd");
	return bench_per(start, COUNT);
}

static double raw_expire(void *arg)
{
	const struct itimerspec value = {.it_value = {.tv_nsec = 1}};
	int fd = *(int *)arg;
	uint64_t expirations, sum = 0;
	uint64_t start = bench_now();
	for (unsigned i = 0; i < EXPIRY_COUNT; i++) {
		if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL) < 0)
			bench_die("timerfd");
		while (read(fd, &expirations, sizeof(expirations)) < 0)
			;
		sum += expirations;
	}
	bench_sink = sum;
	return bench_per(start, EXPIRY_COUNT);
}

static double butter_expire(void *arg)
{
	struct butter_timerfd *x = arg;
	struct butter_timerfd_event event;
	uint64_t sum = 0;
	uint64_t start = bench_now();
	for (unsigned i = 0; i < EXPIRY_COUNT; i++) {
		if (butter_timerfd_arm_at(x, 1, 0, NULL, 0) < 0)
			bench_die("butter_timerfd");
		while (butter_timerfd_read_event(x, &event) == 0)
			;
		sum += event.expirations;
	}
	bench_sink = sum;
	return bench_per(start, EXPIRY_COUNT);
}

void bench_timerfd(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	struct butter_timerfd *x = butter_timerfd_open(CLOCK_MONOTONIC, 0);
	const struct bench arm = {"timerfd, arm_in", BENCH_GOAL, SLICES, raw_arm, butter_arm, &fd, x};
	const struct bench expire = {
		"timerfd, arm_at and read_event", BENCH_GOAL, SLICES, raw_expire, butter_expire, &fd, x};
	if (fd < 0 || !x)
		bench_die("timerfd");
	bench_compare(&arm);
	bench_compare(&expire);
	butter_timerfd_close(x);
	close(fd);
}
