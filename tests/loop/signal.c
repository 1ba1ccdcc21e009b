/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "fault.h"
#include "notes.h"

static struct butter_ev_signal sig[3];

NOTING(signal)

static void start(int i, int signo)
{
	butter_ev_signal_init(&sig[i], note_signal, signo);
	sig[i].ev.data = NUMBER(i);
	ck_assert_int_eq(butter_ev_signal_start(loop, &sig[i]), 0);
}

static int is_blocked(int signo)
{
	sigset_t mask;
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	return sigismember(&mask, signo);
}

static void run(void)
{
	ck_assert_int_ge(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert_int_eq(butter_loop_verify(loop), 0);
}

START_TEST(a_signal_calls_back_each_of_its_watchers)
{
	new_loop();
	start(0, SIGUSR1);
	start(1, SIGUSR2);
	start(2, SIGUSR1);
	raise(SIGUSR1);
	run();
	ck_assert_noted(0, 2);
	ck_assert_int_eq(sig[0].info.signo, SIGUSR1);
	ck_assert_int_eq(sig[2].info.pid, getpid());
	ck_assert_uint_eq(sig[0].count, 1);
	butter_ev_signal_stop(loop, &sig[0]);
	raise(SIGUSR1);
	raise(SIGUSR2);
	run();
	ck_assert_int_eq(note_count, 2);
	ck_assert_int_eq(notes[0] + notes[1], 3);
	free_loop();
}
END_TEST

START_TEST(signals_that_are_queued_are_counted)
{
	new_loop();
	start(0, SIGRTMIN);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}), 0);
	run();
	ck_assert_noted(0);
	ck_assert_uint_eq(sig[0].count, 40);
	ck_assert_int_eq(sig[0].info.value, 39);
	butter_loop_feed_signal(loop, SIGRTMIN);
	butter_loop_feed_signal(loop, SIGUSR1);
	butter_loop_feed_signal(loop, 0);
	butter_loop_feed_signal(loop, 1000);
	butter_loop_invoke_pending(loop);
	ck_assert_noted(0);
	ck_assert_uint_eq(sig[0].count, 0);
	free_loop();
}
END_TEST

/* What was counted before is not counted again, whoever makes the watcher pending. */
START_TEST(a_watcher_that_is_fed_has_counted_none)
{
	new_loop();
	start(0, SIGUSR1);
	raise(SIGUSR1);
	run();
	ck_assert_uint_eq(sig[0].count, 1);
	ck_assert_int_eq(butter_ev_feed(loop, &sig[0], BUTTER_EV_SIGNAL), 0);
	run();
	ck_assert_uint_eq(sig[0].count, 0);
	ck_assert_int_eq(butter_ev_feed(loop, &sig[0], BUTTER_EV_SIGNAL), 0);
	raise(SIGUSR1);
	run();
	ck_assert_uint_eq(sig[0].count, 1);
	ck_assert_noted(0, 0, 0, 0);
	free_loop();
}
END_TEST

static void take_back(struct butter_loop *in, struct butter_ev_signal *w, uint32_t revents)
{
	ck_assert_uint_eq(revents, BUTTER_EV_SIGNAL);
	ck_assert_uint_eq(butter_ev_clear_pending(in, w + 1), BUTTER_EV_SIGNAL);
	ck_assert_int_eq(butter_ev_feed(in, w + 1, BUTTER_EV_SIGNAL), 0);
}

START_TEST(what_was_taken_back_is_not_counted)
{
	new_loop();
	butter_ev_signal_init(&sig[0], take_back, SIGUSR1);
	ck_assert_int_eq(butter_ev_signal_start(loop, &sig[0]), 0);
	start(1, SIGUSR1);
	raise(SIGUSR1);
	run();
	ck_assert_noted(1);
	ck_assert_uint_eq(sig[0].count, 1);
	ck_assert_uint_eq(sig[1].count, 0);
	free_loop();
}
END_TEST

START_TEST(feeding_signals_of_a_loop_without_any_does_nothing)
{
	new_loop();
	butter_loop_feed_signal(loop, SIGUSR1);
	ck_assert_uint_eq(butter_loop_pending_count(loop), 0);
	free_loop();
}
END_TEST

START_TEST(a_signal_is_blocked_while_it_is_watched_and_then_as_it_was)
{
	sigset_t mask;
	new_loop();
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	ck_assert(!is_blocked(SIGUSR1));
	start(0, SIGUSR1);
	start(1, SIGUSR2);
	start(2, SIGUSR1);
	ck_assert(is_blocked(SIGUSR1));
	butter_ev_signal_stop(loop, &sig[0]);
	ck_assert(is_blocked(SIGUSR1));
	butter_ev_signal_stop(loop, &sig[2]);
	butter_ev_signal_stop(loop, &sig[1]);
	ck_assert(!is_blocked(SIGUSR1));
	ck_assert(is_blocked(SIGUSR2));
	start(0, SIGUSR1);
	ck_assert(is_blocked(SIGUSR1));
	free_loop();
	ck_assert(!is_blocked(SIGUSR1));
}
END_TEST

START_TEST(start_refuses_what_no_signalfd_gives)
{
	static const int refused[] = {-1, 0, SIGKILL, SIGSTOP, SIGSEGV, 65, 1 << 20};
	new_loop();
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		butter_ev_signal_init(&sig[0], note_signal, refused[i]);
		ck_assert_fails(butter_ev_signal_start(loop, &sig[0]), EINVAL);
		ck_assert(!butter_ev_is_active(&sig[0]));
	}
	ck_assert(!is_blocked(SIGSEGV));
	ck_assert_int_eq(butter_ev_signal_set(&sig[0], SIGUSR1), 0);
	ck_assert_int_eq(butter_ev_signal_start(loop, &sig[0]), 0);
	ck_assert_fails(butter_ev_signal_set(&sig[0], SIGUSR2), EBUSY);
	free_loop();
}
END_TEST

START_TEST(a_signalfd_that_cannot_be_made_blocks_nothing)
{
	new_loop();
	butter_ev_signal_init(&sig[0], note_signal, SIGUSR1);
	fault_error(FAULT_SIGNALFD, 1, EMFILE);
	ck_assert_fails(butter_ev_signal_start(loop, &sig[0]), EMFILE);
	fault_error(FAULT_SIGNALFD, 2, ENOMEM);
	ck_assert_fails(butter_ev_signal_start(loop, &sig[0]), ENOMEM);
	for (unsigned nth = 1; nth <= 2; nth++) {
		butter_loop_free(loop);
		new_loop();
		fault_error(FAULT_CALLOC, nth, ENOMEM);
		ck_assert_fails(butter_ev_signal_start(loop, &sig[0]), ENOMEM);
	}
	ck_assert(!is_blocked(SIGUSR1));
	ck_assert_int_eq(butter_ev_signal_start(loop, &sig[0]), 0);
	free_loop();
}
END_TEST

START_TEST(a_program_that_is_spawned_has_no_signal_blocked)
{
	static char *const argv[] = {(char *)"grep", (char *)"-q", (char *)"SigBlk:.*0000000000000000",
				     (char *)"/proc/self/status", NULL};
	struct butter_spawn how = {.size = sizeof(how), .path = "grep", .search = "/bin:/usr/bin"};
	struct butter_process_event ended;
	how.argv = argv;
	new_loop();
	start(0, SIGUSR1);
	struct butter_process *x = butter_spawn(&how);
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(butter_process_wait_event(x, &ended, -1), 1);
	ck_assert_int_eq(ended.status, 0);
	butter_process_close(x);
	free_loop();
}
END_TEST

SUITE(loop_signal)
{
	tcase_add_test(tc, a_signal_calls_back_each_of_its_watchers);
	tcase_add_test(tc, signals_that_are_queued_are_counted);
	tcase_add_test(tc, a_watcher_that_is_fed_has_counted_none);
	tcase_add_test(tc, what_was_taken_back_is_not_counted);
	tcase_add_test(tc, feeding_signals_of_a_loop_without_any_does_nothing);
	tcase_add_test(tc, a_signal_is_blocked_while_it_is_watched_and_then_as_it_was);
	tcase_add_test(tc, start_refuses_what_no_signalfd_gives);
	tcase_add_test(tc, a_signalfd_that_cannot_be_made_blocks_nothing);
	tcase_add_test(raw, a_program_that_is_spawned_has_no_signal_blocked);
}
