/* SPDX-License-Identifier: MIT */
/* Both decoders of the family, each on the whole input: what waitid(2) writes, and PIDFD_GET_INFO. */
#include <signal.h>

#include <butter/process.h>

#include "fuzz.h"

enum { INFO_LEAST = 64, INFO_CORE = 68, INFO_CORE_SIGNAL = 72, WORDS = INFO_CORE_SIGNAL / 4 };

/* Places in struct pidfd_info, in words of 32 bits. */
enum { W_PID = 4, W_TGID, W_PPID, W_IDS, W_EXIT = 15, W_CORE, W_CORE_SIGNAL };

static ssize_t expected_event(const unsigned char *buf, size_t len)
{
	siginfo_t si;
	if (len < sizeof(si))
		return 0;
	memcpy(&si, buf, sizeof(si));
	if (!si.si_signo && !si.si_pid)
		return 0;
	return si.si_signo == SIGCHLD && si.si_pid > 0 && si.si_code >= 1 && si.si_code <= 6 ? 128 : -1;
}

static void check_event(const unsigned char *buf, const struct butter_process_event *event)
{
	siginfo_t si;
	memcpy(&si, buf, sizeof(si));
	require(event->pid == si.si_pid && event->uid == si.si_uid);
	require(event->code == si.si_code && event->status == si.si_status);
	require(event->fate == (si.si_code <= 3 ? BUTTER_PROCESS_REAPED : 0));
	require(event->utime == -1 && event->stime == -1 && event->maxrss == -1);
	require(!event->reserved && !event->reserved2[0] && !event->reserved2[1]);
}

static ssize_t expected_info(const unsigned char *buf, size_t len)
{
	uint64_t mask;
	int32_t ids[3];
	if (len < INFO_LEAST)
		return 0;
	memcpy(&mask, buf, sizeof(mask));
	memcpy(ids, buf + (size_t)W_PID * 4, sizeof(ids));
	if (!mask || ((mask & PIDFD_INFO_PID) && (ids[0] < 1 || ids[1] < 1 || ids[2] < 0)))
		return -1;
	return (ssize_t)len;
}

static void check_end(int32_t wait_status, const struct butter_process_info *info)
{
	int signo = wait_status & 0x7f;
	require(info->code == (!signo ? CLD_EXITED : wait_status & 0x80 ? CLD_DUMPED : CLD_KILLED));
	require(info->status == (signo ? signo : (wait_status >> 8 & 0xff)));
}

static void check_info(const unsigned char *buf, size_t len, const struct butter_process_info *info)
{
	uint32_t word[WORDS] = {0};
	uint64_t mask, cgroup;
	memcpy(word, buf, len < sizeof(word) ? len : sizeof(word));
	memcpy(&mask, word, sizeof(mask));
	memcpy(&cgroup, word + 2, sizeof(cgroup));
	if (len < INFO_CORE)
		mask &= ~(uint64_t)PIDFD_INFO_COREDUMP;
	if (len < INFO_CORE_SIGNAL)
		mask &= ~(uint64_t)PIDFD_INFO_COREDUMP_SIGNAL;
	require(info->mask == mask);
	require(info->cgroup_id == (mask & PIDFD_INFO_CGROUPID ? cgroup : 0));
	require(info->pid == (int32_t)(mask & PIDFD_INFO_PID ? word[W_PID] : 0));
	require(info->tgid == (int32_t)(mask & PIDFD_INFO_PID ? word[W_TGID] : 0));
	require(info->ppid == (int32_t)(mask & PIDFD_INFO_PID ? word[W_PPID] : 0));
	const uint32_t ids[] = {info->ruid, info->rgid, info->euid,  info->egid,
				info->suid, info->sgid, info->fsuid, info->fsgid};
	for (size_t i = 0; i < 8; i++)
		require(ids[i] == (mask & PIDFD_INFO_CREDS ? word[W_IDS + i] : UINT32_MAX));
	if (mask & PIDFD_INFO_EXIT)
		check_end((int32_t)word[W_EXIT], info);
	else
		require(!info->code && !info->status);
	require(info->coredump_mask == (mask & PIDFD_INFO_COREDUMP ? word[W_CORE] : 0));
	require(info->coredump_signal == (mask & PIDFD_INFO_COREDUMP_SIGNAL ? word[W_CORE_SIGNAL] : 0));
	for (size_t i = 0; i < 5; i++)
		require(!info->reserved[i]);
}

static void try_event(const unsigned char *buf, size_t len)
{
	struct butter_process_event event;
	memset(&event, FUZZ_POISON, sizeof(event));
	ssize_t want = expected_event(buf, len);
	errno = FUZZ_ERRNO;
	require(butter_process_decode(buf, len, NULL) == want);
	require(butter_process_decode(buf, len, &event) == want);
	require(errno == (want < 0 ? EBADMSG : FUZZ_ERRNO));
	if (want > 0)
		check_event(buf, &event);
	else
		require(fuzz_is_poison(&event, sizeof(event)));
}

static void try_info(const unsigned char *buf, size_t len)
{
	struct butter_process_info info;
	memset(&info, FUZZ_POISON, sizeof(info));
	ssize_t want = expected_info(buf, len);
	errno = FUZZ_ERRNO;
	require(butter_process_info_decode(buf, len, NULL) == want);
	require(butter_process_info_decode(buf, len, &info) == want);
	require(errno == (want < 0 ? EBADMSG : FUZZ_ERRNO));
	if (want > 0)
		check_info(buf, len, &info);
	else
		require(fuzz_is_poison(&info, sizeof(info)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *buf = fuzz_copy(data, size);
	try_event(buf, size);
	try_info(buf, size);
	fuzz_free(buf);
	return 0;
}
