/* SPDX-License-Identifier: MIT */
/*
 * A directory watched by inotify in a loop around poll(2), beside a timerfd of the program's own,
 * at which it makes and renames a file there. It ends when it has been told of both.
 *
 *	cc adapter-poll.c $(pkg-config --cflags --libs butter)
 */
#include <butter/adapters/poll.h>
#include <butter/inotify.h>
#include <butter/timerfd.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct butter_poll adapter;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void on_event(struct butter_source *source, void *event, void *data)
{
	const struct butter_inotify_event *ev = event;
	char mask[128];
	(void)source, (void)data;
	if (!ev)
		die("inotify");
	butter_inotify_mask_format(ev->mask, mask, sizeof(mask));
	printf("%s %s\n", mask, ev->name);
	if (ev->mask & IN_MOVED_TO)
		butter_poll_detach(&adapter);
}

static void on_timer(struct butter_timerfd *timer)
{
	struct butter_timerfd_event ev;
	int fd = open("draft", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	puts("timer");
	if (butter_timerfd_read_event(timer, &ev) < 0)
		die("timer");
	if (fd < 0 || close(fd) < 0 || rename("draft", "letter") < 0)
		die("draft");
}

/* Until nothing is attached. The set's fds come first, the program's own behind. */
static void loop(struct butter_poll_set *set, struct butter_timerfd *timer)
{
	struct pollfd fds[8];
	while (set->count > 0) {
		int timeout = -1;
		ssize_t n = butter_poll_prepare(set, fds, 7, &timeout);
		if (n < 0)
			die("prepare");
		fds[n].fd = butter_timerfd_fd(timer);
		fds[n].events = POLLIN;
		if (poll(fds, (nfds_t)n + 1, timeout) < 0)
			die("poll");
		if (fds[n].revents)
			on_timer(timer);
		butter_poll_dispatch(set, fds);
	}
}

int main(int argc, char **argv)
{
	struct butter_poll_set set = {0};
	struct butter_timerfd *timer = butter_timerfd_open(CLOCK_MONOTONIC, 0);
	struct butter_inotify *x = butter_inotify_open(0);
	struct butter_inotify_event ev;
	if (argc != 2 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	if (!timer || !x || butter_inotify_watch(x, ".", IN_CREATE | IN_MOVED_TO) < 0)
		die("inotify");
	butter_poll_init(&adapter, butter_inotify_source(x), &ev, sizeof(ev), on_event, NULL);
	if (butter_poll_attach(&adapter, &set) < 0 || butter_timerfd_arm_in(timer, 10000000, 0, NULL) < 0)
		die("attach");
	loop(&set, timer);
	butter_inotify_close(x);
	butter_timerfd_close(timer);
	puts("end");
	return 0;
}
