/* SPDX-License-Identifier: MIT */
/* Fanotify objects as tests use them: who may have which, and what their events say. */
#ifndef GROUP_H
#define GROUP_H

#include <stdint.h>
#include <sys/types.h>

#include <butter/fanotify.h>

enum { TIMEOUT = 20 }; /* seconds that nothing here takes */
#define TIMEOUT_NS (TIMEOUT * INT64_C(1000000000))

/* Whether every group and every mark is for this process; root of a user namespace is not. */
int is_admin(void);

/* An object; NULL for who is no admin and is told EPERM, as it must be. */
struct butter_fanotify *admin_group(unsigned flags, unsigned event_f_flags,
				    const struct butter_fanotify_options *options);
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
struct handle {
	struct butter_fanotify_handle h;
	_Alignas(8) unsigned char bytes[8 + 128];
};

/* That of the object at a path, a symbolic link itself; it returns ret. */
struct handle *handle_of(struct handle *ret, const char *path);
void expect_this_handle(const struct butter_fanotify_handle *handle, const struct handle *known);
void expect_handle_of(const struct butter_fanotify_handle *handle, const char *path);

/* The id of a mount that statmount(2) and fanotify(7) tell. */
uint64_t unique_mount_id(const char *path);

/* open(2) of what is there, and close(2). */
void open_and_close_at(const char *path, int flags);

#endif
