/* SPDX-License-Identifier: MIT */
/* The parts of a fanotify object: answers outstanding, free fds, paths of handles. */
#ifndef BUTTER__FANOTIFY_H
#define BUTTER__FANOTIFY_H

#include <stdint.h>
#include <sys/types.h>

#include <butter/fanotify.h>

#define BUTTER__FAN_PERMISSIONS (FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM | FAN_PRE_ACCESS)

/* An event whose opener waits: with no fd the kernel has denied it already. */
static inline int butter__fanotify_waits(const struct butter_fanotify_event *ev)
{
	return (ev->mask & BUTTER__FAN_PERMISSIONS) && ev->fd >= 0;
}

/* How many fds a process may still open, counted up to wanted. */
unsigned butter__free_fds(unsigned wanted);

/*
 * Answers outstanding, in the order in which their events were read. Those of events that are still
 * cached come behind all that have been handed out.
 */
struct butter__answer {
	int64_t deadline;
	int32_t fd;
	uint32_t generation; /* with the index it makes the permission that the event carries */
	uint32_t next, prev; /* index + 1 */
	uint32_t state;
};

struct butter__answers {
	struct butter__answer *slots; /* max of them; NULL: the group asks for no answers */
	uint32_t max, used, free;     /* free: a list through next */
	uint32_t first, last;         /* index + 1, 0: none */
	uint32_t cached;              /* the first that was not handed out */
	uint32_t default_response;
	int group, timer; /* timer -1: no deadlines */
	int64_t timeout;  /* of an answer */
	int64_t armed;    /* when the timer fires, 0: it does not */
};

/* max 0: there are none. 0, or -1 and ENOMEM. */
int butter__answers_init(struct butter__answers *a, uint32_t max);
void butter__answers_free(struct butter__answers *a);

/* A permission event has been read. Without room, used == max, it gets the default response at once. */
void butter__answers_add(struct butter__answers *a, int fd, int64_t now);

/* The next permission event is handed out: what it shall carry, 0 when it is too late to answer it. */
uint64_t butter__answers_take(struct butter__answers *a, int fd);

/* Writes the answer; 0, or -1 and errno. */
int butter__answers_give(struct butter__answers *a, uint64_t permission, uint32_t response,
			 const struct butter_fanotify_audit *audit);

/* Gives the default response, unless there was an answer. errno is kept. */
void butter__answers_give_default(struct butter__answers *a, uint64_t permission);

/* Gives the default response to all whose time has come, to the cached ones, or to all. errno is kept. */
void butter__answers_expire(struct butter__answers *a);
void butter__answers_drop_cached(struct butter__answers *a);
void butter__answers_give_all(struct butter__answers *a);

/* Where filesystems are mounted, and paths that handles had; NULL until there is something. */
struct butter__paths;

/* Notes the filesystem that a watch was put on. 0, or -1 and ENOMEM. */
int butter__paths_note(struct butter__paths **p, int dirfd, const char *path, unsigned flags);
ssize_t butter__paths_get(struct butter__paths *p, uint32_t max, const struct butter_fanotify_handle *handle,
			  const char *name, char *buf, size_t len);
void butter__paths_free(struct butter__paths *p);

#endif
