/* SPDX-License-Identifier: MIT */
/*
 * Sends back what it is sent, over TCP on 127.0.0.1, to as many connections as it may have fds for, on
 * a port of the kernel's choice, which it prints.
 *
 *	echo-server [-i MILLISECONDS]	closes connections that are idle so long (60000);
 *					SIGTERM or SIGINT ends it
 *
 * What a server on a loop has to mind, and how this one does:
 *
 *	A write may be short. The rest is kept, and nothing more is read from this client before it has
 *	taken it: a client that does not read fills its own socket's buffers and no memory of ours.
 *	Input may end before output: a client that has shut down its side still gets all that it sent.
 *	Without a free fd accept(2) fails, and the listener stays ready: it is stopped until a connection
 *	has ended, or, since the fds may be other programs' (ENFILE), for a while.
 *	A client may be gone without a word: each has a timer, which whatever it takes or sends puts off.
 *	A connection can end in any callback, with events of its own pending: its watchers are stopped, and
 *	its memory is freed at once.
 *
 *	cc echo-server.c $(pkg-config --cflags --libs butter)
 */
#include <butter/butter.h>

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS (INT64_C(1000) * 1000) /* in nanoseconds */
#define TRY_AGAIN (100 * MS)      /* to accept, when there was no fd */
enum { CHUNK = 1 << 16, ACCEPT_AT_ONCE = 64 };

struct connection {
	struct butter_ev_io io;
	struct butter_ev_timer idle;
	struct butter_ev_cleanup cleanup; /* the loop ends before it */
	char *rest;                       /* what the client has not taken yet, or NULL */
	size_t at, size;
};

static struct butter_ev_io listener;
static struct butter_ev_timer try_again;
static int64_t idle_time = 60000 * MS;
static struct {
	uint64_t accepted, bytes, idle, cut_off, without_fd;
	size_t open, most;
} count;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "echo-server: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Accepting */

static void accept_later(struct butter_loop *loop)
{
	count.without_fd++;
	butter_ev_io_stop(loop, &listener);
	if (butter_ev_timer_again(loop, &try_again) < 0)
		die("timer");
}

static void accept_again(struct butter_loop *loop)
{
	butter_ev_timer_stop(loop, &try_again);
	if (butter_ev_io_start(loop, &listener) < 0)
		die("listener");
}

static void on_try_again(struct butter_loop *loop, struct butter_ev_timer *w, uint32_t revents)
{
	(void)w, (void)revents;
	accept_again(loop);
}

/* A connection */

static void end_connection(struct butter_loop *loop, struct connection *c)
{
	butter_ev_io_stop(loop, &c->io); /* before its fd is closed */
	butter_ev_timer_stop(loop, &c->idle);
	butter_ev_cleanup_stop(loop, &c->cleanup);
	close(c->io.fd);
	free(c->rest);
	free(c);
	count.open--;
}

static void close_connection(struct butter_loop *loop, struct connection *c)
{
	end_connection(loop, c);
	if (!butter_ev_is_active(&listener))
		accept_again(loop);
}

/* ECONNRESET and EPIPE are of every day: a client that did not want the rest. */
static void fail(struct butter_loop *loop, struct connection *c, int error)
{
	if (error != ECONNRESET && error != EPIPE)
		fprintf(stderr, "echo-server: a connection is cut: %s\n", strerror(error));
	count.cut_off++;
	close_connection(loop, c);
}

/* How much the client took; -1: it is gone. */
static ssize_t send_some(const struct connection *c, const char *bytes, size_t size)
{
	ssize_t n = send(c->io.fd, bytes, size, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0)
		count.bytes += (uint64_t)n;
	return n;
}

/* Waits until there is room for what was not taken, and reads nothing meanwhile. */
static void keep_rest(struct butter_loop *loop, struct connection *c, const char *bytes, size_t size)
{
	c->rest = malloc(size);
	if (!c->rest) {
		fail(loop, c, ENOMEM);
		return;
	}
	memcpy(c->rest, bytes, size);
	c->at = 0;
	c->size = size;
	butter_ev_io_modify(loop, &c->io, BUTTER_EV_WRITE);
}

/* One read for each readiness, so that nobody has to wait for one who never stops. */
static void echo(struct butter_loop *loop, struct connection *c)
{
	static char bytes[CHUNK];
	ssize_t n = recv(c->io.fd, bytes, sizeof(bytes), 0), sent;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0) { /* all that it has sent it has been given: nothing is read before */
		close_connection(loop, c);
	} else if (n < 0 || (sent = send_some(c, bytes, (size_t)n)) < 0) {
		fail(loop, c, errno);
	} else {
		butter_ev_timer_again(loop, &c->idle);
		if (sent < n)
			keep_rest(loop, c, bytes + sent, (size_t)(n - sent));
	}
}

static void send_rest(struct butter_loop *loop, struct connection *c)
{
	ssize_t sent = send_some(c, c->rest + c->at, c->size - c->at);
	if (sent < 0) {
		fail(loop, c, errno);
		return;
	}
	c->at += (size_t)sent;
	if (sent > 0)
		butter_ev_timer_again(loop, &c->idle);
	if (c->at < c->size)
		return;
	free(c->rest);
	c->rest = NULL;
	butter_ev_io_modify(loop, &c->io, BUTTER_EV_READ);
}

static void on_ready(struct butter_loop *loop, struct butter_ev_io *w, uint32_t revents)
{
	struct connection *c = w->ev.data;
	if (revents & BUTTER_EV_ERROR)
		fail(loop, c, w->error);
	else if (c->rest)
		send_rest(loop, c);
	else
		echo(loop, c);
}

static void on_idle(struct butter_loop *loop, struct butter_ev_timer *w, uint32_t revents)
{
	(void)revents;
	count.idle++;
	close_connection(loop, w->ev.data);
}

static void on_cleanup(struct butter_loop *loop, struct butter_ev_cleanup *w, uint32_t revents)
{
	(void)revents;
	end_connection(loop, w->ev.data);
}

static void open_connection(struct butter_loop *loop, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (!c) {
		close(fd);
		count.cut_off++;
		return;
	}
	if (++count.open > count.most)
		count.most = count.open;
	butter_ev_io_init(&c->io, on_ready, fd, BUTTER_EV_READ);
	butter_ev_timer_init(&c->idle, on_idle, 0, idle_time);
	butter_ev_cleanup_init(&c->cleanup, on_cleanup);
	c->io.ev.data = c->idle.ev.data = c->cleanup.ev.data = c;
	if (butter_ev_io_start(loop, &c->io) < 0 || butter_ev_timer_again(loop, &c->idle) < 0 ||
	    butter_ev_cleanup_start(loop, &c->cleanup) < 0)
		fail(loop, c, errno);
}

/* Some of those who wait; of the others the loop tells at once, with those who send. */
static void on_client(struct butter_loop *loop, struct butter_ev_io *w, uint32_t revents)
{
	if (revents & BUTTER_EV_ERROR) {
		errno = w->error;
		die("listener");
	}
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			count.accepted++;
			open_connection(loop, fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			accept_later(loop);
			return;
		} else if (errno == EAGAIN) {
			return;
		} /* else it was this one's: ECONNABORTED */
	}
}

/* The server */

static void on_signal(struct butter_loop *loop, struct butter_ev_signal *w, uint32_t revents)
{
	(void)w, (void)revents;
	butter_loop_break(loop, BUTTER_BREAK_ALL);
}

static int listen_somewhere(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &size) < 0)
		die("listen");
	printf("ready 127.0.0.1:%u\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

/* As many as it may have: who uses select(2) needs the low default, this program does not. */
static void raise_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("setrlimit");
}

static void serve(struct butter_loop *loop)
{
	struct butter_ev_signal term, interrupt;
	butter_ev_signal_init(&term, on_signal, SIGTERM);
	butter_ev_signal_init(&interrupt, on_signal, SIGINT);
	if (butter_ev_signal_start(loop, &term) < 0 || butter_ev_signal_start(loop, &interrupt) < 0)
		die("signals");
	butter_ev_timer_init(&try_again, on_try_again, 0, TRY_AGAIN);
	butter_ev_io_init(&listener, on_client, listen_somewhere(), BUTTER_EV_READ);
	accept_again(loop);
	if (butter_loop_run(loop, BUTTER_RUN_DEFAULT) < 0)
		die("loop");
	butter_loop_free(loop); /* and so every connection */
	close(listener.fd);
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: echo-server [-i MILLISECONDS]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "i:")) != -1;) {
		char *end;
		long ms = c == 'i' ? strtol(optarg, &end, 10) : 0;
		if (ms < 1 || *end)
			usage();
		idle_time = ms * MS;
	}
	if (argv[optind])
		usage();
	raise_limit();
	struct butter_loop *loop = butter_loop_new(NULL);
	if (!loop)
		die("loop");
	serve(loop);
	printf("end: %" PRIu64 " connections, %zu at once, %" PRIu64 " bytes, %" PRIu64 " idle, %" PRIu64
	       " cut off, %" PRIu64 " times without an fd\n",
	       count.accepted, count.most, count.bytes, count.idle, count.cut_off, count.without_fd);
	return 0;
}
