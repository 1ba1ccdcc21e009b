/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "../../src/loop/loop.h"
#include "notes.h"

static struct butter_ev_io io[2];
static struct butter_ev_timer timer[2];
static struct butter_ev_signal sig;
static struct butter_ev_child child;
static struct butter_ev_async async;
static struct butter_ev_idle idle;
static struct butter_ev_event event;
static struct butter_eventfd *eventfd_object;
static struct butter_eventfd_event value;

NOTING(io)
NOTING(timer)
NOTING(signal)
NOTING(child)
NOTING(async)
NOTING(idle)
NOTING(event)

static void start_all(void)
{
	new_loop();
	eventfd_object = butter_eventfd_open(0, 0);
	butter_ev_io_init(&io[0], note_io, 0, BUTTER_EV_READ);
	butter_ev_io_init(&io[1], note_io, 0, BUTTER_EV_WRITE);
	butter_ev_timer_init(&timer[0], note_timer, LONG, 0);
	butter_ev_timer_init(&timer[1], note_timer, LONG, 0);
	butter_ev_timer_set_clock(&timer[1], CLOCK_REALTIME, 0);
	butter_ev_signal_init(&sig, note_signal, SIGUSR1);
	butter_ev_child_init(&child, note_child, getppid());
	butter_ev_async_init(&async, note_async);
	butter_ev_idle_init(&idle, note_idle);
	butter_ev_event_init(&event, note_event, butter_eventfd_source(eventfd_object), &value);
	struct butter_ev *const all[] = {&io[0].ev, &io[1].ev, &timer[0].ev, &timer[1].ev, &sig.ev,
					 &child.ev, &async.ev, &idle.ev,     &event.ev};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		ck_assert_int_eq(butter_watcher_start(loop, all[i]), 0);
}

static void end_all(void)
{
	free_loop();
	butter_eventfd_close(eventfd_object);
}

static uint32_t kinds, count;

static void take(struct butter_loop *in, struct butter_ev *w, void *arg)
{
	ck_assert_ptr_eq(in, loop);
	ck_assert_ptr_eq(arg, &kinds);
	kinds |= butter_watcher_kind(w);
	count++;
}

static void stop(struct butter_loop *in, struct butter_ev *w, void *arg)
{
	(void)arg;
	butter_watcher_stop(in, w);
	count++;
}

START_TEST(walking_visits_each_active_watcher_once)
{
	start_all();
	butter_loop_walk(loop, UINT32_MAX, take, &kinds);
	ck_assert_uint_eq(count, 9);
	ck_assert_uint_eq(kinds, BUTTER_EV_IO | BUTTER_EV_TIMER | BUTTER_EV_SIGNAL | BUTTER_EV_CHILD |
					 BUTTER_EV_ASYNC | BUTTER_EV_IDLE | BUTTER_EV_EVENT);
	kinds = count = 0;
	butter_loop_walk(loop, BUTTER_EV_IO | BUTTER_EV_TIMER, take, &kinds);
	ck_assert_uint_eq(count, 4);
	ck_assert_uint_eq(kinds, BUTTER_EV_IO | BUTTER_EV_TIMER);
	end_all();
}
END_TEST

START_TEST(a_watcher_may_be_stopped_when_it_is_visited)
{
	start_all();
	butter_loop_walk(loop, UINT32_MAX, stop, NULL);
	ck_assert_uint_eq(count, 9);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	end_all();
}
END_TEST

/* Changes a member, demands that it is noticed, and puts it back. */
#define DAMAGE(member, value)                                                                                \
	do {                                                                                                 \
		__typeof__(member) damaged_ = (member);                                                      \
		(member) = (value);                                                                          \
		ck_assert_fails(butter_loop_verify(loop), EBADMSG);                                          \
		(member) = damaged_;                                                                         \
		ck_assert_int_eq(butter_loop_verify(loop), 0);                                               \
	} while (0)

START_TEST(damage_is_noticed)
{
	start_all();
	butter_ev_feed(loop, &io[0], BUTTER_EV_CUSTOM);
	butter_ev_feed(loop, &timer[0], BUTTER_EV_CUSTOM);
	butter_loop_ref(loop);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	DAMAGE(loop->holds, 3);
	DAMAGE(loop->idle_count, 0);
	DAMAGE(loop->more_count, 1);
	DAMAGE(loop->pending_mask, 0);
	DAMAGE(loop->pending[2].count, 1);
	DAMAGE(loop->pending[2].active, 1000);
	DAMAGE(io[0].ev.pending, 0);
	DAMAGE(io[0].ev.priority, 1);
	struct butter_ev inactive = io[0].ev;
	inactive.active = 0;
	DAMAGE(io[0].ev, inactive);
	DAMAGE(io[0].fd, 1);
	DAMAGE(io[0].link.prev, &io[0].ev);
	DAMAGE(loop->fds[0].changed, 0);
	DAMAGE(loop->fds[0].always, 1);
	DAMAGE(loop->fds[50].registered, 1);
	DAMAGE(loop->clocks[0].wheel.entries[1].list, 2);
	end_all();
}
END_TEST

SUITE(loop_walk)
{
	tcase_add_test(raw, walking_visits_each_active_watcher_once);
	tcase_add_test(raw, a_watcher_may_be_stopped_when_it_is_visited);
	tcase_add_test(raw, damage_is_noticed);
}
