/* SPDX-License-Identifier: MIT */
/*
 * What happens between two system calls of the library, and when: by the linker's --wrap, so that one
 * thread is the reader and all writers, and the same steps lead to the same end.
 */
#include <stddef.h>

#include "fault.h"
#include "storm.h"

static void (*acting)(void *data, long number);
static void *acting_data;
static int64_t virtual_now;

static void between(long number)
{
	void (*act)(void *data, long number) = acting;
	if (!act)
		return;
	acting = NULL;
	act(acting_data, number);
	if (fault_between)
		acting = act;
}

void meanwhile(void (*act)(void *data, long number), void *data)
{
	acting = act;
	acting_data = data;
	fault_between = act ? between : NULL;
}

static int64_t virtual_clock(void)
{
	return virtual_now += 1000;
}

void virtual_time(int on)
{
	fault_monotonic = on ? virtual_clock : NULL;
	virtual_now = INT64_C(1000000000000);
}

void virtual_wait(unsigned milliseconds)
{
	virtual_now += (int64_t)milliseconds * 1000000;
}
