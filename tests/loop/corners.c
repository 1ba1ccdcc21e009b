/* SPDX-License-Identifier: MIT */
/* What comes of rare states: a full queue with gaps, fds beyond the table, epoll's odd answers. */
#include <fcntl.h>
#include <sys/eventfd.h>

#include "fault.h"
#include "files.h"
#include "notes.h"

static struct butter_ev_io io[2];
static struct butter_ev_timer timer, later;
static struct butter_ev_periodic periodic;
static struct butter_ev_event event;
static struct butter_ev_embed embed;

NOTING(io)
NOTING(timer)
NOTING(periodic)
NOTING(event)
NOTING(embed)

START_TEST(gaps_in_the_queue_of_those_that_are_pending_are_room_again)
{
	enum { MANY = 100 };
	struct butter_ev_timer fed[3];
	new_loop();
	for (int i = 0; i < 3; i++) {
		butter_ev_timer_init(&fed[i], note_timer, LONG, 0);
		fed[i].ev.data = NUMBER(i);
		ck_assert_int_eq(butter_ev_timer_start(loop, &fed[i]), 0);
	}
	butter_ev_feed(loop, &fed[1], BUTTER_EV_CUSTOM);
	for (int i = 0; i < MANY; i++) {
		butter_ev_feed(loop, &fed[0], BUTTER_EV_CUSTOM);
		if (i == MANY / 2)
			butter_ev_feed(loop, &fed[2], BUTTER_EV_CUSTOM);
		ck_assert_int_eq(butter_loop_verify(loop), 0);
		ck_assert_uint_eq(butter_ev_clear_pending(loop, &fed[0]), BUTTER_EV_CUSTOM);
	}
	ck_assert_uint_eq(butter_loop_pending_count(loop), 2);
	butter_loop_invoke_pending(loop);
	ck_assert_noted(1, 2);
	free_loop();
}
END_TEST

START_TEST(who_is_not_active_is_not_fed_without_memory)
{
	new_loop();
	butter_ev_timer_init(&timer, note_timer, 0, 0);
	ck_assert_int_eq(butter_ev_set_priority(&timer, 2), 0);
	fault_error(FAULT_REALLOC, 1, ENOMEM);
	ck_assert_fails(butter_ev_feed(loop, &timer, BUTTER_EV_CUSTOM), ENOMEM);
	ck_assert(!butter_ev_is_pending(&timer));
	free_loop();
}
END_TEST

enum { TABLE = 64 };
static int fill[TABLE];

/* Every number of the loop's first table is taken, so that the next fd needs a larger one. */
static void fill_table(void)
{
	int n = 0;
	while ((fill[n] = dup(STDERR_FILENO)) < TABLE - 1)
		n++;
}

static void empty_table(void)
{
	for (int n = 0; fill[n] < TABLE; n++) {
		close(fill[n]);
		if (fill[n] == TABLE - 1)
			break;
	}
}

/* The first time without memory for that table: which of the allocations it is does not matter. */
static void start_beyond(struct butter_ev *w)
{
	unsigned nth = 0;
	int n;
	do {
		fault_clear();
		fault_error(FAULT_CALLOC, ++nth, ENOMEM);
		errno = 0;
		n = butter_watcher_start(loop, w);
		ck_assert(n == 0 || (errno == ENOMEM && !butter_watcher_is_active(w)));
		ck_assert_int_eq(butter_loop_verify(loop), 0);
	} while (n < 0);
	ck_assert_uint_gt(nth, 1);
	fault_clear();
	butter_loop_free(loop);
}

START_TEST(an_fd_beyond_the_table_needs_memory_and_leaves_nothing_without)
{
	struct butter_eventfd_event ev;
	struct butter_ev *const all[] = {&timer.ev, &periodic.ev, &event.ev, &embed.ev};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		new_loop();
		fill_table();
		struct butter_eventfd *source = butter_eventfd_open(0, 0);
		struct butter_loop *inner = butter_loop_new(NULL);
		butter_ev_timer_init(&timer, note_timer, LONG, 0);
		butter_ev_timer_set_clock(&timer, CLOCK_BOOTTIME, 0);
		butter_ev_periodic_init(&periodic, note_periodic, INT64_MAX, 0, NULL);
		butter_ev_event_init(&event, note_event, butter_eventfd_source(source), &ev);
		butter_ev_embed_init(&embed, note_embed, inner, -1);
		start_beyond(all[i]);
		butter_loop_free(inner);
		butter_eventfd_close(source);
		empty_table();
	}
}
END_TEST

/* In place of a file that was not stopped: what the old one waited for is not waited for any more. */
START_TEST(a_new_file_has_its_own_events)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	new_loop();
	butter_ev_io_init(&io[0], note_io, fd, BUTTER_EV_WRITE);
	io[0].ev.data = NUMBER(1);
	ck_assert_int_eq(butter_ev_io_start(loop, &io[0]), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(1);
	int other = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_eq(dup3(other, fd, O_CLOEXEC), fd);
	close(other);
	butter_ev_io_init(&io[1], note_io, fd, BUTTER_EV_READ);
	io[1].ev.data = NUMBER(2);
	ck_assert_int_eq(butter_ev_io_start(loop, &io[1]), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(1); /* an error */
	ck_assert_int_eq(io[0].error, EBADF);
	ck_assert_int_eq(poll_in(butter_loop_fd(loop), 0), 0); /* that it can be written is not asked for */
	butter_ev_io_stop(loop, &io[1]);
	close(fd);
	free_loop();
}
END_TEST

/* It failed with the change, and so does not know that epoll has the file. */
START_TEST(a_file_that_epoll_has_already_is_taken_over)
{
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	new_loop();
	butter_ev_io_init(&io[0], note_io, fd, BUTTER_EV_READ);
	io[0].ev.data = NUMBER(1);
	ck_assert_int_eq(butter_ev_io_start(loop, &io[0]), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	butter_ev_io_modify(loop, &io[0], BUTTER_EV_WRITE);
	fault_error(FAULT_EPOLL_CTL, 1, ENOMEM);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(1, 1);
	ck_assert_int_eq(io[0].error, ENOMEM);
	ck_assert_int_eq(butter_ev_io_start(loop, &io[0]), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(1);
	butter_ev_io_stop(loop, &io[0]);
	close(fd);
	free_loop();
}
END_TEST

static void note_revents(struct butter_loop *in, uint32_t revents, void *arg)
{
	(void)in, (void)arg;
	note((int)(revents >> 8));
}

START_TEST(each_of_many_onces_goes_its_own_way)
{
	new_loop();
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
			butter_loop_once(loop, -1, 0, i == 1 ? 0 : LONG * INT64_C(3600), note_revents, NULL),
			0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(1);
	ck_assert_int_eq(butter_loop_once(loop, -1, 0, 0, note_revents, NULL), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted(1);
	free_loop();
}
END_TEST

/* The loop inside cannot be told about its fds: the watcher in the loop outside ends. */
START_TEST(a_loop_inside_that_fails_ends_its_watcher)
{
	new_loop();
	struct butter_loop *inner = butter_loop_new(NULL);
	butter_ev_embed_init(&embed, NULL, inner, -1);
	ck_assert_int_eq(butter_ev_embed_start(loop, &embed), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	butter_ev_timer_init(&later, note_timer, LONG, 0);
	ck_assert_int_eq(butter_ev_timer_set_clock(&later, CLOCK_REALTIME, 0), 0);
	ck_assert_int_eq(butter_ev_timer_start(inner, &later), 0);
	fault_error(FAULT_EPOLL_CTL, 1, ENOSPC);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert(!butter_ev_is_active(&embed));
	ck_assert_int_eq(embed.error, ENOSPC);
	butter_loop_free(inner);
	free_loop();
}
END_TEST

SUITE(loop_corners)
{
	tcase_add_test(tc, gaps_in_the_queue_of_those_that_are_pending_are_room_again);
	tcase_add_test(tc, who_is_not_active_is_not_fed_without_memory);
	tcase_add_test(tc, an_fd_beyond_the_table_needs_memory_and_leaves_nothing_without);
	tcase_add_test(tc, a_new_file_has_its_own_events);
	tcase_add_test(tc, a_file_that_epoll_has_already_is_taken_over);
	tcase_add_test(tc, each_of_many_onces_goes_its_own_way);
	tcase_add_test(tc, a_loop_inside_that_fails_ends_its_watcher);
}
