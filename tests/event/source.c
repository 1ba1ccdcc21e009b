/* SPDX-License-Identifier: MIT */
/* A source of the user's own: lines out of a pipe; and what butter_source_init() refuses. */
#include <fcntl.h>
#include <stdio.h>

#include <butter/source.h>

#include "test.h"

struct line_event {
	char text[32];
};

struct lines {
	struct butter_source source;
	char buf[256];
	size_t len;
	int released;
};

static int read_line(struct butter_source *source, void *ret)
{
	struct lines *l = (struct lines *)source;
	struct line_event *event = ret;
	char *end;
	while (!(end = memchr(l->buf, '\n', l->len))) {
		ssize_t n = read(butter_source_fd(source), l->buf + l->len, sizeof(l->buf) - l->len);
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		if (n == 0) {
			errno = ENODATA;
			return -1;
		}
		l->len += (size_t)n;
	}
	size_t n = (size_t)(end - l->buf);
	snprintf(event->text, sizeof(event->text), "%.*s", (int)n, l->buf);
	memmove(l->buf, end + 1, l->len -= n + 1);
	return 1;
}

static size_t pending_lines(struct butter_source *source)
{
	struct lines *l = (struct lines *)source;
	size_t count = 0;
	for (size_t i = 0; i < l->len; i++)
		count += l->buf[i] == '\n';
	return count;
}

static int release_lines(struct butter_source *source)
{
	struct lines *l = (struct lines *)source;
	ck_assert_int_ge(fcntl(butter_source_fd(source), F_GETFD), 0);
	l->released = 1;
	return butter_source_fd(source);
}

static const struct butter_source_ops line_ops = {
	.size = sizeof(line_ops),
	.name = "lines",
	.event_size = sizeof(struct line_event),
	.read_event = read_line,
	.pending = pending_lines,
	.release = release_lines,
};

START_TEST(a_source_of_the_users_own_has_every_verb)
{
	struct lines lines = {.len = 0};
	struct butter_source *source = &lines.source;
	struct line_event event;
	int fds[2];
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(butter_source_init(source, &line_ops, fds[0]), 0);
	ck_assert_ptr_eq(butter_source_ops(source), &line_ops);
	ck_assert_int_eq(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(butter_source_read_event(source, &event), 0);
	ck_assert_int_eq(write(fds[1], "one\ntwo\nthree\n", 14), 14);
	ck_assert_int_eq(butter_source_wait_event(source, &event, -1), 1);
	ck_assert_str_eq(event.text, "one");
	ck_assert_uint_eq(butter_source_pending(source), 2);
	ck_assert_fails(butter_source_read_events(source, &event, 0), EINVAL);
	ck_assert_int_eq(butter_source_read_events(source, &event, 9), 1);
	ck_assert_str_eq(event.text, "two");
	ck_assert_int_eq(butter_source_read_event(source, &event), 1);
	close(fds[1]);
	ck_assert_fails(butter_source_read_event(source, &event), ENODATA);
	ck_assert_fails(butter_source_wait_event(source, &event, -1), ENODATA);
	butter_source_close(source);
	ck_assert_int_eq(lines.released, 1);
	ck_assert_fails(fcntl(fds[0], F_GETFD), EBADF);
}
END_TEST

START_TEST(what_a_table_leaves_out_has_a_default)
{
	struct butter_source_ops few = {.size = sizeof(few), .event_size = 32, .read_event = read_line};
	struct lines lines = {.len = 0};
	int fds[2];
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(butter_source_init(&lines.source, &few, fds[0]), 0);
	ck_assert_uint_eq(butter_source_pending(&lines.source), 0);
	ck_assert_int_eq(butter_source_release(&lines.source), fds[0]);
	ck_assert_fails(butter_source_release(NULL), EINVAL);
	butter_source_close(NULL);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(init_refuses_a_table_that_lacks_something)
{
	struct butter_source source;
	struct butter_source_ops ops = line_ops;
	memset(&source, 0x5a, sizeof(source));
	ck_assert_fails(butter_source_init(NULL, &ops, 0), EINVAL);
	ck_assert_fails(butter_source_init(&source, NULL, 0), EINVAL);
	ops.size--;
	ck_assert_fails(butter_source_init(&source, &ops, 0), EINVAL);
	ops = line_ops;
	ops.read_event = NULL;
	ck_assert_fails(butter_source_init(&source, &ops, 0), EINVAL);
	ops = line_ops;
	ops.event_size = 0;
	ck_assert_fails(butter_source_init(&source, &ops, 0), EINVAL);
	ck_assert_fails(butter_source_init(&source, &line_ops, -1), EBADF);
	ck_assert_int_eq(source.fd, 0x5a5a5a5a);
}
END_TEST

SUITE(event_source)
{
	tcase_add_test(tc, a_source_of_the_users_own_has_every_verb);
	tcase_add_test(tc, what_a_table_leaves_out_has_a_default);
	tcase_add_test(tc, init_refuses_a_table_that_lacks_something);
}
