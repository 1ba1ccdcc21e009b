/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/socket.h>

#include "fault.h"
#include "notes.h"

static struct butter_ev_io io[4];
static int pair[2];

NOTING(io)

static void open_pair(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

static void close_pair(void)
{
	close(pair[0]);
	close(pair[1]);
}

static void start(int i, int fd, uint32_t events)
{
	butter_ev_io_init(&io[i], note_io, fd, events);
	io[i].ev.data = NUMBER(i);
	ck_assert_int_eq(butter_ev_io_start(loop, &io[i]), 0);
}

static void run(void)
{
	ck_assert_int_ge(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
}

START_TEST(each_watcher_of_an_fd_is_told_what_it_waits_for)
{
	new_loop();
	open_pair();
	start(0, pair[0], BUTTER_EV_READ);
	start(1, pair[0], BUTTER_EV_WRITE);
	start(2, pair[0], BUTTER_EV_READ | BUTTER_EV_WRITE);
	start(3, pair[0], 0);
	run();
	ck_assert_noted(1, 2);
	ck_assert_int_eq(write(pair[1], "x", 1), 1);
	run();
	ck_assert_noted(0, 1, 2);
	butter_ev_io_stop(loop, &io[1]);
	butter_ev_io_stop(loop, &io[2]);
	run();
	ck_assert_noted(0);
	butter_ev_io_stop(loop, &io[0]);
	run();
	ck_assert_noted_nothing();
	close_pair();
	free_loop();
}
END_TEST

START_TEST(a_watcher_may_be_modified_while_it_is_active)
{
	new_loop();
	open_pair();
	start(0, pair[0], BUTTER_EV_READ);
	run();
	ck_assert_int_eq(butter_ev_io_modify(loop, &io[0], BUTTER_EV_WRITE), 0);
	run();
	ck_assert_noted(0);
	ck_assert_int_eq(butter_ev_io_modify(loop, &io[0], 0), 0);
	close(pair[1]);
	run();
	ck_assert_noted_nothing();
	ck_assert_int_eq(butter_ev_io_modify(loop, &io[0], BUTTER_EV_READ), 0);
	run();
	ck_assert_noted(0);
	ck_assert_fails(butter_ev_io_modify(loop, &io[0], 0x10), EINVAL);
	ck_assert_fails(butter_ev_io_set(&io[0], 0, BUTTER_EV_READ), EBUSY);
	butter_ev_io_stop(loop, &io[0]);
	ck_assert_int_eq(butter_ev_io_modify(loop, &io[0], BUTTER_EV_WRITE), 0);
	ck_assert_int_eq(butter_ev_io_set(&io[0], 7, BUTTER_EV_READ), 0);
	ck_assert_int_eq(io[0].fd, 7);
	close(pair[0]);
	free_loop();
}
END_TEST

static uint32_t told;

static void tell(struct butter_loop *in, struct butter_ev_io *w, uint32_t revents)
{
	(void)in, (void)w;
	told |= revents;
}

START_TEST(a_hang_up_is_what_one_waits_for)
{
	new_loop();
	open_pair();
	butter_ev_io_init(&io[0], tell, pair[0], BUTTER_EV_WRITE);
	butter_ev_io_init(&io[1], tell, pair[0], BUTTER_EV_PRI);
	ck_assert_int_eq(butter_ev_start(loop, &io[0]), 0);
	close(pair[1]);
	run();
	ck_assert_uint_eq(told, BUTTER_EV_WRITE);
	butter_ev_io_stop(loop, &io[0]);
	told = 0;
	ck_assert_int_eq(butter_ev_start(loop, &io[1]), 0);
	run();
	ck_assert_uint_eq(told, BUTTER_EV_PRI);
	butter_ev_io_stop(loop, &io[1]);
	close(pair[0]);
	free_loop();
}
END_TEST

START_TEST(a_regular_file_is_always_ready)
{
	new_loop();
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	start(0, fd, BUTTER_EV_READ);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(0, 0);
	start(1, fd, BUTTER_EV_WRITE);
	butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_noted(0, 1);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	butter_ev_io_stop(loop, &io[0]);
	butter_ev_io_stop(loop, &io[1]);
	run();
	ck_assert_noted_nothing();
	close(fd);
	open_pair(); /* one of them has the number */
	start(2, fd, BUTTER_EV_READ);
	run();
	ck_assert_noted_nothing();
	butter_ev_io_stop(loop, &io[2]);
	close_pair();
	free_loop();
}
END_TEST

START_TEST(start_judges_what_init_was_given)
{
	new_loop();
	butter_ev_io_init(&io[0], note_io, -1, BUTTER_EV_READ);
	ck_assert_fails(butter_ev_io_start(loop, &io[0]), EBADF);
	butter_ev_io_init(&io[0], note_io, 0, BUTTER_EV_TIMER);
	ck_assert_fails(butter_ev_io_start(loop, &io[0]), EINVAL);
	butter_ev_io_init(&io[0], note_io, 100000, BUTTER_EV_READ);
	fault_error(FAULT_CALLOC, 1, ENOMEM);
	ck_assert_fails(butter_ev_io_start(loop, &io[0]), ENOMEM);
	ck_assert(!butter_ev_is_active(&io[0]));
	free_loop();
}
END_TEST

static void told_error(struct butter_loop *in, struct butter_ev_io *w, uint32_t revents)
{
	ck_assert_uint_eq(revents, BUTTER_EV_ERROR | BUTTER_EV_READ);
	ck_assert(!butter_ev_is_active(w));
	ck_assert_int_eq(butter_loop_verify(in), 0);
	note(w->error);
	free(w);
}

START_TEST(an_fd_that_epoll_refuses_ends_its_watchers)
{
	new_loop();
	butter_loop_run(loop, BUTTER_RUN_NOWAIT); /* which takes the loop's own fds to epoll */
	open_pair();
	for (int i = 0; i < 2; i++) {
		struct butter_ev_io *w = malloc(sizeof(*w));
		butter_ev_io_init(w, told_error, pair[i], BUTTER_EV_READ);
		ck_assert_int_eq(butter_ev_io_start(loop, w), 0);
	}
	close(pair[0]);
	fault_error(FAULT_EPOLL_CTL, 2, ENOSPC);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(EBADF, ENOSPC);
	close(pair[1]);
	free_loop();
}
END_TEST

/* A duplicate keeps the file alive, and in epoll, when its fd was closed too soon. */
START_TEST(events_of_a_closed_file_are_not_those_of_the_next_with_its_number)
{
	int other[2];
	new_loop();
	open_pair();
	start(0, pair[0], BUTTER_EV_READ);
	run();
	int alive = dup(pair[0]), fd = pair[0];
	ck_assert_int_eq(write(pair[1], "x", 1), 1);
	close(fd);
	butter_ev_io_stop(loop, &io[0]);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other), 0);
	ck_assert_int_eq(other[0], fd);
	start(1, fd, BUTTER_EV_READ);
	for (int i = 0; i < 4; i++)
		run();
	ck_assert_noted_nothing();
	ck_assert_int_eq(poll_in(butter_loop_fd(loop), 0), 0); /* and epoll does not tell of it any more */
	ck_assert_int_eq(write(other[1], "x", 1), 1);
	run();
	ck_assert_noted(1);
	butter_ev_io_stop(loop, &io[1]);
	close(alive);
	close(pair[1]);
	close(other[0]);
	close(other[1]);
	free_loop();
}
END_TEST

START_TEST(a_new_watcher_finds_the_new_file_although_an_old_one_was_not_stopped)
{
	int fd;
	new_loop();
	open_pair();
	start(0, pair[0], BUTTER_EV_READ);
	run();
	fd = pair[0];
	close_pair();
	open_pair();
	ck_assert(pair[0] == fd || pair[1] == fd);
	ck_assert_int_eq(write(pair[0] == fd ? pair[1] : pair[0], "x", 1), 1);
	run();
	ck_assert_noted_nothing();
	start(1, fd, BUTTER_EV_READ);
	run();
	ck_assert_noted(0, 1);
	ck_assert(!butter_ev_is_active(&io[0]));
	ck_assert_int_eq(io[0].error, EBADF);
	run();
	ck_assert_noted(1);
	butter_ev_io_stop(loop, &io[1]);
	close_pair();
	free_loop();
}
END_TEST

START_TEST(changes_that_cancel_out_cost_no_system_call)
{
	new_loop();
	open_pair();
	start(0, pair[0], BUTTER_EV_READ);
	run();
	unsigned before = fault_calls(FAULT_EPOLL_CTL);
	ck_assert_int_eq(butter_ev_io_modify(loop, &io[0], BUTTER_EV_WRITE), 0);
	ck_assert_int_eq(butter_ev_io_modify(loop, &io[0], BUTTER_EV_READ), 0);
	start(1, pair[1], BUTTER_EV_READ);
	butter_ev_io_stop(loop, &io[1]);
	run();
	ck_assert_uint_eq(fault_calls(FAULT_EPOLL_CTL), before);
	butter_ev_io_stop(loop, &io[0]);
	ck_assert_uint_eq(fault_calls(FAULT_EPOLL_CTL), before + 1);
	close_pair();
	free_loop();
}
END_TEST

START_TEST(feeding_an_fd_makes_those_pending_that_wait_for_it)
{
	new_loop();
	open_pair();
	start(0, pair[0], BUTTER_EV_READ);
	start(1, pair[0], BUTTER_EV_WRITE);
	butter_loop_feed_fd_event(loop, pair[0], BUTTER_EV_READ);
	butter_loop_feed_fd_event(loop, pair[1], BUTTER_EV_READ);
	butter_loop_feed_fd_event(loop, -1, BUTTER_EV_READ);
	butter_loop_feed_fd_event(loop, INT32_MAX, BUTTER_EV_READ);
	ck_assert(butter_ev_is_pending(&io[0]));
	ck_assert(!butter_ev_is_pending(&io[1]));
	butter_loop_invoke_pending(loop);
	ck_assert_noted(0);
	close_pair();
	free_loop();
}
END_TEST

static void swap_files(struct butter_loop *in, struct butter_ev_io *w, uint32_t revents)
{
	int other[2];
	(void)revents;
	note(w == &io[0] ? 0 : 1);
	struct butter_ev_io *victim = w == &io[0] ? &io[1] : &io[0];
	int fd = victim->fd;
	butter_ev_io_stop(in, victim);
	close(fd);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other), 0);
	ck_assert_int_eq(other[0], fd);
	butter_ev_io_init(victim, note_io, fd, BUTTER_EV_READ);
	victim->ev.data = NUMBER(9);
	ck_assert_int_eq(butter_ev_io_start(in, victim), 0);
	butter_ev_io_stop(in, w);
	pair[0] = other[0];
	pair[1] = other[1];
}

START_TEST(a_number_that_is_used_again_in_a_callback_gets_no_event_of_the_old_file)
{
	new_loop();
	open_pair();
	int a = pair[0], b = pair[1];
	ck_assert_int_eq(write(a, "x", 1), 1);
	ck_assert_int_eq(write(b, "x", 1), 1);
	for (int i = 0; i < 2; i++) {
		butter_ev_io_init(&io[i], swap_files, pair[i], BUTTER_EV_READ);
		ck_assert_int_eq(butter_ev_io_start(loop, &io[i]), 0);
	}
	run();
	ck_assert_int_eq(note_count, 1);
	run();
	ck_assert_int_eq(note_count, 1);
	close_pair();
	close(pair[0] == a ? b : a);
	free_loop();
}
END_TEST

enum { MANY = 300 };
static struct butter_ev_io many[MANY];
static int seen;

static void see(struct butter_loop *in, struct butter_ev_io *w, uint32_t revents)
{
	(void)in, (void)w, (void)revents;
	seen++;
}

START_TEST(more_than_one_wait_gives_are_all_told)
{
	new_loop();
	open_pair();
	for (int i = 0; i < MANY; i++) {
		int fd = dup(pair[0]);
		ck_assert_int_ge(fd, 0);
		butter_ev_io_init(&many[i], see, fd, BUTTER_EV_WRITE);
		ck_assert_int_eq(butter_ev_io_start(loop, &many[i]), 0);
	}
	fault_error(FAULT_CALLOC, 1, ENOMEM); /* of the room for more: later, then */
	run();
	ck_assert_int_eq(seen, 64);
	for (int i = 0; i < 4; i++)
		run();
	seen = 0;
	run();
	ck_assert_int_eq(seen, MANY);
	for (int i = 0; i < MANY; i++) {
		butter_ev_io_stop(loop, &many[i]);
		close(many[i].fd);
	}
	close_pair();
	free_loop();
}
END_TEST

SUITE(loop_io)
{
	tcase_add_test(tc, each_watcher_of_an_fd_is_told_what_it_waits_for);
	tcase_add_test(tc, a_watcher_may_be_modified_while_it_is_active);
	tcase_add_test(tc, a_hang_up_is_what_one_waits_for);
	tcase_add_test(tc, a_regular_file_is_always_ready);
	tcase_add_test(tc, start_judges_what_init_was_given);
	tcase_add_test(tc, an_fd_that_epoll_refuses_ends_its_watchers);
	tcase_add_test(tc, events_of_a_closed_file_are_not_those_of_the_next_with_its_number);
	tcase_add_test(tc, a_new_watcher_finds_the_new_file_although_an_old_one_was_not_stopped);
	tcase_add_test(tc, changes_that_cancel_out_cost_no_system_call);
	tcase_add_test(tc, feeding_an_fd_makes_those_pending_that_wait_for_it);
	tcase_add_test(tc, a_number_that_is_used_again_in_a_callback_gets_no_event_of_the_old_file);
	tcase_add_test(tc, more_than_one_wait_gives_are_all_told);
}
