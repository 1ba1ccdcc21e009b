/* SPDX-License-Identifier: MIT */
/* The decoder of signalfd's records: each byte lands in the member it belongs to. */
#include <signal.h>

#include <butter/signalfd.h>

#include "test.h"

static struct butter_signalfd_event ev;

#define FROM(member, type) offsetof(struct signalfd_siginfo, member), sizeof(type)

static int decoded(size_t offset, size_t size, const void *member, size_t member_size)
{
	unsigned char record[128] = {1}, expected[8];
	memset(record + offset, 0x11, size);
	memset(expected, 0x11, sizeof(expected));
	record[0] |= 1;
	ck_assert_int_eq(butter_signalfd_decode(record, sizeof(record), &ev), 128);
	return !memcmp(member, expected, member_size < size ? member_size : size);
}

START_TEST(decode_finds_every_member)
{
#define MEMBER(kernel, type, ours) ck_assert(decoded(FROM(kernel, type), &ev.ours, sizeof(ev.ours)))
	MEMBER(ssi_signo, uint32_t, signo);
	MEMBER(ssi_errno, int32_t, error);
	MEMBER(ssi_code, int32_t, code);
	MEMBER(ssi_pid, uint32_t, pid);
	MEMBER(ssi_uid, uint32_t, uid);
	MEMBER(ssi_fd, int32_t, fd);
	MEMBER(ssi_tid, uint32_t, timer_id);
	MEMBER(ssi_band, uint32_t, band);
	MEMBER(ssi_overrun, uint32_t, overrun);
	MEMBER(ssi_trapno, uint32_t, trapno);
	MEMBER(ssi_status, int32_t, status);
	MEMBER(ssi_int, int32_t, value);
	MEMBER(ssi_ptr, uint64_t, pointer);
	MEMBER(ssi_addr, uint64_t, addr);
	MEMBER(ssi_addr_lsb, uint16_t, addr_lsb);
	MEMBER(ssi_syscall, int32_t, syscall);
	MEMBER(ssi_call_addr, uint64_t, call_addr);
	MEMBER(ssi_arch, uint32_t, arch);
}
END_TEST

START_TEST(decode_turns_ticks_into_nanoseconds_and_saturates)
{
	struct signalfd_siginfo record = {.ssi_signo = SIGCHLD, .ssi_utime = 3, .ssi_stime = UINT64_MAX};
	ck_assert_int_eq(butter_signalfd_decode(&record, sizeof(record), &ev), 128);
	ck_assert_int_eq(ev.utime, 3 * (INT64_C(1000000000) / sysconf(_SC_CLK_TCK)));
	ck_assert_int_eq(ev.stime, INT64_MAX);
	record.ssi_utime = INT64_MAX;
	butter_signalfd_decode(&record, sizeof(record), &ev);
	ck_assert_int_eq(ev.utime, INT64_MAX);
}
END_TEST

START_TEST(decode_is_0_for_a_part_and_EBADMSG_without_a_signal)
{
	struct signalfd_siginfo record = {0};
	for (size_t len = 0; len < 128; len += 7)
		ck_assert_int_eq(butter_signalfd_decode(&record, len, &ev), 0);
	ck_assert_fails(butter_signalfd_decode(&record, sizeof(record), &ev), EBADMSG);
	record.ssi_signo = UINT32_MAX;
	ck_assert_fails(butter_signalfd_decode(&record, sizeof(record), &ev), EBADMSG);
	record.ssi_signo = 1;
	ck_assert_int_eq(butter_signalfd_decode(&record, sizeof(record), NULL), 128);
}
END_TEST

SUITE(event_signalfd_decode)
{
	tcase_add_test(tc, decode_finds_every_member);
	tcase_add_test(tc, decode_turns_ticks_into_nanoseconds_and_saturates);
	tcase_add_test(tc, decode_is_0_for_a_part_and_EBADMSG_without_a_signal);
}
