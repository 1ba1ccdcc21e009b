/* SPDX-License-Identifier: MIT */
/* Scratch directories and inotify queues that fill up. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

enum { EVENTS = 16384, MAX_FDS = 8, MOST_FDS = 64 };

static char scratch[64];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* The run may have ended because there were no more file descriptors. */
static void remove_scratch(void)
{
	for (int fd = STDERR_FILENO + 1; fd < MOST_FDS; fd++)
		close(fd);
	nftw(scratch, remove_entry, MAX_FDS, FTW_DEPTH | FTW_PHYS);
}

static int make_in(const char *parent)
{
	snprintf(scratch, sizeof(scratch), "%s/butter-bench-XXXXXX", parent);
	return mkdtemp(scratch) != NULL;
}

const char *bench_scratch(void)
{
	if (scratch[0])
		return scratch;
	if (!make_in("/dev/shm") && !make_in("/tmp"))
		bench_die("mkdtemp");
	atexit(remove_scratch);
	return scratch;
}

/* The host's limit, but an even number and no more than the usual one. */
static unsigned queue_length(void)
{
	unsigned count = 0;
	FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	if (!file || fscanf(file, "%u", &count) != 1 || count < 2)
		bench_die("/proc/sys/fs/inotify/max_queued_events");
	fclose(file);
	return count < EVENTS ? count / 2 * 2 : EVENTS;
}

static void name_file(const struct bench_queue *queue, unsigned i, char *buf, size_t size)
{
	snprintf(buf, size, "%s/changed-%05u.txt", queue->dir, i);
}

void bench_queue_make(struct bench_queue *queue, const char *name)
{
	char path[256];
	queue->count = queue_length();
	snprintf(queue->dir, sizeof(queue->dir), "%s/%s", bench_scratch(), name);
	name_file(queue, 0, path, sizeof(path));
	if (mkdir(queue->dir, 0700) < 0 || mknod(path, S_IFREG | 0600, 0) < 0)
		bench_die(path);
}

/* Each rename is two events, with names of their own and a cookie, so that none merge. */
void bench_queue_fill(const struct bench_queue *queue)
{
	char paths[2][256];
	unsigned renames = queue->count / 2;
	name_file(queue, 0, paths[0], sizeof(paths[0]));
	for (unsigned i = 1; i <= renames; i++) {
		name_file(queue, i % renames, paths[i % 2], sizeof(paths[0]));
		if (rename(paths[(i - 1) % 2], paths[i % 2]) < 0)
			bench_die(paths[i % 2]);
	}
}
