/* SPDX-License-Identifier: MIT */
/*
 * A spooler on the loop: it runs COMMAND for each file that is put into a directory, two at a time, each
 * for ten seconds at most. SIGHUP asks for a report; on SIGTERM and SIGINT it takes no more files, lets
 * the commands that run end, and ends itself; a second one ends it at once.
 *
 *	queue		what was put there: whoever is free asks for the next
 *	event		a command has ended
 *	timer		it takes too long
 *	signal		SIGHUP, SIGTERM, SIGINT
 *
 * There is no list of what is to be done: what nobody has asked for stays in the kernel.
 *
 *	cc loop.c $(pkg-config --cflags --libs butter)
 */
#include <butter/butter.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT (INT64_C(10) * 1000 * 1000 * 1000) /* 10 s, in nanoseconds */
enum { WORKERS = 2, MOST_ARGUMENTS = 30 };

struct worker {
	struct butter_queue_request request;
	struct butter_process *process;
	struct butter_process_event event;
	struct butter_ev_event ended;
	struct butter_ev_timer limit;
	char name[NAME_MAX + 3];
};

static struct worker workers[WORKERS];
static struct butter_ev_signal signals[3];
static struct butter_loop *loop;
static struct butter_queue *queue; /* NULL: no more */
static const char *directory;
static char *command[MOST_ARGUMENTS + 2]; /* a file's name is the last */
static int arguments;
static unsigned done, failed;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Names are any bytes; a terminal is not to see control characters. */
static void say(const char *what, const char *name)
{
	printf("%-8s ", what);
	for (; *name; name++) {
		if ((unsigned char)*name < ' ' || *name == '\\' || *name == 0x7f)
			printf("\\%03o", (unsigned char)*name);
		else
			putchar(*name);
	}
}

static void on_file(struct butter_queue *from, struct butter_queue_request *request);

static void ask(struct worker *w)
{
	if (queue && butter_queue_get(queue, &w->request, on_file, -1) < 0)
		die("butter_queue_get");
}

static void on_limit(struct butter_loop *in, struct butter_ev_timer *limit, uint32_t revents)
{
	struct worker *w = limit->ev.data;
	(void)in, (void)revents;
	say("limit", w->name);
	putchar('\n');
	butter_process_signal(w->process, SIGKILL);
}

static void on_end(struct butter_loop *in, struct butter_ev_event *ended, uint32_t revents)
{
	struct worker *w = ended->ev.data;
	char code[32];
	if (revents & BUTTER_EV_ERROR) {
		errno = ended->error;
		die("process");
	}
	butter_process_code_format(w->event.code, code, sizeof(code));
	say("end", w->name);
	printf("  %s %d\n", code, (int)w->event.status);
	done++;
	failed += w->event.code != CLD_EXITED || w->event.status != 0;
	butter_ev_stop(in, ended);
	butter_ev_stop(in, &w->limit);
	butter_process_close(w->process);
	ask(w);
}

/* The name is given as ./name, so that none is taken for an option. */
static int start(struct worker *w, const char *name)
{
	struct butter_spawn how = {.size = sizeof(how),
				   .path = command[0],
				   .argv = command,
				   .search = getenv("PATH"),
				   .cwd = directory};
	snprintf(w->name, sizeof(w->name), "./%s", name);
	command[arguments] = w->name;
	w->process = butter_spawn(&how);
	if (!w->process)
		return -1;
	butter_ev_event_init(&w->ended, on_end, butter_process_source(w->process), &w->event);
	butter_ev_timer_init(&w->limit, on_limit, LIMIT, 0);
	w->ended.ev.data = w->limit.ev.data = w;
	if (butter_ev_start(loop, &w->ended) < 0 || butter_ev_start(loop, &w->limit) < 0)
		die("butter_ev_start");
	say("start", w->name);
	putchar('\n');
	return 0;
}

static void on_file(struct butter_queue *from, struct butter_queue_request *request)
{
	const struct butter_inotify_event *ev = request->event;
	struct worker *w = request->data;
	(void)from;
	if (!ev && request->error == ECANCELED)
		return;
	if (!ev) {
		errno = request->error;
		die("inotify");
	}
	if (ev->mask & IN_Q_OVERFLOW)
		printf("files    were lost: the directory must be listed again\n");
	else if (!(ev->mask & (IN_ISDIR | IN_IGNORED)) && start(w, ev->name) == 0)
		return;
	else if (!(ev->mask & (IN_ISDIR | IN_IGNORED)))
		perror(command[0]);
	ask(w);
}

/* When nothing holds the loop any more, that is, when the commands have ended, it returns. */
static void end(void)
{
	struct butter_queue *q = queue;
	queue = NULL;
	butter_queue_close(q);
	for (int i = 0; i < 3; i++)
		butter_ev_stop(loop, &signals[i]);
}

static void on_signal(struct butter_loop *in, struct butter_ev_signal *w, uint32_t revents)
{
	char name[16];
	(void)in, (void)revents;
	butter_signalfd_signo_format(w->signo, name, sizeof(name));
	printf("signal   %s: %u done, %u of them failed\n", name, done, failed);
	if (w->signo != SIGHUP)
		end();
}

static void begin(struct butter_inotify *changes)
{
	static const int signos[] = {SIGHUP, SIGTERM, SIGINT};
	struct butter_queue_options options = {.size = sizeof(options), .maximum = 16};
	if (butter_inotify_watch(changes, directory, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0)
		die(directory);
	queue = butter_queue_open(loop, butter_inotify_source(changes), &options);
	if (!queue)
		die("butter_queue_open");
	for (int i = 0; i < 3; i++) {
		butter_ev_signal_init(&signals[i], on_signal, signos[i]);
		if (butter_ev_start(loop, &signals[i]) < 0)
			die("butter_ev_start");
	}
	for (int i = 0; i < WORKERS; i++) {
		workers[i].request.data = &workers[i];
		ask(&workers[i]);
	}
	printf("ready    %s\n", directory);
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc - 2 > MOST_ARGUMENTS) {
		fprintf(stderr, "usage: %s DIRECTORY COMMAND [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	directory = argv[1];
	arguments = argc - 2;
	memcpy(command, argv + 2, (size_t)arguments * sizeof(*command));
	setvbuf(stdout, NULL, _IOLBF, 0);

	struct butter_inotify *changes = butter_inotify_open(0);
	loop = butter_loop_new(NULL);
	if (!changes || !loop)
		die("open");
	begin(changes);
	if (butter_loop_run(loop, BUTTER_RUN_DEFAULT) < 0)
		die("butter_loop_run");
	printf("end      %u done, %u of them failed\n", done, failed);
	butter_loop_free(loop);
	butter_inotify_close(changes);
	return 0;
}
