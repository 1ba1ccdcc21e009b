/* SPDX-License-Identifier: MIT */
/*
 * Where handles are. A path is asked of the kernel once, and kept as long as nothing can have changed it:
 * paths.c is told of changes, and is asked, by one system call, before a kept path is told. Where it cannot
 * be told of all nothing is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <butter/file.h>

#include "object.h"
#include "paths.h"

enum {
	TRIES = 256,
	SAME = 8,           /* of them one after the other that gave the same path */
	SAME_ELSEWHERE = 2, /* when the path is outside of the mount */
};

static struct butter__paths *new (void)
{
	struct butter__paths *p = calloc(1, sizeof(*p));
	if (p)
		p->set = p->group = p->mountinfo = -1;
	return p;
}

static int open_watched(int dirfd, const char *path, unsigned flags)
{
	if (!path && dirfd >= 0)
		return fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	return openat(dirfd, path ? path : ".",
		      O_PATH | O_CLOEXEC | (flags & FAN_MARK_DONT_FOLLOW ? O_NOFOLLOW : 0));
}

/* What cannot be looked at, fanotify_mark(2) will tell. */
int butter__paths_note(struct butter__paths **p, int dirfd, const char *path, unsigned flags)
{
	int saved = errno, n;
	if (!*p && !(*p = new ()))
		return -1;
	int fd = open_watched(dirfd, path, flags);
	if (fd >= 0) {
		n = butter__mounts_note(&(*p)->mounts, fd);
		butter__close(fd);
	} else {
		n = butter__is_lack(errno) ? -1 : 0;
	}
	if (n == 0)
		errno = saved;
	return n;
}

static int is_under(const char *point, const char *path)
{
	size_t n = strlen(point);
	return n == 1 || (strncmp(path, point, n) == 0 && (path[n] == '/' || !path[n]));
}

static ssize_t path_of_fd(int fd, char path[PATH_MAX])
{
	char link[32];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, PATH_MAX - 1);
	if (n >= 0)
		path[n] = '\0';
	return n;
}

/* Whether the path leads to what fd is open on. errno may change. */
static int leads_to(const char *path, const struct stat *object)
{
	struct stat there;
	return fstatat(AT_FDCWD, path, &there, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 &&
	       there.st_dev == object->st_dev && there.st_ino == object->st_ino;
}

/*
 * The path of what fd is open on; -1 and ESTALE it was removed, ENOENT no path leads there: another
 * filesystem is mounted over it, it is outside of what is mounted, or it is a file whose name the kernel
 * has not in memory. A path that a rename outruns is asked for again; it was right when the kernel told it.
 */
static ssize_t path_of_object(const struct butter__mount *m, int fd, char path[PATH_MAX], int *ret_may_keep)
{
	char before[PATH_MAX] = "";
	struct stat object;
	ssize_t n = 0;
	int tries = 0;
	for (int same = 0; same < SAME && tries < TRIES; tries++) {
		if (fstat(fd, &object) < 0)
			return -1;
		if (object.st_nlink == 0) {
			errno = ESTALE;
			return -1;
		}
		n = path_of_fd(fd, path);
		if (n < 0)
			return -1;
		int under = is_under(m->point, path);
		*ret_may_keep = under && S_ISDIR(object.st_mode);
		if (leads_to(path, &object))
			return n;
		same = strcmp(path, before) == 0 ? same + (under ? 1 : SAME / SAME_ELSEWHERE) : 0;
		memcpy(before, path, (size_t)n + 1);
	}
	*ret_may_keep = 0;
	errno = ENOENT;
	return tries < TRIES ? -1 : n;
}

/* A directory may be opened by other handles too; but that it was removed is told with this one. */
static int is_its_handle(int fd, const struct butter_fanotify_handle *handle)
{
	_Alignas(struct file_handle) unsigned char own[BUTTER__HANDLE_LIMIT];
	uint32_t room = MAX_HANDLE_SZ;
	int saved = errno, mount_id;
	memcpy(own, &room, sizeof(room));
	int n = butter_name_to_handle_at(fd, "", (struct file_handle *)own, &mount_id, AT_EMPTY_PATH);
	errno = saved;
	return n == 0 && memcmp(own, handle->handle, handle->len) == 0;
}

/*
 * Root of a user namespace may open directories of its own mounts (Linux 6.11). Nothing else: a file is
 * ESTALE then, as is a directory that is no more.
 */
static int open_handle(int mount_fd, const struct butter_fanotify_handle *handle)
{
	_Alignas(struct file_handle) unsigned char copy[BUTTER__HANDLE_LIMIT];
	struct file_handle *h = (struct file_handle *)copy;
	memcpy(copy, handle->handle, handle->len);
	int fd = butter_open_by_handle_at(mount_fd, h, O_PATH | O_CLOEXEC);
	if (fd >= 0 || errno != EPERM)
		return fd;
	return butter_open_by_handle_at(mount_fd, h, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Through one mount; -1 and ENODEV it is not there, ENOENT the object is not to be reached through it. */
static ssize_t ask_mount(struct butter__paths *p, struct butter__mount *m,
			 const struct butter_fanotify_handle *handle, char path[PATH_MAX], int *ret_keep)
{
	int may_keep = 0, mount_fd = butter__mount_open(m);
	if (mount_fd < 0)
		return -1;
	butter__paths_guard(p, m, mount_fd);
	int fd = open_handle(mount_fd, handle);
	butter__close(mount_fd);
	if (fd < 0)
		return -1;
	ssize_t n = path_of_object(m, fd, path, &may_keep);
	*ret_keep = n >= 0 && may_keep && m->guard == GUARDED && is_its_handle(fd, handle);
	butter__close(fd);
	return n;
}

static int is_known(const struct butter__mounts *mounts, uint64_t fsid, const char *point)
{
	const struct butter__mount *m = mounts->first;
	while (m && (m->fsid != fsid || strcmp(m->point, point) != 0))
		m = m->next;
	return m != NULL;
}

/* Through the mounts that no watch told of: it was mounted anew or moved, or there is a bind mount. */
static ssize_t ask_others(struct butter__paths *p, dev_t dev, const struct butter_fanotify_handle *handle,
			  char path[PATH_MAX], int *ret_keep)
{
	struct butter__mountinfo info;
	ssize_t n = -1;
	int error = ENODEV;
	if (butter__mountinfo_open(&info) < 0)
		return -1;
	while (n < 0 && (error == ENODEV || error == ENOENT) && butter__mountinfo_next(&info)) {
		if (info.dev != dev)
			continue;
		error = ENOENT; /* it is mounted somewhere */
		if (is_known(&p->mounts, handle->fsid, info.point))
			continue;
		struct butter__mount *m = butter__mounts_add(&p->mounts, handle->fsid, dev, info.point);
		n = m ? ask_mount(p, m, handle, path, ret_keep) : -1;
		error = n < 0 && errno != ENODEV ? errno : ENOENT;
		if (m && n < 0)
			butter__mounts_forget(&p->mounts, m);
	}
	butter__mountinfo_close(&info);
	errno = error;
	return n;
}

static void forget_mounts(struct butter__mounts *mounts, uint64_t fsid)
{
	struct butter__mount *m;
	while ((m = butter__mounts_find(mounts->first, fsid)))
		butter__mounts_forget(mounts, m);
}

static ssize_t ask_kernel(struct butter__paths *p, const struct butter_fanotify_handle *handle,
			  char path[PATH_MAX], int *ret_keep)
{
	int there = 0;
	dev_t dev = 0;
	for (struct butter__mount *m = p->mounts.first; m; m = m->next) {
		if (m->fsid != handle->fsid)
			continue;
		ssize_t n = ask_mount(p, m, handle, path, ret_keep);
		if (n >= 0 || (errno != ENODEV && errno != ENOENT))
			return n;
		there |= errno == ENOENT;
		dev = m->dev;
	}
	ssize_t n = ask_others(p, dev, handle, path, ret_keep);
	if (n >= 0 || errno != ENODEV)
		return n;
	if (there)
		errno = ENOENT;
	else
		forget_mounts(&p->mounts, handle->fsid);
	return -1;
}

/* path, '/' and name; "." is path itself. */
static ssize_t join(const char *path, size_t path_len, const char *name, char *buf, size_t len)
{
	size_t name_len = name && strcmp(name, ".") != 0 ? strlen(name) : 0;
	size_t slash = name_len && path[path_len - 1] != '/';
	if (path_len + slash + name_len >= len) {
		errno = ERANGE;
		return -1;
	}
	memcpy(buf, path, path_len);
	if (slash)
		buf[path_len] = '/';
	memcpy(buf + path_len + slash, name ? name : "", name_len);
	buf[path_len + slash + name_len] = '\0';
	return (ssize_t)(path_len + slash + name_len);
}

static int check(const struct butter_fanotify_handle *handle)
{
	uint32_t bytes;
	if (handle && handle->handle && handle->len >= BUTTER__HANDLE_HEADER &&
	    handle->len <= BUTTER__HANDLE_LIMIT) {
		memcpy(&bytes, handle->handle, sizeof(bytes));
		if (bytes == handle->len - BUTTER__HANDLE_HEADER)
			return 0;
	}
	errno = EINVAL;
	return -1;
}

ssize_t butter__paths_get(struct butter__paths *p, uint32_t max, const struct butter_fanotify_handle *handle,
			  const char *name, char *buf, size_t len)
{
	unsigned char key[BUTTER__KEY_LIMIT];
	char path[PATH_MAX];
	size_t n;
	int keep = 0, saved = errno;
	if (check(handle) < 0)
		return -1;
	if (!p || !butter__mounts_find(p->mounts.first, handle->fsid)) {
		errno = ENODEV;
		return -1;
	}
	if (p->keeps == UNKNOWN)
		butter__paths_start(p, max);
	size_t key_len = butter__paths_key(handle, key);
	if (p->keeps == YES) {
		butter__paths_update(p);
		const char *kept = butter__path_cache_get(&p->cache, key, key_len, &n);
		if (kept)
			return join(kept, n, name, buf, len);
	}
	ssize_t asked = ask_kernel(p, handle, path, &keep);
	if (asked < 0)
		return -1;
	if (keep)
		butter__path_cache_put(&p->cache, key, key_len, path, (size_t)asked);
	errno = saved;
	return join(path, (size_t)asked, name, buf, len);
}

void butter__paths_free(struct butter__paths *p)
{
	if (!p)
		return;
	butter__paths_stop(p);
	butter__mounts_free(&p->mounts);
	butter__free(p);
}
