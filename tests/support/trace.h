/* SPDX-License-Identifier: MIT */
/* Which system calls a function makes, by ptrace(2) in a child of the test's own. */
#ifndef TRACE_H
#define TRACE_H

#include <stddef.h>

struct trace {
	size_t count;
	long number[64]; /* SYS_*, in order */
};

/* Runs fn(arg) in a child and tells the system calls it made. */
void trace_calls(void (*fn)(void *), void *arg, struct trace *ret);

/* How many of them were this one. */
size_t trace_count(const struct trace *trace, long number);

#endif
