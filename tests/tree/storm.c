/* SPDX-License-Identifier: MIT */
/*
 * Writers that do everything at once while the kernel's queue overflows again and again: what has been told
 * is what is on the disk. What the writers do is a function of the seed, so that BUTTER_STORM_SEED=N does it
 * again; a run that fails is tried with fewer and fewer operations.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "replay.h"
#include "test.h"

enum { WRITERS = 4, PAUSES = 3, FANOUT = 8, DEPTH = 4, SHRINK_TRIES = 3 };

struct storm {
	unsigned seed, ops;
	uint32_t flags;
	char top[80], outside[80], noise[2][96];
	long queue; /* records that the kernel's queue holds */
	unsigned running, noise_made, noise_ends;
};

struct writer {
	struct storm *storm;
	uint64_t state;
};

static unsigned below(struct writer *w, unsigned n)
{
	w->state = w->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(w->state >> 33) % n;
}

static void some_path(struct writer *w, char *path, int is_dir)
{
	unsigned depth = 1 + below(w, DEPTH);
	path += sprintf(path, "%s", below(w, 40) ? w->storm->top : w->storm->outside);
	for (unsigned i = 1; i <= depth; i++)
		path += sprintf(path, "/%c%u", i == depth && !is_dir ? 'f' : 'd', below(w, FANOUT));
}

static void write_to(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

/* Most of it fails, as most of it should. */
static int operate(struct writer *w)
{
	char a[160], b[160];
	unsigned kind = below(w, 20);
	int is_dir = (int)below(w, 2);
	some_path(w, a, is_dir);
	some_path(w, b, is_dir);
	if (kind < 7)
		return mkdir(a, 0755);
	if (kind < 9)
		write_to(a);
	else if (kind < 11)
		return unlink(a);
	else if (kind < 13)
		return rmdir(a);
	else if (kind < 17)
		return rename(a, b);
	else if (kind == 17)
		return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2);
	else if (kind == 18)
		return link(a, b);
	return truncate(a, below(w, 100));
}

static void *write_all(void *arg)
{
	struct writer *w = arg;
	for (unsigned i = 0; i < w->storm->ops; i++)
		(void)!operate(w);
	__atomic_sub_fetch(&w->storm->running, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Records enough to fill the queue, and as many again while that is being made up for. */
static void *make_noise(void *arg)
{
	struct storm *s = arg;
	for (unsigned i = 0; i < 2 * (unsigned)s->queue + 2; i++) {
		(void)!chmod(s->noise[i % 2], 0600);
		__atomic_add_fetch(&s->noise_made, 1, __ATOMIC_SEQ_CST);
	}
	__atomic_sub_fetch(&s->running, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void pause_reading(struct storm *s, pthread_t *thread)
{
	__atomic_store_n(&s->noise_made, 0, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&s->running, 1, __ATOMIC_SEQ_CST);
	ck_assert_int_eq(pthread_create(thread, NULL, make_noise, s), 0);
	while (__atomic_load_n(&s->noise_made, __ATOMIC_SEQ_CST) <= (unsigned)s->queue)
		sched_yield();
}

static void read_some(struct butter_tree *x, struct replay *r, unsigned most)
{
	struct butter_tree_event ev;
	while (most-- > 0 && butter_tree_read_event(x, &ev) == 1)
		replay_event(r, &ev);
}

static void read_until_synced(struct butter_tree *x, struct replay *r)
{
	struct butter_tree_event ev = {0};
	ck_assert_int_eq(butter_tree_sync(x, -1), 1);
	while (ev.type != BUTTER_TREE_SYNC) {
		ck_assert_int_eq(butter_tree_read_event(x, &ev), 1);
		replay_event(r, &ev);
	}
}

/* The writers' threads, with pauses of the reader in between. */
static void blow(struct storm *s, struct butter_tree *x, struct replay *r)
{
	pthread_t threads[WRITERS], noise;
	struct writer writers[WRITERS];
	s->running = WRITERS;
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){.storm = s, .state = (uint64_t)s->seed * WRITERS + i};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_all, &writers[i]), 0);
	}
	for (unsigned i = 0; i < PAUSES; i++) {
		read_until_synced(x, r);
		pause_reading(s, &noise);
		while (__atomic_load_n(&s->noise_made, __ATOMIC_SEQ_CST) <= 2 * (unsigned)s->queue + 1)
			read_some(x, r, 1000);
		ck_assert_int_eq(pthread_join(noise, NULL), 0);
	}
	while (__atomic_load_n(&s->running, __ATOMIC_SEQ_CST) > 0)
		read_some(x, r, 1000);
	for (unsigned i = 0; i < WRITERS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

/* One for each run, in the test's own. */
static const char *fresh_folder(void)
{
	static const char *folder;
	static char path[64];
	static unsigned serial;
	if (!folder)
		folder = scratch();
	snprintf(path, sizeof(path), "%s/%u", folder, serial++);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	return path;
}

/* How many errors there were; the folders are the test's own, and emptied by it. */
static unsigned run_storm(unsigned seed, unsigned ops, uint32_t flags)
{
	struct storm s = {.seed = seed, .ops = ops, .flags = flags};
	struct replay r = {.dirs_only = !(flags & BUTTER_TREE_ENTRIES)};
	struct butter_tree_options options = {.size = sizeof(options), .flags = flags};
	struct butter_tree_statistics got;
	const char *dir = fresh_folder();
	s.queue = read_number("/proc/sys/fs/inotify/max_queued_events");
	snprintf(s.top, sizeof(s.top), "%s/in", dir);
	snprintf(s.outside, sizeof(s.outside), "%s/out", dir);
	ck_assert(mkdir(s.top, 0755) == 0 && mkdir(s.outside, 0755) == 0);
	struct butter_tree *x = butter_tree_open(&options);
	ck_assert_ptr_nonnull(x);
	struct butter_tree_root root = {.size = sizeof(root), .backend = BUTTER_TREE_INOTIFY};
	ck_assert_int_eq(butter_tree_add(x, s.top, &root, NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(s.noise[i], sizeof(s.noise[i]), "%s/noise%u", s.top, i);
		touch(s.noise[i]);
	}
	blow(&s, x, &r);
	read_until_synced(x, &r);
	replay_compare(&r, x, s.top);
	butter_tree_get(x, &got);
	printf("storm: seed %u, %s, %u operations: %zu paths, %llu records, %llu events, %llu overflows, "
	       "%llu rescans, %u errors%s%s\n",
	       seed, r.dirs_only ? "DIRS" : "ENTRIES", ops, r.count, (unsigned long long)got.records,
	       (unsigned long long)got.events, (unsigned long long)got.overflows,
	       (unsigned long long)got.rescans, r.errors, r.errors ? ": " : "", r.first);
	ck_assert_uint_ge(got.overflows, PAUSES);
	butter_tree_close(x);
	replay_free(&r);
	return r.errors;
}

static int fails(unsigned seed, unsigned ops, uint32_t flags)
{
	for (int i = 0; i < SHRINK_TRIES; i++)
		if (run_storm(seed, ops, flags) > 0)
			return 1;
	return 0;
}

/* The least number of operations that still fails, as far as threads let one say that. */
static unsigned shrink(unsigned seed, unsigned ops, uint32_t flags)
{
	unsigned good = 0, bad = ops;
	while (bad - good > 1 + bad / 50) {
		unsigned middle = good + (bad - good) / 2;
		if (fails(seed, middle, flags))
			bad = middle;
		else
			good = middle;
	}
	return bad;
}

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);
	return text && *text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void storms(uint32_t flags)
{
	unsigned first = setting("BUTTER_STORM_SEED", 1), seeds = setting("BUTTER_STORM_SEEDS", 1);
	unsigned ops = setting("BUTTER_STORM_OPS", 5000);
	for (unsigned seed = first; seed < first + seeds; seed++)
		if (run_storm(seed, ops, flags) > 0)
			ck_abort_msg("BUTTER_STORM_SEED=%u fails with %u operations, too", seed,
				     shrink(seed, ops, flags));
}

START_TEST(what_is_told_of_directories_is_what_is_there)
{
	storms(0);
}
END_TEST

START_TEST(what_is_told_of_entries_is_what_is_there)
{
	storms(BUTTER_TREE_ENTRIES);
}
END_TEST

SUITE(tree_storm)
{
	tcase_add_test(tc, what_is_told_of_directories_is_what_is_there);
	tcase_add_test(tc, what_is_told_of_entries_is_what_is_there);
}
