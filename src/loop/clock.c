/* SPDX-License-Identifier: MIT */
/*
 * The clocks that timers are on. epoll waits for CLOCK_MONOTONIC, which stands still while the machine
 * sleeps; the other clocks have a timerfd each, from their first timer on. It stands in for
 * epoll_pwait2(2), too, and makes the loop's own fd readable in time.
 */
#include <unistd.h>

#include <butter/timerfd.h>

#include "../event/object.h"
#include "../event/time.h"
#include "loop.h"

static const clockid_t ids[BUTTER__CLOCKS] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME};

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return butter__time_from_timespec(&ts);
}

int butter__clock_number(clockid_t id)
{
	int i = 0;
	while (i < BUTTER__CLOCKS && ids[i] != id)
		i++;
	return i < BUTTER__CLOCKS ? i : -1;
}

void butter__clocks_init(struct butter_loop *loop)
{
	for (int i = 0; i < BUTTER__CLOCKS; i++)
		loop->clocks[i] = (struct butter__clock){
			.now = read_clock(ids[i]), .armed = INT64_MAX, .clockid = ids[i], .fd = -1};
}

void butter__clocks_close(struct butter_loop *loop)
{
	for (int i = 0; i < BUTTER__CLOCKS; i++) {
		if (loop->clocks[i].fd >= 0)
			butter__close(loop->clocks[i].fd);
		butter__wheel_free(&loop->clocks[i].wheel);
	}
}

/* It was readable: what is due is seen by the clock, so that the count is of no use. */
static void expired(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents)
{
	struct butter__clock *clock = BUTTER__CONTAINER(io, struct butter__clock, io);
	uint64_t count;
	(void)loop, (void)revents;
	butter__read(io->fd, &count, sizeof(count));
	clock->armed = INT64_MAX;
}

int butter__clock_open(struct butter_loop *loop, struct butter__clock *clock)
{
	if (clock->fd >= 0)
		return 0;
	int fd = butter_timerfd_create(clock->clockid, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return -1;
	if (butter__own_io_start(loop, &clock->io, expired, fd) < 0) {
		butter__close(fd);
		return -1;
	}
	clock->fd = fd;
	loop->timed = 1;
	return 0;
}

/* While it is suspended, the first stands still: what is started then counts from there, and is put off. */
void butter__clocks_read(struct butter_loop *loop, int with_now)
{
	if (!with_now && !butter__has_timers(loop))
		return;
	loop->unread &= !with_now && !loop->clocks[0].wheel.count;
	for (int i = 0; i < BUTTER__CLOCKS; i++) {
		struct butter__clock *clock = &loop->clocks[i];
		if (i == 0 ? !loop->suspended && (clock->wheel.count || with_now) : clock->wheel.count > 0)
			clock->now = read_clock(clock->clockid);
		if (!clock->wheel.count)
			loop->clocked &= (uint8_t) ~(1u << i);
		butter__wheel_settle(&clock->wheel, clock->now);
	}
}

/* Where there are no timers, the one that asks for the time pays for it. */
void butter__clocks_waited(struct butter_loop *loop)
{
	if (!butter__has_timers(loop) && !loop->io_collect) {
		loop->unread = 1;
		return;
	}
	butter__clocks_read(loop, 1);
	loop->waited = loop->clocks[0].now;
}

/* Times before 1970, or since the boot, are over: 1 is the least that arms a timer. */
static void arm(struct butter__clock *clock, int64_t at)
{
	struct itimerspec value = {.it_value = butter__time_to_timespec(at < 1 ? 1 : at)};
	if (clock->armed == at)
		return;
	if (at == INT64_MAX)
		value = (struct itimerspec){.it_value = {0}};
	if (butter_timerfd_settime(clock->fd, TFD_TIMER_ABSTIME, &value, NULL) == 0)
		clock->armed = at;
}

int64_t butter__clocks_arm(struct butter_loop *loop, int with_monotonic)
{
	if (!butter__has_timers(loop) && !loop->timed)
		return -1;
	for (int i = 0; i < BUTTER__CLOCKS; i++) {
		struct butter__clock *clock = &loop->clocks[i];
		/* What butter_loop_fd() has armed would end the wait, too. */
		int64_t at = i > 0 || with_monotonic ? butter__wheel_first(&clock->wheel) : INT64_MAX;
		if (clock->fd >= 0)
			arm(clock, butter__time_add(at, loop->timeout_collect));
	}
	int64_t first = butter__wheel_first(&loop->clocks[0].wheel), now = loop->clocks[0].now;
	if (first == INT64_MAX)
		return -1;
	return first <= now ? 0 : butter__time_add(first - now, loop->timeout_collect);
}

void butter__clock_ring(struct butter_loop *loop)
{
	arm(loop->clocks, 1);
}

int butter__clocks_are_due(struct butter_loop *loop)
{
	uint32_t due = 0;
	for (int i = 0; i < BUTTER__CLOCKS; i++)
		due |= butter__wheel_due(&loop->clocks[i].wheel, loop->clocks[i].now);
	return due > 0;
}

void butter__clocks_expire(struct butter_loop *loop)
{
	if (!butter__has_timers(loop))
		return;
	for (int i = 0; i < BUTTER__CLOCKS; i++) {
		struct butter__clock *clock = &loop->clocks[i];
		uint32_t slot;
		while ((slot = butter__wheel_due(&clock->wheel, clock->now)))
			butter__timer_expired(loop, clock, slot);
	}
}

int butter__clocks_fork(struct butter_loop *loop)
{
	for (int i = 0; i < BUTTER__CLOCKS; i++) {
		struct butter__clock *clock = &loop->clocks[i];
		if (clock->fd < 0)
			continue;
		int fd = butter_timerfd_create(clock->clockid, TFD_CLOEXEC | TFD_NONBLOCK);
		if (butter__replace_fd(fd, clock->fd) < 0)
			return -1;
		clock->armed = INT64_MAX;
	}
	return 0;
}

/* What nothing has needed before. What butter_loop_new() returned is no constant. */
int64_t butter_loop_now(const struct butter_loop *loop)
{
	struct butter_loop *x = (struct butter_loop *)loop;
	if (x->unread) {
		x->clocks[0].now = butter__time_now();
		x->unread = 0;
	}
	return x->clocks[0].now;
}

void butter_loop_update_now(struct butter_loop *loop)
{
	butter__clocks_read(loop, 1);
}

void butter_loop_suspend(struct butter_loop *loop)
{
	if (!loop->suspended)
		butter__clocks_read(loop, 1);
	loop->suspended = 1;
}

void butter_loop_resume(struct butter_loop *loop)
{
	int64_t before = loop->clocks[0].now;
	if (!loop->suspended)
		return;
	loop->suspended = 0;
	loop->clocks[0].now = butter__time_now();
	butter__wheel_shift(&loop->clocks[0].wheel, loop->clocks[0].now - before);
	butter__clocks_read(loop, 1);
}
