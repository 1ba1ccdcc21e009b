/* SPDX-License-Identifier: MIT */
/* The names of the machine, which belong to its UTS namespace. */
#ifndef BUTTER_HOST_H
#define BUTTER_HOST_H

#include <butter/common.h>

BUTTER_BEGIN_DECLS

/*
 * gethostname(2), of what uname(2) tells: the whole name with its NUL, which takes up to 65 bytes.
 * ENAMETOOLONG when len is less than the name takes, and name is untouched then.
 */
BUTTER_API int butter_gethostname(char *name, size_t len);

/* sethostname(2): at most 64 bytes, without NUL. */
BUTTER_API int butter_sethostname(const char *name, size_t len);

/* getdomainname(2), of the NIS domain, as butter_gethostname(). */
BUTTER_API int butter_getdomainname(char *name, size_t len);

/* setdomainname(2): at most 64 bytes, without NUL. */
BUTTER_API int butter_setdomainname(const char *name, size_t len);

BUTTER_END_DECLS

#endif
