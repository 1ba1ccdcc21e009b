/* SPDX-License-Identifier: MIT */
/* What the parts of the loop share. */
#ifndef BUTTER__LOOP_H
#define BUTTER__LOOP_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include <butter/ev.h>
#include <butter/loop.h>

#include "kind.h"
#include "ring.h"
#include "wheel.h"

/* Flags of a watcher. */
enum {
	BUTTER__UNHELD = 1,  /* does not hold the loop */
	BUTTER__HIDDEN = 2,  /* a part of the loop's or of another watcher, not to be walked over */
	BUTTER__EARLY = 4,   /* called as soon as the loop has waited; the fd is the loop's own */
	BUTTER__PART = 8,    /* called when the event is found and not when its turn comes */
	BUTTER__MORE = 16,   /* an event or child watcher that goes on in the next iteration */
	BUTTER__NEW = 32,    /* an io watcher of which epoll does not know yet */
	BUTTER__VITAL = 64,  /* an fd without which the loop does not run */
	BUTTER__FRESH = 128, /* it was not only fed: what it tells is news, which no callback was told */

	/* Of the loop itself, and of a watcher that is made of others. Neither runs code of the caller's. */
	BUTTER__OWN_FLAGS = BUTTER__UNHELD | BUTTER__HIDDEN | BUTTER__EARLY,
	BUTTER__PART_FLAGS = BUTTER__UNHELD | BUTTER__HIDDEN | BUTTER__PART,
};

enum { BUTTER__PRIORITIES = BUTTER_EV_PRIORITY_MAX - BUTTER_EV_PRIORITY_MIN + 1 };

/* The rings of active watchers, by kind; the others are in tables. */
enum butter__ring {
	BUTTER__RING_PREPARE,
	BUTTER__RING_CHECK,
	BUTTER__RING_DEFER,
	BUTTER__RING_EMBED,
	BUTTER__RING_FORK,
	BUTTER__RING_CLEANUP,
	BUTTER__RING_ASYNC,
	BUTTER__RING_EVENT,
	BUTTER__RING_CHILD, /* the one that watches every child */
	BUTTER__RING_OTHER, /* composites: watchers that are made of others */
	BUTTER__RING_IDLE,  /* one for each priority */
	BUTTER__RINGS = BUTTER__RING_IDLE + BUTTER__PRIORITIES
};

/* An fd, as its watchers want it and as epoll has it. */
struct butter__fd {
	struct butter_ev *watchers;
	uint32_t generation; /* of the last EPOLL_CTL_ADD, which events have to name */
	uint32_t known;      /* epoll's events */
	uint8_t registered;
	uint8_t changed; /* among the changes */
	uint8_t always;  /* cannot be polled: is always ready */
	uint8_t renewed; /* its number may be another file's by now */
	uint8_t own;     /* the loop's, of which nobody else has a watcher */
};

/* A clock and the timers on it. */
struct butter__clock {
	struct butter__wheel wheel;
	int64_t now;
	int64_t armed; /* what the timerfd waits for; INT64_MAX: nothing */
	struct butter_ev_io io;
	int32_t clockid;
	int32_t fd; /* timerfd, or -1 */
};
enum { BUTTER__CLOCKS = 3 };

/* A callback of a watcher that runs in the midst of what goes on with it afterwards. */
struct butter__frame {
	struct butter_ev *w; /* NULL: stopped meanwhile */
	struct butter__frame *below;
};

struct butter__pending {
	struct butter_ev *w; /* NULL: taken back */
	uint32_t revents;
};

/* Those of one priority that are pending. */
struct butter__pendings {
	struct butter__pending *items;
	uint32_t next, end, room; /* the first that is left, and behind the last */
	uint32_t count;           /* those in between that were not taken back */
	uint32_t active;          /* watchers that may come to it */
};

struct butter__signals;
struct butter__children;
struct butter__once;
struct butter__periodics;
struct butter__stats;

struct butter_loop {
	/* What each iteration looks at, together. */
	uint32_t pending_mask; /* a bit for each priority of which watchers are pending */
	uint32_t idle_count;
	uint32_t more_count; /* those with BUTTER__MORE */
	uint32_t always_count, change_count, fd_room, found_room;
	int32_t epfd;
	int64_t holds; /* active watchers, and refs */
	uint64_t iteration;
	volatile uint32_t *unforked; /* a page that a fork wipes: 0 in a child; NULL: there is none */
	struct butter__fd *fds;      /* by number */
	struct epoll_event *found;
	uint32_t depth;
	uint8_t fork_due;
	uint8_t breaking;
	uint8_t stale;     /* waits in a row with events of nobody: at 2, epoll has a file that no fd names */
	uint8_t no_pwait2; /* a timerfd stands in for it */
	uint8_t clocked;   /* a bit for each clock that has had timers since it was last read */
	uint8_t timed;     /* a clock has a timerfd */
	uint8_t unread;    /* the clock has not been read since the wait, since nothing needed it */
	uint8_t suspended;
	uint8_t busy; /* the last wait was none: what it found was there */
	int64_t io_collect, timeout_collect;
	int64_t waited; /* when the last wait ended */
	struct butter__periodics *periodics;
	void (*invoke)(struct butter_loop *loop);
	void (*release)(struct butter_loop *loop);
	void (*acquire)(struct butter_loop *loop);
	struct butter_ev *rings[BUTTER__RINGS];

	struct butter__pendings pending[BUTTER__PRIORITIES]; /* the watchers that are, by priority */
	struct butter__frame *frames;
	int64_t refs; /* butter_loop_ref() less butter_loop_unref() */
	uint32_t event_budget;
	uint8_t ending;
	int32_t *changes; /* fds to be told to epoll: room for each once */
	int32_t *always;  /* fds that are always ready */

	struct butter__clock clocks[BUTTER__CLOCKS]; /* the first is CLOCK_MONOTONIC */
	struct butter_ev_io wake;                    /* the eventfd */
	uint32_t async_sent;
	uint32_t async_scan;

	struct butter__signals *signals;
	struct butter__children *children;
	struct butter__once *onces;
	struct butter__stats *stats;
	struct butter_ev_embed *embedders; /* of other loops, which this one is embedded in */
	struct butter_ev *visited;         /* the next of the loops in it, while they are visited */
	struct butter_loop *visited_from;
	uint64_t renewals; /* of epoll: who polls epfd has to begin anew */
	void *userdata;
};

/* The priority from 0 on, which indexes tables. */
static inline uint8_t butter__level(const struct butter_ev *w)
{
	return (uint8_t)(w->priority - BUTTER_EV_PRIORITY_MIN);
}

/* The caller may have written any into the struct. */
static inline void butter__clamp(struct butter_ev *w)
{
	if (butter__level(w) >= BUTTER__PRIORITIES)
		w->priority = w->priority < 0 ? BUTTER_EV_PRIORITY_MIN : BUTTER_EV_PRIORITY_MAX;
}

static inline struct butter__pendings *butter__pending_of(struct butter_loop *loop, const struct butter_ev *w)
{
	return &loop->pending[butter__level(w)];
}

/*
 * Room in which w may become pending, whatever becomes pending before: start asks for it, so that
 * it is there when an event comes. 0, or -1 with ENOMEM.
 */
int butter__pending_grow(struct butter__pendings *q);
static inline int butter__pending_has_room(const struct butter__pendings *q)
{
	return 2 * (q->active + q->count) < q->room; /* so that squeezing is rare */
}

static inline int butter__pending_reserve(struct butter_loop *loop, const struct butter_ev *w)
{
	struct butter__pendings *q = butter__pending_of(loop, w);
	return butter__pending_has_room(q) ? 0 : butter__pending_grow(q);
}

/* Takes the gaps out of a full queue. */
void butter__pending_squeeze(struct butter__pendings *q);

/* Whether what a watcher tells is news, which it is no more. */
static inline int butter__take_news(struct butter_ev *w)
{
	int is_fresh = w->flags & BUTTER__FRESH;
	w->flags &= (uint8_t)~BUTTER__FRESH;
	return is_fresh;
}

/* butter_watcher_feed(), when there is room: w is active, or was until now. */
static inline void butter__feed(struct butter_loop *loop, struct butter_ev *w, uint32_t revents)
{
	struct butter__pendings *q = butter__pending_of(loop, w);
	if (w->pending) {
		q->items[w->pending - 1].revents |= revents;
		return;
	}
	if (q->end == q->room)
		butter__pending_squeeze(q);
	q->items[q->end] = (struct butter__pending){.w = w, .revents = revents};
	w->pending = ++q->end;
	q->count++;
	loop->pending_mask |= 1u << butter__level(w);
}

/* The same, or at once for parts. */
static inline void butter__deliver(struct butter_loop *loop, struct butter_ev *w, uint32_t revents)
{
	if (w->flags & (BUTTER__EARLY | BUTTER__PART))
		butter__invoke(loop, w, revents);
	else
		butter__feed(loop, w, revents);
}

/* Feeds all of a ring. */
void butter__feed_ring(struct butter_loop *loop, enum butter__ring ring, uint32_t revents);

/* What start and stop do when the tables have been seen to. */
static inline int butter__started(struct butter_loop *loop, struct butter_ev *w)
{
	w->active = 1;
	butter__pending_of(loop, w)->active++;
	loop->holds += !(w->flags & BUTTER__UNHELD);
	return 0;
}

static inline void butter__stopped(struct butter_loop *loop, struct butter_ev *w)
{
	w->active = 0;
	butter__pending_of(loop, w)->active--;
	loop->holds -= !(w->flags & BUTTER__UNHELD);
}

/* Lets a watcher go on in the next iteration. */
static inline void butter__more(struct butter_loop *loop, struct butter_ev *w)
{
	loop->more_count += !(w->flags & BUTTER__MORE);
	w->flags |= BUTTER__MORE;
}

static inline void butter__no_more(struct butter_loop *loop, struct butter_ev *w)
{
	loop->more_count -= !!(w->flags & BUTTER__MORE);
	w->flags &= (uint8_t)~BUTTER__MORE;
}

/* butter_ev_T_set() of an active watcher: -1 with EBUSY. */
static inline int butter__settable(const struct butter_ev *w)
{
	if (!w->active)
		return 0;
	errno = EBUSY;
	return -1;
}

/* The struct of which this is a member. */
#define BUTTER__CONTAINER(member_pointer, type, member)                                                      \
	((type *)(void *)((char *)(member_pointer)-offsetof(type, member)))

/* Or has had some, since the clocks were last read. */
static inline int butter__has_timers(const struct butter_loop *loop)
{
	return loop->clocked;
}

static inline int butter__forked(const struct butter_loop *loop)
{
	return loop->unforked && !*loop->unforked;
}

/* Starts an io watcher of the loop's own, called when fd is found readable. 0, or -1 with ENOMEM. */
int butter__own_io_start(struct butter_loop *loop, struct butter_ev_io *w,
			 void (*cb)(struct butter_loop *loop, struct butter_ev_io *w, uint32_t revents),
			 int fd);

/* poll.c: the fds and epoll. */
int butter__poll_open(struct butter_loop *loop);
void butter__poll_close(struct butter_loop *loop);
int butter__poll_reserve(struct butter_loop *loop, int fd);
void butter__poll_change(struct butter_loop *loop, int fd);
void butter__poll_forget(struct butter_loop *loop, int fd);
/* 0, or -1 and errno: epoll does not take an fd of the loop's own, which is tried again. */
int butter__poll_flush(struct butter_loop *loop);
int butter__poll_renew(struct butter_loop *loop);
enum { BUTTER__STALE = 2 };
/* How long to wait: timeout nanoseconds (-1: for ever), which are over at until by CLOCK_MONOTONIC. */
struct butter__wait {
	int is_busy; /* something has probably happened already */
	int64_t timeout, until;
};
void butter__wait_again(struct butter__wait *wait); /* for what is left */
/* How many were found, in loop->found; or -1. Reads nothing that others may change between the hooks. */
int butter__poll_wait(struct butter_loop *loop, struct butter__wait *wait);
void butter__poll_deliver_own(struct butter_loop *loop, int count);
void butter__poll_deliver(struct butter_loop *loop, int count);
/* The watcher of the only event that was found, which nothing comes before; NULL: all is to be gone through.
 */
struct butter_ev_io *butter__poll_only(struct butter_loop *loop, uint32_t *ret_revents);

/* Puts the open file of fd from in the place of fd's, and closes from. */
int butter__replace_fd(int from, int fd);

/* clock.c: time. The place of a clock among the loop's; -1: it is none of them. */
int butter__clock_number(clockid_t id);
void butter__clocks_init(struct butter_loop *loop);
void butter__clocks_close(struct butter_loop *loop);
/* Gives a clock its timerfd, if it has none. */
int butter__clock_open(struct butter_loop *loop, struct butter__clock *clock);
/* Those that have timers; with_now: CLOCK_MONOTONIC anyway. */
void butter__clocks_read(struct butter_loop *loop, int with_now);
/* After a wait: those that anything needs. */
void butter__clocks_waited(struct butter_loop *loop);
/* Arms timerfds, and tells how long to wait for CLOCK_MONOTONIC; -1: for ever. */
int64_t butter__clocks_arm(struct butter_loop *loop, int with_monotonic);
/* Makes the timerfd of CLOCK_MONOTONIC readable. */
void butter__clock_ring(struct butter_loop *loop);
int butter__clocks_are_due(struct butter_loop *loop);
void butter__clocks_expire(struct butter_loop *loop);
int butter__clocks_fork(struct butter_loop *loop);

/* timer.c: a deadline of a timer has passed. */
void butter__timer_expired(struct butter_loop *loop, struct butter__clock *clock, uint32_t slot);

/* async.c, signal.c, child.c, event.c, once.c */
int butter__async_open(struct butter_loop *loop);
void butter__async_close(struct butter_loop *loop);
int butter__async_fork(struct butter_loop *loop);
void butter__signals_close(struct butter_loop *loop);
int butter__signals_fork(struct butter_loop *loop);
void butter__children_close(struct butter_loop *loop);
void butter__onces_close(struct butter_loop *loop);

/* periodic.c: arm and expire as those of clock.c. */
void butter__periodics_arm(struct butter_loop *loop);
void butter__periodics_expire(struct butter_loop *loop);
int butter__periodics_fork(struct butter_loop *loop);
void butter__periodics_close(struct butter_loop *loop);
int butter__periodics_are_sound(const struct butter_loop *loop);
void butter__periodics_walk(struct butter_loop *loop,
			    void (*cb)(struct butter_loop *, struct butter_ev *, void *), void *arg);

/* embed.c: lets the loops inside hand their changes to the kernel; tells those outside of the end. */
void butter__embeds_sync(struct butter_loop *loop);
void butter__embeds_end(struct butter_loop *loop);

/* stat.c */
int butter__stats_fork(struct butter_loop *loop);
void butter__stats_close(struct butter_loop *loop);

/* pressure.c */
void butter__pressures_fork(struct butter_loop *loop);

/* walk.c: every active watcher, the loop's own too. */
void butter__walk_all(struct butter_loop *loop,
		      void (*cb)(struct butter_loop *loop, struct butter_ev *w, void *arg), void *arg);
void butter__signals_walk(struct butter_loop *loop,
			  void (*cb)(struct butter_loop *, struct butter_ev *, void *), void *arg);
void butter__children_walk(struct butter_loop *loop,
			   void (*cb)(struct butter_loop *, struct butter_ev *, void *), void *arg);
/* The same for a ring that the callback may take w from. */
void butter__walk_ring(struct butter_loop *loop, struct butter_ev **head,
		       void (*cb)(struct butter_loop *, struct butter_ev *, void *), void *arg);

#endif
