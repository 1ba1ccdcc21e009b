/* SPDX-License-Identifier: MIT */
/* The verbs of the object; the rules that all objects keep are in tests/event/object.c. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <butter/source.h>

#include "child.h"
#include "fault.h"
#include "replay.h"
#include "test.h"

static struct butter_tree *tree_of(uint32_t flags, const char *top)
{
	struct butter_tree_options options = {.size = sizeof(options), .flags = flags};
	struct butter_tree *x = butter_tree_open(&options);
	struct butter_tree_event ev;
	ck_assert_ptr_nonnull(x);
	struct butter_tree_root o = {.size = sizeof(o), .backend = BUTTER_TREE_INOTIFY};
	ck_assert_int_eq(butter_tree_add(x, top, &o, NULL), 0);
	while (butter_tree_read_event(x, &ev) == 1)
		continue;
	return x;
}

static struct butter_tree_event next(struct butter_tree *x, uint32_t type)
{
	struct butter_tree_event ev;
	ck_assert_int_eq(butter_tree_wait_event(x, &ev, INT64_C(20000000000)), 1);
	ck_assert_uint_eq(ev.type, type);
	return ev;
}

START_TEST(an_event_is_told_with_path_and_name)
{
	const char *top = scratch(), *path = path_in(top, "f");
	struct butter_tree *x = tree_of(0, top);
	touch(path);
	struct butter_tree_event ev = next(x, BUTTER_TREE_CREATED);
	ck_assert_str_eq(ev.path, path);
	ck_assert_uint_eq(ev.path_len, strlen(path));
	ck_assert_str_eq(ev.name, "f");
	ck_assert_uint_eq(ev.name_len, 1);
	ck_assert_str_eq(ev.old_path, "");
	ck_assert_int_eq(ev.root, 0);
	ck_assert_uint_eq(ev.flags, 0);
	butter_tree_close(x);
}
END_TEST

START_TEST(sync_is_1_when_all_is_cached_and_its_event_comes_last)
{
	const char *top = scratch();
	struct butter_tree *x = tree_of(0, top);
	ck_assert_fails(butter_tree_sync(x, -2), EINVAL);
	touch(path_in(top, "f"));
	errno = 4242;
	ck_assert_int_eq(butter_tree_sync(x, -1), 1);
	ck_assert_int_eq(errno, 4242);
	ck_assert_int_eq(poll_in(butter_tree_fd(x), 0), POLLIN);
	next(x, BUTTER_TREE_CREATED);
	next(x, BUTTER_TREE_WRITTEN);
	ck_assert_uint_eq(next(x, BUTTER_TREE_SYNC).cookie, 1);
	ck_assert_int_eq(poll_in(butter_tree_fd(x), 0), 0);
	butter_tree_close(x);
}
END_TEST

/* More than one buffer of records is no wait of no time at all; what is not told now is told later. */
START_TEST(sync_without_waiting_is_0_and_its_event_comes_when_it_comes)
{
	enum { CHANGES = 8000 };
	const char *top = scratch(), *paths[] = {path_in(top, "a"), path_in(top, "b")};
	touch(paths[0]);
	touch(paths[1]);
	struct butter_tree *x = tree_of(0, top);
	struct butter_tree_event ev = {0};
	unsigned changes = 0, synced = 0;
	for (unsigned i = 0; i < CHANGES; i++)
		ck_assert_int_eq(chmod(paths[i % 2], 0600), 0);
	ck_assert_int_eq(butter_tree_sync(x, 0), 0);
	ck_assert_int_eq(butter_tree_sync(x, 1), 0);
	while (synced < 2 && butter_tree_wait_event(x, &ev, INT64_C(20000000000)) == 1) {
		changes += ev.type == BUTTER_TREE_ATTRIB;
		if (ev.type != BUTTER_TREE_SYNC)
			continue;
		ck_assert_uint_eq(ev.cookie, ++synced);
		ck_assert_uint_eq(changes, CHANGES);
	}
	ck_assert_uint_eq(synced, 2);
	ck_assert_int_eq(butter_tree_sync(x, 0), 1);
	butter_tree_close(x);
}
END_TEST

static unsigned stop, rounds;

/* No more in the time of one sync than it can read: its mark is behind all that. */
static void *churn(void *arg)
{
	const char *dir = arg;
	char a[256], b[256];
	snprintf(a, sizeof(a), "%s/a", dir);
	snprintf(b, sizeof(b), "%s/b", dir);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		if (__atomic_load_n(&rounds, __ATOMIC_SEQ_CST) == 0) {
			sched_yield();
			continue;
		}
		__atomic_sub_fetch(&rounds, 1, __ATOMIC_SEQ_CST);
		(void)!mkdir(a, 0755);
		(void)!rename(a, b);
		(void)!rmdir(b);
	}
	return NULL;
}

/* The directory made before each sync has been told when its event comes, whatever else goes on. */
START_TEST(sync_is_never_early)
{
	const char *dir = scratch(), *own = path_in(dir, "own");
	pthread_t thread;
	struct butter_tree *x = tree_of(0, dir);
	uint64_t times = 500; /* make storm asks more often */
	stop = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, churn, (char *)dir), 0);
	for (uint64_t i = 0; i < times; i++) {
		struct butter_tree_event ev = {0};
		int told = 0, is_made = i % 2 == 0;
		__atomic_store_n(&rounds, 50, __ATOMIC_SEQ_CST);
		ck_assert_int_eq(is_made ? mkdir(own, 0755) : rmdir(own), 0);
		ck_assert_int_eq(butter_tree_sync(x, -1), 1);
		while (ev.type != BUTTER_TREE_SYNC) {
			ck_assert_int_eq(butter_tree_read_event(x, &ev), 1);
			told |= ev.type == (is_made ? BUTTER_TREE_CREATED : BUTTER_TREE_DELETED) &&
				!strcmp(ev.path, own);
		}
		ck_assert_msg(told, "sync %llu was early", (unsigned long long)i);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	butter_tree_close(x);
}
END_TEST

START_TEST(what_happens_in_a_pause_is_told_after_it)
{
	const char *top = scratch();
	struct butter_tree_event ev;
	struct butter_tree *x = tree_of(0, top);
	butter_tree_pause(x);
	touch(path_in(top, "f"));
	ck_assert_int_eq(butter_tree_sync(x, -1), 1);
	ck_assert_int_eq(butter_tree_read_event(x, &ev), 0);
	ck_assert_uint_eq(butter_tree_pending(x), 0);
	ck_assert_int_eq(poll_in(butter_tree_fd(x), 0), 0);
	butter_tree_resume(x);
	ck_assert_int_eq(poll_in(butter_tree_fd(x), 0), POLLIN);
	ck_assert_uint_eq(butter_tree_pending(x), 3);
	next(x, BUTTER_TREE_CREATED);
	butter_tree_close(x);
}
END_TEST

/* An fd that is readable for nothing would spin. */
START_TEST(the_fd_wakes_no_more_often_than_there_is_something)
{
	const char *dir = scratch();
	struct butter_tree_event ev = {0};
	unsigned wakes = 0;
	ck_assert_int_eq(mkdir(path_in(dir, "in"), 0755), 0);
	ck_assert_int_eq(mkdir(path_in(dir, "in/a"), 0755), 0);
	struct butter_tree *x = tree_of(BUTTER_TREE_ENTRIES, path_in(dir, "in"));
	ck_assert_int_eq(poll_in(butter_tree_fd(x), 0), 0);
	ck_assert_int_eq(rename(path_in(dir, "in/a"), path_in(dir, "a")), 0);
	while (ev.type != BUTTER_TREE_DELETED) {
		ck_assert_int_eq(poll_in(butter_tree_fd(x), 20000), POLLIN);
		ck_assert_int_ge(butter_tree_read_event(x, &ev), 0);
		wakes++;
	}
	ck_assert_uint_le(wakes, 4); /* the record, the patience, and rounding */
	while (butter_tree_read_event(x, &ev) == 1)
		continue;
	ck_assert_int_eq(poll_in(butter_tree_fd(x), 50), 0);
	butter_tree_close(x);
}
END_TEST

static void close_it(void *x)
{
	butter_tree_close(x);
}

START_TEST(close_in_a_forked_child_leaves_the_parents_as_it_was)
{
	const char *top = scratch();
	struct butter_tree *x = tree_of(0, top);
	in_child(close_it, x);
	touch(path_in(top, "f"));
	next(x, BUTTER_TREE_CREATED);
	butter_tree_close(x);
}
END_TEST

START_TEST(read_tells_what_the_kernel_says)
{
	const char *top = scratch();
	struct butter_tree_event ev;
	struct butter_tree *x = tree_of(0, top);
	touch(path_in(top, "f"));
	fault_error(FAULT_READ, 1, EINTR);
	ck_assert_fails(butter_tree_read_event(x, &ev), EINTR);
	fault_error(FAULT_READ, 1, EIO);
	ck_assert_fails(butter_tree_sync(x, -1), EIO);
	fault_clear();
	next(x, BUTTER_TREE_CREATED);
	ck_assert_fails(butter_tree_read_events(x, &ev, 0), EINVAL);
	butter_tree_close(x);
}
END_TEST

START_TEST(open_tells_the_calls_errno_and_leaks_nothing)
{
	static const enum fault_call calls[] = {FAULT_EPOLL_CREATE1, FAULT_TIMERFD_CREATE, FAULT_EPOLL_CTL,
						FAULT_CALLOC};
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		fault_error(calls[i], 1, calls[i] == FAULT_CALLOC ? ENOMEM : EMFILE);
		ck_assert_null_errno(butter_tree_open(NULL), calls[i] == FAULT_CALLOC ? ENOMEM : EMFILE);
		fault_clear();
	}
	butter_tree_close(NULL);
}
END_TEST

START_TEST(release_gives_the_epoll_fd_back_with_nothing_in_it)
{
	struct epoll_event ready;
	const char *top = scratch();
	struct butter_tree *x = tree_of(0, top);
	int fd = butter_tree_fd(x);
	touch(path_in(top, "f"));
	ck_assert_int_eq(butter_tree_sync(x, -1), 1);
	ck_assert_int_eq(poll_in(fd, 0), POLLIN);
	ck_assert_int_eq(butter_tree_release(x), fd);
	ck_assert_int_eq(epoll_wait(fd, &ready, 1, 0), 0);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_fails(butter_tree_release(NULL), EINVAL);
}
END_TEST

START_TEST(the_source_is_the_object)
{
	const char *top = scratch();
	struct butter_tree *x = tree_of(0, top);
	struct butter_source *source = butter_tree_source(x);
	struct butter_tree_event ev;
	ck_assert_ptr_eq(source, x);
	ck_assert_str_eq(butter_source_ops(source)->name, "tree");
	ck_assert_uint_eq(butter_source_ops(source)->event_size, sizeof(ev));
	ck_assert_int_eq(butter_source_fd(source), butter_tree_fd(x));
	touch(path_in(top, "f"));
	ck_assert_int_eq(butter_source_wait_event(source, &ev, INT64_C(20000000000)), 1);
	ck_assert_uint_eq(ev.type, BUTTER_TREE_CREATED);
	ck_assert_int_eq(butter_tree_sync(x, -1), 1);
	ck_assert_uint_eq(butter_source_pending(source), butter_tree_pending(x));
	butter_source_close(source);
}
END_TEST

START_TEST(read_events_stores_what_is_cached_and_all_its_paths_are_valid_together)
{
	enum { FILES = 40 };
	const char *top = scratch();
	struct butter_tree *x = tree_of(BUTTER_TREE_ENTRIES, top);
	static struct butter_tree_event events[4 * FILES];
	char name[8];
	unsigned created = 0;
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%u", i);
		touch(path_in(top, name));
	}
	ck_assert_int_eq(butter_tree_sync(x, -1), 1);
	size_t count = butter_tree_pending(x);
	ck_assert_int_eq(butter_tree_read_events(x, events, 3), 3);
	ck_assert_uint_eq(butter_tree_pending(x), count - 3);
	ck_assert_int_eq(butter_tree_read_events(x, events + 3, 4 * FILES - 3), (ssize_t)count - 3);
	for (size_t i = 3; i < count; i++) {
		if (events[i].type != BUTTER_TREE_CREATED)
			continue;
		ck_assert_int_eq(access(events[i].path, F_OK), 0);
		created++;
	}
	ck_assert_uint_ge(created, FILES - 3);
	ck_assert_uint_eq(events[count - 1].type, BUTTER_TREE_SYNC);
	memset(events, 0xa5, sizeof(events[0]));
	ck_assert_int_eq(butter_tree_read_events(x, events, 1), 0);
	ck_assert_uint_eq(events[0].type, 0xa5a5a5a5);
	butter_tree_close(x);
}
END_TEST

/* Until the last has been handed out, and no longer; a pause holds it back. */
START_TEST(the_fd_is_readable_exactly_while_something_is_cached)
{
	const char *top = scratch();
	struct butter_tree *x = tree_of(0, top);
	struct butter_tree_event ev;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(butter_tree_sync(x, -1), 1);
		ck_assert_int_eq(butter_tree_sync(x, -1), 1);
		while (butter_tree_pending(x) > 0) {
			ck_assert_int_eq(poll_in(butter_tree_fd(x), 0), POLLIN);
			butter_tree_pause(x);
			ck_assert_int_eq(poll_in(butter_tree_fd(x), 0), 0);
			butter_tree_resume(x);
			ck_assert_int_eq(butter_tree_read_event(x, &ev), 1);
		}
		ck_assert_int_eq(poll_in(butter_tree_fd(x), 0), 0);
	}
	ck_assert_uint_eq(ev.cookie, 6);
	butter_tree_close(x);
}
END_TEST

/* Each call has a number, and each a mark of its own, in the end. */
START_TEST(a_sync_that_failed_counts_and_its_mark_comes)
{
	struct butter_tree *x = tree_of(0, scratch());
	fault_error(FAULT_FUTIMENS, 1, EROFS);
	ck_assert_fails(butter_tree_sync(x, -1), EROFS);
	fault_clear();
	ck_assert_int_eq(butter_tree_sync(x, -1), 1);
	ck_assert_uint_eq(next(x, BUTTER_TREE_SYNC).cookie, 1);
	ck_assert_uint_eq(next(x, BUTTER_TREE_SYNC).cookie, 2);
	butter_tree_close(x);
}
END_TEST

START_TEST(options_of_open_are_checked)
{
	struct {
		struct butter_tree_options o;
		char more[8];
	} later = {.o = {.size = sizeof(later)}};
	struct butter_tree_options o = {.size = sizeof(o), .flags = 0x80000000u};
	ck_assert_null_errno(butter_tree_open(&o), EINVAL);
	o = (struct butter_tree_options){.size = 3};
	ck_assert_null_errno(butter_tree_open(&o), EINVAL);
	o = (struct butter_tree_options){.size = sizeof(o), .reserved = {0, 0, 0, 1}};
	ck_assert_null_errno(butter_tree_open(&o), EINVAL);
	butter_tree_close(butter_tree_open(&later.o));
	later.more[7] = 1;
	ck_assert_null_errno(butter_tree_open(&later.o), E2BIG);
	fault_error(FAULT_MALLOC, 1, ENOMEM);
	ck_assert_null_errno(butter_tree_open(NULL), ENOMEM);
}
END_TEST

SUITE(tree_object)
{
	tcase_add_test(tc, release_gives_the_epoll_fd_back_with_nothing_in_it);
	tcase_add_test(tc, the_source_is_the_object);
	tcase_add_test(tc, read_events_stores_what_is_cached_and_all_its_paths_are_valid_together);
	tcase_add_test(tc, the_fd_is_readable_exactly_while_something_is_cached);
	tcase_add_test(tc, a_sync_that_failed_counts_and_its_mark_comes);
	tcase_add_test(tc, options_of_open_are_checked);
	tcase_add_test(tc, an_event_is_told_with_path_and_name);
	tcase_add_test(tc, sync_is_1_when_all_is_cached_and_its_event_comes_last);
	tcase_add_test(tc, sync_without_waiting_is_0_and_its_event_comes_when_it_comes);
	tcase_add_test(tc, sync_is_never_early);
	tcase_add_test(tc, what_happens_in_a_pause_is_told_after_it);
	tcase_add_test(tc, the_fd_wakes_no_more_often_than_there_is_something);
	tcase_add_test(tc, close_in_a_forked_child_leaves_the_parents_as_it_was);
	tcase_add_test(tc, read_tells_what_the_kernel_says);
	tcase_add_test(tc, open_tells_the_calls_errno_and_leaks_nothing);
}
