/* SPDX-License-Identifier: MIT */
/*
 * A loop under load: many threads that send, a flood of signals, a signal every 200 microseconds.
 * BUTTER_STRESS_SENDS is how many sends each thread does.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "child.h"
#include "fault.h"
#include "notes.h"

enum { LOOPS = 4, SENDERS = 16 };

/* What a thread has written before it sent to a loop, and what the loop has seen of that. */
struct channel {
	struct butter_ev_async async;
	uint64_t written, seen, callbacks;
};
struct receiver {
	struct butter_loop *loop;
	struct channel of[SENDERS];
	pthread_t thread;
};
static struct receiver receivers[LOOPS];
static uint64_t sends;

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);
	return value ? strtoull(value, NULL, 10) : otherwise;
}

static void receive(struct butter_loop *in, struct butter_ev_async *w, uint32_t revents)
{
	struct channel *c = w->ev.data;
	uint64_t written = __atomic_load_n(&c->written, __ATOMIC_RELAXED);
	ck_assert_uint_eq(revents, BUTTER_EV_ASYNC);
	ck_assert_uint_ge(written, c->seen);
	c->seen = written;
	c->callbacks++;
	if (written == sends / LOOPS)
		butter_ev_async_stop(in, w);
}

static void *run_receiver(void *arg)
{
	struct receiver *r = arg;
	return butter_loop_run(r->loop, BUTTER_RUN_DEFAULT) == 0 ? NULL : r;
}

/* To each loop in turn. */
static void *run_sender(void *arg)
{
	size_t me = (size_t)((const struct channel *)arg - receivers[0].of);
	for (uint64_t i = 0; i < sends; i++) {
		struct receiver *r = &receivers[i % LOOPS];
		__atomic_store_n(&r->of[me].written, i / LOOPS + 1, __ATOMIC_RELAXED);
		butter_ev_async_send(r->loop, &r->of[me].async);
	}
	return NULL;
}

static void open_receiver(struct receiver *r)
{
	r->loop = butter_loop_new(NULL);
	ck_assert_ptr_nonnull(r->loop);
	for (int i = 0; i < SENDERS; i++) {
		butter_ev_async_init(&r->of[i].async, receive);
		r->of[i].async.ev.data = &r->of[i];
		ck_assert_int_eq(butter_ev_async_start(r->loop, &r->of[i].async), 0);
	}
}

static void close_receiver(struct receiver *r)
{
	void *failed;
	ck_assert_int_eq(pthread_join(r->thread, &failed), 0);
	ck_assert_ptr_null(failed);
	ck_assert_int_eq(butter_loop_verify(r->loop), 0);
	for (int i = 0; i < SENDERS; i++) {
		ck_assert_uint_eq(r->of[i].seen, sends / LOOPS);
		ck_assert_uint_ge(r->of[i].callbacks, 1);
		ck_assert_uint_le(r->of[i].callbacks, sends / LOOPS);
	}
	butter_loop_free(r->loop);
}

/* Were one lost, a loop would wait for it for ever. */
START_TEST(of_many_threads_that_send_to_many_loops_no_send_is_lost)
{
	pthread_t senders[SENDERS];
	sends = setting("BUTTER_STRESS_SENDS", 20000) / LOOPS * LOOPS;
	for (int i = 0; i < LOOPS; i++) {
		open_receiver(&receivers[i]);
		ck_assert_int_eq(pthread_create(&receivers[i].thread, NULL, run_receiver, &receivers[i]), 0);
	}
	for (int i = 0; i < SENDERS; i++)
		ck_assert_int_eq(pthread_create(&senders[i], NULL, run_sender, &receivers[0].of[i]), 0);
	for (int i = 0; i < SENDERS; i++)
		ck_assert_int_eq(pthread_join(senders[i], NULL), 0);
	for (int i = 0; i < LOOPS; i++)
		close_receiver(&receivers[i]);
}
END_TEST

enum { FLOOD = 5000, PLAIN = 1000 };
static uint32_t queued, plain;
static int without;

/* Those of real time are queued, one by one and in their order. */
static void on_queued(struct butter_loop *in, struct butter_ev_signal *w, uint32_t revents)
{
	(void)revents;
	queued += w->count;
	ck_assert_int_eq(w->info.value, (int)queued);
	if (queued == FLOOD)
		butter_ev_signal_stop(in, w);
}

static void on_plain(struct butter_loop *in, struct butter_ev_signal *w, uint32_t revents)
{
	(void)in, (void)revents;
	plain += w->count;
}

static void send_queued(pid_t parent, int value)
{
	union sigval v = {.sival_int = value};
	while (sigqueue(parent, SIGRTMIN, v) < 0 && errno == EAGAIN) /* of so many the kernel is full */
		sched_yield();
}

START_TEST(a_flood_of_signals_is_all_told)
{
	struct butter_ev_signal of_real_time, ordinary;
	pid_t parent = getpid();
	new_loop();
	butter_ev_signal_init(&of_real_time, on_queued, SIGRTMIN);
	butter_ev_signal_init(&ordinary, on_plain, SIGUSR1);
	ck_assert_int_eq(butter_ev_signal_start(loop, &of_real_time), 0);
	ck_assert_int_eq(butter_ev_signal_start(loop, &ordinary), 0);
	butter_loop_unref(loop);
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 1; i <= FLOOD; i++) {
			send_queued(parent, i);
			if (i <= PLAIN)
				kill(parent, SIGUSR1);
		}
		_exit(0);
	}
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	assert_ends_well(pid);
	ck_assert_uint_eq(queued, FLOOD);
	ck_assert(plain >= 1 && plain <= PLAIN);
	butter_loop_ref(loop);
	butter_ev_signal_stop(loop, &ordinary);
	free_loop();
}
END_TEST

enum { EVERY = 200, TIMERS = 40, SPAN = 60 * MILLISECOND };
static volatile sig_atomic_t interrupts;
static struct butter_ev_timer timers[TIMERS];
static int64_t deadlines[TIMERS], last;
static int came;

static void on_alarm(int signo)
{
	(void)signo;
	interrupts = interrupts + 1;
}

static void interrupt_every(int microseconds)
{
	struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
	struct itimerval value = {.it_interval = {.tv_usec = microseconds},
				  .it_value = {.tv_usec = microseconds}};
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &value, NULL), 0);
}

static void on_timer(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	int64_t deadline = deadlines[w - timers];
	ck_assert_uint_eq(revents, BUTTER_EV_TIMER);
	ck_assert_int_ge(butter_loop_now(in), deadline);
	ck_assert_int_ge(deadline, last);
	last = deadline;
	came++;
}

/* Its deadlines are times of the clock, so that they are known. */
static void start_timers(void)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);
	for (int i = 0; i < TIMERS; i++) {
		deadlines[i] = now + (int64_t)(i * 7 % TIMERS + 1) * (SPAN / TIMERS);
		butter_ev_timer_init(&timers[i], on_timer, deadlines[i], 0);
		butter_ev_timer_set_clock(&timers[i], CLOCK_MONOTONIC, BUTTER_EV_TIMER_ABSOLUTE);
		ck_assert_int_eq(butter_ev_timer_start(loop, &timers[i]), 0);
	}
}

static void run_interrupted(void *without_pwait2)
{
	if (without_pwait2)
		fault_error(FAULT_EPOLL_PWAIT2, 1, ENOSYS);
	new_loop();
	interrupt_every(EVERY);
	start_timers();
	int n = butter_loop_run(loop, BUTTER_RUN_DEFAULT);
	interrupt_every(0);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(came, TIMERS);
	ck_assert_int_ge(interrupts, 1); /* of 300, on a machine that has time for them */
	free_loop();
}

START_TEST(signals_every_so_often_disturb_neither_the_wait_nor_the_order_of_timers)
{
	in_child(run_interrupted, NULL);
	in_child(run_interrupted, &without);
}
END_TEST

/* Pairs of watchers that are due together: the one that is called stops both, and frees them. */
struct due {
	union {
		struct butter_ev ev;
		struct butter_ev_io io;
		struct butter_ev_timer timer;
		struct butter_ev_periodic periodic;
		struct butter_ev_idle idle;
		struct butter_ev_prepare prepare;
		struct butter_ev_check check;
		struct butter_ev_async async;
		struct butter_ev_signal signal;
		struct butter_ev_defer defer;
	} * of[2];
	unsigned calls;
};

static void end_both(struct butter_loop *in, struct due *due)
{
	due->calls++;
	for (int i = 0; i < 2; i++) {
		butter_ev_stop(in, due->of[i]);
		memset(due->of[i], 0xee, sizeof(*due->of[i]));
		free(due->of[i]);
		due->of[i] = NULL;
	}
}

#define ENDING(T)                                                                                            \
	static void end_##T(struct butter_loop *in, struct butter_ev_##T *w, uint32_t revents)               \
	{                                                                                                    \
		(void)revents;                                                                               \
		end_both(in, w->ev.data);                                                                    \
	}
ENDING(io)
ENDING(timer)
ENDING(periodic)
ENDING(idle)
ENDING(prepare)
ENDING(check)
ENDING(async)
ENDING(signal)
ENDING(defer)

enum { DUES = 9 };
static void init_due(struct due *due, int i, int kind, int fd)
{
	due->of[i] = calloc(1, sizeof(*due->of[i]));
	ck_assert_ptr_nonnull(due->of[i]);
	if (kind == 0)
		butter_ev_io_init(&due->of[i]->io, end_io, fd, BUTTER_EV_WRITE);
	else if (kind == 1)
		butter_ev_timer_init(&due->of[i]->timer, end_timer, 0, 1);
	else if (kind == 2)
		butter_ev_periodic_init(&due->of[i]->periodic, end_periodic, 1, 0, NULL);
	else if (kind == 3)
		butter_ev_idle_init(&due->of[i]->idle, end_idle);
	else if (kind == 4)
		butter_ev_prepare_init(&due->of[i]->prepare, end_prepare);
	else if (kind == 5)
		butter_ev_check_init(&due->of[i]->check, end_check);
	else if (kind == 6)
		butter_ev_async_init(&due->of[i]->async, end_async);
	else if (kind == 7)
		butter_ev_signal_init(&due->of[i]->signal, end_signal, SIGUSR1);
	else
		butter_ev_defer_init(&due->of[i]->defer, end_defer);
	due->of[i]->ev.data = due;
	ck_assert_int_eq(butter_ev_start(loop, due->of[i]), 0);
	if (kind == 6)
		butter_ev_async_send(loop, &due->of[i]->async);
}

START_TEST(who_is_called_may_stop_and_free_itself_and_the_other_that_is_due)
{
	static struct due dues[DUES];
	int fds[2];
	ck_assert_int_eq(pipe(fds), 0);
	new_loop();
	for (int kind = 0; kind < DUES; kind++)
		for (int i = 0; i < 2; i++)
			init_due(&dues[kind], i, kind, fds[1]);
	raise(SIGUSR1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	for (int kind = 0; kind < DUES; kind++)
		ck_assert_msg(dues[kind].calls == 1, "kind %d is called %u times", kind, dues[kind].calls);
	close(fds[0]);
	close(fds[1]);
	free_loop();
}
END_TEST

SUITE(loop_stress)
{
	tcase_add_test(tc, of_many_threads_that_send_to_many_loops_no_send_is_lost);
	tcase_add_test(tc, a_flood_of_signals_is_all_told);
	tcase_add_test(tc, signals_every_so_often_disturb_neither_the_wait_nor_the_order_of_timers);
	tcase_add_test(tc, who_is_called_may_stop_and_free_itself_and_the_other_that_is_due);
}
