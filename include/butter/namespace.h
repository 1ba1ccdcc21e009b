/* SPDX-License-Identifier: MIT */
/* namespaces(7): leave them, enter them, and start a process in new ones. */
#ifndef BUTTER_NAMESPACE_H
#define BUTTER_NAMESPACE_H

#include <sched.h>

#include <butter/common.h>

/* From <linux/sched.h>, where libc's headers lack them; Linux 7.1 writes the last two as shifts. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

BUTTER_BEGIN_DECLS

/* From <linux/sched.h>. */
struct clone_args;

/* unshare(2). */
BUTTER_API int butter_unshare(int flags);

/* setns(2). */
BUTTER_API int butter_setns(int fd, int nstype);

/*
 * clone3(2), since Linux 5.3, as fork(2) does it: 0 in the child, its id in the parent. CLONE_VM
 * and a stack are EINVAL, since a C function cannot return on another stack. To see these it reads
 * args itself, so that a bad pointer other than NULL is a crash and not EFAULT.
 */
BUTTER_API pid_t butter_clone3(struct clone_args *args, size_t size);

BUTTER_END_DECLS

#endif
