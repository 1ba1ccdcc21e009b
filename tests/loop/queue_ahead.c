/* SPDX-License-Identifier: MIT */
/* A source that reads more than one event at a time, and has them then though its fd is silent. */
#include "queued.h"

/* Many events of one read(2), with pointers into it. */
static struct butter_inotify *inotify;
static const char *folder, *names[16];
static int name_count;

static void open_inotify(size_t maximum, void (*drop)(struct butter_source *source, void *event))
{
	new_loop();
	folder = scratch();
	inotify = butter_inotify_open(0);
	ck_assert_int_gt(butter_inotify_watch(inotify, folder, IN_CREATE), 0);
	queue = butter_queue_open(loop, butter_inotify_source(inotify),
				  &(struct butter_queue_options){.size = sizeof(struct butter_queue_options),
								 .maximum = maximum,
								 .drop = drop});
	ck_assert_ptr_nonnull(queue);
	ck_assert_uint_eq(butter_queue_maximum(queue), maximum);
}

static void close_inotify(void)
{
	butter_queue_close(queue);
	butter_inotify_close(inotify);
	free_loop();
}

static void create(const char *letters)
{
	char name[2] = "";
	for (; *letters; letters++) {
		name[0] = *letters;
		touch(path_in(folder, name));
	}
}

static void keep_name(struct butter_queue *in, struct butter_queue_request *r)
{
	(void)in;
	names[name_count++] = ((struct butter_inotify_event *)r->event)->name;
}

static void keep_name_and_ask(struct butter_queue *in, struct butter_queue_request *r)
{
	keep_name(in, r);
	ck_assert_int_eq(butter_queue_get(in, r, keep_name_and_ask, -1), 0);
}

START_TEST(what_the_source_has_read_already_comes_though_its_fd_is_silent)
{
	for (size_t maximum = 0; maximum < 3; maximum++) {
		open_inotify(maximum, NULL);
		name_count = 0;
		create("abcde");
		ck_assert_int_eq(butter_queue_get(queue, &request[0], keep_name_and_ask, -1), 0);
		while (name_count < 5)
			ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
		for (int i = 0; i < 5; i++)
			ck_assert_int_eq(names[i][0], "abcde"[i]); /* all of one read(2) */
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
		ck_assert_int_eq(name_count, 5);
		butter_queue_cancel(queue, &request[0]);
		close_inotify();
	}
}
END_TEST

START_TEST(a_source_that_has_events_when_the_first_asks_does_not_let_the_loop_wait)
{
	struct butter_inotify_event ev;
	open_inotify(0, NULL);
	create("ab");
	ck_assert_int_eq(butter_inotify_read_event(inotify, &ev), 1);
	ck_assert_int_eq(poll_in(butter_inotify_fd(inotify), 0), 0);
	ck_assert_int_eq(butter_queue_get(queue, &request[0], keep_name, -1), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_str_eq(names[0], "b");
	close_inotify();
}
END_TEST

START_TEST(what_is_read_in_advance_is_kept_until_the_last_has_gone)
{
	struct butter_inotify_event ev[3];
	open_inotify(3, NULL);
	ck_assert(butter_queue_empty(queue) && !butter_queue_full(queue));
	create("abcd");
	ck_assert_int_eq(butter_queue_get_nowait(queue, &ev[0]), 1);
	ck_assert_uint_eq(butter_queue_size(queue), 2);
	ck_assert(!butter_queue_empty(queue) && !butter_queue_full(queue));
	create("efg");
	ck_assert_int_eq(butter_queue_get_nowait(queue, &ev[1]), 1);
	ck_assert_int_eq(butter_queue_get_nowait(queue, &ev[2]), 1);
	ck_assert_uint_eq(butter_queue_size(queue), 0);
	ck_assert_str_eq(ev[0].name, "a");
	ck_assert_str_eq(ev[1].name, "b");
	ck_assert_str_eq(ev[2].name, "c");
	ck_assert_int_eq(butter_queue_get_nowait(queue, &ev[0]), 1);
	ck_assert_str_eq(ev[0].name, "d"); /* a read_events of its own: one read's are not mixed */
	ck_assert_uint_eq(butter_queue_size(queue), 0);
	ck_assert_int_eq(butter_queue_get(queue, &request[0], keep_name, -1), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_str_eq(names[0], "e");
	ck_assert_uint_eq(butter_queue_size(queue), 2);
	close_inotify();
}
END_TEST

static void note_dropped(struct butter_source *of, void *event)
{
	ck_assert_ptr_eq(of, butter_inotify_source(inotify));
	note(((struct butter_inotify_event *)event)->name[0]);
}

static size_t full_at;

static void look_full(struct butter_queue *in, struct butter_queue_request *r)
{
	(void)r;
	full_at = butter_queue_size(in);
}

START_TEST(what_nobody_got_is_dropped_at_the_end)
{
	struct butter_inotify_event ev;
	open_inotify(4, note_dropped);
	create("abcdef");
	ck_assert_int_eq(butter_queue_get_nowait(queue, &ev), 1);
	close_inotify();
	ck_assert_noted('b', 'c', 'd');
	open_inotify(1, note_dropped);
	create("ab");
	ck_assert_int_eq(butter_queue_get(queue, &request[0], look_full, -1), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_uint_eq(full_at, 0);
	close_inotify();
	ck_assert_noted_nothing(); /* a maximum of 1 holds nothing that is not handed out at once */
}
END_TEST

SUITE(loop_queue_ahead)
{
	tcase_add_test(tc, what_the_source_has_read_already_comes_though_its_fd_is_silent);
	tcase_add_test(tc, a_source_that_has_events_when_the_first_asks_does_not_let_the_loop_wait);
	tcase_add_test(tc, what_is_read_in_advance_is_kept_until_the_last_has_gone);
	tcase_add_test(tc, what_nobody_got_is_dropped_at_the_end);
}
