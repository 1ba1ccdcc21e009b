/* SPDX-License-Identifier: MIT */
/*
 * The fds and epoll(7). What is wanted of an fd goes to epoll just before the loop waits, so that
 * changes that cancel out cost nothing; but an fd whose last watcher stops is taken out at once,
 * since it is going to be closed. Each registration has a generation, which its events have to name:
 * where a duplicate keeps a closed file alive, epoll goes on to tell of it, and no fd is left by
 * which to stop that. Then there has to be a new epoll.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <butter/epoll.h>

#include "../event/object.h"
#include "../event/time.h"
#include "loop.h"

enum { FIRST_FOUND = 64, MOST_FOUND = 1 << 16, FIRST_FDS = 64, GENERATION_SHIFT = 32 };

static uint32_t to_epoll(uint32_t events)
{
	return (events & BUTTER_EV_READ ? EPOLLIN : 0u) | (events & BUTTER_EV_WRITE ? EPOLLOUT : 0u) |
	       (events & BUTTER_EV_PRI ? EPOLLPRI : 0u);
}

/* An error or a hang-up is whatever one waits for: read(2) and write(2) will tell. */
static uint32_t from_epoll(uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		return BUTTER_EV_READ | BUTTER_EV_WRITE | BUTTER_EV_PRI;
	return (events & EPOLLIN ? BUTTER_EV_READ : 0u) | (events & EPOLLOUT ? BUTTER_EV_WRITE : 0u) |
	       (events & EPOLLPRI ? BUTTER_EV_PRI : 0u);
}

int butter__poll_open(struct butter_loop *loop)
{
	loop->found = calloc(FIRST_FOUND, sizeof(*loop->found));
	if (!loop->found)
		return -1;
	loop->found_room = FIRST_FOUND;
	loop->epfd = butter_epoll_create1(EPOLL_CLOEXEC);
	return loop->epfd < 0 ? -1 : 0;
}

void butter__poll_close(struct butter_loop *loop)
{
	if (loop->epfd >= 0)
		butter__close(loop->epfd);
	butter__free(loop->found);
	butter__free(loop->fds);
}

/* The three tables in one allocation. */
int butter__poll_reserve(struct butter_loop *loop, int fd)
{
	const size_t each = sizeof(*loop->fds) + sizeof(*loop->changes) + sizeof(*loop->always);
	uint32_t room = loop->fd_room ? loop->fd_room : FIRST_FDS;
	if ((uint32_t)fd < loop->fd_room)
		return 0;
	while (room <= (uint32_t)fd)
		room *= 2;
	struct butter__fd *fds = calloc(room, each);
	if (!fds)
		return -1;
	int32_t *changes = (int32_t *)(fds + room), *always = changes + room;
	if (loop->fd_room) {
		memcpy(fds, loop->fds, loop->fd_room * sizeof(*fds));
		memcpy(changes, loop->changes, loop->change_count * sizeof(*changes));
		memcpy(always, loop->always, loop->always_count * sizeof(*always));
	}
	free(loop->fds);
	loop->fds = fds;
	loop->changes = changes;
	loop->always = always;
	loop->fd_room = room;
	return 0;
}

void butter__poll_change(struct butter_loop *loop, int fd)
{
	struct butter__fd *f = &loop->fds[fd];
	if (f->changed)
		return;
	f->changed = 1;
	loop->changes[loop->change_count++] = fd;
}

static void set_always(struct butter_loop *loop, int fd, int always)
{
	struct butter__fd *f = &loop->fds[fd];
	uint32_t i = 0;
	if (f->always == always)
		return;
	f->always = (uint8_t)always;
	if (always) {
		loop->always[loop->always_count++] = fd;
		return;
	}
	while (loop->always[i] != fd)
		i++;
	loop->always[i] = loop->always[--loop->always_count];
}

/*
 * Nothing is told to epoll after a fork, since the parent has it too. That the fd may be closed by
 * now, or another file's, is no error of this place.
 */
void butter__poll_forget(struct butter_loop *loop, int fd)
{
	struct butter__fd *f = &loop->fds[fd];
	struct epoll_event none = {0};
	set_always(loop, fd, 0);
	if (f->registered && !loop->ending && !butter__forked(loop))
		butter_epoll_ctl(loop->epfd, EPOLL_CTL_DEL, fd, &none);
	f->registered = 0;
	f->known = 0;
	f->own = 0;
}

static int ctl(struct butter_loop *loop, int op, int fd, uint32_t events)
{
	struct butter__fd *f = &loop->fds[fd];
	f->generation += op == EPOLL_CTL_ADD;
	struct epoll_event event = {.events = events,
				    .data.u64 = (uint64_t)f->generation << GENERATION_SHIFT | (uint32_t)fd};
	if (butter_epoll_ctl(loop->epfd, op, fd, &event) < 0)
		return -1;
	f->registered = 1;
	f->known = events;
	return 0;
}

/* What epoll has of an fd, told by what it answers. */
enum answer {
	SAME,   /* the file that was registered, or the first that is */
	OTHER,  /* another file, since the caller has closed the fd */
	ALWAYS, /* a file that cannot be polled */
	FAILED
};

static enum answer set(struct butter_loop *loop, int fd, uint32_t events)
{
	struct butter__fd *f = &loop->fds[fd];
	int was_known = f->registered || f->always;
	int op = f->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	if (ctl(loop, op, fd, events) == 0)
		return f->always ? OTHER : SAME;
	if (op == EPOLL_CTL_MOD && errno == ENOENT && ctl(loop, EPOLL_CTL_ADD, fd, events) == 0)
		return OTHER;
	if (op == EPOLL_CTL_ADD && errno == EEXIST && ctl(loop, EPOLL_CTL_MOD, fd, events) == 0)
		return was_known ? OTHER : SAME;
	return errno == EPERM ? ALWAYS : FAILED;
}

static void fail_one(struct butter_loop *loop, struct butter_ev *ev, int error)
{
	struct butter_ev_io *w = (struct butter_ev_io *)ev;
	butter_watcher_stop(loop, ev);
	w->error = error;
	butter__deliver(loop, ev, BUTTER_EV_ERROR | w->events);
}

/* Stops all watchers of an fd and tells them why. -1 and errno: the loop cannot do without. */
static int fail(struct butter_loop *loop, int fd, int error)
{
	struct butter__fd *f = &loop->fds[fd];
	f->registered = 0;
	if (f->watchers->flags & BUTTER__VITAL) {
		errno = error;
		return -1;
	}
	while (f->watchers)
		fail_one(loop, f->watchers, error);
	return 0;
}

/* Those of the file that had the number before: what is new comes behind them. */
static void fail_old(struct butter_loop *loop, int fd)
{
	struct butter__fd *f = &loop->fds[fd];
	while (f->watchers && !(f->watchers->flags & BUTTER__NEW))
		fail_one(loop, f->watchers, EBADF);
}

static uint32_t wanted(const struct butter__fd *f)
{
	uint32_t events = 0;
	for (const struct butter_ev *w = f->watchers; w; w = butter__ring_next(f->watchers, w))
		events |= ((const struct butter_ev_io *)w)->events;
	return to_epoll(events);
}

static int tell_epoll(struct butter_loop *loop, int fd, uint32_t events)
{
	struct butter__fd *f = &loop->fds[fd];
	int was_registered = f->registered;
	enum answer answer = set(loop, fd, events);
	if (answer == FAILED)
		return fail(loop, fd, errno);
	if (answer == ALWAYS) {
		f->registered = 0;
		f->known = events;
	}
	set_always(loop, fd, answer == ALWAYS);
	if (answer == OTHER || (answer == ALWAYS && was_registered)) {
		fail_old(loop, fd);
		events = wanted(f);
		if (f->registered && events != f->known)
			ctl(loop, EPOLL_CTL_MOD, fd, events);
	}
	return 0;
}

static int flush_one(struct butter_loop *loop, int fd)
{
	struct butter__fd *f = &loop->fds[fd];
	uint32_t events = wanted(f);
	if (!events)
		butter__poll_forget(loop, fd);
	else if ((!(f->registered || f->always) || events != f->known || f->renewed) &&
		 tell_epoll(loop, fd, events) < 0)
		return -1;
	for (struct butter_ev *w = f->watchers; w && f->renewed; w = butter__ring_next(f->watchers, w))
		w->flags &= (uint8_t)~BUTTER__NEW;
	f->renewed = f->changed = 0;
	return 0;
}

/*
 * One that fails stops watchers, which is no further change: each fd has room for one. What the loop
 * cannot do without remains a change, so that it is tried again.
 */
int butter__poll_flush(struct butter_loop *loop)
{
	int saved = errno, error = 0;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < loop->change_count; i++) {
		int32_t fd = loop->changes[i];
		if (flush_one(loop, fd) < 0) {
			error = errno;
			loop->changes[kept++] = fd;
		}
	}
	loop->change_count = kept;
	errno = error ? error : saved;
	return error ? -1 : 0;
}

int butter__replace_fd(int from, int fd)
{
	if (from < 0)
		return -1;
	int n = dup3(from, fd, O_CLOEXEC);
	butter__close(from);
	return n < 0 ? -1 : 0;
}

/* A new epoll in the place of the old, so that the loop's fd has the same number. */
int butter__poll_renew(struct butter_loop *loop)
{
	if (butter__replace_fd(butter_epoll_create1(EPOLL_CLOEXEC), loop->epfd) < 0)
		return -1;
	for (uint32_t fd = 0; fd < loop->fd_room; fd++) {
		struct butter__fd *f = &loop->fds[fd];
		f->registered = 0;
		if (f->watchers && !f->always)
			butter__poll_change(loop, (int)fd);
	}
	loop->stale = 0;
	loop->renewals++;
	return 0;
}

static int wait_for(struct butter_loop *loop, int milliseconds)
{
	return butter_epoll_wait(loop->epfd, loop->found, (int)loop->found_room, milliseconds);
}

/* epoll_wait(2) where it does, and first of all where it will probably do: the other takes the kernel longer.
 */
static int wait_once(struct butter_loop *loop, struct butter__wait *wait)
{
	if (wait->timeout <= 0 || loop->no_pwait2)
		return wait_for(loop, wait->timeout ? -1 : 0);
	int n = wait->is_busy ? wait_for(loop, 0) : 0;
	wait->is_busy = 0;
	if (n)
		return n;
	struct timespec ts = butter__time_to_timespec(wait->timeout);
	return butter_epoll_pwait2(loop->epfd, loop->found, (int)loop->found_room, &ts, NULL);
}

void butter__wait_again(struct butter__wait *wait)
{
	if (wait->timeout <= 0)
		return;
	int64_t left = wait->until - butter__time_now();
	wait->timeout = left < 0 ? 0 : left;
}

int butter__poll_wait(struct butter_loop *loop, struct butter__wait *wait)
{
	int saved = errno, n;
	while ((n = wait_once(loop, wait)) < 0 && errno == EINTR)
		butter__wait_again(wait);
	if (n >= 0)
		errno = saved;
	return n;
}

/* The fd that an event names, if it is one that still is wanted. */
static int fd_of(const struct butter_loop *loop, const struct epoll_event *event)
{
	uint32_t fd = (uint32_t)event->data.u64;
	if (!loop->fds[fd].registered || loop->fds[fd].generation != event->data.u64 >> GENERATION_SHIFT)
		return -1;
	return (int)fd;
}

static void deliver(struct butter_loop *loop, int fd, uint32_t revents)
{
	struct butter_ev *head = loop->fds[fd].watchers;
	for (struct butter_ev *w = head; w; w = butter__ring_next(head, w)) {
		uint32_t events = ((struct butter_ev_io *)w)->events & revents;
		if (events && !(w->flags & BUTTER__EARLY))
			butter__deliver(loop, w, events);
	}
}

/*
 * One that is the loop's own has its fd for itself; its callback runs no code of the caller's, but
 * may stop itself. An event that is nobody's may be of a watcher stopped since the wait; when there
 * is one again after the next, epoll has a file that no fd names.
 */
void butter__poll_deliver_own(struct butter_loop *loop, int count)
{
	int strange = 0, own = 0;
	for (int i = 0; i < count; i++) {
		int fd = fd_of(loop, &loop->found[i]);
		strange |= fd < 0;
		own |= fd >= 0 && loop->fds[fd].own;
	}
	for (int i = 0; i < count && own; i++) {
		int fd = fd_of(loop, &loop->found[i]);
		if (fd >= 0 && loop->fds[fd].own) {
			struct butter_ev_io *w = (struct butter_ev_io *)loop->fds[fd].watchers;
			w->cb(loop, w, BUTTER_EV_READ);
		}
	}
	loop->stale = strange ? loop->stale + 1 : 0;
}

void butter__poll_deliver(struct butter_loop *loop, int count)
{
	for (int i = 0; i < count; i++) {
		int fd = fd_of(loop, &loop->found[i]);
		if (fd >= 0)
			deliver(loop, fd, from_epoll(loop->found[i].events));
	}
	for (uint32_t i = 0; i < loop->always_count; i++)
		deliver(loop, loop->always[i], BUTTER_EV_READ | BUTTER_EV_WRITE);
	if ((uint32_t)count < loop->found_room || count >= MOST_FOUND)
		return;
	struct epoll_event *found = calloc((size_t)count * 2, sizeof(*found));
	if (!found)
		return; /* the rest comes in the next iteration */
	free(loop->found);
	loop->found = found;
	loop->found_room = (uint32_t)count * 2;
}

struct butter_ev_io *butter__poll_only(struct butter_loop *loop, uint32_t *ret_revents)
{
	int fd = fd_of(loop, loop->found);
	if (fd < 0)
		return NULL;
	struct butter_ev_io *w = (struct butter_ev_io *)loop->fds[fd].watchers;
	*ret_revents = from_epoll(loop->found->events) & w->events;
	if (w->link.next != &w->ev || w->ev.flags & (BUTTER__EARLY | BUTTER__PART) || !*ret_revents)
		return NULL;
	loop->stale = 0;
	return w;
}
