/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"
#include "storm.h"

static long read_long(const char *path)
{
	long n = 0;
	FILE *f = fopen(path, "re");
	if (f) {
		if (fscanf(f, "%ld", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n;
}

uint32_t storm_flood(uint32_t backend)
{
	if (backend == BUTTER_TREE_POLL)
		return 0;
	if (backend == BUTTER_TREE_FANOTIFY)
		return (uint32_t)read_long("/proc/sys/fs/fanotify/max_queued_events") + 10;
	return (uint32_t)read_long("/proc/sys/fs/inotify/max_queued_events") / 2 + 10;
}

uint64_t storm_rescans(const struct storm *s)
{
	struct butter_tree_statistics now;
	butter_tree_get(s->x, &now);
	return now.rescans;
}

/* Some to begin with, so that the first scan has something to do. */
static int make_folder(struct storm *s)
{
	static const char *const dirs[] = {"a", "b", "o", "a/noise", "a/0", "a/0/0", "a/0/0/0", "b/1", "o/2"};
	if (!mkdtemp(s->base) || (s->fd = open(s->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdirat(s->fd, dirs[i], 0755) < 0)
			return -1;
	return 0;
}

static int add_roots(struct storm *s)
{
	struct butter_tree_root root = {
		.size = sizeof(root), .backend = s->backend, .poll_interval = 50000000};
	static const char *const names[] = {"a", "b"};
	for (size_t i = 0; i < 2; i++) {
		char *path = NULL;
		int n = asprintf(&path, "%s/%s", s->base, names[i]);
		n = n < 0 ? -1 : butter_tree_add(s->x, path, &root, NULL);
		free(path);
		if (n < 0)
			return -1;
	}
	return 0;
}

static int open_tree(struct storm *s)
{
	struct butter_tree_options o = {.size = sizeof(o), .flags = s->flags, .scan_workers = s->workers};
	if (!(s->x = butter_tree_open(&o)))
		return -1;
	if (s->adding)
		s->adding(s, 1);
	int n = add_roots(s);
	if (s->adding)
		s->adding(s, 0);
	return n;
}

static int count_dir(const struct butter_tree_node *node, void *data)
{
	*(size_t *)data += node->flags & BUTTER_TREE_IS_DIR;
	return 0;
}

static int learn_dir(const struct butter_tree_node *node, void *data)
{
	struct storm *s = data;
	naive_learn(&s->known, node->path + s->known.base_len + 1, 1);
	return 0;
}

/* As if they had been listed at the very moment when the scan ended: what was told by then says no more. */
static void list_dirs(struct storm *s)
{
	struct butter_tree_event ev;
	butter_tree_dump(s->x, learn_dir, s);
	for (size_t n = butter_tree_pending(s->x); n > 0 && butter_tree_read_event(s->x, &ev) == 1; n--)
		continue;
}

static void list_below(struct storm *s, const char *top)
{
	struct disk disk = {0};
	disk_add(&disk, s->fd, top);
	for (size_t i = 0; i < disk.count; i++)
		naive_learn(&s->known, disk.things[i].path, S_ISDIR(disk.things[i].type));
	disk_free(&disk);
}

/* Who looks again and again tells files from then on, too, but not those that the first look has found; a
 * tree that walks nothing has found nothing. */
static void list_all(struct storm *s)
{
	storm_sync(s);
	naive_forget(&s->known);
	s->known.errors = 0;
	s->known.first[0] = '\0';
	list_below(s, "a");
	list_below(s, "b");
}

/* Who follows directories begins with a listing. A tree that knows no more than it has met tells less. */
static void begin_reading(struct storm *s)
{
	size_t dirs = 0;
	int listed = !(s->flags & BUTTER_TREE_ENTRIES);
	butter_tree_dump(s->x, count_dir, &dirs);
	s->known.merged |= s->backend == BUTTER_TREE_FANOTIFY && listed;
	s->known.deep = s->backend == BUTTER_TREE_FANOTIFY && listed && dirs == 2;
	if (s->backend == BUTTER_TREE_POLL ? listed : s->known.deep) {
		list_all(s);
	} else if (listed) {
		list_dirs(s);
	} else {
		naive_learn(&s->known, "a", 1);
		naive_learn(&s->known, "b", 1);
	}
	storm_sync(s);
}

int storm_begin(struct storm *s, const char *dir, uint32_t backend, uint32_t flags)
{
	*s = (struct storm){.backend = backend,
			    .flags = flags,
			    .fd = -1,
			    .log = s->log,
			    .adding = s->adding,
			    .data = s->data,
			    .workers = s->workers};
	if (asprintf(&s->base, "%s/storm.XXXXXX", dir) < 0)
		return -1;
	/* who looks again and again knows files, whatever the level is */
	naive_init(&s->known, s->base, flags & BUTTER_TREE_ENTRIES || backend == BUTTER_TREE_POLL);
	if (make_folder(s) == 0) {
		free(s->known.base);
		s->known.base = strdup(s->base);
		if (open_tree(s) == 0) {
			begin_reading(s);
			return 0;
		}
	}
	int error = errno;
	storm_end(s);
	errno = error;
	return -1;
}

void storm_end(struct storm *s)
{
	butter_tree_close(s->x);
	if (s->fd >= 0)
		close(s->fd);
	disk_remove(s->base);
	naive_free(&s->known);
	free(s->base);
}

static void print_event(const struct storm *s, const struct butter_tree_event *ev)
{
	char type[64];
	butter_tree_mask_format(ev->type, type, sizeof(type));
	fprintf(s->log, "\t%s%s%s %s %s%s\n", type, ev->flags & BUTTER_TREE_IS_DIR ? " dir" : "",
		ev->flags & BUTTER_TREE_EXCHANGED ? " exchanged" : "",
		*ev->path ? ev->path + s->known.base_len : "",
		*ev->old_path ? ev->old_path + s->known.base_len : "",
		ev->flags & BUTTER_TREE_SYNTHETIC ? " (found)" : "");
}

static void handle(struct storm *s, const struct butter_tree_event *ev)
{
	unsigned errors = s->known.errors;
	if (s->log)
		print_event(s, ev);
	naive_event(&s->known, ev);
	if (ev->type == BUTTER_TREE_DEGRADED)
		naive_wrong(&s->known, "degraded", ev->path);
	if (s->log && s->known.errors > errors)
		fprintf(s->log, "\t^ wrong: %s\n", s->known.first);
}

int storm_read(struct storm *s, unsigned most)
{
	struct butter_tree_event ev;
	int n = 1;
	unsigned count = 0;
	while (count < most && (n = butter_tree_read_event(s->x, &ev)) == 1) {
		handle(s, &ev);
		count++;
	}
	if (n < 0)
		naive_wrong(&s->known, "read", strerror(errno));
	return n < 0 ? -1 : (int)count;
}

void storm_sync(struct storm *s)
{
	struct butter_tree_event ev = {0};
	uint64_t before = s->known.synced;
	int n = butter_tree_sync(s->x, -1);
	if (n != 1)
		naive_wrong(&s->known, "sync", n < 0 ? strerror(errno) : "not yet");
	while (n == 1 && ev.type != BUTTER_TREE_SYNC && (n = butter_tree_read_event(s->x, &ev)) == 1)
		handle(s, &ev);
	if (s->known.synced == before)
		naive_wrong(&s->known, "sync", "is not told");
}

void storm_check(struct storm *s)
{
	unsigned errors = s->known.errors;
	storm_sync(s);
	storm_compare(s);
	if (s->log && s->known.errors > errors)
		fprintf(s->log, "\t^ wrong: %s\n", s->known.first);
}
