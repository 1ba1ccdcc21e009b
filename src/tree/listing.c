/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/syscall.h>

#include "../syscall.h"
#include "listing.h"

/* struct linux_dirent64, whose members are where the kernel puts them on every ABI. */
enum { INO = 0, RECLEN = 16, TYPE = 18, NAME = 19 };

static int is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

int butter__listing_is_at_end(struct butter__listing *l)
{
	while (l->at < l->end && is_dot((const char *)l->buf + l->at + NAME)) {
		uint16_t size;
		memcpy(&size, l->buf + l->at + RECLEN, sizeof(size));
		l->at += size;
	}
	return l->at == l->end;
}

int butter__listing_next(struct butter__listing *l, struct butter__dirent *ret)
{
	for (;;) {
		if (l->at == l->end) {
			int n = butter__syscall(SYS_getdents64, l->fd, l->buf, (size_t)BUTTER__LISTING_SIZE);
			if (n <= 0)
				return n;
			l->at = 0;
			l->end = (size_t)n;
		}
		const unsigned char *record = l->buf + l->at;
		uint16_t size;
		memcpy(&size, record + RECLEN, sizeof(size));
		l->at += size;
		ret->name = (const char *)record + NAME;
		if (is_dot(ret->name))
			continue;
		memcpy(&ret->ino, record + INO, sizeof(ret->ino));
		ret->type = record[TYPE];
		ret->len = strlen(ret->name);
		return 1;
	}
}
