/* SPDX-License-Identifier: MIT */
/* An event loop as a daemon would have it by hand: epoll(7), a binary heap of deadlines, an eventfd. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop.h"

enum { BATCH = 256 };

struct deadline {
	int64_t at;
	uint32_t timer;
};

/* The private data of an event that is no pair's: its address alone matters. */
struct side {
	struct loop_use *use;
	int epfd, event_fd, pidfd;
	int left;
	int64_t now;
	struct deadline *heap;
	uint32_t *position; /* of a timer in the heap, from 1; 0: not there */
	uint32_t heap_count;
	uint32_t sent;
	struct loop_child *child;
};

static void check(int result)
{
	if (result < 0)
		loop_die(&loop_epoll, "a call");
}

static void control(struct side *x, int op, int fd, uint32_t events, void *data)
{
	struct epoll_event event = {.events = events, .data = {.ptr = data}};
	check(epoll_ctl(x->epfd, op, fd, &event));
}

static void *side_open(struct loop_use *use)
{
	struct side *x = calloc(1, sizeof(*x));
	if (!x)
		loop_die(&loop_epoll, "malloc");
	x->use = use;
	x->now = (int64_t)bench_now();
	check(x->epfd = epoll_create1(EPOLL_CLOEXEC));
	x->heap = calloc(use->timer_count + 1, sizeof(*x->heap));
	x->position = calloc(use->timer_count + 1, sizeof(*x->position));
	if (!x->heap || !x->position)
		loop_die(&loop_epoll, "malloc");
	check(x->event_fd = use->wake ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : 0);
	if (use->wake)
		control(x, EPOLL_CTL_ADD, x->event_fd, EPOLLIN, &x->event_fd);
	return x;
}

static void side_close(void *loop)
{
	struct side *x = loop;
	if (x->use->wake)
		close(x->event_fd);
	close(x->epfd);
	free(x->heap);
	free(x->position);
	free(x);
}

static void put(struct side *x, uint32_t i, struct deadline deadline)
{
	x->heap[i] = deadline;
	x->position[deadline.timer] = i + 1;
}

static void up(struct side *x, uint32_t i, struct deadline deadline)
{
	for (; i && x->heap[(i - 1) / 2].at > deadline.at; i = (i - 1) / 2)
		put(x, i, x->heap[(i - 1) / 2]);
	put(x, i, deadline);
}

static void down(struct side *x, uint32_t i, struct deadline deadline)
{
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child + 1 < x->heap_count && x->heap[child + 1].at < x->heap[child].at)
			child++;
		if (child >= x->heap_count || x->heap[child].at >= deadline.at)
			break;
		put(x, i, x->heap[child]);
		i = child;
	}
	put(x, i, deadline);
}

static void settle(struct side *x, uint32_t i, struct deadline deadline)
{
	if (i && x->heap[(i - 1) / 2].at > deadline.at)
		up(x, i, deadline);
	else
		down(x, i, deadline);
}

static void arm(struct side *x, uint32_t timer)
{
	struct deadline deadline = {x->now + x->use->after[timer], timer};
	if (x->position[timer])
		settle(x, x->position[timer] - 1, deadline);
	else
		up(x, x->heap_count++, deadline);
}

static void disarm(struct side *x, uint32_t timer)
{
	uint32_t i = x->position[timer] - 1;
	x->position[timer] = 0;
	if (i < --x->heap_count)
		settle(x, i, x->heap[x->heap_count]);
}

static void expire(struct side *x)
{
	while (x->heap_count && x->heap[0].at <= x->now) {
		uint32_t timer = x->heap[0].timer;
		if (x->use->once)
			disarm(x, timer);
		else
			down(x, 0, (struct deadline){x->heap[0].at + x->use->after[timer], timer});
		if (loop_fired(x->use))
			x->left = 1;
	}
}

static void woken(struct side *x)
{
	eventfd_t value;
	__atomic_store_n(&x->sent, 0, __ATOMIC_SEQ_CST);
	check(eventfd_read(x->event_fd, &value));
	if (x->use->wake(x->use->wake_arg))
		x->left = 1;
}

static void ended(struct side *x)
{
	siginfo_t info;
	check(waitid(P_PIDFD, (id_t)x->pidfd, &info, WEXITED | WNOHANG));
	x->child->ended = bench_now();
	close(x->pidfd);
	x->left = 1;
}

static void handle(struct side *x, void *data)
{
	if (data == &x->event_fd) {
		woken(x);
	} else if (data == &x->pidfd) {
		ended(x);
	} else {
		struct loop_pair *pair = data;
		if (x->use->timed)
			arm(x, pair->index);
		if (loop_pass(pair))
			x->left = 1;
	}
}

static int wait_ms(const struct side *x)
{
	if (!x->heap_count)
		return -1;
	int64_t left = x->heap[0].at - (int64_t)bench_now();
	return left <= 0 ? 0 : (int)((left + LOOP_MS - 1) / LOOP_MS);
}

static void once(struct side *x, int timeout)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(x->epfd, events, BATCH, timeout);
	if (n < 0 && errno != EINTR)
		loop_die(&loop_epoll, "epoll_wait");
	if (x->use->timer_count) {
		x->now = (int64_t)bench_now();
		expire(x);
	}
	for (int i = 0; i < n; i++)
		handle(x, events[i].data.ptr);
}

static void side_run(void *loop)
{
	struct side *x = loop;
	for (x->left = 0; !x->left;)
		once(x, wait_ms(x));
}

static void side_turn(void *loop)
{
	once(loop, 0);
}

static void timer_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++)
		arm(x, i);
}

static void timer_stop(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++)
		disarm(x, i);
}

static void io_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++)
		control(x, EPOLL_CTL_ADD, x->use->pairs[i].fd, EPOLLIN, &x->use->pairs[i]);
	if (x->use->timed)
		timer_start(x);
}

static void io_modify(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++)
		control(x, EPOLL_CTL_MOD, x->use->pairs[i].fd, EPOLLIN | EPOLLOUT, &x->use->pairs[i]);
}

static void io_stop(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++)
		control(x, EPOLL_CTL_DEL, x->use->pairs[i].fd, 0, NULL);
	if (x->use->timed)
		timer_stop(x);
}

/* A flag before the eventfd, so that only the first of many makes a system call. */
static void async_send(void *loop, unsigned count)
{
	struct side *x = loop;
	while (count--)
		if (!__atomic_load_n(&x->sent, __ATOMIC_SEQ_CST) &&
		    !__atomic_exchange_n(&x->sent, 1, __ATOMIC_SEQ_CST))
			check(eventfd_write(x->event_fd, 1));
}

static void child_start(void *loop, struct loop_child *child)
{
	struct side *x = loop;
	x->child = child;
	check(x->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0));
	control(x, EPOLL_CTL_ADD, x->pidfd, EPOLLIN, &x->pidfd);
}

const struct loop_lib loop_epoll = {
	.name = "by hand",
	.timer_size = sizeof(struct deadline) + sizeof(uint32_t),
	LOOP_SIDE,
	.timer_again = timer_start,
	.child_start = child_start,
};
