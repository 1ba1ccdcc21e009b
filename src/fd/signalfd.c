/* SPDX-License-Identifier: MIT */
#include <butter/signalfd.h>

int butter_signalfd(int fd, const sigset_t *mask, int flags)
{
	return signalfd(fd, mask, flags);
}
