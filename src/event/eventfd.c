/* SPDX-License-Identifier: MIT */
#include <butter/eventfd.h>

#include "object.h"

struct butter_eventfd {
	struct butter_source source;
};

ssize_t butter_eventfd_decode(const void *buf, size_t len, struct butter_eventfd_event *ret)
{
	uint64_t value;
	ssize_t n = butter__counter_decode(buf, len, &value);
	if (n > 0 && ret)
		ret->value = value;
	return n;
}

static int read_event(struct butter_source *source, void *ret)
{
	uint64_t value;
	ssize_t n = butter__read(source->fd, &value, sizeof(value));
	if (n <= 0)
		return (int)n;
	return butter__decoded(butter_eventfd_decode(&value, (size_t)n, ret));
}

BUTTER__OBJECT(eventfd, read_event, butter__single_read_events, butter__single_pending)

struct butter_eventfd *butter_eventfd_open(unsigned initial, int flags)
{
	struct butter_eventfd *x = butter__object_new(&butter__eventfd_ops, sizeof(*x));
	if (!x)
		return NULL;
	return butter__object_begin(x, butter_eventfd(initial, flags | EFD_CLOEXEC | EFD_NONBLOCK));
}

struct butter_eventfd *butter_eventfd_from_fd(int fd)
{
	struct butter_eventfd *x = butter__object_new(&butter__eventfd_ops, sizeof(*x));
	return x ? butter__object_adopt(x, fd) : NULL;
}

int butter_eventfd_add(struct butter_eventfd *x, uint64_t n)
{
	return write(x->source.fd, &n, sizeof(n)) < 0 ? -1 : 0; /* a frame less than eventfd_write(3) */
}
