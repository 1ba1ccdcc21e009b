/* SPDX-License-Identifier: MIT */
/* The loop's life: new, free, fork, and its settings. run.c is what it does in between. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <butter/epoll.h>

#include "../event/object.h"
#include "../event/options.h"
#include "loop.h"

enum { DEFAULT_BUDGET = 64 };

/* Where the kernel does not tell of a fork (before Linux 4.14), butter_loop_fork() has to. */
static void open_fork_page(struct butter_loop *loop)
{
	int saved = errno;
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	uint32_t *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	loop->unforked = NULL;
	if (page != MAP_FAILED && madvise(page, size, MADV_WIPEONFORK) < 0) {
		munmap(page, size);
	} else if (page != MAP_FAILED) {
		loop->unforked = page;
		*page = 1;
	}
	errno = saved;
}

static void close_fork_page(struct butter_loop *loop)
{
	if (loop->unforked)
		munmap((void *)loop->unforked, (size_t)sysconf(_SC_PAGESIZE));
}

/* Under a filter of an older time epoll_pwait2(2) may also be EPERM. */
static int open_clock(struct butter_loop *loop)
{
	const struct timespec none = {0};
	int saved = errno;
	if (butter_epoll_pwait2(loop->epfd, loop->found, 1, &none, NULL) >= 0)
		return 0;
	if (errno != ENOSYS && errno != EPERM)
		return -1;
	loop->no_pwait2 = 1;
	errno = saved;
	return butter__clock_open(loop, loop->clocks);
}

static void end(struct butter_loop *loop)
{
	butter__onces_close(loop);
	butter__children_close(loop);
	butter__signals_close(loop);
	butter__async_close(loop);
	butter__periodics_close(loop);
	butter__stats_close(loop);
	butter__clocks_close(loop);
	butter__poll_close(loop);
	for (int i = 0; i < BUTTER__PRIORITIES; i++)
		butter__free(loop->pending[i].items);
	close_fork_page(loop);
	butter__free(loop);
}

struct butter_loop *butter_loop_new(const struct butter_loop_options *options)
{
	struct butter_loop_options o;
	if (butter__options_copy(&o, sizeof(o), options) < 0)
		return NULL;
	if (o.flags || o.reserved[0] || o.reserved[1] || o.reserved[2] || o.reserved[3]) {
		errno = EINVAL;
		return NULL;
	}
	struct butter_loop *loop = calloc(1, sizeof(*loop));
	if (!loop)
		return NULL;
	loop->epfd = -1;
	loop->wake.fd = -1;
	loop->event_budget = o.event_budget ? o.event_budget : DEFAULT_BUDGET;
	loop->userdata = o.userdata;
	loop->invoke = butter_loop_invoke_pending;
	butter_loop_set_io_collect(loop, o.io_collect);
	butter_loop_set_timeout_collect(loop, o.timeout_collect);
	butter__clocks_init(loop);
	open_fork_page(loop);
	if (butter__poll_open(loop) == 0 && open_clock(loop) == 0 && butter__async_open(loop) == 0)
		return loop;
	loop->ending = 1;
	end(loop);
	return NULL;
}

/* So that what the caller asks of a watcher afterwards is true. */
static void forget(struct butter_loop *loop, struct butter_ev *w, void *arg)
{
	(void)arg;
	butter_watcher_stop(loop, w);
}

/* What was fed and is not active. */
static void forget_pending(struct butter_loop *loop, const struct butter__pendings *q)
{
	for (uint32_t i = q->next; i < q->end; i++)
		if (q->items[i].w)
			butter_watcher_clear_pending(loop, q->items[i].w);
}

void butter_loop_free(struct butter_loop *loop)
{
	int saved = errno;
	if (!loop)
		return;
	loop->ending = 1; /* no word to epoll, which ends, or is the parent's */
	while (loop->rings[BUTTER__RING_CLEANUP]) {
		struct butter_ev *w = loop->rings[BUTTER__RING_CLEANUP];
		butter_watcher_stop(loop, w);
		butter__invoke(loop, w, BUTTER_EV_CLEANUP);
	}
	butter_loop_walk(loop, UINT32_MAX, forget, NULL);
	butter__embeds_end(loop);
	for (int i = 0; i < BUTTER__PRIORITIES; i++)
		forget_pending(loop, &loop->pending[i]);
	end(loop);
	errno = saved;
}

static int rebuild(struct butter_loop *loop)
{
	if (butter__poll_renew(loop) < 0 || butter__async_fork(loop) < 0 || butter__clocks_fork(loop) < 0 ||
	    butter__signals_fork(loop) < 0 || butter__periodics_fork(loop) < 0 ||
	    butter__stats_fork(loop) < 0)
		return -1;
	if (loop->unforked)
		*loop->unforked = 1;
	butter__pressures_fork(loop);
	loop->fork_due = 1;
	return 0;
}

int butter_loop_fork(struct butter_loop *loop)
{
	int saved = errno;
	if (rebuild(loop) < 0)
		return -1;
	errno = saved;
	return 0;
}

void butter_loop_set_invoke_pending(struct butter_loop *loop, void (*invoke)(struct butter_loop *loop))
{
	loop->invoke = invoke ? invoke : butter_loop_invoke_pending;
}

void butter_loop_set_hooks(struct butter_loop *loop, void (*release)(struct butter_loop *loop),
			   void (*acquire)(struct butter_loop *loop))
{
	loop->release = release;
	loop->acquire = acquire;
}

void butter_loop_set_io_collect(struct butter_loop *loop, int64_t interval)
{
	loop->io_collect = interval < 0 ? 0 : interval;
}

void butter_loop_set_timeout_collect(struct butter_loop *loop, int64_t interval)
{
	loop->timeout_collect = interval < 0 ? 0 : interval;
}

void butter_loop_set_userdata(struct butter_loop *loop, void *userdata)
{
	loop->userdata = userdata;
}

void *butter_loop_userdata(const struct butter_loop *loop)
{
	return loop->userdata;
}
