/* SPDX-License-Identifier: MIT */
/* Processes: started with a pidfd from their first moment, and their end read as an event. */
#ifndef BUTTER_PROCESS_H
#define BUTTER_PROCESS_H

#include <sys/select.h> /* sigset_t, in strict C99 too */
#include <sys/wait.h>

#include <butter/pidfd.h>

BUTTER_BEGIN_DECLS

/* Decoders */

/* How the end of a process became known. */
#define BUTTER_PROCESS_REAPED 1  /* a child, reaped by this very read: nothing of it is left */
#define BUTTER_PROCESS_LOST 2    /* a child that others reaped: waitpid(-1), SIGCHLD ignored */
#define BUTTER_PROCESS_FOREIGN 3 /* no child of the caller's, as far as the object has seen */

struct butter_process_event {
	int32_t pid;    /* 0: not known */
	uint32_t uid;   /* its real user id; (uint32_t)-1: not known */
	int32_t code;   /* CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0: how it ended is not known */
	int32_t status; /* exit status, or the signal that killed it */
	uint32_t fate;  /* BUTTER_PROCESS_*; 0 from the decoder for one that has only stopped */
	uint32_t reserved;
	int64_t utime;  /* user time in nanoseconds, its reaped children's included; -1: not known */
	int64_t stime;  /* system time, likewise */
	int64_t maxrss; /* the most memory it had resident, in bytes; -1: not known */
	uint64_t reserved2[2];
};

/*
 * Decodes the 128-byte siginfo_t that waitid(2) filled in, whoever called it (io_uring too);
 * times and memory are not in it. Returns the bytes consumed, 128; 0 when len is less, or for the
 * answer of WNOHANG that nothing has happened; -1 with EBADMSG when waitid(2) cannot have written
 * it. ret may be NULL.
 */
BUTTER_API ssize_t butter_process_decode(const void *buf, size_t len, struct butter_process_event *ret);

/* Which members the kernel has told, of the three groups and the two ends: PIDFD_INFO_*. */
struct butter_process_info {
	uint64_t mask;
	uint64_t cgroup_id; /* PIDFD_INFO_CGROUPID: the inode of its cgroup's folder; else 0 */
	int32_t pid;        /* PIDFD_INFO_PID; else 0 */
	int32_t tgid;       /* the process of which pid is a thread */
	int32_t ppid;       /* its parent; 0: not in the caller's pid namespace */
	uint32_t ruid;      /* PIDFD_INFO_CREDS; else (uint32_t)-1, all of them */
	uint32_t rgid;
	uint32_t euid;
	uint32_t egid;
	uint32_t suid;
	uint32_t sgid;
	uint32_t fsuid;
	uint32_t fsgid;
	int32_t code;             /* PIDFD_INFO_EXIT: as in struct butter_process_event; else 0 */
	int32_t status;           /* likewise */
	uint32_t coredump_mask;   /* PIDFD_INFO_COREDUMP: PIDFD_COREDUMP*; else 0 */
	uint32_t coredump_signal; /* PIDFD_INFO_COREDUMP_SIGNAL; else 0 */
	uint32_t reserved[5];
};

/*
 * Decodes the struct pidfd_info that PIDFD_GET_INFO filled in, of the size that it was called
 * with. Returns the bytes consumed, len, since the struct grows; 0 when len is below 64; -1 with
 * EBADMSG when the kernel cannot have written it. A member of which len has no room is not told.
 * ret may be NULL.
 */
BUTTER_API ssize_t butter_process_info_decode(const void *buf, size_t len, struct butter_process_info *ret);

/* Object: see butter_eventlike(7). It yields one event, and then ENODATA. */

struct butter_process;

/* In the child, fd is a duplicate of what from is in the caller; from is -1: fd is closed. */
struct butter_spawn_fd {
	int32_t fd;
	int32_t from;
};

/* Flags of struct butter_spawn. */
#define BUTTER_SPAWN_SETSID 0x1       /* a session of its own: setsid(2) */
#define BUTTER_SPAWN_SETPGID 0x2      /* process group pgid, 0 for one of its own: setpgid(2) */
#define BUTTER_SPAWN_CGROUP 0x4       /* into the cgroup cgroup_fd: CLONE_INTO_CGROUP, Linux 5.7 */
#define BUTTER_SPAWN_KEEP_IGNORED 0x8 /* signals that are ignored stay so; else all are default */
#define BUTTER_SPAWN_CLOSE_FDS 0x10   /* closes what fds does not name, from 3 on: Linux 5.11 */

/* What to start. Zero is a good default for what follows argv. */
struct butter_spawn {
	size_t size;                       /* sizeof(struct butter_spawn) */
	const char *path;                  /* the program; relative to cwd */
	char *const *argv;                 /* ended by NULL; at least its name */
	char *const *envp;                 /* NULL: environ */
	const char *search;                /* folders with ':' between for a path without '/', as in PATH */
	const char *cwd;                   /* NULL: the caller's */
	const sigset_t *mask;              /* signals blocked in it; NULL: none */
	const struct butter_spawn_fd *fds; /* all at once: each from is the caller's */
	size_t fd_count;
	unsigned flags; /* BUTTER_SPAWN_* */
	int32_t pgid;
	int32_t cgroup_fd; /* a folder of cgroup2, open */
	uint32_t reserved; /* 0 */
};

/*
 * Starts a program in a child: clone(2) with CLONE_VM, CLONE_VFORK and CLONE_PIDFD, execve(2).
 * Returns when the program runs, with an object for butter_process_close(); or NULL and errno,
 * and then there is no child: execve(2)'s, those of the calls above, EINVAL, E2BIG (a larger
 * struct that is not 0 where this library does not know it), ENOMEM.
 */
BUTTER_API struct butter_process *butter_spawn(const struct butter_spawn *how);

/*
 * pidfd_open(2) with PIDFD_NONBLOCK added to flags (PIDFD_THREAD). pid: of a child that has not
 * been reaped; any other may end and its number be another's by now.
 * Returns an object for butter_process_close(), or NULL and errno: the call's, or ENOMEM.
 */
BUTTER_API struct butter_process *butter_process_open(pid_t pid, unsigned flags);

/*
 * An object over a pidfd from elsewhere, which it owns from now on and makes close-on-exec and
 * non-blocking. NULL and errno: EBADF, EINVAL (no pidfd), ENOMEM; then fd remains the caller's.
 */
BUTTER_API struct butter_process *butter_process_from_fd(int fd);

/* Ends the object and returns its fd; the process is as it was. -1 with EINVAL for NULL. */
BUTTER_API int butter_process_release(struct butter_process *x);

/*
 * Ends the object and closes its fd. It neither kills the process nor reaps it: a child whose
 * event was not read is a zombie when it has ended. NULL is allowed, errno is kept.
 */
BUTTER_API void butter_process_close(struct butter_process *x);

/* The file descriptor, for poll(2), epoll(7) and select(2): readable for ever from the end on. */
BUTTER_API int butter_process_fd(const struct butter_process *x);

/* Always 0: nothing is read ahead. */
BUTTER_API size_t butter_process_pending(struct butter_process *x);

/* The object as a source, for the verbs of source.h. */
BUTTER_API struct butter_source *butter_process_source(struct butter_process *x);

/*
 * 1 the process has ended and its event is in ret, a child's zombie reaped; 0 it runs, or is
 * stopped; -1 and errno: ENODATA after the event, or waitid(2)'s.
 */
BUTTER_API int butter_process_read_event(struct butter_process *x, struct butter_process_event *ret);

/* As butter_process_read_event(), since there is one event; EINVAL when max is 0. */
BUTTER_API ssize_t butter_process_read_events(struct butter_process *x, struct butter_process_event *ret,
					      size_t max);

/*
 * butter_process_read_event(), waiting up to timeout nanoseconds (-1: for ever). 0: timed out;
 * -1 and errno: EINTR a signal handler ran, EINVAL timeout is below -1.
 */
BUTTER_API int butter_process_wait_event(struct butter_process *x, struct butter_process_event *ret,
					 int64_t timeout);

/* The process id, also after the end; 0 when it was not to be known (from_fd before Linux 6.13). */
BUTTER_API pid_t butter_process_pid(const struct butter_process *x);

/*
 * Sends a signal, never to another process of the same number: pidfd_send_signal(2). 0 only asks.
 * Returns 0 (a zombie takes it too), or -1 and errno: ESRCH it was reaped, EPERM, EINVAL.
 */
BUTTER_API int butter_process_signal(struct butter_process *x, int signo);

/*
 * Tells what the kernel knows of the process: PIDFD_GET_INFO, since Linux 6.13 (ENOTTY or EINVAL
 * before). Since 6.15 it tells the end too, once the process was reaped, by whomever.
 * Returns 0, or -1 and errno: ESRCH it was reaped before there was a pidfd, or before 6.15.
 */
BUTTER_API int butter_process_info(struct butter_process *x, struct butter_process_info *ret);

/* Names */

/*
 * Writes the name of the code of an event, "CLD_EXITED"; a number without a name in decimal.
 * Returns the length of the whole text and cuts it to len - 1 bytes, as snprintf(3) does.
 */
BUTTER_API int butter_process_code_format(int code, char *buf, size_t len);

/*
 * Reads what butter_process_code_format() writes; also "killed": any case, without the prefix.
 * Returns 0, or -1 with EINVAL and ret_code untouched.
 */
BUTTER_API int butter_process_code_parse(const char *text, int *ret_code);

BUTTER_END_DECLS

#endif
