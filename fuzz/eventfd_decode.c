/* SPDX-License-Identifier: MIT */
#include <butter/eventfd.h>

#include "fuzz.h"

static ssize_t expected(const unsigned char *buf, size_t len)
{
	return fuzz_counter(buf, len);
}

static void check(const unsigned char *buf, size_t n, const struct butter_eventfd_event *event)
{
	require(n == sizeof(event->value) && !memcmp(&event->value, buf, n));
}

FUZZ_DECODER(eventfd)
