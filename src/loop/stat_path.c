/* SPDX-License-Identifier: MIT */
/*
 * The way of a path: each directory on it is watched for the entry that comes next, links are followed
 * here, and the file at the end is watched itself. A directory is watched before its entry is looked
 * at, so that whatever changes afterwards is told, and walked again.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "../event/object.h"
#include "stat.h"

enum {
	DIR_MASK = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF |
		   IN_MOVE_SELF,
	FILE_MASK = IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF,
	MOST_LINKS = 40, /* the kernel's */
};

/* An inode that inotify watches. */
struct butter__stat_watch {
	struct butter__stat_watch *next;
	struct butter__stat_link *links;
	int32_t wd; /* -1: inotify has dropped it */
};

struct walk {
	struct butter_loop *loop;
	struct butter__stat *stat;
	struct butter__stat_link *links;
	uint64_t dev;
	int refused;
	uint32_t is_foreign; /* a filesystem that inotify cannot speak for */
	uint32_t symlinks;
	char at[PATH_MAX];       /* the directory that is reached */
	char rest[2 * PATH_MAX]; /* what is left from there */
};

static struct butter__stat_watch **find(struct butter__stats *stats, int32_t wd)
{
	struct butter__stat_watch **at = &stats->buckets[(uint32_t)wd % BUTTER__STAT_BUCKETS];
	while (*at && (*at)->wd != wd)
		at = &(*at)->next;
	return at;
}

/* The same inode has the same number, whoever watches it. */
static struct butter__stat_watch *watch(struct butter_loop *loop, const char *path, uint32_t mask)
{
	if (!loop->stats->inotify) {
		errno = loop->stats->refused;
		return NULL;
	}
	int32_t wd = butter_inotify_watch(loop->stats->inotify, path, mask);
	if (wd < 0)
		return NULL;
	struct butter__stat_watch **at = find(loop->stats, wd);
	if (!*at && (*at = calloc(1, sizeof(**at))))
		(*at)->wd = wd;
	else if (!*at)
		butter_inotify_ignore(loop->stats->inotify, wd);
	return *at;
}

/* In a forked child the parent's instance is left alone. */
static void unwatch(struct butter_loop *loop, struct butter__stat_watch *watch)
{
	if (watch->wd >= 0) {
		*find(loop->stats, watch->wd) = watch->next;
		if (!loop->ending && !butter__forked(loop) && loop->stats->inotify)
			butter_inotify_ignore(loop->stats->inotify, watch->wd);
	}
	free(watch);
}

static void drop_links(struct butter_loop *loop, struct butter__stat_link *link)
{
	struct butter__stat_link *next;
	for (; link; link = next) {
		next = link->next;
		*link->at = link->beside;
		if (link->beside)
			link->beside->at = link->at;
		if (!link->watch->links)
			unwatch(loop, link->watch);
		free(link);
	}
}

static int add_link(struct walk *walk, struct butter__stat_watch *watch, const char *name, size_t len)
{
	struct butter__stat_link *link = calloc(1, sizeof(*link) + len);
	if (!link)
		return -1;
	memcpy(link->name, name, len);
	link->name_len = (uint32_t)len;
	link->stat = walk->stat;
	link->watch = watch;
	link->next = walk->links;
	walk->links = link;
	link->at = &watch->links;
	link->beside = watch->links;
	if (link->beside)
		link->beside->at = &link->beside;
	watch->links = link;
	return 0;
}

/* What is gone by now has been told of by the directory above. */
static void want(struct walk *walk, const char *path, uint32_t mask, const char *name, size_t len)
{
	struct butter__stat_watch *w = watch(walk->loop, path, mask);
	if (w && add_link(walk, w, name, len) == 0)
		return;
	if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		walk->refused = errno;
	if (w && !w->links)
		unwatch(walk->loop, w);
}

/* Where each change is made by this kernel, and told to inotify. */
static int is_local(const char *path)
{
	static const uint32_t kinds[] = {
		0xef53,     /* ext2, ext3, ext4 */
		0x01021994, /* tmpfs */
		0x858458f6, /* ramfs */
		0x58465342, /* xfs */
		0x9123683e, /* btrfs */
		0x794c7630, /* overlay */
		0xf2f52010, /* f2fs */
		0xca451a4e, /* bcachefs */
		0x2fc12fc1, /* zfs */
		0x4d44,     /* fat */
		0x2011bab0, /* exfat */
		0x7366746e, /* ntfs3 */
		0x9660,     /* iso9660 */
		0x15013346, /* udf */
		0x73717368, /* squashfs */
		0xe0f5e1e2, /* erofs */
		0x24051905, /* ubifs */
		0x3434,     /* nilfs2 */
		0x3153464a, /* jfs */
		0x52654973, /* reiserfs */
		0x958458f6, /* hugetlbfs */
	};
	struct statfs fs;
	if (statfs(path, &fs) < 0)
		return 1; /* gone: nothing to speak for */
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if ((uint32_t)fs.f_type == kinds[i])
			return 1;
	return 0;
}

static void judge(struct walk *walk, uint64_t dev)
{
	if (walk->dev != dev && !is_local(walk->at))
		walk->is_foreign = 1;
	walk->dev = dev;
}

/* What is left, with the target of a link before it. 0, or -1: too many, or too long. */
static int follow(struct walk *walk, const char *link, const char *rest)
{
	char target[2 * PATH_MAX];
	ssize_t n = readlink(link, target, PATH_MAX);
	size_t left = strlen(rest);
	if (n < 0)
		return -1;
	if (++walk->symlinks > MOST_LINKS || (size_t)n + 1 + left >= sizeof(walk->rest))
		return -1;
	target[n] = '/';
	memcpy(target + n + 1, rest, left + 1);
	memcpy(walk->rest, target, (size_t)n + left + 2);
	if (*target == '/')
		strcpy(walk->at, "/");
	return 0;
}

static size_t skip_slashes(const char *text)
{
	return strspn(text, "/");
}

/* at/name in full; 0, or -1 with ENAMETOOLONG. */
static int join(char full[PATH_MAX], const char *at, const char *name, size_t len)
{
	size_t at_len = strlen(at), slash = at[at_len - 1] != '/';
	if (at_len + slash + len >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(full, at, at_len);
	full[at_len] = '/';
	memcpy(full + at_len + slash, name, len);
	full[at_len + slash + len] = '\0';
	return 0;
}

/* Goes on by the first name of what is left. 0: there is no further. */
static int step(struct walk *walk)
{
	char full[PATH_MAX];
	struct stat st;
	const char *name = walk->rest + skip_slashes(walk->rest);
	size_t len = strcspn(name, "/");
	const char *rest = name + len + skip_slashes(name + len);
	want(walk, walk->at, DIR_MASK | IN_ONLYDIR, name, len);
	if (join(full, walk->at, name, len) < 0) {
		walk->refused = errno;
		return 0;
	}
	if (lstat(full, &st) < 0)
		return 0;
	if (S_ISLNK(st.st_mode))
		return follow(walk, full, rest) == 0;
	memmove(walk->rest, rest, strlen(rest) + 1);
	memcpy(walk->at, full, strlen(full) + 1);
	judge(walk, st.st_dev);
	if (S_ISDIR(st.st_mode))
		return 1;
	want(walk, full, FILE_MASK | IN_DONT_FOLLOW, "", 0);
	return 0;
}

/* The longest path there is, and all the targets of its links, may be too long for us. */
static void begin(struct walk *walk)
{
	const char *path = walk->stat->w->path;
	memcpy(walk->at, *path == '/' ? "/" : ".", 2);
	walk->is_foreign = !is_local(walk->at);
	if (strlen(path) < sizeof(walk->rest))
		memcpy(walk->rest, path, strlen(path) + 1);
	else
		walk->refused = ENAMETOOLONG;
}

int butter__stat_walk(struct butter_loop *loop, struct butter__stat *s, int *ret_refused)
{
	struct walk walk = {.loop = loop, .stat = s};
	int saved = errno;
	begin(&walk);
	for (;;) {
		size_t dots = skip_slashes(walk.rest);
		while (walk.rest[dots] == '.' && (!walk.rest[dots + 1] || walk.rest[dots + 1] == '/'))
			dots += 1 + skip_slashes(walk.rest + dots + 1);
		memmove(walk.rest, walk.rest + dots, strlen(walk.rest + dots) + 1);
		if (!*walk.rest) {
			want(&walk, walk.at, DIR_MASK | IN_ONLYDIR, "", 0);
			break;
		}
		if (!step(&walk))
			break;
	}
	drop_links(loop, s->links); /* those that stay are in use by now */
	s->links = walk.links;
	*ret_refused = walk.refused;
	errno = saved;
	return !walk.refused && !walk.is_foreign;
}

void butter__stat_leave(struct butter_loop *loop, struct butter__stat *s)
{
	drop_links(loop, s->links);
	s->links = NULL;
}

static void forget(struct butter__stat_watch **at)
{
	struct butter__stat_watch *watch = *at;
	*at = watch->next;
	watch->wd = -1;
}

void butter__stat_forget_all(struct butter__stats *stats)
{
	for (int i = 0; i < BUTTER__STAT_BUCKETS; i++)
		while (stats->buckets[i])
			forget(&stats->buckets[i]);
}

/* An entry of a directory is the link's, or the directory is what is watched. */
static uint32_t dirt_of(const struct butter__stat_link *link, const struct butter_inotify_event *ev)
{
	if (ev->name_len && !link->name_len)
		return BUTTER__LOOK;
	if (ev->name_len)
		return ev->name_len == link->name_len && !memcmp(ev->name, link->name, ev->name_len)
			       ? BUTTER__WALK
			       : 0;
	if (link->name_len || ev->mask & ~(uint32_t)(IN_MODIFY | IN_ATTRIB | IN_ISDIR))
		return BUTTER__WALK;
	return ev->mask & IN_MODIFY ? BUTTER__LOOK | BUTTER__MODIFIED : BUTTER__LOOK;
}

void butter__stat_note(struct butter_loop *loop, const struct butter_inotify_event *ev)
{
	struct butter__stat_watch **at = find(loop->stats, ev->wd), *watch = *at;
	if (!watch)
		return;
	for (struct butter__stat_link *link = watch->links; link; link = link->beside)
		butter__stat_soil(loop, link->stat, dirt_of(link, ev));
	if (ev->mask & IN_IGNORED)
		forget(at);
}
