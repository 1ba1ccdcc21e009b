/* SPDX-License-Identifier: MIT */
/* What the suites of queues share: a queue of bytes, and requests that note what they are answered. */
#ifndef QUEUED_H
#define QUEUED_H

#include "files.h"
#include "notes.h"

/* A source of the bytes of a pipe, one a read; and how often it was read. */
static struct butter_source source;
static int fds[2], reads;
static struct butter_queue *queue;
static struct butter_queue_request request[16];

static inline int read_byte(struct butter_source *s, void *ret)
{
	char byte;
	int saved = errno;
	reads++;
	ssize_t n = read(butter_source_fd(s), &byte, 1);
	if (n < 0 && errno == EAGAIN) {
		errno = saved;
		return 0;
	}
	if (n == 0)
		errno = ENODATA;
	if (n <= 0)
		return -1;
	*(char *)ret = byte;
	return 1;
}

static const struct butter_source_ops bytes = {
	.size = sizeof(bytes), .name = "byte", .event_size = 1, .read_event = read_byte};

static inline void new_queue(const struct butter_queue_options *options)
{
	new_loop();
	make_pipe(fds);
	ck_assert_int_eq(butter_source_init(&source, &bytes, fds[READ]), 0);
	queue = butter_queue_open(loop, &source, options);
	ck_assert_ptr_nonnull(queue);
}

static inline void free_queue(void)
{
	butter_queue_close(queue);
	free_loop();
	butter_source_close(&source);
	if (fds[WRITE] >= 0)
		close(fds[WRITE]);
}

static inline void put(const char *text)
{
	ck_assert_int_eq(write(fds[WRITE], text, strlen(text)), (ssize_t)strlen(text));
}

/* The byte, or its error negated; and whose it was. */
static inline void note_request(struct butter_queue *in, struct butter_queue_request *r)
{
	ck_assert_ptr_eq(in, queue);
	ck_assert_int_eq(!r->event, r->error != 0);
	note((int)(r - request));
	note(r->event ? *(char *)r->event : -r->error);
}

static inline void get(int i, int64_t timeout)
{
	ck_assert_int_eq(butter_queue_get(queue, &request[i], note_request, timeout), 0);
}

static inline void get_again(struct butter_queue *in, struct butter_queue_request *r)
{
	note_request(in, r);
	if (r->event)
		ck_assert_int_eq(butter_queue_get(in, r, get_again, -1), 0);
}

#endif
