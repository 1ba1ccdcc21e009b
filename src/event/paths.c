/* SPDX-License-Identifier: MIT */
/*
 * What tells that paths have changed. A group of our own is told of directories that are renamed or
 * removed on the filesystems of which paths are kept, and in the directories above where these are
 * mounted; mountinfo of every mount. Both are told before the call that changed something returns.
 */
#include <errno.h>
#include <string.h>

#include <butter/epoll.h>

#include "object.h"
#include "paths.h"

enum {
	READS = 256,                       /* of the buffer: about as much as the queue holds twice */
	BELOW = FAN_MOVED_TO | FAN_DELETE, /* asked of a whole filesystem, and */
	ABOVE = FAN_MOVED_FROM,            /* of directories above where it is mounted */
};

/* The f_type of statfs(2). */
enum { EXT = 0xef53, TMPFS = 0x01021994, XFS = 0x58465342 };
#define BTRFS 0x9123683eUL
#define F2FS 0xf2f52010UL

void butter__paths_stop(struct butter__paths *p)
{
	int *fds[] = {&p->set, &p->group, &p->mountinfo};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			butter__close(*fds[i]);
		*fds[i] = -1;
	}
	butter__path_cache_free(&p->cache);
}

/* Before Linux 5.17 a group cannot tell which directory was removed. */
static int open_group(void)
{
	unsigned flags = FAN_CLOEXEC | FAN_NONBLOCK;
	int fd = butter_fanotify_init(flags | FAN_REPORT_DFID_NAME_TARGET, O_RDONLY);
	return fd < 0 && errno == EINVAL ? butter_fanotify_init(flags | FAN_REPORT_DFID_NAME, O_RDONLY) : fd;
}

static int open_set(struct butter__paths *p)
{
	struct epoll_event in = {.events = EPOLLIN}, changed = {.events = EPOLLPRI};
	p->group = open_group();
	if (p->group < 0)
		return -1;
	p->mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (p->mountinfo < 0)
		return -1;
	p->set = butter_epoll_create1(EPOLL_CLOEXEC);
	in.data.fd = p->group;
	changed.data.fd = p->mountinfo;
	if (p->set < 0 || butter_epoll_ctl(p->set, EPOLL_CTL_ADD, p->group, &in) < 0)
		return -1;
	return butter_epoll_ctl(p->set, EPOLL_CTL_ADD, p->mountinfo, &changed);
}

/* A lack may pass. */
void butter__paths_start(struct butter__paths *p, uint32_t max)
{
	int saved = errno;
	if (open_set(p) == 0 && butter__path_cache_init(&p->cache, max) == 0) {
		p->keeps = YES;
	} else {
		p->keeps = butter__is_lack(errno) ? UNKNOWN : NO;
		butter__paths_stop(p);
	}
	errno = saved;
}

size_t butter__paths_key(const struct butter_fanotify_handle *handle, unsigned char key[BUTTER__KEY_LIMIT])
{
	memcpy(key, &handle->fsid, sizeof(handle->fsid));
	memcpy(key + sizeof(handle->fsid), handle->handle, handle->len);
	return sizeof(handle->fsid) + handle->len;
}

/* Guards are set again where they are needed: one may have gone with its mount. */
static void forget_all(struct butter__paths *p)
{
	butter__path_cache_clear(&p->cache);
	for (struct butter__mount *m = p->mounts.first; m; m = m->next)
		m->guard = UNGUARDED;
}

static void removed(struct butter__paths *p, const struct butter_fanotify_handle *object)
{
	unsigned char key[BUTTER__KEY_LIMIT];
	struct butter__mount *m = object->handle ? butter__mounts_find(p->mounts.first, object->fsid) : NULL;
	if (m && !m->removes_trees && object->len <= BUTTER__HANDLE_LIMIT)
		butter__path_cache_remove(&p->cache, key, butter__paths_key(object, key));
	else
		butter__path_cache_clear(&p->cache);
}

/* Files are told of only before Linux 6.0. A full queue has lost anything. */
static void apply_change(struct butter__paths *p, const struct butter_fanotify_event *ev)
{
	int of_dir = (ev->mask & FAN_ONDIR) != 0;
	if ((ev->mask & FAN_Q_OVERFLOW) || (of_dir && (ev->mask & ABOVE)))
		forget_all(p);
	else if (of_dir && (ev->mask & FAN_MOVED_TO))
		butter__path_cache_clear(&p->cache);
	else if (of_dir)
		removed(p, &ev->object);
}

static int apply_all(struct butter__paths *p, size_t size)
{
	struct butter_fanotify_event ev;
	ssize_t n;
	for (size_t at = 0; at < size; at += (size_t)n) {
		n = butter_fanotify_decode(p->buf + at, size - at, &ev);
		if (n <= 0)
			return -1;
		apply_change(p, &ev);
	}
	return 0;
}

/* All changes of directories until now. Those who go on renaming are not waited for: nothing is kept then. */
static void drain_group(struct butter__paths *p)
{
	for (int i = 0; i < READS; i++) {
		ssize_t size = butter__read(p->group, p->buf, sizeof(p->buf));
		if (size == 0)
			return;
		if (size < 0 || apply_all(p, (size_t)size) < 0)
			break;
	}
	forget_all(p);
}

void butter__paths_update(struct butter__paths *p)
{
	struct epoll_event ready[2];
	int saved = errno, n = butter_epoll_wait(p->set, ready, 2, 0);
	if (n < 0)
		forget_all(p);
	for (int i = 0; i < n; i++) {
		if (ready[i].data.fd == p->group)
			drain_group(p);
		else
			forget_all(p);
	}
	errno = saved;
}

/*
 * Filesystems that change by nothing but the calls of this kernel, and give a directory one handle. On
 * btrfs a subvolume is removed with all that is in it.
 */
static int is_told_of(struct butter__mount *m, int fd)
{
	uint64_t fsid;
	unsigned long type;
	if (butter__fsid_of(fd, &fsid, &type) < 0)
		return 0;
	m->removes_trees = type == BTRFS;
	return type == BTRFS || type == EXT || type == F2FS || type == TMPFS || type == XFS;
}

/* The directories above a mount point, from the lowest, as they are: by way of the mount. */
static int guard_above(int group, const char *point, int fd)
{
	char up[PATH_MAX];
	size_t n = 0;
	for (const char *at = point; point[1] && (at = strchr(at, '/')) && n + 3 < sizeof(up); at++) {
		memcpy(up + n, "../", 4);
		n += 3;
		if (butter_fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_ONLYDIR, ABOVE | FAN_ONDIR, fd, up) <
		    0)
			return -1;
	}
	return n + 3 < sizeof(up) ? 0 : -1;
}

/* Since Linux 6.0 files can be ignored, of which there may be many more than directories. */
void butter__paths_guard(struct butter__paths *p, struct butter__mount *m, int fd)
{
	unsigned whole = FAN_MARK_ADD | FAN_MARK_FILESYSTEM;
	int saved = errno;
	if (p->keeps != YES || m->guard != UNGUARDED)
		return;
	m->guard = CANNOT_BE_GUARDED;
	if (is_told_of(m, fd) && guard_above(p->group, m->point, fd) == 0 &&
	    butter_fanotify_mark(p->group, whole, BELOW | FAN_ONDIR, fd, NULL) == 0) {
		butter_fanotify_mark(p->group, whole | FAN_MARK_IGNORE_SURV, BELOW, fd, NULL);
		m->guard = GUARDED;
	}
	errno = saved;
}
