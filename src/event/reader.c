/* SPDX-License-Identifier: MIT */
/* The read buffer: one read(2) fills it, events are decoded out of it until it is empty. */
#include <errno.h>

#include "object.h"

enum { BUFFER_ALIGN = 16 };

void *butter__reader_new(const struct butter_source_ops *ops, size_t size, butter__decoder *decode,
			 uint32_t buf_size)
{
	size = (size + BUFFER_ALIGN - 1) / BUFFER_ALIGN * BUFFER_ALIGN;
	struct butter__reader *r = butter__object_new(ops, size + buf_size);
	if (r) {
		r->decode = decode;
		r->buf = (unsigned char *)r + size;
		r->size = buf_size;
	}
	return r;
}

/* 1: there are records; 0 and -1 as butter__read(). */
static int fill(struct butter__reader *r)
{
	ssize_t n = butter__read(r->source.fd, r->buf, r->size);
	if (n <= 0)
		return (int)n;
	r->next = 0;
	r->end = (uint32_t)n;
	r->pending = 0;
	return 1;
}

/* The decoder's answer for the next record. */
static ssize_t decode_next(struct butter__reader *r, void *ret)
{
	ssize_t n = r->decode(r->buf + r->next, r->end - r->next, ret);
	if (n > 0) {
		r->next += (uint32_t)n;
		r->pending -= r->pending > 0;
	}
	return n;
}

/* A record that cannot be decoded takes the rest of the buffer with it. */
int butter__reader_read_event(struct butter_source *source, void *ret)
{
	struct butter__reader *r = (struct butter__reader *)source;
	if (r->next == r->end) {
		int n = fill(r);
		if (n <= 0)
			return n;
	}
	ssize_t n = decode_next(r, ret);
	if (n <= 0) {
		r->next = r->end;
		r->pending = 0;
	}
	return butter__decoded(n);
}

/* A record that cannot be decoded ends the run; the next call tells of it. */
ssize_t butter__reader_read_events(struct butter_source *source, void *ret, size_t max)
{
	struct butter__reader *r = (struct butter__reader *)source;
	char *event = ret;
	ssize_t count = butter__single_read_events(source, event, max);
	if (count <= 0)
		return count;
	int saved = errno;
	while ((size_t)count < max && r->next < r->end) {
		event += source->ops->event_size;
		if (decode_next(r, event) <= 0)
			break;
		count++;
	}
	errno = saved;
	return count;
}

/* Counts once for each buffer, so that asking after every event stays cheap. */
size_t butter__reader_pending(struct butter_source *source)
{
	struct butter__reader *r = (struct butter__reader *)source;
	if (r->pending)
		return r->pending;
	uint32_t at = r->next, count = 0;
	int saved = errno;
	while (at < r->end) {
		ssize_t n = r->decode(r->buf + at, r->end - at, NULL);
		count++; /* one that is malformed has still to be told */
		if (n <= 0)
			break;
		at += (uint32_t)n;
	}
	errno = saved;
	return r->pending = count;
}
