/* SPDX-License-Identifier: MIT */
/*
 * What happens between two system calls of the library, and when: by the linker's --wrap, so that one
 * thread is the reader and all writers, and the same steps lead to the same end.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "fault.h"
#include "storm.h"

/* Of this thread: writers with threads of their own are called by the same names, and go on. */
static _Thread_local void (*acting)(void *data, long number);
static _Thread_local void *acting_data;
static _Thread_local int is_busy;
static int is_virtual;
static int64_t virtual_now;

static void between(long number)
{
	if (!acting || is_busy)
		return;
	is_busy = 1;
	acting(acting_data, number);
	is_busy = 0;
}

void meanwhile(void (*act)(void *data, long number), void *data)
{
	acting = act;
	acting_data = data;
	__atomic_store_n(&fault_between, act ? between : NULL, __ATOMIC_RELAXED);
}

void virtual_time(int on)
{
	is_virtual = on;
	virtual_now = INT64_C(1000000000000);
}

void virtual_wait(unsigned milliseconds)
{
	virtual_now += (int64_t)milliseconds * 1000000;
}

#if defined __GLIBC__ && !defined __LP64__
#define CLOCK_GETTIME "__clock_gettime64"
#else
#define CLOCK_GETTIME "clock_gettime"
#endif

int real_clock_gettime(clockid_t clock, struct timespec *ret) __asm__("__real_" CLOCK_GETTIME);
int wrap_clock_gettime(clockid_t clock, struct timespec *ret) __asm__("__wrap_" CLOCK_GETTIME);
int wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	if (!is_virtual || clock != CLOCK_MONOTONIC)
		return real_clock_gettime(clock, ret);
	virtual_now += 1000;
	ret->tv_sec = (time_t)(virtual_now / 1000000000);
	ret->tv_nsec = (long)(virtual_now % 1000000000);
	return 0;
}
