/* SPDX-License-Identifier: MIT */
/*
 * Requests in a ring, and events that one read of the source gave, which its read_events keeps alive
 * together: so there is no other read before the last of them has found its request.
 */
#include <stdlib.h>
#include <string.h>

#include <butter/queue.h>

#include "../event/object.h"
#include "../event/options.h"
#include "loop.h"

struct butter_queue {
	struct butter_loop *loop; /* NULL: it was freed */
	struct butter_source *source;
	void (*drop)(struct butter_source *source, void *event);
	struct butter_queue_request *first;
	struct butter_ev_io io;           /* while somebody waits */
	struct butter_ev_defer turn;      /* where there is an event that the fd does not tell of */
	struct butter_ev_cleanup cleanup; /* of the loop */
	uint32_t depth;                   /* of callbacks that run: it is freed after them */
	uint32_t is_closed;
	size_t maximum, waiting;
	size_t next, held; /* in events: those not handed out */
	unsigned char *events;
};

static void unlink_request(struct butter_queue *q, struct butter_queue_request *r)
{
	struct butter_queue_request *next = r->next;
	if (q->first == r)
		q->first = next;
	next->prev = r->prev;
	r->prev->next = next;
	if (next == r)
		q->first = NULL;
	r->queue = NULL;
	q->waiting--;
	if (q->loop)
		butter_ev_timer_stop(q->loop, &r->timer);
}

static void link_request(struct butter_queue *q, struct butter_queue_request *r)
{
	if (q->first) {
		r->next = q->first;
		r->prev = q->first->prev;
		r->prev->next = r->next->prev = r;
	} else {
		q->first = r->next = r->prev = r;
	}
	r->queue = q;
	q->waiting++;
}

static void answer(struct butter_queue *q, void *event, int error)
{
	struct butter_queue_request *r = q->first;
	unlink_request(q, r);
	r->event = event;
	r->error = error;
	r->cb(q, r);
}

/* 1: an event is held, 0: none now, -1 and errno. */
static int fill(struct butter_queue *q)
{
	if (q->held)
		return 1;
	ssize_t n = q->maximum > 1 ? butter_source_read_events(q->source, q->events, q->maximum)
				   : butter_source_read_event(q->source, q->events);
	if (n <= 0)
		return (int)n;
	q->next = 0;
	q->held = (size_t)n;
	return 1;
}

static void *take(struct butter_queue *q)
{
	q->held--;
	return q->events + q->next++ * butter_source_ops(q->source)->event_size;
}

/* The source's fd is waited for, and what it does not tell of looked at, while somebody waits. */
static int arrange(struct butter_queue *q)
{
	if (!q->first) {
		butter_ev_io_stop(q->loop, &q->io);
		butter_ev_defer_stop(q->loop, &q->turn);
		return 0;
	}
	if (q->held || butter_source_pending(q->source))
		butter_ev_defer_start(q->loop, &q->turn);
	return butter_ev_io_start(q->loop, &q->io);
}

/* Ends a callback. -1: the queue is no more. */
static int leave(struct butter_queue *q)
{
	if (--q->depth || !q->is_closed)
		return q->is_closed ? -1 : 0;
	butter__free(q->events);
	butter__free(q);
	return -1;
}

/* As many as count requests, all with an error if there is one; each error of a read is one answer. */
static int answer_some(struct butter_queue *q, size_t count, int error)
{
	int n = 1;
	q->depth++;
	for (; count && q->first && n; count--) {
		n = error ? -1 : fill(q);
		if (n > 0)
			answer(q, take(q), 0);
		else if (n < 0)
			answer(q, NULL, error ? error : errno);
	}
	return leave(q);
}

/* The fd may be of no use: then those who wait are told so. -1: the queue is no more. */
static int serve(struct butter_queue *q, int error)
{
	int saved = errno;
	int is_closed = answer_some(q, error ? q->waiting : q->loop->event_budget, error) < 0;
	if (!is_closed && q->loop && arrange(q) < 0)
		is_closed = answer_some(q, q->waiting, errno) < 0;
	errno = saved;
	return is_closed ? -1 : 0;
}

static void on_io(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents)
{
	(void)loop;
	serve(BUTTER__CONTAINER(io, struct butter_queue, io), revents & BUTTER_EV_ERROR ? io->error : 0);
}

static void on_turn(struct butter_loop *loop, struct butter_ev_defer *turn, uint32_t revents)
{
	(void)loop, (void)revents;
	serve(BUTTER__CONTAINER(turn, struct butter_queue, turn), 0);
}

static int is_waiting(const struct butter_queue *q, const struct butter_queue_request *request)
{
	const struct butter_queue_request *r = q->first;
	for (size_t i = 0; i < q->waiting; i++, r = r->next)
		if (r == request)
			return 1;
	return 0;
}

/* An event that is there by now comes first. What it calls back may free the request. */
static void on_timer(struct butter_loop *loop, struct butter_ev_timer *timer, uint32_t revents)
{
	struct butter_queue_request *r = BUTTER__CONTAINER(timer, struct butter_queue_request, timer);
	struct butter_queue *q = r->queue;
	(void)loop, (void)revents;
	if (serve(q, 0) < 0 || !is_waiting(q, r))
		return;
	unlink_request(q, r);
	arrange(q);
	r->event = NULL;
	r->error = ETIMEDOUT;
	r->cb(q, r);
}

/* Those who wait are told, and those who ask again meanwhile are refused. */
static int detach(struct butter_queue *q)
{
	struct butter_loop *loop = q->loop;
	butter_ev_io_stop(loop, &q->io);
	butter_ev_defer_stop(loop, &q->turn);
	butter_ev_cleanup_stop(loop, &q->cleanup);
	struct butter_queue_request *r = q->first;
	for (size_t i = 0; i < q->waiting; i++, r = r->next)
		butter_ev_timer_stop(loop, &r->timer);
	q->loop = NULL;
	return answer_some(q, q->waiting, ECANCELED);
}

static void on_cleanup(struct butter_loop *loop, struct butter_ev_cleanup *cleanup, uint32_t revents)
{
	(void)loop, (void)revents;
	detach(BUTTER__CONTAINER(cleanup, struct butter_queue, cleanup));
}

struct butter_queue *butter_queue_open(struct butter_loop *loop, struct butter_source *source,
				       const struct butter_queue_options *options)
{
	struct butter_queue_options o;
	if (butter__options_copy(&o, sizeof(o), options) < 0)
		return NULL;
	if (!source || o.reserved[0] || o.reserved[1] || o.reserved[2] || o.reserved[3]) {
		errno = EINVAL;
		return NULL;
	}
	struct butter_queue *q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->events = calloc(o.maximum ? o.maximum : 1, butter_source_ops(source)->event_size);
	if (!q->events) {
		butter__free(q);
		return NULL;
	}
	q->loop = loop;
	q->source = source;
	q->maximum = o.maximum;
	q->drop = o.drop;
	butter_ev_io_init(&q->io, on_io, butter_source_fd(source), BUTTER_EV_READ);
	butter_ev_defer_init(&q->turn, on_turn);
	butter_ev_cleanup_init(&q->cleanup, on_cleanup);
	q->io.ev.flags = q->turn.ev.flags = q->cleanup.ev.flags = BUTTER__HIDDEN;
	butter_ev_cleanup_start(loop, &q->cleanup);
	return q;
}

void butter_queue_close(struct butter_queue *q)
{
	int saved = errno;
	if (!q || q->is_closed)
		return;
	q->depth++;
	if (q->loop)
		detach(q);
	while (q->held) {
		void *event = take(q);
		if (q->drop)
			q->drop(q->source, event);
	}
	q->is_closed = 1;
	leave(q);
	errno = saved;
}

int butter_queue_get(struct butter_queue *q, struct butter_queue_request *r,
		     void (*cb)(struct butter_queue *queue, struct butter_queue_request *request),
		     int64_t timeout)
{
	int saved = errno;
	if (!cb || timeout < -1 || !q->loop) {
		errno = !cb || timeout < -1 ? EINVAL : ECANCELED;
		return -1;
	}
	*r = (struct butter_queue_request){.data = r->data, .cb = cb};
	butter_ev_timer_init(&r->timer, on_timer, timeout, 0);
	r->timer.ev.flags = BUTTER__HIDDEN | BUTTER__UNHELD;
	if (timeout >= 0 && butter_ev_timer_start(q->loop, &r->timer) < 0)
		return -1;
	link_request(q, r);
	if (arrange(q) < 0) {
		unlink_request(q, r);
		return -1;
	}
	errno = saved;
	return 0;
}

void butter_queue_cancel(struct butter_queue *q, struct butter_queue_request *r)
{
	int saved = errno;
	if (r->queue != q)
		return;
	unlink_request(q, r);
	if (q->loop)
		arrange(q);
	errno = saved;
}

int butter_queue_get_nowait(struct butter_queue *q, void *ret)
{
	if (q->first)
		return 0;
	int n = fill(q);
	if (n > 0)
		memcpy(ret, take(q), butter_source_ops(q->source)->event_size);
	return n;
}

size_t butter_queue_size(const struct butter_queue *q)
{
	return q->held;
}

int butter_queue_empty(const struct butter_queue *q)
{
	return !q->held;
}

int butter_queue_full(const struct butter_queue *q)
{
	return q->maximum && q->held == q->maximum;
}

size_t butter_queue_maximum(const struct butter_queue *q)
{
	return q->maximum;
}

size_t butter_queue_waiting(const struct butter_queue *q)
{
	return q->waiting;
}
