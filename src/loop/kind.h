/* SPDX-License-Identifier: MIT */
/* What the kinds of watchers do, by the number that each watcher bears. */
#ifndef BUTTER__KIND_H
#define BUTTER__KIND_H

#include <stdint.h>

#include <butter/loop.h>

/*
 * start and stop put a watcher into the loop's tables and take it out; active, pending and the hold on
 * the loop are butter_watcher_start()'s and _stop()'s.
 */
struct butter__kind {
	void (*invoke)(struct butter_loop *loop, struct butter_ev *w, uint32_t revents);
	int (*start)(struct butter_loop *loop, struct butter_ev *w);
	void (*stop)(struct butter_loop *loop, struct butter_ev *w);
};

enum { BUTTER__KINDS = BUTTER__KIND_OF(BUTTER_EV_DEFER) + 1 };

/* watcher.c */
extern const struct butter__kind butter__kinds[BUTTER__KINDS] __attribute__((visibility("hidden")));

/* What a watcher's init does: the whole struct is zeroed before. */
static inline void butter__init(struct butter_ev *w, uint32_t bit)
{
	w->kind = (uint8_t)BUTTER__KIND_OF(bit);
}

static inline uint32_t butter__kind_bit(const struct butter_ev *w)
{
	return w->kind ? BUTTER_EV_IO << (w->kind - 1) : 0;
}

static inline void butter__invoke(struct butter_loop *loop, struct butter_ev *w, uint32_t revents)
{
	butter__kinds[w->kind].invoke(loop, w, revents);
}

#define BUTTER__DECLARE_KIND(T)                                                                              \
	void butter__##T##_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents);         \
	int butter__##T##_start(struct butter_loop *loop, struct butter_ev *ev);                             \
	void butter__##T##_stop(struct butter_loop *loop, struct butter_ev *ev)

BUTTER__DECLARE_KIND(io);
BUTTER__DECLARE_KIND(timer);
BUTTER__DECLARE_KIND(periodic);
BUTTER__DECLARE_KIND(signal);
BUTTER__DECLARE_KIND(child);
BUTTER__DECLARE_KIND(stat);
BUTTER__DECLARE_KIND(idle);
BUTTER__DECLARE_KIND(prepare);
BUTTER__DECLARE_KIND(check);
BUTTER__DECLARE_KIND(embed);
BUTTER__DECLARE_KIND(fork);
BUTTER__DECLARE_KIND(cleanup);
BUTTER__DECLARE_KIND(async);
BUTTER__DECLARE_KIND(event);
BUTTER__DECLARE_KIND(pressure);
BUTTER__DECLARE_KIND(defer);

#endif
