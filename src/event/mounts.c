/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "mounts.h"
#include "object.h"

int butter__is_lack(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

int butter__fsid_of(int fd, uint64_t *ret_fsid, unsigned long *ret_type)
{
	struct statfs fs;
	_Static_assert(sizeof(fs.f_fsid) == sizeof(*ret_fsid), "fsid");
	if (fstatfs(fd, &fs) < 0)
		return -1;
	memcpy(ret_fsid, &fs.f_fsid, sizeof(*ret_fsid));
	if (ret_type)
		*ret_type = (unsigned long)fs.f_type & 0xffffffff;
	return 0;
}

struct butter__mount *butter__mounts_find(struct butter__mount *list, uint64_t fsid)
{
	while (list && list->fsid != fsid)
		list = list->next;
	return list;
}

/* The fsid of what is at a path now; fsid when it cannot be looked at. */
static uint64_t fsid_at(const char *path, uint64_t fsid)
{
	int saved = errno, fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0) {
		butter__fsid_of(fd, &fsid, NULL);
		butter__close(fd);
	}
	errno = saved;
	return fsid;
}

struct butter__mount *butter__mounts_add(struct butter__mounts *m, uint64_t fsid, dev_t dev,
					 const char *point)
{
	size_t size = strlen(point) + 1;
	struct butter__mount *mount = calloc(1, sizeof(*mount) + size), **end = &m->first;
	if (!mount)
		return NULL;
	mount->fsid = fsid;
	mount->point_fsid = fsid_at(point, fsid);
	mount->dev = dev;
	memcpy(mount->point, point, size);
	while (*end)
		end = &(*end)->next;
	return *end = mount;
}

void butter__mounts_forget(struct butter__mounts *m, struct butter__mount *mount)
{
	struct butter__mount **at = &m->first;
	while (*at != mount)
		at = &(*at)->next;
	*at = mount->next;
	butter__free(mount);
}

void butter__mounts_free(struct butter__mounts *m)
{
	while (m->first)
		butter__mounts_forget(m, m->first);
}

int butter__mount_open(const struct butter__mount *mount)
{
	uint64_t fsid;
	int fd = open(mount->point, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && butter__fsid_of(fd, &fsid, NULL) == 0 && fsid == mount->point_fsid)
		return fd;
	if (fd >= 0)
		butter__close(fd);
	else if (butter__is_lack(errno))
		return -1;
	errno = ENODEV;
	return -1;
}
