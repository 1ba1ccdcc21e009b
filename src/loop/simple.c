/* SPDX-License-Identifier: MIT */
/* The watchers of the loop's own course: they are in rings, which the loop feeds. */
#include "loop.h"

/* The functions of kind T, but for the public ones. */
#define SIMPLE(T, ring_)                                                                                     \
	void butter__##T##_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)          \
	{                                                                                                    \
		struct butter_ev_##T *w = (struct butter_ev_##T *)ev;                                        \
		w->cb(loop, w, revents);                                                                     \
	}                                                                                                    \
	int butter__##T##_start(struct butter_loop *loop, struct butter_ev *w)                               \
	{                                                                                                    \
		butter__ring_add(&loop->rings[ring_], w);                                                    \
		return 0;                                                                                    \
	}                                                                                                    \
	void butter__##T##_stop(struct butter_loop *loop, struct butter_ev *w)                               \
	{                                                                                                    \
		butter__ring_remove(&loop->rings[ring_], w);                                                 \
	}

#define INIT(T, KIND, w, cb_)                                                                                \
	*(w) = (struct butter_ev_##T){.cb = (cb_)};                                                          \
	butter__init(&(w)->ev, KIND)

SIMPLE(prepare, BUTTER__RING_PREPARE);
SIMPLE(check, BUTTER__RING_CHECK);
SIMPLE(fork, BUTTER__RING_FORK);
SIMPLE(defer, BUTTER__RING_DEFER);

void butter_ev_prepare_init(struct butter_ev_prepare *w,
			    void (*cb)(struct butter_loop *loop, struct butter_ev_prepare *w,
				       uint32_t revents))
{
	INIT(prepare, BUTTER_EV_PREPARE, w, cb);
}

int butter_ev_prepare_start(struct butter_loop *loop, struct butter_ev_prepare *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_prepare_stop(struct butter_loop *loop, struct butter_ev_prepare *w)
{
	butter_watcher_stop(loop, &w->ev);
}

void butter_ev_check_init(struct butter_ev_check *w,
			  void (*cb)(struct butter_loop *loop, struct butter_ev_check *w, uint32_t revents))
{
	INIT(check, BUTTER_EV_CHECK, w, cb);
}

int butter_ev_check_start(struct butter_loop *loop, struct butter_ev_check *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_check_stop(struct butter_loop *loop, struct butter_ev_check *w)
{
	butter_watcher_stop(loop, &w->ev);
}

void butter_ev_fork_init(struct butter_ev_fork *w,
			 void (*cb)(struct butter_loop *loop, struct butter_ev_fork *w, uint32_t revents))
{
	INIT(fork, BUTTER_EV_FORK, w, cb);
}

int butter_ev_fork_start(struct butter_loop *loop, struct butter_ev_fork *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_fork_stop(struct butter_loop *loop, struct butter_ev_fork *w)
{
	butter_watcher_stop(loop, &w->ev);
}

void butter_ev_defer_init(struct butter_ev_defer *w,
			  void (*cb)(struct butter_loop *loop, struct butter_ev_defer *w, uint32_t revents))
{
	INIT(defer, BUTTER_EV_DEFER, w, cb);
}

int butter_ev_defer_start(struct butter_loop *loop, struct butter_ev_defer *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_defer_stop(struct butter_loop *loop, struct butter_ev_defer *w)
{
	butter_watcher_stop(loop, &w->ev);
}

/* Cleanup watchers do not hold the loop. They are in the order in which they are called. */
void butter__cleanup_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_cleanup *w = (struct butter_ev_cleanup *)ev;
	w->cb(loop, w, revents);
}

int butter__cleanup_start(struct butter_loop *loop, struct butter_ev *w)
{
	struct butter_ev **head = &loop->rings[BUTTER__RING_CLEANUP], *before = *head;
	w->flags |= BUTTER__UNHELD;
	if (before && butter__link(before)->prev->priority >= w->priority)
		before = NULL; /* most have one priority */
	while (before && before->priority >= w->priority)
		before = butter__ring_next(*head, before);
	if (before == *head || !before) {
		butter__ring_add(head, w);
		*head = before ? w : *head;
	} else {
		butter__ring_add(&before, w);
	}
	return 0;
}

void butter__cleanup_stop(struct butter_loop *loop, struct butter_ev *w)
{
	butter__ring_remove(&loop->rings[BUTTER__RING_CLEANUP], w);
}

void butter_ev_cleanup_init(struct butter_ev_cleanup *w,
			    void (*cb)(struct butter_loop *loop, struct butter_ev_cleanup *w,
				       uint32_t revents))
{
	INIT(cleanup, BUTTER_EV_CLEANUP, w, cb);
}

int butter_ev_cleanup_start(struct butter_loop *loop, struct butter_ev_cleanup *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_cleanup_stop(struct butter_loop *loop, struct butter_ev_cleanup *w)
{
	butter_watcher_stop(loop, &w->ev);
}

/* Idle watchers: a ring for each priority. */
void butter__idle_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_idle *w = (struct butter_ev_idle *)ev;
	w->cb(loop, w, revents);
}

static struct butter_ev **idle_ring(struct butter_loop *loop, const struct butter_ev *w)
{
	return &loop->rings[BUTTER__RING_IDLE + butter__level(w)];
}

int butter__idle_start(struct butter_loop *loop, struct butter_ev *w)
{
	butter__ring_add(idle_ring(loop, w), w);
	loop->idle_count++;
	return 0;
}

void butter__idle_stop(struct butter_loop *loop, struct butter_ev *w)
{
	butter__ring_remove(idle_ring(loop, w), w);
	loop->idle_count--;
}

void butter_ev_idle_init(struct butter_ev_idle *w,
			 void (*cb)(struct butter_loop *loop, struct butter_ev_idle *w, uint32_t revents))
{
	INIT(idle, BUTTER_EV_IDLE, w, cb);
}

int butter_ev_idle_start(struct butter_loop *loop, struct butter_ev_idle *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_idle_stop(struct butter_loop *loop, struct butter_ev_idle *w)
{
	butter_watcher_stop(loop, &w->ev);
}
