/* SPDX-License-Identifier: MIT */
/*
 * A directory watched by inotify on a GLib main loop, beside a timeout of GLib's own that makes
 * and renames a file there. It ends when it has been told of both.
 *
 *	cc adapter-glib.c $(pkg-config --cflags --libs butter glib-2.0)
 */
#include <butter/adapters/glib.h>
#include <butter/inotify.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct butter_glib adapter;

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
		butter_glib_detach(&adapter);
		g_main_loop_quit(data);
	}
}

static gboolean on_timer(gpointer data)
{
	int fd = open("draft", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	(void)data;
	puts("timer");
	if (fd < 0 || close(fd) < 0 || rename("draft", "letter") < 0)
		die("draft");
	return G_SOURCE_REMOVE;
}

int main(int argc, char **argv)
{
	GMainLoop *loop = g_main_loop_new(NULL, FALSE);
	struct butter_inotify *x = butter_inotify_open(0);
	struct butter_inotify_event ev;
	if (argc != 2 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	if (!x || butter_inotify_watch(x, ".", IN_CREATE | IN_MOVED_TO) < 0)
		die("inotify");
	butter_glib_init(&adapter, butter_inotify_source(x), &ev, sizeof(ev), on_event, loop);
	if (butter_glib_attach(&adapter, NULL) < 0)
		die("attach");
	g_timeout_add(10, on_timer, NULL);
	g_main_loop_run(loop);
	butter_inotify_close(x);
	g_main_loop_unref(loop);
	puts("end");
	return 0;
}
