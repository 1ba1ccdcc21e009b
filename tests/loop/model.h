/* SPDX-License-Identifier: MIT */
/*
 * A reference model of the loop: what each watcher is, what is pending, and who may be called next.
 * model.c does random operations to both.  Nothing of it is fast: it walks over all watchers for everything.
 */
#ifndef MODEL_H
#define MODEL_H

#include <butter/butter.h>

#include "test.h"

enum kind {
	IO,
	TIMER,
	PERIODIC,
	SIGNAL,
	CHILD,
	STAT,
	IDLE,
	PREPARE,
	CHECK,
	EMBED,
	FORK,
	CLEANUP,
	ASYNC,
	EVENT,
	PRESSURE,
	DEFER,
	KINDS
};

enum { WATCHERS = 48, FILES = 3, SIGNALS = 3, PROCESSES = 2, PATHS = 2, SOURCES = 2, INNERS = 2, BUDGET = 4 };

/* What a child watcher of pid 0 watches, and how many ends may wait for it. */
enum { EVERY = PROCESSES, ENDS = 64 };

/* A number that is an fd's, again and again: high, so that nobody else gets it. */
enum { FIRST_FD = 120 };
enum content { CLOSED, COUNTER, NO_POLL };
struct file {
	int fd;
	enum content content;
	uint32_t opened; /* which file it is: from 1 */
	int ready;
	/* What epoll knows: the file that it has, 0: none; whether it cannot be polled; the events. */
	uint32_t registered;
	int always, changed, renewed;
	uint32_t known;
};

struct process {
	pid_t pid;
	int ended, reaped;
};

union real {
	struct butter_ev ev;
	struct butter_ev_io io;
	struct butter_ev_timer timer;
	struct butter_ev_periodic periodic;
	struct butter_ev_signal signal;
	struct butter_ev_child child;
	struct butter_ev_stat stat;
	struct butter_ev_idle idle;
	struct butter_ev_prepare prepare;
	struct butter_ev_check check;
	struct butter_ev_embed embed;
	struct butter_ev_fork fork;
	struct butter_ev_cleanup cleanup;
	struct butter_ev_async async;
	struct butter_ev_event event;
	struct butter_ev_pressure pressure;
	struct butter_ev_defer defer;
};

/*
 * Who is pending is called after those of a lower rank. Of one rank, those of one sub come in the
 * order of seq, the others in any.
 */
struct place {
	uint64_t rank, sub, seq;
};

struct watcher {
	union real *real; /* memory of its own, freed as soon as it may be */
	enum kind kind;
	int active, is_pending, priority;
	uint32_t revents;
	struct place place;
	uint64_t started; /* in the order of starts */
	int of;           /* which file, process, signal, path, source, loop or clock it watches */
	int is_new;       /* io: of which epoll does not know yet */
	int is_absolute;  /* timer: what it was given is a time */
	int unsettled;    /* timer: at counts from when the clock is read */
	int64_t at;
	uint64_t times; /* timer: expirations not told */
	int sent;       /* async */
	int changed;    /* stat: its file, since the start or the last callback */
	int64_t told;   /* stat: the size at that time */
	int is_more;    /* child of every process: called in the next iteration anyway */
};

enum stage { OUTSIDE, BEGUN, BEFORE, FORKS, PREPARES, RELEASED, ACQUIRED, FOUND, DEFERS, ENDING };

/* Of a butter_loop_run(). */
struct course {
	enum stage stage;
	int had_pending;
	unsigned flags, iterations;
	struct watcher *turn; /* an event or child watcher that is being handed what there is */
	unsigned turn_left;
	uint32_t turn_revents;
	struct course *outer; /* the one in whose callback it runs */
};

/* What else is to come about; the first in every life. */
enum feat {
	RUN_INSIDE,
	SUSPENDED,
	LOOKED_AT,
	EVERY_END,
	CERTAIN,
	RUN_ON = CERTAIN,
	BROKEN_ALL,
	EVERY_LATE,
	FEATS
};

struct model {
	struct butter_loop *loop, *inner[INNERS];
	struct butter_ev_io inner_io[INNERS];
	int inner_fd[INNERS], inner_ready[INNERS];
	struct watcher watchers[WATCHERS];
	struct file files[FILES];
	struct process processes[PROCESSES];
	int sent[SIGNALS], touched[PATHS];
	int64_t sizes[PATHS];
	pid_t ends[ENDS]; /* reaped, and not yet told to who watches every process */
	unsigned end_count;
	int sigchld, suspended;
	char *paths[PATHS];
	struct butter_eventfd *sources[SOURCES];
	struct butter_eventfd_event source_event[SOURCES];
	unsigned source_count[SOURCES];
	struct course now;
	int fork_due, breaking;
	uint64_t rank, starts, iterations;
	struct watcher *direct; /* butter_ev_invoke() calls it */
	uint64_t state;         /* of the random numbers */
	unsigned seed, step, steps, depth, runs;
	unsigned calls[KINDS], feats[FEATS];
};

extern struct model m;
extern const uint32_t model_told[KINDS]; /* BUTTER_EV_* */
extern const int model_signals[SIGNALS];

/* Ends the test with the seed and the step by which it can be done again. */
#define require(condition, ...)                                                                              \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			model_fail(__LINE__, __VA_ARGS__);                                                   \
	} while (0)
_Noreturn void model_fail(int line, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Behind the last watcher. */
#define MODEL_END (m.watchers + WATCHERS)

unsigned model_random(unsigned below);

/* model_order.c */
void model_feed(struct watcher *w, uint32_t revents, uint64_t sub, uint64_t seq);
void model_feed_kind(enum kind kind, uint32_t revents, uint64_t sub);
void model_clear(struct watcher *w);
/* Whether it is to be told this. */
int model_is_due(const struct watcher *w, uint32_t revents);
/* Is called: whether it may be. What it was told is what the model has. */
void model_called(struct watcher *w, uint32_t revents);
/* Forgets those that were pending and of which no callback tells. */
void model_sweep(void);
/* That both agree about every watcher. */
void model_compare(void);
/* Those who were given a turn have had it. */
void model_end_turn(void);

/* model_loop.c */
void model_settle(int64_t now);
void model_ask_stats(void);
void model_set_hooks(void);
/* As far as it may go: it would wait for ever, were it wrong. In a callback too. */
void model_run(void);

/* model_ops.c: the loop and the model both. */
void model_new(struct watcher *w, enum kind kind);
void model_start(struct watcher *w);
void model_stop(struct watcher *w);
void model_stopped(struct watcher *w); /* the model's part */
void model_again(struct watcher *w);
void model_modify(struct watcher *w);
void model_invoke(struct watcher *w);
/* Whether an active watcher of the kind watches this one. */
int model_watches(enum kind kind, int of);

/* model_children.c */
void model_new_process(struct process *p);
void model_renew_process(struct process *p);
void model_end_children(void);
struct watcher *model_every(void);
/* What the wait has found of them. */
void model_find_children(void);
/* Whether who watches every process has nothing to be told. */
int model_has_no_end(void);
/* Is called: begins a turn, and takes the end of which it is told. */
void model_take_end(struct watcher *w, int begins);

/* model_time.c */
void model_update_now(void);
void model_suspend(void);

/* model_world.c: what is watched. */
void model_open_all(void);
void model_close_all(void);
void model_reopen(struct file *file, int properly, enum content content);
void model_set_ready(struct file *file, int ready);
void model_other_op(unsigned op);
enum { OTHER_OPS = 24 };

/* model.c: what callbacks do. */
void model_callback(struct watcher *w, uint32_t revents);
void model_operate(void);
void model_inner_callback(int i);

#endif
