/* SPDX-License-Identifier: MIT */
/*
 * Faults in the libc functions that the library calls, by the linker's --wrap: the nth call from
 * now on fails or returns something else, once or for ever. The product has no switch for it.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdint.h>
#include <sys/types.h>

enum fault_call {
	FAULT_READ,
	FAULT_WRITE,
	FAULT_CALLOC,
	FAULT_FCNTL,
	FAULT_PPOLL,
	FAULT_INOTIFY_INIT1,
	FAULT_INOTIFY_ADD_WATCH,
	FAULT_INOTIFY_RM_WATCH,
	FAULT_EVENTFD,
	FAULT_FANOTIFY_INIT,
	FAULT_FANOTIFY_MARK,
	FAULT_SIGNALFD,
	FAULT_TIMERFD_CREATE,
	FAULT_TIMERFD_SETTIME,
	FAULT_TIMERFD_GETTIME,
	FAULT_EPOLL_CREATE1,
	FAULT_EPOLL_CTL,
	FAULT_GETRLIMIT,
	FAULT_PIDFD_OPEN,
	FAULT_PIDFD_SEND_SIGNAL,
	FAULT_WAITID,
	FAULT_MMAP,
	FAULT_CLONE,
	FAULT_CHDIR,
	FAULT_DUP,
	FAULT_EXECVE,
	FAULT_MALLOC,
	FAULT_REALLOC,
	FAULT_STRDUP, /* and strndup() */
	FAULT_OPEN,   /* and openat() */
	FAULT_STAT,   /* fstat() and fstatat() */
	FAULT_STATFS,
	FAULT_FUTIMENS,
	FAULT_READLINK, /* and readlinkat() */
	FAULT_POLL,
	FAULT_GETCWD,
	FAULT_MEMFD_CREATE,
	FAULT_NAME_TO_HANDLE_AT,
	FAULT_GETDENTS,
	FAULT_FOPEN,
	FAULT_PTHREAD_CREATE,
	FAULT_UNAME, /* no operation of the sweep makes this call, or those below */
	FAULT_IOCTL,
	FAULT_SIGPROCMASK,
	FAULT_CLOSE_RANGE,
	FAULT_EPOLL_PWAIT2,
	FAULT_DUP3,
	FAULT_MADVISE,
	FAULT_REGCOMP, /* these two return an error: fault_result() */
	FAULT_REGEXEC,
	FAULT_OPENAT2,
	FAULT_CALLS
};

/* The nth call from now (1: the next) returns -1 with this errno (calloc: NULL). */
void fault_error(enum fault_call call, unsigned nth, int error);

/* The same for that call and all after it. */
void fault_error_from(enum fault_call call, unsigned nth, int error);

/* The nth call from now returns this without being made; read(2) first copies bytes, if given. */
void fault_result(enum fault_call call, unsigned nth, ssize_t result, const void *bytes);

/* Whether a call was faulty since fault_clear(). */
int fault_happened(enum fault_call call);

/* Calls made since fault_clear(), the faulty ones included. */
unsigned fault_calls(enum fault_call call);

/* CLOCK_REALTIME is off by so many nanoseconds for whoever asks for it. */
void fault_clock(int64_t offset);

void fault_clear(void);

/* Called before each of these calls, with the number of a bare system call, or 0; NULL: nothing. */
extern void (*fault_between)(long number);

/* May change what fstat(2) and fstatat(2) have told. */
struct stat;
extern void (*fault_stat)(struct stat *st);

/* What CLOCK_MONOTONIC says, in nanoseconds, and how far each look moves it; 0: the kernel's. */
extern int64_t fault_monotonic, fault_monotonic_step;

#endif
