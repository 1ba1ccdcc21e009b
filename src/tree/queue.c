/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"

enum { ALIGN = 8, FIRST_SIZE = 4096 };

/* Behind the event: path and NUL, old path and NUL. */
static size_t size_of(const struct butter_tree_event *ev)
{
	size_t size = sizeof(*ev) + ev->path_len + 1 + ev->old_path_len + 1;
	return (size + ALIGN - 1) / ALIGN * ALIGN;
}

static int make_room(struct butter__queue *q, size_t size)
{
	if (q->at == q->end)
		q->at = q->end = 0;
	if (q->end + size <= q->size)
		return 0;
	if (q->at > q->size / 2) { /* what has been handed out makes room, so that no queue grows for ever */
		memmove(q->buf, q->buf + q->at, q->end - q->at);
		q->end -= q->at;
		q->at = 0;
	}
	if (q->end + size <= q->size)
		return 0;
	size_t wanted = q->size ? q->size : FIRST_SIZE;
	while (wanted < q->end + size)
		wanted *= 2;
	unsigned char *buf = realloc(q->buf, wanted);
	if (!buf)
		return -1;
	q->buf = buf;
	q->size = wanted;
	return 0;
}

void butter__queue_add(struct butter__queue *q, const struct butter_tree_event *ev)
{
	size_t size = size_of(ev);
	int saved = errno;
	if (make_room(q, size) < 0) {
		q->failed = 1;
		errno = saved;
		return;
	}
	unsigned char *at = q->buf + q->end, *text = at + sizeof(*ev);
	memcpy(at, ev, sizeof(*ev));
	memcpy(text, ev->path, ev->path_len);
	text[ev->path_len] = '\0';
	text += ev->path_len + 1;
	if (ev->old_path_len > 0)
		memcpy(text, ev->old_path, ev->old_path_len);
	text[ev->old_path_len] = '\0';
	q->end += size;
	q->count++;
}

int butter__queue_take(struct butter__queue *q, struct butter_tree_event *ret)
{
	if (q->at == q->end)
		return 0;
	memcpy(ret, q->buf + q->at, sizeof(*ret));
	ret->path = (const char *)q->buf + q->at + sizeof(*ret);
	ret->old_path = ret->path + ret->path_len + 1;
	ret->name = ret->path + ret->path_len - ret->name_len;
	q->at += size_of(ret);
	q->count--;
	return 1;
}

void butter__queue_free(struct butter__queue *q)
{
	int saved = errno;
	free(q->buf);
	errno = saved;
}
