/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <butter/pidfd.h>

#include "child.h"
#include "test.h"
#include "trace.h"

/* A child that has a pipe, tells its number, and lives until the parent closes `alive`. */
struct child {
	pid_t pid;
	int pidfd, alive, read_end;
};

static void live(int told, int ended)
{
	int fds[2];
	char byte;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert_int_eq(write(told, &fds[0], sizeof(fds[0])), sizeof(fds[0]));
	ck_assert_int_eq(read(ended, &byte, 1), 0);
	_exit(42);
}

static struct child start(unsigned flags)
{
	struct child child;
	int told[2], alive[2];
	ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(alive, O_CLOEXEC), 0);
	child.pid = check_fork();
	ck_assert_int_ge(child.pid, 0);
	if (child.pid == 0) {
		close(alive[1]);
		live(told[1], alive[0]);
	}
	ck_assert_int_eq(read(told[0], &child.read_end, sizeof(child.read_end)), sizeof(child.read_end));
	close(told[0]);
	close(told[1]);
	close(alive[0]);
	child.alive = alive[1];
	child.pidfd = butter_pidfd_open(child.pid, flags);
	ck_assert_int_ge(child.pidfd, 0);
	return child;
}

/* Ends the child, if it lives, and reaps it. */
static void reap(struct child *child)
{
	int status;
	close(child->alive);
	ck_assert_int_eq(waitpid(child->pid, &status, 0), child->pid);
	ck_assert_int_eq(WEXITSTATUS(status), 42);
}

START_TEST(open_makes_an_fd_that_is_close_on_exec_and_blocks_unless_told_not_to)
{
	int fd = butter_pidfd_open(getpid(), 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	fd = butter_pidfd_open(getpid(), PIDFD_NONBLOCK);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	close(fd);
}
END_TEST

START_TEST(the_fd_is_readable_when_the_process_has_ended)
{
	struct child child = start(0);
	ck_assert_int_eq(poll_in(child.pidfd, 0), 0);
	close(child.alive);
	ck_assert_int_eq(poll_in(child.pidfd, 10000), POLLIN);
	ck_assert_int_eq(waitpid(child.pid, NULL, 0), child.pid);
	ck_assert_int_eq(poll_in(child.pidfd, 0) & POLLIN, POLLIN);
	close(child.pidfd);
}
END_TEST

START_TEST(waitid_on_a_nonblocking_pidfd_is_EAGAIN_while_the_child_lives)
{
	struct child child = start(PIDFD_NONBLOCK);
	siginfo_t info;
	ck_assert_fails(waitid(P_PIDFD, (id_t)child.pidfd, &info, WEXITED), EAGAIN);
	close(child.alive);
	ck_assert_int_eq(poll_in(child.pidfd, 10000), POLLIN);
	ck_assert_int_eq(waitid(P_PIDFD, (id_t)child.pidfd, &info, WEXITED), 0);
	ck_assert_int_eq(info.si_pid, child.pid);
	ck_assert_int_eq(info.si_status, 42);
	close(child.pidfd);
}
END_TEST

START_TEST(a_process_that_was_reaped_is_ESRCH)
{
	struct child child = start(0);
	ck_assert_int_eq(butter_pidfd_send_signal(child.pidfd, 0, NULL, 0), 0);
	reap(&child);
	ck_assert_fails(butter_pidfd_send_signal(child.pidfd, 0, NULL, 0), ESRCH);
	ck_assert_fails(butter_pidfd_getfd(child.pidfd, 0, 0), ESRCH);
	ck_assert_fails(butter_pidfd_open(child.pid, 0), ESRCH);
	close(child.pidfd);
}
END_TEST

START_TEST(open_with_bad_arguments_is_EINVAL)
{
	ck_assert_fails(butter_pidfd_open(getpid(), 1U << 31), EINVAL);
	ck_assert_fails(butter_pidfd_open(0, 0), EINVAL);
	ck_assert_fails(butter_pidfd_open(-1, 0), EINVAL);
}
END_TEST

START_TEST(send_signal_sends)
{
	struct child child = start(0);
	int status;
	ck_assert_int_eq(butter_pidfd_send_signal(child.pidfd, SIGKILL, NULL, 0), 0);
	ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	close(child.alive);
	close(child.pidfd);
}
END_TEST

static siginfo_t queued(int signo)
{
	siginfo_t info;
	memset(&info, 0, sizeof(info));
	info.si_signo = signo;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = 4711;
	return info;
}

START_TEST(send_signal_passes_the_siginfo)
{
	sigset_t mask;
	siginfo_t info = queued(SIGUSR1), got;
	int fd = butter_pidfd_open(getpid(), 0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &mask, NULL), 0);
	ck_assert_int_eq(butter_pidfd_send_signal(fd, SIGUSR1, &info, 0), 0);
	ck_assert_int_eq(sigwaitinfo(&mask, &got), SIGUSR1);
	ck_assert_int_eq(got.si_code, SI_QUEUE);
	ck_assert_int_eq(got.si_pid, getpid());
	ck_assert_int_eq(got.si_value.sival_int, 4711);
	close(fd);
}
END_TEST

START_TEST(send_signal_tells_the_kernels_errnos)
{
	struct child child = start(0);
	siginfo_t info = queued(SIGUSR1);
	ck_assert_fails(butter_pidfd_send_signal(-1, 0, NULL, 0), EBADF);
	ck_assert_fails(butter_pidfd_send_signal(child.alive, 0, NULL, 0), EBADF);
	ck_assert_fails(butter_pidfd_send_signal(child.pidfd, 0, NULL, 1U << 31), EINVAL);
	ck_assert_fails(butter_pidfd_send_signal(child.pidfd, 9999, NULL, 0), EINVAL);
	ck_assert_fails(butter_pidfd_send_signal(child.pidfd, SIGUSR2, &info, 0), EINVAL);
	info.si_code = SI_USER;
	ck_assert_fails(butter_pidfd_send_signal(child.pidfd, SIGUSR1, &info, 0), EPERM);
	ck_assert_fails(butter_pidfd_send_signal(child.pidfd, 0, (siginfo_t *)8, 0), EFAULT);
	reap(&child);
	close(child.pidfd);
}
END_TEST

/* Since Linux 6.9; before, every flag is EINVAL. */
static void expect_since_6_9(int result)
{
	if (linux_is_at_least(6, 9))
		ck_assert_int_eq(result, 0);
	else
		ck_assert(result == -1 && errno == EINVAL);
}

static void signal_with_flags(void *unused)
{
	(void)unused;
	ck_assert_int_eq(setsid(), getpid()); /* check_fork() in the parent takes nobody out of a session */
	int fd = butter_pidfd_open(getpid(), 0);
	expect_since_6_9(butter_pidfd_send_signal(fd, 0, NULL, PIDFD_SIGNAL_THREAD));
	expect_since_6_9(butter_pidfd_send_signal(fd, 0, NULL, PIDFD_SIGNAL_THREAD_GROUP));
	expect_since_6_9(butter_pidfd_send_signal(fd, 0, NULL, PIDFD_SIGNAL_PROCESS_GROUP));
	ck_assert_fails(
		butter_pidfd_send_signal(fd, 0, NULL, PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP),
		EINVAL);
	close(fd);
}

START_TEST(send_signal_takes_one_flag_that_says_how_far)
{
	in_child(signal_with_flags, NULL);
}
END_TEST

START_TEST(the_numbers_for_the_caller_are_pidfds_since_6_17)
{
	static const int selves[] = {PIDFD_SELF, PIDFD_SELF_PROCESS, PIDFD_SELF_THREAD,
				     PIDFD_SELF_THREAD_GROUP};
	for (size_t i = 0; i < sizeof(selves) / sizeof(selves[0]); i++) {
		if (linux_is_at_least(6, 17))
			ck_assert_int_eq(butter_pidfd_send_signal(selves[i], 0, NULL, 0), 0);
		else if (!linux_is_at_least(6, 14))
			ck_assert_fails(butter_pidfd_send_signal(selves[i], 0, NULL, 0), EBADF);
	}
}
END_TEST

struct thread {
	pthread_t thread;
	pthread_barrier_t told, end;
	pid_t tid;
};

static void *tell_and_wait(void *thread)
{
	struct thread *t = thread;
	t->tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&t->told);
	pthread_barrier_wait(&t->end);
	return NULL;
}

START_TEST(a_thread_has_a_pidfd_with_PIDFD_THREAD_only)
{
	struct thread t;
	pthread_barrier_init(&t.told, NULL, 2);
	pthread_barrier_init(&t.end, NULL, 2);
	ck_assert_int_eq(pthread_create(&t.thread, NULL, tell_and_wait, &t), 0);
	pthread_barrier_wait(&t.told);
	ck_assert_int_eq(butter_pidfd_open(t.tid, 0), -1);
	ck_assert(errno == EINVAL || errno == ENOENT); /* older and newer kernels */
	int fd = butter_pidfd_open(t.tid, PIDFD_THREAD);
	if (linux_is_at_least(6, 9))
		ck_assert_int_eq(poll_in(fd, 0), 0);
	else
		ck_assert(fd == -1 && errno == EINVAL);
	pthread_barrier_wait(&t.end);
	if (fd >= 0) {
		ck_assert_int_eq(poll_in(fd, 10000) & POLLIN, POLLIN);
		close(fd);
	}
	ck_assert_int_eq(pthread_join(t.thread, NULL), 0);
}
END_TEST

START_TEST(getfd_takes_a_copy_that_is_close_on_exec)
{
	struct child child = start(0);
	char byte = 0;
	int fd = butter_pidfd_getfd(child.pidfd, child.read_end, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');
	close(fd);
	reap(&child);
	close(child.pidfd);
}
END_TEST

START_TEST(getfd_tells_the_kernels_errnos)
{
	struct child child = start(0);
	ck_assert_fails(butter_pidfd_getfd(-1, child.read_end, 0), EBADF);
	ck_assert_fails(butter_pidfd_getfd(child.alive, child.read_end, 0), EBADF);
	ck_assert_fails(butter_pidfd_getfd(child.pidfd, -1, 0), EBADF);
	ck_assert_fails(butter_pidfd_getfd(child.pidfd, 12345, 0), EBADF);
	ck_assert_fails(butter_pidfd_getfd(child.pidfd, child.read_end, 1), EINVAL);
	reap(&child);
	close(child.pidfd);
}
END_TEST

static void without_permission(void *unused)
{
	(void)unused;
	become_nobody();
	int fd = butter_pidfd_open(1, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_fails(butter_pidfd_send_signal(fd, 0, NULL, 0), EPERM);
	ck_assert_fails(butter_pidfd_getfd(fd, 0, 0), EPERM);
	close(fd);
}

START_TEST(another_users_process_is_EPERM)
{
	struct stat st;
	ck_assert_int_eq(stat("/proc/1", &st), 0);
	if (geteuid() != 0 && st.st_uid == geteuid())
		SKIP("process 1 is one's own");
	in_child(without_permission, NULL);
}
END_TEST

static void without_fds(void *unused)
{
	(void)unused;
	int fd = butter_pidfd_open(getpid(), 0);
	struct rlimit limit = {.rlim_cur = (rlim_t)fd + 1, .rlim_max = (rlim_t)fd + 1};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_fails(butter_pidfd_open(getpid(), 0), EMFILE);
	ck_assert_fails(butter_pidfd_getfd(fd, fd, 0), EMFILE);
	close(fd);
}

START_TEST(no_free_fd_is_EMFILE)
{
	in_child(without_fds, NULL);
}
END_TEST

static void all_calls(void *unused)
{
	(void)unused;
	int fd = butter_pidfd_open(getppid(), 0);
	butter_pidfd_send_signal(fd, 0, NULL, 0);
	butter_pidfd_getfd(fd, 12345, 0);
}

START_TEST(each_call_is_one_system_call)
{
	ck_assert_system_calls(all_calls, NULL, SYS_getppid, SYS_pidfd_open, SYS_pidfd_send_signal,
			       SYS_pidfd_getfd);
}
END_TEST

/* All raw: valgrind 3.19 does not know pidfd_open. */
SUITE(fd_pidfd)
{
	(void)tc;
	tcase_add_test(raw, open_makes_an_fd_that_is_close_on_exec_and_blocks_unless_told_not_to);
	tcase_add_test(raw, the_fd_is_readable_when_the_process_has_ended);
	tcase_add_test(raw, waitid_on_a_nonblocking_pidfd_is_EAGAIN_while_the_child_lives);
	tcase_add_test(raw, a_process_that_was_reaped_is_ESRCH);
	tcase_add_test(raw, open_with_bad_arguments_is_EINVAL);
	tcase_add_test(raw, send_signal_sends);
	tcase_add_test(raw, send_signal_passes_the_siginfo);
	tcase_add_test(raw, send_signal_tells_the_kernels_errnos);
	tcase_add_test(raw, send_signal_takes_one_flag_that_says_how_far);
	tcase_add_test(raw, the_numbers_for_the_caller_are_pidfds_since_6_17);
	tcase_add_test(raw, a_thread_has_a_pidfd_with_PIDFD_THREAD_only);
	tcase_add_test(raw, getfd_takes_a_copy_that_is_close_on_exec);
	tcase_add_test(raw, getfd_tells_the_kernels_errnos);
	tcase_add_test(raw, another_users_process_is_EPERM);
	tcase_add_test(raw, no_free_fd_is_EMFILE);
	tcase_add_test(raw, each_call_is_one_system_call);
}
