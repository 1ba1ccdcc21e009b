/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sys/eventfd.h>

#include <butter/inotify.h>

#include "loop.h"
#include "test.h"

static int read_number_event(struct butter_source *source, void *ret)
{
	struct numbers *n = (struct numbers *)source;
	struct number_event *event = ret;
	n->reads++;
	if (n->cached == 0) {
		if (!n->error)
			return 0;
		errno = n->error;
		return -1;
	}
	n->cached--;
	*event = (struct number_event){.number = ++n->next};
	return 1;
}

static size_t pending_numbers(struct butter_source *source)
{
	return ((struct numbers *)source)->cached;
}

static const struct butter_source_ops number_ops = {
	.size = sizeof(number_ops),
	.name = "numbers",
	.event_size = sizeof(struct number_event),
	.read_event = read_number_event,
	.pending = pending_numbers,
};

void numbers_open_over(struct numbers *n, size_t cached, int error, int fd)
{
	*n = (struct numbers){.cached = cached, .error = error};
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(butter_source_init(&n->source, &number_ops, fd), 0);
}

void numbers_open(struct numbers *n, size_t cached, int error)
{
	numbers_open_over(n, cached, error, eventfd(0, EFD_CLOEXEC));
}

void count_told(struct butter_source *source, void *event, void *data)
{
	struct told *t = data;
	if (!event) {
		t->error = errno;
		t->ends++;
		return;
	}
	ck_assert_ptr_eq(event, &t->event);
	ck_assert_uint_eq(t->ends, 0);
	t->events++;
	if (!strcmp(butter_source_ops(source)->name, "numbers")) {
		ck_assert_uint_eq(t->event.number.number, t->number + 1);
		t->number++;
	} else if (!strcmp(butter_source_ops(source)->name, "inotify")) {
		snprintf(t->name, sizeof(t->name), "%s", ((struct butter_inotify_event *)event)->name);
	}
}

void discard_and_close(struct butter_source *source, void *event, void *data)
{
	struct told *t = data;
	count_told(source, event, data);
	kind.discard(t->a);
	butter_source_close(t->close);
}

void *prepared(struct told *t, struct butter_source *source, butter_adapter_cb *cb)
{
	t->a = malloc(kind.size);
	ck_assert_ptr_nonnull(t->a);
	memset(t->a, 0x5a, kind.size);
	t->close = source;
	kind.init(t->a, source, &t->event, sizeof(t->event), cb, t);
	return t->a;
}

void *attached(struct told *t, struct butter_source *source, butter_adapter_cb *cb)
{
	prepared(t, source, cb);
	ck_assert_int_eq(kind.attach(t->a, t->loop), 0);
	return t->a;
}

void turn_until(struct told *t, unsigned events, unsigned ends)
{
	while (t->events < events || t->ends < ends)
		kind.turn(t->loop, 1);
	ck_assert_uint_eq(t->events, events);
	ck_assert_uint_eq(t->ends, ends);
}

void turn_idly(void *loop)
{
	for (int i = 0; i < 20; i++)
		kind.turn(loop, 0);
}

void assert_sleeps(void *loop)
{
	unsigned fired = 0, turns = 0;
	turn_idly(loop);
	kind.timer(loop, 50, &fired);
	while (!fired) {
		kind.turn(loop, 1);
		turns++;
	}
	ck_assert_uint_le(turns, 10);
}

struct butter_inotify *watched_folder(const char **ret_dir)
{
	struct butter_inotify *x = butter_inotify_open(0);
	ck_assert_ptr_nonnull(x);
	*ret_dir = scratch();
	ck_assert_int_gt(butter_inotify_watch(x, *ret_dir, IN_CREATE), 0);
	return x;
}

void make_files(const char *dir, unsigned from, unsigned count)
{
	char name[16];
	for (unsigned i = from; i < from + count; i++) {
		snprintf(name, sizeof(name), "%u", i);
		touch(path_in(dir, name));
	}
}
