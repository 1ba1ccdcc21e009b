/* SPDX-License-Identifier: MIT */
/* An object's memory and its fd. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "object.h"

void butter__close(int fd)
{
	int saved = errno;
	close(fd);
	errno = saved;
}

/* Before POSIX.1-2024 free(3) may change errno. */
void butter__free(void *memory)
{
	int saved = errno;
	free(memory);
	errno = saved;
}

void *butter__grow(void *items, uint32_t *size, uint32_t first, size_t each)
{
	uint32_t more = *size ? *size * 2 : first;
	void *grown = realloc(items, more * each);
	if (grown)
		*size = more;
	return grown;
}

ssize_t butter__counter_decode(const void *buf, size_t len, uint64_t *ret)
{
	if (len < sizeof(*ret))
		return 0;
	memcpy(ret, buf, sizeof(*ret));
	if (*ret == 0) {
		errno = EBADMSG;
		return -1;
	}
	return sizeof(*ret);
}

void *butter__object_new(const struct butter_source_ops *ops, size_t size)
{
	struct butter_source *source = calloc(1, size);
	if (source) {
		source->ops = ops;
		source->fd = -1;
	}
	return source;
}

void *butter__object_begin(void *object, int fd)
{
	struct butter_source *source = object;
	if (fd < 0) {
		butter__object_release(source);
		return NULL;
	}
	source->fd = fd;
	return object;
}

void *butter__object_adopt(void *object, int fd)
{
	struct butter_source *source = object;
	return butter__object_begin(object, butter_source_init(source, source->ops, fd) < 0 ? -1 : fd);
}

int butter__object_release(struct butter_source *source)
{
	int fd = source->fd;
	butter__free(source);
	return fd;
}

ssize_t butter__single_read_events(struct butter_source *source, void *ret, size_t max)
{
	if (max == 0) {
		errno = EINVAL;
		return -1;
	}
	return source->ops->read_event(source, ret);
}

size_t butter__single_pending(struct butter_source *source)
{
	(void)source;
	return 0;
}
