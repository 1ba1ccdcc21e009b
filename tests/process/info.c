/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fault.h"
#include "run.h"

enum { POISON = 0xa5, VER0 = 64, VER1 = 72, NEWER = 80 };

static struct butter_process_info info;

/* The words of struct pidfd_info. */
enum { PID = 4, TGID, PPID, RUID, RGID, EUID, EGID, SUID, SGID, FSUID, FSGID, EXIT, COREDUMP, CORE_SIGNAL };

static void make(uint32_t words[NEWER / 4], uint64_t mask)
{
	const uint64_t cgroup = UINT64_C(0x1122334455667788);
	for (uint32_t i = PID; i < NEWER / 4; i++)
		words[i] = 1000 + i;
	memcpy(words, &mask, sizeof(mask));
	memcpy(words + 2, &cgroup, sizeof(cgroup));
	words[EXIT] = 7 << 8;
}

START_TEST(decode_takes_any_size_from_the_first_on)
{
	unsigned char buf[NEWER + 8];
	uint32_t words[NEWER / 4];
	const uint64_t all = PIDFD_INFO_PID | PIDFD_INFO_CREDS | PIDFD_INFO_CGROUPID | PIDFD_INFO_EXIT |
			     PIDFD_INFO_COREDUMP | PIDFD_INFO_COREDUMP_SIGNAL;
	make(words, all);
	for (size_t shift = 0; shift < 8; shift++) {
		memcpy(buf + shift, words, sizeof(words));
		for (size_t len = 0; len < VER0; len++)
			ck_assert_int_eq(butter_process_info_decode(buf + shift, len, &info), 0);
		for (size_t len = VER0; len <= NEWER; len++) {
			memset(&info, POISON, sizeof(info));
			ck_assert_int_eq(butter_process_info_decode(buf + shift, len, NULL), (ssize_t)len);
			ck_assert_int_eq(butter_process_info_decode(buf + shift, len, &info), (ssize_t)len);
			ck_assert_uint_eq(!!(info.mask & PIDFD_INFO_COREDUMP), len >= VER1 - 4);
			ck_assert_uint_eq(!!(info.mask & PIDFD_INFO_COREDUMP_SIGNAL), len >= VER1);
			ck_assert_uint_eq(info.coredump_mask, len >= VER1 - 4 ? 1000 + COREDUMP : 0);
			ck_assert_uint_eq(info.coredump_signal, len >= VER1 ? 1000 + CORE_SIGNAL : 0);
			ck_assert_int_eq(info.code, CLD_EXITED);
			ck_assert_int_eq(info.status, 7);
		}
	}
	ck_assert_uint_eq(info.cgroup_id, UINT64_C(0x1122334455667788));
	ck_assert_int_eq(info.pid, 1000 + PID);
	ck_assert_int_eq(info.tgid, 1000 + TGID);
	ck_assert_int_eq(info.ppid, 1000 + PPID);
	ck_assert_uint_eq(info.ruid, 1000 + RUID);
	ck_assert_uint_eq(info.rgid, 1000 + RGID);
	ck_assert_uint_eq(info.euid, 1000 + EUID);
	ck_assert_uint_eq(info.egid, 1000 + EGID);
	ck_assert_uint_eq(info.suid, 1000 + SUID);
	ck_assert_uint_eq(info.sgid, 1000 + SGID);
	ck_assert_uint_eq(info.fsuid, 1000 + FSUID);
	ck_assert_uint_eq(info.fsgid, 1000 + FSGID);
}
END_TEST

START_TEST(decode_tells_nothing_that_the_kernel_has_not)
{
	uint32_t words[NEWER / 4];
	make(words, UINT64_C(1) << 40); /* of a newer kernel */
	memset(&info, POISON, sizeof(info));
	ck_assert_int_eq(butter_process_info_decode(words, NEWER, &info), NEWER);
	ck_assert_uint_eq(info.mask, UINT64_C(1) << 40);
	ck_assert_uint_eq(info.cgroup_id, 0);
	ck_assert_int_eq(info.pid | info.tgid | info.ppid, 0);
	ck_assert_uint_eq(info.ruid & info.euid & info.suid & info.fsuid, (uint32_t)-1);
	ck_assert_uint_eq(info.rgid & info.egid & info.sgid & info.fsgid, (uint32_t)-1);
	ck_assert_int_eq(info.code | info.status, 0);
	ck_assert_uint_eq(info.coredump_mask | info.coredump_signal, 0);
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(info.reserved[i], 0);
}
END_TEST

START_TEST(decode_reads_a_status_as_waitid_tells_it)
{
	static const struct {
		int wait_status, code, status;
	} rows[] = {{0, CLD_EXITED, 0},   {0xff00, CLD_EXITED, 255}, {9, CLD_KILLED, 9},
		    {15, CLD_KILLED, 15}, {0x86, CLD_DUMPED, 6},     {0x8b, CLD_DUMPED, 11},
		    {64, CLD_KILLED, 64}, {-1, CLD_DUMPED, 127}};
	uint32_t words[NEWER / 4];
	make(words, PIDFD_INFO_EXIT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		words[EXIT] = (uint32_t)rows[i].wait_status;
		ck_assert_int_eq(butter_process_info_decode(words, VER0, &info), VER0);
		ck_assert_int_eq(info.code, rows[i].code);
		ck_assert_int_eq(info.status, rows[i].status);
	}
}
END_TEST

START_TEST(decode_knows_what_the_kernel_cannot_have_written)
{
	uint32_t words[NEWER / 4];
	make(words, 0);
	memset(&info, POISON, sizeof(info));
	ck_assert_fails(butter_process_info_decode(words, VER0, &info), EBADMSG);
	for (int i = PID; i <= PPID; i++) {
		make(words, PIDFD_INFO_PID);
		words[i] = 1U << 31;
		ck_assert_fails(butter_process_info_decode(words, VER0, &info), EBADMSG);
		words[i] = 0;
		ck_assert_int_eq(butter_process_info_decode(words, VER0, NULL), i == PPID ? VER0 : -1);
	}
	ck_assert_int_eq((unsigned char)info.code, POISON);
}
END_TEST

START_TEST(info_tells_of_a_process_that_runs)
{
	struct butter_process *x = butter_process_open(getpid(), 0);
	if (!linux_is_at_least(6, 13)) {
		ck_assert_int_eq(butter_process_info(x, &info), -1);
	} else {
		errno = 0;
		ck_assert_int_eq(butter_process_info(x, &info), 0);
		ck_assert_int_eq(errno, 0);
		ck_assert_uint_eq(info.mask & (PIDFD_INFO_PID | PIDFD_INFO_CREDS | PIDFD_INFO_EXIT),
				  PIDFD_INFO_PID | PIDFD_INFO_CREDS);
		ck_assert_int_eq(info.pid, getpid());
		ck_assert_int_eq(info.tgid, getpid());
		ck_assert_int_eq(info.ppid, getppid());
		ck_assert_uint_eq(info.ruid, getuid());
		ck_assert_uint_eq(info.egid, getegid());
		ck_assert_int_eq(info.code, 0);
	}
	butter_process_close(x);
}
END_TEST

START_TEST(info_tells_the_end_when_the_process_was_reaped)
{
	struct butter_process_event ev;
	struct butter_process *x = butter_spawn(SPAWN("/bin/false", ARGV("false")));
	ck_assert_int_eq(butter_process_wait_event(x, &ev, -1), 1);
	if (!linux_is_at_least(6, 13)) {
		ck_assert_int_eq(butter_process_info(x, &info), -1);
	} else if (!linux_is_at_least(6, 15)) {
		ck_assert_fails(butter_process_info(x, &info), ESRCH);
	} else {
		ck_assert_int_eq(butter_process_info(x, &info), 0);
		ck_assert_uint_eq(info.mask & (PIDFD_INFO_PID | PIDFD_INFO_CREDS | PIDFD_INFO_EXIT),
				  PIDFD_INFO_EXIT);
		ck_assert_int_eq(info.code, CLD_EXITED);
		ck_assert_int_eq(info.status, 1);
	}
	butter_process_close(x);
}
END_TEST

START_TEST(info_tells_the_kernels_errno)
{
	struct butter_process *x = butter_process_open(getpid(), 0);
	memset(&info, POISON, sizeof(info));
	fault_error(FAULT_IOCTL, 1, ENOTTY);
	ck_assert_fails(butter_process_info(x, &info), ENOTTY);
	fault_result(FAULT_IOCTL, 1, 0, NULL); /* it says yes and writes nothing but what was asked */
	ck_assert_fails(butter_process_info(x, &info), EBADMSG);
	ck_assert_int_eq((unsigned char)info.code, POISON);
	butter_process_close(x);
}
END_TEST

SUITE(process_info)
{
	tcase_add_test(tc, decode_takes_any_size_from_the_first_on);
	tcase_add_test(tc, decode_tells_nothing_that_the_kernel_has_not);
	tcase_add_test(tc, decode_reads_a_status_as_waitid_tells_it);
	tcase_add_test(tc, decode_knows_what_the_kernel_cannot_have_written);
	tcase_add_test(raw, info_tells_of_a_process_that_runs);
	tcase_add_test(raw, info_tells_the_end_when_the_process_was_reaped);
	tcase_add_test(raw, info_tells_the_kernels_errno);
}
