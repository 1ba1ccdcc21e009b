/* SPDX-License-Identifier: MIT */
/*
 * Between clone(2) and execve(2): system calls, and nothing else. The memory is the parent's, which
 * is suspended, and so is errno; the stack is small; all signals are blocked. The sanitizers keep
 * notes of functions that return, which these do not, so they stay out.
 */
#include <errno.h>
#include <fcntl.h>

#include <butter/file.h>

#include "../syscall.h"
#include "process.h"

#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined"))) static

enum { FIRST_OTHER_FD = 3, FAILED = 127 };

#ifdef SYS_fcntl
#define FCNTL SYS_fcntl
#else
#define FCNTL SYS_fcntl64
#endif

/*
 * No handler may run from here to execve(2), which would make them default itself. The kernel
 * refuses SIGKILL and SIGSTOP; those that libc keeps for itself it does not.
 */
IN_CHILD void reset_dispositions(const struct butter__start *s)
{
	static const unsigned long by_default[16]; /* the kernel's struct, which differs by machine */
	for (int signo = 1; signo < _NSIG; signo++)
		if (!s->keep[signo])
			butter__syscall(SYS_rt_sigaction, signo, by_default, NULL, BUTTER__SIGSET_SIZE);
}

IN_CHILD int set_group(const struct butter__start *s)
{
	if (s->flags & BUTTER_SPAWN_SETSID)
		return butter__syscall(SYS_setsid);
	if (s->flags & BUTTER_SPAWN_SETPGID)
		return butter__syscall(SYS_setpgid, 0, s->pgid);
	return 0;
}

IN_CHILD int do_step(const struct butter__fd_step *step, int32_t *spare)
{
	int32_t from = step->from == BUTTER__SPARE ? *spare : step->from;
	if (step->to == BUTTER__SPARE)
		return *spare = butter__syscall(FCNTL, from, F_DUPFD_CLOEXEC, 0);
	if (from == step->to)
		return butter__syscall(FCNTL, from, F_SETFD, 0);
	if (from < 0) {
		butter__syscall(SYS_close, step->to);
		return 0;
	}
	int fd = butter__syscall(SYS_dup3, from, step->to, 0);
	if (from == *spare) {
		butter__syscall(SYS_close, *spare);
		*spare = -1;
	}
	return fd;
}

/* What is named is taken out of close-on-exec again, or never gets it. */
IN_CHILD int set_fds(const struct butter__start *s)
{
	int32_t spare = -1;
	if ((s->flags & BUTTER_SPAWN_CLOSE_FDS) &&
	    butter__syscall(SYS_close_range, FIRST_OTHER_FD, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -1;
	for (size_t i = 0; i < s->step_count; i++)
		if (do_step(&s->steps[i], &spare) < 0)
			return -1;
	return 0;
}

/* As execvp(3) searches, but for the shell that it gives a file without "#!". */
IN_CHILD void execute(const struct butter__start *s)
{
	int denied = 0;
	for (const char *const *path = s->paths; *path; path++) {
		butter__syscall(SYS_execve, *path, s->argv, s->envp);
		denied |= errno == EACCES;
		if (errno != EACCES && errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG)
			return;
	}
	if (denied)
		errno = EACCES;
}

__attribute__((no_sanitize("address", "thread", "undefined"))) int butter__spawn_child(void *start)
{
	struct butter__start *s = start;
	reset_dispositions(s);
	if (set_group(s) >= 0 && (!s->cwd || butter__syscall(SYS_chdir, s->cwd) >= 0) && set_fds(s) >= 0 &&
	    butter__syscall(SYS_rt_sigprocmask, SIG_SETMASK, &s->mask, NULL, BUTTER__SIGSET_SIZE) >= 0)
		execute(s);
	s->error = errno;
	for (;;)
		butter__syscall(SYS_exit_group, FAILED);
}
