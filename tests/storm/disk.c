/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"

static void add(struct disk *d, const char *path, const struct stat *st)
{
	if (d->count == d->size) {
		d->size = d->size ? d->size * 2 : 1024;
		d->things = realloc(d->things, d->size * sizeof(*d->things));
	}
	d->dirs += S_ISDIR(st->st_mode) != 0;
	d->things[d->count++] = (struct thing){
		.path = strdup(path), .type = st->st_mode & S_IFMT, .dev = st->st_dev, .ino = st->st_ino};
}

/* Renames make paths that are longer than PATH_MAX: in pieces. */
static int open_dir(int base, const char *path)
{
	enum { PIECE = 2000, FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
	for (int at = base;;) {
		size_t len = strlen(path);
		const char *slash = len > PIECE ? strchr(path + PIECE, '/') : NULL;
		char *piece = strndup(path, slash ? (size_t)(slash - path) : len);
		int fd = openat(at, piece, FLAGS);
		free(piece);
		if (at != base)
			close(at);
		if (fd < 0 || !slash)
			return fd;
		at = fd;
		path = slash + 1;
	}
}

static void list(struct disk *d, int base, const char *path)
{
	struct dirent *e;
	struct stat st;
	int fd = open_dir(base, path);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (e = readdir(dir))) {
		char *below = NULL;
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    asprintf(&below, "%s/%s", path, e->d_name) > 0)
			add(d, below, &st);
		free(below);
	}
	if (dir)
		closedir(dir);
}

void disk_add(struct disk *d, int base, const char *path)
{
	struct stat st;
	size_t i = d->count;
	if (fstatat(base, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	for (add(d, path, &st); i < d->count; i++)
		if (S_ISDIR(d->things[i].type))
			list(d, base, d->things[i].path);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct thing *)a)->path, ((const struct thing *)b)->path);
}

void disk_sort(struct disk *d)
{
	qsort(d->things, d->count, sizeof(*d->things), by_path);
}

const struct thing *disk_find(const struct disk *d, const char *path)
{
	struct thing key = {.path = (char *)path};
	return bsearch(&key, d->things, d->count, sizeof(*d->things), by_path);
}

void disk_free(struct disk *d)
{
	for (size_t i = 0; i < d->count; i++)
		free(d->things[i].path);
	free(d->things);
	*d = (struct disk){0};
}
