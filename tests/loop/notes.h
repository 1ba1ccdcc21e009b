/* SPDX-License-Identifier: MIT */
/* What callbacks of the loop's tests leave behind: numbers, in the order of the calls. */
#ifndef NOTES_H
#define NOTES_H

#include <stdio.h>
#include <time.h>

#include <butter/butter.h>

#include "test.h"

enum { MOST_NOTES = 64, MILLISECOND = 1000000, LONG = 1000000000 };

static int notes[MOST_NOTES], note_count;
static struct butter_loop *loop;

static inline void note(int n)
{
	ck_assert_int_lt(note_count, MOST_NOTES);
	notes[note_count++] = n;
}

static inline void noted_are(const char *file, int line, const int *expected, int count)
{
	char text[MOST_NOTES * 12] = "";
	for (int i = 0; i < note_count; i++)
		snprintf(text + strlen(text), 12, " %d", notes[i]);
	ck_assert_msg(note_count == count && !memcmp(notes, expected, (size_t)count * sizeof(int)),
		      "%s:%d: noted%s", file, line, text);
	note_count = 0;
}

/* Demands these notes, and forgets them. */
#define ck_assert_noted(...)                                                                                 \
	noted_are(__FILE__, __LINE__, (const int[]){__VA_ARGS__},                                            \
		  (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)))
#define ck_assert_noted_nothing() ck_assert_int_eq(note_count, 0)

static inline void spin_for(int64_t ns)
{
	int64_t until = clock_ns(CLOCK_MONOTONIC) + ns;
	while (clock_ns(CLOCK_MONOTONIC) < until)
		;
}

static inline void new_loop(void)
{
	loop = butter_loop_new(NULL);
	ck_assert_ptr_nonnull(loop);
}

/* Every test ends so: the loop is sound, and nothing is left of it. */
static inline void free_loop(void)
{
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	butter_loop_free(loop);
}

/* A watcher's callback that notes what its data points to. */
#define NOTING(T)                                                                                            \
	static void note_##T(struct butter_loop *in, struct butter_ev_##T *w, uint32_t revents)              \
	{                                                                                                    \
		ck_assert_ptr_eq(in, loop);                                                                  \
		(void)revents;                                                                               \
		note(*(const int *)w->ev.data);                                                              \
	}

/* Numbers that data may point to. */
static const int number[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
#define NUMBER(n) ((void *)(uintptr_t)&number[n])

#endif
