/* SPDX-License-Identifier: MIT */
/*
 * A directory watched by inotify on a libevent base, beside a timer of libevent's own that makes
 * and renames a file there. It ends when it has been told of both.
 *
 *	cc adapter-libevent.c $(pkg-config --cflags --libs butter libevent_core)
 */
#include <butter/adapters/libevent.h>
#include <butter/inotify.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct butter_libevent adapter;

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
		butter_libevent_detach(&adapter);
}

static void on_timer(evutil_socket_t none, short what, void *data)
{
	int fd = open("draft", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	(void)none, (void)what, (void)data;
	puts("timer");
	if (fd < 0 || close(fd) < 0 || rename("draft", "letter") < 0)
		die("draft");
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct butter_inotify *x = butter_inotify_open(0);
	struct butter_inotify_event ev;
	struct timeval soon = {.tv_usec = 10000};
	if (argc != 2 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	if (!base || !x || butter_inotify_watch(x, ".", IN_CREATE | IN_MOVED_TO) < 0)
		die("inotify");
	butter_libevent_init(&adapter, butter_inotify_source(x), &ev, sizeof(ev), on_event, NULL);
	if (butter_libevent_attach(&adapter, base) < 0)
		die("attach");
	if (event_base_once(base, -1, EV_TIMEOUT, on_timer, NULL, &soon) < 0)
		die("timer");
	event_base_dispatch(base); /* until nothing is attached */
	butter_inotify_close(x);
	event_base_free(base);
	puts("end");
	return 0;
}
