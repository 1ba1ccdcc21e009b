/* SPDX-License-Identifier: MIT */
#include <sys/epoll.h>

#include "embedded.h"
#include "fault.h"

START_TEST(the_loop_inside_runs_when_it_has_something_to_do)
{
	new_loops();
	start(NULL);
	watch_pipe(); /* after the start */
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	ck_assert_noted_nothing();
	for (char c = 1; c < 4; c++) {
		put(c);
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
		ck_assert_noted(c);
	}
	butter_ev_embed_stop(loop, &embed);
	put(4);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert_noted_nothing();
	butter_ev_io_stop(inner, &io);
	free_inner();
	free_loop();
	close_pipe(fds);
}
END_TEST

START_TEST(a_callback_is_told_until_it_sweeps)
{
	new_loops();
	start(note_embed);
	watch_pipe();
	put(1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(99, 99);
	ck_assert_uint_eq(told, BUTTER_EV_EMBED);
	butter_ev_embed_stop(loop, &embed);
	start(sweep);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(99, 1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	ck_assert_noted_nothing();
	butter_ev_embed_stop(loop, &embed);
	butter_ev_io_stop(inner, &io);
	free_inner();
	free_loop();
	close_pipe(fds);
}
END_TEST

static struct butter_ev_prepare prepare;

static void start_inside(struct butter_loop *in, struct butter_ev_prepare *w, uint32_t revents)
{
	(void)revents;
	butter_ev_prepare_stop(in, w);
	ck_assert_int_eq(butter_ev_timer_start(inner, &timer), 0);
}

START_TEST(what_is_started_inside_just_before_the_wait_is_waited_for)
{
	new_loops();
	start(NULL);
	butter_ev_timer_init(&timer, note_timer, 3 * MILLISECOND, 0);
	butter_ev_prepare_init(&prepare, start_inside);
	ck_assert_int_eq(butter_ev_prepare_start(loop, &prepare), 0);
	int64_t before = clock_ns(CLOCK_MONOTONIC);
	while (!note_count)
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_int_ge(clock_ns(CLOCK_MONOTONIC) - before, 3 * MILLISECOND);
	ck_assert_uint_lt(butter_loop_iteration(loop), 5);
	ck_assert_noted(7);
	free_inner();
	free_loop();
}
END_TEST

static int idles;

static void count_idle(struct butter_loop *in, struct butter_ev_idle *w, uint32_t revents)
{
	(void)revents;
	if (++idles == 5)
		butter_ev_idle_stop(in, w);
}

START_TEST(idle_watchers_inside_keep_it_going)
{
	struct butter_ev_idle idle;
	new_loops();
	start(NULL);
	butter_ev_idle_init(&idle, count_idle);
	ck_assert_int_eq(butter_ev_idle_start(inner, &idle), 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_int_eq(idles, 5);
	free_inner();
	free_loop();
}
END_TEST

START_TEST(a_loop_is_not_embedded_in_itself)
{
	struct butter_ev_embed more[2];
	new_loops();
	struct butter_loop *third = butter_loop_new(NULL);
	butter_ev_embed_init(&embed, NULL, loop, -1);
	ck_assert_fails(butter_ev_embed_start(loop, &embed), EINVAL);
	butter_ev_embed_init(&embed, note_embed, NULL, butter_loop_fd(loop));
	ck_assert_fails(butter_ev_embed_start(loop, &embed), EINVAL);
	start(NULL);
	butter_ev_embed_init(&more[0], NULL, third, -1);
	ck_assert_int_eq(butter_ev_embed_start(inner, &more[0]), 0);
	butter_ev_embed_init(&more[1], NULL, loop, -1);
	ck_assert_fails(butter_ev_embed_start(inner, &more[1]), EINVAL);
	ck_assert_fails(butter_ev_embed_start(third, &more[1]), EINVAL);
	ck_assert(!butter_ev_is_active(&more[1]));
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	butter_loop_free(third);
	free_inner();
	free_loop();
}
END_TEST

START_TEST(what_is_neither_a_loop_nor_an_fd_is_EINVAL)
{
	new_loops();
	butter_ev_embed_init(&embed, NULL, NULL, -1);
	ck_assert_fails(butter_ev_embed_start(loop, &embed), EINVAL);
	ck_assert_fails(butter_ev_embed_sweep(loop, &embed), EINVAL);
	ck_assert_int_eq(butter_ev_embed_set(&embed, NULL, 0), 0);
	ck_assert_fails(butter_ev_embed_start(loop, &embed), EINVAL);
	ck_assert_int_eq(butter_ev_embed_set(&embed, inner, 0), 0);
	ck_assert_fails(butter_ev_embed_start(loop, &embed), EINVAL);
	ck_assert_int_eq(butter_ev_embed_set(&embed, inner, -1), 0);
	ck_assert_int_eq(butter_ev_embed_start(loop, &embed), 0);
	ck_assert_fails(butter_ev_embed_set(&embed, inner, -1), EBUSY);
	ck_assert_uint_eq(butter_ev_kind(&embed), BUTTER_EV_EMBED);
	free_inner();
	free_loop();
}
END_TEST

START_TEST(an_fd_that_stands_for_a_loop_is_told_and_swept_by_the_callback)
{
	struct epoll_event event = {.events = EPOLLIN};
	new_loop();
	make_pipe(fds);
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_eq(epoll_ctl(epfd, EPOLL_CTL_ADD, fds[READ], &event), 0);
	butter_ev_embed_init(&embed, note_embed, NULL, epfd);
	ck_assert_int_eq(butter_ev_embed_start(loop, &embed), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	ck_assert_noted_nothing();
	put(1);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(99);
	ck_assert_fails(butter_ev_embed_sweep(loop, &embed), EINVAL);
	butter_ev_embed_stop(loop, &embed);
	butter_ev_embed_set(&embed, NULL, 1 << 20);
	ck_assert_int_eq(butter_ev_embed_start(loop, &embed), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert_noted(99);
	ck_assert_uint_eq(told, BUTTER_EV_EMBED | BUTTER_EV_ERROR);
	ck_assert_int_eq(embed.error, EBADF);
	free_loop();
	close(epfd);
	close_pipe(fds);
}
END_TEST

START_TEST(more_loops_in_one_another_than_the_kernel_allows_is_ELOOP)
{
	enum { LOOPS = 9 };
	struct butter_loop *loops[LOOPS];
	struct butter_ev_embed embeds[LOOPS];
	int refused = 0;
	for (int i = 0; i < LOOPS; i++) {
		loops[i] = butter_loop_new(NULL);
		ck_assert_ptr_nonnull(loops[i]);
		if (i == 0)
			continue;
		butter_ev_embed_init(&embeds[i], NULL, loops[i - 1], -1);
		ck_assert_int_eq(butter_ev_embed_start(loops[i], &embeds[i]), 0);
		butter_loop_run(loops[i], BUTTER_RUN_NOWAIT);
		if (!butter_ev_is_active(&embeds[i])) {
			ck_assert_int_eq(embeds[i].error, ELOOP);
			refused++;
		}
	}
	ck_assert_int_gt(refused, 0);
	for (int i = 0; i < LOOPS; i++)
		butter_loop_free(loops[i]);
}
END_TEST

static void count_walked(struct butter_loop *in, struct butter_ev *w, void *arg)
{
	(void)in, (void)arg;
	ck_assert_ptr_eq(w, &embed.ev);
	note(1);
}

START_TEST(its_parts_are_not_walked_over)
{
	new_loops();
	start(NULL);
	butter_loop_walk(loop, UINT32_MAX, count_walked, NULL);
	ck_assert_noted(1);
	ck_assert_int_eq(butter_ev_embed_start(loop, &embed), 0);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	free_inner();
	free_loop();
}
END_TEST

START_TEST(a_start_that_fails_leaves_nothing)
{
	for (unsigned nth = 1; nth < 4; nth++) {
		new_loops();
		fault_error(FAULT_TIMERFD_CREATE, nth, EMFILE);
		butter_ev_embed_init(&embed, NULL, inner, -1);
		int n = butter_ev_embed_start(loop, &embed);
		ck_assert_int_eq(n, fault_happened(FAULT_TIMERFD_CREATE) ? -1 : 0);
		ck_assert_int_eq(butter_ev_is_active(&embed), n == 0);
		fault_clear();
		free_inner();
		free_loop();
	}
}
END_TEST

SUITE(loop_embed)
{
	tcase_add_test(tc, the_loop_inside_runs_when_it_has_something_to_do);
	tcase_add_test(tc, a_callback_is_told_until_it_sweeps);
	tcase_add_test(tc, what_is_started_inside_just_before_the_wait_is_waited_for);
	tcase_add_test(tc, idle_watchers_inside_keep_it_going);
	tcase_add_test(tc, a_loop_is_not_embedded_in_itself);
	tcase_add_test(tc, what_is_neither_a_loop_nor_an_fd_is_EINVAL);
	tcase_add_test(tc, an_fd_that_stands_for_a_loop_is_told_and_swept_by_the_callback);
	tcase_add_test(tc, more_loops_in_one_another_than_the_kernel_allows_is_ELOOP);
	tcase_add_test(tc, its_parts_are_not_walked_over);
	tcase_add_test(tc, a_start_that_fails_leaves_nothing);
}
