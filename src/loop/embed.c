/* SPDX-License-Identifier: MIT */
/* A loop inside another: an io watcher on its epoll fd. Each knows the others, so that any may end. */
#include "loop.h"

static void fail(struct butter_loop *loop, struct butter_ev_embed *w, int error)
{
	butter_watcher_stop(loop, &w->ev);
	w->error = error;
	butter__feed(loop, &w->ev, BUTTER_EV_EMBED | BUTTER_EV_ERROR);
}

static void readable(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents)
{
	struct butter_ev_embed *w = BUTTER__CONTAINER(io, struct butter_ev_embed, io);
	if (revents & BUTTER_EV_ERROR)
		fail(loop, w, io->error);
	else
		butter__feed(loop, &w->ev, BUTTER_EV_EMBED);
}

int butter_ev_embed_sweep(struct butter_loop *loop, struct butter_ev_embed *w)
{
	(void)loop;
	if (!w->other) {
		errno = EINVAL;
		return -1;
	}
	return butter_loop_run(w->other, BUTTER_RUN_NOWAIT);
}

/* What the other loop calls back may stop the watcher and free it. */
void butter__embed_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_embed *w = (struct butter_ev_embed *)ev;
	struct butter__frame frame = {.w = ev, .below = loop->frames};
	int saved = errno;
	if (w->cb) {
		w->cb(loop, w, revents);
		return;
	}
	if (!ev->active)
		return;
	loop->frames = &frame;
	int failed = butter_ev_embed_sweep(loop, w) < 0;
	loop->frames = frame.below;
	if (failed && frame.w)
		fail(loop, w, errno);
	errno = saved;
}

static struct butter_loop *go_into(struct butter_loop *x, struct butter_loop *from)
{
	x->visited_from = from;
	x->visited = x->rings[BUTTER__RING_EMBED];
	return x;
}

/* No loop is inside itself, so that none is visited again while it is. */
static int is_in(const struct butter_loop *loop, struct butter_loop *other)
{
	struct butter_loop *x = go_into(other, NULL);
	while (x && x != loop) {
		struct butter_ev_embed *w = (struct butter_ev_embed *)x->visited;
		if (!w) {
			x = x->visited_from;
			continue;
		}
		x->visited = butter__ring_next(x->rings[BUTTER__RING_EMBED], &w->ev);
		if (w->other)
			x = go_into(w->other, x);
	}
	return x != NULL;
}

/* The fd to wait for. */
static int find_fd(struct butter_loop *loop, struct butter_ev_embed *w)
{
	if (w->other ? w->fd >= 0 || is_in(loop, w->other) : w->fd < 0 || !w->cb || w->fd == loop->epfd) {
		errno = EINVAL;
		return -1;
	}
	return w->other ? butter_loop_fd(w->other) : w->fd;
}

static int watch(struct butter_loop *loop, struct butter_ev_embed *w, int fd)
{
	butter_ev_io_init(&w->io, readable, fd, BUTTER_EV_READ);
	w->io.ev.flags = BUTTER__PART_FLAGS;
	if (w->other)
		w->renewals = w->other->renewals;
	return butter_ev_io_start(loop, &w->io);
}

int butter__embed_start(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_embed *w = (struct butter_ev_embed *)ev;
	int fd = find_fd(loop, w);
	if (fd < 0 || watch(loop, w, fd) < 0)
		return -1;
	w->error = 0;
	w->outer = loop;
	butter__ring_add(&loop->rings[BUTTER__RING_EMBED], ev);
	if (!w->other)
		return 0;
	w->embed_at = &w->other->embedders;
	w->embed_next = *w->embed_at;
	if (w->embed_next)
		w->embed_next->embed_at = &w->embed_next;
	*w->embed_at = w;
	return 0;
}

void butter__embed_stop(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_embed *w = (struct butter_ev_embed *)ev;
	butter_ev_io_stop(loop, &w->io);
	butter__ring_remove(&loop->rings[BUTTER__RING_EMBED], ev);
	if (!w->other)
		return;
	*w->embed_at = w->embed_next;
	if (w->embed_next)
		w->embed_next->embed_at = w->embed_at;
}

/* An epoll that was made anew, after a fork for instance, has the number of the old one. */
static void sync_one(struct butter_loop *loop, struct butter_ev *ev, void *arg)
{
	struct butter_ev_embed *w = (struct butter_ev_embed *)ev;
	(void)arg;
	if (!w->other)
		return;
	int saved = errno, fd = butter_loop_fd(w->other), failed = fd < 0;
	if (!failed && w->renewals != w->other->renewals) {
		butter_ev_io_stop(loop, &w->io);
		failed = watch(loop, w, fd) < 0;
	}
	if (failed)
		fail(loop, w, errno);
	errno = saved;
}

void butter__embeds_sync(struct butter_loop *loop)
{
	butter__walk_ring(loop, &loop->rings[BUTTER__RING_EMBED], sync_one, NULL);
}

void butter__embeds_end(struct butter_loop *loop)
{
	while (loop->embedders)
		fail(loop->embedders->outer, loop->embedders, ENODATA);
}

void butter_ev_embed_init(struct butter_ev_embed *w,
			  void (*cb)(struct butter_loop *loop, struct butter_ev_embed *w, uint32_t revents),
			  struct butter_loop *other, int fd)
{
	*w = (struct butter_ev_embed){.cb = cb, .other = other, .fd = fd};
	butter__init(&w->ev, BUTTER_EV_EMBED);
}

int butter_ev_embed_set(struct butter_ev_embed *w, struct butter_loop *other, int fd)
{
	if (butter__settable(&w->ev) < 0)
		return -1;
	w->other = other;
	w->fd = fd;
	return 0;
}

int butter_ev_embed_start(struct butter_loop *loop, struct butter_ev_embed *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_embed_stop(struct butter_loop *loop, struct butter_ev_embed *w)
{
	butter_watcher_stop(loop, &w->ev);
}
