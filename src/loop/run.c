/* SPDX-License-Identifier: MIT */
/* An iteration. */
#include <time.h>

#include "../event/time.h"
#include "loop.h"

/* A wait that took no longer than this did not put the thread to sleep. */
enum { BUSY_NS = 5000 };

/* How many are pending of each priority. */
struct counts {
	uint32_t of[BUTTER__PRIORITIES];
};

/* Returns which priorities have something pending other than check watchers. */
static uint32_t feed_check(struct butter_loop *loop, struct counts *ret_counts)
{
	uint32_t busy = loop->pending_mask;
	butter__feed_ring(loop, BUTTER__RING_CHECK, BUTTER_EV_CHECK);
	for (int i = 0; i < BUTTER__PRIORITIES; i++)
		ret_counts->of[i] = loop->pending[i].count;
	return busy;
}

/*
 * Of the highest priority that has idle watchers, unless something as high is pending. Check watchers,
 * which always are, do not count; counts is how many were pending with them.
 */
static void feed_idle(struct butter_loop *loop, uint32_t busy, const struct counts *counts)
{
	for (int i = BUTTER__PRIORITIES - 1; loop->idle_count && i >= 0; i--) {
		if (busy >> i & 1 || loop->pending[i].count != counts->of[i])
			return;
		if (loop->rings[BUTTER__RING_IDLE + i]) {
			butter__feed_ring(loop, (enum butter__ring)(BUTTER__RING_IDLE + i), BUTTER_EV_IDLE);
			return;
		}
	}
}

static void feed_more(struct butter_loop *loop, enum butter__ring ring, uint32_t revents)
{
	struct butter_ev *head = loop->rings[ring];
	for (struct butter_ev *w = head; w && loop->more_count; w = butter__ring_next(head, w)) {
		if (w->flags & BUTTER__MORE) {
			butter__no_more(loop, w);
			butter__feed(loop, w, revents);
		}
	}
}

/* Those that are there now; what they start comes in the next iteration. Stopped before they run. */
static void run_deferred(struct butter_loop *loop)
{
	struct butter_ev *w;
	if (!loop->rings[BUTTER__RING_DEFER])
		return;
	while ((w = loop->rings[BUTTER__RING_DEFER])) {
		butter_watcher_stop(loop, w);
		butter__feed(loop, w, BUTTER_EV_DEFER);
	}
	loop->invoke(loop);
}

static int has_work(const struct butter_loop *loop)
{
	return (loop->pending_mask | loop->idle_count | loop->more_count | loop->always_count |
		loop->fork_due) ||
	       loop->rings[BUTTER__RING_DEFER];
}

/* When the fds have had their least time, or a timer is due; 0: at once. */
static int64_t collected_at(const struct butter_loop *loop, const struct butter__wait *wait)
{
	if (!loop->io_collect || !wait->timeout)
		return 0;
	int64_t at = butter__time_add(loop->waited, loop->io_collect);
	if (wait->timeout > 0 && at > wait->until)
		at = wait->until;
	return at > loop->clocks[0].now ? at : 0;
}

static void sleep_until(int64_t at)
{
	struct timespec ts = butter__time_to_timespec(at);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

/* From release to acquire the loop may be another thread's: what the wait needs is known before. */
static int wait_once(struct butter_loop *loop, int64_t timeout)
{
	struct butter__wait wait = {.is_busy = loop->busy, .timeout = timeout};
	void (*acquire)(struct butter_loop *) = loop->acquire;
	if (timeout > 0)
		wait.until = butter__time_add(loop->clocks[0].now, timeout);
	int64_t collected = collected_at(loop, &wait);
	if (loop->release)
		loop->release(loop);
	if (collected) {
		sleep_until(collected);
		butter__wait_again(&wait);
	}
	int count = butter__poll_wait(loop, &wait);
	if (acquire) {
		int saved = errno;
		acquire(loop);
		errno = saved;
	}
	return count;
}

/*
 * How many events were found, or -1. The clocks are read before and after. It waits again when the time
 * that a timer was to have has come and it was stopped, or put off.
 */
static int wait_for_events(struct butter_loop *loop, int may_wait)
{
	int count;
	int64_t timeout;
	do {
		butter__clocks_read(loop, 0);
		if (loop->rings[BUTTER__RING_EMBED])
			butter__embeds_sync(loop);                      /* which may make something pending */
		if (loop->change_count && butter__poll_flush(loop) < 0) /* and this */
			return -1;
		if (loop->periodics)
			butter__periodics_arm(loop);
		may_wait = may_wait && loop->holds > 0 && !has_work(loop);
		timeout = may_wait ? butter__clocks_arm(loop, loop->no_pwait2) : 0;
		int64_t before = loop->clocks[0].now;
		count = wait_once(loop, timeout);
		butter__clocks_waited(loop);
		loop->busy = count > 0 && timeout > 0 && !loop->suspended &&
			     loop->clocks[0].now - before < BUSY_NS;
	} while (!count && timeout > 0 && !butter__clocks_are_due(loop));
	return count;
}

/* In the order of loop.h. None of this runs code of the caller's. */
static void feed_found(struct butter_loop *loop, int count)
{
	struct counts counts;
	if (loop->more_count) /* before SIGCHLD, of which there may be more again */
		feed_more(loop, BUTTER__RING_CHILD, BUTTER_EV_CHILD);
	butter__poll_deliver_own(loop, count);
	uint32_t busy = feed_check(loop, &counts);
	butter__periodics_expire(loop);
	butter__clocks_expire(loop);
	butter__poll_deliver(loop, count);
	if (loop->more_count)
		feed_more(loop, BUTTER__RING_EVENT, BUTTER_EV_EVENT);
	feed_idle(loop, busy, &counts);
}

/*
 * Most often one fd is ready and that is all. Then its watcher is called, and what an order is made by is not
 * gone through.
 */
static int call_only(struct butter_loop *loop)
{
	uint32_t revents;
	if (has_work(loop) || loop->rings[BUTTER__RING_CHECK] || loop->periodics ||
	    loop->invoke != butter_loop_invoke_pending ||
	    (butter__has_timers(loop) && butter__clocks_are_due(loop)))
		return 0;
	struct butter_ev_io *w = butter__poll_only(loop, &revents);
	if (!w)
		return 0;
	w->cb(loop, w, revents);
	return 1;
}

static int renew(struct butter_loop *loop)
{
	if (butter__forked(loop) && butter_loop_fork(loop) < 0)
		return -1;
	return loop->stale < BUTTER__STALE ? 0 : butter__poll_renew(loop);
}

static int iterate(struct butter_loop *loop, unsigned flags)
{
	loop->iteration++;
	if (renew(loop) < 0)
		return -1;
	if (loop->fork_due) {
		loop->fork_due = 0;
		butter__feed_ring(loop, BUTTER__RING_FORK, BUTTER_EV_FORK);
		loop->invoke(loop);
	}
	if (loop->rings[BUTTER__RING_PREPARE]) {
		butter__feed_ring(loop, BUTTER__RING_PREPARE, BUTTER_EV_PREPARE);
		loop->invoke(loop);
	}
	if (loop->breaking)
		return 0;
	int count = wait_for_events(loop, flags != BUTTER_RUN_NOWAIT);
	if (count < 0)
		return -1;
	if (count != 1 || !call_only(loop)) {
		feed_found(loop, count);
		loop->invoke(loop);
	}
	run_deferred(loop);
	return 0;
}

int butter_loop_run(struct butter_loop *loop, unsigned flags)
{
	int failed = 0;
	if (flags > BUTTER_RUN_NOWAIT) {
		errno = EINVAL;
		return -1;
	}
	loop->depth++;
	loop->breaking = BUTTER_BREAK_CANCEL;
	if (loop->pending_mask)
		loop->invoke(loop); /* what was fed before comes first */
	do
		failed = iterate(loop, flags) < 0;
	while (!failed && !loop->breaking && !flags && loop->holds > 0);
	loop->depth--;
	if (loop->breaking == BUTTER_BREAK_ONE || !loop->depth)
		loop->breaking = BUTTER_BREAK_CANCEL;
	return failed ? -1 : loop->holds > 0;
}

void butter_loop_break(struct butter_loop *loop, unsigned how)
{
	if (loop->depth && how <= BUTTER_BREAK_ALL)
		loop->breaking = (uint8_t)how;
}

int butter_loop_fd(struct butter_loop *loop)
{
	int saved = errno;
	if (renew(loop) < 0 || butter__clock_open(loop, loop->clocks) < 0)
		return -1;
	butter__clocks_read(loop, 1);
	butter__embeds_sync(loop);
	if (butter__poll_flush(loop) < 0) /* after the timerfd, which may be new */
		return -1;
	butter__periodics_arm(loop);
	if (has_work(loop))
		butter__clock_ring(loop);
	else
		butter__clocks_arm(loop, 1);
	errno = saved;
	return loop->epfd;
}

void butter_loop_ref(struct butter_loop *loop)
{
	loop->holds++;
	loop->refs++;
}

void butter_loop_unref(struct butter_loop *loop)
{
	loop->holds--;
	loop->refs--;
}

uint64_t butter_loop_iteration(const struct butter_loop *loop)
{
	return loop->iteration;
}

uint32_t butter_loop_depth(const struct butter_loop *loop)
{
	return loop->depth;
}
