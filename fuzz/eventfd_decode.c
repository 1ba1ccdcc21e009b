/* SPDX-License-Identifier: MIT */
#include <butter/eventfd.h>

#include "fuzz.h"

static ssize_t expected(const unsigned char *buf, size_t len)
{
	static const unsigned char zero[8];
	if (len < sizeof(zero))
		return 0;
	return memcmp(buf, zero, sizeof(zero)) ? (ssize_t)sizeof(zero) : -1;
}

static void check(const unsigned char *buf, size_t n, const struct butter_eventfd_event *event)
{
	require(n == sizeof(event->value) && !memcmp(&event->value, buf, n));
}

FUZZ_DECODER(eventfd)
