/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include <butter/timerfd.h>

#include "names.h"
#include "object.h"
#include "time.h"

struct butter_timerfd {
	struct butter_source source;
};

ssize_t butter_timerfd_decode(const void *buf, size_t len, struct butter_timerfd_event *ret)
{
	uint64_t expirations;
	ssize_t n = butter__counter_decode(buf, len, &expirations);
	if (n > 0 && ret)
		*ret = (struct butter_timerfd_event){.expirations = expirations};
	return n;
}

/* A clock set back between expiry and read makes read(2) give 0 bytes: nothing has expired. */
static int read_event(struct butter_source *source, void *ret)
{
	uint64_t expirations;
	int saved = errno;
	ssize_t n = butter__read(source->fd, &expirations, sizeof(expirations));
	if (n > 0)
		return butter__decoded(butter_timerfd_decode(&expirations, (size_t)n, ret));
	if (n == 0 || (errno != ENODATA && errno != ECANCELED))
		return (int)n;
	int cancelled = errno == ECANCELED;
	errno = saved;
	if (cancelled)
		*(struct butter_timerfd_event *)ret = (struct butter_timerfd_event){.cancelled = 1};
	return cancelled;
}

BUTTER__OBJECT(timerfd, read_event, butter__single_read_events, butter__single_pending)

struct butter_timerfd *butter_timerfd_open(int clockid, int flags)
{
	struct butter_timerfd *x = butter__object_new(&butter__timerfd_ops, sizeof(*x));
	if (!x)
		return NULL;
	return butter__object_begin(x, butter_timerfd_create(clockid, flags | TFD_CLOEXEC | TFD_NONBLOCK));
}

struct butter_timerfd *butter_timerfd_from_fd(int fd)
{
	struct itimerspec value;
	if (butter_timerfd_gettime(fd, &value) < 0)
		return NULL;
	struct butter_timerfd *x = butter__object_new(&butter__timerfd_ops, sizeof(*x));
	return x ? butter__object_adopt(x, fd) : NULL;
}

static struct butter_timerfd_setting to_setting(const struct itimerspec *value)
{
	return (struct butter_timerfd_setting){
		.first = butter__time_from_timespec(&value->it_value),
		.period = butter__time_from_timespec(&value->it_interval),
	};
}

/* Here first and period are what the kernel is told: a first of 0 disarms. */
static int set(struct butter_timerfd *x, int64_t first, int64_t period,
	       struct butter_timerfd_setting *ret_old, int flags)
{
	struct itimerspec old, value = {
				       .it_value = butter__time_to_timespec(first),
				       .it_interval = butter__time_to_timespec(period),
			       };
	if (butter_timerfd_settime(x->source.fd, flags, &value, ret_old ? &old : NULL) < 0)
		return -1;
	if (ret_old)
		*ret_old = to_setting(&old);
	return 0;
}

static int arm(struct butter_timerfd *x, int64_t first, int64_t period,
	       struct butter_timerfd_setting *ret_old, int flags)
{
	if (first < 0 || period < 0) {
		errno = EINVAL;
		return -1;
	}
	return set(x, first ? first : 1, period, ret_old, flags);
}

int butter_timerfd_arm_in(struct butter_timerfd *x, int64_t first, int64_t period,
			  struct butter_timerfd_setting *ret_old)
{
	return arm(x, first, period, ret_old, 0);
}

int butter_timerfd_arm_at(struct butter_timerfd *x, int64_t first, int64_t period,
			  struct butter_timerfd_setting *ret_old, int flags)
{
	return arm(x, first, period, ret_old, flags | TFD_TIMER_ABSTIME);
}

int butter_timerfd_disarm(struct butter_timerfd *x, struct butter_timerfd_setting *ret_old)
{
	return set(x, 0, 0, ret_old, 0);
}

int butter_timerfd_get(struct butter_timerfd *x, struct butter_timerfd_setting *ret)
{
	struct itimerspec value;
	if (butter_timerfd_gettime(x->source.fd, &value) < 0)
		return -1;
	*ret = to_setting(&value);
	return 0;
}

static const struct butter__name clock_names[] = {
	BUTTER__NAME(CLOCK_REALTIME),       BUTTER__NAME(CLOCK_MONOTONIC),      BUTTER__NAME(CLOCK_BOOTTIME),
	BUTTER__NAME(CLOCK_REALTIME_ALARM), BUTTER__NAME(CLOCK_BOOTTIME_ALARM),
};
static const struct butter__names clocks = BUTTER__NAMES("CLOCK_", clock_names);

int butter_timerfd_clock_format(int clockid, char *buf, size_t len)
{
	return butter__enum_format(&clocks, clockid, buf, len);
}

int butter_timerfd_clock_parse(const char *text, int *ret_clockid)
{
	return butter__enum_parse(&clocks, text, ret_clockid);
}
