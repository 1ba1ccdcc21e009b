/* SPDX-License-Identifier: MIT */
/*
 * A permission daemon: whoever opens a file on the mount of DIRECTORY waits until it has been decided by
 * rules, of which the first that fits counts; what fits none is allowed.
 *
 *	guard DIRECTORY 'deny path=*.exe' 'allow uid=0' 'deny exe=*head path=*private*'
 *
 * A rule is one argument: allow or deny, and path=GLOB, exe=GLOB, uid=NUMBER, which must all fit.
 * SIGTERM and SIGINT end it; then, as whenever it dies, the kernel allows what is open.
 *
 * Nothing between a question and its answer may open a file on that mount, or wait for someone who does:
 * paths are read from links in /proc, decisions go to a buffer, and the buffer to the standard output when
 * that can take it, once nothing more is asked.
 *
 *	cc guard.c $(pkg-config --cflags --libs butter)
 */
#include <butter/butter.h>

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_TIMEOUT (INT64_C(2) * 1000 * 1000 * 1000) /* 2 s, then it is denied */

enum { MOST_RULES = 64, LOG_SIZE = 64 << 10, LINE = 2 * PATH_MAX };

struct rule {
	uint32_t response;
	const char *path, *exe; /* NULL: any */
	int64_t uid;            /* -1: any */
};

static struct rule rules[MOST_RULES];
static int n_rules;

static struct butter_fanotify *guard;
static struct butter_signalfd *signals;
static uint64_t allowed, denied, lost_lines;

static char lines[LOG_SIZE];
static size_t log_len;

/* The response that a word names, 0: none. */
static uint32_t response_named(const char *word)
{
	if (word && strcmp(word, "allow") == 0)
		return FAN_ALLOW;
	return word && strcmp(word, "deny") == 0 ? FAN_DENY : 0;
}

static int parse_uid(const char *text, int64_t *ret)
{
	char *end;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	return *ret >= 0 && !errno && end != text && !*end;
}

/* One argument, cut up in place. 1, or 0: it is none. */
static int parse_rule(char *text, struct rule *rule)
{
	char *rest, *word = strtok_r(text, " ", &rest);
	int good = 1;
	*rule = (struct rule){.response = response_named(word), .uid = -1};
	while (good && (word = strtok_r(NULL, " ", &rest))) {
		if (strncmp(word, "path=", 5) == 0)
			rule->path = word + 5;
		else if (strncmp(word, "exe=", 4) == 0)
			rule->exe = word + 4;
		else
			good = strncmp(word, "uid=", 4) == 0 && parse_uid(word + 4, &rule->uid);
	}
	return good && rule->response;
}

/* Where a link of /proc points; "?" when it cannot be told. */
static void read_link(const char *link, char path[PATH_MAX])
{
	ssize_t n = readlink(link, path, PATH_MAX - 1);
	if (n < 0)
		memcpy(path, "?", 2);
	else
		path[n] = '\0';
}

struct question {
	char path[PATH_MAX], exe[PATH_MAX];
	int64_t uid; /* -1: unknown */
};

/* The opener waits, so that its pid is its own until it is answered, or killed. */
static void look_at(const struct butter_fanotify_event *ev, struct question *q)
{
	char name[64];
	struct stat st;
	snprintf(name, sizeof(name), "/proc/self/fd/%" PRId32, ev->fd);
	read_link(name, q->path);
	snprintf(name, sizeof(name), "/proc/%" PRId32 "/exe", ev->pid);
	read_link(name, q->exe);
	snprintf(name, sizeof(name), "/proc/%" PRId32, ev->pid);
	q->uid = stat(name, &st) < 0 ? -1 : (int64_t)st.st_uid;
}

static int fits(const struct rule *rule, const struct question *q)
{
	return (!rule->path || fnmatch(rule->path, q->path, 0) == 0) &&
	       (!rule->exe || fnmatch(rule->exe, q->exe, 0) == 0) && (rule->uid < 0 || rule->uid == q->uid);
}

/* The number of the rule from 1, 0: none. */
static int decide(const struct question *q)
{
	for (int i = 0; i < n_rules; i++)
		if (fits(&rules[i], q))
			return i + 1;
	return 0;
}

/* Any byte may be in a path; a terminal is not to see control characters. */
static void add_text(char *line, size_t *len, const char *text)
{
	for (; *text && *len < LINE - 8; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < ' ' || c == '\\' || c == 0x7f)
			*len += (size_t)sprintf(line + *len, "\\%03o", c);
		else
			line[(*len)++] = (char)c;
	}
}

static void note(const char *line, size_t len)
{
	if (len > LOG_SIZE - log_len) {
		lost_lines++;
		return;
	}
	memcpy(lines + log_len, line, len);
	log_len += len;
}

static void note_decision(const struct butter_fanotify_event *ev, const struct question *q, int rule,
			  const char *verdict)
{
	static char line[LINE + 64];
	size_t len = (size_t)sprintf(line, "%s ", verdict);
	add_text(line, &len, q->path);
	len += (size_t)sprintf(line + len, " to ");
	add_text(line, &len, q->exe);
	len += (size_t)sprintf(line + len, " pid %" PRId32 " uid %" PRId64 " rule %d\n", ev->pid, q->uid,
			       rule);
	note(line, len);
}

static void note_text(const char *text, const char *detail)
{
	char line[PATH_MAX + 64];
	int len = snprintf(line, sizeof(line), "%s %s\n", text, detail);
	note(line, (size_t)len < sizeof(line) ? (size_t)len : 0);
}

static void answer(struct butter_fanotify_event *ev)
{
	static struct question q;
	if (ev->pid == getpid()) {
		butter_fanotify_respond(guard, ev, FAN_ALLOW, NULL);
		return;
	}
	look_at(ev, &q);
	int rule = decide(&q);
	uint32_t response = rule ? rules[rule - 1].response : FAN_ALLOW;
	const char *verdict = response == FAN_ALLOW ? "allow" : "deny";
	if (butter_fanotify_respond(guard, ev, response, NULL) < 0)
		verdict = errno == ENOENT ? "late" : "error";
	*(response == FAN_ALLOW ? &allowed : &denied) += 1;
	note_decision(ev, &q, rule, verdict);
}

/* All that is asked; what cannot be told is not the end of the guard, which would allow everything. */
static void on_questions(void)
{
	struct butter_fanotify_event ev;
	int n;
	while ((n = butter_fanotify_read_event(guard, &ev)) == 1) {
		if (ev.mask & FAN_Q_OVERFLOW)
			note_text("overflow", "some were allowed unseen");
		else if (ev.fd < FAN_NOFD)
			note_text("denied by the kernel:", strerror(-ev.fd));
		else if (ev.permission)
			answer(&ev);
		butter_fanotify_event_close(guard, &ev);
	}
	if (n < 0)
		note_text("fanotify:", strerror(errno));
}

/* A pipe that is writable takes PIPE_BUF bytes without waiting for its reader, who may be asking. */
static void on_writable(void)
{
	ssize_t n = write(STDOUT_FILENO, lines, log_len < PIPE_BUF ? log_len : PIPE_BUF);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		n = (ssize_t)log_len;
		lost_lines++;
	}
	log_len -= (size_t)n;
	memmove(lines, lines + n, log_len);
}

/* What the kernel does not know yet is left out. */
static struct butter_fanotify *open_guard(void)
{
	const struct butter_fanotify_options options = {
		.size = sizeof(options),
		.default_response = FAN_DENY,
		.answer_timeout = ANSWER_TIMEOUT,
	};
	unsigned flags = FAN_CLASS_CONTENT | FAN_UNLIMITED_QUEUE;
	struct butter_fanotify *x = butter_fanotify_open(flags | FAN_REPORT_FD_ERROR, O_RDONLY, &options);
	return x || errno != EINVAL ? x : butter_fanotify_open(flags, O_RDONLY, &options);
}

static void die(const char *what)
{
	fprintf(stderr, "guard: %s: %s\n", what, strerror(errno));
	if (errno == EPERM)
		fprintf(stderr, "guard: it takes CAP_SYS_ADMIN to ask before files are opened\n");
	exit(errno == EPERM ? 2 : 1);
}

static void start(const char *directory)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	mlockall(MCL_CURRENT | MCL_FUTURE); /* if it may: pages of this program are not to be asked for */
	if (!(signals = butter_signalfd_open(&set, BUTTER_SIGNALFD_BLOCK)))
		die("signalfd");
	if (!(guard = open_guard()))
		die("fanotify");
	if (butter_fanotify_watch(guard, AT_FDCWD, directory, FAN_OPEN_PERM, FAN_MARK_MOUNT) < 0)
		die(directory);
	note_text("ready", directory);
}

static void run(void)
{
	struct butter_signalfd_event signal;
	struct pollfd fds[] = {
		{.fd = butter_fanotify_fd(guard), .events = POLLIN},
		{.fd = butter_signalfd_fd(signals), .events = POLLIN},
		{.fd = -1, .events = POLLOUT},
	};
	while (butter_signalfd_read_event(signals, &signal) != 1) {
		fds[2].fd = log_len ? STDOUT_FILENO : -1;
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			die("poll");
		on_questions();
		if (log_len && fds[2].revents)
			on_writable();
	}
}

int main(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		if (n_rules == MOST_RULES || !parse_rule(argv[i], &rules[n_rules++])) {
			fprintf(stderr, "guard: rule %d is none\n", i - 1);
			return 1;
		}
	}
	if (argc < 2) {
		fprintf(stderr,
			"usage: %s DIRECTORY ['allow|deny [path=GLOB] [exe=GLOB] [uid=NUMBER]' ...]\n",
			argv[0]);
		return 1;
	}
	start(argv[1]);
	run();
	butter_fanotify_close(guard); /* before anything that may wait */
	butter_signalfd_close(signals);
	for (struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT}; log_len; on_writable())
		poll(&out, 1, -1);
	printf("end: %" PRIu64 " allowed, %" PRIu64 " denied, %" PRIu64 " lines lost\n", allowed, denied,
	       lost_lines);
	return 0;
}
