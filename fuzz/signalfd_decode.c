/* SPDX-License-Identifier: MIT */
#include <butter/signalfd.h>

#include "fuzz.h"

static ssize_t expected(const unsigned char *buf, size_t len)
{
	int32_t signo;
	if (len < sizeof(struct signalfd_siginfo))
		return 0;
	memcpy(&signo, buf, sizeof(signo));
	return signo > 0 ? (ssize_t)sizeof(struct signalfd_siginfo) : -1;
}

/* Ticks of a hundredth of a second in nanoseconds, as far as they go. */
static void check_time(uint64_t ticks, int64_t time)
{
	int64_t tick = 10000000;
	require(time == (ticks > (uint64_t)(INT64_MAX / tick) ? INT64_MAX : (int64_t)ticks * tick));
}

static void check(const unsigned char *buf, size_t n, const struct butter_signalfd_event *event)
{
	struct signalfd_siginfo record;
	require(n == sizeof(record));
	memcpy(&record, buf, n);
	require(event->signo == (int32_t)record.ssi_signo && event->error == record.ssi_errno);
	require(event->code == record.ssi_code && event->pid == (int32_t)record.ssi_pid);
	require(event->uid == record.ssi_uid && event->fd == record.ssi_fd);
	require(event->timer_id == record.ssi_tid && event->band == record.ssi_band);
	require(event->overrun == record.ssi_overrun && event->trapno == record.ssi_trapno);
	require(event->status == record.ssi_status && event->value == record.ssi_int);
	require(event->pointer == record.ssi_ptr && event->addr == record.ssi_addr);
	require(event->addr_lsb == record.ssi_addr_lsb && event->syscall == record.ssi_syscall);
	require(event->call_addr == record.ssi_call_addr && event->arch == record.ssi_arch);
	require(event->reserved == 0 && event->reserved2 == 0);
	check_time(record.ssi_utime, event->utime);
	check_time(record.ssi_stime, event->stime);
}

FUZZ_DECODER(signalfd)
