/* SPDX-License-Identifier: MIT */
/*
 * The verbs that all objects share, under one name each: butter_read_event(x, &ev) calls the
 * typed function of x's type, chosen by the compiler and checked by it, at no cost. In C11 they
 * are macros over _Generic, in C++ overloads; in C99 there are the typed functions only.
 *
 *	int butter_read_event(x, ret)			int butter_fd(x)
 *	ssize_t butter_read_events(x, ret, max)		size_t butter_pending(x)
 *	int butter_wait_event(x, ret, timeout)		struct butter_source *butter_source(x)
 *	int butter_release(x)				void butter_close(x)
 *	ssize_t butter_decode(buf, len, ret)		of what has a decoder: not of a tree
 */
#ifndef BUTTER_EVENT_H
#define BUTTER_EVENT_H

#include <butter/eventfd.h>
#include <butter/fanotify.h>
#include <butter/inotify.h>
#include <butter/process.h>
#include <butter/signalfd.h>
#include <butter/source.h>
#include <butter/timerfd.h>
#include <butter/tree.h>

#ifdef __cplusplus

/* clang-format off */
#define BUTTER__OVERLOADS(T)                                                                       \
	static inline int butter_read_event(struct butter_##T *x, struct butter_##T##_event *ret)  \
	{ return butter_##T##_read_event(x, ret); }                                                \
	static inline ssize_t butter_read_events(struct butter_##T *x,                             \
						 struct butter_##T##_event *ret, size_t max)       \
	{ return butter_##T##_read_events(x, ret, max); }                                          \
	static inline int butter_wait_event(struct butter_##T *x, struct butter_##T##_event *ret,  \
					    int64_t timeout)                                       \
	{ return butter_##T##_wait_event(x, ret, timeout); }                                       \
	static inline int butter_fd(const struct butter_##T *x) { return butter_##T##_fd(x); }     \
	static inline size_t butter_pending(struct butter_##T *x)                                  \
	{ return butter_##T##_pending(x); }                                                        \
	static inline struct butter_source *butter_source(struct butter_##T *x)                    \
	{ return butter_##T##_source(x); }                                                         \
	static inline int butter_release(struct butter_##T *x) { return butter_##T##_release(x); } \
	static inline void butter_close(struct butter_##T *x) { butter_##T##_close(x); }

/* And of a kind that one read(2) gives records of. */
#define BUTTER__DECODER(T)                                                                         \
	BUTTER__OVERLOADS(T)                                                                       \
	static inline ssize_t butter_decode(const void *buf, size_t len,                           \
					    struct butter_##T##_event *ret)                        \
	{ return butter_##T##_decode(buf, len, ret); }
/* clang-format on */

BUTTER__DECODER(eventfd)
BUTTER__DECODER(fanotify)
BUTTER__DECODER(inotify)
BUTTER__DECODER(process)
BUTTER__DECODER(signalfd)
BUTTER__DECODER(timerfd)
BUTTER__OVERLOADS(tree)
#undef BUTTER__DECODER
#undef BUTTER__OVERLOADS

#elif defined __STDC_VERSION__ && __STDC_VERSION__ >= 201112L

/* A line for each object type, and for each event with a decoder: what follows is made from them. */
/* clang-format off */
#define BUTTER__OF(x, verb)                                                                 \
	_Generic((x),                                                                       \
		 struct butter_eventfd *: butter_eventfd_##verb,                            \
		 struct butter_fanotify *: butter_fanotify_##verb,                          \
		 struct butter_inotify *: butter_inotify_##verb,                            \
		 struct butter_process *: butter_process_##verb,                            \
		 struct butter_signalfd *: butter_signalfd_##verb,                          \
		 struct butter_timerfd *: butter_timerfd_##verb,                            \
		 struct butter_tree *: butter_tree_##verb)

#define BUTTER__OF_EVENT(ret, verb)                                                         \
	_Generic((ret),                                                                     \
		 struct butter_eventfd_event *: butter_eventfd_##verb,                      \
		 struct butter_fanotify_event *: butter_fanotify_##verb,                    \
		 struct butter_inotify_event *: butter_inotify_##verb,                      \
		 struct butter_process_event *: butter_process_##verb,                      \
		 struct butter_signalfd_event *: butter_signalfd_##verb,                    \
		 struct butter_timerfd_event *: butter_timerfd_##verb)
/* clang-format on */

#define butter_read_event(x, ret) BUTTER__OF(x, read_event)(x, ret)
#define butter_read_events(x, ret, max) BUTTER__OF(x, read_events)(x, ret, max)
#define butter_wait_event(x, ret, timeout) BUTTER__OF(x, wait_event)(x, ret, timeout)
#define butter_fd(x) BUTTER__OF(x, fd)(x)
#define butter_pending(x) BUTTER__OF(x, pending)(x)
#define butter_source(x) BUTTER__OF(x, source)(x)
#define butter_release(x) BUTTER__OF(x, release)(x)
#define butter_close(x) BUTTER__OF(x, close)(x)
#define butter_decode(buf, len, ret) BUTTER__OF_EVENT(ret, decode)(buf, len, ret)

#endif

#endif
