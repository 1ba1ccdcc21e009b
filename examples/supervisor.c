/* SPDX-License-Identifier: MIT */
/*
 * A supervisor of some programs, on the loop: it starts them, and starts again each that ends, after a
 * pause that doubles each time.
 *
 *	supervisor [-b MILLISECONDS] [-g MILLISECONDS] [-n RESTARTS] CONFIG
 *
 *	-b	the first pause (100); one that has run for ten seconds begins with it again
 *	-g	how long a program has to end when it is asked to, before it is killed (5000)
 *	-n	gives a program up after so many restarts without such a run between; else never
 *	CONFIG	a program and its arguments on each line, with blanks between; # begins a comment
 *
 * SIGTERM and SIGINT end the programs, and then the supervisor; SIGHUP starts them all anew. A program
 * is a process group, which is asked to end by SIGTERM and killed by SIGKILL, by pidfd: no signal can
 * come to another process that has got the number. SIGCHLD plays no part.
 *
 * The signal watchers do not hold the loop, so it ends with the last program and the last pause.
 *
 *	cc supervisor.c $(pkg-config --cflags --libs butter)
 */
#include <butter/butter.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS (INT64_C(1000) * 1000) /* in nanoseconds */
#define LONGEST_PAUSE (60000 * MS)
#define SETTLED (10000 * MS)

struct program {
	struct program *next;
	char *line, **argv;             /* argv points into line */
	struct butter_process *process; /* NULL: it does not run */
	struct butter_ev_child child;
	struct butter_ev_timer timer; /* the pause is over; or it has not ended in time */
	int64_t started;
	long restarts;
	bool asked; /* to end */
};

static struct program *programs;
static int64_t first_pause = 100 * MS, grace = 5000 * MS;
static long most_restarts = -1;
static bool stopping;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "supervisor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void arm(struct butter_loop *loop, struct program *p, int64_t after)
{
	butter_ev_timer_stop(loop, &p->timer);
	butter_ev_timer_set(&p->timer, after, 0);
	if (butter_ev_timer_start(loop, &p->timer) < 0)
		die("timer");
}

static void start_later(struct butter_loop *loop, struct program *p)
{
	int64_t pause = first_pause;
	if (butter_loop_now(loop) - p->started >= SETTLED)
		p->restarts = 0;
	if (p->restarts == most_restarts) {
		printf("give up  %s, after %ld restarts\n", p->argv[0], p->restarts);
		return;
	}
	for (long i = 0; i < p->restarts && pause < LONGEST_PAUSE; i++)
		pause *= 2;
	pause = pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
	printf("pause    %s, %" PRId64 " ms, then restart %ld\n", p->argv[0], pause / MS, ++p->restarts);
	arm(loop, p, pause);
}

/* A group of its own: a terminal's Ctrl-C comes to the supervisor alone. */
static struct butter_process *spawn(const struct program *p)
{
	const struct butter_spawn how = {
		.size = sizeof(how),
		.path = p->argv[0],
		.argv = p->argv,
		.search = getenv("PATH"),
		.flags = BUTTER_SPAWN_SETPGID | BUTTER_SPAWN_CLOSE_FDS,
	};
	return butter_spawn(&how);
}

/* The group; where the kernel cannot (before Linux 6.9), or it has gone over to another, the process. */
static void send_to(const struct program *p, int signo)
{
	if (butter_pidfd_send_signal(butter_process_fd(p->process), signo, NULL, PIDFD_SIGNAL_PROCESS_GROUP) <
	    0)
		butter_process_signal(p->process, signo);
}

/* Nobody would be told of its end. */
static void undo(struct program *p)
{
	struct butter_process_event ev;
	int error = errno;
	send_to(p, SIGKILL);
	while (butter_process_wait_event(p->process, &ev, -1) < 0 && errno == EINTR)
		;
	butter_process_close(p->process);
	p->process = NULL;
	errno = error;
}

/* What fails now may work later: the program is being replaced, or there are too many processes. */
static void start(struct butter_loop *loop, struct program *p)
{
	p->started = butter_loop_now(loop);
	p->process = spawn(p);
	if (p->process) {
		butter_ev_child_set(&p->child, butter_process_pid(p->process));
		if (butter_ev_child_start(loop, &p->child) < 0)
			undo(p);
	}
	if (p->process) {
		printf("start    %s, process %d\n", p->argv[0], (int)butter_process_pid(p->process));
	} else {
		printf("fail     %s: %s\n", p->argv[0], strerror(errno));
		start_later(loop, p);
	}
}

static void ask_to_end(struct butter_loop *loop, struct program *p)
{
	if (p->asked)
		return;
	p->asked = true;
	send_to(p, SIGTERM);
	arm(loop, p, grace);
}

/* What the watchers call */

static void tell_end(const struct program *p, const struct butter_process_event *ev)
{
	char code[16], status[16];
	butter_process_code_format(ev->code, code, sizeof(code));
	if (ev->code == CLD_EXITED)
		snprintf(status, sizeof(status), "%" PRId32, ev->status);
	else
		butter_signalfd_signo_format(ev->status, status, sizeof(status));
	printf("end      %s, process %d: %s %s\n", p->argv[0], (int)butter_process_pid(p->process), code,
	       status);
}

static void on_end(struct butter_loop *loop, struct butter_ev_child *w, uint32_t revents)
{
	struct program *p = w->ev.data;
	bool asked = p->asked;
	if (revents & BUTTER_EV_ERROR)
		printf("end      %s: %s\n", p->argv[0], strerror(w->error));
	else
		tell_end(p, &w->event);
	butter_ev_timer_stop(loop, &p->timer);
	send_to(p, SIGKILL); /* what it has left: a pidfd names the group as long as it has members */
	butter_process_close(p->process);
	p->process = NULL;
	p->asked = false;
	if (asked && !stopping)
		start(loop, p);
	else if (!stopping)
		start_later(loop, p);
}

static void on_timer(struct butter_loop *loop, struct butter_ev_timer *w, uint32_t revents)
{
	struct program *p = w->ev.data;
	(void)revents;
	if (!p->process) {
		start(loop, p);
		return;
	}
	printf("kill     %s, process %d, which did not end in time\n", p->argv[0],
	       (int)butter_process_pid(p->process));
	send_to(p, SIGKILL);
}

static void on_stop(struct butter_loop *loop, struct butter_ev_signal *w, uint32_t revents)
{
	(void)w, (void)revents;
	printf("stop\n");
	stopping = true;
	for (struct program *p = programs; p; p = p->next) {
		if (p->process)
			ask_to_end(loop, p);
		else
			butter_ev_timer_stop(loop, &p->timer);
	}
}

static void on_restart(struct butter_loop *loop, struct butter_ev_signal *w, uint32_t revents)
{
	(void)w, (void)revents;
	if (stopping)
		return;
	printf("restart\n");
	for (struct program *p = programs; p; p = p->next) {
		p->restarts = 0;
		if (p->process) {
			ask_to_end(loop, p);
		} else {
			butter_ev_timer_stop(loop, &p->timer);
			start(loop, p);
		}
	}
}

/* The programs */

static char **split(char *line)
{
	size_t count = 0;
	char **argv = calloc(strlen(line) / 2 + 2, sizeof(*argv)), *end;
	if (!argv)
		die("CONFIG");
	for (char *word = strtok_r(line, " \t\n", &end); word; word = strtok_r(NULL, " \t\n", &end))
		argv[count++] = word;
	return argv;
}

static void add(struct program **at, char *line)
{
	struct program *p = calloc(1, sizeof(*p));
	if (!p)
		die("CONFIG");
	p->line = line;
	p->argv = split(line);
	butter_ev_child_init(&p->child, on_end, 0);
	butter_ev_timer_init(&p->timer, on_timer, 0, 0);
	p->child.ev.data = p->timer.ev.data = p;
	*at = p;
}

static void read_config(const char *path)
{
	struct program **at = &programs;
	FILE *file = fopen(path, "re");
	if (!file)
		die(path);
	for (;;) {
		char *line = NULL;
		size_t size = 0;
		if (getline(&line, &size, file) < 0) {
			free(line);
			break;
		}
		line[strcspn(line, "#")] = 0;
		if (line[strspn(line, " \t\n")]) {
			add(at, line);
			at = &(*at)->next;
		} else {
			free(line);
		}
	}
	if (ferror(file))
		die(path);
	fclose(file);
}

static void forget_programs(void)
{
	for (struct program *p = programs, *next; p; p = next) {
		next = p->next;
		free(p->argv);
		free(p->line);
		free(p);
	}
}

static void supervise(struct butter_loop *loop)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct butter_ev_signal watchers[3];
	for (size_t i = 0; i < 3; i++) {
		butter_ev_signal_init(&watchers[i], signals[i] == SIGHUP ? on_restart : on_stop, signals[i]);
		if (butter_ev_signal_start(loop, &watchers[i]) < 0)
			die("signals");
		butter_loop_unref(loop);
	}
	for (struct program *p = programs; p; p = p->next)
		start(loop, p);
	if (butter_loop_run(loop, BUTTER_RUN_DEFAULT) < 0)
		die("loop");
	butter_loop_free(loop);
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: supervisor [-b MILLISECONDS] [-g MILLISECONDS] [-n RESTARTS] CONFIG\n");
	exit(2);
}

static long number(const char *text, long least)
{
	char *end;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < least || n > INT32_MAX)
		usage();
	return n;
}

int main(int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "b:g:n:")) != -1;) {
		if (c == 'b')
			first_pause = number(optarg, 1) * MS;
		else if (c == 'g')
			grace = number(optarg, 1) * MS;
		else if (c == 'n')
			most_restarts = number(optarg, 0);
		else
			usage();
	}
	if (argc != optind + 1)
		usage();
	read_config(argv[optind]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGCHLD, SIG_DFL); /* whoever starts us may ignore it: then how they end is not known */
	struct butter_loop *loop = butter_loop_new(NULL);
	if (!loop)
		die("loop");
	supervise(loop);
	forget_programs();
	return stopping ? 0 : 1;
}
