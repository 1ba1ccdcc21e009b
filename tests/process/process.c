/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <butter/source.h>

#include "fault.h"
#include "run.h"
#include "trace.h"

enum { POISON = 0xa5 };

static struct butter_process_event ev;

START_TEST(the_typed_verbs_are_the_sources)
{
	struct butter_process *x = sleeper();
	ck_assert_int_eq(butter_process_fd(x), butter_source_fd(butter_process_source(x)));
	ck_assert_uint_eq(butter_process_pending(x), 0);
	ck_assert_int_eq(butter_process_read_event(x, &ev), 0);
	ck_assert_int_eq(butter_process_signal(x, SIGKILL), 0);
	ck_assert_int_eq(butter_process_wait_event(x, &ev, -1), 1);
	ck_assert_fails(butter_process_read_events(x, &ev, 0), EINVAL);
	ck_assert_fails(butter_process_release(NULL), EINVAL);
	butter_process_close(NULL);
	butter_process_close(x);
}
END_TEST

START_TEST(there_is_one_event_and_the_fd_stays_readable)
{
	struct butter_process *x = exiting("5");
	ck_assert_int_eq(butter_process_wait_event(x, &ev, -1), 1);
	ck_assert_int_eq(ev.status, 5);
	for (int i = 0; i < 3; i++) {
		memset(&ev, POISON, sizeof(ev));
		ck_assert_fails(butter_process_read_event(x, &ev), ENODATA);
		ck_assert_fails(butter_process_read_events(x, &ev, 1), ENODATA);
		ck_assert_fails(butter_process_wait_event(x, &ev, -1), ENODATA);
		ck_assert_int_eq(poll_in(butter_process_fd(x), 0) & POLLIN, POLLIN);
		ck_assert_int_eq((unsigned char)ev.code, POISON);
	}
	butter_process_close(x);
}
END_TEST

START_TEST(a_signal_that_kills_is_told)
{
	struct butter_process *x = sleeper();
	ck_assert_int_eq(butter_process_signal(x, 0), 0);
	ck_assert_int_eq(butter_process_signal(x, SIGTERM), 0);
	pid_t pid = butter_process_pid(x);
	ck_assert_int_eq(butter_process_wait_event(x, &ev, -1), 1);
	ck_assert_int_eq(ev.pid, pid);
	ck_assert_int_eq(ev.code, CLD_KILLED);
	ck_assert_int_eq(ev.status, SIGTERM);
	ck_assert_int_eq(butter_process_pid(x), pid);
	ck_assert_fails(butter_process_signal(x, 0), ESRCH);
	ck_assert_fails(butter_process_signal(x, SIGKILL), ESRCH);
	butter_process_close(x);
}
END_TEST

START_TEST(a_zombie_takes_signals_and_a_bad_one_is_EINVAL)
{
	struct butter_process *x = exiting("0");
	ck_assert_int_eq(poll_in(butter_process_fd(x), 10000), POLLIN);
	ck_assert_int_eq(butter_process_signal(x, SIGTERM), 0);
	ck_assert_fails(butter_process_signal(x, 9999), EINVAL);
	ck_assert_int_eq(end_of(x).code, CLD_EXITED);
}
END_TEST

/* Stopped with WUNTRACED, so that there is no doubt that it was. */
START_TEST(stopping_and_going_on_is_no_event)
{
	struct butter_process *x = sleeper();
	siginfo_t si;
	ck_assert_int_eq(butter_process_signal(x, SIGSTOP), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)butter_process_pid(x), &si, WSTOPPED), 0);
	ck_assert_int_eq(butter_process_read_event(x, &ev), 0);
	ck_assert_int_eq(butter_process_signal(x, SIGCONT), 0);
	ck_assert_int_eq(butter_process_read_event(x, &ev), 0);
	ck_assert_int_eq(poll_in(butter_process_fd(x), 0), 0);
	ck_assert_int_eq(butter_process_signal(x, SIGKILL), 0);
	ck_assert_int_eq(end_of(x).status, SIGKILL);
}
END_TEST

START_TEST(the_event_comes_after_any_number_of_execs)
{
	struct butter_process *x = butter_spawn(
		SPAWN("/bin/sh", ARGV("sh", "-c", "exec sh -c 'exec sh -c \"exit 9\"'"), .search = "/bin"));
	ck_assert_int_eq(end_of(x).status, 9);
}
END_TEST

START_TEST(close_and_release_neither_kill_nor_reap)
{
	struct butter_process *x = sleeper();
	pid_t pid = butter_process_pid(x);
	int fd = butter_process_release(x);
	x = butter_process_from_fd(fd);
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(butter_process_fd(x), fd);
	if (linux_is_at_least(6, 13))
		ck_assert_int_eq(butter_process_pid(x), pid);
	butter_process_close(x);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(from_fd_of_what_is_no_pidfd_is_EINVAL)
{
	int fds[2];
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_null_errno(butter_process_from_fd(fds[0]), EINVAL);
	close(fds[0]);
	ck_assert_null_errno(butter_process_from_fd(fds[0]), EBADF);
	close(fds[1]);
}
END_TEST

START_TEST(open_tells_the_kernels_errnos)
{
	struct butter_process *x = exiting("0");
	pid_t pid = butter_process_pid(x);
	end_of(x);
	ck_assert_null_errno(butter_process_open(pid, 0), ESRCH);
	ck_assert_null_errno(butter_process_open(0, 0), EINVAL);
	ck_assert_null_errno(butter_process_open(-1, 0), EINVAL);
	ck_assert_null_errno(butter_process_open(getpid(), 1U << 30), EINVAL);
}
END_TEST

static void read_it(void *x)
{
	butter_process_read_event(x, &ev);
}

START_TEST(a_read_is_one_system_call_for_a_child)
{
	struct butter_process *x = sleeper();
	unsigned before = fault_calls(FAULT_WAITID);
	ck_assert_int_eq(butter_process_read_event(x, &ev), 0);
	ck_assert_uint_eq(fault_calls(FAULT_WAITID) - before, 1);
	ck_assert_uint_eq(fault_calls(FAULT_PPOLL) + fault_calls(FAULT_IOCTL), 0);
	ck_assert_system_calls(read_it, x, SYS_waitid, SYS_ppoll); /* of another process's child: two */
	ck_assert_int_eq(butter_process_signal(x, SIGKILL), 0);
	end_of(x);
}
END_TEST

static siginfo_t record(int code, int status)
{
	siginfo_t si;
	memset(&si, 0, sizeof(si));
	si.si_signo = SIGCHLD;
	si.si_code = code;
	si.si_pid = 4711;
	si.si_uid = 1000;
	si.si_status = status;
	return si;
}

START_TEST(decode_takes_128_bytes_at_any_alignment)
{
	static const int codes[] = {CLD_EXITED,  CLD_KILLED,  CLD_DUMPED,
				    CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED};
	unsigned char buf[160];
	for (size_t i = 0; i < 6; i++) {
		siginfo_t si = record(codes[i], 9);
		memset(buf, POISON, sizeof(buf));
		memset(&ev, POISON, sizeof(ev));
		memcpy(buf + i, &si, sizeof(si));
		ck_assert_int_eq(butter_process_decode(buf + i, 128, NULL), 128);
		ck_assert_int_eq(butter_process_decode(buf + i, 140, &ev), 128);
		ck_assert_int_eq(ev.pid, 4711);
		ck_assert_uint_eq(ev.uid, 1000);
		ck_assert_int_eq(ev.code, codes[i]);
		ck_assert_int_eq(ev.status, 9);
		ck_assert_uint_eq(ev.fate, i < 3 ? BUTTER_PROCESS_REAPED : 0);
		ck_assert_int_eq(ev.utime, -1);
		ck_assert_int_eq(ev.maxrss, -1);
		ck_assert_uint_eq(ev.reserved + ev.reserved2[0] + ev.reserved2[1], 0);
		for (size_t len = 0; len < 128; len++)
			ck_assert_int_eq(butter_process_decode(buf + i, len, &ev), 0);
	}
}
END_TEST

START_TEST(decode_knows_what_waitid_cannot_have_written)
{
	siginfo_t nothing, si = record(CLD_EXITED, 0);
	memset(&nothing, 0, sizeof(nothing));
	memset(&ev, POISON, sizeof(ev));
	ck_assert_int_eq(butter_process_decode(&nothing, sizeof(nothing), &ev), 0);
	si.si_signo = SIGTERM;
	ck_assert_fails(butter_process_decode(&si, sizeof(si), &ev), EBADMSG);
	si = record(0, 0);
	ck_assert_fails(butter_process_decode(&si, sizeof(si), &ev), EBADMSG);
	si = record(CLD_CONTINUED + 1, 0);
	ck_assert_fails(butter_process_decode(&si, sizeof(si), &ev), EBADMSG);
	si = record(CLD_EXITED, 0);
	si.si_pid = -1;
	ck_assert_fails(butter_process_decode(&si, sizeof(si), &ev), EBADMSG);
	si.si_pid = 0;
	ck_assert_fails(butter_process_decode(&si, sizeof(si), NULL), EBADMSG);
	si.si_signo = 0;
	si.si_pid = 1;
	ck_assert_fails(butter_process_decode(&si, sizeof(si), &ev), EBADMSG);
	ck_assert_int_eq((unsigned char)ev.code, POISON);
}
END_TEST

START_TEST(code_names_go_both_ways)
{
	char text[32];
	int code = 0;
	for (int i = -1; i < 9; i++) {
		ck_assert_int_gt(butter_process_code_format(i, text, sizeof(text)), 0);
		ck_assert_int_eq(butter_process_code_parse(text, &code), 0);
		ck_assert_int_eq(code, i);
	}
	ck_assert_int_eq(butter_process_code_format(CLD_DUMPED, text, sizeof(text)), 10);
	ck_assert_str_eq(text, "CLD_DUMPED");
	butter_process_code_format(0, text, sizeof(text));
	ck_assert_str_eq(text, "0");
	ck_assert_int_eq(butter_process_code_parse("killed", &code), 0);
	ck_assert_int_eq(code, CLD_KILLED);
	ck_assert_fails(butter_process_code_parse("SI_USER", &code), EINVAL);
	ck_assert_int_eq(code, CLD_KILLED);
}
END_TEST

/* valgrind 3.19 knows neither pidfd_open(2) nor CLONE_VM with a stack of its own. */
SUITE(process_process)
{
	tcase_add_test(raw, the_typed_verbs_are_the_sources);
	tcase_add_test(raw, there_is_one_event_and_the_fd_stays_readable);
	tcase_add_test(raw, a_signal_that_kills_is_told);
	tcase_add_test(raw, a_zombie_takes_signals_and_a_bad_one_is_EINVAL);
	tcase_add_test(raw, stopping_and_going_on_is_no_event);
	tcase_add_test(raw, the_event_comes_after_any_number_of_execs);
	tcase_add_test(raw, close_and_release_neither_kill_nor_reap);
	tcase_add_test(raw, from_fd_of_what_is_no_pidfd_is_EINVAL);
	tcase_add_test(raw, open_tells_the_kernels_errnos);
	tcase_add_test(raw, a_read_is_one_system_call_for_a_child);
	tcase_add_test(tc, decode_takes_128_bytes_at_any_alignment);
	tcase_add_test(tc, decode_knows_what_waitid_cannot_have_written);
	tcase_add_test(tc, code_names_go_both_ways);
}
