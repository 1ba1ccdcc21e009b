/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

/* So much of a path as the kernel takes at once. */
static size_t piece_len(const char *path)
{
	size_t n = strnlen(path, PATH_MAX);
	while (n == PATH_MAX || (n > 0 && path[n] && path[n] != '/'))
		n--;
	return n;
}

/* Renames of directories into each other make paths that are longer than PATH_MAX. */
static int open_dir(int base, const char *path)
{
	char piece[PATH_MAX];
	int fd = -1;
	do {
		size_t n = piece_len(path);
		memcpy(piece, path, n);
		piece[n] = '\0';
		path += n + (path[n] == '/');
		int next = openat(fd < 0 ? base : fd, piece, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			close(fd);
		fd = next;
	} while (fd >= 0 && *path);
	return fd;
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

/* What is in it but for a directory that is not empty, which is named; 0: there is none. */
static int remove_names(int fd, char name[NAME_MAX + 1])
{
	struct dirent *e;
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), is_full = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	while (dir && !is_full && (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(name, NAME_MAX + 1, "%s", e->d_name);
		is_full = unlinkat(fd, name, 0) < 0 && unlinkat(fd, name, AT_REMOVEDIR) < 0 &&
			  errno == ENOTEMPTY;
	}
	if (dir)
		closedir(dir);
	return is_full;
}

void disk_remove(const char *path)
{
	char name[NAME_MAX + 1];
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t depth = 0; fd >= 0;) {
		int is_full = remove_names(fd, name);
		if (!is_full && depth == 0)
			break;
		int next = openat(fd, is_full ? name : "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		depth = is_full ? depth + 1 : depth - 1;
		close(fd);
		fd = next;
	}
	if (fd >= 0)
		close(fd);
	rmdir(path);
}
