/* SPDX-License-Identifier: MIT */
/* Queued real-time signals, drained by hand and by butter. Queueing is not timed. */
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <butter/signalfd.h>

#include "bench.h"

enum { MOST = 4096, RECORDS = 16, SLICES = 8 };

static unsigned count; /* signals queued in each slice: half of the limit at most */

struct drain {
	struct butter_signalfd *signalfd;
	unsigned (*drain)(struct butter_signalfd *x);
};

static void queue_signals(void)
{
	for (unsigned i = 0; i < count; i++)
		if (sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = (int)i}) < 0)
			bench_die("sigqueue");
}

static double raw_side(void *arg)
{
	static struct signalfd_siginfo records[RECORDS];
	int fd = *(int *)arg;
	unsigned got = 0;
	uint64_t sum = 0;
	ssize_t n;
	queue_signals();
	uint64_t start = bench_now();
	while ((n = read(fd, records, sizeof(records))) > 0) {
		size_t full = (size_t)n / sizeof(records[0]);
		for (size_t i = 0; i < full; i++)
			sum += records[i].ssi_signo + records[i].ssi_pid + (uint32_t)records[i].ssi_int;
		got += (unsigned)full;
	}
	double ns = bench_per(start, count);
	bench_sink = sum;
	bench_check_count(got, count);
	return ns;
}

static uint64_t touch(const struct butter_signalfd_event *event)
{
	return (uint32_t)event->signo + (uint32_t)event->pid + (uint32_t)event->value;
}

BENCH_DRAINS(signalfd, RECORDS)

static double butter_side(void *arg)
{
	struct drain *drain = arg;
	queue_signals();
	uint64_t start = bench_now();
	unsigned got = drain->drain(drain->signalfd);
	double ns = bench_per(start, count);
	bench_check_count(got, count);
	return ns;
}

static void set_count(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_SIGPENDING, &limit) < 0)
		bench_die("RLIMIT_SIGPENDING");
	count = limit.rlim_cur / 2 < MOST ? (unsigned)(limit.rlim_cur / 2) : MOST;
}

void bench_signalfd(void)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGRTMIN);
	struct drain drain = {butter_signalfd_open(&mask, BUTTER_SIGNALFD_BLOCK), drain_one_by_one};
	int fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	struct bench bench = {
		"signalfd drain, read_event", BENCH_GOAL, SLICES, raw_side, butter_side, &fd, &drain};
	if (fd < 0 || !drain.signalfd)
		bench_die("signalfd");
	set_count();
	if (count == 0) {
		bench_missing("signalfd drain", "RLIMIT_SIGPENDING is too low");
	} else {
		bench_compare(&bench);
		bench.name = "signalfd drain, read_events of 16";
		drain.drain = drain_batches;
		bench_compare(&bench);
	}
	butter_signalfd_close(drain.signalfd);
	close(fd);
}
