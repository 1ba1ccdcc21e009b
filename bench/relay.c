/* SPDX-License-Identifier: MIT */
/*
 * A relay between two unix stream connections: splice(2) through a pipe, as examples/relay.c does
 * it, beside read(2) and write(2) with a buffer of 64 KiB. Both have the same sockets, the same
 * writer that never stops, the same reader, and wait by the same poll(2). Nanoseconds per KiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <butter/splice.h>

#include "bench.h"

enum {
	KIB = 1024,
	AMOUNT = 16 * KIB * KIB, /* bytes of a slice */
	BUFFER = 64 * KIB,
	PIPE_SIZE = 256 * KIB,
	SLICES = 4
};

#define GOAL (1 / 1.3) /* 1.3 times the throughput */

struct relay {
	int from, to;
	int in, out;  /* of the pipe */
	size_t left;  /* of the slice, to be read */
	size_t held;  /* read and not written */
	size_t start; /* of what is held in the buffer */
	bool (*fill)(struct relay *), (*drain)(struct relay *);
};

static char buffer[BUFFER];

/* True: some bytes have moved. */
static bool moved(ssize_t n)
{
	if (n == 0 || (n < 0 && errno != EAGAIN))
		bench_die("relay");
	return n > 0;
}

static bool copy_in(struct relay *r)
{
	if (r->held > 0)
		return false;
	ssize_t n = read(r->from, buffer, r->left < BUFFER ? r->left : BUFFER);
	if (!moved(n))
		return false;
	r->start = 0;
	r->held = (size_t)n;
	r->left -= (size_t)n;
	return true;
}

static bool copy_out(struct relay *r)
{
	ssize_t n = write(r->to, buffer + r->start, r->held);
	if (!moved(n))
		return false;
	r->start += (size_t)n;
	r->held -= (size_t)n;
	return true;
}

static bool splice_in(struct relay *r)
{
	ssize_t n = butter_splice(r->from, NULL, r->in, NULL, r->left, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (!moved(n))
		return false;
	r->held += (size_t)n;
	r->left -= (size_t)n;
	return true;
}

static bool splice_out(struct relay *r)
{
	ssize_t n = butter_splice(r->out, NULL, r->to, NULL, r->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (!moved(n))
		return false;
	r->held -= (size_t)n;
	return true;
}

/* What neither side can do now, poll(2) waits for: output while something is held, else input. */
static void wait_for(const struct relay *r)
{
	struct pollfd fd = {.fd = r->held ? r->to : r->from, .events = r->held ? POLLOUT : POLLIN};
	if (poll(&fd, 1, -1) < 0 && errno != EINTR)
		bench_die("poll");
}

static double run(struct relay *r)
{
	uint64_t start = bench_now();
	r->left = AMOUNT;
	while (r->left > 0 || r->held > 0) {
		bool any = r->left > 0 && r->fill(r);
		any |= r->held > 0 && r->drain(r);
		if (!any)
			wait_for(r);
	}
	return bench_per(start, AMOUNT / KIB);
}

static double copy_side(void *arg)
{
	struct relay *r = arg;
	r->fill = copy_in;
	r->drain = copy_out;
	return run(r);
}

static double splice_side(void *arg)
{
	struct relay *r = arg;
	r->fill = splice_in;
	r->drain = splice_out;
	return run(r);
}

/* The ends of the relay are processes of their own. They end with it, or when the bench does. */
static pid_t start(ssize_t (*step)(int fd), int fd)
{
	pid_t parent = getpid(), pid = fork();
	if (pid < 0)
		bench_die("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent && step(fd) > 0)
		continue;
	_exit(0);
}

static ssize_t write_some(int fd)
{
	return write(fd, buffer, BUFFER);
}

static ssize_t read_some(int fd)
{
	return read(fd, buffer, BUFFER);
}

static void check(int result)
{
	if (result < 0)
		bench_die("setting up the relay");
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void bench_relay(void)
{
	int source[2], sink[2], ends[2];
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, source));
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sink));
	check(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
	check(fcntl(source[1], F_SETFL, O_NONBLOCK));
	check(fcntl(sink[0], F_SETFL, O_NONBLOCK));
	memset(buffer, 'x', sizeof(buffer));

	struct relay relay = {.from = source[1], .to = sink[0], .in = ends[1], .out = ends[0]};
	pid_t writer = start(write_some, source[0]), reader = start(read_some, sink[1]);
	const struct bench bench = {
		"relay, splice / read and write, KiB", GOAL, SLICES, copy_side, splice_side, &relay, &relay};
	bench_compare(&bench);
	end(writer);
	end(reader);
	for (int i = 0; i < 2; i++) {
		close(source[i]);
		close(sink[i]);
		close(ends[i]);
	}
}
