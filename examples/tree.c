/* SPDX-License-Identifier: MIT */
/*
 * What happens in whole trees of directories: a line for each event, with the path. Any user may run it;
 * no directory is watched by hand, and new ones are seen with all that is in them. SIGUSR1 asks for a mark
 * behind all that was before it, which comes with what is known by then. SIGTERM and SIGINT end.
 *
 *	tree [-e] [-s SECONDS] [-x GLOB]... DIRECTORY...
 *		-e	know files too: what is there is told first, and after a loss the differences
 *		-s	tell the changes of a path when it was quiet for so long
 *		-x	leave out directories that match, and all in them
 *
 *	cc tree.c $(pkg-config --cflags --libs butter)
 */
#include <butter/butter.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AT_ONCE = 10000, RULES = 64, DAY = 86400 };

static struct butter_tree *tree;
static struct butter_signalfd *signals;
static struct butter_tree_rule rules[RULES];
static struct butter_tree_options options = {.size = sizeof(options)};
static struct butter_tree_root root = {.size = sizeof(root), .rules = rules};
static uint64_t told;

static void die(const char *what)
{
	fprintf(stderr, "tree: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(const char *what)
{
	if (what)
		fprintf(stderr, "tree: %s\n", what);
	fprintf(stderr, "usage: tree [-e] [-s SECONDS] [-x GLOB]... DIRECTORY...\n");
	exit(2);
}

/* Names are any bytes; a terminal is not to see control characters, and a line is one event. */
static void print_path(const char *path, int is_dir)
{
	for (const unsigned char *at = (const unsigned char *)path; *at; at++) {
		if (*at < ' ' || *at == '\\' || *at == 0x7f)
			printf("\\%03o", *at);
		else
			putchar(*at);
	}
	if (is_dir)
		putchar('/');
}

static void print_statistics(uint64_t cookie)
{
	struct butter_tree_statistics s;
	butter_tree_get(tree, &s);
	printf("SYNC %" PRIu64 ": %" PRIu64 " told, %" PRIu64 " directories and %" PRIu64
	       " files known, %" PRIu64 " watched, %" PRIu64 " not, in %" PRIu64 " bytes\n",
	       cookie, told, s.directories, s.entries, s.watches, s.unwatched, s.bytes);
}

/* What cannot be watched and why; a limit of the user's can be raised. */
static void print_reason(const struct butter_tree_event *ev)
{
	printf(" (%s", strerror(ev->error));
	if (*ev->limit)
		printf(": %s is %" PRIu64, ev->limit, ev->limit_value);
	putchar(')');
}

static void print_event(const struct butter_tree_event *ev)
{
	static const char prefix[] = "BUTTER_TREE_";
	int is_dir = (ev->flags & BUTTER_TREE_IS_DIR) != 0;
	char type[64];
	butter_tree_mask_format(ev->type, type, sizeof(type));
	printf("%s ", type + (strncmp(type, prefix, sizeof(prefix) - 1) ? 0 : sizeof(prefix) - 1));
	if (ev->type == BUTTER_TREE_MOVED) {
		print_path(ev->old_path, is_dir);
		printf(ev->flags & BUTTER_TREE_EXCHANGED ? " <-> " : " -> ");
	}
	print_path(ev->path, is_dir);
	if (ev->type == BUTTER_TREE_DEGRADED)
		print_reason(ev);
	if (ev->type == BUTTER_TREE_GAP)
		printf(" (events were lost: it is to be listed again)");
	if (ev->flags & BUTTER_TREE_SYNTHETIC)
		printf(" (found)");
	putchar('\n');
	told++;
}

/* Not all of a flood at once, since a signal may be waiting: the fd stays readable while there is more. */
static void on_tree(void)
{
	struct butter_tree_event ev;
	int n = 0;
	for (int i = 0; i < AT_ONCE && (n = butter_tree_read_event(tree, &ev)) == 1; i++) {
		if (ev.type == BUTTER_TREE_SYNC)
			print_statistics(ev.cookie);
		else
			print_event(&ev);
	}
	if (n < 0)
		die("reading events");
}

/* 1: the end. */
static int on_signals(void)
{
	struct butter_signalfd_event ev;
	int n;
	while ((n = butter_signalfd_read_event(signals, &ev)) == 1) {
		if (ev.signo != SIGUSR1)
			return 1;
		if (butter_tree_sync(tree, 0) < 0)
			die("sync");
	}
	if (n < 0)
		die("reading signals");
	return 0;
}

static void take_rule(const char *pattern)
{
	if (root.rule_count == RULES)
		usage("-x: there are too many");
	rules[root.rule_count++] = (struct butter_tree_rule){.action = BUTTER_TREE_PRUNE, .pattern = pattern};
}

static void take_settle(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);
	if (end == text || *end || !(seconds >= 0 && seconds <= DAY))
		usage("-s: give seconds, such as 0.5");
	root.settle = (int64_t)(seconds * 1e9);
}

static void take_options(int argc, char **argv)
{
	int option;
	while ((option = getopt(argc, argv, "es:x:")) != -1) {
		switch (option) {
		case 'e':
			options.flags = BUTTER_TREE_ENTRIES;
			break;
		case 's':
			take_settle(optarg);
			break;
		case 'x':
			take_rule(optarg);
			break;
		default:
			usage(NULL);
		}
	}
	if (optind == argc)
		usage("DIRECTORY: give at least one");
}

static void add(const char *path)
{
	size_t bad = RULES;
	if (butter_tree_add(tree, path, &root, &bad) >= 0)
		return;
	if (errno == EINVAL && bad < root.rule_count) {
		fprintf(stderr, "tree: -x %s: no such pattern\n", rules[bad].pattern);
		exit(2);
	}
	die(path);
}

/* Signals are blocked before all else, so that each is seen by the signalfd. */
static void start(char **paths)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	if (!(signals = butter_signalfd_open(&set, BUTTER_SIGNALFD_BLOCK)))
		die("signalfd");
	if (!(tree = butter_tree_open(&options)))
		die("tree");
	for (; *paths; paths++)
		add(*paths);
}

int main(int argc, char **argv)
{
	take_options(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	start(argv + optind);

	struct pollfd fds[] = {
		{.fd = butter_tree_fd(tree), .events = POLLIN},
		{.fd = butter_signalfd_fd(signals), .events = POLLIN},
	};
	int end;
	do {
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0)
			die("poll");
		end = on_signals();
		on_tree(); /* also before the end */
	} while (!end);
	printf("end: %" PRIu64 " events\n", told);
	butter_tree_close(tree);
	butter_signalfd_close(signals);
	return 0;
}
