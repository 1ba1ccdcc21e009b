/* SPDX-License-Identifier: MIT */
/*
 * Times of the wall clock: a wheel of their own, and one timerfd, which tells when the clock was set.
 * It is armed, with whatever time, for as long as there is a periodic watcher.
 */
#include <stdlib.h>

#include <butter/timerfd.h>

#include "../event/object.h"
#include "../event/time.h"
#include "loop.h"

struct butter__periodics {
	struct butter__wheel wheel;
	struct butter_ev_io io;
	int64_t armed; /* what the timerfd waits for; 0: nothing */
	uint8_t was_set;
};

static int64_t read_clock(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return butter__time_from_timespec(&ts);
}

/* What is left of a division, not negative. */
static int64_t rest(int64_t a, int64_t interval)
{
	int64_t r = a % interval;
	return r < 0 ? r + interval : r;
}

/*
 * After now; INT64_MAX for what is beyond. -1 with EINVAL when there is no such time: that reschedule
 * says, or with an interval below 0, which the caller may have set since the start.
 */
static int compute(struct butter_ev_periodic *w, int64_t now)
{
	int64_t next = w->offset;
	if (w->reschedule) {
		next = w->reschedule(w, now);
	} else if (w->interval > 0) {
		int64_t ahead = rest(w->offset, w->interval) - rest(now, w->interval);
		next = butter__time_add(now, ahead > 0 ? ahead : ahead + w->interval);
	}
	if (w->interval < 0 || (w->reschedule && next <= now)) {
		errno = EINVAL;
		return -1;
	}
	w->next = next;
	return 0;
}

static void fail(struct butter_loop *loop, struct butter_ev_periodic *w, uint32_t revents)
{
	butter_watcher_stop(loop, &w->ev);
	w->error = EINVAL;
	butter__feed(loop, &w->ev, BUTTER_EV_ERROR | revents);
}

/* Sets a watcher that is in the wheel to its next time. */
static void move(struct butter_loop *loop, struct butter_ev_periodic *w, int64_t now, uint32_t revents)
{
	int saved = errno;
	if (compute(w, now) == 0)
		butter__wheel_move(&loop->periodics->wheel, w->slot, w->next);
	else
		fail(loop, w, revents);
	errno = saved;
}

static void recompute(struct butter_loop *loop, int64_t now)
{
	struct butter__wheel *h = &loop->periodics->wheel;
	loop->periodics->was_set = 0;
	for (uint32_t slot = 0; slot < h->used; slot++)
		if (h->entries[slot].who)
			move(loop, h->entries[slot].who, now, 0);
}

/* A clock that was set and one that has come so far look the same but for the errno. */
static void readable(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents)
{
	uint64_t count;
	int saved = errno;
	(void)revents;
	if (butter__read(io->fd, &count, sizeof(count)) < 0 && errno == ECANCELED)
		loop->periodics->was_set = 1;
	loop->periodics->armed = 0;
	errno = saved;
}

static int open_periodics(struct butter_loop *loop)
{
	if (loop->periodics)
		return 0;
	struct butter__periodics *p = calloc(1, sizeof(*p));
	if (!p)
		return -1;
	int fd = butter_timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0 || butter__own_io_start(loop, &p->io, readable, fd) < 0) {
		if (fd >= 0)
			butter__close(fd);
		butter__free(p);
		return -1;
	}
	loop->periodics = p;
	return 0;
}

/* ECANCELED: it is armed, and the clock was set since the last time, of which nothing else tells. */
static void arm(struct butter_loop *loop, int64_t at)
{
	struct butter__periodics *p = loop->periodics;
	const struct itimerspec value = {.it_value = butter__time_to_timespec(at)};
	int saved = errno;
	if (butter_timerfd_settime(p->io.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &value, NULL) == 0)
		p->armed = at;
	else if (errno == ECANCELED)
		recompute(loop, read_clock());
	errno = saved;
}

/* Again when it turns out that the clock was set: what was computed may be no more. */
void butter__periodics_arm(struct butter_loop *loop)
{
	struct butter__periodics *p = loop->periodics;
	for (int i = 0; i < 2 && p && p->wheel.count; i++) {
		int64_t at = butter__wheel_first(&p->wheel);
		at = butter__time_add(at < 1 ? 1 : at, loop->timeout_collect);
		if (p->armed == at)
			return;
		arm(loop, at);
	}
}

/* What comes once is stopped; for the others the next time is known before the callback. */
static void expire(struct butter_loop *loop, struct butter_ev_periodic *w, int64_t now)
{
	if (w->reschedule || w->interval) {
		move(loop, w, now, BUTTER_EV_PERIODIC);
	} else {
		butter__wheel_drop(&loop->periodics->wheel, w->slot);
		butter__stopped(loop, &w->ev);
	}
	butter__feed(loop, &w->ev, BUTTER_EV_PERIODIC);
}

void butter__periodics_expire(struct butter_loop *loop)
{
	struct butter__periodics *p = loop->periodics;
	uint32_t slot;
	if (!p || !p->wheel.count)
		return;
	int64_t now = read_clock();
	if (p->was_set)
		recompute(loop, now);
	butter__wheel_settle(&p->wheel, now);
	while ((slot = butter__wheel_due(&p->wheel, now)))
		expire(loop, p->wheel.entries[slot].who, now);
}

int butter__periodics_fork(struct butter_loop *loop)
{
	struct butter__periodics *p = loop->periodics;
	if (!p)
		return 0;
	p->armed = 0;
	return butter__replace_fd(butter_timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK),
				  p->io.fd);
}

void butter__periodics_close(struct butter_loop *loop)
{
	if (!loop->periodics)
		return;
	butter__close(loop->periodics->io.fd);
	butter__wheel_free(&loop->periodics->wheel);
	butter__free(loop->periodics);
}

int butter__periodics_are_sound(const struct butter_loop *loop)
{
	return !loop->periodics || butter__wheel_is_sound(&loop->periodics->wheel);
}

void butter__periodics_walk(struct butter_loop *loop,
			    void (*cb)(struct butter_loop *, struct butter_ev *, void *), void *arg)
{
	struct butter__wheel *h = loop->periodics ? &loop->periodics->wheel : NULL;
	for (uint32_t slot = 0; h && slot < h->used; slot++) {
		struct butter_ev_periodic *w = h->entries[slot].who;
		if (w)
			cb(loop, &w->ev, arg);
	}
}

void butter__periodic_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_periodic *w = (struct butter_ev_periodic *)ev;
	w->cb(loop, w, revents);
}

int butter__periodic_start(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_periodic *w = (struct butter_ev_periodic *)ev;
	if (open_periodics(loop) < 0 || compute(w, read_clock()) < 0 ||
	    butter__wheel_take(&loop->periodics->wheel, w, &w->slot) < 0)
		return -1;
	butter__wheel_set(&loop->periodics->wheel, w->slot, w->next);
	w->error = 0;
	return 0;
}

void butter__periodic_stop(struct butter_loop *loop, struct butter_ev *ev)
{
	butter__wheel_drop(&loop->periodics->wheel, ((struct butter_ev_periodic *)ev)->slot);
}

void butter_ev_periodic_init(struct butter_ev_periodic *w,
			     void (*cb)(struct butter_loop *loop, struct butter_ev_periodic *w,
					uint32_t revents),
			     int64_t offset, int64_t interval,
			     int64_t (*reschedule)(struct butter_ev_periodic *w, int64_t now))
{
	*w = (struct butter_ev_periodic){
		.cb = cb, .reschedule = reschedule, .offset = offset, .interval = interval};
	butter__init(&w->ev, BUTTER_EV_PERIODIC);
}

int butter_ev_periodic_set(struct butter_ev_periodic *w, int64_t offset, int64_t interval,
			   int64_t (*reschedule)(struct butter_ev_periodic *w, int64_t now))
{
	if (butter__settable(&w->ev) < 0)
		return -1;
	w->offset = offset;
	w->interval = interval;
	w->reschedule = reschedule;
	return 0;
}

int butter_ev_periodic_start(struct butter_loop *loop, struct butter_ev_periodic *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_periodic_stop(struct butter_loop *loop, struct butter_ev_periodic *w)
{
	butter_watcher_stop(loop, &w->ev);
}

int butter_ev_periodic_again(struct butter_loop *loop, struct butter_ev_periodic *w)
{
	butter_watcher_stop(loop, &w->ev);
	return butter_watcher_start(loop, &w->ev);
}

int64_t butter_ev_periodic_at(const struct butter_ev_periodic *w)
{
	return w->next;
}
