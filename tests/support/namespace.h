/* SPDX-License-Identifier: MIT */
/* A forked child that is somebody else, or has namespaces of its own: only for in_child(). */
#ifndef NAMESPACE_H
#define NAMESPACE_H

/* Gives up root, where the test runs as root; a scratch folder is then out of reach. */
void become_nobody(void);

/* A user namespace in which the child is root. */
void own_user_namespace(void);

/* Writes text into an existing file such as /proc/sys/user/max_inotify_watches. */
void write_file(const char *path, const char *text);

#endif
