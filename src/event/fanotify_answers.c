/* SPDX-License-Identifier: MIT */
/*
 * The answers that permission events wait for. The kernel knows a question by the fd that came with it,
 * which a careless caller may close and get again; a permission names one question for ever.
 */
#include <errno.h>
#include <stdlib.h>

#include <butter/timerfd.h>

#include "fanotify.h"
#include "object.h"
#include "time.h"

enum { FREE, CACHED, HANDED_OUT, LATE /* cached, and answered already */ };

int butter__answers_init(struct butter__answers *a, uint32_t max)
{
	a->max = max;
	a->slots = max ? calloc(max, sizeof(*a->slots)) : NULL;
	if (max && !a->slots)
		return -1;
	for (uint32_t i = max; i > 0; i--) {
		a->slots[i - 1].next = a->free;
		a->free = i;
	}
	return 0;
}

void butter__answers_free(struct butter__answers *a)
{
	butter__free(a->slots);
}

static struct butter__answer *slot(const struct butter__answers *a, uint32_t index)
{
	return &a->slots[index - 1];
}

static void unlink_slot(struct butter__answers *a, uint32_t index)
{
	struct butter__answer *s = slot(a, index);
	*(s->prev ? &slot(a, s->prev)->next : &a->first) = s->next;
	*(s->next ? &slot(a, s->next)->prev : &a->last) = s->prev;
	s->state = FREE;
	s->next = a->free;
	a->free = index;
	a->used--;
}

static int write_response(struct butter__answers *a, int fd, uint32_t response,
			  const struct butter_fanotify_audit *audit)
{
	struct {
		struct fanotify_response response;
		uint8_t type, pad;
		uint16_t len;
		struct butter_fanotify_audit audit;
	} answer = {.response = {.fd = fd, .response = response}};
	size_t size = sizeof(answer.response);
	if (audit) {
		answer.response.response |= FAN_AUDIT | FAN_INFO;
		answer.type = FAN_RESPONSE_INFO_AUDIT_RULE;
		answer.len = (uint16_t)(sizeof(answer) - size);
		answer.audit = *audit;
		size = sizeof(answer);
	}
	return write(a->group, &answer, size) < 0 ? -1 : 0;
}

/*
 * The default response, or as much of it as this group may give: no question stays without an answer. 0, or
 * -1: the kernel takes none now.
 */
static int write_default(struct butter__answers *a, int fd)
{
	uint32_t plain = a->default_response & FAN_DENY ? FAN_DENY : FAN_ALLOW;
	if (write_response(a, fd, a->default_response, NULL) == 0 || errno == ENOENT)
		return 0;
	return write_response(a, fd, plain, NULL) == 0 || errno == ENOENT ? 0 : -1;
}

/* A question that is cached keeps its place until it is handed out. */
static void give_default(struct butter__answers *a, uint32_t index)
{
	struct butter__answer *s = slot(a, index);
	if (s->state != LATE && write_default(a, s->fd) < 0)
		return;
	if (s->state == HANDED_OUT)
		unlink_slot(a, index);
	else
		s->state = LATE;
}

/*
 * An fd that comes again was closed by a caller who gave no answer. The kernel takes an answer to this fd
 * for the older question.
 */
static void give_default_to_fd(struct butter__answers *a, int fd)
{
	for (uint32_t i = a->first, next; i && slot(a, i)->state == HANDED_OUT; i = next) {
		next = slot(a, i)->next;
		if (slot(a, i)->fd == fd)
			give_default(a, i);
	}
}

/*
 * The timer fires for the oldest question; 0 stops it. When it cannot be set the verbs keep the deadline,
 * and those after one that has passed try again.
 */
static void arm(struct butter__answers *a, int64_t deadline)
{
	struct itimerspec value = {.it_value = butter__time_to_timespec(deadline)};
	if (butter_timerfd_settime(a->timer, TFD_TIMER_ABSTIME, &value, NULL) == 0 || !a->armed)
		a->armed = deadline;
}

void butter__answers_add(struct butter__answers *a, int fd, int64_t now)
{
	give_default_to_fd(a, fd);
	uint32_t index = a->free;
	if (!index) {
		write_default(a, fd);
		return;
	}
	struct butter__answer *s = slot(a, index);
	a->free = s->next;
	*s = (struct butter__answer){
		.deadline = butter__time_add(now, a->timeout),
		.fd = fd,
		.generation = s->generation + 1,
		.prev = a->last,
		.state = CACHED,
	};
	*(a->last ? &slot(a, a->last)->next : &a->first) = index;
	a->last = index;
	if (!a->cached)
		a->cached = index;
	a->used++;
	if (a->timer >= 0 && !a->armed)
		arm(a, s->deadline);
}

uint64_t butter__answers_take(struct butter__answers *a, int fd)
{
	uint32_t index = a->cached;
	if (!index || slot(a, index)->fd != fd)
		return 0;
	struct butter__answer *s = slot(a, index);
	a->cached = s->next;
	if (s->state == LATE) {
		unlink_slot(a, index);
		return 0;
	}
	s->state = HANDED_OUT;
	return (uint64_t)s->generation << 32 | index;
}

/* The question that waits for its answer, 0: it has one. */
static uint32_t find(struct butter__answers *a, uint64_t permission)
{
	uint32_t index = (uint32_t)permission;
	butter__answers_expire(a);
	if (index == 0 || index > a->max || slot(a, index)->state != HANDED_OUT ||
	    slot(a, index)->generation != permission >> 32)
		return 0;
	return index;
}

int butter__answers_give(struct butter__answers *a, uint64_t permission, uint32_t response,
			 const struct butter_fanotify_audit *audit)
{
	uint32_t index = find(a, permission);
	if (!index) {
		errno = ENOENT;
		return -1;
	}
	int n = write_response(a, slot(a, index)->fd, response, audit);
	if (n == 0 || errno == ENOENT)
		unlink_slot(a, index);
	return n;
}

void butter__answers_give_default(struct butter__answers *a, uint64_t permission)
{
	int saved = errno;
	uint32_t index = find(a, permission);
	if (index)
		give_default(a, index);
	errno = saved;
}

void butter__answers_expire(struct butter__answers *a)
{
	int64_t now;
	if (!a->armed || a->armed > (now = butter__time_now()))
		return;
	int saved = errno;
	uint32_t i = a->first;
	while (i && slot(a, i)->deadline <= now) {
		uint32_t next = slot(a, i)->next;
		give_default(a, i);
		i = next;
	}
	arm(a, i ? slot(a, i)->deadline : 0);
	errno = saved;
}

void butter__answers_drop_cached(struct butter__answers *a)
{
	int saved = errno;
	for (uint32_t i = a->cached, next; i; i = next) {
		next = slot(a, i)->next;
		give_default(a, i);
		unlink_slot(a, i);
	}
	a->cached = 0;
	errno = saved;
}

void butter__answers_give_all(struct butter__answers *a)
{
	int saved = errno;
	for (uint32_t i = a->first, next; i; i = next) {
		next = slot(a, i)->next;
		give_default(a, i);
	}
	errno = saved;
}
