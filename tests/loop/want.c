/* SPDX-License-Identifier: MIT */
/*
 * A loop with a watcher of each kind, in want of memory, of file descriptors and of epoll's watches,
 * at each place where it asks for one: what fails says so, leaves nothing, and can be done again.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "child.h"
#include "fault.h"
#include "notes.h"

/* stat is the first, and not always there: each of its lives takes the kernel long. */
enum { KINDS = 16, WITH_STAT = 0, WITHOUT_STAT = 1 };

static struct butter_ev_io io;
static struct butter_ev_timer timer, other_clock;
static struct butter_ev_periodic periodic;
static struct butter_ev_signal sig;
static struct butter_ev_child child;
static struct butter_ev_stat file;
static struct butter_ev_event event;
static struct butter_ev_embed embed;
static struct butter_ev_async async;
static struct butter_ev_idle idle;
static struct butter_ev_prepare prepare;
static struct butter_ev_check check;
static struct butter_ev_defer defer;
static struct butter_ev_fork forked;
static struct butter_ev_cleanup cleanup;
static struct butter_ev *const all[KINDS] = {
	&file.ev,  &timer.ev, &other_clock.ev, &periodic.ev, &sig.ev,   &child.ev, &io.ev,     &event.ev,
	&embed.ev, &async.ev, &idle.ev,        &prepare.ev,  &check.ev, &defer.ev, &forked.ev, &cleanup.ev};
static const char *const name[KINDS] = {"stat",  "timer", "other clock", "periodic", "signal", "child",
					"io",    "event", "embed",       "async",    "idle",   "prepare",
					"check", "defer", "fork",        "cleanup"};
static struct butter_loop *inner;
static struct butter_eventfd *source;
static struct butter_eventfd_event source_event;
static const char *path;
static int tells_early = 1; /* epoll of the fds, before the loop runs */
static unsigned fails, called, refused, first_kind;

/* Each is called once, and then stops. */
static void calls(struct butter_ev *w, int is_refused)
{
	for (unsigned i = 0; i < KINDS; i++)
		if (all[i] == w)
			*(is_refused ? &refused : &called) |= 1u << i;
	if (w != &cleanup.ev)
		butter_watcher_stop(loop, w);
}

#define CALLING(T)                                                                                           \
	static void on_##T(struct butter_loop *in, struct butter_ev_##T *w, uint32_t revents)                \
	{                                                                                                    \
		(void)in;                                                                                    \
		calls(&w->ev, revents &BUTTER_EV_ERROR);                                                     \
	}
CALLING(io)
CALLING(timer)
CALLING(periodic)
CALLING(signal)
CALLING(child)
CALLING(stat)
CALLING(event)
CALLING(embed)
CALLING(async)
CALLING(idle)
CALLING(prepare)
CALLING(check)
CALLING(defer)
CALLING(fork)
CALLING(cleanup)

/* What they watch, which is due as soon as they are started. */
static void open_world(void)
{
	siginfo_t si;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	inner = butter_loop_new(NULL);
	source = butter_eventfd_open(1, 0);
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert(inner && source && fd >= 0);
	butter_ev_io_init(&io, on_io, fd, BUTTER_EV_READ);
	butter_ev_timer_init(&timer, on_timer, 0, 0);
	butter_ev_timer_init(&other_clock, on_timer, 0, 0);
	butter_ev_timer_set_clock(&other_clock, CLOCK_BOOTTIME, 0);
	butter_ev_periodic_init(&periodic, on_periodic, 1, 0, NULL);
	butter_ev_signal_init(&sig, on_signal, SIGUSR1);
	butter_ev_child_init(&child, on_child, pid);
	butter_ev_stat_init(&file, on_stat, path, MILLISECOND);
	butter_ev_event_init(&event, on_event, butter_eventfd_source(source), &source_event);
	butter_ev_embed_init(&embed, on_embed, NULL, fd);
	butter_ev_async_init(&async, on_async);
	butter_ev_idle_init(&idle, on_idle);
	butter_ev_prepare_init(&prepare, on_prepare);
	butter_ev_check_init(&check, on_check);
	butter_ev_defer_init(&defer, on_defer);
	butter_ev_fork_init(&forked, on_fork);
	butter_ev_cleanup_init(&cleanup, on_cleanup);
}

static void close_world(void)
{
	waitpid(child.pid, NULL, WNOHANG);
	butter_loop_free(inner);
	butter_eventfd_close(source);
	close(io.fd);
}

static int is_want(int error)
{
	return error == ENOMEM || error == EMFILE || error == ENOSPC;
}

/* Does it until it does not fail, which is the second time at the latest: the want is over then. */
#define AGAIN(expression, over)                                                                              \
	while (!(expression)) {                                                                              \
		ck_assert_msg(is_want(errno), "%s: errno %d", #expression, errno);                           \
		ck_assert_uint_lt(fails++, 1);                                                               \
		over();                                                                                      \
	}

/* Everything that may ask for something, in the course of a loop's life. */
static void live(void (*over)(void))
{
	fails = called = 0;
	AGAIN((loop = butter_loop_new(NULL)), over)
	for (unsigned i = first_kind; i < KINDS; i++) {
		AGAIN(butter_watcher_start(loop, all[i]) == 0, over)
		ck_assert_msg(butter_loop_verify(loop) == 0, "%s", name[i]);
	}
	if (!tells_early)
		return;
	AGAIN(butter_loop_fork(loop) == 0, over)
	AGAIN(butter_loop_fd(loop) >= 0, over)
}

static void append(void)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	if (!tells_early)
		butter_watcher_stop(loop, &forked.ev); /* there was none */
}

static int error_of(int i)
{
	const struct butter_ev *w = all[i];
	if (w == &io.ev)
		return io.error;
	return w == &event.ev ? event.error : w == &embed.ev ? embed.error : w == &child.ev ? child.error : 0;
}

/* Those that were stopped since epoll did not take them are started once more. Returns whether there were. */
static int mend(void)
{
	unsigned all_refused = refused;
	refused = 0;
	fails += !!all_refused;
	ck_assert_uint_le(fails, 1);
	for (int i = 0; i < KINDS; i++)
		if (all_refused >> i & 1) {
			ck_assert_msg(is_want(error_of(i)), "%s: error %d", name[i], error_of(i));
			ck_assert_int_eq(butter_watcher_start(loop, all[i]), 0);
		}
	return !!all_refused;
}

static void run(void)
{
	int n = 0;
	do {
		AGAIN((n = butter_loop_run(loop, BUTTER_RUN_ONCE)) >= 0, fault_clear)
		ck_assert_int_eq(butter_loop_verify(loop), 0);
	} while (mend() || n > 0);
}

static void run_all(void)
{
	append();
	butter_ev_async_send(loop, &async);
	raise(SIGUSR1);
	run();
	butter_loop_free(loop);
	for (unsigned i = first_kind; i < KINDS; i++)
		ck_assert_msg(called >> i & 1 || (all[i] == &forked.ev && !tells_early), "%s was not called",
			      name[i]);
}

/* The nth of these calls fails; until so many are not made. */
static void want_of(enum fault_call call, int error)
{
	for (unsigned nth = 1, is_over = 0; !is_over; nth++) {
		open_world();
		fault_error(call, nth, error);
		live(fault_clear);
		run_all();
		is_over = !fails && !fault_happened(call);
		fault_clear();
		close_world();
		ck_assert_uint_lt(nth, 200);
	}
}

static void open_path(void)
{
	path = path_in(scratch(), "file");
	touch(path);
}

START_TEST(without_memory_what_fails_leaves_nothing_and_can_be_done_again)
{
	open_path();
	first_kind = WITHOUT_STAT;
	want_of(FAULT_CALLOC, ENOMEM);
	want_of(FAULT_REALLOC, ENOMEM);
}
END_TEST

START_TEST(what_epoll_does_not_take_is_told_and_can_be_done_again)
{
	open_path();
	first_kind = WITHOUT_STAT;
	want_of(FAULT_EPOLL_CTL, ENOSPC);
	tells_early = 0;
	butter_ev_fork_init(&forked, on_fork);
	want_of(FAULT_EPOLL_CTL, ENOSPC);
}
END_TEST

START_TEST(an_inotify_that_epoll_does_not_take_is_done_without)
{
	open_path();
	new_loop();
	butter_ev_stat_init(&file, on_stat, path, MILLISECOND);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert_int_eq(butter_ev_stat_start(loop, &file), 0);
	fault_error(FAULT_EPOLL_CTL, 1, ENOSPC);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	ck_assert(fault_happened(FAULT_EPOLL_CTL));
	ck_assert_uint_eq(file.polled, 1);
	ck_assert_int_eq(file.refused, ENOSPC);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	append();
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_uint_eq(called, 1);
	free_loop();
}
END_TEST

/* Each time one more may be open. */
static struct rlimit limit;

static void lift(void)
{
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(without_fds_what_fails_leaves_nothing_and_can_be_done_again)
{
	open_path();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	unsigned spare = 0, all_fails = 0;
	do {
		struct rlimit low = limit;
		first_kind = spare % 4 ? WITHOUT_STAT : WITH_STAT;
		open_world();
		int fd = dup(0); /* the first that is free */
		close(fd);
		low.rlim_cur = (rlim_t)fd + spare;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
		live(lift);
		lift();
		all_fails += fails;
		run_all();
		close_world();
	} while (spare++ < 12);
	ck_assert_uint_ge(all_fails, 6); /* epoll, eventfd, three timerfds, signalfd */
	ck_assert_uint_eq(fails, 0);
}
END_TEST

SUITE(loop_want)
{
	tcase_add_test(raw, without_memory_what_fails_leaves_nothing_and_can_be_done_again);
	tcase_add_test(raw, what_epoll_does_not_take_is_told_and_can_be_done_again);
	tcase_add_test(raw, an_inotify_that_epoll_does_not_take_is_done_without);
	tcase_add_test(raw, without_fds_what_fails_leaves_nothing_and_can_be_done_again);
}
