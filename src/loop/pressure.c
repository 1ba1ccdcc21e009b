/* SPDX-License-Identifier: MIT */
/* Pressure stall information: a trigger of the kernel's for each watcher, which is an open file. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../event/object.h"
#include "loop.h"

enum { MICROSECOND = 1000, ON_PROC = 0x9fa0, ON_CGROUP2 = 0x63677270 };

static void fail(struct butter_loop *loop, struct butter_ev_pressure *w, int error)
{
	butter_watcher_stop(loop, &w->ev);
	w->error = error;
	butter__feed(loop, &w->ev, BUTTER_EV_PRESSURE | BUTTER_EV_ERROR);
}

/* epoll tells of an error as of the event itself; poll(2) tells which it was. */
static void found(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents)
{
	struct butter_ev_pressure *w = BUTTER__CONTAINER(io, struct butter_ev_pressure, io);
	struct pollfd pfd = {.fd = io->fd, .events = POLLPRI};
	int saved = errno;
	if (revents & BUTTER_EV_ERROR)
		fail(loop, w, io->error);
	else if (poll(&pfd, 1, 0) > 0 && pfd.revents & (POLLERR | POLLNVAL))
		fail(loop, w, ENODEV);
	else
		butter__feed(loop, &w->ev, BUTTER_EV_PRESSURE);
	errno = saved;
}

/* The kernel reads 32-bit numbers, and takes what is left of larger ones. */
static int describe(const struct butter_ev_pressure *w, char *buf, size_t size)
{
	int64_t stall = w->stall / MICROSECOND, window = w->window / MICROSECOND;
	if (!w->path || w->flags & ~BUTTER_EV_PRESSURE_FULL || stall < 0 || window < 0 ||
	    stall > UINT32_MAX || window > UINT32_MAX) {
		errno = EINVAL;
		return -1;
	}
	return snprintf(buf, size, "%s %u %u", w->flags & BUTTER_EV_PRESSURE_FULL ? "full" : "some",
			(unsigned)stall, (unsigned)window);
}

/* Nothing is written to a file that somebody keeps something in. */
static int is_kernels(int fd)
{
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0)
		return 0;
	if (fs.f_type == ON_PROC || fs.f_type == ON_CGROUP2)
		return 1;
	errno = EINVAL;
	return 0;
}

/* The fd of a new trigger. */
static int open_trigger(const struct butter_ev_pressure *w)
{
	char text[32];
	int len = describe(w, text, sizeof(text));
	if (len < 0)
		return -1;
	int fd = open(w->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || (is_kernels(fd) && write(fd, text, (size_t)len + 1) > 0))
		return fd;
	butter__close(fd);
	return -1;
}

void butter__pressure_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_pressure *w = (struct butter_ev_pressure *)ev;
	w->cb(loop, w, revents);
}

int butter__pressure_start(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_pressure *w = (struct butter_ev_pressure *)ev;
	int fd = open_trigger(w);
	if (fd < 0)
		return -1;
	butter_ev_io_init(&w->io, found, fd, BUTTER_EV_PRI);
	w->io.ev.flags = BUTTER__PART_FLAGS;
	if (butter_ev_io_start(loop, &w->io) < 0) {
		butter__close(fd);
		return -1;
	}
	w->error = 0;
	butter__ring_add(&loop->rings[BUTTER__RING_OTHER], ev);
	return 0;
}

void butter__pressure_stop(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_pressure *w = (struct butter_ev_pressure *)ev;
	butter_ev_io_stop(loop, &w->io);
	butter__close(w->io.fd);
	butter__ring_remove(&loop->rings[BUTTER__RING_OTHER], ev);
}

/* Of two who poll one trigger, one is told. */
static void renew(struct butter_loop *loop, struct butter_ev *ev, void *arg)
{
	struct butter_ev_pressure *w = (struct butter_ev_pressure *)ev;
	(void)arg;
	if (butter__kind_bit(ev) == BUTTER_EV_PRESSURE && butter__replace_fd(open_trigger(w), w->io.fd) < 0)
		fail(loop, w, errno);
}

void butter__pressures_fork(struct butter_loop *loop)
{
	butter__walk_ring(loop, &loop->rings[BUTTER__RING_OTHER], renew, NULL);
}

void butter_ev_pressure_init(struct butter_ev_pressure *w,
			     void (*cb)(struct butter_loop *loop, struct butter_ev_pressure *w,
					uint32_t revents),
			     const char *path, int64_t stall, int64_t window, uint32_t flags)
{
	*w = (struct butter_ev_pressure){
		.cb = cb, .path = path, .stall = stall, .window = window, .flags = flags};
	butter__init(&w->ev, BUTTER_EV_PRESSURE);
}

int butter_ev_pressure_set(struct butter_ev_pressure *w, const char *path, int64_t stall, int64_t window,
			   uint32_t flags)
{
	if (butter__settable(&w->ev) < 0)
		return -1;
	w->path = path;
	w->stall = stall;
	w->window = window;
	w->flags = flags;
	return 0;
}

int butter_ev_pressure_start(struct butter_loop *loop, struct butter_ev_pressure *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_pressure_stop(struct butter_loop *loop, struct butter_ev_pressure *w)
{
	butter_watcher_stop(loop, &w->ev);
}
