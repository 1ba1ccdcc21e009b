/* SPDX-License-Identifier: MIT */
/*
 * A loop of several threads: one runs it and is mostly waiting, and others change it meanwhile, with the
 * lock held that its hooks give back and take again. What of it the wait looks at, ThreadSanitizer sees.
 */
#include <pthread.h>
#include <signal.h>

#include "notes.h"

enum { CHANGERS = 2, ROUNDS = 400, TIMERS = 8 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_fired = PTHREAD_COND_INITIALIZER;
static struct butter_ev_async wake;
static uint64_t started, fired;

/* One that changes the loop, and its watchers. */
struct changer {
	pthread_t thread;
	unsigned random;
	int pair[2];
	struct butter_ev_timer timers[TIMERS];
	struct butter_ev_io io;
};
static struct changer changers[CHANGERS];
static pthread_t runner;

static void unlock_it(struct butter_loop *in)
{
	(void)in;
	ck_assert_int_eq(pthread_mutex_unlock(&lock), 0);
}

static void lock_it(struct butter_loop *in)
{
	(void)in;
	ck_assert_int_eq(pthread_mutex_lock(&lock), 0);
	errno = EINVAL; /* is nothing to the loop */
}

/* Others, which do the same. */
static void unlock_too(struct butter_loop *in)
{
	unlock_it(in);
}

static void lock_too(struct butter_loop *in)
{
	lock_it(in);
}

static void *run(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	int n = butter_loop_run(loop, BUTTER_RUN_DEFAULT);
	pthread_mutex_unlock(&lock);
	return n == 0 ? NULL : loop;
}

static void on_wake(struct butter_loop *in, struct butter_ev_async *w, uint32_t revents)
{
	(void)in, (void)w, (void)revents;
}

static void on_timer(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)in, (void)revents;
	ck_assert_uint_eq(w->expirations, 1);
	if (++fired == started)
		pthread_cond_signal(&all_fired);
}

/* What is readable is read, so that the loop waits again. */
static void on_io(struct butter_loop *in, struct butter_ev_io *w, uint32_t revents)
{
	char byte;
	(void)in;
	ck_assert(revents == BUTTER_EV_READ);
	ck_assert_int_eq(read(w->fd, &byte, 1), 1);
}

static void on_signal(int signo)
{
	(void)signo;
}

static unsigned draw(struct changer *c, unsigned below)
{
	c->random = c->random * 1103515245u + 12345u;
	return (c->random >> 16) % below;
}

static void start_timer(struct changer *c)
{
	struct butter_ev_timer *w = &c->timers[draw(c, TIMERS)];
	if (butter_ev_is_active(w)) {
		ck_assert_int_le(butter_ev_timer_remaining(loop, w), MILLISECOND);
		return;
	}
	butter_ev_timer_init(w, on_timer, draw(c, MILLISECOND), 0);
	ck_assert_int_eq(butter_ev_timer_start(loop, w), 0);
	started++;
}

static void toggle_io(struct changer *c)
{
	if (butter_ev_is_active(&c->io)) {
		butter_ev_io_stop(loop, &c->io);
	} else {
		butter_ev_io_init(&c->io, on_io, c->pair[0], BUTTER_EV_READ);
		ck_assert_int_eq(butter_ev_io_start(loop, &c->io), 0);
		ck_assert_int_eq(write(c->pair[1], "x", 1), 1);
	}
}

static void set_anything(struct changer *c)
{
	int is_other = draw(c, 2);
	butter_loop_set_io_collect(loop, draw(c, 2) ? 200000 : 0);
	butter_loop_set_timeout_collect(loop, draw(c, 2) ? 100000 : 0);
	butter_loop_set_hooks(loop, is_other ? unlock_too : unlock_it, is_other ? lock_too : lock_it);
}

static void read_clocks(struct changer *c)
{
	int64_t before = butter_loop_now(loop);
	if (draw(c, 2)) {
		butter_loop_update_now(loop);
	} else {
		butter_loop_suspend(loop);
		butter_loop_resume(loop);
	}
	ck_assert_int_ge(butter_loop_now(loop), before);
}

static void change(struct changer *c)
{
	pthread_mutex_lock(&lock);
	switch (draw(c, 6)) {
	case 0:
		toggle_io(c);
		break;
	case 1:
		set_anything(c);
		break;
	case 2:
		read_clocks(c);
		break;
	case 3:
		ck_assert_int_eq(butter_ev_feed(loop, &wake, BUTTER_EV_ASYNC), 0);
		break;
	default:
		start_timer(c);
	}
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	pthread_mutex_unlock(&lock);
	butter_ev_async_send(loop, &wake);
	if (!draw(c, 4))
		pthread_kill(runner, SIGUSR1); /* the wait is begun again, with what is left of it */
}

static void *change_often(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		change(arg);
	return NULL;
}

static void open_all(unsigned seed)
{
	struct sigaction sa = {.sa_handler = on_signal};
	ck_assert_int_eq(sigaction(SIGUSR1, &sa, NULL), 0);
	new_loop();
	butter_loop_set_hooks(loop, unlock_it, lock_it);
	butter_ev_async_init(&wake, on_wake);
	ck_assert_int_eq(butter_ev_start(loop, &wake), 0);
	for (int i = 0; i < CHANGERS; i++) {
		changers[i].random = seed + (unsigned)i;
		ck_assert_int_eq(pipe(changers[i].pair), 0);
		butter_ev_io_init(&changers[i].io, on_io, changers[i].pair[0], BUTTER_EV_READ);
		for (int k = 0; k < TIMERS; k++)
			butter_ev_timer_init(&changers[i].timers[k], on_timer, 0, 0);
	}
}

static void wait_until_all_fired(void)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 30;
	while (fired < started)
		ck_assert_int_eq(pthread_cond_timedwait(&all_fired, &lock, &until), 0);
}

static void stop_all(void)
{
	void *failed;
	pthread_mutex_lock(&lock);
	wait_until_all_fired();
	for (int i = 0; i < CHANGERS; i++)
		butter_ev_stop(loop, &changers[i].io);
	butter_ev_async_send(loop, &wake);
	butter_loop_unref(loop); /* for wake, which has to be active until it has woken the loop */
	pthread_mutex_unlock(&lock);
	ck_assert_int_eq(pthread_join(runner, &failed), 0);
	ck_assert_ptr_null(failed);
}

/* Were a timer forgotten, or the loop asleep for too long, they would not all come. */
START_TEST(other_threads_change_a_loop_that_waits)
{
	const char *given = getenv("BUTTER_TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 1;
	printf("loop_hooks: BUTTER_TEST_SEED=%u\n", seed);
	open_all(seed);
	ck_assert_int_eq(pthread_create(&runner, NULL, run, NULL), 0);
	for (int i = 0; i < CHANGERS; i++)
		ck_assert_int_eq(pthread_create(&changers[i].thread, NULL, change_often, &changers[i]), 0);
	for (int i = 0; i < CHANGERS; i++)
		ck_assert_int_eq(pthread_join(changers[i].thread, NULL), 0);
	stop_all();
	ck_assert_uint_gt(fired, 0);
	for (int i = 0; i < CHANGERS; i++) {
		close(changers[i].pair[0]);
		close(changers[i].pair[1]);
	}
	free_loop();
}
END_TEST

static int64_t waits;

static void change_and_unlock(struct butter_loop *in)
{
	waits++;
	butter_loop_set_io_collect(in, INT64_C(60000000000)); /* counts from the next wait on */
	butter_loop_set_hooks(in, NULL, NULL);
}

static void count_locked(struct butter_loop *in)
{
	ck_assert_int_eq(waits++, 1);
	butter_loop_set_io_collect(in, 0);
}

START_TEST(a_wait_is_what_it_was_before_release)
{
	static struct butter_ev_timer timer;
	new_loop();
	butter_loop_set_hooks(loop, change_and_unlock, count_locked);
	butter_ev_timer_init(&timer, on_timer, MILLISECOND, 0);
	ck_assert_int_eq(butter_ev_start(loop, &timer), 0);
	butter_ev_async_init(&wake, on_wake);
	ck_assert_int_eq(butter_ev_start(loop, &wake), 0);
	butter_ev_async_send(loop, &wake);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_int_eq(waits, 2);
	butter_ev_stop(loop, &wake);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_int_eq(waits, 2);
	free_loop();
}
END_TEST

SUITE(loop_hooks)
{
	tcase_add_test(tc, a_wait_is_what_it_was_before_release);
	tcase_add_test(tc, other_threads_change_a_loop_that_waits);
}
