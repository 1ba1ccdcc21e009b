/* SPDX-License-Identifier: MIT */
/* A tree object over a folder of its own, its reader, and what is compared when all is quiet. */
#ifndef STORM_STORM_H
#define STORM_STORM_H

#include <butter/tree.h>

#include "naive.h"
#include "step.h"

struct storm {
	char *base; /* ends with no '/' */
	int fd;     /* of it */
	uint32_t backend, flags;
	struct butter_tree *x;
	struct naive known;
	unsigned checks, gaps;
	FILE *log;     /* of events; NULL: none */
	uint64_t done; /* steps that did something */
	unsigned over; /* that renamed over a file, in a replay */
	/* Called when the folder is there, before and after the roots are added; NULL: nothing. */
	void (*adding)(struct storm *s, int begins);
	void *data;       /* the caller's own */
	uint32_t workers; /* for scans */
};

/* A folder of the storm's own in dir, with roots that are watched; log, adding, data and workers are set, or
 * 0. 0, or -1 and errno. */
int storm_begin(struct storm *s, const char *dir, uint32_t backend, uint32_t flags);
/* Ends it all, and removes the folder. */
void storm_end(struct storm *s);

/* Reads up to so many events. Returns how many; -1 and errno. */
int storm_read(struct storm *s, unsigned most);
/* Reads what was before now. */
void storm_sync(struct storm *s);
/* The same, and compares everything. Nobody may write meanwhile. */
void storm_check(struct storm *s);

/* Renames that are more than the kernel's queue holds, of which inotify has two records each and fanotify
 * one; 0: there is no queue. */
uint32_t storm_flood(uint32_t backend);
/* How often everything was looked at again. */
uint64_t storm_rescans(const struct storm *s);

/* compare.c: what was told, what is known, and what the kernel watches, with what is there. */
void storm_compare(struct storm *s);

struct step_list {
	struct step *items;
	size_t count, size;
};

/* Where and of what kind a storm is. */
struct storm_setting {
	const char *dir;
	uint32_t backend, flags;
	FILE *log;
};

/* All steps in their order by one thread; those that are inside are done within the library's calls, the
 * first ones within the first scan, and time is what the steps say. Ends with a check, or before with the
 * first error: how many steps were done, and the text of the error, which is "" of none. */
size_t storm_replay(const struct storm_setting *setting, const struct step_list *steps, char ret_error[512]);

/* Steps of this seed for a replay: so many, and turns of the reader. The caller frees the items. */
struct step_list storm_script(uint64_t seed, size_t count, uint32_t flood);

/* Leaves out steps as long as it fails. */
void storm_shrink(const struct storm_setting *setting, struct step_list *steps);

/* So many writers with threads of their own, so many steps in all; with renames so many renames
 * that were done. */
void storm_threads(struct storm *s, uint64_t seed, unsigned writers, unsigned steps, int renames);
/* For adding, with data a seed: there is somebody who writes during the first scan. */
void storm_adding(struct storm *s, int begins);
/* So many times something is done and known when butter_tree_sync() returns, under load. */
void storm_syncs(struct storm *s, uint64_t seed, unsigned times);

/* What is done before each of the library's calls to the kernel, of this number or another (0); NULL:
 * nothing. */
void meanwhile(void (*act)(void *data, long number), void *data);
/* From now on time goes by as told, on this thread's clock; or as it does, when it is not on. */
void virtual_time(int on);
void virtual_wait(unsigned milliseconds);

#endif
