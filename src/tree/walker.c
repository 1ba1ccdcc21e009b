/* SPDX-License-Identifier: MIT */
/* One of those who walk a tree that is new. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "../event/object.h"
#include "first.h"
#include "verdict.h"

enum { BATCH = 128 };

/* What a name is. */
struct found {
	struct butter__dirent entry;
	struct stat st;
	int wd;      /* -1: none */
	int later;   /* it is not plainly new */
	int is_leaf; /* it is not entered */
};

struct walker {
	struct butter__walk *w;
	int has_cwd; /* its working directory is its own */
	struct butter__text path;
	uint32_t last; /* the directory before this one; 0: none */
	int last_fd;
	size_t way_len; /* from there to this one; 0: there is no short way */
	char way[PATH_MAX];
	struct stat dir; /* the directory, before it was listed */
	uint32_t node;
	uint64_t dev, ino; /* of it, as far as is known */
	uint64_t subdirs;
	unsigned char listing[2][BUTTER__LISTING_SIZE];
	size_t by_fd_len; /* of by_fd, up to a name */
	char by_fd[64 + BUTTER__POOL_MAX];
	struct found batch[BATCH];
	unsigned count;
};

static void wake(struct butter__walk *w)
{
	if (w->waiting > 0)
		pthread_cond_broadcast(&w->more);
}

static void leave_for_later(struct butter__walk *w, uint32_t node, const struct found *f)
{
	if (butter__names_add(&w->later, node, f->entry.name, f->entry.len) < 0)
		w->t->lost = 1;
	if (f->wd >= 0 && butter__list_add(&w->strays, (uint32_t)f->wd) < 0)
		w->t->lost = 1;
}

static int is_known(const struct butter__walk *w, uint32_t node, const struct found *f)
{
	const struct butter__model *m = &w->t->model;
	if (butter__model_find(m, node, f->entry.name, f->entry.len))
		return 1;
	if (S_ISDIR(f->st.st_mode))
		return butter__wds_get(&w->channel->wds, f->wd) != 0;
	return butter__model_by_ino(m, f->st.st_dev, f->st.st_ino, 0) != 0;
}

static void skip_leaf(struct walker *k, const struct found *f)
{
	struct butter__walk *w = k->w;
	struct butter__list *scan = &w->t->scan;
	if (f->st.st_dev == k->dir.st_dev && butter__nlink_is_leaf(&f->st) &&
	    butter__list_add(&w->nlink.skipped, scan->items[scan->count - 1]) == 0)
		scan->count--;
}

/* With the lock. */
static void store(struct walker *k, int fd)
{
	struct butter__walk *w = k->w;
	int skips = !w->lists_all && k->count > 0 && butter__nlink_trusts(&w->nlink, fd, &k->dir);
	for (unsigned i = 0; i < k->count; i++) {
		const struct found *f = &k->batch[i];
		uint32_t before = w->t->scan.count;
		if (f->later || is_known(w, k->node, f))
			leave_for_later(w, k->node, f);
		else
			butter__found_new(w->t, k->node, f->entry.name, f->entry.len, &f->st, f->wd,
					  f->is_leaf);
		if (skips && w->t->scan.count > before)
			skip_leaf(k, f);
	}
	k->count = 0;
	wake(w);
}

static void hand_over(struct walker *k, int fd)
{
	pthread_mutex_lock(&k->w->lock);
	store(k, fd);
	pthread_mutex_unlock(&k->w->lock);
}

/* By the working directory; or else by the fd's path, which begins alike for all that is in the directory. */
static int watch(struct walker *k, const struct butter__dirent *entry)
{
	struct butter__channel *c = k->w->channel;
	if (k->has_cwd)
		return c->backend->watch(c, AT_FDCWD, entry->name, k->w->mask);
	if (entry->len >= sizeof(k->by_fd) - k->by_fd_len) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(k->by_fd + k->by_fd_len, entry->name, entry->len + 1);
	return c->backend->watch(c, AT_FDCWD, k->by_fd, k->w->mask);
}

/* First watched, then looked at: one call each. */
static void look(struct walker *k, int fd, struct found *f)
{
	int is_dir = f->entry.type == DT_DIR, at = k->has_cwd ? AT_FDCWD : fd;
	int is_entered = is_dir && !f->is_leaf;
	if (is_entered)
		f->wd = watch(k, &f->entry);
	f->later = (is_entered && f->wd < 0) ||
		   fstatat(at, f->entry.name, &f->st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0 ||
		   !S_ISDIR(f->st.st_mode) != !is_dir ||
		   (k->w->stays_on_dev && is_dir && f->st.st_dev != k->dir.st_dev);
}

/* Rules are asked under the lock, since they use what belongs to the tree, and may be the caller's own. */
static enum butter__filter_verdict ask(struct walker *k, const struct butter__dirent *entry)
{
	struct butter__walk *w = k->w;
	if (!w->has_rules)
		return BUTTER__FILTER_ENTER;
	pthread_mutex_lock(&w->lock);
	enum butter__filter_verdict verdict =
		butter__verdict(w->t, k->node, entry->name, entry->len, entry->type == DT_DIR);
	pthread_mutex_unlock(&w->lock);
	return verdict;
}

static void list_one(struct walker *k, int fd, const struct butter__dirent *entry)
{
	int is_dir = entry->type == DT_DIR;
	k->subdirs += is_dir;
	if (!is_dir && entry->type != DT_UNKNOWN && !butter__tree_has_entries(k->w->t))
		return;
	enum butter__filter_verdict verdict =
		entry->type == DT_UNKNOWN ? BUTTER__FILTER_ENTER : ask(k, entry);
	if (verdict == BUTTER__FILTER_GONE)
		return;
	struct found *f = &k->batch[k->count++];
	f->entry = *entry;
	f->wd = -1;
	f->is_leaf = is_dir && verdict == BUTTER__FILTER_LEAF;
	f->later = entry->type == DT_UNKNOWN;
	if (!f->later)
		look(k, fd, f);
}

/*
 * The names live until the buffer is filled again. There are two, so that a small directory is handed over
 * when it has been read to its end, and the lock is taken once for it.
 */
static int list_all(struct walker *k, int fd)
{
	struct butter__listing listing = {.fd = fd, .buf = k->listing[0]};
	struct butter__dirent entry;
	int n;
	while ((n = butter__listing_next(&listing, &entry)) > 0) {
		list_one(k, fd, &entry);
		int is_at_end = butter__listing_is_at_end(&listing);
		if (k->count == BATCH || (is_at_end && k->count > 0 && listing.buf == k->listing[1]))
			hand_over(k, fd);
		if (is_at_end)
			listing.buf = k->listing[listing.buf == k->listing[0]];
	}
	return n;
}

static int is_known_dir(struct walker *k, int fd)
{
	return fstat(fd, &k->dir) == 0 && k->dir.st_ino == k->ino && k->dir.st_dev == k->dev;
}

static int find_path(struct walker *k)
{
	struct butter__walk *w = k->w;
	pthread_mutex_lock(&w->lock);
	int n = butter__tree_path(w->t, &k->path, k->node, NULL, 0);
	if (n < 0)
		w->t->lost = 1;
	pthread_mutex_unlock(&w->lock);
	return n;
}

/* Below the root's own directory. */
static int open_whole(struct walker *k)
{
	struct butter__walk *w = k->w;
	if (find_path(k) < 0)
		return -1;
	if (k->path.len <= w->top_path)
		return openat(w->top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return butter__open_below(w->top, k->path.text + w->top_path, k->path.len - w->top_path);
}

/* By the short way, if there is one; and found to be the one that is known. */
static int open_dir(struct walker *k)
{
	int fd = k->way_len ? butter__open_below(k->last_fd, k->way, k->way_len) : -1;
	if (fd >= 0 && is_known_dir(k, fd) && k->dir.st_nlink > 0)
		return fd;
	if (fd >= 0)
		butter__close(fd);
	fd = open_whole(k);
	if (fd < 0 || is_known_dir(k, fd))
		return fd;
	butter__close(fd);
	return -1;
}

static void leave_dir(struct walker *k)
{
	if (k->last)
		butter__close(k->last_fd);
	k->last = 0;
}

/* The counts are wrong: what was passed over for them is listed after all. */
static void distrust(struct butter__walk *w, uint64_t dev)
{
	struct butter__list *skipped = &w->nlink.skipped;
	uint32_t left = 0;
	for (uint32_t i = 0; i < skipped->count; i++) {
		uint32_t node = skipped->items[i];
		if (w->t->model.devs[butter__node(&w->t->model, node)->dev] != dev)
			skipped->items[left++] = node;
		else if (butter__list_add(&w->t->scan, node) < 0)
			w->t->lost = 1;
	}
	skipped->count = left;
}

static void begin_dir(struct walker *k, int fd)
{
	struct butter__walk *w = k->w;
	k->subdirs = 0;
	if (fd < 0)
		return;
	k->by_fd_len = (size_t)snprintf(k->by_fd, sizeof(k->by_fd), "/proc/%s/fd/%d/", w->self, fd);
	if (!w->has_lists)
		return;
	pthread_mutex_lock(&w->lock);
	butter__ignore_read(w->t, k->node, fd);
	pthread_mutex_unlock(&w->lock);
}

/* With the lock. */
static void end_dir(struct walker *k, int fd, int failed)
{
	struct butter__walk *w = k->w;
	store(k, fd);
	if (failed && butter__list_add(&w->failed, k->node) < 0)
		w->t->lost = 1;
	if (!failed && !w->lists_all && !butter__nlink_check(&w->nlink, fd, &k->dir, k->subdirs))
		distrust(w, k->dir.st_dev);
	w->working--;
	wake(w);
}

/* The fd of the directory; -1: it is not there. *ret_failed: it could not be listed. */
static int walk_dir(struct walker *k, int *ret_failed)
{
	int fd = open_dir(k), has_cwd = k->has_cwd;
	leave_dir(k);
	begin_dir(k, fd);
	*ret_failed = 1;
	if (fd < 0)
		return -1;
	k->has_cwd = has_cwd && fchdir(fd) == 0;
	*ret_failed = list_all(k, fd) < 0;
	k->has_cwd = has_cwd;
	k->last = k->node;
	k->last_fd = fd;
	return fd;
}

/* With the lock: a directory to walk; 0: there are no more, and nobody is at work who may find one. */
static int take(struct walker *k)
{
	struct butter__walk *w = k->w;
	struct butter_tree *t = w->t;
	while (t->scan.count == 0 && w->working > 0) {
		w->waiting++;
		pthread_cond_wait(&w->more, &w->lock);
		w->waiting--;
	}
	if (t->scan.count == 0)
		return 0;
	k->node = t->scan.items[--t->scan.count];
	w->working++;
	const struct butter__node *n = butter__node(&t->model, k->node);
	k->ino = n->ino;
	k->dev = t->model.devs[n->dev];
	k->way_len = k->last ? butter__model_way(&t->model, k->last, k->node, k->way, sizeof(k->way)) : 0;
	return 1;
}

int butter__walk(struct butter__walk *w, int has_cwd)
{
	struct walker *k = malloc(sizeof(*k));
	if (!k)
		return -1;
	k->w = w;
	k->has_cwd = has_cwd;
	k->path = (struct butter__text){0};
	k->last = 0;
	k->count = 0;
	pthread_mutex_lock(&w->lock);
	while (take(k)) {
		int failed;
		pthread_mutex_unlock(&w->lock);
		int fd = walk_dir(k, &failed);
		pthread_mutex_lock(&w->lock);
		end_dir(k, fd, failed);
	}
	pthread_mutex_unlock(&w->lock);
	leave_dir(k);
	butter__free(k->path.text);
	butter__free(k);
	return 0;
}
