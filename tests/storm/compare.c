/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "disk.h"
#include "storm.h"

struct comparison {
	struct storm *storm;
	struct disk disk;
	struct watch *watches;
	size_t dumped, dumped_dirs, count, with_nodes;
};

struct watch {
	int wd;
	uint64_t dev, ino;
	uint32_t mask;
};

static void compare_place(const struct comparison *c, const struct place *p)
{
	struct naive *v = &c->storm->known;
	char *path = naive_path(v, p);
	const struct thing *thing = disk_find(&c->disk, path);
	if (!thing || S_ISDIR(thing->type) != p->is_dir)
		naive_wrong(v, thing ? "told, and of another type" : "told, and not there", path);
	free(path);
}

/* Directories, and files where they are compared. */
static void compare_there(const struct comparison *c, int files)
{
	for (struct place *p = NULL; (p = naive_next(&c->storm->known, p));)
		if (p->is_dir || files)
			compare_place(c, p);
}

static void compare_told(struct comparison *c)
{
	struct storm *s = c->storm;
	struct naive *v = &s->known;
	char text[96];
	int files = s->known.entries || (!v->unsure && !v->merged);
	for (size_t i = 0; i < c->disk.count; i++) {
		const struct thing *thing = &c->disk.things[i];
		const struct place *p = naive_find(v, thing->path, S_ISDIR(thing->type));
		if (!S_ISDIR(thing->type) && !files)
			continue;
		if (!p || p->is_dir != S_ISDIR(thing->type))
			naive_wrong(v, p ? "of another type" : "not told", thing->path);
	}
	compare_there(c, files);
	snprintf(text, sizeof(text), "%zu directories, %zu files; there are %zu, %zu", v->dirs, v->files,
		 c->disk.dirs, c->disk.count - c->disk.dirs);
	if (v->dirs != c->disk.dirs || (files && v->files != c->disk.count - c->disk.dirs))
		naive_wrong(v, "told", text);
}

static const struct watch *watch_of(const struct comparison *c, int wd)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->watches[i].wd == wd)
			return &c->watches[i];
	return NULL;
}

static int compare_node(const struct butter_tree_node *node, void *data)
{
	struct comparison *c = data;
	struct naive *v = &c->storm->known;
	const char *path = node->path + v->base_len + 1;
	const struct thing *thing = disk_find(&c->disk, path);
	int is_dir = (node->flags & BUTTER_TREE_IS_DIR) != 0;
	c->dumped++;
	c->dumped_dirs += (size_t)is_dir;
	if (!thing)
		naive_wrong(v, "known, and not there", path);
	else if (thing->ino != node->ino || is_dir != S_ISDIR(thing->type))
		naive_wrong(v, "known, and something else there", path);
	else if ((is_dir && c->storm->backend == BUTTER_TREE_INOTIFY) != (node->wd >= 0))
		naive_wrong(v, node->wd < 0 ? "not watched" : "has a number of inotify", path);
	if (!thing || !is_dir || c->storm->backend != BUTTER_TREE_INOTIFY)
		return 0;
	const struct watch *w = watch_of(c, node->wd);
	c->with_nodes++;
	if (!w || w->ino != thing->ino || w->dev != thing->dev)
		naive_wrong(v, "watched is something else than", path);
	else if ((w->mask & (IN_CREATE | IN_DELETE | IN_MOVE)) != (IN_CREATE | IN_DELETE | IN_MOVE))
		naive_wrong(v, "watched with too small a mask", path);
	return 0;
}

static void add_watch(struct comparison *c, int wd, uint64_t dev, uint64_t ino, uint32_t mask)
{
	c->watches = realloc(c->watches, (c->count + 1) * sizeof(*c->watches));
	/* the kernel's own number of a device */
	c->watches[c->count++] =
		(struct watch){.wd = wd,
			       .dev = makedev((unsigned)(dev >> 20), (unsigned)(dev & 0xfffff)),
			       .ino = ino,
			       .mask = mask};
}

static void read_watches(struct comparison *c, const char *number)
{
	char path[64], line[512];
	unsigned wd, mask;
	uint64_t ino, dev;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%.16s", number);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "inotify wd:%x ino:%" SCNx64 " sdev:%" SCNx64 " mask:%x", &wd, &ino, &dev,
			   &mask) == 4)
			add_watch(c, (int)wd, dev, ino, mask);
		else if (sscanf(line, "fanotify ino:%" SCNx64 " sdev:%" SCNx64, &ino, &dev) == 2)
			add_watch(c, 0, dev, ino, 0);
		else if (sscanf(line, "fanotify sdev:%" SCNx64 " mflags:%*x mask:%x", &dev, &mask) == 2)
			add_watch(c, -1, dev, 0, mask);
	}
	if (f)
		fclose(f);
}

/* Of this process, which has no other inotify or fanotify than the tree's. */
static void all_watches(struct comparison *c)
{
	struct dirent *e;
	DIR *dir = opendir("/proc/self/fdinfo");
	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			read_watches(c, e->d_name);
	if (dir)
		closedir(dir);
}

/* The directories that lead to the roots, and the barrier, which is of a filesystem without a path. */
static size_t others(const struct storm *s)
{
	size_t n = 2;
	for (const char *p = s->base; *p; p++)
		n += *p == '/';
	return n;
}

static int leads_there(const struct storm *s, const struct watch *w)
{
	char path[512];
	struct stat st;
	snprintf(path, sizeof(path), "%s", s->base);
	for (char *slash; (slash = strrchr(path, '/')); *slash = '\0')
		if (stat(path, &st) == 0 && st.st_ino == w->ino && st.st_dev == w->dev)
			return 1;
	return stat("/", &st) == 0 && st.st_ino == w->ino && st.st_dev == w->dev;
}

/* What is watched for no node. */
static void compare_others(struct comparison *c)
{
	struct storm *s = c->storm;
	struct stat st;
	size_t filesystems = 0, barriers = 0;
	if (fstat(s->fd, &st) < 0)
		return;
	for (size_t i = 0; i < c->count; i++) {
		const struct watch *w = &c->watches[i];
		char text[64];
		snprintf(text, sizeof(text), "inode %" PRIu64, w->ino);
		if (w->wd < 0)
			filesystems += w->dev == st.st_dev;
		else if (!w->mask || w->dev != st.st_dev)
			barriers += !leads_there(s, w);
		else if (s->backend == BUTTER_TREE_FANOTIFY && !leads_there(s, w))
			naive_wrong(&s->known, "watched by inotify too", text);
	}
	if (s->backend == BUTTER_TREE_FANOTIFY && filesystems != 1)
		naive_wrong(&s->known, "marked filesystems", filesystems ? "more" : "none");
	if (barriers > 2)
		naive_wrong(&s->known, "watched", "on another filesystem");
	if (s->backend == BUTTER_TREE_INOTIFY && c->count > c->disk.dirs + others(s))
		naive_wrong(&s->known, "watched", "more than is there");
}

static void compare_known(struct comparison *c)
{
	struct naive *v = &c->storm->known;
	char text[64];
	butter_tree_dump(c->storm->x, compare_node, c);
	size_t all = c->storm->flags & BUTTER_TREE_ENTRIES ? c->disk.count : c->disk.dirs;
	snprintf(text, sizeof(text), "%zu of %zu", c->dumped, all);
	if (v->deep ? c->dumped > all : c->dumped != all)
		naive_wrong(v, "known", text);
}

/* After a GAP: where the consumer begins again. */
static void learn(struct comparison *c)
{
	struct naive *v = &c->storm->known;
	naive_forget(v);
	for (size_t i = 0; i < c->disk.count; i++)
		naive_learn(v, c->disk.things[i].path, S_ISDIR(c->disk.things[i].type));
	v->unsure = 0;
	c->storm->gaps++;
}

void storm_compare(struct storm *s)
{
	struct comparison c = {.storm = s};
	disk_add(&c.disk, s->fd, "a");
	disk_add(&c.disk, s->fd, "b");
	disk_sort(&c.disk);
	all_watches(&c);
	if (!(s->known.deep && s->known.unsure))
		compare_told(&c);
	compare_known(&c);
	compare_others(&c);
	if (!s->known.entries && (s->known.unsure || s->known.merged))
		learn(&c);
	free(c.watches);
	disk_free(&c.disk);
	s->checks++;
}
