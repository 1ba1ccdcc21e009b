/* SPDX-License-Identifier: MIT */
/*
 * Sources on an sd-event loop: see butter_sd_event_attach(3), butter_adapters(7). Compile and link
 * with pkg-config's libsystemd. attach makes two event sources, which sd-event allocates.
 */
#ifndef BUTTER_ADAPTERS_SD_EVENT_H
#define BUTTER_ADAPTERS_SD_EVENT_H

#include <sys/epoll.h>
#include <systemd/sd-event.h>

#include <butter/adapters/common.h>

BUTTER_BEGIN_DECLS

/* The caller's memory; its contents are the functions' own but for adapter. */
struct butter_sd_event {
	struct butter_adapter adapter;
	sd_event_source *io;   /* these two for sd_event_source_set_priority(); NULL: detached */
	sd_event_source *more; /* on while there are events that the fd does not tell of */
};

/* Private. */
static inline void butter__sd_event_drop(sd_event_source *source)
{
	if (source)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	sd_event_source_unref(source);
}

/* Detaches; nothing is told from now on, and the memory is the caller's again. */
static inline void butter_sd_event_detach(struct butter_sd_event *a)
{
	sd_event_source *io = a->io, *more = a->more;
	a->io = a->more = NULL;
	butter__adapter_end(&a->adapter);
	butter__sd_event_drop(io);
	butter__sd_event_drop(more);
}

/* Private. */
static inline void butter__sd_event_end(struct butter_adapter *a)
{
	butter_sd_event_detach((struct butter_sd_event *)a);
}

/*
 * Private. more is a timer that has expired and no defer source: sd-event serves what is ready in
 * the order in which it became so, and a defer source counts as ready since it was made, before
 * all others of its priority.
 */
static inline int butter__sd_event_continue(struct butter_sd_event *a)
{
	int error = sd_event_source_set_enabled(a->more, SD_EVENT_ONESHOT);
	return error < 0 ? butter__adapter_fails(-error) : 0;
}

/* Private. */
static inline int butter__sd_event_turn(struct butter_sd_event *a)
{
	int more = butter__adapter_turn(&a->adapter, 0);
	if (more > 0 && butter__sd_event_continue(a) < 0)
		butter__adapter_fail(&a->adapter, errno);
	return 0;
}

/* Private. */
static inline int butter__sd_event_on_io(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	(void)source, (void)fd, (void)revents;
	return butter__sd_event_turn((struct butter_sd_event *)data);
}

/* Private. */
static inline int butter__sd_event_on_more(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	return butter__sd_event_turn((struct butter_sd_event *)data);
}

/* Private. */
static inline int butter__sd_event_begin(struct butter_sd_event *a, sd_event *event)
{
	uint32_t what = EPOLLIN | (a->adapter.edge ? (uint32_t)EPOLLET : 0);
	int fd = butter_source_fd(a->adapter.source);
	int monotonic = 1; /* CLOCK_MONOTONIC, which <time.h> hides in strict C99 */
	int error = sd_event_add_io(event, &a->io, fd, what, butter__sd_event_on_io, a);
	if (error >= 0)
		error = sd_event_add_time(event, &a->more, monotonic, 0, 1, butter__sd_event_on_more, a);
	if (error >= 0)
		error = sd_event_source_set_enabled(a->more, SD_EVENT_OFF);
	if (error >= 0)
		return 0;
	butter_sd_event_detach(a);
	return butter__adapter_fails(-error);
}

/*
 * Prepares an adapter, which is detached then. event: memory for one event of the source's kind,
 * event_size bytes; it and the source remain the caller's.
 */
static inline void butter_sd_event_init(struct butter_sd_event *a, struct butter_source *source, void *event,
					size_t event_size, butter_adapter_cb *cb, void *data)
{
	butter__adapter_init(&a->adapter, source, event, event_size, cb, data);
	a->adapter.detach = butter__sd_event_end;
	a->io = a->more = NULL;
}

/*
 * From now on the loop tells the callback of the source's events; with edge by EPOLLET. Attached
 * already, it looks for events that others left cached. Returns 0, or -1 and errno: EBADF the
 * source's fd was closed; EINVAL event_size is too small or something is missing; EBUSY it is
 * attached to another loop; those of sd_event_add_io(3) and sd_event_add_time(3).
 */
static inline int butter_sd_event_attach(struct butter_sd_event *a, sd_event *event)
{
	if (butter__adapter_check(&a->adapter, 1) < 0)
		return -1;
	if (a->io && sd_event_source_get_event(a->io) != event)
		return butter__adapter_fails(EBUSY);
	if (!a->io && butter__sd_event_begin(a, event) < 0)
		return -1;
	if (butter__adapter_begins(&a->adapter) && butter__sd_event_continue(a) < 0) {
		int error = errno;
		butter_sd_event_detach(a);
		return butter__adapter_fails(error);
	}
	return 0;
}

BUTTER_END_DECLS

#endif
