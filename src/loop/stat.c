/* SPDX-License-Identifier: MIT */
/* Looking at files: when inotify says so, or every so often. */
#include <stdlib.h>
#include <sys/stat.h>

#include "../event/object.h"
#include "../event/time.h"
#include "stat.h"

/* The second is libev's, which is no multiple of what others do at the same time. */
static const int64_t default_interval = INT64_C(5007489100);

/* Timestamps are of the last tick; there may be another write in it. */
enum { TICK = 20000000, READS = 16 };

static int64_t read_clock(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return butter__time_from_timespec(&ts);
}

static struct butter_ev_stat_attr read_attr(const char *path)
{
	struct stat st;
	int saved = errno;
	if (stat(path, &st) < 0) {
		struct butter_ev_stat_attr none = {.error = errno};
		errno = saved;
		return none;
	}
	return (struct butter_ev_stat_attr){
		.dev = st.st_dev,
		.rdev = st.st_rdev,
		.ino = st.st_ino,
		.nlink = st.st_nlink ? st.st_nlink : 1,
		.size = st.st_size,
		.mtime = butter__time_from_timespec(&st.st_mtim),
		.ctime = butter__time_from_timespec(&st.st_ctim),
		.atime = butter__time_from_timespec(&st.st_atim),
		.mode = st.st_mode,
		.uid = st.st_uid,
		.gid = st.st_gid,
	};
}

static int differ(const struct butter_ev_stat_attr *a, const struct butter_ev_stat_attr *b)
{
	return a->dev != b->dev || a->rdev != b->rdev || a->ino != b->ino || a->nlink != b->nlink ||
	       a->size != b->size || a->mtime != b->mtime || a->ctime != b->ctime || a->mode != b->mode ||
	       a->uid != b->uid || a->gid != b->gid;
}

static void readable(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents);

/* Without an instance everything is polled until there is one. */
static void open_inotify(struct butter_loop *loop)
{
	struct butter__stats *stats = loop->stats;
	int saved = errno;
	if (stats->inotify)
		return;
	stats->inotify = butter_inotify_open(0);
	if (stats->inotify) {
		butter_ev_io_init(&stats->io, readable, butter_inotify_fd(stats->inotify), BUTTER_EV_READ);
		stats->io.ev.flags = BUTTER__PART_FLAGS;
		if (butter_ev_io_start(loop, &stats->io) == 0)
			return;
	}
	stats->refused = errno;
	butter_inotify_close(stats->inotify);
	stats->inotify = NULL;
	errno = saved;
}

/* Whether the kernel tells of changes, or a timer has to. 0, or -1 with ENOMEM. */
static int walk(struct butter_loop *loop, struct butter__stat *s)
{
	struct butter_ev_stat *w = s->w;
	open_inotify(loop);
	int refused, is_told = butter__stat_walk(loop, s, &refused);
	w->polled = !is_told;
	w->refused = refused;
	if (is_told) {
		butter_ev_timer_stop(loop, &w->timer);
		return 0;
	}
	return butter_ev_timer_start(loop, &w->timer);
}

/* Whether what was seen last may have changed without a trace but inotify's event. */
static int is_unsure(const struct butter__stat *s, uint32_t dirt)
{
	return dirt & BUTTER__MODIFIED && s->w->attr.mtime > s->looked - TICK;
}

static void fail(struct butter_loop *loop, struct butter_ev_stat *w)
{
	int error = errno;
	butter_watcher_stop(loop, &w->ev);
	w->error = error;
	butter__feed(loop, &w->ev, BUTTER_EV_STAT | BUTTER_EV_ERROR);
}

static void look(struct butter_loop *loop, struct butter__stat *s, uint32_t dirt)
{
	struct butter_ev_stat *w = s->w;
	if (dirt & BUTTER__WALK && walk(loop, s) < 0) {
		fail(loop, w);
		return;
	}
	int64_t now = read_clock();
	struct butter_ev_stat_attr attr = read_attr(w->path);
	if (differ(&attr, &w->attr) || is_unsure(s, dirt)) {
		if (!(w->ev.flags & BUTTER__FRESH))
			w->prev = w->attr;
		w->ev.flags |= BUTTER__FRESH;
		butter__feed(loop, &w->ev, BUTTER_EV_STAT);
	}
	w->attr = attr;
	s->looked = now;
}

/* What was refused may be granted by now. */
static void on_timer(struct butter_loop *loop, struct butter_ev_timer *timer, uint32_t revents)
{
	struct butter_ev_stat *w = BUTTER__CONTAINER(timer, struct butter_ev_stat, timer);
	int saved = errno;
	(void)revents;
	look(loop, w->state, BUTTER__WALK);
	errno = saved;
}

void butter__stat_soil(struct butter_loop *loop, struct butter__stat *s, uint32_t dirt)
{
	if (dirt && !s->dirt) {
		s->dirty_next = loop->stats->dirty;
		loop->stats->dirty = s;
	}
	s->dirt |= dirt;
}

static void look_at_dirty(struct butter_loop *loop)
{
	struct butter__stat *s;
	while ((s = loop->stats->dirty)) {
		uint32_t dirt = s->dirt;
		loop->stats->dirty = s->dirty_next;
		s->dirt = 0;
		look(loop, s, dirt);
	}
}

static void soil_all(struct butter_loop *loop)
{
	struct butter_ev *head = loop->rings[BUTTER__RING_OTHER];
	for (struct butter_ev *ev = head; ev; ev = butter__ring_next(head, ev))
		if (butter__kind_bit(ev) == BUTTER_EV_STAT)
			butter__stat_soil(loop, ((struct butter_ev_stat *)ev)->state,
					  BUTTER__LOOK | BUTTER__WALK | BUTTER__MODIFIED);
}

static void poll_one(struct butter_loop *loop, struct butter_ev *ev, void *error)
{
	struct butter_ev_stat *w = (struct butter_ev_stat *)ev;
	if (butter__kind_bit(ev) != BUTTER_EV_STAT)
		return;
	w->polled = 1;
	w->refused = *(int *)error;
	if (butter_ev_timer_start(loop, &w->timer) < 0)
		fail(loop, w);
}

/* Everything is polled until epoll takes it. It is just before the wait, for which the timers count. */
static void lose_inotify(struct butter_loop *loop, int error)
{
	butter__stat_forget_all(loop->stats);
	butter_inotify_close(loop->stats->inotify);
	loop->stats->inotify = NULL;
	loop->stats->refused = error;
	butter__walk_ring(loop, &loop->rings[BUTTER__RING_OTHER], poll_one, &error);
	butter__clocks_read(loop, 1);
}

/* Nothing stays in the object's buffer, which would be of old watches after a fork. */
static void readable(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents)
{
	struct butter_inotify *inotify = loop->stats->inotify;
	struct butter_inotify_event ev;
	int saved = errno;
	if (revents & BUTTER_EV_ERROR) {
		lose_inotify(loop, io->error);
		return;
	}
	for (int reads = 0; reads < READS || butter_inotify_pending(inotify); reads++) {
		int n = butter_inotify_read_event(inotify, &ev);
		if (n == 0)
			break;
		if (n < 0 || ev.mask & IN_Q_OVERFLOW)
			soil_all(loop);
		else
			butter__stat_note(loop, &ev);
		if (n < 0)
			break;
	}
	look_at_dirty(loop);
	errno = saved;
}

int butter__stats_fork(struct butter_loop *loop)
{
	struct butter__stats *stats = loop->stats;
	if (!stats || !stats->inotify)
		return 0;
	if (butter__replace_fd(butter_inotify_init1(IN_CLOEXEC | IN_NONBLOCK), stats->io.fd) < 0)
		return -1;
	butter__stat_forget_all(stats);
	soil_all(loop);
	look_at_dirty(loop);
	return 0;
}

void butter__stats_close(struct butter_loop *loop)
{
	if (loop->stats)
		butter_inotify_close(loop->stats->inotify);
	butter__free(loop->stats);
}

void butter__stat_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_stat *w = (struct butter_ev_stat *)ev;
	if (!butter__take_news(ev))
		w->prev = w->attr;
	w->cb(loop, w, revents);
}

static void begin(struct butter_ev_stat *w)
{
	int64_t interval = w->interval ? w->interval : default_interval;
	w->state->w = w;
	w->error = 0;
	butter_ev_timer_init(&w->timer, on_timer, interval, interval);
	w->timer.ev.flags = BUTTER__HIDDEN | BUTTER__UNHELD;
	w->timer.ev.priority = w->ev.priority;
}

int butter__stat_start(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_stat *w = (struct butter_ev_stat *)ev;
	if (!w->path || !*w->path || w->interval < 0) {
		errno = EINVAL;
		return -1;
	}
	if (!loop->stats && !(loop->stats = calloc(1, sizeof(*loop->stats))))
		return -1;
	w->state = calloc(1, sizeof(*w->state));
	if (!w->state)
		return -1;
	begin(w);
	if (walk(loop, w->state) < 0) {
		butter__stat_leave(loop, w->state);
		butter__free(w->state);
		return -1;
	}
	w->state->looked = read_clock();
	w->attr = w->prev = read_attr(w->path);
	butter__ring_add(&loop->rings[BUTTER__RING_OTHER], ev);
	return 0;
}

void butter__stat_stop(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_stat *w = (struct butter_ev_stat *)ev;
	butter_ev_timer_stop(loop, &w->timer);
	butter__stat_leave(loop, w->state);
	butter__free(w->state);
	w->state = NULL;
	butter__ring_remove(&loop->rings[BUTTER__RING_OTHER], ev);
}

void butter_ev_stat_init(struct butter_ev_stat *w,
			 void (*cb)(struct butter_loop *loop, struct butter_ev_stat *w, uint32_t revents),
			 const char *path, int64_t interval)
{
	*w = (struct butter_ev_stat){.cb = cb, .path = path, .interval = interval};
	butter__init(&w->ev, BUTTER_EV_STAT);
}

int butter_ev_stat_set(struct butter_ev_stat *w, const char *path, int64_t interval)
{
	if (butter__settable(&w->ev) < 0)
		return -1;
	w->path = path;
	w->interval = interval;
	return 0;
}

int butter_ev_stat_start(struct butter_loop *loop, struct butter_ev_stat *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_stat_stop(struct butter_loop *loop, struct butter_ev_stat *w)
{
	butter_watcher_stop(loop, &w->ev);
}

/* What inotify knows already is taken first, also for the others; the parent's is left to it. */
void butter_ev_stat_stat(struct butter_loop *loop, struct butter_ev_stat *w)
{
	int64_t now = read_clock();
	if (w->ev.active && loop->stats->inotify && !butter__forked(loop))
		readable(loop, NULL, BUTTER_EV_READ);
	butter_watcher_clear_pending(loop, &w->ev);
	w->attr = w->prev = read_attr(w->path);
	if (w->ev.active)
		w->state->looked = now;
}
