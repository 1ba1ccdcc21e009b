/* SPDX-License-Identifier: MIT */
/* What the object is to code that learns its kind at run time; tests/event/object.c has the rest. */
#include <fcntl.h>

#include <butter/event.h>

#include "test.h"

START_TEST(its_source_is_the_object_itself)
{
	struct butter_fanotify *x = butter_fanotify_open(FAN_REPORT_DFID_NAME, O_RDONLY, NULL);
	ck_assert_ptr_nonnull(x);
	struct butter_source *source = butter_fanotify_source(x);
	ck_assert_ptr_eq(source, x);
	ck_assert_str_eq(butter_source_ops(source)->name, "fanotify");
	ck_assert_uint_eq(butter_source_ops(source)->event_size, sizeof(struct butter_fanotify_event));
	ck_assert_int_eq(butter_source_fd(source), butter_fanotify_fd(x));
	butter_source_close(source);
}
END_TEST

START_TEST(an_event_comes_by_the_source_as_it_does_by_the_object)
{
	const char *dir = scratch();
	struct butter_fanotify_event ev;
	struct butter_fanotify *x = butter_fanotify_open(FAN_REPORT_DFID_NAME, O_RDONLY, NULL);
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, dir, FAN_CREATE, 0), 0);
	touch(path_in(dir, "one"));
	touch(path_in(dir, "two"));
	ck_assert_int_eq(butter_source_wait_event(butter_fanotify_source(x), &ev, -1), 1);
	ck_assert_str_eq(ev.name, "one");
	ck_assert_uint_eq(butter_fanotify_pending(x), butter_source_pending(butter_fanotify_source(x)));
	ck_assert_int_eq(butter_fanotify_read_event(x, &ev), 1);
	ck_assert_str_eq(ev.name, "two");
	butter_fanotify_close(x);
}
END_TEST

SUITE(event_fanotify_object)
{
	tcase_add_test(tc, its_source_is_the_object_itself);
	tcase_add_test(tc, an_event_comes_by_the_source_as_it_does_by_the_object);
}
