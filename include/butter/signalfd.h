/* SPDX-License-Identifier: MIT */
/* signalfd(2): signals read from a file descriptor. */
#ifndef BUTTER_SIGNALFD_H
#define BUTTER_SIGNALFD_H

#include <signal.h>
#include <sys/signalfd.h>

#include <butter/common.h>

BUTTER_BEGIN_DECLS

/* System calls */

/* signalfd4(2), as libc's signalfd() calls it. */
BUTTER_API int butter_signalfd(int fd, const sigset_t *mask, int flags);

/* Decoder */

/* Which members mean something depends on signo and code (sigaction(2)); the others are 0. */
struct butter_signalfd_event {
	int32_t signo;
	int32_t error;     /* an errno that goes with the signal, mostly 0 */
	int32_t code;      /* SI_*, CLD_*, POLL_* ...: how it came */
	int32_t pid;       /* of the sender, or of the child (SIGCHLD) */
	uint32_t uid;      /* its real user id */
	int32_t fd;        /* SIGIO */
	uint32_t timer_id; /* POSIX timers: the kernel's id */
	uint32_t band;     /* SIGIO: poll(2)'s event bits */
	uint32_t overrun;  /* POSIX timers: expirations beyond this one */
	uint32_t trapno;
	int32_t status;    /* SIGCHLD: exit status or signal */
	int32_t value;     /* sigqueue(3)'s value as an int */
	uint64_t pointer;  /* the same as a pointer: (void *)(uintptr_t)pointer */
	int64_t utime;     /* SIGCHLD: user time in nanoseconds, in steps of the clock tick */
	int64_t stime;     /* SIGCHLD: system time, likewise */
	uint64_t addr;     /* of a fault */
	uint16_t addr_lsb; /* SIGBUS: least significant bit of addr */
	uint16_t reserved;
	int32_t syscall;    /* SIGSYS: its number */
	uint64_t call_addr; /* SIGSYS: of the system call instruction */
	uint32_t arch;      /* SIGSYS: AUDIT_ARCH_* */
	uint32_t reserved2;
};

/*
 * Decodes the first 128-byte record of what a read(2) gave. Returns the bytes consumed, 128;
 * 0 when len is less; -1 with EBADMSG when it cannot be one (no signal number). ret may be NULL.
 */
BUTTER_API ssize_t butter_signalfd_decode(const void *buf, size_t len, struct butter_signalfd_event *ret);

/* Object: see butter_eventlike(7). */

struct butter_signalfd;

/* Flag of butter_signalfd_open(): also block the signals in the calling thread, as they must be. */
#define BUTTER_SIGNALFD_BLOCK 0x1

/*
 * signalfd4(2) with SFD_CLOEXEC and SFD_NONBLOCK added to flags (BUTTER_SIGNALFD_BLOCK).
 * Returns an object for butter_signalfd_close(), or NULL and errno: the call's, ENOMEM, EINVAL
 * for a mask with a signal that no signalfd can give: SIGKILL, SIGSTOP, or one that a fault of
 * the program's own raises (SIGSEGV, SIGBUS, SIGFPE, SIGILL).
 */
BUTTER_API struct butter_signalfd *butter_signalfd_open(const sigset_t *mask, int flags);

/*
 * An object over a signalfd from elsewhere, which it owns from now on, gives this mask, and makes
 * close-on-exec and non-blocking; blocks nothing. NULL and errno: EBADF, ENOMEM, EINVAL (fd is
 * no signalfd, or mask as above); then fd remains the caller's.
 */
BUTTER_API struct butter_signalfd *butter_signalfd_from_fd(int fd, const sigset_t *mask);

/* Ends the object and returns its fd; events still cached are lost. -1 with EINVAL for NULL. */
BUTTER_API int butter_signalfd_release(struct butter_signalfd *x);

/* Ends the object and closes its fd; the signal mask stays. NULL is allowed, errno is kept. */
BUTTER_API void butter_signalfd_close(struct butter_signalfd *x);

/* The file descriptor, for poll(2), epoll(7) and select(2); these cannot see cached events. */
BUTTER_API int butter_signalfd_fd(const struct butter_signalfd *x);

/* Events read from the kernel and not yet handed out. */
BUTTER_API size_t butter_signalfd_pending(struct butter_signalfd *x);

/* The object as a source, for the verbs of source.h. */
BUTTER_API struct butter_source *butter_signalfd_source(struct butter_signalfd *x);

/* 1 an event in ret, 0 nothing now, -1 and errno: read(2)'s, or EBADMSG. */
BUTTER_API int butter_signalfd_read_event(struct butter_signalfd *x, struct butter_signalfd_event *ret);

/*
 * Stores up to max events: the cached ones, else those of one read(2), at most 16. Returns how
 * many; 0: nothing now; -1 and errno: read(2)'s, EBADMSG, EINVAL when max is 0.
 */
BUTTER_API ssize_t butter_signalfd_read_events(struct butter_signalfd *x, struct butter_signalfd_event *ret,
					       size_t max);

/*
 * butter_signalfd_read_event(), waiting up to timeout nanoseconds (-1: for ever). 0: timed out;
 * -1 and errno: EINTR a signal handler ran, EINVAL timeout is below -1.
 */
BUTTER_API int butter_signalfd_wait_event(struct butter_signalfd *x, struct butter_signalfd_event *ret,
					  int64_t timeout);

/*
 * Adds a signal to the set; an object opened with BUTTER_SIGNALFD_BLOCK blocks it in the calling
 * thread too. Returns 0, or -1 and errno: EINVAL as for butter_signalfd_open().
 */
BUTTER_API int butter_signalfd_enable(struct butter_signalfd *x, int signo);

/* Takes a signal out of the set; it stays blocked. Returns 0, or -1 with EINVAL: no signal. */
BUTTER_API int butter_signalfd_disable(struct butter_signalfd *x, int signo);

/* butter_signalfd_enable() for every signal that it takes. */
BUTTER_API int butter_signalfd_enable_all(struct butter_signalfd *x);

/* Empties the set. */
BUTTER_API int butter_signalfd_disable_all(struct butter_signalfd *x);

/* 1 the signal is in the set, 0 it is not, -1 with EINVAL: no signal. */
BUTTER_API int butter_signalfd_has(const struct butter_signalfd *x, int signo);

/* Names */

/*
 * Writes a signal's name, "SIGTERM" or "SIGRTMIN+3"; a number without a name in decimal.
 * Returns the length of the whole text and cuts it to len - 1 bytes, as snprintf(3) does.
 */
BUTTER_API int butter_signalfd_signo_format(int signo, char *buf, size_t len);

/*
 * Reads what butter_signalfd_signo_format() writes; also "term", "RTMAX-1": any case, without
 * the prefix. Returns 0, or -1 with EINVAL and ret_signo untouched.
 */
BUTTER_API int butter_signalfd_signo_parse(const char *text, int *ret_signo);

/* Writes the name of a code, which depends on the signal: "SI_USER", "CLD_EXITED". */
BUTTER_API int butter_signalfd_code_format(int signo, int code, char *buf, size_t len);

/* Reads what butter_signalfd_code_format() writes. 0, or -1 with EINVAL and ret_code untouched. */
BUTTER_API int butter_signalfd_code_parse(const char *text, int *ret_code);

BUTTER_END_DECLS

#endif
