/* SPDX-License-Identifier: MIT */
/* The watches that the kernel says this process has. */
#ifndef WATCHED_H
#define WATCHED_H

#include <stdint.h>

/* 1: some inotify of this process watches the inode. */
int is_watched(uint64_t ino);

/* The same for what is at a path. */
int is_path_watched(const char *path);

#endif
