/* SPDX-License-Identifier: MIT */
/* Children of a test's own, which may be somebody else or have namespaces of their own. */
#ifndef CHILD_H
#define CHILD_H

#include <sys/types.h>

/* Runs fn in a forked child and demands that it ends well; fn may call ck_assert. */
void in_child(void (*fn)(void *), void *arg);

/* The same in a user namespace in which the child is root. */
void in_user_namespace(void (*fn)(void *), void *arg);

/*
 * The same in new namespaces of these kinds (CLONE_NEW*); an ordinary user's child is root of a new
 * user namespace too. No mount there reaches the parent's.
 */
void in_namespaces(unsigned long flags, void (*fn)(void *), void *arg);

/* The same in a mount namespace. */
void in_mount_namespace(void (*fn)(void *), void *arg);

/* Runs fn in so many children at once, each with its number and scratch folders of its own: what waits for
 * the kernel waits together. None may leak anything. */
void in_children(unsigned count, void (*fn)(unsigned number));

/* Waits for the child, and demands that it ends well. */
void assert_ends_well(pid_t pid);

/* clone(2) as fork(2) does it, behind libc's back. */
pid_t raw_fork(unsigned long flags);

/* In a child: gives up root, where the test runs as root. Scratch folders are then out of reach. */
void become_nobody(void);

/* Writes text into an existing file such as /proc/sys/user/max_inotify_watches. */
void write_file(const char *path, const char *text);

#endif
