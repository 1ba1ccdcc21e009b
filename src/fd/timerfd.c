/* SPDX-License-Identifier: MIT */
#include <butter/timerfd.h>

#include "../syscall.h"

int butter_timerfd_create(int clockid, int flags)
{
	return timerfd_create(clockid, flags);
}

/*
 * On 32-bit ABIs glibc (2.36) makes the call of 32-bit times whenever value fits them, and so cuts
 * an old_value that does not. Since Linux 5.1 there is the one of 64-bit times.
 */
int butter_timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old_value)
{
#ifdef SYS_timerfd_settime64
	return butter__syscall(SYS_timerfd_settime64, fd, flags, value, old_value);
#else
	return timerfd_settime(fd, flags, value, old_value);
#endif
}

int butter_timerfd_gettime(int fd, struct itimerspec *value)
{
	return timerfd_gettime(fd, value);
}
