/* SPDX-License-Identifier: MIT */
/* The end of a source, and its errors: told once, and the loop sleeps. */
#include <fcntl.h>
#include <sys/eventfd.h>

#include <butter/process.h>

#include "loop.h"
#include "test.h"

START_TEST(the_end_of_a_process_is_told_as_an_event_and_enodata)
{
	struct told t = {.loop = kind.open()};
	char *argv[] = {"true", NULL};
	struct butter_spawn how = {
		.size = sizeof(how), .path = "true", .argv = argv, .search = "/bin:/usr/bin"};
	struct butter_process *x = butter_spawn(&how);
	ck_assert_ptr_nonnull(x);
	attached(&t, butter_process_source(x), count_told);
	turn_until(&t, 1, 1);
	ck_assert_int_eq(t.error, ENODATA);
	assert_sleeps(t.loop); /* the fd is readable for ever */
	ck_assert_uint_eq(t.ends, 1);
	kind.discard(t.a);
	butter_process_close(x);
	kind.close(t.loop);
}
END_TEST

/* _i: how many events are told first. */
START_TEST(an_error_is_told_once_with_its_errno)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	numbers_open_over(&n, (size_t)_i, EIO, eventfd(1, EFD_CLOEXEC));
	attached(&t, &n.source, count_told);
	turn_until(&t, (unsigned)_i, 1);
	ck_assert_int_eq(t.error, EIO);
	assert_sleeps(t.loop);
	ck_assert_uint_eq(t.ends, 1);
	ck_assert_uint_eq(n.reads, (unsigned)_i + 1);
	kind.detach(t.a);
	kind.discard(t.a);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

static void discard_at_the_end(struct butter_source *source, void *event, void *data)
{
	(event ? count_told : discard_and_close)(source, event, data);
}

START_TEST(the_callback_may_discard_and_close_when_it_is_told_of_the_end)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	numbers_open(&n, 3, ENODATA);
	attached(&t, &n.source, discard_at_the_end);
	turn_until(&t, 3, 1);
	ck_assert_int_eq(t.error, ENODATA);
	assert_sleeps(t.loop);
	kind.close(t.loop);
}
END_TEST

/* An error that passes. */
static void go_on(struct butter_source *source, void *event, void *data)
{
	struct told *t = data;
	struct numbers *n = (struct numbers *)source;
	count_told(source, event, data);
	if (event)
		return;
	ck_assert_int_eq(t->error, EBADMSG);
	t->ends = 0;
	n->error = 0;
	n->cached = 100;
	ck_assert_int_eq(kind.attach(t->a, t->loop), 0);
}

START_TEST(the_callback_may_attach_again_after_an_error)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	numbers_open(&n, 2, EBADMSG);
	attached(&t, &n.source, go_on);
	turn_until(&t, 102, 0);
	assert_sleeps(t.loop);
	kind.discard(t.a);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

/* A pipe's end for writing, whose reader is gone: poll(2) says POLLERR, for ever. */
static int broken_pipe(void)
{
	int fds[2];
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	return fds[1];
}

/* _i: events that the source has all the same. */
START_TEST(an_fd_in_error_of_which_the_source_knows_nothing_is_told)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	numbers_open_over(&n, (size_t)_i, 0, broken_pipe());
	attached(&t, &n.source, count_told);
	turn_until(&t, (unsigned)_i, 1);
	ck_assert_int_eq(t.error, EIO);
	assert_sleeps(t.loop);
	kind.discard(t.a);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

START_TEST(an_fd_in_error_may_go_on_telling_events)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	struct butter_adapter *a;
	numbers_open_over(&n, 200, 0, broken_pipe());
	a = prepared(&t, &n.source, count_told);
	a->per_turn = 7;
	ck_assert_int_eq(kind.attach(a, t.loop), 0);
	turn_until(&t, 200, 1);
	kind.discard(a);
	butter_source_close(&n.source);
	kind.close(t.loop);
}
END_TEST

START_TEST(attach_refuses_an_fd_that_was_closed)
{
	struct told t = {.loop = kind.open()};
	struct numbers n;
	numbers_open(&n, 1, 0);
	close(butter_source_fd(&n.source));
	prepared(&t, &n.source, count_told);
	ck_assert_fails(kind.attach(t.a, t.loop), EBADF);
	turn_idly(t.loop);
	ck_assert_uint_eq(t.events + t.ends, 0);
	kind.discard(t.a);
	kind.close(t.loop);
}
END_TEST

SUITE(adapter_ends)
{
	tcase_add_test(raw, the_end_of_a_process_is_told_as_an_event_and_enodata);
	tcase_add_loop_test(tc, an_error_is_told_once_with_its_errno, 0, 4);
	tcase_add_test(tc, the_callback_may_discard_and_close_when_it_is_told_of_the_end);
	tcase_add_test(tc, the_callback_may_attach_again_after_an_error);
	tcase_add_loop_test(tc, an_fd_in_error_of_which_the_source_knows_nothing_is_told, 0, 3);
	tcase_add_test(tc, an_fd_in_error_may_go_on_telling_events);
	tcase_add_test(tc, attach_refuses_an_fd_that_was_closed);
}
