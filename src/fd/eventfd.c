/* SPDX-License-Identifier: MIT */
#include <butter/eventfd.h>

int butter_eventfd(unsigned initval, int flags)
{
	return eventfd(initval, flags);
}

int butter_eventfd_read(int fd, eventfd_t *value)
{
	return eventfd_read(fd, value);
}

int butter_eventfd_write(int fd, eventfd_t value)
{
	return eventfd_write(fd, value);
}
