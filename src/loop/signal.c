/* SPDX-License-Identifier: MIT */
/* One signalfd for all signals that are watched, made with the first. */
#include <signal.h>
#include <stdlib.h>

#include "../event/object.h"
#include "loop.h"

/* A read's worth, so that nothing stays in the object's buffer; and how many reads in a turn. */
enum { RECORDS = 16, READS = 16, SIGNALS = 65 };

struct butter__signals {
	struct butter_signalfd *signalfd;
	struct butter_ev_io io;
	sigset_t watched;
	sigset_t blocked; /* which were not before */
	struct butter_ev *rings[SIGNALS];
};

static void tell(struct butter_loop *loop, int signo, const struct butter_signalfd_event *info)
{
	struct butter_ev *head = loop->signals->rings[signo];
	for (struct butter_ev *ev = head; ev; ev = butter__ring_next(head, ev)) {
		struct butter_ev_signal *w = (struct butter_ev_signal *)ev;
		if (info) {
			w->fresh = ev->flags & BUTTER__FRESH ? w->fresh + 1 : 1;
			w->info = *info;
			ev->flags |= BUTTER__FRESH;
		}
		butter__deliver(loop, ev, BUTTER_EV_SIGNAL);
	}
}

static void readable(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents)
{
	struct butter_signalfd_event events[RECORDS];
	int saved = errno;
	(void)io, (void)revents;
	for (int i = 0; i < READS; i++) {
		ssize_t n = butter_signalfd_read_events(loop->signals->signalfd, events, RECORDS);
		if (n <= 0)
			break;
		for (ssize_t k = 0; k < n; k++)
			if (events[k].signo < SIGNALS)
				tell(loop, events[k].signo, &events[k]);
	}
	errno = saved;
}

static int open_signals(struct butter_loop *loop)
{
	if (loop->signals)
		return 0;
	struct butter__signals *s = calloc(1, sizeof(*s));
	if (!s)
		return -1;
	sigemptyset(&s->watched);
	sigemptyset(&s->blocked);
	s->signalfd = butter_signalfd_open(&s->watched, 0);
	if (s->signalfd &&
	    butter__own_io_start(loop, &s->io, readable, butter_signalfd_fd(s->signalfd)) == 0) {
		loop->signals = s;
		return 0;
	}
	butter_signalfd_close(s->signalfd);
	butter__free(s);
	return -1;
}

/* Blocked first: in between it waits, and does not strike. */
static int watch(struct butter__signals *s, int signo)
{
	sigset_t one, before;
	sigemptyset(&one);
	sigaddset(&one, signo);
	pthread_sigmask(SIG_BLOCK, &one, &before);
	if (butter_signalfd_enable(s->signalfd, signo) < 0) {
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		return -1;
	}
	sigaddset(&s->watched, signo);
	if (!sigismember(&before, signo))
		sigaddset(&s->blocked, signo);
	return 0;
}

/* A signalfd shared with the parent keeps its set. */
static void unwatch(struct butter_loop *loop, int signo)
{
	struct butter__signals *s = loop->signals;
	sigset_t one;
	sigdelset(&s->watched, signo);
	if (!butter__forked(loop))
		butter_signalfd_disable(s->signalfd, signo);
	if (!sigismember(&s->blocked, signo))
		return;
	sigdelset(&s->blocked, signo);
	sigemptyset(&one);
	sigaddset(&one, signo);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

void butter__signal_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_signal *w = (struct butter_ev_signal *)ev;
	w->count = butter__take_news(ev) ? w->fresh : 0;
	w->cb(loop, w, revents);
}

int butter__signal_start(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_signal *w = (struct butter_ev_signal *)ev;
	int signo = w->signo;
	if (signo < 1 || signo > SIGRTMAX || signo >= SIGNALS) {
		errno = EINVAL;
		return -1;
	}
	if (open_signals(loop) < 0 || (!loop->signals->rings[signo] && watch(loop->signals, signo) < 0))
		return -1;
	butter__ring_add(&loop->signals->rings[signo], ev);
	return 0;
}

void butter__signal_stop(struct butter_loop *loop, struct butter_ev *ev)
{
	int signo = ((struct butter_ev_signal *)ev)->signo;
	butter__ring_remove(&loop->signals->rings[signo], ev);
	if (!loop->signals->rings[signo])
		unwatch(loop, signo);
}

void butter_ev_signal_init(struct butter_ev_signal *w,
			   void (*cb)(struct butter_loop *loop, struct butter_ev_signal *w, uint32_t revents),
			   int signo)
{
	*w = (struct butter_ev_signal){.cb = cb, .signo = signo};
	butter__init(&w->ev, BUTTER_EV_SIGNAL);
}

int butter_ev_signal_set(struct butter_ev_signal *w, int signo)
{
	if (butter__settable(&w->ev) < 0)
		return -1;
	w->signo = signo;
	return 0;
}

int butter_ev_signal_start(struct butter_loop *loop, struct butter_ev_signal *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_signal_stop(struct butter_loop *loop, struct butter_ev_signal *w)
{
	butter_watcher_stop(loop, &w->ev);
}

void butter_loop_feed_signal(struct butter_loop *loop, int signo)
{
	if (loop->signals && signo > 0 && signo < SIGNALS)
		tell(loop, signo, NULL);
}

void butter__signals_close(struct butter_loop *loop)
{
	if (loop->signals)
		butter_signalfd_close(loop->signals->signalfd);
	butter__free(loop->signals);
}

int butter__signals_fork(struct butter_loop *loop)
{
	struct butter__signals *s = loop->signals;
	if (!s)
		return 0;
	return butter__replace_fd(butter_signalfd(-1, &s->watched, SFD_CLOEXEC | SFD_NONBLOCK),
				  butter_signalfd_fd(s->signalfd));
}

void butter__signals_walk(struct butter_loop *loop,
			  void (*cb)(struct butter_loop *, struct butter_ev *, void *), void *arg)
{
	for (int i = 0; loop->signals && i < SIGNALS; i++)
		butter__walk_ring(loop, &loop->signals->rings[i], cb, arg);
}
