/* SPDX-License-Identifier: MIT */
#include <butter/timerfd.h>

#include "fuzz.h"

static ssize_t expected(const unsigned char *buf, size_t len)
{
	return fuzz_counter(buf, len);
}

static void check(const unsigned char *buf, size_t n, const struct butter_timerfd_event *event)
{
	require(n == sizeof(event->expirations) && !memcmp(&event->expirations, buf, n));
	require(event->cancelled == 0);
}

FUZZ_DECODER(timerfd)
