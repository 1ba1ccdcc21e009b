/* SPDX-License-Identifier: MIT */
/* What every butter header begins with: export mark, C++ guards, ABI assertions. */
#ifndef BUTTER_COMMON_H
#define BUTTER_COMMON_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define BUTTER_VERSION_MAJOR 0
#define BUTTER_VERSION_MINOR 1
#define BUTTER_VERSION_PATCH 0
#define BUTTER_VERSION "0.1.0"

#define BUTTER_API __attribute__((__visibility__("default")))

/* A definition for callers that optimise, beside the function of the library, which all others call. */
#define BUTTER__INLINE extern __inline __attribute__((__gnu_inline__))

#ifdef __cplusplus
#define BUTTER_BEGIN_DECLS extern "C" {
#define BUTTER_END_DECLS }
#define BUTTER__ASSERT(condition, text) static_assert(condition, text)
#else
#define BUTTER_BEGIN_DECLS
#define BUTTER_END_DECLS
#define BUTTER__ASSERT(condition, text) __extension__ _Static_assert(condition, text)
#endif

/* The library is built with 64-bit time_t and off_t everywhere, and so must its users be. */
BUTTER__ASSERT(sizeof(time_t) == 8, "butter: compile with -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64");
BUTTER__ASSERT(sizeof(off_t) == 8, "butter: compile with -D_FILE_OFFSET_BITS=64");

/* The part that all objects share; see source.h. */
struct butter_source;

#endif
