/* SPDX-License-Identifier: MIT */
/* The parent's side of starting a program: all is made ready here, so that the child has only to act. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <butter/namespace.h>
#include <butter/process.h>

#include "../event/options.h"
#include "../syscall.h"
#include "process.h"

/*
 * STACK is many times what the child's few frames take: it has neither handlers to run nor, since
 * its parent has called syscall(2) before it, functions to bind. SMALL holds a usual description.
 */
enum { STACK = 8 * 1024, SMALL = 2 * 1024, MOST_FDS = 1 << 16 };
enum {
	FLAGS = BUTTER_SPAWN_SETSID | BUTTER_SPAWN_SETPGID | BUTTER_SPAWN_CGROUP | BUTTER_SPAWN_KEEP_IGNORED |
		BUTTER_SPAWN_CLOSE_FDS
};

static int fail(int error)
{
	errno = error;
	return -1;
}

/* The fds that are named. That none is named twice is seen when their steps are made. */
static int check_fds(const struct butter_spawn *how)
{
	if (how->fd_count > MOST_FDS || (how->fd_count > 0 && !how->fds))
		return fail(EINVAL);
	for (size_t i = 0; i < how->fd_count; i++)
		if (how->fds[i].fd < 0 || how->fds[i].from < -1)
			return fail(EINVAL);
	return 0;
}

/* A larger struct is that of a newer header, and there is no older one to be smaller. */
static int check_size(const struct butter_spawn *how)
{
	if (!how || how->size < sizeof(*how))
		return fail(EINVAL);
	return butter__options_known(how, sizeof(*how), how->size);
}

static int check(const struct butter_spawn *how)
{
	const unsigned group = BUTTER_SPAWN_SETSID | BUTTER_SPAWN_SETPGID;
	if (check_size(how) < 0)
		return -1;
	if (!how->path || !how->argv || !how->argv[0] || (how->flags & ~(unsigned)FLAGS) || how->reserved)
		return fail(EINVAL);
	if ((how->flags & group) == group || ((how->flags & BUTTER_SPAWN_SETPGID) && how->pgid < 0) ||
	    ((how->flags & BUTTER_SPAWN_CGROUP) && how->cgroup_fd < 0))
		return fail(EINVAL);
	return check_fds(how);
}

/*
 * What a spawn needs beside the object, on the stack of the caller: to map memory for it takes longer
 * than all else but the calls that start and end a process. Only a large description is elsewhere.
 */
struct area {
	struct butter__start *start;
	void *heap;
	size_t mapped; /* bytes at start, when it is shared memory */
	_Alignas(16) unsigned char small[SMALL];
	_Alignas(16) unsigned char stack[STACK];
};

static int is_searched(const struct butter_spawn *how)
{
	return how->search && !strchr(how->path, '/');
}

static size_t count_paths(const struct butter_spawn *how)
{
	size_t count = 1;
	if (is_searched(how))
		for (const char *p = how->search; *p; p++)
			count += *p == ':';
	return count;
}

/* "folder/path" for each folder of search; one without name is the current folder. */
static void write_paths(const struct butter_spawn *how, const char **paths, char *text)
{
	const char *folder = how->search;
	if (!is_searched(how)) {
		paths[0] = how->path;
		return;
	}
	for (;; folder++) {
		size_t n = strcspn(folder, ":");
		*paths++ = text;
		memcpy(text, folder, n);
		text += n;
		if (n > 0)
			*text++ = '/';
		text = stpcpy(text, how->path) + 1;
		folder += n;
		if (!*folder)
			return;
	}
}

static void describe(const struct butter_spawn *how, struct butter__start *s)
{
	s->flags = how->flags;
	s->pgid = how->pgid;
	s->cwd = how->cwd;
	s->argv = how->argv;
	s->envp = how->envp ? how->envp : environ;
	if (how->mask)
		s->mask = *how->mask;
	else
		sigemptyset(&s->mask);
	for (int signo = 1; (how->flags & BUTTER_SPAWN_KEEP_IGNORED) && signo < _NSIG; signo++) {
		struct sigaction action;
		s->keep[signo] = sigaction(signo, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
	}
}

/* A child with memory of its own, as one that goes into a cgroup has it, shares this with its parent. */
static struct butter__start *make_room(struct area *area, const struct butter_spawn *how, size_t room)
{
	area->heap = NULL;
	area->mapped = 0;
	if (how->flags & BUTTER_SPAWN_CGROUP) {
		void *shared = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		area->mapped = room;
		return shared == MAP_FAILED ? NULL : shared;
	}
	if (room > sizeof(area->small))
		return area->heap = calloc(1, room);
	return memset(area->small, 0, sizeof(struct butter__start));
}

static void end_area(struct area *area)
{
	int saved = errno;
	if (area->mapped > 0)
		munmap(area->start, area->mapped);
	free(area->heap);
	errno = saved;
}

/* The start, and behind it the pointers to the paths, the steps, the room to find them in, and text. */
static int make_area(struct area *area, const struct butter_spawn *how)
{
	size_t fds = how->fd_count, paths = count_paths(how);
	size_t text = is_searched(how) ? strlen(how->search) + paths * (strlen(how->path) + 2) : 0;
	size_t room = sizeof(struct butter__start) + (paths + 1) * sizeof(char *) +
		      fds * (2 * sizeof(struct butter__fd_step) + sizeof(struct butter__fd_entry)) + text;
	struct butter__start *s = area->start = make_room(area, how, room);
	if (!s)
		return -1;
	const char **path = (void *)(s + 1);
	struct butter__fd_step *steps = (void *)(path + paths + 1);
	struct butter__fd_entry *work = (void *)(steps + 2 * fds);
	write_paths(how, path, (char *)(work + fds));
	path[paths] = NULL;
	describe(how, s);
	s->paths = path;
	s->steps = steps;
	ssize_t made = butter__fd_steps(how->fds, fds, work, steps);
	if (made < 0) {
		end_area(area);
		return -1;
	}
	s->step_count = (size_t)made;
	return 0;
}

/* As fork(2), since C cannot give clone3(2) another stack; the caller waits all the same. */
static pid_t clone_into(struct butter__start *s, int cgroup_fd, int *ret_pidfd)
{
	/* The words of struct clone_args. */
	enum { WORD_FLAGS, WORD_PIDFD, WORD_EXIT_SIGNAL = 4, WORD_CGROUP = 10, WORDS };
	uint64_t args[WORDS] = {
		[WORD_FLAGS] = CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP,
		[WORD_PIDFD] = (uintptr_t)ret_pidfd,
		[WORD_EXIT_SIGNAL] = SIGCHLD,
		[WORD_CGROUP] = (uint64_t)cgroup_fd,
	};
	pid_t pid = butter_clone3((struct clone_args *)args, sizeof(args));
	if (pid == 0)
		butter__spawn_child(s);
	return pid;
}

/* ThreadSanitizer takes every clone(2) for a fork(2), but does not know glibc's second name of it. */
#if defined __has_feature
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
extern int __clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
#define clone __clone
#endif

static pid_t start_child(struct area *area, const struct butter_spawn *how, int *ret_pidfd)
{
	if (how->flags & BUTTER_SPAWN_CGROUP)
		return clone_into(area->start, how->cgroup_fd, ret_pidfd);
	return clone(butter__spawn_child, area->stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
		     area->start, ret_pidfd);
}

/* The child has ended, or is made to, and leaves nothing behind. */
static void undo(int pidfd, int kill_it)
{
	siginfo_t si;
	if (kill_it)
		butter_pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	while (butter__process_wait(pidfd, &si, WEXITED, NULL) < 0 && errno == EINTR)
		continue;
	butter__close(pidfd);
}

/*
 * No signal handler may run in the child, which has the handlers and the memory of its parent;
 * nor may a handler here see the parent's errno between. What libc keeps signals of its own for
 * (to cancel a thread, to change all threads' user) waits too: hence not sigprocmask(2) of libc.
 */
static int run(struct area *area, const struct butter_spawn *how, struct butter_process *x)
{
	static const unsigned char all[sizeof(sigset_t)] = {[0 ... sizeof(sigset_t) - 1] = 0xff};
	sigset_t before;
	int pidfd = -1;
	if (butter__syscall(SYS_rt_sigprocmask, SIG_SETMASK, all, &before, BUTTER__SIGSET_SIZE) < 0)
		return -1;
	x->pid = start_child(area, how, &pidfd);
	int error = x->pid < 0 ? errno : area->start->error;
	if (x->pid >= 0 && error)
		undo(pidfd, 0);
	butter__syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, BUTTER__SIGSET_SIZE);
	errno = error;
	return error ? -1 : pidfd; /* which the kernel may have written and then failed */
}

/*
 * A pidfd is made close-on-exec, and has no other flags to keep. If it cannot be made non-blocking it
 * is no object's, and then there is to be no child.
 */
static struct butter_process *adopt(struct butter_process *x, int pidfd)
{
	if (pidfd >= 0 && fcntl(pidfd, F_SETFL, O_NONBLOCK) < 0) {
		int error = errno;
		undo(pidfd, 1);
		errno = error;
		pidfd = -1;
	}
	x->child = 1;
	return butter__object_begin(x, pidfd);
}

struct butter_process *butter_spawn(const struct butter_spawn *how)
{
	struct area area;
	int cancel, saved = errno;
	if (check(how) < 0)
		return NULL;
	struct butter_process *x = butter__process_new(0);
	if (!x)
		return NULL;
	if (make_area(&area, how) < 0)
		return butter__object_begin(x, -1);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	x = adopt(x, run(&area, how, x));
	pthread_setcancelstate(cancel, NULL);
	end_area(&area);
	if (x)
		errno = saved;
	return x;
}
