/* SPDX-License-Identifier: MIT */
#include <butter/timerfd.h>

int butter_timerfd_create(int clockid, int flags)
{
	return timerfd_create(clockid, flags);
}

int butter_timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old_value)
{
	return timerfd_settime(fd, flags, value, old_value);
}

int butter_timerfd_gettime(int fd, struct itimerspec *value)
{
	return timerfd_gettime(fd, value);
}
