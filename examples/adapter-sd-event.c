/* SPDX-License-Identifier: MIT */
/*
 * A directory watched by inotify on an sd-event loop, beside a timer of sd-event's own that makes
 * and renames a file there. It ends when it has been told of both.
 *
 *	cc adapter-sd-event.c $(pkg-config --cflags --libs butter libsystemd)
 */
#include <butter/adapters/sd-event.h>
#include <butter/inotify.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct butter_sd_event adapter;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void on_event(struct butter_source *source, void *event, void *data)
{
	const struct butter_inotify_event *ev = event;
	char mask[128];
	(void)source;
	if (!ev)
		die("inotify");
	butter_inotify_mask_format(ev->mask, mask, sizeof(mask));
	printf("%s %s\n", mask, ev->name);
	if (ev->mask & IN_MOVED_TO) {
		butter_sd_event_detach(&adapter);
		sd_event_exit(data, 0);
	}
}

static int on_timer(sd_event_source *timer, uint64_t usec, void *data)
{
	int fd = open("draft", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	(void)timer, (void)usec, (void)data;
	puts("timer");
	if (fd < 0 || close(fd) < 0 || rename("draft", "letter") < 0)
		die("draft");
	return 0;
}

int main(int argc, char **argv)
{
	sd_event *loop = NULL;
	struct butter_inotify *x = butter_inotify_open(0);
	struct butter_inotify_event ev;
	if (argc != 2 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	if (sd_event_new(&loop) < 0 || !x || butter_inotify_watch(x, ".", IN_CREATE | IN_MOVED_TO) < 0)
		die("inotify");
	butter_sd_event_init(&adapter, butter_inotify_source(x), &ev, sizeof(ev), on_event, loop);
	if (butter_sd_event_attach(&adapter, loop) < 0)
		die("attach");
	/* Without a source to keep, the timer is the loop's. */
	if (sd_event_add_time_relative(loop, NULL, CLOCK_MONOTONIC, 10000, 1, on_timer, NULL) < 0)
		die("timer");
	sd_event_loop(loop);
	butter_inotify_close(x);
	sd_event_unref(loop);
	puts("end");
	return 0;
}
