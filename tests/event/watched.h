/* SPDX-License-Identifier: MIT */
/* A tmpfs of the test's own, an object that watches it, and handles whose paths are asked of it. */
#ifndef WATCHED_H
#define WATCHED_H

#include <stdarg.h>

#include "group.h"

extern struct butter_fanotify *x;

/* Where it is mounted, without symbolic links. */
extern char top[4096];

/*
 * Runs body in a mount namespace with a tmpfs at top, watched for what is created. Root of a user namespace
 * may do so since Linux 6.16; before that EPERM is asserted and body does not run.
 */
void in_watched(void (*body)(void), uint32_t max_paths);

/* top/ and what the format gives, in a string that lives for 16 more of these. */
const char *at(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* mkdir(2), and the handle of what it made. */
struct handle *new_dir(struct handle *ret, const char *path);

/* mkdir(2), rename(2), and with RENAME_EXCHANGE; they cannot fail. */
void make(const char *path);
void move(const char *from, const char *to);
void exchange(const char *one, const char *other);

/* The path of the handle is this one now, asked twice: the second time it may be a kept one. */
void expect_path(const struct handle *handle, const char *name, const char *path);

/* Asked twice, it is this errno. */
void expect_errno(const struct handle *handle, int error);

/* It is kept, and costs one system call; or it is asked of the kernel. For tests in raw. */
void expect_kept(const struct handle *handle, int kept);

/* A test that is in_watched(). */
#define TEST_WATCHED(name, max_paths)                                                                        \
	static void name##_body(void);                                                                       \
	START_TEST(name)                                                                                     \
	{                                                                                                    \
		in_watched(name##_body, max_paths);                                                          \
	}                                                                                                    \
	END_TEST                                                                                             \
	static void name##_body(void)

#endif
