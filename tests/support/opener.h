/* SPDX-License-Identifier: MIT */
/* Processes that open files and have to wait for a fanotify object's answer. */
#ifndef OPENER_H
#define OPENER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "group.h"

/* An object of these flags; NULL: an ordinary user, who has been told EPERM. */
struct butter_fanotify *guard(unsigned flags, const struct butter_fanotify_options *options);

/* The same with FAN_OPEN_PERM of a new file in dir, whose path it tells. */
struct butter_fanotify *guard_file_in(const char *dir, unsigned flags,
				      const struct butter_fanotify_options *options, const char **ret_path);

/* The same in a folder of its own: not for a child, which does not clean up. */
struct butter_fanotify *guard_file(unsigned flags, const struct butter_fanotify_options *options,
				   const char **ret_path);

/*
 * A child that runs fn(arg) and ends with the number it returns. It has closed the object first, or it
 * would wait for itself when the test dies; x may be NULL.
 */
pid_t start_child(struct butter_fanotify *x, int (*fn)(const void *), const void *arg);

/* The number that it ended with. */
int ended_with(pid_t pid);

/* Whether it has ended by now. */
int has_ended(pid_t pid);

/* A child that opens path: it ends with the errno, 0 when it may. */
pid_t start_opener(struct butter_fanotify *x, const char *path);

/* The next event, which must be a question that waits for an answer. */
struct butter_fanotify_event await_question(struct butter_fanotify *x);

/* One more opener of path, and its question. */
struct butter_fanotify_event ask(struct butter_fanotify *x, const char *path, pid_t *ret_opener);

/* Returns when all of them wait in the kernel, which is where openers wait for their answer. */
void await_stuck(const pid_t *openers, size_t count);

#endif
