/* SPDX-License-Identifier: MIT */
/* sd-event, for the races of loop.h. It calls back once each time it goes round. */
#include "loop.h"

#ifdef BENCH_SD_EVENT
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

struct side {
	struct loop_use *use;
	sd_event *event;
	sd_event_source **ios, **timers;
	sd_event_source *async;
	int event_fd;
	int left;
	sigset_t mask; /* the thread's, before a child was watched */
	int masked;
};

static void check(int result)
{
	errno = -result;
	if (result < 0)
		loop_die(&loop_sd_event, "a call");
}

static uint64_t due(const struct side *x, unsigned i)
{
	uint64_t now;
	check(sd_event_now(x->event, CLOCK_MONOTONIC, &now));
	return now + (uint64_t)x->use->after[i] / LOOP_US;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct loop_pair *pair = arg;
	struct side *x = pair->use->loop;
	(void)source, (void)fd, (void)revents;
	if (pair->use->timed)
		check(sd_event_source_set_time(x->timers[pair->index], due(x, pair->index)));
	if (loop_pass(pair))
		x->left = 1;
	return 0;
}

/* One that repeats is set again by its user. */
static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct loop_use *use = arg;
	struct side *x = use->loop;
	if (loop_fired(use))
		x->left = 1;
	if (!use->once) {
		check(sd_event_source_set_time(source, usec + (uint64_t)use->after[0] / LOOP_US));
		check(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT));
	}
	return 0;
}

/* It has nothing for other threads: an eventfd does. */
static int on_async(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct loop_use *use = arg;
	struct side *x = use->loop;
	eventfd_t value;
	(void)source, (void)revents;
	check(eventfd_read(fd, &value) < 0 ? -errno : 0);
	if (use->wake(use->wake_arg))
		x->left = 1;
	return 0;
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *arg)
{
	struct loop_child *child = arg;
	struct side *x = child->private;
	(void)source, (void)info;
	child->ended = bench_now();
	x->left = 1;
	return 0;
}

static void *side_open(struct loop_use *use)
{
	struct side *x = calloc(1, sizeof(*x));
	if (!x)
		loop_die(&loop_sd_event, "malloc");
	check(sd_event_new(&x->event));
	x->use = use;
	x->ios = loop_memory(use->io_count, sizeof(sd_event_source *));
	x->timers = loop_memory(use->timer_count, sizeof(sd_event_source *));
	if (use->wake) {
		x->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		check(x->event_fd < 0 ? -errno : 0);
		check(sd_event_add_io(x->event, &x->async, x->event_fd, EPOLLIN, on_async, use));
	}
	return x;
}

static void end(sd_event_source **sources, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		sources[i] = sd_event_source_disable_unref(sources[i]);
}

static void side_close(void *loop)
{
	struct side *x = loop;
	end(x->ios, x->use->io_count);
	end(x->timers, x->use->timer_count);
	end(&x->async, 1);
	if (x->use->wake)
		close(x->event_fd);
	sd_event_unref(x->event);
	if (x->masked)
		sigprocmask(SIG_SETMASK, &x->mask, NULL);
	free(x->ios);
	free(x->timers);
	free(x);
}

static void side_run(void *loop)
{
	struct side *x = loop;
	for (x->left = 0; !x->left;)
		check(sd_event_run(x->event, UINT64_MAX));
}

static void side_turn(void *loop)
{
	struct side *x = loop;
	check(sd_event_run(x->event, 0));
}

static void timer_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++)
		check(sd_event_add_time(x->event, &x->timers[i], CLOCK_MONOTONIC, due(x, i), 1, on_timer,
					x->use));
}

static void timer_again(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->timer_count; i++)
		check(sd_event_source_set_time(x->timers[i], due(x, i)));
}

static void timer_stop(void *loop)
{
	struct side *x = loop;
	end(x->timers, x->use->timer_count);
}

static void io_start(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++) {
		struct loop_pair *pair = &x->use->pairs[i];
		check(sd_event_add_io(x->event, &x->ios[i], pair->fd, EPOLLIN, on_io, pair));
	}
	if (x->use->timed)
		timer_start(x);
}

static void io_modify(void *loop)
{
	struct side *x = loop;
	for (unsigned i = 0; i < x->use->io_count; i++)
		check(sd_event_source_set_io_events(x->ios[i], EPOLLIN | EPOLLOUT));
}

static void io_stop(void *loop)
{
	struct side *x = loop;
	end(x->ios, x->use->io_count);
	if (x->use->timed)
		timer_stop(x);
}

static void async_send(void *loop, unsigned count)
{
	struct side *x = loop;
	while (count--)
		check(eventfd_write(x->event_fd, 1) < 0 ? -errno : 0);
}

/* It wants SIGCHLD to be blocked. */
static void child_start(void *loop, struct loop_child *child)
{
	struct side *x = loop;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (!x->masked)
		check(sigprocmask(SIG_BLOCK, &set, &x->mask) < 0 ? -errno : 0);
	x->masked = 1;
	child->private = x;
	check(sd_event_add_child(x->event, NULL, child->pid, WEXITED, on_child, child));
}

const struct loop_lib loop_sd_event = {
	.name = "sd-event",
	.max_timers = 100000,
	LOOP_SIDE,
	.timer_again = timer_again,
	.child_start = child_start,
};
#else
const struct loop_lib loop_sd_event = {.name = "sd-event"};
#endif
