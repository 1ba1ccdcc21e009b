/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <butter/signalfd.h>

#include "object.h"
#include "time.h"

enum { RECORDS = 16 };

enum { RECORD_SIZE = 128 };

/* The event is laid out as the kernel's record, so that decoding it is a copy. */
#define SAME(member, kernels)                                                                                \
	_Static_assert(offsetof(struct butter_signalfd_event, member) ==                                     \
			       offsetof(struct signalfd_siginfo, kernels),                                   \
		       #member)
SAME(signo, ssi_signo);
SAME(error, ssi_errno);
SAME(code, ssi_code);
SAME(pid, ssi_pid);
SAME(uid, ssi_uid);
SAME(fd, ssi_fd);
SAME(timer_id, ssi_tid);
SAME(band, ssi_band);
SAME(overrun, ssi_overrun);
SAME(trapno, ssi_trapno);
SAME(status, ssi_status);
SAME(value, ssi_int);
SAME(pointer, ssi_ptr);
SAME(utime, ssi_utime);
SAME(stime, ssi_stime);
SAME(addr, ssi_addr);
SAME(addr_lsb, ssi_addr_lsb);
SAME(syscall, ssi_syscall);
SAME(call_addr, ssi_call_addr);
SAME(arch, ssi_arch);
_Static_assert(sizeof(struct signalfd_siginfo) == RECORD_SIZE, "the kernel's record");

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
	int32_t signo;
	if (len < RECORD_SIZE)
		return 0;
	memcpy(&signo, buf, sizeof(signo));
	if (signo <= 0) {
		errno = EBADMSG;
		return -1;
	}
	if (ret) {
		memcpy(ret, buf, sizeof(*ret));
		ret->utime = from_ticks((uint64_t)ret->utime);
		ret->stime = from_ticks((uint64_t)ret->stime);
		ret->reserved = 0;
		ret->reserved2 = 0;
	}
	return RECORD_SIZE;
}

BUTTER__READER_OBJECT(signalfd)

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
	struct butter_signalfd *x =
		butter__reader_new(&butter__signalfd_ops, sizeof(*x), RECORDS * RECORD_SIZE);
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
