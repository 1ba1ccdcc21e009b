/* SPDX-License-Identifier: MIT */
/*
 * One mark for a whole filesystem. Directories are known by their handles, which records carry; most
 * records are of other directories of the filesystem, and end at a hash. The kernel merges what happens to
 * one name into one record, before others that came between: the disk decides, as with inotify.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "../event/mounts.h"
#include "../event/object.h"
#include "fan.h"
#include "lazy.h"

enum {
	UNIQUE = 0x001, /* AT_HANDLE_MNT_ID_UNIQUE, since Linux 6.12 */
	ALWAYS = FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_ONDIR,
	/* The two families have the same bits for these. */
	CHANGES = FAN_ACCESS | FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE_WRITE | FAN_CLOSE_NOWRITE | FAN_OPEN,
	COMES_AND_GOES = FAN_CREATE | FAN_DELETE,
};
_Static_assert(CHANGES == (IN_ACCESS | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CLOSE_NOWRITE | IN_OPEN),
	       "changes");
_Static_assert(COMES_AND_GOES == (IN_CREATE | IN_DELETE), "names");
_Static_assert(FAN_ONDIR == IN_ISDIR && FAN_Q_OVERFLOW == IN_Q_OVERFLOW, "flags");

static int open_fanotify(struct butter__channel *c)
{
	struct butter__fan *s = calloc(1, sizeof(*s));
	if (!s)
		return -1;
	c->fd = butter_fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_DFID_NAME_TARGET, O_RDONLY);
	if (c->fd < 0) {
		butter__free(s);
		return -1;
	}
	s->tree = c->tree;
	c->state = s;
	return 0;
}

static void close_fanotify(struct butter__channel *c)
{
	struct butter__fan *s = c->state;
	butter__close(c->fd);
	butter__ahead_free(c);
	butter__handles_free(&s->handles);
	butter__handles_free(&s->away[0]);
	butter__handles_free(&s->away[1]);
	butter__free(s);
	c->state = NULL;
}

/* The filesystem's number as its records have it, asked once for a mount. */
static int fsid_of(struct butter__fan *s, int dir, const char *name, uint64_t mount, uint64_t *ret)
{
	int fd = dir, n;
	if (mount && mount == s->mount) {
		*ret = s->fsid;
		return 0;
	}
	if (name && (fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return -1;
	n = butter__fsid_of(fd, ret, NULL);
	if (name)
		butter__close(fd);
	s->mount = n == 0 ? mount : 0;
	s->fsid = *ret;
	return n;
}

static int get_handle(struct butter__fan *s, int dir, const char *name, struct file_handle *h,
		      uint64_t *ret_mount)
{
	int flags = name ? 0 : AT_EMPTY_PATH;
	const char *path = name ? name : "";
	*ret_mount = 0;
	h->handle_bytes = MAX_HANDLE_SZ;
	if (!s->no_unique) {
		int n = butter_name_to_handle_at(dir, path, h, (int *)(void *)ret_mount, flags | UNIQUE);
		if (n == 0 || errno != EINVAL)
			return n;
		s->no_unique = 1;
	}
	int mount; /* such a number is used again for another mount */
	*ret_mount = 0;
	return butter_name_to_handle_at(dir, path, h, &mount, flags);
}

static void set_key(struct butter__key *ret, uint64_t fsid, const void *handle, size_t len)
{
	memcpy(ret->bytes, &fsid, sizeof(fsid));
	memcpy(ret->bytes + sizeof(fsid), handle, len);
	ret->len = (uint32_t)(sizeof(fsid) + len);
}

int butter__fan_key(struct butter__fan *s, int dir, const char *name, struct butter__key *ret)
{
	_Alignas(struct file_handle) unsigned char handle[BUTTER__HANDLE_LIMIT];
	struct file_handle *h = (struct file_handle *)handle;
	uint64_t fsid, mount;
	if (get_handle(s, dir, name, h, &mount) < 0 || fsid_of(s, dir, name, mount, &fsid) < 0)
		return -1;
	set_key(ret, fsid, handle, BUTTER__HANDLE_HEADER + h->handle_bytes);
	return 0;
}

int butter__fan_key_of(const struct butter_fanotify_handle *h, struct butter__key *ret)
{
	if (!h->handle || h->len > BUTTER__HANDLE_LIMIT)
		return -1;
	set_key(ret, h->fsid, h->handle, h->len);
	return 0;
}

int butter__key_is(const struct butter__key *a, const struct butter__key *b)
{
	return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

static int intern(struct butter__channel *c, int dir, const char *name)
{
	struct butter__fan *s = c->state;
	struct butter__key key;
	if (butter__fan_key(s, dir, name, &key) < 0)
		return -1;
	return butter__handles_intern(&s->handles, key.bytes, key.len);
}

/* The mark is of the filesystem, and as good as nothing when it has one; it may have gone with a mount. */
static int watch(struct butter__channel *c, int dir, const char *name, uint32_t mask)
{
	unsigned whole = FAN_MARK_ADD | FAN_MARK_FILESYSTEM | FAN_MARK_ONLYDIR;
	if (dir == c->barrier) {
		if (butter_fanotify_mark(c->fd, FAN_MARK_ADD, FAN_ATTRIB, dir, NULL) < 0)
			return -1;
	} else if (butter_fanotify_mark(c->fd, whole | FAN_MARK_DONT_FOLLOW, ALWAYS | (mask & CHANGES), dir,
					name ? name : ".") < 0) {
		return -1;
	}
	return intern(c, dir, name);
}

/* Marks stay as long as there is anything to be told of, but the barrier; its own goes with another one. */
static void unwatch(struct butter__channel *c, int wd)
{
	struct butter__fan *s = c->state;
	if (wd == c->barrier_wd)
		butter_fanotify_mark(c->fd, FAN_MARK_REMOVE, FAN_ATTRIB, c->barrier, NULL);
	butter__handles_forget(&s->handles, wd);
	if (s->handles.count <= 1)
		butter_fanotify_mark(c->fd, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, "/");
}

/* The number of a directory; 0: none of ours. */
static int number_of(struct butter__channel *c, const struct butter_fanotify_handle *h, int is_name)
{
	struct butter__fan *s = c->state;
	struct butter__key key;
	if (butter__fan_key_of(h, &key) < 0)
		return 0;
	int wd = butter__handles_find(&s->handles, key.bytes, key.len);
	return !c->lazy || s->tree->lost || wd == c->barrier_wd ? wd
								: butter__lazy_meet(s->tree, c, h, is_name);
}

static void set_name(struct butter__record *ret, const char *name, size_t len)
{
	int is_self = len == 1 && name[0] == '.';
	ret->name = is_self ? "" : name;
	ret->len = is_self ? 0 : len;
}

/* One of the two names of a rename, when its directory is ours. */
static int tell_half(struct butter__channel *c, const struct butter_fanotify_event *ev, int is_new,
		     struct butter__record *ret)
{
	const struct butter__fan *s = c->state;
	int wd = number_of(c, is_new ? &ev->dir : &ev->old_dir, 1);
	if (!wd)
		return 0;
	*ret = (struct butter__record){.wd = wd,
				       .mask = (is_new ? IN_MOVED_TO : IN_MOVED_FROM) |
					       (uint32_t)(ev->mask & FAN_ONDIR),
				       .cookie = s->cookie,
				       .pid = ev->pid};
	set_name(ret, is_new ? ev->name : ev->old_name, is_new ? ev->name_len : ev->old_name_len);
	return 1;
}

/* 1: ret is told, and *ret_more that this record has another. */
static int tell_rename(struct butter__channel *c, const struct butter_fanotify_event *ev,
		       struct butter__record *ret, int *ret_more)
{
	struct butter__fan *s = c->state;
	int is_second = s->half;
	*ret_more = s->half = 0;
	if (!is_second) {
		if (++s->cookie == 0)
			s->cookie = 1;
		if (tell_half(c, ev, 0, ret)) {
			*ret_more = s->half = 1;
			return 1;
		}
	}
	return tell_half(c, ev, 1, ret);
}

/* Else it is of a directory itself, or of a file that has no name any more. */
static int is_of_name(const struct butter_fanotify_event *ev)
{
	return ev->name_len > 0 && !(ev->name_len == 1 && ev->name[0] == '.');
}

static int tell(struct butter__channel *c, const struct butter_fanotify_event *ev, struct butter__record *ret)
{
	int wd;
	if (ev->mask & FAN_Q_OVERFLOW)
		wd = -1;
	else if (!(wd = number_of(c, ev->dir.handle ? &ev->dir : &ev->object, is_of_name(ev))))
		return 0;
	*ret = (struct butter__record){.wd = wd,
				       .mask = (uint32_t)ev->mask &
					       (CHANGES | COMES_AND_GOES | FAN_ONDIR | FAN_Q_OVERFLOW),
				       .pid = ev->pid};
	set_name(ret, ev->name, ev->name_len);
	return 1;
}

static int next(struct butter__channel *c, struct butter__record *ret)
{
	struct butter_fanotify_event ev;
	struct butter__fan *s = c->state;
	int told = 0, more = 0;
	while (!told && c->next < c->end) {
		ssize_t n = butter_fanotify_decode(c->stream + c->next, c->end - c->next, &ev);
		if (n <= 0)
			return -1;
		s->ahead.handled = s->ahead.base + c->next + (uint32_t)n;
		if (c->lazy && !s->tree->lost && !s->half && butter__is_turn(&ev))
			butter__lazy_turn(s->tree, c, &ev);
		if (ev.mask & FAN_RENAME)
			told = tell_rename(c, &ev, ret, &more);
		else
			told = tell(c, &ev, ret);
		c->next += more ? 0 : (uint32_t)n;
	}
	return told;
}

static size_t bytes(const struct butter__channel *c)
{
	const struct butter__fan *s = c->state;
	return butter__handles_bytes(&s->handles) + butter__handles_bytes(&s->away[0]) +
	       butter__handles_bytes(&s->away[1]) + butter__handles_bytes(&s->ahead.by[0].keys) +
	       butter__handles_bytes(&s->ahead.by[1].keys) + s->ahead.size * sizeof(*s->ahead.turns);
}

static uint64_t waiting(struct butter_tree *t, struct butter__channel *c)
{
	butter__ahead_fill(t, c);
	return butter__ahead_bytes(c);
}

const struct butter__backend butter__fanotify_backend = {
	.name = "fanotify",
	.open = open_fanotify,
	.close = close_fanotify,
	.watch = watch,
	.unwatch = unwatch,
	.next = next,
	.bytes = bytes,
	.read = butter__ahead_read,
	.waiting = waiting,
	.takes_paths = 1,
	.tells_self = 1,
};
