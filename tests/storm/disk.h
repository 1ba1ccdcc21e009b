/* SPDX-License-Identifier: MIT */
/* What is on the disk, while nobody writes. */
#ifndef STORM_DISK_H
#define STORM_DISK_H

#include <stddef.h>
#include <stdint.h>

struct thing {
	char *path;    /* behind the base */
	uint32_t type; /* S_IFMT of the mode */
	uint64_t dev, ino;
};

struct disk {
	struct thing *things; /* in the order of strcmp(3) on paths */
	size_t count, size, dirs;
};

/* The folder "path" below base and all that is in it; a path of "a" is the first thing. */
void disk_add(struct disk *d, int base, const char *path);
void disk_sort(struct disk *d);
const struct thing *disk_find(const struct disk *d, const char *path);
void disk_free(struct disk *d);

/* A folder, and all that is in it. */
void disk_remove(const char *path);

#endif
