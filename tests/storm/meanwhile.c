/* SPDX-License-Identifier: MIT */
/*
 * What happens between two system calls of the library, and when: by the linker's --wrap, so that one
 * thread is the reader and all writers, and the same steps lead to the same end.
 */
#include <stddef.h>

#include "fault.h"
#include "storm.h"

/* Of this thread: writers with threads of their own are called by the same names, and go on. */
static _Thread_local void (*acting)(void *data, long number);
static _Thread_local void *acting_data;
static _Thread_local int is_busy;

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
	fault_monotonic = on ? INT64_C(1000000000000) : 0;
	fault_monotonic_step = on ? 1000 : 0;
}

void virtual_wait(unsigned milliseconds)
{
	fault_monotonic += (int64_t)milliseconds * 1000000;
}
