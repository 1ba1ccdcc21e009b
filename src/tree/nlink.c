/* SPDX-License-Identifier: MIT */
#include <sys/vfs.h>

#include "nlink.h"

/* ext4, tmpfs and xfs. btrfs and overlayfs count nothing, and what others do is not known. */
enum { EXT4 = 0xef53, TMPFS = 0x01021994, XFS = 0x58465342 };

/* A large directory of ext4, whose count is about to end, has been seen to say 2 for a moment. */
enum { LARGE = 512 << 10 };

static int counts(int fd)
{
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0)
		return 0;
	uint32_t type = (uint32_t)fs.f_type;
	return type == EXT4 || type == TMPFS || type == XFS;
}

static uint32_t find(const struct butter__nlink *n, uint64_t dev)
{
	uint32_t i = 0;
	while (i < n->count && n->devs[i].dev != dev)
		i++;
	return i;
}

int butter__nlink_trusts(struct butter__nlink *n, int fd, const struct stat *dir)
{
	uint32_t i = find(n, dir->st_dev);
	if (i == BUTTER__NLINK_DEVS)
		return 0;
	if (i == n->count) {
		n->devs[i].dev = dir->st_dev;
		n->devs[i].trusted = counts(fd);
		n->count++;
	}
	return n->devs[i].trusted;
}

int butter__nlink_is_leaf(const struct stat *dir)
{
	return dir->st_nlink == 2 && dir->st_size < LARGE;
}

/* A count that changes meanwhile proves nothing; 1 is ext4's for more than it can count. */
int butter__nlink_check(struct butter__nlink *n, int fd, const struct stat *st, uint64_t subdirs)
{
	struct stat now;
	uint32_t i = find(n, st->st_dev);
	if (i == n->count || !n->devs[i].trusted || st->st_nlink == 1 || st->st_nlink == 2 + subdirs)
		return 1;
	if (fstat(fd, &now) < 0 || now.st_nlink != st->st_nlink || now.st_mtim.tv_sec != st->st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != st->st_mtim.tv_nsec)
		return 1;
	n->devs[i].trusted = 0;
	return 0;
}
