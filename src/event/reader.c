/* SPDX-License-Identifier: MIT */
/* The read buffer: one read(2) fills it, events are decoded out of it until it is empty. */
#include "object.h"

enum { BUFFER_ALIGN = 16 };

void *butter__reader_new(const struct butter_source_ops *ops, size_t size, uint32_t buf_size)
{
	size = (size + BUFFER_ALIGN - 1) / BUFFER_ALIGN * BUFFER_ALIGN;
	struct butter__reader *r = butter__object_new(ops, size + buf_size);
	if (r) {
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
