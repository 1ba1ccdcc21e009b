/* SPDX-License-Identifier: MIT */
/*
 * Who does what to the files of a filesystem: a line for each event, with the time, the command and its
 * process, the event's names and the path. Ends on SIGTERM and SIGINT. Needs CAP_SYS_ADMIN and
 * CAP_DAC_READ_SEARCH, or a filesystem that was mounted in the user namespace (Linux 6.16).
 *
 *	trace [-c COMMAND] PATH		any path on the filesystem; of processes with this name only
 *
 * What the tracer itself does is left out; what another process writes to the same filesystem of what it
 * reads from the tracer is not, and makes for more to write.
 *
 *	cc trace.c $(pkg-config --cflags --libs butter)
 */
#include <butter/butter.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EVENTS                                                                                               \
	(FAN_OPEN | FAN_ACCESS | FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE | FAN_CREATE | FAN_DELETE |             \
	 FAN_RENAME | FAN_OPEN_EXEC | FAN_ONDIR)

enum { AT_ONCE = 10000 };

static struct butter_fanotify *files;
static struct butter_signalfd *signals;
static const char *only; /* this command, or all */
static unsigned long told, overflows;

static void die(const char *what)
{
	int error = errno;
	fprintf(stderr, "trace: %s: %s\n", what, strerror(error));
	if (error == EPERM)
		fprintf(stderr, "trace: to watch a whole filesystem takes CAP_SYS_ADMIN\n");
	exit(2);
}

/* Names are any bytes; a terminal is not to see control characters. */
static void print_bytes(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (*at < ' ' || *at == '\\' || *at == 0x7f)
			printf("\\%03o", *at);
		else
			putchar(*at);
	}
}

/* Of a process that has ended already there is no name any more. */
static void command_of(int32_t pid, char *buf, size_t size)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%" PRId32 "/comm", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);
	if (fd >= 0)
		close(fd);
	snprintf(buf + (n > 0 ? n - 1 : 0), size - (size_t)(n > 0 ? n - 1 : 0), "%s", n > 0 ? "" : "-");
}

static void print_time(void)
{
	struct timespec now;
	struct tm parts;
	char text[16];
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &parts);
	strftime(text, sizeof(text), "%H:%M:%S", &parts);
	printf("%s.%06ld ", text, now.tv_nsec / 1000);
}

/* Where it is now, or its name and why nobody can tell where that is. */
static void print_path(const struct butter_fanotify_handle *dir, const char *name)
{
	char path[8192];
	if (dir->handle && butter_fanotify_path(files, dir, name, path, sizeof(path)) >= 0) {
		print_bytes(path);
		return;
	}
	int error = errno;
	printf(".../");
	print_bytes(name);
	printf(" (%s)", !dir->handle || error == ESTALE ? "its directory is no more" : strerror(error));
}

static void print_event(const struct butter_fanotify_event *ev, const char *command)
{
	char mask[256];
	butter_fanotify_mask_format(ev->mask, mask, sizeof(mask));
	print_time();
	print_bytes(command);
	printf("(%" PRId32 ") %s ", ev->pid, mask);
	if (ev->old_dir.handle) {
		print_path(&ev->old_dir, ev->old_name);
		printf(" -> ");
	}
	if (ev->dir.handle)
		print_path(&ev->dir, ev->name);
	else
		print_path(&ev->object, "");
	putchar('\n');
	told++;
}

/* Not all of a flood at once: a signal may be waiting. */
static void on_files(void)
{
	struct butter_fanotify_event ev;
	char command[64];
	int n = 0;
	for (int i = 0; i < AT_ONCE && (n = butter_fanotify_read_event(files, &ev)) == 1; i++) {
		if (ev.mask & FAN_Q_OVERFLOW) {
			printf("overflow: events were lost here\n");
			overflows++;
			continue;
		}
		if (ev.pid != getpid()) {
			command_of(ev.pid, command, sizeof(command));
			if (!only || strcmp(only, command) == 0)
				print_event(&ev, command);
		}
		butter_fanotify_event_close(files, &ev);
	}
	if (n < 0)
		die("reading events");
}

static void start(const char *path)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (!(signals = butter_signalfd_open(&set, BUTTER_SIGNALFD_BLOCK)))
		die("signalfd");
	if (!(files = butter_fanotify_open(FAN_REPORT_DFID_NAME_TARGET, O_RDONLY, NULL)))
		die("fanotify");
	if (butter_fanotify_watch(files, AT_FDCWD, path, EVENTS, FAN_MARK_FILESYSTEM) < 0)
		die(path);
}

int main(int argc, char **argv)
{
	int option;
	while ((option = getopt(argc, argv, "c:")) == 'c')
		only = optarg;
	if (option != -1 || optind + 1 != argc) {
		fprintf(stderr, "usage: %s [-c COMMAND] PATH\n", argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	start(argv[optind]);
	printf("ready\n");

	struct pollfd fds[] = {
		{.fd = butter_fanotify_fd(files), .events = POLLIN},
		{.fd = butter_signalfd_fd(signals), .events = POLLIN},
	};
	do {
		/* poll(2) cannot see events that are read and not yet handed out. */
		int timeout = butter_fanotify_pending(files) ? 0 : -1;
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), timeout) < 0)
			die("poll");
		on_files(); /* also before the end */
	} while (!fds[1].revents);
	printf("end: %lu events, %lu overflows\n", told, overflows);
	butter_fanotify_close(files);
	butter_signalfd_close(signals);
	return 0;
}
