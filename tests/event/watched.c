/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <butter/file.h>

#include "child.h"
#include "test.h"
#include "trace.h"
#include "watched.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

struct butter_fanotify *x;
char top[4096];

static struct {
	void (*body)(void);
	uint32_t max_paths;
	uid_t uid;
} run;

static void watch_and_run(void *dir)
{
	struct butter_fanotify_options options = {.size = sizeof(options), .max_paths = run.max_paths};
	ck_assert_ptr_nonnull(realpath(dir, top));
	ck_assert_int_eq(mount("tmpfs", top, "tmpfs", 0, ""), 0);
	x = butter_fanotify_open(FAN_REPORT_DFID_NAME, O_RDONLY, &options);
	ck_assert_ptr_nonnull(x);
	unsigned before = count_fds();
	int n = butter_fanotify_watch(x, AT_FDCWD, top, FAN_CREATE | FAN_ONDIR, FAN_MARK_FILESYSTEM);
	ck_assert_uint_eq(count_fds(), before);
	if (n < 0 && run.uid != 0 && !linux_is_at_least(6, 16)) {
		ck_assert_int_eq(errno, EPERM);
	} else {
		ck_assert_int_eq(n, 0);
		run.body();
	}
	butter_fanotify_close(x);
	ck_assert_uint_eq(count_fds(), before - 1);
}

void in_watched(void (*body)(void), uint32_t max_paths)
{
	run.body = body;
	run.max_paths = max_paths;
	run.uid = geteuid();
	in_mount_namespace(watch_and_run, (void *)scratch());
}

const char *at(const char *format, ...)
{
	static char strings[16][8192];
	static unsigned next;
	char *string = strings[next++ % 16];
	va_list args;
	va_start(args, format);
	int n = snprintf(string, sizeof(strings[0]), "%s/", top);
	n += vsnprintf(string + n, sizeof(strings[0]) - (size_t)n, format, args);
	va_end(args);
	ck_assert_uint_lt((size_t)n, sizeof(strings[0]));
	return string;
}

void make(const char *path)
{
	ck_assert_msg(mkdir(path, 0700) == 0, "%s: %s", path, strerror(errno));
}

void move(const char *from, const char *to)
{
	ck_assert_msg(rename(from, to) == 0, "%s to %s: %s", from, to, strerror(errno));
}

void exchange(const char *one, const char *other)
{
	ck_assert_int_eq(butter_renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE), 0);
}

struct handle *new_dir(struct handle *ret, const char *path)
{
	make(path);
	return handle_of(ret, path);
}

static void expect_once(const struct handle *handle, const char *name, const char *path)
{
	char buf[8192];
	errno = 1234;
	ssize_t n = butter_fanotify_path(x, &handle->h, name, buf, sizeof(buf));
	ck_assert_msg(n >= 0, "%s: %s", path, strerror(errno));
	ck_assert_str_eq(buf, path);
	ck_assert_int_eq(n, (ssize_t)strlen(path));
	ck_assert_int_eq(errno, 1234);
}

void expect_path(const struct handle *handle, const char *name, const char *path)
{
	expect_once(handle, name, path);
	expect_once(handle, name, path);
}

void expect_errno(const struct handle *handle, int error)
{
	char buf[8192] = "untouched";
	for (int i = 0; i < 2; i++) {
		ck_assert_fails(butter_fanotify_path(x, &handle->h, NULL, buf, sizeof(buf)), error);
		ck_assert_str_eq(buf, "untouched");
	}
}

/* ck_assert makes system calls of its own. */
static void ask(void *handle)
{
	char buf[8192];
	if (butter_fanotify_path(x, &((struct handle *)handle)->h, "name", buf, sizeof(buf)) < 0)
		_exit(1);
}

void expect_kept(const struct handle *handle, int kept)
{
	struct trace trace;
	trace_calls(ask, (void *)handle, &trace);
	ck_assert_msg((trace.count == 1) == kept, "%zu system calls", trace.count);
}
