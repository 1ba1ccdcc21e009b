/* SPDX-License-Identifier: MIT */
/* What a directory holds, without "." and "..", read into the caller's memory: getdents64(2). */
#ifndef BUTTER__LISTING_H
#define BUTTER__LISTING_H

#include <stddef.h>
#include <stdint.h>

enum { BUTTER__LISTING_SIZE = 32 << 10 };

struct butter__listing {
	int fd;
	unsigned char *buf; /* BUTTER__LISTING_SIZE bytes, aligned to 8 */
	size_t at, end;
};

struct butter__dirent {
	const char *name; /* until the next call */
	size_t len;
	uint64_t ino;  /* of what is mounted there the mount point's */
	unsigned type; /* DT_*, DT_UNKNOWN where the filesystem does not say */
};

/* Whether the next call fills the buffer again, and what names it gave live no more. */
int butter__listing_is_at_end(struct butter__listing *l);

/* 1, 0: there are no more, -1 and errno. */
int butter__listing_next(struct butter__listing *l, struct butter__dirent *ret);

#endif
