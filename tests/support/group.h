/* SPDX-License-Identifier: MIT */
/* Fanotify objects as tests use them: who may have which, and what their events say. */
#ifndef GROUP_H
#define GROUP_H

#include <sys/types.h>

#include <butter/fanotify.h>

/* Whether every group and every mark is for this process; root of a user namespace is not. */
int is_admin(void);

/* An object; NULL for who is no admin and is told EPERM, as it must be. */
struct butter_fanotify *admin_group_with(unsigned flags, unsigned event_f_flags);

/* An object that any user may have. */
struct butter_fanotify *group_with(unsigned flags);

/* The next event, which comes soon. */
struct butter_fanotify_event next_event(struct butter_fanotify *x);

/* The next event has this mask. */
struct butter_fanotify_event expect(struct butter_fanotify *x, uint64_t mask);

/* There is no event. */
void expect_nothing(struct butter_fanotify *x);

/* A handle as name_to_handle_at(2) and statfs(2) tell it. */
struct known_handle {
	struct butter_fanotify_handle handle;
	_Alignas(8) unsigned char bytes[8 + 128];
};

/* The object at a path, a symbolic link itself. */
void know_handle(const char *path, struct known_handle *ret);
void expect_this_handle(const struct butter_fanotify_handle *handle, const struct known_handle *known);
void expect_handle_of(const struct butter_fanotify_handle *handle, const char *path);

/* The id of a mount that statmount(2) and fanotify(7) tell. */
uint64_t unique_mount_id(const char *path);

/* open(2) of what is there, and close(2). */
void open_and_close_at(const char *path, int flags);

/*
 * A child that does fn(path) while this process answers; with alarm(2), and without the group, so that it
 * never waits for itself. What fn returned.
 */
pid_t start_asking(struct butter_fanotify *x, int (*fn)(const char *path), const char *path);
int end_asking(pid_t pid);

#endif
