/* SPDX-License-Identifier: MIT */
/* What every suite uses: registration, the fixture around each test, scratch folders, skips. */
#ifndef TEST_H
#define TEST_H

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * SUITE(event_inotify) { tcase_add_test(tc, ...); } registers a suite. Around each test the
 * fixture counts /proc/self/fd, clears faults and removes scratch folders. Tests that trace
 * system calls, hand bad pointers to the kernel, or make calls that valgrind does not know
 * (epoll_pwait2, mount without a type, loop devices) or makes itself (execve) go to raw, which
 * CK_EXCLUDE_TAGS=raw leaves out.
 */
#define SUITE(name)                                                                                          \
	static void name##_fill(TCase *tc, TCase *raw);                                                      \
	static struct suite name##_entry = {.title = #name, .fill = name##_fill};                            \
	__attribute__((constructor)) static void name##_register(void)                                       \
	{                                                                                                    \
		suite_register(&name##_entry);                                                               \
	}                                                                                                    \
	static void name##_fill(TCase *tc __attribute__((unused)), TCase *raw __attribute__((unused)))

struct suite {
	const char *title;
	void (*fill)(TCase *tc, TCase *raw);
	struct suite *next;
};

void suite_register(struct suite *suite);

/* Ends the test as skipped; with BUTTER_TEST_STRICT=1 as failed. */
_Noreturn void test_skip(const char *name, const char *reason);
#define SKIP(reason) test_skip(__func__, reason)

/*
 * A new folder of the test's own, in one of its own, since TMPDIR has news for those that watch it: the
 * folders of other tests. Removed after it; the string lives until then.
 */
const char *scratch(void);

/* For a child that is to have its own: it leaves its parent's alone, and removes them in the end. */
void leave_scratch(void);
void remove_scratch(void);

/* How much of it is done: as much as all that is claimed where BUTTER_TEST_FULL is 1, and else few. */
unsigned amount(unsigned few, unsigned all);

/* dir/name in a string that lives until the test ends. */
const char *path_in(const char *dir, const char *name);

/* Creates the file, which must not exist. */
void touch(const char *path);

/* The number in the first line of a file such as /proc/sys/fs/inotify/max_queued_events. */
long read_number(const char *path);

/* Whether the running kernel is of this version or newer. */
int linux_is_at_least(unsigned major, unsigned minor);

/* Open file descriptors of this process. */
unsigned count_fds(void);

/* A clock's time in nanoseconds. */
int64_t clock_ns(clockid_t id);

/* poll(2)'s revents for POLLIN, after at most ms milliseconds. */
int poll_in(int fd, int ms);

/* -1 and this errno. */
#define ck_assert_fails(expression, error)                                                                   \
	do {                                                                                                 \
		errno = 0;                                                                                   \
		ck_assert_int_eq((expression), -1);                                                          \
		ck_assert_int_eq(errno, (error));                                                            \
	} while (0)

/* NULL and this errno. */
#define ck_assert_null_errno(expression, error)                                                              \
	do {                                                                                                 \
		errno = 0;                                                                                   \
		ck_assert_ptr_null(expression);                                                              \
		ck_assert_int_eq(errno, (error));                                                            \
	} while (0)

#endif
