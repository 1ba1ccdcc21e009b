/* SPDX-License-Identifier: MIT */
/* Two loops to which the same is done. */
#ifndef ORDER_H
#define ORDER_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
	IO,
	TIMER,
	PERIODIC,
	SIGNAL,
	CHILD,
	STAT,
	IDLE,
	PREPARE,
	CHECK,
	EMBED,
	FORK,
	CLEANUP,
	ASYNC,
	KINDS
};
enum { ITERATIONS = 3, MOST = 64 };

#define demand(condition)                                                                                    \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			printf("FAIL loop: order.c:%d: %s\n", __LINE__, #condition);                         \
			exit(1);                                                                             \
		}                                                                                            \
	} while (0)

/* What the watchers watch, new for each run. */
extern struct world {
	int io, inner_io;
	pid_t child;
	char path[64];
} world;

/* Notes a callback. */
void note(char c);

/* Makes what is watched due, where that is not a loop's own doing. */
void make_due(enum kind kind);

/* A loop with two watchers, of which this one is started first, and then a few iterations. */
void run_theirs(const enum kind kinds[2], const int priorities[2], int first);
void run_ours(const enum kind kinds[2], const int priorities[2], int first);

#endif
