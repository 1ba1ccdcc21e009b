/* SPDX-License-Identifier: MIT */
/*
 * Full fanotify queues, drained by hand and by butter, and the paths of the directories that events tell of.
 * Filling a queue is not timed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <butter/fanotify.h>

#include "bench.h"

enum { BUFFER_SIZE = 64 << 10, BATCH = 64, SLICES = 5, FILES = 1024, MOST_DIRECTORIES = 1000, PASSES = 8 };

#define PATH_GOAL (1.0 / 8)

struct side {
	struct bench_queue queue;
	int fd; /* of raw */
	struct butter_fanotify *x;
	unsigned count; /* events of a full queue */
	void (*fill)(const struct side *side);
	unsigned (*drain)(const struct side *side);
};

static double drain_side(void *arg)
{
	const struct side *side = arg;
	side->fill(side);
	uint64_t start = bench_now();
	unsigned count = side->drain(side);
	double ns = bench_per(start, side->count);
	errno = 0;
	if (count != side->count)
		bench_die("fanotify: a drain gave another number of events than were queued");
	return ns;
}

/* Renames are asked for by their new names only: both halves of two that follow each other would merge. */
static void fill_names(const struct side *side)
{
	bench_queue_fill(&side->queue);
}

static uint32_t get32(const void *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof(value));
	return value;
}

/* What a careful program does: each length is checked before it is believed. -1: a record is malformed. */
static int64_t parse_name(const struct fanotify_event_metadata *event)
{
	const char *at = (const char *)event + event->metadata_len,
		   *end = (const char *)event + event->event_len;
	int64_t sum = 0;
	for (uint16_t len; end - at >= 4; at += len) {
		memcpy(&len, at + 2, sizeof(len));
		if (len < 4 || len > end - at)
			return -1;
		if (at[0] != FAN_EVENT_INFO_TYPE_DFID_NAME)
			continue;
		if (len < 20 || get32(at + 12) > (uint32_t)len - 20)
			return -1;
		const char *name = at + 20 + get32(at + 12);
		size_t room = (size_t)(at + len - name), name_len = strnlen(name, room);
		if (name_len == room)
			return -1;
		uint64_t fsid;
		memcpy(&fsid, at + 4, sizeof(fsid));
		sum += (int64_t)(name_len + get32(at + 16) + (uint32_t)fsid);
	}
	return sum;
}

static unsigned drain_names_raw(const struct side *side)
{
	static char buf[BUFFER_SIZE] __attribute__((aligned(16)));
	unsigned count = 0;
	uint64_t sum = 0;
	ssize_t n;
	while ((n = read(side->fd, buf, sizeof(buf))) > 0) {
		const struct fanotify_event_metadata *event = (const void *)buf;
		for (; FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n)) {
			int64_t told = event->vers == FANOTIFY_METADATA_VERSION ? parse_name(event) : -1;
			if (told < 0)
				bench_die("fanotify: malformed");
			sum += (uint64_t)told + event->mask + (uint32_t)event->pid;
			count++;
		}
	}
	bench_sink = sum;
	return count;
}

static uint64_t touch(const struct butter_fanotify_event *event)
{
	uint32_t type;
	memcpy(&type, (const char *)event->dir.handle + 4, sizeof(type));
	return event->name_len + type + (uint32_t)event->dir.fsid + event->mask + (uint32_t)event->pid;
}

static unsigned drain_one_by_one(const struct side *side)
{
	struct butter_fanotify_event event;
	unsigned count = 0;
	uint64_t sum = 0;
	while (butter_fanotify_read_event(side->x, &event) > 0) {
		sum += touch(&event);
		count++;
	}
	bench_sink = sum;
	return count;
}

static unsigned drain_batches(const struct side *side)
{
	struct butter_fanotify_event events[BATCH];
	unsigned count = 0;
	uint64_t sum = 0;
	ssize_t n;
	while ((n = butter_fanotify_read_events(side->x, events, BATCH)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			sum += touch(&events[i]);
		count += (unsigned)n;
	}
	bench_sink = sum;
	return count;
}

static void open_names(struct side *raw, struct side *butter)
{
	bench_queue_make(&raw->queue, "fanotify-raw");
	bench_queue_make(&butter->queue, "fanotify-butter");
	raw->count = butter->count = raw->queue.count / 2;
	raw->fd = fanotify_init(FAN_REPORT_DFID_NAME | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);
	butter->x = butter_fanotify_open(FAN_REPORT_DFID_NAME, O_RDONLY, NULL);
	if (raw->fd < 0 || fanotify_mark(raw->fd, FAN_MARK_ADD, FAN_MOVED_TO, AT_FDCWD, raw->queue.dir) < 0)
		bench_die("fanotify");
	if (!butter->x || butter_fanotify_watch(butter->x, AT_FDCWD, butter->queue.dir, FAN_MOVED_TO, 0) < 0)
		bench_die("butter_fanotify");
}

static void close_sides(struct side *raw, struct side *butter)
{
	butter_fanotify_close(butter->x);
	close(raw->fd);
}

static void bench_names(void)
{
	struct side raw = {.fill = fill_names, .drain = drain_names_raw};
	struct side butter = {.fill = fill_names, .drain = drain_one_by_one};
	struct bench bench = {
		"fanotify drain, read_event", BENCH_GOAL, SLICES, drain_side, drain_side, &raw, &butter};
	open_names(&raw, &butter);
	bench_compare(&bench);
	bench.name = "fanotify drain, read_events of 64";
	butter.drain = drain_batches;
	bench_compare(&bench);
	close_sides(&raw, &butter);
}

/* Events with fds, of which no more are read than there may be fds. */
static void fill_files(const struct side *side)
{
	char path[256];
	for (unsigned i = 0; i < side->count; i++) {
		snprintf(path, sizeof(path), "%s/%u", side->queue.dir, i);
		int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			bench_die(path);
		close(fd);
	}
}

static unsigned drain_fds_raw(const struct side *side)
{
	struct fanotify_event_metadata events[BATCH];
	unsigned count = 0;
	ssize_t n;
	while ((n = read(side->fd, events, sizeof(events))) > 0) {
		const struct fanotify_event_metadata *event = events;
		for (; FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n)) {
			bench_sink = event->mask;
			close(event->fd);
			count++;
		}
	}
	return count;
}

static unsigned drain_fds(const struct side *side)
{
	struct butter_fanotify_event event;
	unsigned count = 0;
	while (butter_fanotify_read_event(side->x, &event) > 0) {
		bench_sink = event.mask;
		butter_fanotify_event_close(side->x, &event);
		count++;
	}
	return count;
}

static void bench_fds(void)
{
	struct side raw = {.fill = fill_files, .drain = drain_fds_raw, .count = FILES};
	struct side butter = {.fill = fill_files, .drain = drain_fds, .count = FILES};
	struct bench bench = {"fanotify drain with fds, read_event",
			      BENCH_PEER,
			      SLICES,
			      drain_side,
			      drain_side,
			      &raw,
			      &butter};
	butter.x = butter_fanotify_open(FAN_CLASS_NOTIF, O_RDONLY, NULL);
	if (!butter.x) {
		bench_missing(bench.name, "(needs CAP_SYS_ADMIN)");
		return;
	}
	bench_queue_make(&raw.queue, "fds-raw");
	bench_queue_make(&butter.queue, "fds-butter");
	raw.fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC);
	uint64_t mask = FAN_OPEN | FAN_EVENT_ON_CHILD;
	if (raw.fd < 0 || fanotify_mark(raw.fd, FAN_MARK_ADD, mask, AT_FDCWD, raw.queue.dir) < 0 ||
	    butter_fanotify_watch(butter.x, AT_FDCWD, butter.queue.dir, mask, 0) < 0)
		bench_die("fanotify");
	bench_compare(&bench);
	close_sides(&raw, &butter);
}

/* The directories of events, as events name them. */
struct places {
	struct butter_fanotify *x;
	int mount_fd;
	unsigned count;
	struct butter_fanotify_handle handles[MOST_DIRECTORIES];
	_Alignas(8) unsigned char bytes[MOST_DIRECTORIES][8 + MAX_HANDLE_SZ];
};

static double paths_raw(void *arg)
{
	struct places *p = arg;
	char link[64], path[PATH_MAX + 256];
	uint64_t start = bench_now();
	for (unsigned i = 0; i < p->count * PASSES; i++) {
		void *handle = p->bytes[i % p->count];
		int fd = open_by_handle_at(p->mount_fd, handle, O_PATH | O_CLOEXEC);
		if (fd < 0)
			bench_die("open_by_handle_at");
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(link, path, PATH_MAX);
		close(fd);
		if (n < 0)
			bench_die("readlink");
		memcpy(path + n, "/name", sizeof("/name"));
		bench_sink = (uint64_t)path[n - 1];
	}
	return bench_per(start, p->count * PASSES);
}

static double paths_butter(void *arg)
{
	struct places *p = arg;
	char path[PATH_MAX + 256];
	uint64_t start = bench_now();
	for (unsigned i = 0; i < p->count * PASSES; i++) {
		ssize_t n = butter_fanotify_path(p->x, &p->handles[i % p->count], "name", path, sizeof(path));
		if (n < 0)
			bench_die("butter_fanotify_path");
		bench_sink = (uint64_t)path[n - 1];
	}
	return bench_per(start, p->count * PASSES);
}

/* An event of each directory. */
static void make_places(struct places *p, const char *top)
{
	struct butter_fanotify_event event;
	char path[256];
	for (unsigned i = 0; i < MOST_DIRECTORIES; i++) {
		snprintf(path, sizeof(path), "%s/directory-%03u", top, i);
		if (mkdir(path, 0700) < 0 || butter_fanotify_watch(p->x, AT_FDCWD, path, FAN_CREATE, 0) < 0)
			bench_die(path);
		snprintf(path, sizeof(path), "%s/directory-%03u/file", top, i);
		if (mknod(path, S_IFREG | 0600, 0) < 0 || butter_fanotify_read_event(p->x, &event) != 1)
			bench_die(path);
		p->handles[i] = event.dir;
		p->handles[i].handle = memcpy(p->bytes[i], event.dir.handle, event.dir.len);
	}
}

static void bench_paths(void)
{
	static const struct {
		const char *name;
		unsigned count;
	} rows[] = {{"fanotify path of 100 directories", 100}, {"fanotify path of 1000 directories", 1000}};
	struct places *p = calloc(1, sizeof(*p));
	char top[128], path[256];
	snprintf(top, sizeof(top), "%s/places", bench_scratch());
	if (!p || mkdir(top, 0700) < 0)
		bench_die(top);
	p->x = butter_fanotify_open(FAN_REPORT_DFID_NAME, O_RDONLY, NULL);
	p->mount_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!p->x || p->mount_fd < 0)
		bench_die("fanotify");
	make_places(p, top);
	for (unsigned i = 0; i < 2; i++) {
		struct bench bench = {rows[i].name, PATH_GOAL, SLICES, paths_raw, paths_butter, p, p};
		p->count = rows[i].count;
		if (butter_fanotify_path(p->x, &p->handles[0], NULL, path, sizeof(path)) < 0)
			bench_missing(bench.name, "(needs CAP_DAC_READ_SEARCH)");
		else
			bench_compare(&bench);
	}
	close(p->mount_fd);
	butter_fanotify_close(p->x);
	free(p);
}

void bench_fanotify(void)
{
	bench_names();
	bench_fds();
	bench_paths();
}
