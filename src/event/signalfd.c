/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <butter/signalfd.h>

#include "object.h"
#include "time.h"

enum { RECORDS = 16 };

/* struct signalfd_siginfo as the kernel has it today; libc's may be older. */
struct record {
	uint32_t signo;
	int32_t error, code;
	uint32_t pid, uid;
	int32_t fd;
	uint32_t tid, band, overrun, trapno;
	int32_t status, value;
	uint64_t ptr, utime, stime, addr;
	uint16_t addr_lsb, reserved;
	int32_t syscall;
	uint64_t call_addr;
	uint32_t arch;
	uint8_t spare[28];
};
_Static_assert(sizeof(struct record) == 128, "the kernel's record");

struct butter_signalfd {
	struct butter__reader reader;
	sigset_t mask;
	int block;
};

/* The clock tick in which the kernel tells a child's times is part of each ABI. */
static int64_t from_ticks(uint64_t ticks)
{
#ifdef __alpha__
	enum { HZ = 1024 };
#else
	enum { HZ = 100 };
#endif
	return ticks > INT64_MAX ? INT64_MAX : butter__time_mul((int64_t)ticks, BUTTER__SECOND / HZ);
}

ssize_t butter_signalfd_decode(const void *buf, size_t len, struct butter_signalfd_event *ret)
{
	struct record r;
	if (len < sizeof(r))
		return 0;
	memcpy(&r, buf, sizeof(r));
	if (r.signo == 0 || r.signo > INT_MAX) {
		errno = EBADMSG;
		return -1;
	}
	if (ret)
		*ret = (struct butter_signalfd_event){
			.signo = (int32_t)r.signo,
			.error = r.error,
			.code = r.code,
			.pid = (int32_t)r.pid,
			.uid = r.uid,
			.fd = r.fd,
			.status = r.status,
			.band = r.band,
			.timer_id = r.tid,
			.overrun = r.overrun,
			.trapno = r.trapno,
			.value = r.value,
			.pointer = r.ptr,
			.utime = from_ticks(r.utime),
			.stime = from_ticks(r.stime),
			.addr = r.addr,
			.call_addr = r.call_addr,
			.syscall = r.syscall,
			.arch = r.arch,
			.addr_lsb = r.addr_lsb,
		};
	return sizeof(r);
}

static ssize_t decode(const void *buf, size_t len, void *ret)
{
	return butter_signalfd_decode(buf, len, ret);
}

BUTTER__OBJECT(signalfd, butter__reader_read_event, butter__reader_read_events, butter__reader_pending)

/* No signalfd gives the first two; blocking the others would only hide a crash from its handler. */
static const int refused[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
enum { REFUSED = sizeof(refused) / sizeof(refused[0]) };

static int check_mask(const sigset_t *mask)
{
	int bad = !mask;
	for (size_t i = 0; i < REFUSED && !bad; i++)
		bad = sigismember(mask, refused[i]);
	if (bad) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

static struct butter_signalfd *new (const sigset_t *mask, int block)
{
	if (check_mask(mask) < 0)
		return NULL;
	struct butter_signalfd *x = butter__reader_new(&butter__signalfd_ops, sizeof(*x), decode,
						       RECORDS * sizeof(struct record));
	if (x) {
		x->mask = *mask;
		x->block = block;
	}
	return x;
}

struct butter_signalfd *butter_signalfd_open(const sigset_t *mask, int flags)
{
	int block = flags & BUTTER_SIGNALFD_BLOCK;
	struct butter_signalfd *x = new (mask, block);
	if (!x)
		return NULL;
	flags = (flags & ~BUTTER_SIGNALFD_BLOCK) | SFD_CLOEXEC | SFD_NONBLOCK;
	x = butter__object_begin(x, butter_signalfd(-1, mask, flags));
	if (x && block)
		pthread_sigmask(SIG_BLOCK, mask, NULL);
	return x;
}

struct butter_signalfd *butter_signalfd_from_fd(int fd, const sigset_t *mask)
{
	struct butter_signalfd *x = new (mask, 0);
	if (!x)
		return NULL;
	if (fd >= 0 && butter_signalfd(fd, mask, 0) < 0)
		return butter__object_begin(x, -1);
	return butter__object_adopt(x, fd);
}

/* Signals are blocked before the fd takes them: in between they wait, and none strikes. */
static int set_mask(struct butter_signalfd *x, const sigset_t *mask, const sigset_t *added)
{
	sigset_t before;
	int block = x->block && added;
	if (block)
		pthread_sigmask(SIG_BLOCK, added, &before);
	if (butter_signalfd(x->reader.source.fd, mask, 0) < 0) {
		if (block)
			pthread_sigmask(SIG_SETMASK, &before, NULL);
		return -1;
	}
	x->mask = *mask;
	return 0;
}

int butter_signalfd_enable(struct butter_signalfd *x, int signo)
{
	sigset_t mask = x->mask, added;
	sigemptyset(&added);
	if (sigaddset(&added, signo) < 0 || check_mask(&added) < 0)
		return -1;
	sigaddset(&mask, signo);
	return set_mask(x, &mask, &added);
}

int butter_signalfd_disable(struct butter_signalfd *x, int signo)
{
	sigset_t mask = x->mask;
	if (sigdelset(&mask, signo) < 0)
		return -1;
	return set_mask(x, &mask, NULL);
}

int butter_signalfd_enable_all(struct butter_signalfd *x)
{
	sigset_t mask;
	sigfillset(&mask);
	for (size_t i = 0; i < REFUSED; i++)
		sigdelset(&mask, refused[i]);
	return set_mask(x, &mask, &mask);
}

int butter_signalfd_disable_all(struct butter_signalfd *x)
{
	sigset_t mask;
	sigemptyset(&mask);
	return set_mask(x, &mask, NULL);
}

int butter_signalfd_has(const struct butter_signalfd *x, int signo)
{
	if (signo < 1 || signo > SIGRTMAX) { /* musl's sigismember(3) does not mind */
		errno = EINVAL;
		return -1;
	}
	return sigismember(&x->mask, signo);
}
