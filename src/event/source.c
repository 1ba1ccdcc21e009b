/* SPDX-License-Identifier: MIT */
/* The verbs of every object, through its table. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "object.h"
#include "time.h"

static int add_flag(int fd, int get, int set, int flag)
{
	int flags = fcntl(fd, get);
	if (flags < 0)
		return -1;
	return flags & flag ? 0 : fcntl(fd, set, flags | flag);
}

int butter_source_init(struct butter_source *source, const struct butter_source_ops *ops, int fd)
{
	if (!source || !ops || ops->size < sizeof(*ops) || !ops->read_event || !ops->event_size) {
		errno = EINVAL;
		return -1;
	}
	if (add_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK) < 0 || add_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	*source = (struct butter_source){.ops = ops, .fd = fd};
	return 0;
}

const struct butter_source_ops *butter_source_ops(const struct butter_source *source)
{
	return source->ops;
}

int butter_source_fd(const struct butter_source *source)
{
	return source->fd;
}

size_t butter_source_pending(struct butter_source *source)
{
	return source->ops->pending ? source->ops->pending(source) : 0;
}

int butter_source_read_event(struct butter_source *source, void *ret)
{
	return source->ops->read_event(source, ret);
}

ssize_t butter_source_read_events(struct butter_source *source, void *ret, size_t max)
{
	if (!source->ops->read_events || max == 0)
		return butter__single_read_events(source, ret, max);
	return source->ops->read_events(source, ret, max);
}

/*
 * 1: readable (or an error that read(2) will tell); 0: the deadline has come, readable or not, so
 * that an fd that stays readable without an event holds nobody up; -1 and errno.
 */
static int wait_readable(int fd, int64_t deadline)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	if (deadline < 0)
		return ppoll(&pfd, 1, NULL, NULL);
	int64_t left = deadline - butter__time_now();
	if (left <= 0)
		return 0;
	struct timespec ts = butter__time_to_timespec(left);
	return ppoll(&pfd, 1, &ts, NULL);
}

int butter_source_wait_event(struct butter_source *source, void *ret, int64_t timeout)
{
	if (timeout < -1) {
		errno = EINVAL;
		return -1;
	}
	int n = source->ops->read_event(source, ret);
	if (n != 0 || timeout == 0)
		return n;
	int64_t deadline = timeout < 0 ? -1 : butter__time_add(butter__time_now(), timeout);
	do {
		n = wait_readable(source->fd, deadline);
		if (n <= 0)
			return n;
		n = source->ops->read_event(source, ret);
	} while (n == 0);
	return n;
}

int butter_source_release(struct butter_source *source)
{
	if (!source) {
		errno = EINVAL;
		return -1;
	}
	return source->ops->release ? source->ops->release(source) : source->fd;
}

void butter_source_close(struct butter_source *source)
{
	if (source)
		butter__close(butter_source_release(source));
}
