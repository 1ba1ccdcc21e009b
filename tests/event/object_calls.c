/* SPDX-License-Identifier: MIT */
/* The system calls that every kind of object makes. */
#include <sys/syscall.h>

#include "kinds.h"
#include "test.h"
#include "trace.h"

static union any_event event;

/* No ck_assert in what is traced: it writes to the test's parent. */
static void drain_five(void *source)
{
	for (int i = 0; i < 5; i++)
		if (butter_source_read_event(source, &event) != 1)
			_exit(1);
}

static void drain(void *source)
{
	while (butter_source_read_event(source, &event) == 1)
		continue;
}

START_TEST(one_read_for_all_cached_events_and_one_more_to_know_that_it_is_drained)
{
	struct butter_source *source = open_kind(_i);
	struct trace trace;
	if (!kinds[_i].caches) {
		trace_calls(drain, source, &trace);
		ck_assert_uint_eq(trace.count, 1);
		butter_source_close(source);
		return;
	}
	for (int i = 0; i < 5; i++)
		kinds[_i].fire(source);
	if (strcmp(kinds[_i].name, "signalfd")) { /* its events are the reading process's own */
		trace_calls(drain_five, source, &trace);
		ck_assert_uint_eq(trace.count, 1);
		ck_assert_int_eq(trace.number[0], SYS_read);
		for (int i = 0; i < 5; i++)
			kinds[_i].fire(source);
		trace_calls(drain, source, &trace);
		ck_assert_uint_eq(trace.count, 2);
		ck_assert_uint_eq(trace_count(&trace, SYS_read), 2);
	}
	drain(source);
	for (int i = 0; i < 5; i++)
		kinds[_i].fire(source);
	unsigned before = fault_calls(FAULT_READ);
	drain_five(source);
	ck_assert_uint_eq(fault_calls(FAULT_READ) - before, 1);
	drain(source);
	ck_assert_uint_eq(fault_calls(FAULT_READ) - before, 2);
	butter_source_close(source);
}
END_TEST

static void open_and_close(void *i)
{
	butter_source_close(kinds[*(int *)i].open());
}

/* What the heap does, and what the test's own open does, is not counted. */
START_TEST(open_and_close_make_one_system_call_each)
{
	struct trace trace;
	open_and_close(&_i);
	trace_calls(open_and_close, &_i, &trace);
	trace_drop_heap(&trace);
	ck_assert_uint_eq(trace.count - trace_count(&trace, SYS_rt_sigprocmask), 2);
}
END_TEST

SUITE(event_object_calls)
{
	tcase_add_loop_test(raw, one_read_for_all_cached_events_and_one_more_to_know_that_it_is_drained, 0,
			    KINDS_READ);
	/* A composite has an fd of each of its parts. */
	tcase_add_loop_test(raw, open_and_close_make_one_system_call_each, 0, KINDS_READ);
	tcase_add_loop_test(raw, open_and_close_make_one_system_call_each, KINDS_KNOWN, KINDS);
}
