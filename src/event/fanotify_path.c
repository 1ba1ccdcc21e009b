/* SPDX-License-Identifier: MIT */
/*
 * Where handles are. A path is asked of the kernel once, and kept as long as nothing can have changed it:
 * a group of its own tells of every directory that is renamed or removed, mountinfo of every mount. Both
 * are asked, by one system call, before a kept path is told, and both are told before the call that
 * changed something returns. Where there can be no such group nothing is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <butter/epoll.h>
#include <butter/file.h>

#include "fanotify.h"
#include "object.h"
#include "path_cache.h"

enum {
	HANDLE_LIMIT = 8 + 128, /* of struct file_handle */
	KEY_LIMIT = 8 + HANDLE_LIMIT,
	TRIES = 16,
	BUFFER_SIZE = 16 << 10,
	CHANGES = FAN_MOVED_FROM | FAN_MOVED_TO | FAN_DELETE | FAN_ONDIR,
};

enum keeping { UNKNOWN, YES, NO };

struct mount {
	uint64_t fsid;
	enum keeping marked;
	char path[]; /* of a directory that was on it when a watch was put there */
};

struct butter__paths {
	struct mount **mounts;
	size_t count;
	enum keeping keeps;
	int set, group, mountinfo; /* set: the epoll fd of the other two */
	struct butter__path_cache cache;
	unsigned char buf[BUFFER_SIZE];
};

static ssize_t path_of_fd(int fd, char path[PATH_MAX])
{
	char link[32];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, PATH_MAX - 1);
	if (n >= 0)
		path[n] = '\0';
	return n;
}

static struct mount *find_mount(const struct butter__paths *p, uint64_t fsid)
{
	for (size_t i = 0; p && i < p->count; i++)
		if (p->mounts[i]->fsid == fsid)
			return p->mounts[i];
	return NULL;
}

static int fsid_of(int fd, uint64_t *ret_fsid)
{
	struct statfs fs;
	_Static_assert(sizeof(fs.f_fsid) == sizeof(*ret_fsid), "fsid");
	if (fstatfs(fd, &fs) < 0)
		return -1;
	memcpy(ret_fsid, &fs.f_fsid, sizeof(*ret_fsid));
	return 0;
}

/* The directory of what fd is. 0, or -1: it has no path. */
static int directory_of(int fd, char path[PATH_MAX])
{
	struct stat st;
	if (fstat(fd, &st) < 0 || path_of_fd(fd, path) < 0 || path[0] != '/')
		return -1;
	char *slash = strrchr(path, '/');
	if (!S_ISDIR(st.st_mode))
		slash[slash == path] = '\0';
	return 0;
}

static struct butter__paths *new (void)
{
	struct butter__paths *p = calloc(1, sizeof(*p));
	if (p)
		p->set = p->group = p->mountinfo = -1;
	return p;
}

static int add_mount(struct butter__paths **p, uint64_t fsid, const char *path)
{
	if (!*p && !(*p = new ()))
		return -1;
	size_t size = strlen(path) + 1;
	struct mount **mounts = realloc((*p)->mounts, ((*p)->count + 1) * sizeof(struct mount *));
	if (!mounts)
		return -1;
	(*p)->mounts = mounts;
	struct mount *m = calloc(1, sizeof(*m) + size);
	if (!m)
		return -1;
	m->fsid = fsid;
	memcpy(m->path, path, size);
	mounts[(*p)->count++] = m;
	return 0;
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
	char text[PATH_MAX];
	uint64_t fsid;
	int saved = errno, n = 0, fd = open_watched(dirfd, path, flags);
	if (fd >= 0) {
		if (fsid_of(fd, &fsid) == 0 && !find_mount(*p, fsid) && directory_of(fd, text) == 0)
			n = add_mount(p, fsid, text);
		butter__close(fd);
	}
	if (n == 0)
		errno = saved;
	return n;
}

static void forget_mount(struct butter__paths *p, struct mount *m)
{
	size_t i = 0;
	while (p->mounts[i] != m)
		i++;
	p->mounts[i] = p->mounts[--p->count];
	butter__free(m);
}

/* A directory on m, open as open_by_handle_at(2) needs it; -1 with ENODEV when it is no more there. */
static int open_mount(struct butter__paths *p, struct mount *m)
{
	uint64_t fsid;
	int fd = open(m->path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && fsid_of(fd, &fsid) == 0 && fsid == m->fsid)
		return fd;
	if (fd >= 0)
		butter__close(fd);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		return -1;
	forget_mount(p, m);
	errno = ENODEV;
	return -1;
}

static void stop_keeping(struct butter__paths *p)
{
	int *fds[] = {&p->set, &p->group, &p->mountinfo};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			butter__close(*fds[i]);
		*fds[i] = -1;
	}
	butter__path_cache_free(&p->cache);
	memset(&p->cache, 0, sizeof(p->cache));
	p->keeps = NO;
}

/* Before Linux 5.17 a group cannot tell which directory was removed. */
static int open_group(void)
{
	unsigned flags = FAN_CLOEXEC | FAN_NONBLOCK;
	int fd = butter_fanotify_init(flags | FAN_REPORT_DFID_NAME_TARGET, O_RDONLY);
	return fd < 0 && errno == EINVAL ? butter_fanotify_init(flags | FAN_REPORT_DFID_NAME, O_RDONLY) : fd;
}

static void start_keeping(struct butter__paths *p, uint32_t max)
{
	struct epoll_event in = {.events = EPOLLIN}, changed = {.events = EPOLLPRI};
	p->group = open_group();
	p->mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	p->set = butter_epoll_create1(EPOLL_CLOEXEC);
	in.data.fd = p->group;
	changed.data.fd = p->mountinfo;
	if (p->group < 0 || p->mountinfo < 0 || p->set < 0 || butter__path_cache_init(&p->cache, max) < 0 ||
	    butter_epoll_ctl(p->set, EPOLL_CTL_ADD, p->group, &in) < 0 ||
	    butter_epoll_ctl(p->set, EPOLL_CTL_ADD, p->mountinfo, &changed) < 0)
		stop_keeping(p);
	else
		p->keeps = YES;
}

static size_t make_key(const struct butter_fanotify_handle *handle, unsigned char key[KEY_LIMIT])
{
	memcpy(key, &handle->fsid, sizeof(handle->fsid));
	memcpy(key + sizeof(handle->fsid), handle->handle, handle->len);
	return sizeof(handle->fsid) + handle->len;
}

static void apply_change(struct butter__paths *p, const struct butter_fanotify_event *ev)
{
	unsigned char key[KEY_LIMIT];
	if ((ev->mask & CHANGES & ~(uint64_t)FAN_ONDIR) != FAN_DELETE || !ev->object.handle ||
	    ev->object.len > HANDLE_LIMIT)
		butter__path_cache_clear(&p->cache);
	else
		butter__path_cache_remove(&p->cache, key, make_key(&ev->object, key));
}

/* All changes of directories until now. */
static void drain_group(struct butter__paths *p)
{
	struct butter_fanotify_event ev;
	ssize_t size, n;
	while ((size = butter__read(p->group, p->buf, BUFFER_SIZE)) > 0) {
		for (ssize_t at = 0; at < size; at += n) {
			n = butter_fanotify_decode(p->buf + at, (size_t)(size - at), &ev);
			if (n <= 0)
				break;
			apply_change(p, &ev);
		}
		if (size > 0 && n <= 0)
			size = -1;
		if (size < 0)
			break;
	}
	if (size < 0)
		butter__path_cache_clear(&p->cache);
}

/* A mark that has gone with a mount is set again when it is needed. */
static void mounts_changed(struct butter__paths *p)
{
	butter__path_cache_clear(&p->cache);
	for (size_t i = 0; i < p->count; i++)
		p->mounts[i]->marked = UNKNOWN;
}

static void apply_changes(struct butter__paths *p)
{
	struct epoll_event ready[2];
	int saved = errno, n = butter_epoll_wait(p->set, ready, 2, 0);
	if (n < 0)
		butter__path_cache_clear(&p->cache);
	for (int i = 0; i < n; i++) {
		if (ready[i].data.fd == p->group)
			drain_group(p);
		else
			mounts_changed(p);
	}
	errno = saved;
}

/* The mark comes before the path is asked for, so that no change can fall between. */
static void mark(struct butter__paths *p, struct mount *m, int fd)
{
	int saved = errno;
	if (p->keeps == YES && m->marked == UNKNOWN)
		m->marked = butter_fanotify_mark(p->group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, CHANGES, fd,
						 NULL) < 0
				    ? NO
				    : YES;
	errno = saved;
}

/*
 * The path of what fd is open on; -1 and ESTALE it was removed, ENOENT no path leads there: another
 * filesystem is mounted over it, or it is outside of what is mounted. A path that a rename outruns is
 * asked for again.
 */
static ssize_t path_of_object(int fd, char path[PATH_MAX], int *ret_is_directory)
{
	struct stat object, there;
	for (int i = 0; i < TRIES; i++) {
		if (fstat(fd, &object) < 0)
			return -1;
		if (object.st_nlink == 0) {
			errno = ESTALE;
			return -1;
		}
		ssize_t n = path_of_fd(fd, path);
		if (n < 0)
			return -1;
		*ret_is_directory = S_ISDIR(object.st_mode);
		if (fstatat(AT_FDCWD, path, &there, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 &&
		    there.st_dev == object.st_dev && there.st_ino == object.st_ino)
			return n;
	}
	errno = ENOENT;
	return -1;
}

static int open_handle(int mount_fd, const struct butter_fanotify_handle *handle)
{
	_Alignas(8) unsigned char copy[HANDLE_LIMIT];
	memcpy(copy, handle->handle, handle->len);
	return butter_open_by_handle_at(mount_fd, (struct file_handle *)copy, O_PATH | O_CLOEXEC);
}

static ssize_t ask_kernel(struct butter__paths *p, struct mount *m,
			  const struct butter_fanotify_handle *handle, char path[PATH_MAX], int *ret_keep)
{
	int is_directory = 0, mount_fd = open_mount(p, m);
	if (mount_fd < 0)
		return -1;
	mark(p, m, mount_fd);
	int fd = open_handle(mount_fd, handle);
	butter__close(mount_fd);
	if (fd < 0)
		return -1;
	ssize_t n = path_of_object(fd, path, &is_directory);
	butter__close(fd);
	*ret_keep = p->keeps == YES && m->marked == YES && is_directory;
	return n;
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
	if (handle && handle->handle && handle->len >= 8 && handle->len <= HANDLE_LIMIT) {
		memcpy(&bytes, handle->handle, sizeof(bytes));
		if (bytes == handle->len - 8)
			return 0;
	}
	errno = EINVAL;
	return -1;
}

ssize_t butter__paths_get(struct butter__paths *p, uint32_t max, const struct butter_fanotify_handle *handle,
			  const char *name, char *buf, size_t len)
{
	unsigned char key[KEY_LIMIT];
	char path[PATH_MAX];
	size_t n;
	int keep = 0;
	if (check(handle) < 0)
		return -1;
	struct mount *m = find_mount(p, handle->fsid);
	if (!m) {
		errno = ENODEV;
		return -1;
	}
	int saved = errno;
	if (p->keeps == UNKNOWN)
		start_keeping(p, max);
	size_t key_len = make_key(handle, key);
	if (p->keeps == YES) {
		apply_changes(p);
		const char *kept = butter__path_cache_get(&p->cache, key, key_len, &n);
		if (kept)
			return join(kept, n, name, buf, len);
	}
	ssize_t asked = ask_kernel(p, m, handle, path, &keep);
	if (asked < 0)
		return -1;
	errno = saved;
	if (keep)
		butter__path_cache_put(&p->cache, key, key_len, path, (size_t)asked);
	return join(path, (size_t)asked, name, buf, len);
}

void butter__paths_free(struct butter__paths *p)
{
	if (!p)
		return;
	stop_keeping(p);
	for (size_t i = 0; i < p->count; i++)
		butter__free(p->mounts[i]);
	butter__free(p->mounts);
	butter__free(p);
}
