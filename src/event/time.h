/* SPDX-License-Identifier: MIT */
/* Nanoseconds in an int64_t, which saturate, and the kernel's seconds and nanoseconds. */
#ifndef BUTTER__TIME_H
#define BUTTER__TIME_H

#include <stdint.h>
#include <time.h>

#define BUTTER__SECOND INT64_C(1000000000)

/* a and b are not negative. */
static inline int64_t butter__time_add(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static inline int64_t butter__time_mul(int64_t a, int64_t b)
{
	int64_t product;
	return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static inline struct timespec butter__time_to_timespec(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / BUTTER__SECOND, .tv_nsec = (long)(ns % BUTTER__SECOND)};
}

static inline int64_t butter__time_from_timespec(const struct timespec *ts)
{
	return butter__time_add(butter__time_mul(ts->tv_sec, BUTTER__SECOND), ts->tv_nsec);
}

/* CLOCK_MONOTONIC. */
static inline int64_t butter__time_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return butter__time_from_timespec(&ts);
}

#endif
