/* SPDX-License-Identifier: MIT */
/* Examples as processes of their own, and the ends of the connections that go through them. */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "test.h"

enum { DEADLINE = 30000, QUIET = 100, MAX_ENDS = 16, CHUNK = 20000, MIB = 1 << 20 };

/* An example that runs. */
struct program {
	pid_t pid;
	int out;        /* its standard output and error */
	char told[256]; /* what follows "ready " in its first line; and at the end, what it has told after
			   that */
	unsigned fds;   /* that it has by then */
};

struct relay {
	struct program program;
	int target;            /* where it connects to: a listening socket of the test's */
	struct sockaddr_un at; /* where it listens */
};

/* An end that sends and receives streams of the test's own, each as long as it is to be. */
struct end {
	int fd;
	uint64_t out, in; /* which streams */
	size_t to_send, sent, to_receive, received;
	bool shut, ended;
};

/* Of all that is random in a test, sown by launch(); BUTTER_TEST_SEED=N repeats a run. */
extern uint64_t seed;
size_t random_up_to(size_t max); /* 1 to max */

/* What is sent is known at each place of each stream. */
char byte_at(uint64_t stream, size_t at);

/* Starts the example and reads its first line; end_program() ends it by SIGTERM, with status 0. */
void launch(struct program *p, const char *name, const char *const arguments[]);
void end_program(struct program *p);

/* So many fds more than at first, at once or soon; and while nothing moves it takes no time of the processor.
 */
void assert_fds(const struct program *p, unsigned more);
void assert_rests(const struct program *p);

/* A relay with pipes of this size; stop() ends it, and finds no fd left of any connection. */
void start(struct relay *r, const char *pipe_size);
void stop(struct relay *r);
int stream_socket(void);

/* A connection through it: the client's end, and the target's. */
void join(const struct relay *r, int ret_ends[2]);

/* So many connections have their fds. */
void assert_links(const struct relay *r, unsigned count);

/* One end reads what there is: true when it was something. All ends send and read what they can now. */
bool receive_some(struct end *end);
void turn(struct end *ends, size_t count);
bool all_over(const struct end *ends, size_t count);

/* Sends one stream until nothing takes any more: all in between is full, and the program rests. */
void fill_up(const struct program *p, struct end *end, size_t step);

/* Reads what was sent, all of it, and the end. */
void take_all(struct end *end, size_t amount);

#endif
