/* SPDX-License-Identifier: MIT */
/* Files and pipes that tests move bytes between. */
#ifndef FILES_H
#define FILES_H

#include "test.h"

enum { READ, WRITE };

/* A regular file in memory with this text, at its start; it can be sealed. */
int file_with(const char *text);

/* "file" of the test's folder, created: on another file system than file_with()'s. */
int file_on_disk(int flags);

/* A non-blocking pipe. */
void make_pipe(int fds[2]);

/* One that holds a page at most, and holds it. */
void make_full_pipe(int fds[2]);

void close_pipe(int fds[2]);

/* One read(2) gives this text. */
void assert_reads(int fd, const char *text);

#endif
