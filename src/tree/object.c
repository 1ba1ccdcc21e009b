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
#include <butter/file.h>
#include <butter/timerfd.h>

#include "../event/object.h"
#include "../event/options.h"
#include "../event/time.h"
#include "tree.h"

enum { AT_ONCE = 1, OVERDUE = 100000000 };

static int waits(const struct butter_tree *t)
{
	return t->held.count > 0 || t->half_count > 0 || t->dirty.count > 0;
}

/* When the fd has to become readable though the kernel says nothing; 0: never. */
static int64_t due(const struct butter_tree *t)
{
	if (t->paused)
		return 0;
	if (t->queue.count > 0)
		return AT_ONCE;
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		if (t->channels[i].next < t->channels[i].end)
			return AT_ONCE;
	if (t->lost)
		return t->rescan_after ? t->rescan_after : AT_ONCE;
	return waits(t) ? t->held_since + BUTTER__PATIENCE : 0;
}

void butter__set_timer(struct butter_tree *t)
{
	int64_t when = due(t);
	struct itimerspec value = {.it_value = butter__time_to_timespec(when)};
	if (when != t->armed && butter_timerfd_settime(t->timer, TFD_TIMER_ABSTIME, &value, NULL) == 0)
		t->armed = when;
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

/* Reads and settles until there is something to tell. 0: the kernel has nothing more. */
static int advance(struct butter_tree *t)
{
	int n = 1;
	while (t->queue.count == 0 && n > 0) {
		n = read_channels(t);
		if (n == 0 || (waits(t) && butter__time_now() - t->held_since > OVERDUE))
			butter__settle(t, n > 0);
		if (t->lost)
			butter__lose(t);
	}
	butter__tree_close_dir(t);
	return n;
}

static int read_event(struct butter_source *source, void *ret)
{
	struct butter_tree *t = (struct butter_tree *)source;
	if (t->paused)
		return 0;
	int saved = errno, n = t->queue.count > 0 ? 1 : advance(t);
	if (n >= 0) {
		n = butter__queue_take(&t->queue, ret);
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
	butter__set_timer(t);
	return (ssize_t)count;
}

static size_t pending(struct butter_source *source)
{
	return ((struct butter_tree *)source)->queue.count;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		butter__close(fd);
}

static void close_channel(struct butter__channel *c)
{
	if (c->fd >= 0)
		c->backend->close(c);
	close_if_open(c->barrier);
	butter__wds_free(&c->wds);
	butter__free(c->stream);
}

static int release(struct butter_source *source)
{
	struct butter_tree *t = (struct butter_tree *)source;
	int fd = source->fd;
	butter__tree_close_dir(t);
	close_if_open(t->timer);
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		close_channel(&t->channels[i]);
	for (uint32_t i = 0; i < t->root_count; i++)
		butter__free(t->roots[i].path);
	for (uint32_t i = 0; i < t->half_count; i++)
		butter__free(t->halves[i].name);
	butter__names_clear(&t->again);
	butter__model_free(&t->model);
	butter__queue_free(&t->queue);
	void *all[] = {
		t->roots,   t->scan.items, t->dirty.items, t->held.items,    t->halves,       t->again.items,
		t->windows, t->aliases,    t->path.text,   t->old_path.text, t->scratch.text, t->listing,
		t};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		butter__free(all[i]);
	return fd;
}

BUTTER__COMPOSITE(tree, read_event, read_events, pending, release)

static int open_channel(struct butter_tree *t, struct butter__channel *c)
{
	struct epoll_event in = {.events = EPOLLIN};
	c->stream = malloc(BUTTER__STREAM_SIZE);
	c->barrier = butter_memfd_create("butter_tree", MFD_CLOEXEC);
	if (!c->stream || c->barrier < 0 || c->backend->open(c) < 0)
		return -1;
	c->barrier_wd = c->backend->watch(c, c->barrier, NULL, IN_ATTRIB);
	return c->barrier_wd < 0 ? -1 : butter_epoll_ctl(t->source.fd, EPOLL_CTL_ADD, c->fd, &in);
}

static int open_fds(struct butter_tree *t)
{
	struct epoll_event in = {.events = EPOLLIN};
	t->source.fd = butter_epoll_create1(EPOLL_CLOEXEC);
	t->timer = butter_timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->source.fd < 0 || t->timer < 0 ||
	    butter_epoll_ctl(t->source.fd, EPOLL_CTL_ADD, t->timer, &in) < 0)
		return -1;
	return open_channel(t, &t->channels[0]);
}

struct butter_tree *butter_tree_open(const struct butter_tree_options *options)
{
	struct butter_tree_options o;
	if (butter__options_copy(&o, sizeof(o), options) < 0)
		return NULL;
	struct butter_tree *t = butter__object_new(&butter__tree_ops, sizeof(*t));
	if (!t)
		return NULL;
	t->timer = -1;
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		t->channels[i] = (struct butter__channel){
			.backend = &butter__inotify_backend, .fd = -1, .barrier = -1, .barrier_wd = -1};
	t->flags = o.flags;
	butter__model_init(&t->model, butter__tree_has_entries(t));
	t->listing = malloc(BUTTER__LISTING_SIZE);
	if (!t->listing || open_fds(t) < 0) {
		close_if_open(release(&t->source));
		return NULL;
	}
	return t;
}

/* A touch of a file of its own puts a record behind all that there are. */
static int sync_channel(struct butter_tree *t, struct butter__channel *c)
{
	if (futimens(c->barrier, NULL) < 0)
		return -1;
	c->barrier_open = 1;
	while (c->barrier_open) {
		int n = butter__stream_read(t, c);
		if (n < 0)
			return -1;
		if (t->lost) {
			t->rescan_after = 0;
			butter__lose(t);
		}
		/* A full queue has dropped it. */
		if (n == 0 && c->barrier_open && futimens(c->barrier, NULL) < 0)
			return -1;
	}
	return 0;
}

int butter_tree_sync(struct butter_tree *x, int64_t timeout)
{
	struct butter_tree_event ev = {
		.type = BUTTER_TREE_SYNC, .root = -1, .path = "", .old_path = "", .limit = ""};
	(void)timeout;
	for (int i = 0; i < BUTTER__CHANNELS; i++)
		if (x->channels[i].fd >= 0 && sync_channel(x, &x->channels[i]) < 0)
			return -1;
	butter__settle(x, 1);
	butter__tree_close_dir(x);
	ev.cookie = ++x->cookie;
	butter__queue_add(&x->queue, &ev);
	butter__set_timer(x);
	return 0;
}
