/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"

void (*fault_between)(long number);
int64_t fault_monotonic, fault_monotonic_step;
void (*fault_stat)(struct stat *st);

static struct {
	unsigned calls, at; /* at: the call that is faulty, 0: none */
	int from;           /* and all after it */
	int error;          /* 0: result and bytes instead */
	ssize_t result;
	const void *bytes;
} faults[FAULT_CALLS];

void fault_error(enum fault_call call, unsigned nth, int error)
{
	faults[call].at = faults[call].calls + nth;
	faults[call].from = 0;
	faults[call].error = error;
	faults[call].result = -1;
	faults[call].bytes = NULL;
}

void fault_error_from(enum fault_call call, unsigned nth, int error)
{
	fault_error(call, nth, error);
	faults[call].from = 1;
}

void fault_result(enum fault_call call, unsigned nth, ssize_t result, const void *bytes)
{
	fault_error(call, nth, 0);
	faults[call].result = result;
	faults[call].bytes = bytes;
}

int fault_happened(enum fault_call call)
{
	return faults[call].at && faults[call].calls >= faults[call].at;
}

unsigned fault_calls(enum fault_call call)
{
	return faults[call].calls;
}

static int64_t clock_offset;

void fault_clock(int64_t offset)
{
	clock_offset = offset;
}

void fault_clear(void)
{
	memset(faults, 0, sizeof(faults));
	clock_offset = 0;
	fault_monotonic = fault_monotonic_step = 0;
}

/*
 * A child that shares the memory of its parent comes by here too and does not return from execve(2),
 * which the sanitizers need not know.
 */
#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

IN_CHILD static void between(long number)
{
	void (*act)(long) = __atomic_load_n(&fault_between, __ATOMIC_RELAXED);
	if (act)
		act(number);
}

IN_CHILD static int is_turn(enum fault_call call)
{
	unsigned now = __atomic_add_fetch(&faults[call].calls, 1, __ATOMIC_RELAXED), at = faults[call].at;
	if (!at || now < at || (now > at && !faults[call].from))
		return 0;
	if (faults[call].error)
		errno = faults[call].error;
	return 1;
}

IN_CHILD static int faulty(enum fault_call call)
{
	between(0);
	return is_turn(call);
}

/*
 * The names that the linker sees: with 64-bit times or offsets on a 32-bit ABI glibc's headers
 * rename the function.
 */
#if defined __GLIBC__ && !defined __LP64__
#define TIME64(name) "__" #name "64"
#define OFFSET64(name) #name "64"
#define STAT64(name) "__" #name "64_time64"
#define FCNTL "__fcntl_time64"
#define IOCTL "__ioctl_time64"
#else
#define TIME64(name) #name
#define OFFSET64(name) #name
#define STAT64(name) #name
#define FCNTL "fcntl"
#define IOCTL "ioctl"
#endif

#define WRAPPED(type, name, linked, parameters, arguments, call)                                             \
	type real_##name parameters __asm__("__real_" linked);                                               \
	type wrap_##name parameters __asm__("__wrap_" linked);                                               \
	type wrap_##name parameters                                                                          \
	{                                                                                                    \
		return faulty(call) ? (type)faults[call].result : real_##name arguments;                     \
	}

WRAPPED(int, ppoll, TIME64(ppoll),
	(struct pollfd * fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask),
	(fds, n, timeout, mask), FAULT_PPOLL)
WRAPPED(ssize_t, write, "write", (int fd, const void *buf, size_t size), (fd, buf, size), FAULT_WRITE)
WRAPPED(int, inotify_add_watch, "inotify_add_watch", (int fd, const char *path, uint32_t mask),
	(fd, path, mask), FAULT_INOTIFY_ADD_WATCH)
WRAPPED(int, inotify_rm_watch, "inotify_rm_watch", (int fd, int wd), (fd, wd), FAULT_INOTIFY_RM_WATCH)
WRAPPED(int, inotify_init1, "inotify_init1", (int flags), (flags), FAULT_INOTIFY_INIT1)
WRAPPED(int, eventfd, "eventfd", (unsigned initial, int flags), (initial, flags), FAULT_EVENTFD)
WRAPPED(int, fanotify_init, "fanotify_init", (unsigned flags, unsigned event_flags), (flags, event_flags),
	FAULT_FANOTIFY_INIT)
WRAPPED(int, fanotify_mark, "fanotify_mark",
	(int fd, unsigned flags, uint64_t mask, int dirfd, const char *path), (fd, flags, mask, dirfd, path),
	FAULT_FANOTIFY_MARK)
WRAPPED(int, signalfd, "signalfd", (int fd, const sigset_t *mask, int flags), (fd, mask, flags),
	FAULT_SIGNALFD)
WRAPPED(int, timerfd_create, "timerfd_create", (int clockid, int flags), (clockid, flags),
	FAULT_TIMERFD_CREATE)
#ifndef SYS_timerfd_settime64
WRAPPED(int, timerfd_settime, "timerfd_settime",
	(int fd, int flags, const struct itimerspec *value, struct itimerspec *old), (fd, flags, value, old),
	FAULT_TIMERFD_SETTIME)
#endif
WRAPPED(int, timerfd_gettime, TIME64(timerfd_gettime), (int fd, struct itimerspec *value), (fd, value),
	FAULT_TIMERFD_GETTIME)
WRAPPED(int, regcomp, "regcomp", (regex_t * regex, const char *pattern, int flags), (regex, pattern, flags),
	FAULT_REGCOMP)
WRAPPED(int, regexec, "regexec",
	(const regex_t *regex, const char *text, size_t count, regmatch_t match[], int flags),
	(regex, text, count, match, flags), FAULT_REGEXEC)
WRAPPED(int, uname, "uname", (struct utsname * host), (host), FAULT_UNAME)

WRAPPED(int, epoll_create1, "epoll_create1", (int flags), (flags), FAULT_EPOLL_CREATE1)
WRAPPED(int, epoll_ctl, "epoll_ctl", (int fd, int op, int of, struct epoll_event *event), (fd, op, of, event),
	FAULT_EPOLL_CTL)
#ifdef __GLIBC__
#if defined __LP64__
#define PWAIT2 "epoll_pwait2"
#else
#define PWAIT2 "__epoll_pwait2_time64"
#endif
WRAPPED(int, epoll_pwait2, PWAIT2,
	(int fd, struct epoll_event *events, int max, const struct timespec *timeout, const sigset_t *mask),
	(fd, events, max, timeout, mask), FAULT_EPOLL_PWAIT2)
#endif
WRAPPED(int, dup3, "dup3", (int from, int to, int flags), (from, to, flags), FAULT_DUP3)
WRAPPED(int, madvise, "madvise", (void *at, size_t size, int advice), (at, size, advice), FAULT_MADVISE)
WRAPPED(int, getrlimit, OFFSET64(getrlimit), (int resource, struct rlimit *limit), (resource, limit),
	FAULT_GETRLIMIT)

ssize_t real_read(int fd, void *buf, size_t size) __asm__("__real_read");
ssize_t wrap_read(int fd, void *buf, size_t size) __asm__("__wrap_read");
ssize_t wrap_read(int fd, void *buf, size_t size)
{
	if (!faulty(FAULT_READ))
		return real_read(fd, buf, size);
	if (faults[FAULT_READ].bytes)
		memcpy(buf, faults[FAULT_READ].bytes, (size_t)faults[FAULT_READ].result);
	return faults[FAULT_READ].result;
}

static int tell_stat(int n, struct stat *st)
{
	if (n == 0 && fault_stat)
		fault_stat(st);
	return n;
}

int real_fstat(int fd, struct stat *ret) __asm__("__real_" STAT64(fstat));
int wrap_fstat(int fd, struct stat *ret) __asm__("__wrap_" STAT64(fstat));
int wrap_fstat(int fd, struct stat *ret)
{
	return faulty(FAULT_STAT) ? (int)faults[FAULT_STAT].result : tell_stat(real_fstat(fd, ret), ret);
}

int real_fstatat(int dir, const char *path, struct stat *ret, int flags) __asm__("__real_" STAT64(fstatat));
int wrap_fstatat(int dir, const char *path, struct stat *ret, int flags) __asm__("__wrap_" STAT64(fstatat));
int wrap_fstatat(int dir, const char *path, struct stat *ret, int flags)
{
	return faulty(FAULT_STAT) ? (int)faults[FAULT_STAT].result
				  : tell_stat(real_fstatat(dir, path, ret, flags), ret);
}

WRAPPED(int, fstatfs, OFFSET64(fstatfs), (int fd, struct statfs *ret), (fd, ret), FAULT_STATFS)
WRAPPED(int, futimens, TIME64(futimens), (int fd, const struct timespec times[2]), (fd, times),
	FAULT_FUTIMENS)
WRAPPED(ssize_t, readlink, "readlink", (const char *path, char *buf, size_t size), (path, buf, size),
	FAULT_READLINK)
WRAPPED(ssize_t, readlinkat, "readlinkat", (int dir, const char *path, char *buf, size_t size),
	(dir, path, buf, size), FAULT_READLINK)
WRAPPED(int, poll, "poll", (struct pollfd * fds, nfds_t n, int timeout), (fds, n, timeout), FAULT_POLL)
WRAPPED(int, memfd_create, "memfd_create", (const char *name, unsigned flags), (name, flags),
	FAULT_MEMFD_CREATE)
WRAPPED(int, name_to_handle_at, "name_to_handle_at",
	(int dir, const char *path, void *handle, int *mount, int flags), (dir, path, handle, mount, flags),
	FAULT_NAME_TO_HANDLE_AT)
WRAPPED(int, pthread_create, "pthread_create",
	(pthread_t * thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg),
	(thread, attr, start, arg), FAULT_PTHREAD_CREATE)

/* Those that return a pointer: NULL. */
#define WRAPPED_POINTER(type, name, linked, parameters, arguments, call)                                     \
	type *real_##name parameters __asm__("__real_" linked);                                              \
	type *wrap_##name parameters __asm__("__wrap_" linked);                                              \
	type *wrap_##name parameters                                                                         \
	{                                                                                                    \
		return faulty(call) ? NULL : real_##name arguments;                                          \
	}

WRAPPED_POINTER(void, malloc, "malloc", (size_t size), (size), FAULT_MALLOC)
WRAPPED_POINTER(void, realloc, "realloc", (void *old, size_t size), (old, size), FAULT_REALLOC)
WRAPPED_POINTER(char, strdup, "strdup", (const char *text), (text), FAULT_STRDUP)
WRAPPED_POINTER(char, strndup, "strndup", (const char *text, size_t len), (text, len), FAULT_STRDUP)
WRAPPED_POINTER(char, getcwd, "getcwd", (char *buf, size_t size), (buf, size), FAULT_GETCWD)
WRAPPED_POINTER(FILE, fopen, OFFSET64(fopen), (const char *path, const char *mode), (path, mode), FAULT_FOPEN)
WRAPPED_POINTER(void, calloc, "calloc", (size_t count, size_t size), (count, size), FAULT_CALLOC)

int real_open(const char *path, int flags, ...) __asm__("__real_" OFFSET64(open));
int wrap_open(const char *path, int flags, ...) __asm__("__wrap_" OFFSET64(open));
int wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, unsigned) : 0;
	va_end(arguments);
	return faulty(FAULT_OPEN) ? -1 : real_open(path, flags, mode);
}

int real_openat(int dir, const char *path, int flags, ...) __asm__("__real_" OFFSET64(openat));
int wrap_openat(int dir, const char *path, int flags, ...) __asm__("__wrap_" OFFSET64(openat));
int wrap_openat(int dir, const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, unsigned) : 0;
	va_end(arguments);
	return faulty(FAULT_OPEN) ? -1 : real_openat(dir, path, flags, mode);
}

int real_fcntl(int fd, int cmd, ...) __asm__("__real_" FCNTL);
int wrap_fcntl(int fd, int cmd, ...) __asm__("__wrap_" FCNTL);
int wrap_fcntl(int fd, int cmd, ...)
{
	va_list arguments;
	va_start(arguments, cmd);
	long argument = va_arg(arguments, long);
	va_end(arguments);
	return faulty(FAULT_FCNTL) ? (int)faults[FAULT_FCNTL].result : real_fcntl(fd, cmd, argument);
}

WRAPPED(void *, mmap, OFFSET64(mmap), (void *at, size_t size, int prot, int flags, int fd, off_t offset),
	(at, size, prot, flags, fd, offset), FAULT_MMAP)

int real_clock_gettime(clockid_t id, struct timespec *ret) __asm__("__real_" TIME64(clock_gettime));
int wrap_clock_gettime(clockid_t id, struct timespec *ret) __asm__("__wrap_" TIME64(clock_gettime));
int wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	int n = real_clock_gettime(id, ret), is_offset = id == CLOCK_REALTIME && clock_offset;
	int is_other = id == CLOCK_MONOTONIC && fault_monotonic;
	if (n < 0 || (!is_offset && !is_other))
		return n;
	int64_t ns = is_other ? fault_monotonic += fault_monotonic_step
			      : (int64_t)ret->tv_sec * 1000000000 + ret->tv_nsec + clock_offset;
	*ret = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = (long)(ns % 1000000000)};
	return n;
}

#if defined __GLIBC__ && !defined __LP64__
/* libcheck's, with 32-bit times and offsets. */
FILE *real_fopen32(const char *path, const char *mode) __asm__("__real_fopen");
FILE *wrap_fopen32(const char *path, const char *mode) __asm__("__wrap_fopen");
FILE *wrap_fopen32(const char *path, const char *mode)
{
	return real_fopen32(path, mode);
}

int real_clock_gettime32(clockid_t id, void *ret) __asm__("__real_clock_gettime");
int wrap_clock_gettime32(clockid_t id, void *ret) __asm__("__wrap_clock_gettime");
int wrap_clock_gettime32(clockid_t id, void *ret)
{
	return real_clock_gettime32(id, ret);
}
#endif

int real_ioctl(int fd, unsigned long request, ...) __asm__("__real_" IOCTL);
int wrap_ioctl(int fd, unsigned long request, ...) __asm__("__wrap_" IOCTL);
int wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	return faulty(FAULT_IOCTL) ? (int)faults[FAULT_IOCTL].result : real_ioctl(fd, request, argument);
}

/* ThreadSanitizer's clone(2) is not what the library calls. */
#if defined __has_feature
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define CLONE "__clone"
#else
#define CLONE "clone"
#endif
int real_clone(int (*fn)(void *), void *stack, int flags, void *arg, int *pidfd) __asm__("__real_" CLONE);
int wrap_clone(int (*fn)(void *), void *stack, int flags, void *arg, int *pidfd) __asm__("__wrap_" CLONE);
int wrap_clone(int (*fn)(void *), void *stack, int flags, void *arg, int *pidfd)
{
	return faulty(FAULT_CLONE) ? (int)faults[FAULT_CLONE].result
				   : real_clone(fn, stack, flags, arg, pidfd);
}

/* What the library asks of the kernel without libc's help: FAULT_CALLS for what is none of these. */
IN_CHILD static enum fault_call call_of(long number)
{
	switch (number) {
#ifdef SYS_timerfd_settime64
	case SYS_timerfd_settime64:
		return FAULT_TIMERFD_SETTIME;
#endif
#ifdef SYS_epoll_pwait2
	case SYS_epoll_pwait2:
		return FAULT_EPOLL_PWAIT2;
#endif
	case SYS_getdents64:
		return FAULT_GETDENTS;
	case SYS_pidfd_open:
		return FAULT_PIDFD_OPEN;
	case SYS_pidfd_send_signal:
		return FAULT_PIDFD_SEND_SIGNAL;
	case SYS_waitid:
		return FAULT_WAITID;
	case SYS_clone3:
		return FAULT_CLONE;
	case SYS_rt_sigprocmask:
		return FAULT_SIGPROCMASK;
	case SYS_chdir:
		return FAULT_CHDIR;
	case SYS_close_range:
		return FAULT_CLOSE_RANGE;
	case SYS_dup3:
	case SYS_fcntl:
		return FAULT_DUP;
	case SYS_execve:
		return FAULT_EXECVE;
	case SYS_openat2:
		return FAULT_OPENAT2;
	default:
		return FAULT_CALLS;
	}
}

/* Not variadic, as callers see it: on Linux' ABIs the words are in the same places. */
long real_syscall(long number, long a, long b, long c, long d, long e, long f) __asm__("__real_syscall");
long wrap_syscall(long number, long a, long b, long c, long d, long e, long f) __asm__("__wrap_syscall");
IN_CHILD long wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	enum fault_call call = call_of(number);
	between(number);
	if (call == FAULT_CALLS || !is_turn(call))
		return real_syscall(number, a, b, c, d, e, f);
	return (long)faults[call].result;
}
