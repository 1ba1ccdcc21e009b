/* SPDX-License-Identifier: MIT */
/* The example relay as a process of its own, and the ends of the connections that go through it. */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "test.h"

enum { DEADLINE = 30000, QUIET = 100, MAX_ENDS = 16, CHUNK = 20000, MIB = 1 << 20 };

struct relay {
	pid_t pid;
	int out;               /* its standard output and error */
	int target;            /* where it connects to: a listening socket of the test's */
	struct sockaddr_un at; /* where it listens */
	unsigned fds;          /* that it has without connections */
};

/* An end that sends and receives streams of the test's own, each as long as it is to be. */
struct end {
	int fd;
	uint64_t out, in; /* which streams */
	size_t to_send, sent, to_receive, received;
	bool shut, ended;
};

/* Of all that is random in a test, sown by start(); BUTTER_TEST_SEED=N repeats a run. */
extern uint64_t seed;
size_t random_up_to(size_t max); /* 1 to max */

/* What is sent is known at each place of each stream. */
char byte_at(uint64_t stream, size_t at);

/* A relay with pipes of this size; stop() ends it, and finds no fd left of any connection. */
void start(struct relay *r, const char *pipe_size);
void stop(struct relay *r);
int stream_socket(void);

/* A connection through it: the client's end, and the target's. */
void join(const struct relay *r, int ret_ends[2]);

/* So many connections have their fds; and while nothing moves the relay takes no time of the processor. */
void assert_links(const struct relay *r, unsigned count);
void assert_rests(const struct relay *r);

/* One end reads what there is: true when it was something. All ends send and read what they can now. */
bool receive_some(struct end *end);
void turn(struct end *ends, size_t count);
bool all_over(const struct end *ends, size_t count);

#endif
