/* SPDX-License-Identifier: MIT */
/*
 * A directory watched by inotify on a libev loop, beside a timer of libev's own that makes and
 * renames a file there. It ends when it has been told of both.
 *
 *	cc adapter-libev.c $(pkg-config --cflags --libs butter) -lev
 */
#include <butter/adapters/libev.h>
#include <butter/inotify.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct butter_libev adapter;

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
		butter_libev_detach(&adapter);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
	int fd = open("draft", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	(void)loop, (void)timer, (void)revents;
	puts("timer");
	if (fd < 0 || close(fd) < 0 || rename("draft", "letter") < 0)
		die("draft");
}

int main(int argc, char **argv)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct butter_inotify *x = butter_inotify_open(0);
	struct butter_inotify_event ev;
	ev_timer timer;
	if (argc != 2 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	if (!loop || !x || butter_inotify_watch(x, ".", IN_CREATE | IN_MOVED_TO) < 0)
		die("inotify");
	butter_libev_init(&adapter, butter_inotify_source(x), &ev, sizeof(ev), on_event, NULL);
	if (butter_libev_attach(&adapter, loop) < 0)
		die("attach");
	ev_timer_init(&timer, on_timer, 0.01, 0.);
	ev_timer_start(loop, &timer);
	ev_run(loop, 0); /* until nothing is attached */
	butter_inotify_close(x);
	ev_loop_destroy(loop);
	puts("end");
	return 0;
}
