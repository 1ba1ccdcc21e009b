/* SPDX-License-Identifier: MIT */
/* Roots that are not walked, for tests of told.h in a mount namespace. */
#ifndef UNWALKED_H
#define UNWALKED_H

#include <butter/tree.h>

/* A new filesystem on dir, and a tree whose lines are relative to that. */
struct butter_tree *unwalked_begin(const char *dir);

/*
 * Adds a root by fanotify, and takes its READY. options may be NULL. 0: an ordinary user, who has been told
 * EPERM, or whose root is walked, as who is root in a user namespace only finds nothing by a handle; then
 * the tree has been closed.
 */
int unwalked_add(struct butter_tree *t, const char *path, const struct butter_tree_root *options);

/* A directory with all above it. */
void make_dirs(const char *path);
uint64_t directories_of(const struct butter_tree *t);

/* Each test has a filesystem of its own, where nobody else does anything. */
#define UNWALKED(name)                                                                                       \
	static void name##_here(void *arg);                                                                  \
	START_TEST(name)                                                                                     \
	{                                                                                                    \
		in_mount_namespace(name##_here, (void *)(uintptr_t)scratch());                               \
	}                                                                                                    \
	END_TEST                                                                                             \
	static void name##_here(void *arg)

#define TOLD(t, text) ck_assert_str_eq(told(t), text)

#endif
