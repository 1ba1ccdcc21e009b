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

int butter__reader_fill_from(struct butter__reader *r, int fd, size_t size)
{
	ssize_t n = butter__read(fd, r->buf, size);
	if (n <= 0)
		return (int)n;
	r->next = 0;
	r->end = (uint32_t)n;
	r->pending = 0;
	return 1;
}

int butter__reader_fill(struct butter__reader *r)
{
	return butter__reader_fill_from(r, r->source.fd, r->size);
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
