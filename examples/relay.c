/* SPDX-License-Identifier: MIT */
/*
 * Passes the bytes of unix stream connections on, both ways, without ever having them in user space:
 * splice(2) moves them from a socket into a pipe and from the pipe into the other socket.
 *
 *	relay [-p BYTES] LISTEN TARGET		paths of sockets; SIGTERM or SIGINT ends it
 *
 * What one has to know of splice(2) here:
 *
 *	EAGAIN from a socket into a pipe means "nothing to read" or "the pipe is full", and does not say
 *	which. So each way counts what its pipe holds: an empty pipe is not full, any other is asked.
 *	A pipe is full by slots, not by bytes. A byte that was sent alone takes a slot of its own, and a
 *	large buffer takes one too, so that neither F_GETPIPE_SZ nor FIONREAD says whether there is room:
 *	poll(2) of its writing end does.
 *	A socket whose peer is gone raises SIGPIPE: splice(2) has no MSG_NOSIGNAL.
 *
 *	cc relay.c $(pkg-config --cflags --libs butter)
 */
#include <butter/butter.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	PIPE_SIZE = 256 * 1024, /* with the default of 64 KiB a tenth slower, with one page four times */
	MOST_AT_ONCE = 1 << 20, /* bytes asked of one splice(2): it gives what there is */
	ROUNDS = 16,            /* of one way before the others have their turn */
	MAX_LINKS = 128,        /* six fds each: within the usual 1024 */
	SIGNALS = 0,            /* places in the array for poll(2) */
	LISTENER = 1,
	ENDS = 2
};

/* One way of a connection. */
struct way {
	int from, to;
	int in, out; /* of the pipe: bytes go in from the source, and out to the sink */
	size_t held; /* bytes in the pipe */
	bool full;   /* the pipe: nothing is read before something has left it */
	bool ended;  /* the source gives no more */
	bool done;   /* nor does the sink get any more */
};

/* A connection: way[i] goes from end i to the other, so that end i is the source of way[i]. */
struct link {
	int end[2];
	struct way way[2];
};

static struct link links[MAX_LINKS];
static size_t n_links;
static struct pollfd fds[ENDS + 2 * MAX_LINKS];
static bool out_of_fds; /* until a connection ends */

static struct sockaddr_un target;
static int pipe_size = PIPE_SIZE;

static void die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A way */

/* As large as the kernel lets it be: the limits are fs.pipe-max-size and fs.pipe-user-pages-soft. */
static bool make_pipe(struct way *way)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	way->out = ends[0];
	way->in = ends[1];
	(void)fcntl(way->in, F_SETPIPE_SZ, pipe_size);
	return true;
}

/* What is still in the pipe has nobody to go to, and the source learns that nobody listens. */
static void give_up(struct way *way)
{
	way->held = 0;
	way->ended = way->done = true;
	shutdown(way->from, SHUT_RD);
}

/* A source that fails has ended too: what it had sent is passed on. ECONNRESET is of every day. */
static void end_of_source(struct way *way, bool failed)
{
	if (failed && errno != ECONNRESET)
		perror("relay: a connection is cut");
	way->ended = true;
}

static bool has_room(const struct way *way)
{
	struct pollfd in = {.fd = way->in, .events = POLLOUT};
	return poll(&in, 1, 0) == 1 && (in.revents & POLLOUT);
}

/* From the source into the pipe. */
static bool fill(struct way *way)
{
	ssize_t n = butter_splice(way->from, NULL, way->in, NULL, MOST_AT_ONCE,
				  SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n > 0)
		way->held += (size_t)n;
	else if (n < 0 && errno == EAGAIN)
		way->full = way->held > 0 && !has_room(way);
	else if (n == 0 || errno != EINTR)
		end_of_source(way, n < 0);
	return n > 0;
}

/* From the pipe into the sink. */
static bool drain(struct way *way)
{
	ssize_t n =
		butter_splice(way->out, NULL, way->to, NULL, way->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n > 0) {
		way->held -= (size_t)n;
		way->full = false;
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		give_up(way);
	}
	return n > 0;
}

/* The source's end is passed on when the sink has had everything. */
static void finish(struct way *way)
{
	if (way->ended && way->held == 0 && !way->done) {
		shutdown(way->to, SHUT_WR);
		way->done = true;
	}
}

/* Moves what can be moved now. After ROUNDS poll(2) tells of the rest at once. */
static void pump(struct way *way)
{
	bool moved = true;
	for (int i = 0; moved && i < ROUNDS; i++) {
		moved = !way->ended && !way->full && fill(way);
		moved |= way->held > 0 && drain(way);
	}
	finish(way);
}

/* A connection */

static void close_link(struct link *link)
{
	for (int i = 0; i < 2; i++) {
		close(link->end[i]);
		close(link->way[i].in);
		close(link->way[i].out);
	}
}

/*
 * What to wait for at an end: input when its way takes some, room for output when there is some. POLLHUP
 * and POLLERR are told even to those who ask for nothing, again and again. So an end is looked at
 * only as long as that can lead to something: while it may get more, or is read.
 */
static void ask(const struct link *link, int end, struct pollfd *ret)
{
	const struct way *source = &link->way[end], *sink = &link->way[!end];
	short events = 0;
	if (!source->ended && !source->full)
		events |= POLLIN;
	if (sink->held > 0)
		events |= POLLOUT;
	*ret = (struct pollfd){.fd = events || !sink->done ? link->end[end] : -1, .events = events};
}

/* False: the connection is over. */
static bool serve(struct link *link, const struct pollfd ends[2])
{
	if (!ends[0].revents && !ends[1].revents)
		return true;
	for (int i = 0; i < 2; i++) {
		/* An end that hung up takes nothing any more; what it has sent before can be read still. */
		if ((ends[!i].revents & (POLLHUP | POLLERR | POLLNVAL)) && !link->way[i].done)
			give_up(&link->way[i]);
		if (!link->way[i].done)
			pump(&link->way[i]);
	}
	return !link->way[0].done || !link->way[1].done;
}

/* EAGAIN when the target's backlog is full: refused too, since to wait would stop everyone. */
static int connect_target(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&target, sizeof(target)) < 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static bool open_link(struct link *link, int client)
{
	memset(link, 0, sizeof(*link));
	link->end[0] = client;
	if ((link->end[1] = connect_target()) < 0)
		return false;
	for (int i = 0; i < 2; i++) {
		link->way[i].from = link->end[i];
		link->way[i].to = link->end[!i];
	}
	if (make_pipe(&link->way[0])) {
		if (make_pipe(&link->way[1]))
			return true;
		close(link->way[0].in);
		close(link->way[0].out);
	}
	close(link->end[1]);
	return false;
}

/* The loop */

/*
 * One connection for each readiness of the listener. One that cannot be accepted keeps the listener
 * ready: it is not asked again until an fd is free.
 */
static void on_connection(int listener)
{
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
		if (n_links == 0)
			die("accept");
		out_of_fds = true;
	}
	if (client < 0)
		return;
	if (open_link(&links[n_links], client)) {
		n_links++;
	} else {
		fprintf(stderr, "relay: a connection is refused: %s: %s\n", target.sun_path, strerror(errno));
		close(client);
	}
}

/* From the last to the first, since the last takes the place of one that is over. */
static void serve_links(void)
{
	for (size_t i = n_links; i-- > 0;) {
		if (serve(&links[i], &fds[ENDS + 2 * i]))
			continue;
		close_link(&links[i]);
		links[i] = links[--n_links];
		out_of_fds = false;
	}
}

static void wait_for_events(int listener)
{
	bool room = n_links < MAX_LINKS && !out_of_fds;
	fds[LISTENER] = (struct pollfd){.fd = room ? listener : -1, .events = POLLIN};
	for (size_t i = 0; i < 2 * n_links; i++)
		ask(&links[i / 2], (int)(i % 2), &fds[ENDS + i]);
	while (poll(fds, ENDS + 2 * n_links, -1) < 0)
		if (errno != EINTR)
			die("poll");
}

static void run(struct butter_signalfd *signals, int listener)
{
	struct butter_signalfd_event ev;
	fds[SIGNALS] = (struct pollfd){.fd = butter_signalfd_fd(signals), .events = POLLIN};
	do {
		wait_for_events(listener);
		serve_links();
		if (fds[LISTENER].revents)
			on_connection(listener);
	} while (butter_signalfd_read_event(signals, &ev) == 0);
	while (n_links > 0)
		close_link(&links[--n_links]);
}

/* Starting */

static struct butter_signalfd *open_signals(void)
{
	struct butter_signalfd *signals;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (!(signals = butter_signalfd_open(&set, BUTTER_SIGNALFD_BLOCK)))
		die("signalfd");
	signal(SIGPIPE, SIG_IGN);
	return signals;
}

static int listen_at(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		die(address->sun_path);
	return fd;
}

/* Bad arguments */

static _Noreturn void usage(const char *what, const char *argument, const char *remedy)
{
	fprintf(stderr,
		"relay: %s%s%s: %s\n"
		"usage: relay [-p BYTES] LISTEN TARGET\n",
		what, argument ? " " : "", argument ? argument : "", remedy);
	exit(2);
}

static int to_size(const char *text)
{
	char *end;
	errno = 0;
	long size = strtol(text, &end, 10);
	if (errno || end == text || *end || size < 1 || size > INT32_MAX)
		usage("-p", text, "give the size of a pipe in bytes, such as 262144");
	return (int)size;
}

static struct sockaddr_un to_address(const char *what, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (!path)
		usage(what, NULL, "give the path of a socket");
	if (!*path || strlen(path) >= sizeof(address.sun_path))
		usage(what, path, "give a path of 1 to 107 bytes; a relative one can be shorter");
	memcpy(address.sun_path, path, strlen(path));
	return address;
}

int main(int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, ":p:")) != -1;) {
		const char option[] = {'-', (char)optopt, 0};
		if (c != 'p')
			usage(option, NULL, c == ':' ? "give a size after it" : "no such option");
		pipe_size = to_size(optarg);
	}
	struct sockaddr_un address = to_address("LISTEN", argv[optind]);
	target = to_address("TARGET", argv[optind + 1]);
	if (argv[optind + 2])
		usage("unexpected", argv[optind + 2], "give LISTEN and TARGET only");

	struct butter_signalfd *signals = open_signals();
	int listener = listen_at(&address);
	printf("ready %s\n", address.sun_path);
	fflush(stdout);
	run(signals, listener);
	unlink(address.sun_path);
	close(listener);
	butter_signalfd_close(signals);
	return 0;
}
