/* SPDX-License-Identifier: MIT */
/* Very many children in waves, beside others that are not the library's to reap. */
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "run.h"

enum { WAVE = 200, MOST_OTHERS = 1000, MOST_EVENTS = 64, SPARE_FDS = 64 };

static long least_limit(long most)
{
	struct rlimit fds, processes;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &fds), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &processes), 0);
	rlim_t least = fds.rlim_cur < processes.rlim_cur ? fds.rlim_cur : processes.rlim_cur;
	least = least > 2 * SPARE_FDS ? least / 2 : SPARE_FDS;
	return least < (rlim_t)most ? (long)least : most;
}

/* One of a few programs, by number, and how it has to end. */
static struct butter_process *start(int number, int *ret_code, int *ret_status)
{
	static const char *const texts[] = {"0", "1", "2", "3", "128", "200", "254", "255"};
	static const int statuses[] = {0, 1, 2, 3, 128, 200, 254, 255};
	struct butter_process *x;
	int kind = number % 16;
	*ret_code = CLD_EXITED;
	*ret_status = 0;
	if (kind < 12) {
		*ret_status = kind % 2;
		x = butter_spawn(kind % 2 ? SPAWN("/bin/false", ARGV("false"))
					  : SPAWN("/bin/true", ARGV("true")));
	} else if (kind < 14) {
		*ret_status = statuses[number / 16 % 8];
		x = butter_spawn(SPAWN("/bin/sh", ARGV("sh", "-c", "exit $0", texts[number / 16 % 8])));
	} else {
		*ret_code = CLD_KILLED;
		*ret_status = kind == 14 ? SIGKILL : SIGUSR1;
		x = butter_spawn(SPAWN("/bin/sleep", ARGV("sleep", "1000")));
		ck_assert_int_eq(butter_process_signal(x, *ret_status), 0);
	}
	ck_assert_ptr_nonnull(x);
	return x;
}

static struct child {
	struct butter_process *x;
	int code, status;
} children[WAVE];

/*
 * Out of the set first: a child that is started holds the close-on-exec fds of its parent for a
 * moment longer than its parent waits, and with them the set would go on.
 */
static void take(int epfd, struct child *child)
{
	struct butter_process_event ev;
	pid_t pid = butter_process_pid(child->x);
	ck_assert_int_eq(butter_process_read_event(child->x, &ev), 1);
	ck_assert_int_eq(ev.pid, pid);
	ck_assert_uint_eq(ev.fate, BUTTER_PROCESS_REAPED);
	ck_assert_int_eq(ev.code, child->code);
	ck_assert_int_eq(ev.status, child->status);
	ck_assert_int_eq(epoll_ctl(epfd, EPOLL_CTL_DEL, butter_process_fd(child->x), NULL), 0);
	butter_process_close(child->x);
}

static void one_wave(int first, int count)
{
	struct epoll_event ready[MOST_EVENTS];
	int epfd = epoll_create1(EPOLL_CLOEXEC), left = count;
	for (int i = 0; i < count; i++) {
		struct epoll_event ended = {.events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)i};
		children[i].x = start(first + i, &children[i].code, &children[i].status);
		ck_assert_int_eq(epoll_ctl(epfd, EPOLL_CTL_ADD, butter_process_fd(children[i].x), &ended), 0);
	}
	while (left > 0) {
		int n = epoll_wait(epfd, ready, MOST_EVENTS, 30000);
		ck_assert_int_gt(n, 0);
		for (int i = 0; i < n; i++)
			take(epfd, &children[ready[i].data.u32]);
		left -= n;
	}
	close(epfd);
}

START_TEST(children_in_waves_end_each_with_its_status_and_others_are_left_alone)
{
	static pid_t others[MOST_OTHERS];
	int wave = (int)least_limit(WAVE), n_others = (int)least_limit((long)amount(200, MOST_OTHERS));
	int n_children = (int)amount(1000, 10000);
	unsigned fds = count_fds();
	for (int i = 0; i < n_others; i++) {
		others[i] = fork();
		ck_assert_int_ge(others[i], 0);
		if (others[i] == 0)
			_exit(i % 256);
	}
	for (int done = 0; done < n_children; done += wave)
		one_wave(done, wave);
	ck_assert_uint_eq(count_fds(), fds);
	for (int i = 0; i < n_others; i++) {
		siginfo_t si = {0};
		ck_assert_int_eq(waitid(P_PID, (id_t)others[i], &si, WEXITED | WNOHANG), 0);
		ck_assert_int_eq(si.si_pid, others[i]);
		ck_assert_int_eq(si.si_status, i % 256);
	}
	assert_no_child();
}
END_TEST

SUITE(process_waves)
{
	(void)tc;
	tcase_add_test(raw, children_in_waves_end_each_with_its_status_and_others_are_left_alone);
}
