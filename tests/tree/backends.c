/* SPDX-License-Identifier: MIT */
/* One table of what may happen, run on every backend, in both levels, on two filesystems. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <butter/fanotify.h>
#include <butter/tree.h>

#include "child.h"
#include "consumer.h"
#include "image.h"
#include "scenarios.h"
#include "test.h"

static const char *const backend_names[] = {"auto", "fanotify", "inotify", "poll"};

/* What the kernel says of such a mark here, which the tree must say too: 0 or an errno. */
static int error_of_fanotify(const char *path)
{
	int fd = butter_fanotify_init(FAN_CLOEXEC | FAN_REPORT_DFID_NAME_TARGET, O_RDONLY);
	if (fd < 0)
		return errno;
	int n = butter_fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_CREATE | FAN_RENAME,
				     AT_FDCWD, path);
	int error = n < 0 ? errno : 0;
	close(fd);
	return error;
}

static struct butter_tree *open_tree(int entries)
{
	struct butter_tree_options o = {.size = sizeof(o), .flags = entries ? BUTTER_TREE_ENTRIES : 0};
	struct butter_tree *t = butter_tree_open(&o);
	ck_assert_ptr_nonnull(t);
	return t;
}

static int add_root(struct butter_tree *t, const char *path, int backend)
{
	struct butter_tree_root o = {
		.size = sizeof(o), .backend = (uint32_t)backend, .poll_interval = INT64_C(3600000000000)};
	return butter_tree_add(t, path, &o, NULL);
}

static void read_ready(struct consumer *r, struct butter_tree *t, unsigned count)
{
	struct butter_tree_event ev;
	while (count > 0) {
		ck_assert_msg(butter_tree_read_event(t, &ev) == 1, "%s: no READY", r->what);
		consumer_apply(r, &ev);
		count -= ev.type == BUTTER_TREE_READY;
	}
}

static void run(const char *top, int scenario, const int backends[2], int entries)
{
	char what[128], a[96], b[96];
	const char *const roots[] = {a, b};
	struct butter_tree *t = open_tree(entries);
	struct consumer r = {.dirs_only = !entries, .what = what};
	snprintf(what, sizeof(what), "%s, %s and %s, %s", scenarios[scenario].name,
		 backend_names[backends[0]], backend_names[backends[1]], entries ? "ENTRIES" : "DIRS");
	snprintf(a, sizeof(a), "%s/a", top);
	snprintf(b, sizeof(b), "%s/b", top);
	prepare();
	for (int i = 0; i < 2; i++) {
		ck_assert_msg(add_root(t, roots[i], backends[i]) == i, "%s: %s", what, strerror(errno));
		ck_assert_int_eq(butter_tree_backend(t, i, backends[i]), 0);
		if (!entries)
			consumer_load(&r, roots[i]);
	}
	read_ready(&r, t, 2);
	r.types = 0;
	scenarios[scenario].act();
	consumer_sync(&r, t, roots, 2);
	uint32_t wanted =
		backends[0] == BUTTER_TREE_POLL ? scenarios[scenario].seen : scenarios[scenario].told;
	if (backends[0] == backends[1])
		ck_assert_msg((r.types & wanted) == wanted, "%s: told %x", what, r.types);
	consumer_free(&r);
	butter_tree_close(t);
}

/* Scenarios in folders of their own, so that none knows of another. */
static void run_all(const char *top, const int backends[2])
{
	for (int i = 0; i < 2 * SCENARIOS; i++) {
		char folder[80];
		snprintf(folder, sizeof(folder), "%s/%d", top, i);
		must(mkdir(folder, 0755));
		must(chdir(folder));
		run(folder, i / 2, backends, i % 2);
		must(chdir("/"));
	}
}

struct place {
	const char *type, *dir;
};

/* Where fanotify is refused, the tree says what the kernel says. */
static void run_mounted(void *arg)
{
	const struct place *p = arg;
	static const int pairs[][2] = {
		{BUTTER_TREE_FANOTIFY, BUTTER_TREE_FANOTIFY}, {BUTTER_TREE_INOTIFY, BUTTER_TREE_INOTIFY},
		{BUTTER_TREE_POLL, BUTTER_TREE_POLL},         {BUTTER_TREE_FANOTIFY, BUTTER_TREE_INOTIFY},
		{BUTTER_TREE_INOTIFY, BUTTER_TREE_POLL},
	};
	if (!mount_new(p->type, p->dir))
		return;
	int error = error_of_fanotify(p->dir);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char top[64];
		snprintf(top, sizeof(top), "%s/pair%zu", p->dir, i);
		must(mkdir(top, 0755));
		if (!error || pairs[i][0] != BUTTER_TREE_FANOTIFY) {
			run_all(top, pairs[i]);
			continue;
		}
		struct butter_tree *t = open_tree(0);
		ck_assert_fails(add_root(t, top, BUTTER_TREE_FANOTIFY), error);
		butter_tree_close(t);
	}
}

START_TEST(all_that_happens_is_told_on_tmpfs)
{
	in_mount_namespace(run_mounted, &(struct place){"tmpfs", scratch()});
}
END_TEST

START_TEST(all_that_happens_is_told_on_ext4)
{
	in_mount_namespace(run_mounted, &(struct place){"ext4", scratch()});
}
END_TEST

/* The tree's own timer makes the fd readable. */
START_TEST(a_look_is_due_after_each_interval)
{
	const char *dir = scratch();
	struct butter_tree *t = open_tree(1);
	struct butter_tree_root o = {
		.size = sizeof(o), .backend = BUTTER_TREE_POLL, .poll_interval = 1000000};
	struct butter_tree_event ev;
	ck_assert_int_eq(butter_tree_add(t, dir, &o, NULL), 0);
	ck_assert_int_eq(butter_tree_read_event(t, &ev), 1);
	for (int i = 0; i < 3; i++) {
		char name[8];
		snprintf(name, sizeof(name), "f%d", i);
		touch(path_in(dir, name));
		ck_assert_int_eq(butter_tree_wait_event(t, &ev, INT64_C(60000000000)), 1);
		ck_assert_uint_eq(ev.type, BUTTER_TREE_CREATED);
		ck_assert_str_eq(ev.name, name);
	}
	butter_tree_close(t);
}
END_TEST

/* A group of a user namespace's root is told of no other process. */
static int is_root;

/* A filesystem below the root has a mark of its own. */
static void use_mount_below(void *arg)
{
	const char *dir = arg, *roots[] = {path_in(dir, "a")};
	struct consumer r = {.what = "a mount below"};
	must_mount("tmpfs", dir);
	int error = error_of_fanotify(dir);
	must(chdir(dir));
	prepare();
	must_mount("tmpfs", path_in(dir, "a/d"));
	must(mkdir("a/d/e", 0755));
	struct butter_tree *t = open_tree(1);
	if (error) {
		ck_assert_fails(add_root(t, roots[0], BUTTER_TREE_FANOTIFY), error);
	} else {
		ck_assert_int_eq(add_root(t, roots[0], BUTTER_TREE_FANOTIFY), 0);
		read_ready(&r, t, 1);
		pid_t pid = check_fork();
		if (pid == 0) {
			must(mkdir("a/d/e/n", 0755));
			must(rename("a/d/e", "a/d/moved"));
			put_file("a/d/moved/n/f");
			_exit(0);
		}
		assert_ends_well(pid);
		consumer_sync(&r, t, roots, 1);
		ck_assert_int_eq(r.pid, is_root ? pid : 0);
		ck_assert_uint_eq(r.types & BUTTER_TREE_DEGRADED, 0);
	}
	butter_tree_close(t);
	consumer_free(&r);
}

START_TEST(fanotify_enters_a_mount_and_tells_who_did_it)
{
	is_root = geteuid() == 0;
	in_mount_namespace(use_mount_below, (void *)(uintptr_t)scratch());
}
END_TEST

/* More names than the queue holds: what is lost is found. */
static void overflow(void *arg)
{
	const char *dir = arg, *roots[] = {path_in(dir, "a")};
	struct consumer r = {.what = "overflow", .dirs_only = 1};
	long limit = read_number("/proc/sys/fs/fanotify/max_queued_events");
	must_mount("tmpfs", dir);
	if (error_of_fanotify(dir))
		return;
	must(chdir(dir));
	prepare();
	struct butter_tree *t = open_tree(1);
	ck_assert_int_eq(add_root(t, roots[0], BUTTER_TREE_FANOTIFY), 0);
	read_ready(&r, t, 1);
	for (long i = 0; i <= limit; i++) {
		char name[32];
		snprintf(name, sizeof(name), "out/x%ld", i);
		must(mknod(name, S_IFREG | 0600, 0));
	}
	move_within();
	consumer_sync(&r, t, roots, 1);
	ck_assert_uint_ne(r.types & BUTTER_TREE_RESCAN, 0);
	butter_tree_close(t);
	consumer_free(&r);
}

START_TEST(what_a_full_queue_of_fanotify_has_lost_is_found)
{
	in_mount_namespace(overflow, (void *)(uintptr_t)scratch());
}
END_TEST

SUITE(tree_backends)
{
	tcase_set_timeout(raw, 120);
	tcase_add_test(tc, a_look_is_due_after_each_interval);
	tcase_add_test(raw, all_that_happens_is_told_on_tmpfs);
	tcase_add_test(raw, all_that_happens_is_told_on_ext4);
	tcase_add_test(raw, fanotify_enters_a_mount_and_tells_who_did_it);
	tcase_add_test(raw, what_a_full_queue_of_fanotify_has_lost_is_found);
}
