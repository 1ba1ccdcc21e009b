/* SPDX-License-Identifier: MIT */
/*
 * The watchers of the loop; loop.h has the rules. Each kind T has butter_ev_T_init(), which writes the
 * whole struct and cannot fail, butter_ev_T_set(), which changes what is watched, of an inactive
 * watcher (-1 with EBUSY when it is active), butter_ev_T_start() and butter_ev_T_stop(), which are
 * butter_ev_start() and butter_ev_stop() for this kind. What init or set was given is judged by start.
 * Members are for reading, but for ev.data, a timer's repeat, and offset, interval and reschedule of a
 * periodic watcher, which may be changed at any time and count when the next time is computed; those called
 * reserved are private.
 */
#ifndef BUTTER_EV_H
#define BUTTER_EV_H

#include <butter/loop.h>
#include <butter/process.h>
#include <butter/signalfd.h>
#include <butter/source.h>

BUTTER_BEGIN_DECLS

/* Private. */
struct butter__stat;

/* io: an fd is ready. */
struct butter_ev_io {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_io *w, uint32_t revents);
	int32_t fd;
	uint32_t events; /* BUTTER_EV_READ, BUTTER_EV_WRITE, BUTTER_EV_PRI; 0: none for now */
	int32_t error;   /* why it was stopped, with BUTTER_EV_ERROR: epoll_ctl(2)'s, such as EBADF */
	uint32_t reserved[3];
};

BUTTER_API void butter_ev_io_init(struct butter_ev_io *w,
				  void (*cb)(struct butter_loop *loop, struct butter_ev_io *w,
					     uint32_t revents),
				  int fd, uint32_t events);
BUTTER_API int butter_ev_io_set(struct butter_ev_io *w, int fd, uint32_t events);

/*
 * Calls back whenever fd is ready: level-triggered, by epoll_ctl(2) just before the loop waits. Files
 * that cannot be polled (regular files) always are. Any number of watchers may have one fd. -1 and
 * errno: EBADF fd is negative, EINVAL events, ENOMEM.
 */
BUTTER_API int butter_ev_io_start(struct butter_loop *loop, struct butter_ev_io *w);

/* The kernel has forgotten the fd when this returns, if it was its last watcher: close it now. */
BUTTER_API void butter_ev_io_stop(struct butter_loop *loop, struct butter_ev_io *w);

/* Changes what is waited for, active or not. 0, or -1 with EINVAL. */
BUTTER_API int butter_ev_io_modify(struct butter_loop *loop, struct butter_ev_io *w, uint32_t events);

/* timer: time has passed. */
struct butter_ev_timer {
	struct butter_ev ev;
	void (*cb)(struct butter_loop *loop, struct butter_ev_timer *w, uint32_t revents);
	int64_t after;        /* or at, with BUTTER_EV_TIMER_ABSOLUTE */
	int64_t repeat;       /* 0, or less: once */
	uint32_t expirations; /* how often since the last callback, UINT32_MAX: or more; 0: it was only fed */
	uint32_t slot;        /* private */
};

/* Once after nanoseconds have passed (negative: 0), then every repeat; on CLOCK_MONOTONIC. */
BUTTER_API void butter_ev_timer_init(struct butter_ev_timer *w,
				     void (*cb)(struct butter_loop *loop, struct butter_ev_timer *w,
						uint32_t revents),
				     int64_t after, int64_t repeat);
#ifdef __OPTIMIZE__
/* A million timers are ordinary. One assignment of all: members set one by one cost more than the call. */
BUTTER__INLINE void butter_ev_timer_init(struct butter_ev_timer *w,
					 void (*cb)(struct butter_loop *loop, struct butter_ev_timer *w,
						    uint32_t revents),
					 int64_t after, int64_t repeat)
{
	struct butter_ev_timer made = {{NULL, 0, 0, BUTTER__KIND_OF(BUTTER_EV_TIMER), 0, 0, 0},
				       cb,
				       after,
				       repeat < 0 ? 0 : repeat,
				       0,
				       0};
	*w = made;
}
#endif
BUTTER_API int butter_ev_timer_set(struct butter_ev_timer *w, int64_t after, int64_t repeat);

#define BUTTER_EV_TIMER_ABSOLUTE 0x1u /* after is a time of the clock */

/* The clock: CLOCK_MONOTONIC, CLOCK_BOOTTIME or CLOCK_REALTIME. 0, or -1 with EBUSY, EINVAL. */
BUTTER_API int butter_ev_timer_set_clock(struct butter_ev_timer *w, clockid_t clockid, uint32_t flags);

/*
 * Starts it; never early (loop.h says from when it counts). A timer that does not repeat is stopped
 * before its callback. One that repeats keeps its phase: expirations that were missed are told in one
 * callback. -1 and errno: ENOMEM; timerfd_create(2)'s for clocks other than CLOCK_MONOTONIC.
 */
BUTTER_API int butter_ev_timer_start(struct butter_loop *loop, struct butter_ev_timer *w);
BUTTER_API void butter_ev_timer_stop(struct butter_loop *loop, struct butter_ev_timer *w);

/*
 * Lets it expire in repeat nanoseconds from now, and what was pending of it forgotten: for a timeout
 * that activity puts off. Starts an inactive one; with repeat 0 it stops. As start returns.
 */
BUTTER_API int butter_ev_timer_again(struct butter_loop *loop, struct butter_ev_timer *w);

/* Until it expires, by its clock as last read, or after when inactive; negative: overdue. */
BUTTER_API int64_t butter_ev_timer_remaining(const struct butter_loop *loop, const struct butter_ev_timer *w);

/* signal: one was sent to the process or the thread. */
struct butter_ev_signal {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_signal *w, uint32_t revents);
	int32_t signo;
	uint32_t count;                    /* for the callback: how many were read; 0: it was fed */
	struct butter_signalfd_event info; /* the last of them */
	uint32_t fresh;                    /* private */
	uint32_t reserved;
};

BUTTER_API void butter_ev_signal_init(struct butter_ev_signal *w,
				      void (*cb)(struct butter_loop *loop, struct butter_ev_signal *w,
						 uint32_t revents),
				      int signo);
BUTTER_API int butter_ev_signal_set(struct butter_ev_signal *w, int signo);

/*
 * Calls back for the signal, once for those that arrived together: signalfd4(2), one for each loop.
 * Blocks the signal in the calling thread until its last watcher stops, if it was not blocked; other
 * threads must block it too, and of two loops only one is told. -1 and errno: EINVAL signo, or one
 * that no signalfd gives (butter_signalfd_open(3)), ENOMEM, signalfd4(2)'s.
 */
BUTTER_API int butter_ev_signal_start(struct butter_loop *loop, struct butter_ev_signal *w);
BUTTER_API void butter_ev_signal_stop(struct butter_loop *loop, struct butter_ev_signal *w);

/* child: a process has ended. */
struct butter_ev_child {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_child *w, uint32_t revents);
	int32_t pid;                       /* 0: every child */
	int32_t error;                     /* with BUTTER_EV_ERROR: waitid(2)'s */
	struct butter_process_event event; /* how it ended */
	uint32_t reserved[4];
};

BUTTER_API void butter_ev_child_init(struct butter_ev_child *w,
				     void (*cb)(struct butter_loop *loop, struct butter_ev_child *w,
						uint32_t revents),
				     pid_t pid);
BUTTER_API int butter_ev_child_set(struct butter_ev_child *w, pid_t pid);

/*
 * Calls back once when the process has ended, and reaps it if it is a child, by waitid(2) for its
 * pidfd: no other child is touched. Stopped before the callback. Any number of watchers may have one
 * process; one that is no child of the caller's may be watched too (event.fate tells).
 * pid 0, for the first process of a container: reaps every child there is and calls back for each,
 * until it is stopped; nobody else in the program may then wait for children, and SIGCHLD is
 * watched as by butter_ev_signal_start(). -1 and errno: pidfd_open(2)'s (ESRCH; EINVAL pid is negative),
 * ENOMEM; for pid 0 EBUSY there is one in this loop, and butter_ev_signal_start()'s.
 */
BUTTER_API int butter_ev_child_start(struct butter_loop *loop, struct butter_ev_child *w);
BUTTER_API void butter_ev_child_stop(struct butter_loop *loop, struct butter_ev_child *w);

/* async: another thread, or a signal handler, has something to say. */
struct butter_ev_async {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_async *w, uint32_t revents);
	uint32_t sent;
	uint32_t reserved[3];
};

BUTTER_API void butter_ev_async_init(struct butter_ev_async *w,
				     void (*cb)(struct butter_loop *loop, struct butter_ev_async *w,
						uint32_t revents));
BUTTER_API int butter_ev_async_start(struct butter_loop *loop, struct butter_ev_async *w);

/* No thread may be sending, or send later, to what is stopped for good. */
BUTTER_API void butter_ev_async_stop(struct butter_loop *loop, struct butter_ev_async *w);

/*
 * Lets the loop call back; any number of sends before that is one callback, and what was written
 * before a send is seen in the callback. Thread- and async-signal-safe, errno is kept: write(2) to an
 * eventfd for the first, one load for the others. Nothing is lost that is sent before start.
 */
BUTTER_API void butter_ev_async_send(struct butter_loop *loop, struct butter_ev_async *w);

/* Whether something was sent for which the callback is not yet due. From any thread. */
BUTTER_API int butter_ev_async_is_pending(const struct butter_ev_async *w);

/* event: the decoded events of a source, one by one. */
struct butter_ev_event {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_event *w, uint32_t revents);
	struct butter_source *source;
	void *event;   /* where each is put: an event struct of the source's kind */
	int32_t error; /* with BUTTER_EV_ERROR: read_event's, ENODATA at the end */
	uint32_t reserved[3];
	struct butter_ev_io io; /* private */
};

/* event is the caller's, and like source it stays until the watcher is stopped. */
BUTTER_API void butter_ev_event_init(struct butter_ev_event *w,
				     void (*cb)(struct butter_loop *loop, struct butter_ev_event *w,
						uint32_t revents),
				     struct butter_source *source, void *event);
BUTTER_API int butter_ev_event_set(struct butter_ev_event *w, struct butter_source *source, void *event);

/*
 * Calls back with BUTTER_EV_EVENT for each event that read_event gives, at most event_budget (struct
 * butter_loop_options) in a turn; the rest in the next iteration, also what only the source's
 * pending() knows of. When read_event fails the watcher is stopped and called back with
 * BUTTER_EV_EVENT | BUTTER_EV_ERROR. The callback may stop it, close the source and free both.
 * -1 and errno: EINVAL source or event is NULL, EBADF source has no fd, ENOMEM.
 */
BUTTER_API int butter_ev_event_start(struct butter_loop *loop, struct butter_ev_event *w);
BUTTER_API void butter_ev_event_stop(struct butter_loop *loop, struct butter_ev_event *w);

/* idle: nothing of its priority or higher is pending, but check watchers. The loop does not wait meanwhile.
 */
struct butter_ev_idle {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_idle *w, uint32_t revents);
	uint32_t reserved[2];
};

BUTTER_API void butter_ev_idle_init(struct butter_ev_idle *w,
				    void (*cb)(struct butter_loop *loop, struct butter_ev_idle *w,
					       uint32_t revents));
BUTTER_API int butter_ev_idle_start(struct butter_loop *loop, struct butter_ev_idle *w);
BUTTER_API void butter_ev_idle_stop(struct butter_loop *loop, struct butter_ev_idle *w);

/* prepare: the loop is going to wait. */
struct butter_ev_prepare {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_prepare *w, uint32_t revents);
	uint32_t reserved[2];
};

BUTTER_API void butter_ev_prepare_init(struct butter_ev_prepare *w,
				       void (*cb)(struct butter_loop *loop, struct butter_ev_prepare *w,
						  uint32_t revents));
BUTTER_API int butter_ev_prepare_start(struct butter_loop *loop, struct butter_ev_prepare *w);
BUTTER_API void butter_ev_prepare_stop(struct butter_loop *loop, struct butter_ev_prepare *w);

/* check: the loop has waited. */
struct butter_ev_check {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_check *w, uint32_t revents);
	uint32_t reserved[2];
};

BUTTER_API void butter_ev_check_init(struct butter_ev_check *w,
				     void (*cb)(struct butter_loop *loop, struct butter_ev_check *w,
						uint32_t revents));
BUTTER_API int butter_ev_check_start(struct butter_loop *loop, struct butter_ev_check *w);
BUTTER_API void butter_ev_check_stop(struct butter_loop *loop, struct butter_ev_check *w);

/* fork: butter_loop_fork() was called, in the child. */
struct butter_ev_fork {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_fork *w, uint32_t revents);
	uint32_t reserved[2];
};

BUTTER_API void butter_ev_fork_init(struct butter_ev_fork *w,
				    void (*cb)(struct butter_loop *loop, struct butter_ev_fork *w,
					       uint32_t revents));
BUTTER_API int butter_ev_fork_start(struct butter_loop *loop, struct butter_ev_fork *w);
BUTTER_API void butter_ev_fork_stop(struct butter_loop *loop, struct butter_ev_fork *w);

/* cleanup: the loop is being freed; by priority. Does not hold the loop; its callback may stop watchers. */
struct butter_ev_cleanup {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_cleanup *w, uint32_t revents);
	uint32_t reserved[2];
};

BUTTER_API void butter_ev_cleanup_init(struct butter_ev_cleanup *w,
				       void (*cb)(struct butter_loop *loop, struct butter_ev_cleanup *w,
						  uint32_t revents));
BUTTER_API int butter_ev_cleanup_start(struct butter_loop *loop, struct butter_ev_cleanup *w);
BUTTER_API void butter_ev_cleanup_stop(struct butter_loop *loop, struct butter_ev_cleanup *w);

/*
 * defer: once, at the end of this iteration, after all that was pending, and before the loop waits
 * again. Stopped before its callback; started there, it comes in the next iteration.
 */
struct butter_ev_defer {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_defer *w, uint32_t revents);
	uint32_t reserved[2];
};

BUTTER_API void butter_ev_defer_init(struct butter_ev_defer *w,
				     void (*cb)(struct butter_loop *loop, struct butter_ev_defer *w,
						uint32_t revents));
BUTTER_API int butter_ev_defer_start(struct butter_loop *loop, struct butter_ev_defer *w);
BUTTER_API void butter_ev_defer_stop(struct butter_loop *loop, struct butter_ev_defer *w);

/* periodic: the wall clock, CLOCK_REALTIME, has reached a time, however it is set. */
struct butter_ev_periodic {
	struct butter_ev ev;
	void (*cb)(struct butter_loop *loop, struct butter_ev_periodic *w, uint32_t revents);
	int64_t (*reschedule)(struct butter_ev_periodic *w, int64_t now);
	int64_t offset;   /* nanoseconds since the Epoch */
	int64_t interval; /* 0: once, at offset */
	int64_t next;     /* see butter_ev_periodic_at() */
	uint32_t slot;    /* private */
	int32_t error;    /* with BUTTER_EV_ERROR: EINVAL, there is no next time: see start */
	uint32_t reserved[2];
};

/*
 * Three ways. reschedule: at the time that it returns, which is after now; INT64_MAX is never. It is called
 * by start and again, before each callback, and when the clock was set; it starts and stops nothing.
 * Without it, interval: at each multiple of interval, to which offset is added, that is after now.
 * Without both: once at offset, which is at once when it has passed.
 */
BUTTER_API void butter_ev_periodic_init(struct butter_ev_periodic *w,
					void (*cb)(struct butter_loop *loop, struct butter_ev_periodic *w,
						   uint32_t revents),
					int64_t offset, int64_t interval,
					int64_t (*reschedule)(struct butter_ev_periodic *w, int64_t now));
BUTTER_API int butter_ev_periodic_set(struct butter_ev_periodic *w, int64_t offset, int64_t interval,
				      int64_t (*reschedule)(struct butter_ev_periodic *w, int64_t now));

/*
 * Starts it: one timerfd_settime(2) with TFD_TIMER_CANCEL_ON_SET for all that the loop has. When the
 * clock is set, the next time is computed anew from the time that it has then, and what lies in between
 * is not made up for. Late by whatever time, one callback. What comes once is stopped before it. When
 * reschedule returns no time after now, or interval has become negative, it is stopped with BUTTER_EV_ERROR.
 * -1 and errno: EINVAL interval is negative, or reschedule did so now, ENOMEM, timerfd_create(2)'s.
 */
BUTTER_API int butter_ev_periodic_start(struct butter_loop *loop, struct butter_ev_periodic *w);
BUTTER_API void butter_ev_periodic_stop(struct butter_loop *loop, struct butter_ev_periodic *w);

/* Stop and start: the next time is computed anew, and what was pending forgotten. As start returns. */
BUTTER_API int butter_ev_periodic_again(struct butter_loop *loop, struct butter_ev_periodic *w);

/* When it expires next, in nanoseconds since the Epoch; inactive: when it was to. */
BUTTER_API int64_t butter_ev_periodic_at(const struct butter_ev_periodic *w);

/* What stat(2) says of a file, the same on every ABI. */
struct butter_ev_stat_attr {
	uint64_t dev;
	uint64_t rdev;
	uint64_t ino;
	uint64_t nlink; /* 0: there is no such file; then all else is 0 but error */
	int64_t size;
	int64_t mtime; /* nanoseconds since the Epoch, as the others */
	int64_t ctime;
	int64_t atime; /* is told, and does not count as a change */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	int32_t error; /* stat(2)'s: ENOENT, EACCES, ... */
};

/* stat: what a path leads to has changed, or is there, or is gone. */
struct butter_ev_stat {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_stat *w, uint32_t revents);
	const char *path;
	int64_t interval;                      /* between looks, where it has to be polled; 0: some 5 s */
	struct butter_ev_stat_attr attr, prev; /* now, and at the last callback or start */
	uint32_t polled;                       /* 1: it has to be: */
	int32_t refused; /* why: inotify's errno, such as ENOSPC; 0: the filesystem's kind */
	int32_t error;   /* with BUTTER_EV_ERROR: ENOMEM */
	uint32_t reserved;
	struct butter__stat *state; /* private, as what follows */
	struct butter_ev_timer timer;
};

/* path stays the caller's, and until the watcher is stopped as it is. */
BUTTER_API void butter_ev_stat_init(struct butter_ev_stat *w,
				    void (*cb)(struct butter_loop *loop, struct butter_ev_stat *w,
					       uint32_t revents),
				    const char *path, int64_t interval);
BUTTER_API int butter_ev_stat_set(struct butter_ev_stat *w, const char *path, int64_t interval);

/*
 * Calls back when something of attr but atime has changed, or the file was written since. The path need
 * not lead anywhere; symbolic links are followed, and each directory and link on the way is watched too,
 * with one inotify(7) for the loop. What it does not tell of (filesystems of another machine or of a
 * program, /proc), and what it refuses, for want of watches or permission, is polled, and refused is
 * tried again each time: that is no error. -1 and errno: EINVAL path is NULL or "", or interval
 * negative, ENOMEM.
 */
BUTTER_API int butter_ev_stat_start(struct butter_loop *loop, struct butter_ev_stat *w);
BUTTER_API void butter_ev_stat_stop(struct butter_loop *loop, struct butter_ev_stat *w);

/* Looks now: attr is up to date, and what has happened until now is not called back for later. */
BUTTER_API void butter_ev_stat_stat(struct butter_loop *loop, struct butter_ev_stat *w);

/* embed: another loop, or an fd that stands for one, has something to do. */
struct butter_ev_embed {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_embed *w, uint32_t revents);
	struct butter_loop *other; /* NULL: fd instead */
	int32_t fd;
	int32_t error; /* with BUTTER_EV_ERROR: ENODATA other was freed, ELOOP, EBADF, or other's */
	struct butter_ev_embed *embed_next, **embed_at; /* private, as all that follows */
	struct butter_loop *outer;
	uint64_t renewals;
	struct butter_ev_io io;
};

/* One of the two: other and -1, or NULL and an fd, such as uv_backend_fd()'s. For other cb may be NULL. */
BUTTER_API void butter_ev_embed_init(struct butter_ev_embed *w,
				     void (*cb)(struct butter_loop *loop, struct butter_ev_embed *w,
						uint32_t revents),
				     struct butter_loop *other, int fd);
BUTTER_API int butter_ev_embed_set(struct butter_ev_embed *w, struct butter_loop *other, int fd);

/*
 * Calls back with BUTTER_EV_EMBED when the other has something to do, its timers included, and the
 * callback is to sweep it, or it is told again. Without one it is swept. It runs as a part of this
 * loop, at the priority of this watcher, whatever those of its own are. When the other loop is freed the
 * watcher is stopped and called back with BUTTER_EV_EMBED | BUTTER_EV_ERROR. -1 and errno: EINVAL loop
 * would be in itself, directly or by others, or there is neither other nor both of fd and cb, or there
 * are both; ENOMEM; butter_loop_fd()'s.
 */
BUTTER_API int butter_ev_embed_start(struct butter_loop *loop, struct butter_ev_embed *w);
BUTTER_API void butter_ev_embed_stop(struct butter_loop *loop, struct butter_ev_embed *w);

/* butter_loop_run(other, BUTTER_RUN_NOWAIT), and what it returns; EINVAL when there is no other. */
BUTTER_API int butter_ev_embed_sweep(struct butter_loop *loop, struct butter_ev_embed *w);

/* pressure: tasks have waited for CPU, memory or I/O longer than they should, by the kernel's PSI. */
struct butter_ev_pressure {
	struct butter_ev ev;
	struct butter_ev_link link;
	void (*cb)(struct butter_loop *loop, struct butter_ev_pressure *w, uint32_t revents);
	const char *path; /* "/proc/pressure/memory", or memory.pressure of a cgroup's folder */
	int64_t stall;    /* nanoseconds in a window, in whole microseconds */
	int64_t window;   /* the same; the kernel wants 500 ms to 10 s */
	uint32_t flags;
	int32_t error; /* with BUTTER_EV_ERROR: ENODEV the cgroup was removed; or open(2)'s after a fork */
	uint32_t reserved[2];
	struct butter_ev_io io; /* private */
};

#define BUTTER_EV_PRESSURE_FULL 0x1u /* when all tasks wait, not some */

/* path stays the caller's, and until the watcher is stopped where it is. */
BUTTER_API void butter_ev_pressure_init(struct butter_ev_pressure *w,
					void (*cb)(struct butter_loop *loop, struct butter_ev_pressure *w,
						   uint32_t revents),
					const char *path, int64_t stall, int64_t window, uint32_t flags);
BUTTER_API int butter_ev_pressure_set(struct butter_ev_pressure *w, const char *path, int64_t stall,
				      int64_t window, uint32_t flags);

/*
 * Calls back when tasks were stalled for stall in a window, at most once for each: a trigger of Linux 5.2.
 * -1 and errno: open(2)'s of path: ENOENT (a kernel without PSI, or booted without psi=1), EACCES; EINVAL
 * stall, window or flags, the kernel's judgement; before Linux 6.5 EPERM without CAP_SYS_RESOURCE, and
 * since then EINVAL for a window that is no multiple of 2 s; EOPNOTSUPP PSI is off; ENOMEM.
 */
BUTTER_API int butter_ev_pressure_start(struct butter_loop *loop, struct butter_ev_pressure *w);
BUTTER_API void butter_ev_pressure_stop(struct butter_loop *loop, struct butter_ev_pressure *w);

BUTTER_END_DECLS

#endif
