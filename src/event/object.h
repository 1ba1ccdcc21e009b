/* SPDX-License-Identifier: MIT */
/* What the objects share: reading an fd, the buffer of records, the uniform verbs. */
#ifndef BUTTER__OBJECT_H
#define BUTTER__OBJECT_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include <butter/source.h>

/* These keep errno. */
void butter__close(int fd);
void butter__free(void *memory);

/* An array with twice the room, at first for so many; NULL and ENOMEM: it and its size are as they were. */
void *butter__grow(void *items, uint32_t *size, uint32_t first, size_t each);

/*
 * read(2) as the objects see it: the bytes, 0 for EAGAIN (errno kept), -1 and errno, which is
 * ENODATA at the end of the file. Inline: after the kernel each return through a frame counts.
 */
static inline ssize_t butter__read(int fd, void *buf, size_t size)
{
	int saved = errno;
	ssize_t n = read(fd, buf, size);
	if (n > 0)
		return n;
	if (n == 0) {
		errno = ENODATA;
		return -1;
	}
	if (errno != EAGAIN)
		return -1;
	errno = saved;
	return 0;
}

/* A counter's 8 bytes: 8, 0 when len is less, -1 with EBADMSG for 0, which is never read. */
ssize_t butter__counter_decode(const void *buf, size_t len, uint64_t *ret);

/* What a decoder returned, as read_event returns it: 1, or -1 with EBADMSG. */
static inline int butter__decoded(ssize_t consumed)
{
	if (consumed > 0)
		return 1;
	errno = EBADMSG;
	return -1;
}

/*
 * An object's memory, all zero but for the table; size includes the struct butter_source that
 * it begins with. The two that give it an fd return it, or free it and return NULL: _begin()
 * takes what an open call returned (-1: failed), _adopt() an fd from elsewhere.
 */
void *butter__object_new(const struct butter_source_ops *ops, size_t size);
void *butter__object_begin(void *object, int fd);
void *butter__object_adopt(void *object, int fd);
int butter__object_release(struct butter_source *source);

/* read_events for an object whose read(2) gives one event. */
ssize_t butter__single_read_events(struct butter_source *source, void *ret, size_t max);
size_t butter__single_pending(struct butter_source *source);

typedef ssize_t butter__decoder(const void *buf, size_t len, void *ret);

/* The start of an object whose read(2) gives many records: a source and its buffer. */
struct butter__reader {
	struct butter_source source;
	unsigned char *buf; /* behind the object, in the same allocation */
	uint32_t size;      /* of buf */
	uint32_t next;      /* first byte not handed out */
	uint32_t end;       /* bytes that the last read gave */
	uint32_t pending;   /* records from next to end when counted, 0 when not */
};

/* butter__object_new() for such an object: size bytes and a buffer behind them. */
void *butter__reader_new(const struct butter_source_ops *ops, size_t size, uint32_t buf_size);

/* Reads a bufferful, or at most size bytes of fd. 1: there are records; 0 and -1 as butter__read(). */
int butter__reader_fill(struct butter__reader *r);
int butter__reader_fill_from(struct butter__reader *r, int fd, size_t size);

/* The decoder's answer for the next record. */
static inline ssize_t butter__reader_decode(struct butter__reader *r, butter__decoder *decode, void *ret)
{
	ssize_t n = decode(r->buf + r->next, r->end - r->next, ret);
	if (n > 0) {
		r->next += (uint32_t)n;
		r->pending -= r->pending > 0;
	}
	return n;
}

/*
 * read_event; inline, so that a family's decoder is part of it. A record that cannot be decoded
 * takes the rest of the buffer with it.
 */
static inline int butter__reader_read_event(struct butter__reader *r, butter__decoder *decode, void *ret)
{
	if (r->next == r->end) {
		int n = butter__reader_fill(r);
		if (n <= 0)
			return n;
	}
	ssize_t n = butter__reader_decode(r, decode, ret);
	if (n <= 0) {
		r->next = r->end;
		r->pending = 0;
	}
	return butter__decoded(n);
}

/* The next record, which is in the buffer. One that cannot be decoded stays there. */
static inline int butter__reader_next_event(struct butter__reader *r, butter__decoder *decode, void *ret)
{
	return butter__decoded(butter__reader_decode(r, decode, ret));
}

/* Hands out one event as read_event does: the first of a run, which may read, or the next in the buffer. */
typedef int butter__step(struct butter_source *source, void *ret);

/*
 * read_events, from these two steps; inline, as above. A next that fails ends the run, and leaves it to
 * the next call's first to tell of it.
 */
static inline ssize_t butter__reader_read_events(struct butter_source *source, butter__step *first,
						 butter__step *next, void *ret, size_t max)
{
	const struct butter__reader *r = (const struct butter__reader *)source;
	size_t event_size = source->ops->event_size;
	char *event = ret;
	if (max == 0) {
		errno = EINVAL;
		return -1;
	}
	ssize_t count = first(source, event);
	if (count <= 0)
		return count;
	int saved = errno;
	while ((size_t)count < max && r->next < r->end) {
		event += event_size;
		if (next(source, event) <= 0)
			break;
		count++;
	}
	errno = saved;
	return count;
}

/* pending, likewise. It counts once for each buffer, so that asking after every event stays cheap. */
static inline size_t butter__reader_pending(struct butter__reader *r, butter__decoder *decode)
{
	if (r->pending)
		return r->pending;
	uint32_t at = r->next, count = 0;
	int saved = errno;
	while (at < r->end) {
		ssize_t n = decode(r->buf + at, r->end - at, NULL);
		count++; /* one that is malformed has still to be told */
		if (n <= 0)
			break;
		at += (uint32_t)n;
	}
	errno = saved;
	return r->pending = count;
}

/*
 * The public verbs of type T and its table, butter__T_ops, from three functions of the kinds
 * above. What is left to write by hand in a family: the decoder, open, from_fd, its own verbs.
 */
#define BUTTER__OBJECT(T, read_event_, read_events_, pending_)                                               \
	BUTTER__COMPOSITE(T, read_event_, read_events_, pending_, butter__object_release)

/* The same for an object with more than memory and one fd: release_ is butter_source_ops' release. */
#define BUTTER__COMPOSITE(T, read_event_, read_events_, pending_, release_)                                  \
	static const struct butter_source_ops butter__##T##_ops = {                                          \
		.size = sizeof(struct butter_source_ops),                                                    \
		.name = #T,                                                                                  \
		.event_size = sizeof(struct butter_##T##_event),                                             \
		.read_event = read_event_,                                                                   \
		.read_events = read_events_,                                                                 \
		.pending = pending_,                                                                         \
		.release = release_,                                                                         \
	};                                                                                                   \
	int butter_##T##_release(struct butter_##T *x)                                                       \
	{                                                                                                    \
		return butter_source_release((struct butter_source *)x);                                     \
	}                                                                                                    \
	void butter_##T##_close(struct butter_##T *x)                                                        \
	{                                                                                                    \
		butter_source_close((struct butter_source *)x);                                              \
	}                                                                                                    \
	int butter_##T##_fd(const struct butter_##T *x)                                                      \
	{                                                                                                    \
		return butter_source_fd((const struct butter_source *)x);                                    \
	}                                                                                                    \
	size_t butter_##T##_pending(struct butter_##T *x)                                                    \
	{                                                                                                    \
		return pending_((struct butter_source *)x);                                                  \
	}                                                                                                    \
	struct butter_source *butter_##T##_source(struct butter_##T *x)                                      \
	{                                                                                                    \
		return (struct butter_source *)x;                                                            \
	}                                                                                                    \
	int butter_##T##_read_event(struct butter_##T *x, struct butter_##T##_event *ret)                    \
	{                                                                                                    \
		return read_event_((struct butter_source *)x, ret);                                          \
	}                                                                                                    \
	ssize_t butter_##T##_read_events(struct butter_##T *x, struct butter_##T##_event *ret, size_t max)   \
	{                                                                                                    \
		return read_events_((struct butter_source *)x, ret, max);                                    \
	}                                                                                                    \
	int butter_##T##_wait_event(struct butter_##T *x, struct butter_##T##_event *ret, int64_t timeout)   \
	{                                                                                                    \
		return butter_source_wait_event((struct butter_source *)x, ret, timeout);                    \
	}

/*
 * The same for an object that begins with a struct butter__reader, from its decoder; flatten, since
 * compilers else call the decoder for each event.
 */
#define BUTTER__READER_OBJECT(T)                                                                             \
	static ssize_t decode(const void *buf, size_t len, void *ret)                                        \
	{                                                                                                    \
		return butter_##T##_decode(buf, len, ret);                                                   \
	}                                                                                                    \
	__attribute__((flatten)) static int read_event(struct butter_source *source, void *ret)              \
	{                                                                                                    \
		return butter__reader_read_event((struct butter__reader *)source, decode, ret);              \
	}                                                                                                    \
	__attribute__((flatten)) static inline int next_event(struct butter_source *source, void *ret)       \
	{                                                                                                    \
		return butter__reader_next_event((struct butter__reader *)source, decode, ret);              \
	}                                                                                                    \
	static ssize_t read_events(struct butter_source *source, void *ret, size_t max)                      \
	{                                                                                                    \
		return butter__reader_read_events(source, read_event, next_event, ret, max);                 \
	}                                                                                                    \
	static size_t pending(struct butter_source *source)                                                  \
	{                                                                                                    \
		return butter__reader_pending((struct butter__reader *)source, decode);                      \
	}                                                                                                    \
	BUTTER__OBJECT(T, read_event, read_events, pending)

#endif
