/* SPDX-License-Identifier: MIT */
/*
 * Every libc call that a tree makes fails once, at each of its turns, while changes are read. What was told
 * is replayed: it has to be what is there. Only where memory was short, or all was lost of roots that are not
 * walked, may events be missing, and then a GAP says so.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "../../src/tree/tree.h"
#include "child.h"
#include "consumer.h"
#include "fault.h"
#include "image.h"
#include "scenarios.h"
#include "test.h"

static const struct {
	enum fault_call call;
	int error, is_memory;
} rows[] = {
	{FAULT_READ, EIO, 0},
	{FAULT_CALLOC, ENOMEM, 1},
	{FAULT_MALLOC, ENOMEM, 1},
	{FAULT_REALLOC, ENOMEM, 1},
	{FAULT_STRDUP, ENOMEM, 1},
	{FAULT_INOTIFY_INIT1, EMFILE, 0},
	{FAULT_INOTIFY_ADD_WATCH, ENOSPC, 0},
	{FAULT_INOTIFY_ADD_WATCH, ENOMEM, 0},
	{FAULT_INOTIFY_ADD_WATCH, EACCES, 0},
	{FAULT_INOTIFY_RM_WATCH, EINVAL, 0},
	{FAULT_FANOTIFY_MARK, ENOSPC, 0},
	{FAULT_NAME_TO_HANDLE_AT, ENOMEM, 0},
	{FAULT_STATFS, ENOMEM, 0},
	{FAULT_EPOLL_CTL, ENOMEM, 0},
	{FAULT_TIMERFD_SETTIME, EINVAL, 0},
	{FAULT_OPEN, EMFILE, 0},
	{FAULT_OPEN, EACCES, 0},
	{FAULT_OPEN, ENOMEM, 0},
	{FAULT_STAT, EMFILE, 0},
	{FAULT_STAT, ENOMEM, 0},
	{FAULT_GETDENTS, EIO, 0},
	{FAULT_GETDENTS, ENOMEM, 0},
	{FAULT_FUTIMENS, EROFS, 0},
	{FAULT_READLINK, ENOMEM, 0},
	{FAULT_POLL, EINTR, 0},
	{FAULT_IOCTL, EINVAL, 0},
	{FAULT_FOPEN, EMFILE, 0},
	{FAULT_GETRLIMIT, EPERM, 0},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), MOST_EVENTS = 512 };

/* A little of everything. */
static void change_much(void)
{
	must(mkdir("a/n", 0755));
	must(mkdir("a/n/n", 0755));
	put_file("a/n/n/f");
	must(rename("a/d/e", "a/n/e"));
	must(rename("a/f", "a/n/e/g"));
	must(rename("out/d", "a/in"));
	must(rename("b/x", "out/gone"));
	must(rename("a/g", "b/g"));
	must(unlink("a/d/f"));
	must(rmdir("a/d"));
}

/* What was told, in memory of its own: malloc() may be what is to fail, and ck_assert() calls it. */
static struct {
	struct butter_tree_event events[MOST_EVENTS];
	char text[1 << 18];
	size_t count, used;
} told;

static const char *keep(const char *text, size_t len)
{
	char *copy = told.text + told.used;
	if (told.used + len >= sizeof(told.text))
		abort();
	memcpy(copy, text, len + 1);
	told.used += len + 1;
	return copy;
}

static void note(struct butter_tree_event ev)
{
	ev.path = keep(ev.path, ev.path_len);
	ev.old_path = keep(ev.old_path, ev.old_path_len);
	told.events[told.count++] = ev;
	if (told.count == MOST_EVENTS)
		abort();
}

static const char *what(size_t row, unsigned nth, uint32_t backend, int entries)
{
	static char text[128];
	snprintf(text, sizeof(text), "row %zu, call %u, backend %u, %s", row, nth, backend,
		 entries ? "ENTRIES" : "DIRS");
	return text;
}

/* 0, or the errno of a call that told one. */
static int read_all(struct butter_tree *t)
{
	struct butter_tree_event ev;
	int n, error = butter_tree_sync(t, -1) < 0 ? errno : 0;
	while ((n = butter_tree_read_event(t, &ev)) == 1)
		note(ev);
	return n < 0 ? errno : error;
}

static int has(uint32_t type)
{
	int count = 0;
	for (size_t i = 0; i < told.count; i++)
		count += told.events[i].type == type;
	return count;
}

/* What could not be watched comes back by itself. */
static void recover(struct butter_tree *t)
{
	struct butter_tree_statistics now;
	struct butter_tree_event ev;
	butter_tree_get(t, &now);
	while (now.unwatched > 0) {
		ck_assert_int_eq(butter_tree_wait_event(t, &ev, INT64_C(20000000000)), 1);
		note(ev);
		butter_tree_get(t, &now);
	}
	ck_assert_int_eq(read_all(t), 0);
}

/* From the last GAP of both roots on, if events may be missing: they are to be listed again. */
static void replay(struct consumer *r, struct butter_tree *t, const char *const roots[2], int may_miss)
{
	size_t from = 0;
	for (size_t i = 0; may_miss && i < told.count; i++)
		if (told.events[i].type == BUTTER_TREE_GAP && !strcmp(told.events[i].path, roots[1]))
			from = i + 1;
	if (from > 0) {
		consumer_free(r);
		consumer_load(r, roots[0]);
		consumer_load(r, roots[1]);
	}
	for (size_t i = from; i < told.count; i++)
		consumer_apply(r, &told.events[i]);
	consumer_sync(r, t, roots, 2);
}

static int add_root(struct butter_tree *t, const char *path, uint32_t backend)
{
	struct butter_tree_root o = {
		.size = sizeof(o), .backend = backend, .poll_interval = INT64_C(3600000000000)};
	return butter_tree_add(t, path, &o, NULL);
}

static unsigned injected;

/* 0: there is no such call any more. */
static int try_changes(const char *top, size_t row, unsigned nth, uint32_t backend, int entries)
{
	struct butter_tree_options o = {.size = sizeof(o), .flags = entries ? BUTTER_TREE_ENTRIES : 0};
	const char *const roots[] = {path_in(top, "a"), path_in(top, "b")};
	struct consumer r = {.dirs_only = !entries, .what = what(row, nth, backend, entries)};
	struct butter_tree *t = butter_tree_open(&o);
	told.count = told.used = 0;
	prepare();
	must(mkdir("b/x", 0755));
	put_file("b/x/f");
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(add_root(t, roots[i], backend), i);
		if (!entries)
			consumer_load(&r, roots[i]);
	}
	ck_assert_int_eq(read_all(t), 0);
	change_much();
	fault_error(rows[row].call, nth, rows[row].error);
	int error = read_all(t), happened = fault_happened(rows[row].call);
	fault_clear();
	ck_assert_msg(error == 0 || (happened && error == rows[row].error), "%s: errno is %d", r.what, error);
	ck_assert_int_eq(read_all(t), 0);
	recover(t);
	ck_assert_msg(happened || !has(BUTTER_TREE_DEGRADED), "%s: it is degraded", r.what);
	replay(&r, t, roots, rows[row].is_memory || (t->roots[0].lazy && has(BUTTER_TREE_RESCAN)));
	consumer_free(&r);
	butter_tree_close(t);
	injected += (unsigned)happened;
	return happened;
}

static int load_node(const struct butter_tree_node *node, void *data)
{
	const struct butter_tree_event ev = {
		.type = BUTTER_TREE_CREATED, .flags = node->flags, .path = node->path, .old_path = ""};
	size_t len = strlen(node->path);
	if (strcmp(node->path + len - 2, "/a") != 0) /* which is the root itself */
		consumer_apply(data, &ev);
	return 0;
}

/* Where a consumer begins: at the first event, or in DIRS with what is known when they have been read, or is
 * there when nothing is. */
static size_t begin_model(struct consumer *r, struct butter_tree *t, const struct butter__root *root,
			  int entries)
{
	struct butter_tree_event ev;
	if (entries)
		return 0;
	while (butter_tree_pending(t) > 0 && butter_tree_read_event(t, &ev) == 1)
		note(ev);
	if (root->lazy)
		consumer_load(r, root->path);
	else
		butter_tree_dump(t, load_node, r);
	return told.count;
}

/* An add that fails tells why and leaves nothing; one that does not has everything, or tells what not. */
static int try_add(const char *top, size_t row, unsigned nth, uint32_t backend, int entries)
{
	struct butter_tree_options o = {.size = sizeof(o), .flags = entries ? BUTTER_TREE_ENTRIES : 0};
	const char *const roots[] = {path_in(top, "a")};
	struct consumer r = {.dirs_only = !entries, .what = what(row, nth, backend, entries)};
	prepare();
	struct butter_tree *t = butter_tree_open(&o);
	told.count = told.used = 0;
	fault_error(rows[row].call, nth, rows[row].error);
	int n = add_root(t, roots[0], backend), error = errno, happened = fault_happened(rows[row].call);
	fault_clear();
	if (n < 0) {
		ck_assert_msg(happened && error == rows[row].error, "%s: errno is %d", r.what, error);
		n = add_root(t, roots[0], backend);
		ck_assert_msg(n >= 0, "%s: %s", r.what, strerror(errno));
	}
	size_t from = begin_model(&r, t, &t->roots[n], entries);
	ck_assert_int_eq(read_all(t), 0);
	recover(t);
	ck_assert_msg(has(BUTTER_TREE_READY) == 1 || rows[row].is_memory, "%s: not ready", r.what);
	ck_assert_int_eq(mkdir(path_in(roots[0], "new"), 0755), 0);
	touch(path_in(roots[0], "new/file"));
	if (rows[row].is_memory && has(BUTTER_TREE_GAP))
		ck_assert_int_eq(read_all(t), 0);
	for (size_t i = from; i < told.count && !(rows[row].is_memory && has(BUTTER_TREE_GAP)); i++)
		consumer_apply(&r, &told.events[i]);
	if (rows[row].is_memory && has(BUTTER_TREE_GAP)) {
		consumer_free(&r);
		consumer_load(&r, roots[0]);
	}
	consumer_sync(&r, t, roots, 1);
	consumer_free(&r);
	butter_tree_close(t);
	injected += (unsigned)happened;
	return happened;
}

typedef int trial(const char *top, size_t row, unsigned nth, uint32_t backend, int entries);

/* Each in a folder of its own. */
static void sweep(const char *top, trial *run, uint32_t backend, int entries)
{
	static unsigned serial;
	for (size_t row = 0; row < ROWS; row++) {
		int happened = 1;
		for (unsigned nth = 1; happened; nth++) {
			char folder[96];
			snprintf(folder, sizeof(folder), "%s/%u", top, serial++);
			must(mkdir(folder, 0755));
			must(chdir(folder));
			happened = run(folder, row, nth, backend, entries);
			must(chdir("/"));
		}
	}
	ck_assert_uint_gt(injected, 50);
}

static const struct {
	trial *run;
	uint32_t backend;
	int entries;
} sweeps[] = {
	{try_changes, BUTTER_TREE_INOTIFY, 0},  {try_changes, BUTTER_TREE_INOTIFY, 1},
	{try_changes, BUTTER_TREE_FANOTIFY, 0}, {try_changes, BUTTER_TREE_FANOTIFY, 1},
	{try_changes, BUTTER_TREE_POLL, 0},     {try_changes, BUTTER_TREE_POLL, 1},
	{try_add, BUTTER_TREE_INOTIFY, 0},      {try_add, BUTTER_TREE_INOTIFY, 1},
	{try_add, BUTTER_TREE_FANOTIFY, 0},     {try_add, BUTTER_TREE_FANOTIFY, 1},
	{try_add, BUTTER_TREE_POLL, 0},         {try_add, BUTTER_TREE_POLL, 1},
};
enum { SWEEPS = sizeof(sweeps) / sizeof(sweeps[0]) };

static int number, is_root;

static void sweep_mounted(void *arg)
{
	const char *dir = arg;
	must_mount("tmpfs", dir);
	struct butter_tree *t = butter_tree_open(NULL);
	int is_refused = add_root(t, dir, sweeps[number].backend) < 0;
	butter_tree_close(t);
	if (is_refused) {
		ck_assert_uint_eq(sweeps[number].backend, BUTTER_TREE_FANOTIFY);
		ck_assert(!is_root);
		return;
	}
	sweep(dir, sweeps[number].run, sweeps[number].backend, sweeps[number].entries);
	printf("tree: %u faults injected, sweep %d\n", injected, number);
}

START_TEST(every_fault_is_told_or_made_up_for)
{
	number = _i;
	is_root = geteuid() == 0;
	in_mount_namespace(sweep_mounted, (void *)(uintptr_t)scratch());
}
END_TEST

SUITE(tree_faults)
{
	tcase_set_timeout(raw, 300);
	tcase_add_loop_test(raw, every_fault_is_told_or_made_up_for, 0, SWEEPS);
}
