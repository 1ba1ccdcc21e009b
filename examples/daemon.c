/* SPDX-License-Identifier: MIT */
/*
 * A small daemon of the usual kind: it watches a directory, lets a burst of changes settle, has a
 * worker thread look at what changed, and ends on SIGTERM. One poll(2) over four objects:
 *
 *	inotify		what changed in the directory
 *	timerfd		the burst is over: no change for SETTLE
 *	eventfd		the worker has done so many jobs
 *	signalfd	SIGTERM and SIGINT end, SIGHUP asks for a report
 *
 *	cc daemon.c $(pkg-config --cflags --libs butter) -pthread
 */
#include <butter/butter.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SETTLE (INT64_C(100) * 1000 * 1000) /* 100 ms, in nanoseconds */

static struct butter_inotify *changes;
static struct butter_timerfd *settle;
static struct butter_eventfd *done;
static struct butter_signalfd *signals;

static const char *directory;
static unsigned burst; /* changes since the last quiet moment */
static uint64_t jobs;  /* that the worker has done */
static sem_t work;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Names are any bytes; a terminal is not to see control characters. */
static void print_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];
		if (c < ' ' || c == '\\' || c == 0x7f)
			printf("\\%03o", c);
		else
			putchar(c);
	}
}

/* The worker does something slow for each burst and tells so by adding 1 to the eventfd. */
static void *worker(void *unused)
{
	struct stat st;
	(void)unused;
	for (;;) {
		while (sem_wait(&work) < 0)
			continue;
		stat(directory, &st);
		butter_eventfd_add(done, 1);
	}
	return NULL;
}

static void on_changes(void)
{
	struct butter_inotify_event ev;
	char mask[128];
	int n;
	while ((n = butter_inotify_read_event(changes, &ev)) == 1) {
		if (ev.mask & IN_Q_OVERFLOW) {
			printf("changes  were lost: the directory must be listed again\n");
			continue;
		}
		butter_inotify_mask_format(ev.mask, mask, sizeof(mask));
		printf("change   %-26s ", mask);
		print_name(ev.name, ev.name_len);
		if (ev.cookie)
			printf("  (rename %" PRIu32 ")", ev.cookie);
		putchar('\n');
		burst++;
	}
	if (n < 0)
		die("inotify");
	if (butter_timerfd_arm_in(settle, SETTLE, 0, NULL) < 0)
		die("timerfd");
}

static void on_settled(void)
{
	struct butter_timerfd_event ev;
	if (butter_timerfd_read_event(settle, &ev) < 1)
		return; /* armed again in the meantime */
	printf("settled  after %u changes: a job for the worker\n", burst);
	burst = 0;
	sem_post(&work);
}

static void on_done(void)
{
	struct butter_eventfd_event ev;
	if (butter_eventfd_read_event(done, &ev) < 1)
		return;
	jobs += ev.value;
	printf("worker   done, %" PRIu64 " in all\n", jobs);
}

/* 1: go on, 0: end. */
static int on_signals(void)
{
	struct butter_signalfd_event ev;
	char name[16], code[16];
	while (butter_signalfd_read_event(signals, &ev) == 1) {
		butter_signalfd_signo_format(ev.signo, name, sizeof(name));
		butter_signalfd_code_format(ev.signo, ev.code, code, sizeof(code));
		printf("signal   %s (%s) from process %" PRId32 "\n", name, code, ev.pid);
		if (ev.signo != SIGHUP)
			return 0;
		printf("report   %" PRIu64 " jobs done, %u changes not settled\n", jobs, burst);
	}
	return 1;
}

/* The signals are blocked before the worker starts: it inherits the mask. */
static void start(void)
{
	pthread_t thread;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (!(signals = butter_signalfd_open(&set, BUTTER_SIGNALFD_BLOCK)))
		die("signalfd");
	if (!(changes = butter_inotify_open(0)))
		die("inotify");
	if (!(settle = butter_timerfd_open(CLOCK_MONOTONIC, 0)))
		die("timerfd");
	if (!(done = butter_eventfd_open(0, 0)))
		die("eventfd");
	if (butter_inotify_watch(changes, directory,
				 IN_CREATE | IN_DELETE | IN_MOVE | IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR) <
	    0)
		die(directory);
	sem_init(&work, 0, 0);
	errno = pthread_create(&thread, NULL, worker, NULL);
	if (errno)
		die("worker");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	directory = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	start();
	printf("ready    %s\n", directory);

	struct pollfd fds[] = {
		{.fd = butter_inotify_fd(changes), .events = POLLIN},
		{.fd = butter_timerfd_fd(settle), .events = POLLIN},
		{.fd = butter_eventfd_fd(done), .events = POLLIN},
		{.fd = butter_signalfd_fd(signals), .events = POLLIN},
	};
	for (int go_on = 1; go_on;) {
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0) {
			if (errno != EINTR)
				die("poll");
			continue;
		}
		/* Drained until 0: poll cannot see events that are read and not yet handed out. */
		if (fds[0].revents)
			on_changes();
		if (fds[1].revents)
			on_settled();
		if (fds[2].revents)
			on_done();
		if (fds[3].revents)
			go_on = on_signals();
	}
	butter_inotify_close(changes);
	butter_timerfd_close(settle);
	butter_signalfd_close(signals);
	puts("end"); /* the worker may still add to done, which ends with the process */
	return 0;
}
