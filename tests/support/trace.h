/* SPDX-License-Identifier: MIT */
/* Which system calls a function makes, by ptrace(2) in a child of the test's own. */
#ifndef TRACE_H
#define TRACE_H

#include <stddef.h>

struct trace {
	size_t count;
	long number[256]; /* SYS_*, in order */
};

/* Runs fn(arg) in a child and tells the system calls it made. */
void trace_calls(void (*fn)(void *), void *arg, struct trace *ret);

/* How many they are, however many. */
size_t trace_total(void (*fn)(void *), void *arg);

/* Demands that fn(arg) makes just these system calls: SYS_*, in order. */
#define ck_assert_system_calls(fn, arg, ...)                                                                 \
	trace_expect(fn, arg, (const long[]){__VA_ARGS__}, sizeof((const long[]){__VA_ARGS__}) / sizeof(long))
void trace_expect(void (*fn)(void *), void *arg, const long *numbers, size_t count);

/* Takes out those that the heap makes, which is when it pleases. */
void trace_drop_heap(struct trace *trace);

/* Demands that both are the same but for those. */
void trace_compare(struct trace *a, struct trace *b);

/* How many of them were this one. */
size_t trace_count(const struct trace *trace, long number);

#endif
