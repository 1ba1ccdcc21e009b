/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../event/mounts.h"
#include "../event/object.h"
#include "../syscall.h"
#include "climb.h"

enum { TRIES = 64, WAITS = 5, DEEPEST = 1 << 16 };

static struct butter__rung *last(struct butter__climb *w)
{
	return &w->links[w->count - 1];
}

int butter__climb_begin(struct butter__climb *w, const struct butter__key *key)
{
	if (w->count == w->size) {
		struct butter__rung *links = butter__grow(w->links, &w->size, 8, sizeof(*links));
		if (!links)
			return -1;
		w->links = links;
	}
	struct butter__rung *link = &w->links[w->count++];
	link->key = *key;
	link->dev = link->ino = link->name_len = 0;
	link->name[0] = '\0';
	return 0;
}

static void go(struct butter__climb *w, int fd)
{
	if (w->fd >= 0)
		butter__close(w->fd);
	w->fd = fd;
}

void butter__climb_end(struct butter__climb *w)
{
	go(w, -1);
}

/* There is no room for an entry, so that whoever lists the directory misses none: what counts is the lock. */
void butter__climb_lock(int dir)
{
	_Alignas(8) char entry[8];
	butter__syscall(SYS_getdents64, dir, entry, (size_t)0);
}

static int open_parent(int fd)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC;
	int up = openat(fd, "..", flags | O_NOATIME);
	return up < 0 && errno == EPERM ? openat(fd, "..", flags) : up;
}

/* The fd of a directory by its handle, below the top of its filesystem; -1 and errno, ENODEV: it has none. */
static int open_key(const struct butter__root *root, const struct butter__key *key)
{
	_Alignas(struct file_handle) unsigned char handle[BUTTER__HANDLE_LIMIT];
	uint64_t fsid, is;
	uint32_t i = 0;
	memcpy(&fsid, key->bytes, sizeof(fsid));
	memcpy(handle, key->bytes + sizeof(fsid), key->len - sizeof(fsid));
	while (i < root->top_count && root->tops[i].fsid != fsid)
		i++;
	int fd = -1, top = i < root->top_count
				   ? open(root->tops[i].path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC)
				   : -1;
	if (top >= 0 && butter__fsid_of(top, &is, NULL) == 0 && is == fsid)
		fd = butter_open_by_handle_at(top, (struct file_handle *)handle, O_PATH | O_CLOEXEC);
	else if (top >= 0 || i == root->top_count || !butter__is_lack(errno))
		errno = ENODEV;
	if (top >= 0)
		butter__close(top);
	return fd;
}

static int identify(int fd, struct butter__rung *link)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
	link->dev = st.st_dev;
	link->ino = st.st_ino;
	return st.st_nlink == 0 ? -1 : 0;
}

void butter__climb_identify(const struct butter__root *root, struct butter__rung *link)
{
	int fd = open_key(root, &link->key);
	if (fd < 0)
		return;
	if (identify(fd, link) < 0)
		link->dev = link->ino = 0;
	butter__close(fd);
}

void butter__climb_lock_key(struct butter_tree *t, const struct butter__root *root,
			    const struct butter__key *key)
{
	int fd = open_key(root, key), dir;
	if (fd >= 0) {
		dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
		butter__close(fd);
		fd = dir;
	}
	if (fd >= 0) {
		butter__climb_lock(fd);
		butter__close(fd);
	} else if (butter__is_lack(errno)) {
		t->lost = 1;
	}
}

static int set_name(struct butter__rung *link, const char *name, size_t len)
{
	if (len == 0 || len > NAME_MAX)
		return -1;
	memcpy(link->name, name, len);
	link->name[len] = '\0';
	link->name_len = len;
	return 0;
}

int butter__rung_name(struct butter__rung *link, const struct butter_fanotify_event *ev)
{
	return ev->mask & FAN_RENAME ? set_name(link, ev->old_name, ev->old_name_len)
				     : set_name(link, ev->name, ev->name_len);
}

/* Where the path is too long to be told, the parent has to be searched. */
static int search_name(struct butter__climb *w, int up)
{
	struct butter__listing listing = {.fd = up, .buf = malloc(BUTTER__LISTING_SIZE)};
	struct butter__dirent entry;
	struct butter__key key;
	int found = 0;
	if (!listing.buf)
		return -1;
	while (!found && butter__listing_next(&listing, &entry) > 0) {
		if (entry.ino != last(w)->ino)
			continue;
		found = butter__fan_key(butter__fan_of(w->channel), up, entry.name, &key) == 0 &&
			butter__key_is(&key, &last(w)->key) && set_name(last(w), entry.name, entry.len) == 0;
	}
	butter__free(listing.buf);
	return found ? 0 : -1;
}

static int ask_name(struct butter__climb *w, int up)
{
	char link[32], path[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", w->fd);
	ssize_t n = readlink(link, path, sizeof(path));
	if (n < 0 || n == sizeof(path))
		return search_name(w, up);
	path[n] = '\0';
	const char *name = strrchr(path, '/');
	return name ? set_name(last(w), name + 1, strlen(name + 1)) : -1;
}

/* 1: this directory, and this name in it, are what was asked before. */
static int is_again(int up, const char *name, struct butter__rung *before)
{
	struct stat st = {0};
	fstat(up, &st);
	int again = before->ino == st.st_ino && before->dev == st.st_dev && !strcmp(before->name, name);
	before->ino = st.st_ino;
	before->dev = st.st_dev;
	memcpy(before->name, name, strlen(name) + 1);
	return again;
}

/*
 * The parent, in which the name has been found to be this directory's; -1 and errno, EAGAIN: it moves faster
 * than it can be found, ENOENT: it is no more, or its name leads to something else, twice, unless there is a
 * record by now.
 */
static int find_parent(struct butter__climb *w)
{
	struct butter__rung before = {0};
	struct butter__key key;
	for (int i = 0; i < TRIES; i++) {
		int up = open_parent(w->fd);
		if (up < 0)
			return -1;
		if (ask_name(w, up) == 0 &&
		    butter__fan_key(butter__fan_of(w->channel), up, last(w)->name, &key) == 0 &&
		    butter__key_is(&key, &last(w)->key))
			return up;
		int again = is_again(up, last(w)->name, &before);
		if (again)
			butter__climb_lock(up);
		butter__close(up);
		errno = ENOENT;
		if (identify(w->fd, last(w)) < 0 || again)
			return -1;
	}
	errno = EAGAIN;
	return -1;
}

/* By what was read before its turn: 1 and the step, or 0, it says nothing of it. */
static int by_record(struct butter__climb *w, enum butter__step *ret)
{
	struct butter_fanotify_event ev;
	struct butter__key key;
	if (!butter__ahead_first(w->tree, w->channel, &last(w)->key, &ev))
		return 0;
	*ret = BUTTER__OUTSIDE;
	if (ev.mask & FAN_CREATE || butter__rung_name(last(w), &ev) < 0 ||
	    butter__fan_key_of(ev.mask & FAN_RENAME ? &ev.old_dir : &ev.dir, &key) < 0)
		return 1;
	go(w, -1);
	*ret = w->count == DEEPEST || butter__climb_begin(w, &key) < 0 ? BUTTER__FAILED : BUTTER__HIGHER;
	return 1;
}

/* The record may be written just now. */
static enum butter__step wait_for_record(struct butter__climb *w)
{
	enum butter__step step = BUTTER__UNCLEAR;
	struct pollfd pfd = {.fd = w->channel->fd, .events = POLLIN};
	for (int i = 0; i < WAITS; i++) {
		butter__ahead_fill(w->tree, w->channel);
		if (by_record(w, &step) || !w->waits)
			break;
		poll(&pfd, 1, 1);
	}
	return step;
}

static enum butter__step higher(struct butter__climb *w, int up)
{
	struct butter__key key;
	enum butter__step step;
	butter__climb_lock(up);
	butter__ahead_fill(w->tree, w->channel);
	if (by_record(w, &step)) {
		butter__close(up);
		return step;
	}
	int n = butter__fan_key(butter__fan_of(w->channel), up, NULL, &key);
	if (n < 0 || butter__key_is(&key, &last(w)->key)) {
		butter__close(up);
		return BUTTER__OUTSIDE;
	}
	go(w, up);
	return w->count == DEEPEST || butter__climb_begin(w, &key) < 0 ? BUTTER__FAILED : BUTTER__HIGHER;
}

enum butter__step butter__climb_step(struct butter__climb *w)
{
	enum butter__step step;
	if (by_record(w, &step))
		return step;
	if (w->fd < 0)
		w->fd = open_key(w->root, &last(w)->key);
	if (w->fd < 0 && errno == ENODEV)
		return BUTTER__OUTSIDE;
	errno = w->fd < 0 ? errno : 0;
	int up = w->fd >= 0 && identify(w->fd, last(w)) == 0 ? find_parent(w) : -1;
	if (up >= 0)
		return higher(w, up);
	if (butter__is_lack(errno) || errno == EAGAIN)
		return BUTTER__FAILED;
	last(w)->dev = last(w)->ino = 0;
	if (w->fd < 0 || identify(w->fd, last(w)) < 0)
		return wait_for_record(w);
	butter__ahead_fill(w->tree, w->channel);
	/* if it did not move to and fro, another filesystem covers it, or it is above the mount */
	return by_record(w, &step) ? step : BUTTER__OUTSIDE;
}
