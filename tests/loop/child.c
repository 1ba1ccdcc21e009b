/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "child.h"
#include "fault.h"
#include "notes.h"

static struct butter_ev_child child[3];

NOTING(child)

/* A child that exits with this status as soon as it is told to, by SIGTERM. */
static pid_t waiting_child(void)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static pid_t exiting_child(int status)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(status);
	return pid;
}

static void start(int i, pid_t pid)
{
	butter_ev_child_init(&child[i], note_child, pid);
	child[i].ev.data = NUMBER(i);
	ck_assert_int_eq(butter_ev_child_start(loop, &child[i]), 0);
}

START_TEST(the_end_of_a_child_is_told_to_each_of_its_watchers)
{
	new_loop();
	pid_t pid = exiting_child(7);
	start(0, pid);
	start(1, pid);
	start(2, pid);
	butter_ev_child_stop(loop, &child[1]);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0, 2);
	ck_assert(!butter_ev_is_active(&child[0]) && !butter_ev_is_active(&child[2]));
	ck_assert_int_eq(child[0].event.pid, pid);
	ck_assert_int_eq(child[2].event.code, CLD_EXITED);
	ck_assert_int_eq(child[2].event.status, 7);
	ck_assert_uint_eq(child[0].event.fate, BUTTER_PROCESS_REAPED);
	ck_assert_fails(waitpid(pid, NULL, 0), ECHILD);
	free_loop();
}
END_TEST

START_TEST(no_other_child_is_touched)
{
	new_loop();
	pid_t other = exiting_child(3), pid = exiting_child(4);
	siginfo_t si;
	ck_assert_int_eq(waitid(P_PID, (id_t)other, &si, WEXITED | WNOWAIT), 0);
	start(0, pid);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0);
	int status;
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert_int_eq(WEXITSTATUS(status), 3);
	free_loop();
}
END_TEST

START_TEST(a_watcher_that_stops_leaves_the_child_alone)
{
	new_loop();
	pid_t pid = waiting_child();
	start(0, pid);
	ck_assert_fails(butter_ev_child_set(&child[0], 1), EBUSY);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	butter_ev_child_stop(loop, &child[0]);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(butter_ev_child_set(&child[0], pid), 0);
	ck_assert_fails(butter_ev_child_start(loop, &child[0]), ESRCH);
	ck_assert_int_eq(butter_ev_child_set(&child[0], -5), 0);
	ck_assert_fails(butter_ev_child_start(loop, &child[0]), EINVAL);
	ck_assert(!butter_ev_is_active(&child[0]));
	free_loop();
}
END_TEST

/* Tells the number of a child of its own, and stays until the other end is closed. */
static void be_a_parent(int told, int stay)
{
	char byte;
	pid_t pid = waiting_child();
	_exit(write(told, &pid, sizeof(pid)) != sizeof(pid) || read(stay, &byte, 1) != 0);
}

START_TEST(a_process_that_is_no_child_may_be_watched)
{
	int told[2], stay[2];
	pid_t pid, grandchild;
	new_loop();
	ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(stay, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		close(stay[1]);
		be_a_parent(told[1], stay[0]);
	}
	ck_assert_int_eq(read(told[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
	start(0, grandchild);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted_nothing();
	ck_assert_int_eq(kill(grandchild, SIGKILL), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0);
	ck_assert_uint_eq(child[0].event.fate, BUTTER_PROCESS_FOREIGN);
	close(stay[1]);
	assert_ends_well(pid);
	close(stay[0]);
	close(told[0]);
	close(told[1]);
	free_loop();
}
END_TEST

static int32_t ended[16];
static uint32_t ended_count, stop_at;

static void take_end(struct butter_loop *in, struct butter_ev_child *w, uint32_t revents)
{
	ck_assert_uint_eq(revents, BUTTER_EV_CHILD);
	ck_assert_uint_lt(ended_count, 16);
	ended[ended_count++] = w->event.pid;
	if (ended_count == stop_at) {
		butter_ev_child_stop(in, w);
		free(w);
	}
}

static int has_ended(pid_t pid)
{
	for (uint32_t i = 0; i < ended_count; i++)
		if (ended[i] == pid)
			return 1;
	return 0;
}

enum { CHILDREN = 9 };

/* In a child of its own: it reaps whatever there is. */
static void reap_every_child(void *unused)
{
	struct butter_loop_options o = {.size = sizeof(o), .event_budget = 4};
	struct butter_ev_child *w = malloc(sizeof(*w));
	pid_t pids[CHILDREN];
	(void)unused;
	loop = butter_loop_new(&o);
	for (int i = 0; i < CHILDREN - 1; i++)
		pids[i] = exiting_child(i); /* before the start */
	butter_ev_child_init(w, take_end, 0);
	ck_assert_int_eq(butter_ev_child_start(loop, w), 0);
	butter_ev_child_init(&child[1], note_child, 0);
	ck_assert_fails(butter_ev_child_start(loop, &child[1]), EBUSY);
	pids[CHILDREN - 1] = waiting_child();
	start(0, pids[CHILDREN - 1]); /* by its pidfd too */
	kill(pids[CHILDREN - 1], SIGKILL);
	stop_at = CHILDREN;
	while (butter_loop_run(loop, BUTTER_RUN_ONCE) > 0)
		ck_assert_int_eq(butter_loop_verify(loop), 0);
	ck_assert_uint_eq(ended_count, CHILDREN);
	for (int i = 0; i < CHILDREN; i++)
		ck_assert(has_ended(pids[i]));
	ck_assert_noted(0);
	ck_assert_int_eq(child[0].event.status, SIGKILL);
	ck_assert_fails(waitpid(-1, NULL, 0), ECHILD);
	free_loop();
}

START_TEST(who_watches_every_child_is_told_of_each)
{
	in_child(reap_every_child, NULL);
}
END_TEST

static void wait_for_ends(const pid_t *pids, int count)
{
	siginfo_t si;
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(waitid(P_PID, (id_t)pids[i], &si, WEXITED | WNOWAIT), 0);
}

/* One SIGCHLD stands for all of them, and more than a turn has. */
static void reap_in_turns(void *unused)
{
	struct butter_loop_options o = {.size = sizeof(o), .event_budget = 4};
	pid_t pids[CHILDREN];
	(void)unused;
	loop = butter_loop_new(&o);
	butter_ev_child_init(&child[0], take_end, 0);
	ck_assert_int_eq(butter_ev_child_start(loop, &child[0]), 0);
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	for (int i = 0; i < CHILDREN; i++)
		pids[i] = exiting_child(i);
	wait_for_ends(pids, CHILDREN);
	while (ended_count < CHILDREN)
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	ck_assert_fails(waitpid(-1, NULL, 0), ECHILD);
	free_loop();
}

START_TEST(children_that_end_together_are_told_in_turns_without_a_signal_for_each)
{
	in_child(reap_in_turns, NULL);
}
END_TEST

static void take_fed_end(struct butter_loop *in, struct butter_ev_child *w, uint32_t revents)
{
	(void)in;
	ck_assert_uint_eq(revents, BUTTER_EV_CHILD | BUTTER_EV_CUSTOM);
	ended[ended_count++] = w->event.pid;
}

static void reap_what_was_fed(void *unused)
{
	(void)unused;
	new_loop();
	butter_ev_child_init(&child[0], take_fed_end, 0);
	ck_assert_int_eq(butter_ev_child_start(loop, &child[0]), 0);
	pid_t pids[2] = {exiting_child(1), exiting_child(2)};
	wait_for_ends(pids, 2);
	butter_ev_feed(loop, &child[0], BUTTER_EV_CHILD);
	butter_ev_feed(loop, &child[0], BUTTER_EV_CUSTOM);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	ck_assert_uint_eq(ended_count, 2);
	ck_assert(has_ended(pids[0]) && has_ended(pids[1]));
	free_loop();
}

START_TEST(ends_are_told_also_with_what_was_fed)
{
	in_child(reap_what_was_fed, NULL);
}
END_TEST

static void reap_without_memory(void *unused)
{
	(void)unused;
	new_loop();
	butter_ev_child_init(&child[0], take_end, 0);
	ck_assert_int_eq(butter_ev_child_start(loop, &child[0]), 0);
	pid_t pid = waiting_child();
	start(1, pid);
	kill(pid, SIGKILL);
	siginfo_t si;
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	fault_error_from(FAULT_CALLOC, 1, ENOMEM);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	ck_assert_uint_eq(ended_count, 0);
	fault_clear();
	while (!ended_count || !note_count)
		butter_loop_run(loop, BUTTER_RUN_ONCE);
	ck_assert_int_eq(ended[0], pid);
	butter_ev_feed(loop, &child[0], BUTTER_EV_CHILD); /* nobody has ended */
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_uint_eq(ended_count, 1);
	exiting_child(1);
	ck_assert_int_eq(waitid(P_ALL, 0, &si, WEXITED | WNOWAIT), 0);
	butter_ev_child_init(&child[2], note_child, 0);
	free_loop(); /* with an end that was not told */
}

START_TEST(without_memory_an_end_is_told_later)
{
	in_child(reap_without_memory, NULL);
}
END_TEST

START_TEST(an_error_of_waiting_is_told)
{
	new_loop();
	pid_t pid = exiting_child(0);
	start(0, pid);
	start(1, pid);
	fault_error(FAULT_WAITID, 1, EINVAL);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0, 1);
	ck_assert_int_eq(child[0].error, EINVAL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	pid = exiting_child(0);
	start(0, pid);
	fault_error(FAULT_EPOLL_CTL, 1, ENOSPC);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_noted(0);
	ck_assert_int_eq(child[0].error, ENOSPC);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	free_loop();
}
END_TEST

START_TEST(a_watcher_that_cannot_start_leaves_nothing)
{
	pid_t pid = waiting_child();
	for (unsigned nth = 1; nth <= 3; nth++) {
		new_loop();
		butter_ev_child_init(&child[0], note_child, pid);
		fault_error(FAULT_CALLOC, nth, ENOMEM);
		ck_assert_fails(butter_ev_child_start(loop, &child[0]), ENOMEM);
		fault_error(FAULT_PIDFD_OPEN, 1, EMFILE);
		ck_assert_fails(butter_ev_child_start(loop, &child[0]), EMFILE);
		butter_ev_child_set(&child[0], 0);
		fault_error(FAULT_SIGNALFD, 1, EMFILE);
		ck_assert_fails(butter_ev_child_start(loop, &child[0]), EMFILE);
		free_loop();
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

enum { MANY = 600 };
static struct butter_ev_child many[MANY];
static int many_ended;

static void count_end(struct butter_loop *in, struct butter_ev_child *w, uint32_t revents)
{
	(void)in, (void)revents;
	ck_assert_int_eq(w->event.status, (int)(w - many) % 200);
	many_ended++;
}

START_TEST(many_children_are_all_told)
{
	new_loop();
	for (int i = 0; i < MANY; i++) {
		butter_ev_child_init(&many[i], count_end, exiting_child(i % 200));
		ck_assert_int_eq(butter_ev_child_start(loop, &many[i]), 0);
	}
	ck_assert_int_eq(butter_loop_verify(loop), 0);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_DEFAULT), 0);
	ck_assert_int_eq(many_ended, MANY);
	free_loop();
}
END_TEST

SUITE(loop_child)
{
	tcase_add_test(raw, the_end_of_a_child_is_told_to_each_of_its_watchers);
	tcase_add_test(raw, no_other_child_is_touched);
	tcase_add_test(raw, a_watcher_that_stops_leaves_the_child_alone);
	tcase_add_test(raw, a_process_that_is_no_child_may_be_watched);
	tcase_add_test(raw, who_watches_every_child_is_told_of_each);
	tcase_add_test(raw, children_that_end_together_are_told_in_turns_without_a_signal_for_each);
	tcase_add_test(raw, ends_are_told_also_with_what_was_fed);
	tcase_add_test(raw, without_memory_an_end_is_told_later);
	tcase_add_test(raw, an_error_of_waiting_is_told);
	tcase_add_test(tc, a_watcher_that_cannot_start_leaves_nothing);
	tcase_add_test(raw, many_children_are_all_told);
}
