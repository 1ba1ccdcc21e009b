/* SPDX-License-Identifier: MIT */
/* What the kernel knows of a process: PIDFD_GET_INFO. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include <butter/process.h>

#include "../syscall.h"
#include "process.h"

/* struct pidfd_info, as it is since Linux 6.16; it began with 64 bytes. */
struct record {
	uint64_t mask;
	uint64_t cgroupid;
	uint32_t pid, tgid, ppid;
	uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
	uint32_t coredump_mask;
	uint32_t coredump_signal; /* spare before 6.19 */
};
_Static_assert(offsetof(struct record, exit_code) == 60, "the kernel's layout");
_Static_assert(sizeof(struct record) == 72, "the kernel's layout");

enum { SIZE_VER0 = 64, MAGIC = 0xFF, NUMBER = 11 };
#define GET_INFO _IOWR(MAGIC, NUMBER, struct record)

/* With this set of members len must reach so far; what it does not reach is not told. */
static uint64_t told(uint64_t mask, size_t len)
{
	if (len < offsetof(struct record, coredump_signal))
		mask &= ~(uint64_t)PIDFD_INFO_COREDUMP;
	if (len < sizeof(struct record))
		mask &= ~(uint64_t)PIDFD_INFO_COREDUMP_SIGNAL;
	return mask;
}

static void fill(const struct record *r, uint64_t mask, struct butter_process_info *ret)
{
	const uint32_t none = (uint32_t)-1;
	int creds = !!(mask & PIDFD_INFO_CREDS), pid = !!(mask & PIDFD_INFO_PID);
	*ret = (struct butter_process_info){
		.mask = mask,
		.cgroup_id = mask & PIDFD_INFO_CGROUPID ? r->cgroupid : 0,
		.pid = pid ? (int32_t)r->pid : 0,
		.tgid = pid ? (int32_t)r->tgid : 0,
		.ppid = pid ? (int32_t)r->ppid : 0,
		.ruid = creds ? r->ruid : none,
		.rgid = creds ? r->rgid : none,
		.euid = creds ? r->euid : none,
		.egid = creds ? r->egid : none,
		.suid = creds ? r->suid : none,
		.sgid = creds ? r->sgid : none,
		.fsuid = creds ? r->fsuid : none,
		.fsgid = creds ? r->fsgid : none,
		.coredump_mask = mask & PIDFD_INFO_COREDUMP ? r->coredump_mask : 0,
		.coredump_signal = mask & PIDFD_INFO_COREDUMP_SIGNAL ? r->coredump_signal : 0,
	};
	if (mask & PIDFD_INFO_EXIT)
		butter__process_from_wait(r->exit_code, &ret->code, &ret->status);
}

/* The kernel always tells something, and knows no process by a number below 1. */
static int is_possible(const struct record *r)
{
	return r->mask && (!(r->mask & PIDFD_INFO_PID) ||
			   ((int32_t)r->pid > 0 && (int32_t)r->tgid > 0 && (int32_t)r->ppid >= 0));
}

ssize_t butter_process_info_decode(const void *buf, size_t len, struct butter_process_info *ret)
{
	struct record r = {0};
	if (len < SIZE_VER0)
		return 0;
	memcpy(&r, buf, len < sizeof(r) ? len : sizeof(r));
	if (!is_possible(&r)) {
		errno = EBADMSG;
		return -1;
	}
	if (ret)
		fill(&r, told(r.mask, len), ret);
	return (ssize_t)len;
}

int butter__process_info(int pidfd, struct butter_process_info *ret)
{
	struct record r = {.mask = PIDFD_INFO_PID | PIDFD_INFO_CREDS | PIDFD_INFO_CGROUPID | PIDFD_INFO_EXIT |
				   PIDFD_INFO_COREDUMP | PIDFD_INFO_COREDUMP_SIGNAL};
	/* One that was reaped between the two looks of the kernel, at its end and at itself: the end is there
	 * now. */
	int saved = errno, n = ioctl(pidfd, GET_INFO, &r);
	if (n < 0 && errno == ESRCH)
		n = ioctl(pidfd, GET_INFO, &r);
	if (n < 0)
		return -1;
	errno = saved;
	return butter_process_info_decode(&r, sizeof(r), ret) > 0 ? 0 : -1;
}

int butter_process_info(struct butter_process *x, struct butter_process_info *ret)
{
	return butter__process_info(x->source.fd, ret);
}
