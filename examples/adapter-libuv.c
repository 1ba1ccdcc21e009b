/* SPDX-License-Identifier: MIT */
/*
 * A directory watched by inotify on a libuv loop, beside a timer of libuv's own that makes and
 * renames a file there. It ends when it has been told of both.
 *
 *	cc adapter-libuv.c $(pkg-config --cflags --libs butter libuv)
 */
#include <butter/adapters/libuv.h>
#include <butter/inotify.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct butter_libuv adapter;

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
		butter_libuv_detach(&adapter);
}

static void on_timer(uv_timer_t *timer)
{
	int fd = open("draft", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	(void)timer;
	puts("timer");
	if (fd < 0 || close(fd) < 0 || rename("draft", "letter") < 0)
		die("draft");
	uv_close((uv_handle_t *)timer, NULL);
}

int main(int argc, char **argv)
{
	uv_loop_t *loop = uv_default_loop();
	struct butter_inotify *x = butter_inotify_open(0);
	struct butter_inotify_event ev;
	uv_timer_t timer;
	if (argc != 2 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	if (!loop || !x || butter_inotify_watch(x, ".", IN_CREATE | IN_MOVED_TO) < 0)
		die("inotify");
	butter_libuv_init(&adapter, butter_inotify_source(x), &ev, sizeof(ev), on_event, NULL);
	if (butter_libuv_attach(&adapter, loop) < 0)
		die("attach");
	uv_timer_init(loop, &timer);
	uv_timer_start(&timer, on_timer, 10, 0);
	uv_run(loop, UV_RUN_DEFAULT); /* until nothing is attached */
	butter_inotify_close(x);
	uv_loop_close(loop);
	puts("end");
	return 0;
}
