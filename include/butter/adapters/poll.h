/* SPDX-License-Identifier: MIT */
/* Sources in a program's own loop around poll(2): see butter_poll_attach(3), butter_adapters(7). */
#ifndef BUTTER_ADAPTERS_POLL_H
#define BUTTER_ADAPTERS_POLL_H

#include <poll.h>

#include <butter/adapters/common.h>

BUTTER_BEGIN_DECLS

struct butter_poll;

/* The adapters of one loop. The caller's memory, all zero at first; its contents are private. */
struct butter_poll_set {
	struct butter_poll *first;
	struct butter_poll *last;
	struct butter_poll *next; /* whose turn comes, while dispatch runs */
	size_t count;
};

/* The caller's memory; its contents are the functions' own but for adapter. */
struct butter_poll {
	struct butter_adapter adapter;
	struct butter_poll_set *set; /* NULL: detached */
	struct butter_poll *next;
	struct butter_poll *previous;
	size_t slot; /* in the last prepare's fds; (size_t)-1: attached since */
	int more;    /* there are events that the fd does not tell of */
};

/* Detaches; nothing is told from now on, and the memory is the caller's again. */
static inline void butter_poll_detach(struct butter_poll *a)
{
	struct butter_poll_set *set = a->set;
	if (!set)
		return;
	*(a->previous ? &a->previous->next : &set->first) = a->next;
	*(a->next ? &a->next->previous : &set->last) = a->previous;
	if (set->next == a)
		set->next = a->next;
	set->count--;
	a->set = NULL;
	butter__adapter_end(&a->adapter);
}

/* Private. */
static inline void butter__poll_end(struct butter_adapter *a)
{
	butter_poll_detach((struct butter_poll *)a);
}

/*
 * Prepares an adapter, which is detached then. event: memory for one event of the source's kind,
 * event_size bytes; it and the source remain the caller's.
 */
static inline void butter_poll_init(struct butter_poll *a, struct butter_source *source, void *event,
				    size_t event_size, butter_adapter_cb *cb, void *data)
{
	butter__adapter_init(&a->adapter, source, event, event_size, cb, data);
	a->adapter.detach = butter__poll_end;
	a->set = NULL;
}

/* Private. */
static inline void butter__poll_link(struct butter_poll *a, struct butter_poll_set *set)
{
	a->set = set;
	a->next = NULL;
	a->previous = set->last;
	*(set->last ? &set->last->next : &set->first) = a;
	set->last = a;
	set->count++;
	a->slot = (size_t)-1;
	a->more = 0;
}

/*
 * From the next prepare on, dispatch tells the callback of the source's events. Attached already,
 * it looks for events that others left cached. Returns 0, or -1 and errno: EBADF the source's fd
 * was closed; EINVAL event_size is too small, something is missing, or edge is asked for; EBUSY
 * it is attached to another set.
 */
static inline int butter_poll_attach(struct butter_poll *a, struct butter_poll_set *set)
{
	if (butter__adapter_check(&a->adapter, 0) < 0)
		return -1;
	if (a->set && a->set != set)
		return butter__adapter_fails(EBUSY);
	if (!a->set)
		butter__poll_link(a, set);
	if (butter__adapter_begins(&a->adapter))
		a->more = 1;
	return 0;
}

/*
 * Stores in fds, which has room for max, what poll(2) is to be asked for each adapter of the set,
 * and makes *timeout 0 when one of them does not want to wait. The program's own go behind.
 * Returns how many it stored; -1 with EINVAL and nothing stored when max is less than that.
 */
static inline ssize_t butter_poll_prepare(struct butter_poll_set *set, struct pollfd *fds, size_t max,
					  int *timeout)
{
	struct butter_poll *a;
	size_t n = 0;
	if (set->count > max)
		return butter__adapter_fails(EINVAL);
	for (a = set->first; a; a = a->next) {
		fds[n].fd = butter_source_fd(a->adapter.source);
		fds[n].events = POLLIN;
		fds[n].revents = 0;
		a->slot = n++;
		if (a->more)
			*timeout = 0;
	}
	return (ssize_t)n;
}

/* Private. */
static inline void butter__poll_turn(struct butter_poll *a)
{
	int more = butter__adapter_turn(&a->adapter, 0);
	if (more >= 0)
		a->more = more;
}

/* Gives each adapter of the set its turn, as poll(2) has answered in fds, or has failed to. */
static inline void butter_poll_dispatch(struct butter_poll_set *set, const struct pollfd *fds)
{
	struct butter_poll *a;
	for (a = set->first; a; a = set->next) {
		set->next = a->next;
		if (a->slot != (size_t)-1 && (a->more || fds[a->slot].revents))
			butter__poll_turn(a);
	}
}

BUTTER_END_DECLS

#endif
