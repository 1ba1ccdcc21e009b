/* SPDX-License-Identifier: MIT */
/*
 * An event loop over epoll(7) with libev's watchers, which are Linux's own file descriptors. This
 * header has the loop, and what all watchers share; ev.h has the watchers.
 *
 * Watchers are the caller's memory: butter_ev_T_init() writes all of it, start hands it to a loop,
 * and until it is stopped it stays where it is. Starting allocates nothing but room in the loop's
 * own tables. In any callback any watcher of the loop may be stopped, its memory freed or used
 * again, the one whose callback runs included; a stopped watcher's callback is not called any more,
 * even if it was pending. A loop is not freed while it runs. A watcher that is active or pending is
 * not given to init, nor to another loop. Zeroed memory is no watcher: start says EINVAL.
 *
 * An iteration of the loop, in this order:
 *	fork watchers, after butter_loop_fork(); prepare watchers;
 *	wait: for as long as nothing is to be done, see butter_loop_run();
 *	of what has happened, calls back by priority from 2 to -2 and among equals in this order:
 *	async, signal and child as they come, check, periodic, timer by deadline, io and what is built
 *	on it;
 *	idle watchers, when nothing of their priority or higher was pending but check watchers;
 *	defer watchers.
 * Equals among these are called in the order in which they happened, timers of one deadline in the
 * order of their start. All that is found in one wait becomes pending before the first callback.
 *
 * Times are in nanoseconds, int64_t, and saturate. The loop reads the clock once for each wait. A
 * timer that is started counts from the next time the clock is read (after the callback in which
 * it was started, or when the loop runs next), so that it never comes early, however long the
 * callback or the preparations took.
 *
 * Threads: a loop and its watchers are used by one thread at a time. The exceptions are
 * butter_ev_async_send() and butter_ev_async_is_pending(), which any thread and any signal handler
 * may call. Loops are independent; there is no loop of the process.
 *
 * Fork: the child shares the loop's descriptors with its parent. It calls butter_loop_fork() before
 * it uses the loop, or leaves it alone; butter_loop_free() is allowed. Either way the parent notices
 * nothing. Since Linux 4.14 butter_loop_run() and butter_loop_fd() call it where nobody has.
 *
 * File descriptors: stop the watchers of an fd before you close it. If not, they get nothing more (but
 * where a duplicate, in a child for instance, keeps the file open, its events), or BUTTER_EV_ERROR with
 * EBADF; never the events of another file that has got the number since the loop has waited for theirs.
 */
#ifndef BUTTER_LOOP_H
#define BUTTER_LOOP_H

#include <butter/common.h>

BUTTER_BEGIN_DECLS

/* Opaque. */
struct butter_loop;

/* What a callback is told, and for butter_loop_walk() what kind a watcher is. */
#define BUTTER_EV_READ 0x1u    /* io: the fd can be read, or has an error, or was hung up */
#define BUTTER_EV_WRITE 0x2u   /* io: the fd can be written, or the same */
#define BUTTER_EV_PRI 0x4u     /* io: the fd has an exceptional condition, or the same */
#define BUTTER_EV_IO 0x80u     /* the kind of io watchers */
#define BUTTER_EV_TIMER 0x100u /* the others are a kind and what its callback is told */
#define BUTTER_EV_PERIODIC 0x200u
#define BUTTER_EV_SIGNAL 0x400u
#define BUTTER_EV_CHILD 0x800u
#define BUTTER_EV_STAT 0x1000u
#define BUTTER_EV_IDLE 0x2000u
#define BUTTER_EV_PREPARE 0x4000u
#define BUTTER_EV_CHECK 0x8000u
#define BUTTER_EV_EMBED 0x10000u
#define BUTTER_EV_FORK 0x20000u
#define BUTTER_EV_CLEANUP 0x40000u
#define BUTTER_EV_ASYNC 0x80000u
#define BUTTER_EV_EVENT 0x100000u
#define BUTTER_EV_PRESSURE 0x200000u
#define BUTTER_EV_DEFER 0x400000u
#define BUTTER_EV_CUSTOM 0x1000000u /* the loop never tells it: for butter_ev_feed() */
#define BUTTER_EV_ERROR 0x80000000u /* the watcher was stopped; its member error tells why */

/* Private: the number of a kind, from its bit; 0 is none. */
#define BUTTER__KIND_OF(bit) (__builtin_ctz(bit) - __builtin_ctz(BUTTER_EV_IO) + 1)

#define BUTTER_EV_PRIORITY_MIN (-2)
#define BUTTER_EV_PRIORITY_MAX 2

/* The common part, with which every watcher begins. All but data is private. */
struct butter_ev {
	void *data;       /* yours */
	uint32_t pending; /* its place among those that are, from 1 */
	int8_t priority;
	uint8_t kind; /* 0: not initialised */
	uint8_t flags;
	uint8_t active : 1;
	uint8_t detail : 7; /* its kind's */
};

/* The watchers started with it; follows the common part in all but timer and periodic. */
struct butter_ev_link {
	struct butter_ev *next, *prev;
};

/* What all watchers can do; w is &watcher.ev. The macros below take the watcher itself. */

/*
 * Hands a watcher to the loop, as butter_ev_T_start() of its kind does. Returns 0, also when it
 * is active already; -1 and errno: EINVAL it was not initialised, ENOMEM, and what the kind adds.
 */
BUTTER_API int butter_watcher_start(struct butter_loop *loop, struct butter_ev *w);

/* Takes it from the loop, and what was pending of it; nothing when it is neither. Keeps errno. */
BUTTER_API void butter_watcher_stop(struct butter_loop *loop, struct butter_ev *w);

/* Whether it is started and not stopped since, by the caller or by the loop. */
BUTTER_API int butter_watcher_is_active(const struct butter_ev *w);

/* Whether its callback is going to be called in this iteration. */
BUTTER_API int butter_watcher_is_pending(const struct butter_ev *w);

/* Its kind: one of BUTTER_EV_IO, BUTTER_EV_TIMER to BUTTER_EV_DEFER. */
BUTTER_API uint32_t butter_watcher_kind(const struct butter_ev *w);

/*
 * Takes back what is pending, so that the callback is not called for it. Returns what it would
 * have been told; 0: nothing was pending. What the loop stopped for it stays stopped.
 */
BUTTER_API uint32_t butter_watcher_clear_pending(struct butter_loop *loop, struct butter_ev *w);

/*
 * Makes it pending, as if revents had happened; it need not be active. It is called in this
 * iteration, or the next when the loop does not run. More than one feed is one callback with all.
 * Returns 0; -1 and errno: EINVAL it was not initialised, ENOMEM, but never when it is active.
 */
BUTTER_API int butter_watcher_feed(struct butter_loop *loop, struct butter_ev *w, uint32_t revents);

/* Calls its callback at once; what was pending stays so. */
BUTTER_API void butter_watcher_invoke(struct butter_loop *loop, struct butter_ev *w, uint32_t revents);

/* The priority, 0 after init. */
BUTTER_API int butter_watcher_priority(const struct butter_ev *w);

/* Sets it; what is beyond -2 and 2 becomes these. -1 with EBUSY when it is active or pending. */
BUTTER_API int butter_watcher_set_priority(struct butter_ev *w, int priority);

#define butter_ev_start(loop, w) butter_watcher_start(loop, &(w)->ev)
#define butter_ev_stop(loop, w) butter_watcher_stop(loop, &(w)->ev)
#define butter_ev_is_active(w) butter_watcher_is_active(&(w)->ev)
#define butter_ev_is_pending(w) butter_watcher_is_pending(&(w)->ev)
#define butter_ev_kind(w) butter_watcher_kind(&(w)->ev)
#define butter_ev_clear_pending(loop, w) butter_watcher_clear_pending(loop, &(w)->ev)
#define butter_ev_feed(loop, w, revents) butter_watcher_feed(loop, &(w)->ev, revents)
#define butter_ev_invoke(loop, w, revents) butter_watcher_invoke(loop, &(w)->ev, revents)
#define butter_ev_priority(w) butter_watcher_priority(&(w)->ev)
#define butter_ev_set_priority(w, priority) butter_watcher_set_priority(&(w)->ev, priority)

/* The loop's life */

/* Zero is a good default for all but size. */
struct butter_loop_options {
	size_t size;             /* sizeof(struct butter_loop_options) */
	uint32_t flags;          /* 0 */
	uint32_t event_budget;   /* events of one source handed out in a turn; 0: 64 */
	int64_t io_collect;      /* see butter_loop_set_io_collect() */
	int64_t timeout_collect; /* see butter_loop_set_timeout_collect() */
	void *userdata;          /* see butter_loop_userdata() */
	uint64_t reserved[4];    /* 0 */
};

/*
 * A loop: epoll_create1(2), eventfd(2), and before Linux 5.11 timerfd_create(2), which stands in for
 * epoll_pwait2(2). options may be NULL. Returns it for butter_loop_free(), or NULL and errno: these
 * calls', ENOMEM, EINVAL (options), E2BIG (larger options, with something in what is not known).
 */
BUTTER_API struct butter_loop *butter_loop_new(const struct butter_loop_options *options);

/*
 * Calls the cleanup watchers and ends the loop; its watchers are then inactive. Not while it
 * runs. NULL is allowed, errno is kept.
 */
BUTTER_API void butter_loop_free(struct butter_loop *loop);

/* How butter_loop_run() runs. */
#define BUTTER_RUN_DEFAULT 0 /* until nothing holds it, or a break */
#define BUTTER_RUN_ONCE 1    /* one iteration, which waits until something has happened */
#define BUTTER_RUN_NOWAIT 2  /* one iteration, which does not wait */

/*
 * Runs the loop. Each active watcher holds it, cleanup watchers excepted; butter_loop_unref()
 * takes away a hold. May be called in a callback, for a loop inside the loop. A signal handler that
 * interrupts the wait does not end it. Returns 1 when there still are watchers that hold it, 0 when
 * not; -1 and errno: EINVAL flags; epoll_pwait2(2)'s; in a child butter_loop_fork()'s; ENOMEM and
 * ENOSPC: epoll_ctl(2) does not take an fd of the loop's own, and is asked again by the next run; EMFILE,
 * ENFILE also where a watched file was closed of which there is a duplicate: that takes a new epoll.
 */
BUTTER_API int butter_loop_run(struct butter_loop *loop, unsigned flags);

#define BUTTER_BREAK_CANCEL 0 /* takes back a break */
#define BUTTER_BREAK_ONE 1    /* the innermost butter_loop_run() returns */
#define BUTTER_BREAK_ALL 2    /* all of them return */

/* Makes butter_loop_run() return after the callbacks that are pending. Outside: does nothing. */
BUTTER_API void butter_loop_break(struct butter_loop *loop, unsigned how);

/* Adds and takes away a hold, so that a watcher started for the program's life need not keep it. */
BUTTER_API void butter_loop_ref(struct butter_loop *loop);
BUTTER_API void butter_loop_unref(struct butter_loop *loop);

/*
 * Between the two, time does not pass for the timers on CLOCK_MONOTONIC, as after SIGSTOP of the
 * whole program; the loop is not run. Suspending twice is suspending once.
 */
BUTTER_API void butter_loop_suspend(struct butter_loop *loop);
BUTTER_API void butter_loop_resume(struct butter_loop *loop);

/* CLOCK_MONOTONIC as the loop has read it last, which timers are compared with. */
BUTTER_API int64_t butter_loop_now(const struct butter_loop *loop);

/* Reads the clocks now; what was started until now counts from here. */
BUTTER_API void butter_loop_update_now(struct butter_loop *loop);

/* Iterations begun since butter_loop_new(); how many butter_loop_run() are running, one in another. */
BUTTER_API uint64_t butter_loop_iteration(const struct butter_loop *loop);
BUTTER_API uint32_t butter_loop_depth(const struct butter_loop *loop);

/* How many watchers are pending. */
BUTTER_API size_t butter_loop_pending_count(const struct butter_loop *loop);

/* Calls the callbacks of all that is pending, and of what that makes pending. */
BUTTER_API void butter_loop_invoke_pending(struct butter_loop *loop);

/*
 * What the loop calls in place of butter_loop_invoke_pending(), which it shall call sooner or
 * later, perhaps in another thread while this one waits. NULL: itself.
 */
BUTTER_API void butter_loop_set_invoke_pending(struct butter_loop *loop,
					       void (*invoke)(struct butter_loop *loop));

/*
 * Called just before and just after the loop waits, to unlock and lock what protects it; or NULL. In
 * between the loop looks at nothing that another thread may change with the lock held.
 */
BUTTER_API void butter_loop_set_hooks(struct butter_loop *loop, void (*release)(struct butter_loop *loop),
				      void (*acquire)(struct butter_loop *loop));

/*
 * The least time between two waits for fds, and how late timers may come, so that more of them are
 * found at once; 0 (the default): at once. Negative is 0.
 */
BUTTER_API void butter_loop_set_io_collect(struct butter_loop *loop, int64_t interval);
BUTTER_API void butter_loop_set_timeout_collect(struct butter_loop *loop, int64_t interval);

/* A pointer of the caller's. */
BUTTER_API void butter_loop_set_userdata(struct butter_loop *loop, void *userdata);
BUTTER_API void *butter_loop_userdata(const struct butter_loop *loop);

/*
 * Calls cb(loop, revents, arg) once: when fd is ready for events (BUTTER_EV_READ ...; fd -1: for
 * none), or after timeout nanoseconds with BUTTER_EV_TIMER (-1: never), whichever comes first. Holds the
 * loop until then; when the loop ends before, cb is not called. Returns 0, or -1 and errno: ENOMEM,
 * EINVAL cb is NULL, events, timeout is below -1, or neither fd nor timeout; EBADF fd is below -1.
 */
BUTTER_API int butter_loop_once(struct butter_loop *loop, int fd, uint32_t events, int64_t timeout,
				void (*cb)(struct butter_loop *loop, uint32_t revents, void *arg), void *arg);

/* Makes pending the io watchers of fd that wait for some of revents. */
BUTTER_API void butter_loop_feed_fd_event(struct butter_loop *loop, int fd, uint32_t revents);

/* Makes pending the signal watchers of signo. */
BUTTER_API void butter_loop_feed_signal(struct butter_loop *loop, int signo);

/*
 * In a forked child: gives the loop descriptors of its own in place of those shared with the parent,
 * and makes the fork watchers pending. The number of butter_loop_fd() stays the same. Returns 0,
 * or -1 and errno: those of butter_loop_new(), signalfd(2), timerfd_create(2); call it again then.
 */
BUTTER_API int butter_loop_fork(struct butter_loop *loop);

/*
 * The loop's own fd, readable when butter_loop_run() with BUTTER_RUN_NOWAIT would find something.
 * Call this each time before you poll it: it hands to the kernel what was started since, and arms a
 * timer. Returns the fd, which remains the loop's; -1 and errno: timerfd_create(2)'s, epoll_ctl(2)'s,
 * or in a child butter_loop_fork()'s.
 */
BUTTER_API int butter_loop_fd(struct butter_loop *loop);

/* Calls cb for each active watcher of these kinds (BUTTER_EV_IO | ...), which may stop that one, no other. */
BUTTER_API void butter_loop_walk(struct butter_loop *loop, uint32_t kinds,
				 void (*cb)(struct butter_loop *loop, struct butter_ev *w, void *arg),
				 void *arg);

/* Checks the loop's own data. Returns 0; -1 with EBADMSG: something has overwritten it. */
BUTTER_API int butter_loop_verify(const struct butter_loop *loop);

BUTTER_END_DECLS

#endif
