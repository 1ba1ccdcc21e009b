/* SPDX-License-Identifier: MIT */
/* Process and thread ids as the kernel tells them, never from a cache of libc's. */
#ifndef BUTTER_IDS_H
#define BUTTER_IDS_H

#include <butter/common.h>

BUTTER_BEGIN_DECLS

/* getpid(2). */
BUTTER_API pid_t butter_getpid(void);

/* getppid(2). */
BUTTER_API pid_t butter_getppid(void);

/* gettid(2). */
BUTTER_API pid_t butter_gettid(void);

BUTTER_END_DECLS

#endif
