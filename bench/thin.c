/* SPDX-License-Identifier: MIT */
/*
 * Thin calls against libc's own functions. Both go through the same loop, by a pointer that no
 * compiler sees through, and both are in a shared library: the function is the only difference.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <butter/butter.h>

#include "bench.h"

#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 35)
#define HAVE_EPOLL_PWAIT2 1
#endif
#endif

enum { COUNT = 2048, PAIRS = 512, WATCHES = 512, SLICES = 16, FAR_SECONDS = 1000, SETTLE_US = 1000 };

/* Other libcs keep the id in user space, which butter does not. */
#ifdef __GLIBC__
#define libc_gettid gettid
#else
static pid_t libc_gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}
#endif

typedef void any(void);
typedef int loop(any *function, unsigned count); /* negative: one of the calls failed */

struct thin {
	const char *name;
	loop *loop;
	any *libc, *butter;
	void (*begin)(void); /* before each slice; may be NULL */
	unsigned count;      /* calls in a slice */
};

/* What the calls are given. */
static int inotify_fd, event_fd, signal_fd, timer_fd, epoll_fd, next_wd;
static const char *directory;
static uint64_t value;
static sigset_t mask;
static struct itimerspec far = {.it_value = {.tv_sec = FAR_SECONDS}}, old;
static struct epoll_event event = {.events = EPOLLET};

#define LOOP(name, call, result, ...)                                                                        \
	__attribute__((noinline)) static int loop_##name(any *function, unsigned count)                      \
	{                                                                                                    \
		result (*f)(__VA_ARGS__) = (result(*)(__VA_ARGS__))function;                                 \
		int all = 0;                                                                                 \
		while (count--)                                                                              \
			all |= call;                                                                         \
		return all;                                                                                  \
	}

LOOP(id, f(), pid_t, void)
LOOP(create, close(f(O_CLOEXEC)), int, int)
LOOP(add_watch, f(inotify_fd, directory, IN_ATTRIB), int, int, const char *, uint32_t)
LOOP(rm_watch, f(inotify_fd, next_wd++), int, int, int)
LOOP(eventfd, close(f(0, EFD_CLOEXEC)), int, unsigned, int)
LOOP(eventfd_read, f(event_fd, &value), int, int, eventfd_t *)
LOOP(eventfd_write, f(event_fd, 1), int, int, eventfd_t)
LOOP(signalfd, f(signal_fd, &mask, 0), int, int, const sigset_t *, int)
LOOP(timerfd, close(f(CLOCK_MONOTONIC, TFD_CLOEXEC)), int, int, int)
LOOP(settime, f(timer_fd, 0, &far, NULL), int, int, int, const struct itimerspec *, struct itimerspec *)
LOOP(gettime, f(timer_fd, &old), int, int, struct itimerspec *)
LOOP(epoll_ctl, f(epoll_fd, EPOLL_CTL_MOD, event_fd, &event), int, int, int, int, struct epoll_event *)
LOOP(epoll_wait, f(epoll_fd, &event, 1, 0), int, int, struct epoll_event *, int, int)
#ifdef HAVE_EPOLL_PWAIT2
static struct timespec zero;
LOOP(epoll_pwait2, f(epoll_fd, &event, 1, &zero, NULL), int, int, struct epoll_event *, int,
     const struct timespec *, const sigset_t *)
#endif

static void check(int result)
{
	if (result < 0)
		bench_die("setting up a thin call");
}

/* A new inotify fd with WATCHES watches on files of their own, numbered from next_wd on. */
static void add_watches(void)
{
	char path[256];
	close(inotify_fd);
	check(inotify_fd = inotify_init1(IN_CLOEXEC));
	for (int i = WATCHES; i > 0; i--) {
		snprintf(path, sizeof(path), "%s/watched-%d", directory, i);
		close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		check(next_wd = inotify_add_watch(inotify_fd, path, IN_ATTRIB));
	}
	next_wd -= WATCHES - 1;
	usleep(SETTLE_US); /* the kernel frees what was closed in a worker of its own */
}

static void open_all(void)
{
	directory = bench_scratch();
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	check(inotify_fd = inotify_init1(IN_CLOEXEC));
	check(event_fd = eventfd(1U << 31, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
	check(signal_fd = signalfd(-1, &mask, SFD_CLOEXEC));
	check(timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	check(epoll_fd = epoll_create1(EPOLL_CLOEXEC));
	check(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event_fd, &event));
	event.events = 0;
	check(epoll_ctl(epoll_fd, EPOLL_CTL_MOD, event_fd, &event));
}

static void close_all(void)
{
	const int fds[] = {inotify_fd, event_fd, signal_fd, timer_fd, epoll_fd};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
}

static double run(const struct thin *thin, any *function)
{
	if (thin->begin)
		thin->begin();
	uint64_t start = bench_now();
	int all = thin->loop(function, thin->count);
	double ns = bench_per(start, thin->count);
	if (all < 0)
		bench_die(thin->name);
	return ns;
}

static double libc_side(void *arg)
{
	const struct thin *thin = arg;
	return run(thin, thin->libc);
}

static double butter_side(void *arg)
{
	const struct thin *thin = arg;
	return run(thin, thin->butter);
}

#define THIN_AS(name, how)                                                                                   \
	{                                                                                                    \
#name, loop_##how, (any *)name, (any *)butter_##name, NULL, COUNT                            \
	}
#define THIN(name) THIN_AS(name, name)
#define THIN_CLOSE(name, how)                                                                                \
	{                                                                                                    \
#name ", close", loop_##how, (any *)name, (any *)butter_##name, NULL, PAIRS                  \
	}

static struct thin thin_calls[] = {
	THIN_AS(getpid, id),
	THIN_AS(getppid, id),
	{"gettid", loop_id, (any *)libc_gettid, (any *)butter_gettid, NULL, COUNT},
	THIN_CLOSE(inotify_init1, create),
	{"inotify_add_watch", loop_add_watch, (any *)inotify_add_watch, (any *)butter_inotify_add_watch, NULL,
	 COUNT},
	{"inotify_rm_watch", loop_rm_watch, (any *)inotify_rm_watch, (any *)butter_inotify_rm_watch,
	 add_watches, WATCHES},
	THIN_CLOSE(eventfd, eventfd),
	THIN(eventfd_read),
	THIN(eventfd_write),
	{"signalfd, change of mask", loop_signalfd, (any *)signalfd, (any *)butter_signalfd, NULL, COUNT},
	THIN_CLOSE(timerfd_create, timerfd),
	THIN_AS(timerfd_settime, settime),
	THIN_AS(timerfd_gettime, gettime),
	THIN_CLOSE(epoll_create1, create),
	{"epoll_ctl, EPOLL_CTL_MOD", loop_epoll_ctl, (any *)epoll_ctl, (any *)butter_epoll_ctl, NULL, COUNT},
	{"epoll_wait, timeout 0", loop_epoll_wait, (any *)epoll_wait, (any *)butter_epoll_wait, NULL, COUNT},
};

#ifdef HAVE_EPOLL_PWAIT2
static struct thin pwait2_call = {"epoll_pwait2, timeout 0",
				  loop_epoll_pwait2,
				  (any *)epoll_pwait2,
				  (any *)butter_epoll_pwait2,
				  NULL,
				  COUNT};
#endif

static void compare(struct thin *thin, bench_side *other, const char *name, double goal)
{
	const struct bench bench = {name, goal, SLICES, libc_side, other, thin, thin};
	bench_compare(&bench);
}

void bench_thin(void)
{
	open_all();
	compare(&thin_calls[0], libc_side, "libc's getpid on both sides", BENCH_CONTROL);
	for (size_t i = 0; i < sizeof(thin_calls) / sizeof(thin_calls[0]); i++)
		compare(&thin_calls[i], butter_side, thin_calls[i].name, BENCH_GOAL);
#ifdef HAVE_EPOLL_PWAIT2
	compare(&pwait2_call, butter_side, pwait2_call.name, BENCH_GOAL);
#else
	bench_missing("epoll_pwait2, timeout 0", "not in this libc");
#endif
	close_all();
}
