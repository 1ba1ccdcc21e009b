/* SPDX-License-Identifier: MIT */
/*
 * What the tests need of an event loop and its adapter to treat all alike. One program holds one
 * loop, and the tests of cases.c, flood.c and ends.c.
 */
#ifndef LOOP_H
#define LOOP_H

#include <butter/adapters/common.h>

struct loop_kind {
	const char *name;
	int edge;    /* offers edge-triggered watchers */
	int nests;   /* a callback may run the loop, and the same adapter is served within */
	size_t size; /* of the adapter's struct */
	void *(*open)(void);
	void (*close)(void *loop); /* demands that nothing is left on it */
	void (*init)(void *a, struct butter_source *source, void *event, size_t event_size,
		     butter_adapter_cb *cb, void *data);
	int (*attach)(void *a, void *loop);
	void (*detach)(void *a);
	void (*discard)(void *a); /* detaches, and frees as soon as that is allowed; in callbacks too */
	void (*turn)(void *loop, int wait);
	/* The loop's own: one timer that adds 1 to *fired once, one fd that adds 1 whenever readable. */
	void (*timer)(void *loop, unsigned ms, unsigned *fired);
	void (*watch)(void *loop, int fd, unsigned *seen);
	void (*unwatch)(void *loop);
};

extern const struct loop_kind kind;

/* The functions of adapter T, whose attach is given the_loop, made of the void *loop of its file's open. */
#define ADAPTER(T, the_loop)                                                                                 \
	static void init(void *a, struct butter_source *source, void *event, size_t size,                    \
			 butter_adapter_cb *cb, void *data)                                                  \
	{                                                                                                    \
		butter_##T##_init(a, source, event, size, cb, data);                                         \
	}                                                                                                    \
	static int attach(void *a, void *loop)                                                               \
	{                                                                                                    \
		return butter_##T##_attach(a, the_loop);                                                     \
	}                                                                                                    \
	static void detach(void *a)                                                                          \
	{                                                                                                    \
		butter_##T##_detach(a);                                                                      \
	}

/* discard where nothing is closed later. */
#define DISCARDS(T)                                                                                          \
	static void discard(void *a)                                                                         \
	{                                                                                                    \
		butter_##T##_detach(a);                                                                      \
		free(a);                                                                                     \
	}

/* The members, of which the others are functions of these names. */
#define LOOP_MEMBERS(T)                                                                                      \
	.size = sizeof(struct butter_##T), .open = open_loop, .close = close_loop, .init = init,             \
	.attach = attach, .detach = detach, .discard = discard, .turn = turn, .timer = start_timer,          \
	.watch = watch, .unwatch = unwatch

/* A source of the test's own, whose events are numbers from 1 on. */
struct number_event {
	uint64_t number;
	uint64_t reserved[3];
};

struct numbers {
	struct butter_source source;
	uint64_t next;
	size_t cached; /* events that the fd does not tell of */
	int error;     /* what read_event says when there are none; 0: nothing now */
	unsigned reads;
};

/* Over a new eventfd, which is not readable; the second over fd. */
void numbers_open(struct numbers *n, size_t cached, int error);
void numbers_open_over(struct numbers *n, size_t cached, int error, int fd);

/* What was told to the callback that has it as data. */
struct told {
	void *loop;
	void *a;
	struct butter_source *close; /* what discard_and_close() closes */
	unsigned events, ends;
	int error;
	uint64_t number;
	char name[256];
	union {
		struct number_event number;
		unsigned char bytes[256];
		uint64_t aligned;
	} event;
};

/* Callbacks: counts; and one that discards the adapter and closes the source at the first call. */
void count_told(struct butter_source *source, void *event, void *data);
void discard_and_close(struct butter_source *source, void *event, void *data);

/* A new adapter for source, attached to t->loop. */
void *attached(struct told *t, struct butter_source *source, butter_adapter_cb *cb);
void *prepared(struct told *t, struct butter_source *source, butter_adapter_cb *cb);

/* Turns the loop until told has so many events and ends. */
void turn_until(struct told *t, unsigned events, unsigned ends);

/* Turns it some times without waiting: whatever is due is told. */
void turn_idly(void *loop);

/* Demands that the loop sleeps: that a timer fires after few turns. */
void assert_sleeps(void *loop);

/* A watch on a scratch folder; and so many files made there, "0" and on. */
struct butter_inotify *watched_folder(const char **ret_dir);
void make_files(const char *dir, unsigned from, unsigned count);

#endif
