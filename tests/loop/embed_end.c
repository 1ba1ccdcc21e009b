/* SPDX-License-Identifier: MIT */
/* One of the loops ends, is made anew, or is a child's. */
#include "child.h"
#include "embedded.h"

START_TEST(a_loop_that_is_freed_is_out_of_the_others)
{
	struct butter_ev_embed silent;
	new_loops();
	start(note_embed);
	butter_ev_embed_init(&silent, NULL, inner, -1);
	ck_assert_int_eq(butter_ev_embed_start(loop, &silent), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	free_inner();
	ck_assert(!butter_ev_is_active(&embed));
	ck_assert(!butter_ev_is_active(&silent));
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
	ck_assert_noted(99);
	ck_assert_uint_eq(told, BUTTER_EV_EMBED | BUTTER_EV_ERROR);
	ck_assert_int_eq(embed.error, ENODATA);
	free_loop();
}
END_TEST

START_TEST(the_outer_loop_may_be_freed_first)
{
	new_loops();
	start(NULL);
	watch_pipe();
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	free_loop();
	ck_assert(!butter_ev_is_active(&embed));
	put(5);
	ck_assert_int_eq(butter_loop_run(inner, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(5);
	free_inner();
	close_pipe(fds);
}
END_TEST

static struct butter_ev_embed *heap_embed;

static void free_embed(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)in, (void)w, (void)revents;
	butter_ev_embed_stop(loop, heap_embed);
	free(heap_embed);
	note(1);
}

START_TEST(a_callback_inside_may_stop_and_free_the_watcher)
{
	new_loops();
	heap_embed = malloc(sizeof(*heap_embed));
	butter_ev_embed_init(heap_embed, NULL, inner, -1);
	ck_assert_int_eq(butter_ev_embed_start(loop, heap_embed), 0);
	butter_ev_timer_init(&timer, free_embed, 0, 0);
	ck_assert_int_eq(butter_ev_timer_start(inner, &timer), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(1);
	free_inner();
	free_loop();
}
END_TEST

static void run_in_child(void *arg)
{
	(void)arg;
	ck_assert_int_eq(butter_loop_fork(loop), 0);
	put(3);
	while (!note_count)
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(3);
	butter_ev_io_stop(inner, &io);
	free_loop();
	free_inner();
}

START_TEST(a_forked_child_has_both_loops)
{
	new_loops();
	start(NULL);
	watch_pipe();
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	in_child(run_in_child, NULL);
	put(4);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_noted(4);
	butter_ev_io_stop(inner, &io);
	free_loop();
	free_inner();
	close_pipe(fds);
}
END_TEST

START_TEST(a_loop_inside_that_gets_a_new_epoll_is_found_again)
{
	new_loops();
	start(NULL);
	watch_pipe();
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	for (char c = 1; c < 3; c++) {
		ck_assert_int_eq(butter_loop_fork(inner), 0);
		put(c);
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
		ck_assert_noted(c);
	}
	butter_ev_io_stop(inner, &io);
	free_loop();
	free_inner();
	close_pipe(fds);
}
END_TEST

SUITE(loop_embed_end)
{
	tcase_add_test(tc, a_loop_that_is_freed_is_out_of_the_others);
	tcase_add_test(tc, the_outer_loop_may_be_freed_first);
	tcase_add_test(tc, a_callback_inside_may_stop_and_free_the_watcher);
	tcase_add_test(tc, a_forked_child_has_both_loops);
	tcase_add_test(tc, a_loop_inside_that_gets_a_new_epoll_is_found_again);
}
