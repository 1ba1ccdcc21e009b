/* SPDX-License-Identifier: MIT */
/* The object: an epoll fd of the kernel's queue and of a timer, which fires while something is cached. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <butter/epoll.h>
#include <butter/timerfd.h>

#include "../event/object.h"
#include "../event/options.h"
#include "../event/time.h"
#include "barrier.h"
#include "tree.h"
#include "verdict.h"

enum { AT_ONCE = 1, MILLISECOND = 1000000, OVERDUE = 100000000 };

static int waits(const struct butter_tree *t)
{
	return t->held.count > 0 || t->halves.count > 0 || t->dirty.count > 0 || t->below.count > 0 ||
	       t->looks > 0;
}

/* 0: never. */
static int64_t sooner(int64_t a, int64_t b)
{
	return a && (!b || a < b) ? a : b;
}

/* When the fd has to become readable though the kernel says nothing; 0: never. */
static int64_t due(const struct butter_tree *t)
{
	int64_t when = 0;
	if (t->queue.count > 0 && !t->paused)
		return AT_ONCE;
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		if (t->channels[i].next < t->channels[i].end || t->channels[i].ahead)
			return AT_ONCE;
	if (t->lost || t->queue.failed)
		when = t->rescan_after ? t->rescan_after : AT_ONCE;
	if (t->held.count > 0 || t->halves.count > 0)
		when = sooner(when, t->held_since + BUTTER__PATIENCE + MILLISECOND);
	else if (t->dirty.count > 0 || t->below.count > 0)
		when = sooner(when, t->retry_after ? t->retry_after : AT_ONCE);
	if (t->looks > 0)
		when = AT_ONCE;
	when = sooner(when, butter__poll_due(t));
	return sooner(sooner(when, butter__retry_due(t)), butter__coalesce_due(t));
}

void butter__set_timer(struct butter_tree *t)
{
	if (t->armed == AT_ONCE && t->queue.count > 0 && !t->paused)
		return;
	int64_t when = due(t);
	struct itimerspec value = {.it_value = butter__time_to_timespec(when)};
	int saved = errno;
	if (when != t->armed && butter_timerfd_settime(t->timer, TFD_TIMER_ABSTIME, &value, NULL) == 0)
		t->armed = when;
	errno = saved;
}

/* One buffer of each channel: 1, 0 there is nothing, -1 and errno. */
static int read_channels(struct butter_tree *t)
{
	int any = 0;
	for (int i = 0; i < BUTTER__CHANNELS; i++) {
		int n = t->channels[i].fd < 0 ? 0 : butter__stream_read(t, &t->channels[i]);
		if (n < 0)
			return -1;
		any |= n;
	}
	return any;
}

/* All that was before a barrier has been handled: now it is decided too. */
static void tell_synced(struct butter_tree *t)
{
	uint64_t upto = t->cookie;
	for (int i = 0; i < BUTTER__CHANNELS; i++) {
		const struct butter__channel *c = &t->channels[i];
		uint64_t has = c->barrier_open ? c->barrier_cookie - 1 : c->barrier_cookie;
		if (c->fd >= 0 && has < upto)
			upto = has;
	}
	if (upto <= t->synced || t->lost)
		return;
	butter__poll(t, 1);
	butter__upkeep(t);
	butter__settle(t, 0);
	butter__coalesce_flush(t);
	while (t->synced < upto && !t->queue.failed) {
		struct butter_tree_event ev = {.type = BUTTER_TREE_SYNC,
					       .root = -1,
					       .path = "",
					       .old_path = "",
					       .limit = "",
					       .cookie = t->synced + 1};
		butter__queue_add(&t->queue, &ev);
		t->synced += !t->queue.failed;
	}
}

/* While the kernel has more to say only what is long overdue. */
static void settle_some(struct butter_tree *t, int busy)
{
	int64_t now = waits(t) || !busy ? butter__time_now() : 0;
	if (!now || (busy && now - t->settled <= OVERDUE))
		return;
	butter__upkeep(t);
	if (waits(t))
		butter__settle(t, busy ? OVERDUE : BUTTER__PATIENCE);
	t->settled = now;
}

/* One buffer: 1, 0 the kernel has nothing more, -1 and errno. */
static int step(struct butter_tree *t)
{
	int n = read_channels(t);
	if (n < 0)
		return -1;
	settle_some(t, n);
	if (n == 0)
		butter__barriers_again(t);
	t->lost |= t->queue.failed;
	uint64_t rescans = t->rescans;
	if (t->lost)
		butter__lose(t);
	if (rescans != t->rescans && !t->lost && t->synced < t->cookie)
		butter__barriers_pass(t);
	butter__coalesce_look(t);
	if (t->synced == t->cookie)
		return n;
	tell_synced(t);
	return butter__barriers_touch(t) < 0 ? -1 : n || (t->synced < t->cookie && !t->lost);
}

/* Reads and settles until there is something to tell. 0: the kernel has nothing more. */
static int advance(struct butter_tree *t)
{
	int n = 1;
	butter__poll(t, 0);
	while ((t->queue.count == 0 || t->paused) && n > 0) {
		n = step(t);
		if (t->paused && n > 0)
			break;
	}
	butter__tree_close_dir(t);
	return n;
}

static int read_event(struct butter_source *source, void *ret)
{
	struct butter_tree *t = (struct butter_tree *)source;
	int saved = errno, n = t->queue.count > 0 && !t->paused ? 1 : advance(t);
	if (n >= 0) {
		n = t->paused ? 0 : butter__queue_take(&t->queue, ret);
		t->events += (uint64_t)n;
		errno = saved;
	}
	butter__set_timer(t);
	return n;
}

static ssize_t read_events(struct butter_source *source, void *ret, size_t max)
{
	struct butter_tree *t = (struct butter_tree *)source;
	struct butter_tree_event *events = ret;
	size_t count = 1;
	if (max == 0) {
		errno = EINVAL;
		return -1;
	}
	int n = read_event(source, events);
	if (n <= 0)
		return n;
	while (count < max && butter__queue_take(&t->queue, &events[count]))
		count++;
	t->events += count - 1;
	butter__set_timer(t);
	return (ssize_t)count;
}

static size_t pending(struct butter_source *source)
{
	const struct butter_tree *t = (struct butter_tree *)source;
	return t->paused ? 0 : t->queue.count;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		butter__close(fd);
}

static int release(struct butter_source *source)
{
	struct butter_tree *t = (struct butter_tree *)source;
	int fd = source->fd;
	butter__tree_close_dir(t);
	close_if_open(t->timer);
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		butter__channel_close(&t->channels[i]);
	butter__roots_free(t);
	butter__mounts_end(t);
	butter__halves_free(&t->halves);
	butter__aliases_free(&t->aliases);
	butter__windows_free(t);
	butter__names_clear(&t->again);
	butter__ignore_free(t);
	butter__coalesce_free(t);
	butter__model_free(&t->model);
	butter__queue_free(&t->queue);
	void *all[] = {t->roots,           t->scan.items,
		       t->dirty.items,     t->held.items,
		       t->again.items,     t->path.text,
		       t->old_path.text,   t->scratch.text,
		       t->listing,         t->held_when.items,
		       t->rule_path.text,  t->below.items,
		       t->unwatched.items, t};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		butter__free(all[i]);
	return fd;
}

BUTTER__COMPOSITE(tree, read_event, read_events, pending, release)

static int open_fds(struct butter_tree *t)
{
	struct epoll_event in = {.events = EPOLLIN};
	t->source.fd = butter_epoll_create1(EPOLL_CLOEXEC);
	t->timer = butter_timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return t->source.fd < 0 || t->timer < 0
		       ? -1
		       : butter_epoll_ctl(t->source.fd, EPOLL_CTL_ADD, t->timer, &in);
}

struct butter_tree *butter_tree_open(const struct butter_tree_options *options)
{
	struct butter_tree_options o;
	if (butter__options_copy(&o, sizeof(o), options) < 0)
		return NULL;
	if (o.flags & ~BUTTER_TREE_ENTRIES || o.reserved[0] | o.reserved[1] | o.reserved[2] | o.reserved[3]) {
		errno = EINVAL;
		return NULL;
	}
	struct butter_tree *t = butter__object_new(&butter__tree_ops, sizeof(*t));
	if (!t)
		return NULL;
	t->listed_fd = t->timer = t->mounts_fd[0] = t->mounts_fd[1] = -1;
	butter__channels_init(t);
	t->flags = o.flags;
	t->scan_workers = o.scan_workers;
	butter__model_init(&t->model, butter__tree_has_entries(t));
	t->listing = malloc(BUTTER__LISTING_SIZE);
	if (!t->listing || open_fds(t) < 0) {
		close_if_open(release(&t->source));
		return NULL;
	}
	return t;
}

/* What the queue has room for is behind all that happened before; waiting is reading. */
int butter_tree_sync(struct butter_tree *x, int64_t timeout)
{
	int saved = errno, n = 0;
	if (timeout < -1) {
		errno = EINVAL;
		return -1;
	}
	int64_t deadline = timeout < 0 ? INT64_MAX : butter__time_add(butter__time_now(), timeout);
	uint64_t cookie = ++x->cookie;
	n = butter__barriers_touch(x);
	for (int again = n == 0; again; again = butter__time_now() < deadline) {
		x->rescan_after = 0;
		n = step(x);
		if (n < 0 || x->synced >= cookie)
			break;
		if (x->queue.failed) {
			errno = ENOMEM;
			n = -1;
			break;
		}
	}
	butter__tree_close_dir(x);
	butter__set_timer(x);
	if (n < 0)
		return -1;
	errno = saved;
	return x->synced >= cookie;
}

void butter_tree_pause(struct butter_tree *x)
{
	x->paused = 1;
	butter__set_timer(x);
}

void butter_tree_resume(struct butter_tree *x)
{
	x->paused = 0;
	butter__set_timer(x);
}
