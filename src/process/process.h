/* SPDX-License-Identifier: MIT */
/* What the parts of the family share: the object, and what lies between spawn and its child. */
#ifndef BUTTER__PROCESS_H
#define BUTTER__PROCESS_H

#include <signal.h>

#include <butter/process.h>

#include "../event/object.h"

struct butter_process {
	struct butter_source source;
	pid_t pid;
	int child;  /* it has been seen to be a child of the caller's */
	int thread; /* a pidfd of PIDFD_THREAD, with which nothing is reaped */
	int ended;  /* its event was handed out */
};

/* An object without fd; it becomes the child's of pidfd, or an error, by the second. */
struct butter_process *butter__process_new(pid_t pid);

/* A status of wait(2) as waitid(2) tells it. */
void butter__process_from_wait(int wait_status, int32_t *ret_code, int32_t *ret_status);

/* PIDFD_GET_INFO: 0, or -1 and errno. */
int butter__process_info(int pidfd, struct butter_process_info *ret);

/* The raw waitid(2) for a pidfd; the fifth argument is the kernel's struct rusage. */
int butter__process_wait(int pidfd, siginfo_t *ret, int options, void *ret_rusage);

/*
 * A step of setting up the fds of a child. The numbers are fds or SPARE, which stands for a
 * duplicate under a number that nothing else uses.
 */
struct butter__fd_step {
	int32_t from; /* -1: close to */
	int32_t to;   /* the same as from: keep it over execve(2) */
};
enum { BUTTER__SPARE = -2 };

/* What is known of an entry while its step is looked for, and beside it their order by fd. */
struct butter__fd_entry {
	int32_t fd, from;
	uint32_t needs;  /* entries that still have to duplicate fd */
	uint32_t sorted; /* the index of the entry that has this place in it */
};

/*
 * Writes the steps that have the effect of all entries at once and returns how many; room: for twice
 * count, and as many as count to work in. -1 and EINVAL: an fd is named twice. It takes count * log(count).
 */
ssize_t butter__fd_steps(const struct butter_spawn_fd *fds, size_t count, struct butter__fd_entry *work,
			 struct butter__fd_step *ret_steps);

/* The kernel's signal set, which is the beginning of libc's. */
#define BUTTER__SIGSET_SIZE ((size_t)(_NSIG / 8))

/* What the child does. Everything is there before it begins. */
struct butter__start {
	int error; /* 0, or the errno with which it has failed */
	unsigned flags;
	pid_t pgid;
	const char *cwd;
	const char *const *paths; /* tried in turn, ended by NULL */
	char *const *argv, *const *envp;
	const struct butter__fd_step *steps;
	size_t step_count;
	sigset_t mask;
	unsigned char keep[_NSIG]; /* 1: the disposition of this signal stays */
};

/* The child's life, for clone(2): up to execve(2), or to an error and its end. Never returns. */
int butter__spawn_child(void *start);

#endif
