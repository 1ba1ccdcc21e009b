/* SPDX-License-Identifier: MIT */
/*
 * A supervisor of one program: it starts it, starts it again when it fails, each time after a
 * longer pause, passes SIGHUP on, and on SIGTERM and SIGINT stops it and ends. One poll(2) over
 * three objects:
 *
 *	process		the program has ended, and how
 *	timerfd		the pause is over; or the program has not ended in time when asked to
 *	signalfd	SIGTERM, SIGINT, SIGHUP
 *
 *	cc supervisor.c $(pkg-config --cflags --libs butter)
 */
#include <butter/butter.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS (INT64_C(1000) * 1000) /* in nanoseconds */
#define FIRST_PAUSE (100 * MS)
#define LONGEST_PAUSE (10000 * MS)
#define SETTLED (10000 * MS) /* one that has run so long begins with the first pause again */
#define GRACE (5000 * MS)    /* from SIGTERM to SIGKILL */
enum { MOST_RESTARTS = 5 };  /* without a settled run between */

static struct butter_process *program; /* NULL: it does not run */
static struct butter_timerfd *timer;
static struct butter_signalfd *signals;

static char **command;
static int restarts, most_restarts = MOST_RESTARTS, stopping;
static int64_t started;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int pid(void)
{
	return (int)butter_process_pid(program);
}

static void arm(int64_t pause)
{
	if (butter_timerfd_arm_in(timer, pause, 0, NULL) < 0)
		die("timerfd");
}

/* A group of its own: a terminal's Ctrl-C comes to the supervisor alone, which passes it on. */
static void start(void)
{
	const struct butter_spawn how = {
		.size = sizeof(how),
		.path = command[0],
		.argv = command,
		.search = getenv("PATH"),
		.flags = BUTTER_SPAWN_SETPGID | BUTTER_SPAWN_CLOSE_FDS,
	};
	program = butter_spawn(&how);
	if (!program)
		die(command[0]); /* it is not there, or no program: no pause makes that better */
	started = now();
	printf("start    %s, process %d\n", command[0], pid());
}

/* -1: go on; else the supervisor's exit status. */
static int start_later(void)
{
	int64_t pause = FIRST_PAUSE;
	if (now() - started >= SETTLED)
		restarts = 0;
	if (restarts == most_restarts) {
		printf("give up  after %d restarts\n", restarts);
		return 1;
	}
	for (int i = 0; i < restarts && pause < LONGEST_PAUSE; i++)
		pause *= 2;
	pause = pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
	restarts++;
	printf("pause    %" PRId64 " ms, then restart %d of %d\n", pause / MS, restarts, most_restarts);
	arm(pause);
	return -1;
}

static int on_end(void)
{
	struct butter_process_event ev;
	char code[16], status[16];
	if (butter_process_read_event(program, &ev) != 1)
		return -1;
	butter_process_code_format(ev.code, code, sizeof(code));
	if (ev.code == CLD_EXITED)
		snprintf(status, sizeof(status), "%" PRId32, ev.status);
	else
		butter_signalfd_signo_format(ev.status, status, sizeof(status));
	printf("end      process %" PRId32 ": %s %s, %" PRId64 " KiB, %" PRId64 " ms of processor\n", ev.pid,
	       code, status, ev.maxrss / 1024, (ev.utime + ev.stime) / MS);
	butter_process_close(program);
	program = NULL;
	if (stopping || (ev.code == CLD_EXITED && ev.status == 0))
		return 0;
	return start_later();
}

static void on_timer(void)
{
	struct butter_timerfd_event ev;
	if (butter_timerfd_read_event(timer, &ev) < 1)
		return;
	if (!program) {
		start();
	} else if (stopping) {
		printf("kill     process %d, which did not end in time\n", pid());
		butter_process_signal(program, SIGKILL);
	}
}

static int on_signals(void)
{
	struct butter_signalfd_event ev;
	char name[16];
	while (butter_signalfd_read_event(signals, &ev) == 1) {
		butter_signalfd_signo_format(ev.signo, name, sizeof(name));
		if (ev.signo != SIGHUP)
			stopping = 1;
		if (!program && stopping)
			return 0;
		if (!program)
			continue;
		printf("signal   %s, passed on to process %d\n", name, pid());
		butter_process_signal(program, ev.signo);
		if (stopping)
			arm(GRACE);
	}
	return -1;
}

static void set_up(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (!(signals = butter_signalfd_open(&set, BUTTER_SIGNALFD_BLOCK)))
		die("signalfd");
	if (!(timer = butter_timerfd_open(CLOCK_MONOTONIC, 0)))
		die("timerfd");
}

/* -1: go on; else the exit status. */
static int once(void)
{
	struct pollfd fds[] = {
		{.fd = butter_signalfd_fd(signals), .events = POLLIN},
		{.fd = butter_timerfd_fd(timer), .events = POLLIN},
		{.fd = program ? butter_process_fd(program) : -1, .events = POLLIN},
	};
	int status = -1;
	if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0) {
		if (errno != EINTR)
			die("poll");
		return -1;
	}
	if (fds[0].revents)
		status = on_signals();
	if (status < 0 && fds[2].revents)
		status = on_end();
	if (status < 0 && fds[1].revents)
		on_timer();
	return status;
}

int main(int argc, char **argv)
{
	int status = -1;
	command = argv + 1;
	if (argc > 3 && !strcmp(argv[1], "-n")) {
		most_restarts = (int)strtol(argv[2], NULL, 10);
		command += 2;
	}
	if (!command[0]) {
		fprintf(stderr, "usage: %s [-n RESTARTS] PROGRAM [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	set_up();
	start();
	while (status < 0)
		status = once();
	butter_timerfd_close(timer);
	butter_signalfd_close(signals);
	printf("exit     %d\n", status);
	return status;
}
