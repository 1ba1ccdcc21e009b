/* SPDX-License-Identifier: MIT */
#include <butter/inotify.h>

#include "fuzz.h"

enum { NAME_LIMIT = 8192 };

static ssize_t expected(const unsigned char *buf, size_t len)
{
	struct inotify_event record;
	if (len < sizeof(record))
		return 0;
	memcpy(&record, buf, sizeof(record));
	size_t whole = sizeof(record) + record.len;
	if (record.len > NAME_LIMIT)
		return -1;
	if (whole > len)
		return 0;
	return record.len == 0 || memchr(buf + sizeof(record), 0, record.len) ? (ssize_t)whole : -1;
}

static void check(const unsigned char *buf, size_t n, const struct butter_inotify_event *event)
{
	struct inotify_event record;
	memcpy(&record, buf, sizeof(record));
	require(event->wd == record.wd && event->mask == record.mask && event->cookie == record.cookie);
	require(strlen(event->name) == event->name_len);
	if (record.len == 0) {
		require(event->name_len == 0);
		return;
	}
	require(event->name == (const char *)buf + sizeof(record));
	require(sizeof(record) + event->name_len < n);
}

FUZZ_DECODER(inotify)
