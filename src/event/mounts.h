/* SPDX-License-Identifier: MIT */
/* Where filesystems are mounted: what watches told of, and mountinfo. */
#ifndef BUTTER__MOUNTS_H
#define BUTTER__MOUNTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* A line of /proc/self/mountinfo at a time. */
struct butter__mountinfo {
	FILE *file;
	char *line; /* getline(3)'s */
	size_t size;
	int id;
	dev_t dev;   /* of the filesystem: not what stat(2) tells on btrfs */
	char *point; /* in line */
};

/* 0, or -1 and errno. */
int butter__mountinfo_open(struct butter__mountinfo *info);
/* 1 a line, 0 no more. */
int butter__mountinfo_next(struct butter__mountinfo *info);
void butter__mountinfo_close(struct butter__mountinfo *info); /* keeps errno */

enum butter__guard { UNGUARDED, GUARDED, CANNOT_BE_GUARDED };

struct butter__mount {
	struct butter__mount *next;
	uint64_t fsid;
	uint64_t point_fsid; /* of its root: another where fsid is that of a btrfs subvolume */
	dev_t dev;
	enum butter__guard guard; /* whether changes that give it other paths are told */
	int removes_trees;        /* one event may tell of many directories that are no more */
	char point[];             /* "/" ends no other */
};

struct butter__mounts {
	struct butter__mount *first;
};

/* The filesystem of an fd. 0, or -1 and errno; ret_type is statfs(2)'s and may be NULL. */
int butter__fsid_of(int fd, uint64_t *ret_fsid, unsigned long *ret_type);

/* The first mount of a list that is of a filesystem; NULL: none. */
struct butter__mount *butter__mounts_find(struct butter__mount *list, uint64_t fsid);

/* Makes known the mount that fd is on. 0, also when nobody can tell; -1 without memory or fds. */
int butter__mounts_note(struct butter__mounts *m, int fd);
struct butter__mount *butter__mounts_add(struct butter__mounts *m, uint64_t fsid, dev_t dev,
					 const char *point);
void butter__mounts_forget(struct butter__mounts *m, struct butter__mount *mount);
void butter__mounts_free(struct butter__mounts *m);

/*
 * Its root, open as open_by_handle_at(2) needs it, but as short as that: an open fd holds up umount(2).
 * -1 and ENODEV: something else is there; other errnos are of a lack of fds or memory.
 */
int butter__mount_open(const struct butter__mount *mount);

/* The process or the system lacks something, which says nothing about the file. */
int butter__is_lack(int error);

#endif
