/* SPDX-License-Identifier: MIT */
/* The end of a process as an event. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>

#include <butter/process.h>

#include "../event/names.h"
#include "../event/time.h"
#include "../syscall.h"
#include "process.h"

/* The kernel's struct rusage: libc's has wider times on a 32-bit ABI with 64-bit time_t. */
#if defined __x86_64__ && defined __ILP32__
typedef long long kernel_long;
#else
typedef long kernel_long;
#endif
struct usage {
	struct {
		kernel_long sec, usec;
	} utime, stime;
	kernel_long maxrss; /* KiB */
	kernel_long others[13];
};

enum { SIGINFO_SIZE = 128, KIB = 1024, MICROSECOND = 1000 };
_Static_assert(sizeof(siginfo_t) == SIGINFO_SIZE, "the kernel's record");

int butter__process_wait(int pidfd, siginfo_t *ret, int options, void *ret_rusage)
{
	return butter__syscall(SYS_waitid, P_PIDFD, pidfd, ret, options | __WALL, ret_rusage);
}

void butter__process_from_wait(int wait_status, int32_t *ret_code, int32_t *ret_status)
{
	if (WIFEXITED(wait_status)) {
		*ret_code = CLD_EXITED;
		*ret_status = WEXITSTATUS(wait_status);
	} else {
		*ret_code = WCOREDUMP(wait_status) ? CLD_DUMPED : CLD_KILLED;
		*ret_status = WTERMSIG(wait_status);
	}
}

static int is_end(int code)
{
	return code == CLD_EXITED || code == CLD_KILLED || code == CLD_DUMPED;
}

ssize_t butter_process_decode(const void *buf, size_t len, struct butter_process_event *ret)
{
	siginfo_t si;
	if (len < sizeof(si))
		return 0;
	memcpy(&si, buf, sizeof(si));
	if (si.si_signo == 0 && si.si_pid == 0)
		return 0; /* WNOHANG's answer */
	if (si.si_signo != SIGCHLD || si.si_pid <= 0 || si.si_code < CLD_EXITED ||
	    si.si_code > CLD_CONTINUED) {
		errno = EBADMSG;
		return -1;
	}
	if (ret)
		*ret = (struct butter_process_event){
			.pid = si.si_pid,
			.uid = si.si_uid,
			.code = si.si_code,
			.status = si.si_status,
			.fate = is_end(si.si_code) ? BUTTER_PROCESS_REAPED : 0,
			.utime = -1,
			.stime = -1,
			.maxrss = -1,
		};
	return sizeof(si);
}

static int64_t from_timeval(kernel_long sec, kernel_long usec)
{
	return butter__time_add(butter__time_mul(sec, BUTTER__SECOND), (int64_t)usec * MICROSECOND);
}

static int reaped(struct butter_process *x, const siginfo_t *si, const struct usage *usage,
		  struct butter_process_event *ret)
{
	ssize_t n = butter_process_decode(si, sizeof(*si), ret);
	if (n == 0) {
		x->child = 1;
		return 0;
	}
	if (n > 0) {
		ret->utime = from_timeval(usage->utime.sec, usage->utime.usec);
		ret->stime = from_timeval(usage->stime.sec, usage->stime.usec);
		ret->maxrss = butter__time_mul(usage->maxrss, KIB);
		x->ended = 1;
	}
	return butter__decoded(n);
}

/*
 * There is nothing to reap: the process is no child, or not any more. The pidfd tells whether it
 * has ended, and the kernel how, as soon as it was reaped. Between the end and that there is a
 * moment in which a child that nobody waits for is a zombie yet: nothing now, POLLHUP will follow.
 */
static int not_reaped(struct butter_process *x, struct butter_process_event *ret)
{
	struct pollfd pfd = {.fd = x->source.fd, .events = POLLIN};
	struct butter_process_info info;
	const struct timespec none = {0};
	int saved = errno, n = ppoll(&pfd, 1, &none, NULL);
	if (n <= 0)
		return n;
	if (pfd.revents & POLLNVAL) {
		errno = EBADF;
		return -1;
	}
	int known = butter__process_info(x->source.fd, &info) == 0;
	errno = saved;
	if (!known)
		info = (struct butter_process_info){.ruid = (uint32_t)-1};
	if (known && !info.code && x->child && !(pfd.revents & POLLHUP))
		return 0;
	*ret = (struct butter_process_event){
		.pid = x->pid,
		.uid = info.ruid,
		.code = info.code,
		.status = info.status,
		.fate = x->child ? BUTTER_PROCESS_LOST : BUTTER_PROCESS_FOREIGN,
		.utime = -1,
		.stime = -1,
		.maxrss = -1,
	};
	return x->ended = 1;
}

static int read_event(struct butter_source *source, void *ret)
{
	struct butter_process *x = (struct butter_process *)source;
	struct usage usage;
	siginfo_t si;
	int saved = errno;
	if (x->ended) {
		errno = ENODATA;
		return -1;
	}
	if (!x->thread) {
		if (butter__process_wait(source->fd, &si, WEXITED | WNOHANG, &usage) == 0)
			return reaped(x, &si, &usage, ret);
		if (errno != ECHILD)
			return -1;
		errno = saved;
	}
	return not_reaped(x, ret);
}

BUTTER__OBJECT(process, read_event, butter__single_read_events, butter__single_pending)

struct butter_process *butter__process_new(pid_t pid)
{
	struct butter_process *x = butter__object_new(&butter__process_ops, sizeof(*x));
	if (x)
		x->pid = pid;
	return x;
}

struct butter_process *butter_process_open(pid_t pid, unsigned flags)
{
	struct butter_process *x = butter__process_new(pid);
	if (!x)
		return NULL;
	x->thread = !!(flags & PIDFD_THREAD);
	return butter__object_begin(x, butter_pidfd_open(pid, flags | PIDFD_NONBLOCK));
}

/* waitid(2) tells what kind of fd it is, and whose; nothing is reaped by asking. */
static int examine(struct butter_process *x, int fd)
{
	struct butter_process_info info;
	siginfo_t si;
	int saved = errno, flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return -1;
	x->thread = !!(flags & PIDFD_THREAD);
	int child = butter__process_wait(fd, &si, WEXITED | WNOHANG | WNOWAIT, NULL) == 0;
	if (!child && errno != ECHILD) {
		errno = errno == EBADF ? EINVAL : errno;
		return -1;
	}
	x->child = child && !x->thread;
	if (butter__process_info(fd, &info) == 0)
		x->pid = info.pid;
	errno = saved;
	return 0;
}

struct butter_process *butter_process_from_fd(int fd)
{
	struct butter_process *x = butter__process_new(0);
	if (!x)
		return NULL;
	if (examine(x, fd) < 0)
		return butter__object_begin(x, -1);
	return butter__object_adopt(x, fd);
}

pid_t butter_process_pid(const struct butter_process *x)
{
	return x->pid;
}

int butter_process_signal(struct butter_process *x, int signo)
{
	return butter_pidfd_send_signal(x->source.fd, signo, NULL, 0);
}

int butter_process_code_format(int code, char *buf, size_t len)
{
	return butter__enum_format(&butter__child_codes, code, buf, len);
}

int butter_process_code_parse(const char *text, int *ret_code)
{
	return butter__enum_parse(&butter__child_codes, text, ret_code);
}
