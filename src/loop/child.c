/* SPDX-License-Identifier: MIT */
/*
 * A process object, with its pidfd, for each process that is watched. Who watches every child has
 * waitid(P_ALL) instead, at each SIGCHLD; what it reaps, or a pidfd has told of first, is queued
 * for it, and goes to those who watch the process alike.
 */
#include <stdlib.h>
#include <sys/wait.h>

#include "../event/object.h"
#include "loop.h"

enum { BUCKETS = 256 };

struct process {
	struct process *next;
	struct butter_process *object;
	struct butter_ev_io io;
	struct butter_ev *watchers;
	int32_t pid;
};

struct end {
	struct end *next;
	struct butter_process_event event;
};

struct butter__children {
	struct process *buckets[BUCKETS];
	struct butter_ev_signal sigchld;
	struct end *first, **last;
};

static int open_children(struct butter_loop *loop)
{
	if (loop->children)
		return 0;
	loop->children = calloc(1, sizeof(*loop->children));
	if (!loop->children)
		return -1;
	loop->children->last = &loop->children->first;
	return 0;
}

/* Where the process is, or would be, in its bucket. */
static struct process **find(struct butter_loop *loop, int32_t pid)
{
	struct process **at = &loop->children->buckets[(uint32_t)pid % BUCKETS];
	while (*at && (*at)->pid != pid)
		at = &(*at)->next;
	return at;
}

static void drop(struct butter_loop *loop, struct process **at)
{
	struct process *p = *at;
	*at = p->next;
	butter_ev_io_stop(loop, &p->io);
	butter_process_close(p->object);
	butter__free(p);
}

/* Tells those who watch a process and stops them: with the last, the process is dropped. */
static void tell(struct butter_loop *loop, struct process *p, const struct butter_process_event *event,
		 int error)
{
	int is_last;
	do {
		struct butter_ev_child *w = (struct butter_ev_child *)p->watchers;
		is_last = butter__ring_next(&w->ev, &w->ev) == NULL;
		butter_watcher_stop(loop, &w->ev);
		w->error = error;
		if (event)
			w->event = *event;
		butter__feed(loop, &w->ev, BUTTER_EV_CHILD | (error ? BUTTER_EV_ERROR : 0));
	} while (!is_last);
}

static void queue(struct butter_loop *loop, struct end *end)
{
	end->next = NULL;
	*loop->children->last = end;
	loop->children->last = &end->next;
	butter__feed(loop, loop->rings[BUTTER__RING_CHILD], BUTTER_EV_CHILD);
}

/* Without memory for it the end is not asked for: the pidfd stays readable. */
static void ended(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents)
{
	struct process *p = BUTTER__CONTAINER(io, struct process, io);
	struct butter_process_event event;
	struct end *end = NULL;
	int saved = errno;
	if (revents & BUTTER_EV_ERROR) {
		tell(loop, p, NULL, io->error);
		return;
	}
	if (loop->rings[BUTTER__RING_CHILD] && !(end = calloc(1, sizeof(*end))))
		return;
	int n = butter_process_read_event(p->object, &event), error = n < 0 ? errno : 0;
	if (end && n > 0 && event.fate == BUTTER_PROCESS_REAPED) {
		end->event = event;
		queue(loop, end);
	} else {
		free(end);
	}
	if (n != 0)
		tell(loop, p, n > 0 ? &event : NULL, error);
	errno = saved;
}

static int add(struct butter_loop *loop, struct process **at, int32_t pid)
{
	struct process *p = calloc(1, sizeof(*p));
	if (!p)
		return -1;
	p->pid = pid;
	p->object = butter_process_open(pid, 0);
	if (!p->object || butter__own_io_start(loop, &p->io, ended, butter_process_fd(p->object)) < 0) {
		butter_process_close(p->object);
		butter__free(p);
		return -1;
	}
	p->io.ev.flags &= (uint8_t)~BUTTER__VITAL; /* its watchers are told */
	*at = p;
	return 0;
}

/* A child of any kind that has ended, reaped. 1: there was one. */
static int reap(struct butter_process_event *ret)
{
	siginfo_t si = {.si_pid = 0};
	if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | __WALL) < 0)
		return 0;
	return butter_process_decode(&si, sizeof(si), ret) > 0;
}

static void reap_all(struct butter_loop *loop)
{
	struct butter_ev *w = loop->rings[BUTTER__RING_CHILD];
	int saved = errno;
	for (uint32_t i = 0; i < loop->event_budget; i++) {
		struct end *end = calloc(1, sizeof(*end));
		if (!end)
			break;
		if (!reap(&end->event)) {
			free(end);
			errno = saved;
			return;
		}
		struct process *p = *find(loop, end->event.pid);
		if (p)
			tell(loop, p, &end->event, 0);
		queue(loop, end);
	}
	errno = saved;
	butter__more(loop, w);
}

static void on_sigchld(struct butter_loop *loop, struct butter_ev_signal *w, uint32_t revents)
{
	(void)w, (void)revents;
	reap_all(loop);
}

static struct end *next_end(struct butter__children *c)
{
	struct end *end = c->first;
	if (end && !(c->first = end->next))
		c->last = &c->first;
	return end;
}

/* Children that have ended before the start, or that were too many for one turn, have no SIGCHLD. */
static void tell_all(struct butter_loop *loop, struct butter_ev_child *w, uint32_t revents)
{
	struct butter__frame frame = {.w = &w->ev, .below = loop->frames};
	struct end *end;
	if (!loop->children->first)
		reap_all(loop);
	butter_watcher_clear_pending(loop, &w->ev); /* all that is queued is told now */
	loop->frames = &frame;
	while (frame.w && (end = next_end(loop->children))) {
		w->event = end->event;
		free(end);
		w->cb(loop, w, revents);
	}
	loop->frames = frame.below;
}

void butter__child_invoke(struct butter_loop *loop, struct butter_ev *ev, uint32_t revents)
{
	struct butter_ev_child *w = (struct butter_ev_child *)ev;
	if (ev->active && w->pid == 0 && revents & BUTTER_EV_CHILD)
		tell_all(loop, w, revents);
	else
		w->cb(loop, w, revents);
}

static int start_all(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_signal *sigchld = &loop->children->sigchld;
	if (loop->rings[BUTTER__RING_CHILD]) {
		errno = EBUSY;
		return -1;
	}
	butter_ev_signal_init(sigchld, on_sigchld, SIGCHLD);
	sigchld->ev.flags = BUTTER__PART_FLAGS;
	if (butter_ev_signal_start(loop, sigchld) < 0)
		return -1;
	butter__ring_add(&loop->rings[BUTTER__RING_CHILD], ev);
	butter__more(loop, ev);
	return 0;
}

int butter__child_start(struct butter_loop *loop, struct butter_ev *ev)
{
	struct butter_ev_child *w = (struct butter_ev_child *)ev;
	if (open_children(loop) < 0)
		return -1;
	w->error = 0;
	if (w->pid == 0)
		return start_all(loop, ev);
	struct process **at = find(loop, w->pid);
	if (!*at && add(loop, at, w->pid) < 0)
		return -1;
	butter__ring_add(&(*at)->watchers, ev);
	return 0;
}

void butter__child_stop(struct butter_loop *loop, struct butter_ev *ev)
{
	struct end *end;
	if (((struct butter_ev_child *)ev)->pid == 0) {
		butter__ring_remove(&loop->rings[BUTTER__RING_CHILD], ev);
		butter__no_more(loop, ev);
		butter_ev_signal_stop(loop, &loop->children->sigchld);
		while ((end = next_end(loop->children)))
			free(end);
		return;
	}
	struct process **at = find(loop, ((struct butter_ev_child *)ev)->pid);
	if (!*at) /* it is active: there is one */
		return;
	butter__ring_remove(&(*at)->watchers, ev);
	if (!(*at)->watchers)
		drop(loop, at);
}

void butter_ev_child_init(struct butter_ev_child *w,
			  void (*cb)(struct butter_loop *loop, struct butter_ev_child *w, uint32_t revents),
			  pid_t pid)
{
	*w = (struct butter_ev_child){.cb = cb, .pid = pid};
	butter__init(&w->ev, BUTTER_EV_CHILD);
}

int butter_ev_child_set(struct butter_ev_child *w, pid_t pid)
{
	if (butter__settable(&w->ev) < 0)
		return -1;
	w->pid = pid;
	return 0;
}

int butter_ev_child_start(struct butter_loop *loop, struct butter_ev_child *w)
{
	return butter_watcher_start(loop, &w->ev);
}

void butter_ev_child_stop(struct butter_loop *loop, struct butter_ev_child *w)
{
	butter_watcher_stop(loop, &w->ev);
}

void butter__children_close(struct butter_loop *loop)
{
	butter__free(loop->children);
}

void butter__children_walk(struct butter_loop *loop,
			   void (*cb)(struct butter_loop *, struct butter_ev *, void *), void *arg)
{
	for (int i = 0; loop->children && i < BUCKETS; i++) {
		struct process *next;
		for (struct process *p = loop->children->buckets[i]; p; p = next) {
			next = p->next;
			butter__walk_ring(loop, &p->watchers, cb, arg);
		}
	}
}
