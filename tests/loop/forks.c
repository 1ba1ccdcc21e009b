/* SPDX-License-Identifier: MIT */
/* Children that do what they like with the loop they have inherited: the parent's is as it was. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "child.h"
#include "notes.h"

enum { CHILDREN = 100, IOS = 4, ALL = IOS + 8, TEXT = 16384 };

static struct butter_ev_io io[IOS];
static struct butter_ev_timer timer;
static struct butter_ev_periodic periodic;
static struct butter_ev_signal sig;
static struct butter_ev_child child;
static struct butter_ev_stat file;
static struct butter_ev_event event;
static struct butter_ev_embed embed;
static struct butter_ev_async async;
static struct butter_ev *const all[ALL] = {&io[0].ev, &io[1].ev,    &io[2].ev, &io[3].ev,
					   &timer.ev, &periodic.ev, &sig.ev,   &child.ev,
					   &file.ev,  &event.ev,    &embed.ev, &async.ev};
static struct butter_loop *inner;
static struct butter_eventfd *source;
static struct butter_eventfd_event source_event;
static const char *path;
static uint64_t state;

static unsigned pick(unsigned below)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(state >> 33) % below;
}

NOTING(io)
NOTING(timer)
NOTING(periodic)
NOTING(signal)
NOTING(child)
NOTING(stat)
NOTING(event)
NOTING(embed)
NOTING(async)

static pid_t new_sleeper(void)
{
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void open_all(void)
{
	new_loop();
	inner = butter_loop_new(NULL);
	ck_assert_ptr_nonnull(inner);
	ck_assert_ptr_nonnull(source = butter_eventfd_open(0, 0));
	path = path_in(scratch(), "file");
	touch(path);
	for (int i = 0; i < IOS; i++)
		butter_ev_io_init(&io[i], note_io, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), BUTTER_EV_READ);
	butter_ev_timer_init(&timer, note_timer, INT64_C(3600) * LONG, 0);
	butter_ev_periodic_init(&periodic, note_periodic, INT64_MAX / 2, 0, NULL);
	butter_ev_signal_init(&sig, note_signal, SIGUSR1);
	butter_ev_child_init(&child, note_child, new_sleeper());
	butter_ev_stat_init(&file, note_stat, path, 0);
	butter_ev_event_init(&event, note_event, butter_eventfd_source(source), &source_event);
	butter_ev_embed_init(&embed, note_embed, inner, -1);
	butter_ev_async_init(&async, note_async);
	for (int i = 0; i < ALL; i++) {
		all[i]->data = NUMBER(i);
		ck_assert_int_eq(butter_watcher_start(loop, all[i]), 0);
	}
	butter_loop_run(loop, BUTTER_RUN_NOWAIT);
	ck_assert_noted_nothing();
}

static void close_all(void)
{
	kill(child.pid, SIGKILL);
	waitpid(child.pid, NULL, 0);
	butter_loop_free(loop);
	butter_loop_free(inner);
	butter_eventfd_close(source);
	for (int i = 0; i < IOS; i++)
		close(io[i].fd);
}

/* What the kernel says of all files, but for the order of an epoll's set and what time does to timers. */
static void describe(char *text)
{
	char name[64], line[256];
	size_t at = 0;
	for (int fd = 3; fd < 64; fd++) {
		snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
		FILE *f = fopen(name, "re");
		while (f && fgets(line, sizeof(line), f)) {
			if (!strncmp(line, "tfd", 3) || !strncmp(line, "sigmask", 7) ||
			    !strncmp(line, "inotify", 7) || !strncmp(line, "clockid", 7) ||
			    !strncmp(line, "settime", 7) || !strncmp(line, "eventfd-count", 13))
				at += (size_t)snprintf(text + at, TEXT - at, "%d %s", fd, line);
			ck_assert_uint_lt(at, TEXT);
		}
		if (f)
			fclose(f);
	}
	ck_assert_ptr_nonnull(strstr(text, "tfd"));
}

static void one_deed(void)
{
	struct butter_ev *w = all[pick(ALL)];
	switch (pick(7)) {
	case 0:
	case 1:
		butter_watcher_stop(loop, w);
		break;
	case 2:
		butter_watcher_start(loop, w);
		break;
	case 3:
		butter_loop_run(loop, BUTTER_RUN_NOWAIT);
		break;
	case 4: /* inotify takes the kernel long */
		if (!pick(4))
			ck_assert_int_eq(butter_loop_fork(loop), 0);
		break;
	case 5:
		butter_ev_io_modify(loop, &io[pick(IOS)], pick(8));
		break;
	default:
		butter_watcher_feed(loop, w, BUTTER_EV_CUSTOM);
	}
	note_count = 0;
}

/* It may close what it likes, in whatever order, and be another program at the end. */
static void do_what_it_likes(void)
{
	for (unsigned n = pick(20); n > 0; n--)
		one_deed();
	if (pick(2))
		close(io[pick(IOS)].fd);
	switch (pick(4)) {
	case 0:
		butter_loop_free(loop);
		break;
	case 1:
		execlp("true", "true", (char *)NULL);
		break;
	case 2:
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		break;
	default:
		break;
	}
}

static void fork_children(unsigned first)
{
	static char before[TEXT], after[TEXT];
	for (unsigned i = 0; i < CHILDREN; i++) {
		describe(before);
		state = first + i;
		pid_t pid = fork();
		if (pid == 0) {
			do_what_it_likes();
			_exit(0);
		}
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		describe(after);
		ck_assert_msg(!strcmp(before, after), "the child of seed %u has changed\n%s\nto\n%s",
			      state ? first + i : 0, before, after);
		ck_assert_int_eq(butter_loop_verify(loop), 0);
	}
}

/* Everything still comes to the parent. */
static void use_all(void)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	for (int i = 0; i < IOS; i++)
		ck_assert_int_eq(eventfd_write(io[i].fd, 1), 0);
	ck_assert_int_eq(eventfd_write(butter_eventfd_fd(source), 1), 0);
	raise(SIGUSR1);
	kill(child.pid, SIGKILL);
	siginfo_t si;
	ck_assert_int_eq(waitid(P_PID, (id_t)child.pid, &si, WEXITED | WNOWAIT), 0);
	butter_ev_async_send(loop, &async);
	ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 1);
	uint32_t seen = 0;
	for (int i = 0; i < note_count; i++)
		seen |= 1u << notes[i];
	ck_assert_uint_eq(seen, 0xbcf); /* but the timers, and the loop inside, which has nothing */
	note_count = 0;
}

START_TEST(a_hundred_children_leave_the_parents_loop_as_it_was)
{
	open_all();
	fork_children(1);
	use_all();
	close_all();
}
END_TEST

/* The signals that a program would find blocked. */
static void blocked_in(char *text, size_t size, int fd)
{
	ssize_t n = read(fd, text, size - 1);
	ck_assert_int_gt(n, 0);
	text[n] = 0;
}

static void ask_for_mask(char *text, size_t size, int is_freed)
{
	int fds[2];
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (is_freed)
			butter_loop_free(loop);
		dup2(fds[1], STDOUT_FILENO);
		execlp("grep", "grep", "SigBlk", "/proc/self/status", (char *)NULL);
		_exit(1);
	}
	assert_ends_well(pid);
	blocked_in(text, size, fds[0]);
	close(fds[0]);
	close(fds[1]);
}

START_TEST(a_child_that_frees_the_loop_and_runs_a_program_has_the_signal_mask_from_before)
{
	char before[64], freed[64], kept[64];
	sigset_t one;
	sigemptyset(&one);
	sigaddset(&one, SIGUSR2);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &one, NULL), 0);
	ask_for_mask(before, sizeof(before), 0);
	new_loop();
	butter_ev_signal_init(&sig, note_signal, SIGUSR1);
	ck_assert_int_eq(butter_ev_signal_start(loop, &sig), 0);
	ask_for_mask(freed, sizeof(freed), 1);
	ask_for_mask(kept, sizeof(kept), 0);
	ck_assert_str_eq(before, freed);
	ck_assert_str_ne(before, kept);
	free_loop();
}
END_TEST

SUITE(loop_forks)
{
	tcase_add_test(raw, a_hundred_children_leave_the_parents_loop_as_it_was);
	tcase_add_test(raw, a_child_that_frees_the_loop_and_runs_a_program_has_the_signal_mask_from_before);
}
