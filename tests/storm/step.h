/* SPDX-License-Identifier: MIT */
/*
 * What the writers of a storm do, one system call or so each, below one folder that holds the roots "a" and
 * "b", and "o", which is in no root. Steps are a function of a seed, and have a line of text each.
 */
#ifndef STORM_STEP_H
#define STORM_STEP_H

#include <stdint.h>
#include <stdio.h>

enum step_kind {
	STEP_MKDIR,
	STEP_CREATE,
	STEP_APPEND,
	STEP_TRUNCATE,
	STEP_UNLINK,
	STEP_RMDIR,
	STEP_RENAME,
	STEP_NOREPLACE,
	STEP_EXCHANGE,
	STEP_LINK,
	STEP_SYMLINK,
	STEP_CHMOD,
	STEP_RMTREE, /* a, and all below it */
	STEP_FLOOD,  /* n records, by renaming one file */
	STEP_READ,   /* the reader's turn: n events, or until there are none */
	STEP_SYNC,   /* the same until all is told */
	STEP_WAIT,   /* n milliseconds go by */
	STEP_CHECK,  /* everything is compared */
	STEP_KINDS
};

enum { STEP_PATH = 24 };

struct step {
	uint8_t kind;
	uint8_t inside; /* done within a call of the reader's turn that it follows, at its inside-th chance */
	uint32_t n;
	char a[STEP_PATH], b[STEP_PATH];
};

/* A source of random numbers. */
struct dice {
	uint64_t state;
};
void dice_init(struct dice *d, uint64_t seed);
unsigned dice_below(struct dice *d, unsigned n);

/* A writer: some of its deeds take several steps, which come one after the other. */
enum { AUTHOR_RECENT = 64 };
struct author {
	struct dice dice;
	char recent[AUTHOR_RECENT][STEP_PATH]; /* paths where it has made something */
	unsigned made;
	struct step next[8];
	unsigned at, count;
};
void author_init(struct author *a, uint64_t seed);
void author_step(struct author *a, struct step *ret);
/* One that only renames, in all its ways. */
void author_rename(struct author *a, struct step *ret);

/* 1: it did something; 0: it could not be done, as most of it should. base is open on the folder. */
int step_do(int base, const struct step *s);

/* Of the steps that are no writer's. */
static inline int step_is_turn(const struct step *s)
{
	return s->kind >= STEP_READ;
}

void step_print(FILE *to, const struct step *s);
/* 1, or 0: the line is none. */
int step_scan(const char *line, struct step *ret);

#endif
