/* SPDX-License-Identifier: MIT */
/* Every kind of object with what a test needs to treat them alike. */
#ifndef KINDS_H
#define KINDS_H

#include <butter/butter.h>

#include "fault.h"

struct kind {
	const char *name;
	size_t event_size;
	int caches;            /* reads ahead: pending may be more than 0 */
	int once;              /* yields one event and then ENODATA, and is not read(2) */
	int composite;         /* an epoll fd of several, readable while anything is cached; no from_fd */
	int asks_paths;        /* at its own expense: without an answer it does without */
	enum fault_call opens; /* the libc function that open calls */
	enum fault_call reads; /* the one that read_event calls */
	struct butter_source *(*open)(void);
	struct butter_source *(*from_fd)(int fd);
	int (*make_fd)(void); /* the kernel's fd, neither close-on-exec nor non-blocking */
	void (*fire)(struct butter_source *source); /* one more event is ready when it returns, if ever */
	/* The kind's own verbs: 0 or more, or -1. */
	int (*verbs[6])(struct butter_source *source);
};

extern const struct kind kinds[];
enum {
	KINDS_READ = 5,  /* the first ones are files that are read */
	KINDS_KNOWN = 6, /* valgrind 3.19 does not know the calls of the others */
	KINDS = 7,
};

/* Adds a loop test of every kind, to tc or, where valgrind has to leave it out, to raw. */
#define EVERY_KIND(test)                                                                                     \
	do {                                                                                                 \
		tcase_add_loop_test(tc, test, 0, KINDS_KNOWN);                                               \
		tcase_add_loop_test(raw, test, KINDS_KNOWN, KINDS);                                          \
	} while (0)

/* The same of the kinds that are one fd of the kernel's. */
#define EVERY_KIND_OF_FD(test)                                                                               \
	do {                                                                                                 \
		tcase_add_loop_test(tc, test, 0, KINDS_READ);                                                \
		tcase_add_loop_test(raw, test, KINDS_KNOWN, KINDS);                                          \
	} while (0)

/* A new object of kinds[i]; the test fails without one. */
struct butter_source *open_kind(int i);

/* Room for an event of any kind. */
union any_event {
	struct butter_eventfd_event eventfd;
	struct butter_fanotify_event fanotify;
	struct butter_inotify_event inotify;
	struct butter_process_event process;
	struct butter_signalfd_event signalfd;
	struct butter_timerfd_event timerfd;
	struct butter_tree_event tree;
	unsigned char bytes[256];
};

#endif
