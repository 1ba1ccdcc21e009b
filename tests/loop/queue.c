/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "files.h"
#include "notes.h"

/* A source of the bytes of a pipe, one a read; and how often it was read. */
static struct butter_source source;
static int fds[2], reads;
static struct butter_queue *queue;
static struct butter_queue_request request[16];

static int read_byte(struct butter_source *s, void *ret)
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

static void new_queue(const struct butter_queue_options *options)
{
	new_loop();
	make_pipe(fds);
	ck_assert_int_eq(butter_source_init(&source, &bytes, fds[READ]), 0);
	queue = butter_queue_open(loop, &source, options);
	ck_assert_ptr_nonnull(queue);
}

static void free_queue(void)
{
	butter_queue_close(queue);
	free_loop();
	butter_source_close(&source);
	if (fds[WRITE] >= 0)
		close(fds[WRITE]);
}

static void put(const char *text)
{
	ck_assert_int_eq(write(fds[WRITE], text, strlen(text)), (ssize_t)strlen(text));
}

/* The byte, or its error negated; and whose it was. */
static void note_request(struct butter_queue *in, struct butter_queue_request *r)
{
	ck_assert_ptr_eq(in, queue);
	ck_assert_int_eq(!r->event, r->error != 0);
	note((int)(r - request));
	note(r->event ? *(char *)r->event : -r->error);
}

static void get(int i, int64_t timeout)
{
	ck_assert_int_eq(butter_queue_get(queue, &request[i], note_request, timeout), 0);
}

static void get_again(struct butter_queue *in, struct butter_queue_request *r)
{
	note_request(in, r);
	if (r->event)
		ck_assert_int_eq(butter_queue_get(in, r, get_again, -1), 0);
}

START_TEST(events_go_to_those_who_wait_first_come_first_served)
{
	new_queue(NULL);
	for (int i = 0; i < 4; i++)
		get(i, -1);
	ck_assert_uint_eq(butter_queue_waiting(queue), 4);
	ck_assert_noted_nothing();
	put("ab");
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(0, 'a', 1, 'b');
	put("c");
	get(0, -1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(2, 'c');
	put("de");
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(3, 'd', 0, 'e');
	ck_assert_uint_eq(butter_queue_waiting(queue), 0);
	free_queue();
}
END_TEST

START_TEST(the_source_is_not_read_while_nobody_waits)
{
	new_queue(NULL);
	put("abc");
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert_int_eq(reads, 0);
	get(0, -1);
	ck_assert_int_eq(reads, 0); /* nor in butter_queue_get() */
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0, 'a');
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert_int_eq(reads, 1);
	free_queue();
}
END_TEST

START_TEST(a_request_holds_the_loop_until_it_is_answered_or_taken_back)
{
	new_queue(NULL);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	get(0, -1);
	get(1, -1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	butter_queue_cancel(queue, &request[0]);
	butter_queue_cancel(queue, &request[0]);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	butter_queue_cancel(queue, &request[1]);
	put("a");
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted_nothing();
	ck_assert_int_eq(reads, 0);
	free_queue();
}
END_TEST

static void cancel_next(struct butter_queue *in, struct butter_queue_request *r)
{
	note_request(in, r);
	butter_queue_cancel(in, r + 1);
	memset(r + 1, 0x55, sizeof(*r));
	memset(r, 0x55, sizeof(*r));
}

START_TEST(a_callback_may_take_others_back)
{
	new_queue(NULL);
	ck_assert_int_eq(butter_queue_get(queue, &request[0], cancel_next, LONG), 0);
	get(1, LONG);
	get(2, LONG);
	put("ab");
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(0, 'a', 2, 'b');
	free_queue();
}
END_TEST

START_TEST(a_timeout_is_ETIMEDOUT_and_never_early)
{
	new_queue(NULL);
	get(0, -1);
	get(1, 3 * MILLISECOND);
	get(2, MILLISECOND);
	int64_t before = clock_ns(CLOCK_MONOTONIC);
	while (note_count < 4)
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_int_ge(clock_ns(CLOCK_MONOTONIC) - before, 3 * MILLISECOND);
	ck_assert_noted(2, -ETIMEDOUT, 1, -ETIMEDOUT);
	put("a");
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(0, 'a');
	get(1, 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(1, -ETIMEDOUT);
	free_queue();
}
END_TEST

static void cancel_second(struct butter_queue *in, struct butter_queue_request *r)
{
	note_request(in, r);
	butter_queue_cancel(in, &request[1]);
	memset(&request[1], 0x55, sizeof(request[1]));
}

START_TEST(an_event_that_is_there_comes_before_a_timeout)
{
	new_queue(NULL);
	put("a");
	get(0, 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(0, 'a');
	put("b");
	ck_assert_int_eq(butter_queue_get(queue, &request[0], cancel_second, -1), 0);
	get(1, 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(0, 'b');
	free_queue();
}
END_TEST

START_TEST(get_nowait_gives_what_is_there_to_whom_nobody_is_before)
{
	char byte = 'x';
	new_queue(NULL);
	errno = 77;
	ck_assert_int_eq(butter_queue_get_nowait(queue, &byte), 0);
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(byte, 'x');
	put("abc");
	ck_assert_int_eq(butter_queue_get_nowait(queue, &byte), 1);
	ck_assert_int_eq(byte, 'a');
	get(0, -1);
	ck_assert_int_eq(butter_queue_get_nowait(queue, &byte), 0);
	butter_loop_run(loop, BUTTER_RUN_DEFAULT);
	ck_assert_noted(0, 'b');
	ck_assert_int_eq(butter_queue_get_nowait(queue, &byte), 1);
	close(fds[WRITE]);
	fds[WRITE] = -1;
	ck_assert_fails(butter_queue_get_nowait(queue, &byte), ENODATA);
	ck_assert_int_eq(byte, 'c');
	free_queue();
}
END_TEST

START_TEST(an_error_is_the_answer_of_one_request_and_the_end_of_all)
{
	new_queue(NULL);
	for (int i = 0; i < 3; i++)
		get(i, -1);
	put("ab");
	fault_error(FAULT_READ, 2, EIO);
	errno = 77;
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_int_eq(errno, 77);
	ck_assert_noted(0, 'a', 1, -EIO, 2, 'b');
	close(fds[WRITE]);
	fds[WRITE] = -1;
	for (int i = 0; i < 3; i++)
		get(i, LONG);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(0, -ENODATA, 1, -ENODATA, 2, -ENODATA);
	get(4, -1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(4, -ENODATA);
	free_queue();
}
END_TEST

START_TEST(an_fd_that_was_closed_is_EBADF_for_all_who_wait)
{
	new_queue(NULL);
	for (int i = 0; i < 3; i++)
		get(i, LONG);
	close(fds[READ]);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0, -EBADF, 1, -EBADF, 2, -EBADF);
	butter_queue_close(queue);
	free_loop();
	close(fds[WRITE]);
}
END_TEST

START_TEST(close_answers_all_with_ECANCELED)
{
	new_queue(NULL);
	get(0, -1);
	get(1, LONG);
	put("ab");
	errno = 77;
	butter_queue_close(queue);
	ck_assert_int_eq(errno, 77);
	ck_assert_noted(0, -ECANCELED, 1, -ECANCELED);
	ck_assert_int_eq(reads, 0);
	butter_queue_close(NULL);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	free_loop();
	close_pipe(fds);
}
END_TEST

static void ask_again(struct butter_queue *in, struct butter_queue_request *r)
{
	note_request(in, r);
	ck_assert_fails(butter_queue_get(in, &request[9], note_request, -1), ECANCELED);
	butter_queue_cancel(in, &request[2]);
}

START_TEST(who_asks_while_it_is_closed_is_refused)
{
	new_queue(NULL);
	get(0, -1);
	ck_assert_int_eq(butter_queue_get(queue, &request[1], ask_again, LONG), 0);
	get(2, LONG);
	get(3, LONG);
	butter_queue_close(queue);
	ck_assert_noted(0, -ECANCELED, 1, -ECANCELED, 3, -ECANCELED);
	free_loop();
	close_pipe(fds);
}
END_TEST

static void close_queue(struct butter_queue *in, struct butter_queue_request *r)
{
	note_request(in, r);
	butter_queue_close(in);
	memset(r, 0x55, sizeof(*r));
}

START_TEST(a_callback_may_close_the_queue_and_free_its_request)
{
	for (int i = 0; i < 3; i++) {
		new_queue(&(struct butter_queue_options){.size = sizeof(struct butter_queue_options),
							 .maximum = 4});
		ck_assert_int_eq(butter_queue_get(queue, &request[0], close_queue, i == 1 ? 0 : -1), 0);
		get(1, LONG);
		if (i == 0)
			put("abc");
		if (i == 2)
			close(fds[WRITE]);
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
		ck_assert_noted(0, (int[]){'a', -ETIMEDOUT, -ENODATA}[i], 1, -ECANCELED);
		free_loop();
		butter_source_close(&source);
		if (i != 2)
			close(fds[WRITE]);
	}
}
END_TEST

START_TEST(a_loop_that_is_freed_answers_all_with_ECANCELED)
{
	new_queue(NULL);
	get(0, -1);
	get(1, LONG);
	free_loop();
	ck_assert_noted(0, -ECANCELED, 1, -ECANCELED);
	ck_assert_fails(butter_queue_get(queue, &request[0], note_request, -1), ECANCELED);
	butter_queue_cancel(queue, &request[0]);
	butter_queue_close(queue);
	close_pipe(fds);
	new_queue(NULL);
	ck_assert_int_eq(butter_queue_get(queue, &request[0], close_queue, -1), 0);
	get(1, LONG);
	free_loop();
	ck_assert_noted(0, -ECANCELED, 1, -ECANCELED);
	close_pipe(fds);
}
END_TEST

START_TEST(a_turn_is_as_long_as_the_loops_budget)
{
	struct butter_loop_options options = {.size = sizeof(options), .event_budget = 2};
	loop = butter_loop_new(&options);
	make_pipe(fds);
	ck_assert_int_eq(butter_source_init(&source, &bytes, fds[READ]), 0);
	queue = butter_queue_open(loop, &source, NULL);
	put("abcde");
	ck_assert_int_eq(butter_queue_get(queue, &request[0], get_again, -1), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(0, 'a', 0, 'b');
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(0, 'c', 0, 'd');
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(0, 'e');
	butter_queue_cancel(queue, &request[0]);
	free_queue();
}
END_TEST

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

START_TEST(wrong_arguments_are_EINVAL)
{
	struct butter_queue_options options = {.size = sizeof(options)};
	new_queue(NULL);
	ck_assert_fails(butter_queue_get(queue, &request[0], NULL, -1), EINVAL);
	ck_assert_fails(butter_queue_get(queue, &request[0], note_request, -2), EINVAL);
	ck_assert_uint_eq(butter_queue_waiting(queue), 0);
	ck_assert_uint_eq(butter_queue_maximum(queue), 0);
	ck_assert(!butter_queue_full(queue));
	ck_assert_null_errno(butter_queue_open(loop, NULL, NULL), EINVAL);
	options.reserved[2] = 1;
	ck_assert_null_errno(butter_queue_open(loop, &source, &options), EINVAL);
	options.reserved[2] = 0;
	options.size = 1;
	ck_assert_null_errno(butter_queue_open(loop, &source, &options), EINVAL);
	free_queue();
}
END_TEST

START_TEST(without_memory_nothing_is_left)
{
	new_queue(NULL);
	for (unsigned nth = 1; nth < 3; nth++) {
		fault_error(FAULT_CALLOC, nth, ENOMEM);
		ck_assert_null_errno(butter_queue_open(loop, &source, NULL), ENOMEM);
	}
	fault_error(FAULT_REALLOC, 1, ENOMEM);
	ck_assert_fails(butter_queue_get(queue, &request[0], note_request, LONG), ENOMEM);
	ck_assert_uint_eq(butter_queue_waiting(queue), 0);
	free_queue();
}
END_TEST

SUITE(loop_queue)
{
	tcase_add_test(tc, events_go_to_those_who_wait_first_come_first_served);
	tcase_add_test(tc, the_source_is_not_read_while_nobody_waits);
	tcase_add_test(tc, a_request_holds_the_loop_until_it_is_answered_or_taken_back);
	tcase_add_test(tc, a_callback_may_take_others_back);
	tcase_add_test(tc, a_timeout_is_ETIMEDOUT_and_never_early);
	tcase_add_test(tc, an_event_that_is_there_comes_before_a_timeout);
	tcase_add_test(tc, get_nowait_gives_what_is_there_to_whom_nobody_is_before);
	tcase_add_test(tc, an_error_is_the_answer_of_one_request_and_the_end_of_all);
	tcase_add_test(tc, an_fd_that_was_closed_is_EBADF_for_all_who_wait);
	tcase_add_test(tc, close_answers_all_with_ECANCELED);
	tcase_add_test(tc, who_asks_while_it_is_closed_is_refused);
	tcase_add_test(tc, a_callback_may_close_the_queue_and_free_its_request);
	tcase_add_test(tc, a_loop_that_is_freed_answers_all_with_ECANCELED);
	tcase_add_test(tc, a_turn_is_as_long_as_the_loops_budget);
	tcase_add_test(tc, what_the_source_has_read_already_comes_though_its_fd_is_silent);
	tcase_add_test(tc, a_source_that_has_events_when_the_first_asks_does_not_let_the_loop_wait);
	tcase_add_test(tc, what_is_read_in_advance_is_kept_until_the_last_has_gone);
	tcase_add_test(tc, what_nobody_got_is_dropped_at_the_end);
	tcase_add_test(tc, wrong_arguments_are_EINVAL);
	tcase_add_test(tc, without_memory_nothing_is_left);
}
