/* SPDX-License-Identifier: MIT */
/* pidfd_open(2): a file descriptor that refers to a process. */
#ifndef BUTTER_PIDFD_H
#define BUTTER_PIDFD_H

#include <fcntl.h>
#include <signal.h>

#include <butter/common.h>

/* What <sys/pidfd.h>, where libc has one, or <linux/pidfd.h> say too: the kernel's own. */

/* Flags of pidfd_open(2): since Linux 5.10 and 6.9. */
#ifndef PIDFD_NONBLOCK
#define PIDFD_NONBLOCK O_NONBLOCK
#endif
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* Flags of pidfd_send_signal(2): since Linux 6.9. */
#ifndef PIDFD_SIGNAL_THREAD
#define PIDFD_SIGNAL_THREAD (1UL << 0)
#endif
#ifndef PIDFD_SIGNAL_THREAD_GROUP
#define PIDFD_SIGNAL_THREAD_GROUP (1UL << 1)
#endif
#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP (1UL << 2)
#endif

/* Numbers that pass for a pidfd of the caller, since Linux 6.17; before, the second was -20000. */
#ifndef PIDFD_SELF_THREAD
#define PIDFD_SELF_THREAD -10000
#endif
#ifndef PIDFD_SELF_THREAD_GROUP
#define PIDFD_SELF_THREAD_GROUP -10001
#endif
#ifndef PIDFD_SELF
#define PIDFD_SELF PIDFD_SELF_THREAD
#endif
#ifndef PIDFD_SELF_PROCESS
#define PIDFD_SELF_PROCESS PIDFD_SELF_THREAD_GROUP
#endif

/* What PIDFD_GET_INFO is asked for and tells: since Linux 6.13, 6.15, 6.16 and 6.19 (two). */
#ifndef PIDFD_INFO_PID
#define PIDFD_INFO_PID (1UL << 0)
#endif
#ifndef PIDFD_INFO_CREDS
#define PIDFD_INFO_CREDS (1UL << 1)
#endif
#ifndef PIDFD_INFO_CGROUPID
#define PIDFD_INFO_CGROUPID (1UL << 2)
#endif
#ifndef PIDFD_INFO_EXIT
#define PIDFD_INFO_EXIT (1UL << 3)
#endif
#ifndef PIDFD_INFO_COREDUMP
#define PIDFD_INFO_COREDUMP (1UL << 4)
#endif
#ifndef PIDFD_INFO_COREDUMP_SIGNAL
#define PIDFD_INFO_COREDUMP_SIGNAL (1UL << 6)
#endif

/* How the core was dumped, under PIDFD_INFO_COREDUMP: since Linux 6.16. */
#ifndef PIDFD_COREDUMPED
#define PIDFD_COREDUMPED (1U << 0)
#endif
#ifndef PIDFD_COREDUMP_SKIP
#define PIDFD_COREDUMP_SKIP (1U << 1)
#endif
#ifndef PIDFD_COREDUMP_USER
#define PIDFD_COREDUMP_USER (1U << 2)
#endif
#ifndef PIDFD_COREDUMP_ROOT
#define PIDFD_COREDUMP_ROOT (1U << 3)
#endif

BUTTER_BEGIN_DECLS

/* pidfd_open(2), since Linux 5.3. */
BUTTER_API int butter_pidfd_open(pid_t pid, unsigned flags);

/* Strict C99 without a feature test macro has no siginfo_t. */
#ifdef SI_USER
/* pidfd_send_signal(2), since Linux 5.1. */
BUTTER_API int butter_pidfd_send_signal(int pidfd, int sig, siginfo_t *info, unsigned flags);
#endif

/* pidfd_getfd(2), since Linux 5.6. */
BUTTER_API int butter_pidfd_getfd(int pidfd, int targetfd, unsigned flags);

BUTTER_END_DECLS

#endif
