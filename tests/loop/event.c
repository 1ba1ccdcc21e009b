/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/socket.h>

#include "fault.h"
#include "notes.h"

static struct butter_ev_event watcher;

static void run(void)
{
	ck_assert_int_ge(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
}

static struct butter_inotify_event made;

static void take_name(struct butter_loop *in, struct butter_ev_event *w, uint32_t revents)
{
	(void)in;
	ck_assert_uint_eq(revents, BUTTER_EV_EVENT);
	const struct butter_inotify_event *event = w->event;
	note(atoi(event->name));
}

START_TEST(the_events_of_a_source_are_handed_out_one_by_one)
{
	const char *dir = scratch();
	struct butter_inotify *x = butter_inotify_open(0);
	ck_assert_int_ge(butter_inotify_watch(x, dir, IN_CREATE), 0);
	new_loop();
	butter_ev_event_init(&watcher, take_name, butter_inotify_source(x), &made);
	ck_assert_int_eq(butter_ev_event_start(loop, &watcher), 0);
	run();
	touch(path_in(dir, "1"));
	touch(path_in(dir, "2"));
	run();
	ck_assert_noted(1, 2);
	touch(path_in(dir, "3"));
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(3);
	butter_ev_event_stop(loop, &watcher);
	touch(path_in(dir, "4"));
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted_nothing();
	butter_inotify_close(x);
	free_loop();
}
END_TEST

/*
 * A source over a stream of bytes, each an event; it reads all there is at once, so that what it has
 * cached is not to be seen from outside. With the byte '!' it fails, at the end it has ended.
 */
struct bytes {
	struct butter_source source;
	unsigned char cache[64];
	size_t next, end;
};

static int read_byte(struct butter_source *source, void *ret)
{
	struct bytes *x = (struct bytes *)source;
	if (x->next == x->end) {
		ssize_t n = read(butter_source_fd(source), x->cache, sizeof(x->cache));
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0) {
			errno = n < 0 ? errno : ENODATA;
			return -1;
		}
		x->next = 0;
		x->end = (size_t)n;
	}
	if (x->cache[x->next] == '!') {
		x->next++;
		errno = EBADMSG;
		return -1;
	}
	*(unsigned char *)ret = x->cache[x->next++];
	return 1;
}

static size_t bytes_pending(struct butter_source *source)
{
	struct bytes *x = (struct bytes *)source;
	return x->end - x->next;
}

static const struct butter_source_ops bytes_ops = {.size = sizeof(struct butter_source_ops),
						   .name = "bytes",
						   .event_size = 1,
						   .read_event = read_byte,
						   .pending = bytes_pending};

static struct bytes bytes;
static unsigned char byte;
static int other_end;

static void open_bytes(uint32_t budget)
{
	struct butter_loop_options o = {.size = sizeof(o), .event_budget = budget};
	int pair[2];
	loop = butter_loop_new(&o);
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(butter_source_init(&bytes.source, &bytes_ops, pair[0]), 0);
	other_end = pair[1];
}

static void close_bytes(void)
{
	butter_source_close(&bytes.source);
	if (other_end >= 0)
		close(other_end);
	free_loop();
}

static void take_byte(struct butter_loop *in, struct butter_ev_event *w, uint32_t revents)
{
	ck_assert_ptr_eq(in, loop);
	note(revents & BUTTER_EV_ERROR ? -w->error : *(unsigned char *)w->event);
	ck_assert_int_eq(!!(revents & BUTTER_EV_ERROR), !butter_ev_is_active(w));
}

static void start_bytes(void)
{
	butter_ev_event_init(&watcher, take_byte, &bytes.source, &byte);
	ck_assert_int_eq(butter_ev_event_start(loop, &watcher), 0);
}

START_TEST(a_turn_is_bounded_and_what_is_cached_comes_in_the_next)
{
	open_bytes(3);
	start_bytes();
	ck_assert_int_eq(write(other_end, "\1\2\3\4\5\6\7", 7), 7);
	run();
	ck_assert_noted(1, 2, 3);
	ck_assert_int_eq(poll_in(butter_source_fd(&bytes.source), 0), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(4, 5, 6);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(7);
	run();
	ck_assert_noted_nothing();
	close_bytes();
}
END_TEST

START_TEST(what_was_cached_before_the_start_is_told)
{
	open_bytes(0);
	ck_assert_int_eq(write(other_end, "\1\2", 2), 2);
	ck_assert_int_eq(butter_source_read_event(&bytes.source, &byte), 1);
	start_bytes();
	butter_ev_event_stop(loop, &watcher);
	start_bytes();
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(2);
	close_bytes();
}
END_TEST

START_TEST(an_error_and_the_end_stop_the_watcher_and_are_told)
{
	open_bytes(0);
	start_bytes();
	ck_assert_int_eq(write(other_end, "\1!\2", 3), 3);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(1, -EBADMSG);
	start_bytes(); /* it may go on */
	close(other_end);
	other_end = -1;
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(2, -ENODATA);
	start_bytes();
	fault_error(FAULT_EPOLL_CTL, 1, ENOSPC);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(-ENOSPC);
	close_bytes();
}
END_TEST

static struct bytes *owned;

static void close_and_free(struct butter_loop *in, struct butter_ev_event *w, uint32_t revents)
{
	(void)revents;
	note(*(unsigned char *)w->event);
	butter_ev_event_stop(in, w);
	butter_source_close(&owned->source);
	free(owned);
	free(w);
}

START_TEST(a_callback_may_close_the_source_and_free_all)
{
	struct butter_ev_event *w = malloc(sizeof(*w));
	int pair[2];
	new_loop();
	owned = calloc(1, sizeof(*owned));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(butter_source_init(&owned->source, &bytes_ops, pair[0]), 0);
	butter_ev_event_init(w, close_and_free, &owned->source, &byte);
	ck_assert_int_eq(butter_ev_event_start(loop, w), 0);
	ck_assert_int_eq(write(pair[1], "\1\2\3", 3), 3);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(1);
	close(pair[1]);
	free_loop();
}
END_TEST

static void stop_and_start(struct butter_loop *in, struct butter_ev_event *w, uint32_t revents)
{
	(void)revents;
	note(*(unsigned char *)w->event);
	butter_ev_event_stop(in, w);
	ck_assert_int_eq(butter_ev_event_start(in, w), 0);
}

START_TEST(a_callback_that_starts_its_watcher_anew_ends_the_turn)
{
	open_bytes(0);
	butter_ev_event_init(&watcher, stop_and_start, &bytes.source, &byte);
	ck_assert_int_eq(butter_ev_event_start(loop, &watcher), 0);
	ck_assert_int_eq(write(other_end, "\1\2\3", 3), 3);
	run();
	ck_assert_noted(1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(2, 3);
	close_bytes();
}
END_TEST

static void run_inside(struct butter_loop *in, struct butter_ev_event *w, uint32_t revents)
{
	(void)revents;
	note(*(unsigned char *)w->event);
	if (*(unsigned char *)w->event == 1)
		ck_assert_int_eq(butter_loop_run(in, BUTTER_RUN_NOWAIT), 1);
	note(100);
}

START_TEST(a_loop_inside_the_callback_does_not_disturb_the_turn)
{
	open_bytes(2);
	butter_ev_event_init(&watcher, run_inside, &bytes.source, &byte);
	ck_assert_int_eq(butter_ev_event_start(loop, &watcher), 0);
	ck_assert_int_eq(write(other_end, "\1\2\3\4", 4), 4);
	run();
	run();
	ck_assert_noted(1, 100, 2, 100, 3, 100, 4, 100);
	close_bytes();
}
END_TEST

START_TEST(start_needs_a_source_and_room_for_its_event)
{
	open_bytes(0);
	butter_ev_event_init(&watcher, take_byte, NULL, &byte);
	ck_assert_fails(butter_ev_event_start(loop, &watcher), EINVAL);
	ck_assert_int_eq(butter_ev_event_set(&watcher, &bytes.source, NULL), 0);
	ck_assert_fails(butter_ev_event_start(loop, &watcher), EINVAL);
	ck_assert_int_eq(butter_ev_event_set(&watcher, &bytes.source, &byte), 0);
	ck_assert_int_eq(butter_ev_event_start(loop, &watcher), 0);
	ck_assert_fails(butter_ev_event_set(&watcher, &bytes.source, &byte), EBUSY);
	byte = 42;
	butter_ev_feed(loop, &watcher, BUTTER_EV_CUSTOM); /* is told as it is */
	run();
	ck_assert_noted(42);
	close_bytes();
}
END_TEST

SUITE(loop_event)
{
	tcase_add_test(tc, the_events_of_a_source_are_handed_out_one_by_one);
	tcase_add_test(tc, a_turn_is_bounded_and_what_is_cached_comes_in_the_next);
	tcase_add_test(tc, what_was_cached_before_the_start_is_told);
	tcase_add_test(tc, an_error_and_the_end_stop_the_watcher_and_are_told);
	tcase_add_test(tc, a_callback_may_close_the_source_and_free_all);
	tcase_add_test(tc, a_callback_that_starts_its_watcher_anew_ends_the_turn);
	tcase_add_test(tc, a_loop_inside_the_callback_does_not_disturb_the_turn);
	tcase_add_test(tc, start_needs_a_source_and_room_for_its_event);
}
