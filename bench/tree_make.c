/* SPDX-License-Identifier: MIT */
/* Trees to be watched, and filesystems for them. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tree.h"

enum { FANOUT = 10, MAX_FDS = 32, TREES = 8, SPARE_WATCHES = 2000, TRIES = 1000 };

static struct bench_tree trees[TREES];
static unsigned tree_count;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_trees(void)
{
	while (tree_count > 0)
		nftw(trees[--tree_count].path, remove_entry, MAX_FDS, FTW_DEPTH | FTW_PHYS);
}

/* The first is top; the nth is in the one of number (n - 2) / FANOUT + 1. */
static void name_directory(const struct bench_tree *tree, unsigned n, char *buf, size_t size)
{
	char below[256];
	size_t at = sizeof(below) - 1;
	below[at] = '\0';
	for (; n > 1; n = (n - 2) / FANOUT + 1) {
		below[--at] = (char)('0' + (n - 2) % FANOUT);
		below[--at] = 'd';
		below[--at] = '/';
	}
	snprintf(buf, size, "%s/top%s", tree->path, below + at);
}

void bench_tree_make(struct bench_tree *tree, const char *parent, unsigned count)
{
	char path[512];
	snprintf(tree->path, sizeof(tree->path), "%s/tree-XXXXXX", parent);
	if (tree_count == TREES || !mkdtemp(tree->path))
		bench_die("mkdtemp");
	if (tree_count == 0)
		atexit(remove_trees);
	tree->count = count;
	trees[tree_count++] = *tree;
	for (unsigned i = 1; i <= count; i++) {
		name_directory(tree, i, path, sizeof(path));
		if (mkdir(path, 0700) < 0)
			bench_die(path);
	}
}

unsigned bench_tree_watches(unsigned wanted)
{
	unsigned limit = 0;
	FILE *file = fopen("/proc/sys/fs/inotify/max_user_watches", "re");
	if (!file || fscanf(file, "%u", &limit) != 1)
		bench_die("/proc/sys/fs/inotify/max_user_watches");
	fclose(file);
	limit = limit < 2 * SPARE_WATCHES ? limit / 2 : limit - SPARE_WATCHES;
	return limit < wanted ? limit : wanted;
}

/* Mounts from now on are seen by this process and its children only, and end with them. */
static int be_alone(void)
{
	static int alone;
	if (!alone)
		alone = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	return alone;
}

/* A free device may be somebody else's before it is taken. The image ends with its last user. */
static int attach(int file, char device[32])
{
	struct loop_config config = {.fd = (uint32_t)file, .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), loop = -1;
	for (int i = 0; control >= 0 && loop < 0 && i < TRIES; i++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);
		snprintf(device, 32, "/dev/loop%d", n);
		loop = open(device, O_RDWR | O_CLOEXEC);
		if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) < 0) {
			close(loop);
			loop = -1;
		}
	}
	if (control >= 0)
		close(control);
	return loop;
}

static int make_ext4(const char *dir)
{
	char file[160], command[320], device[32];
	snprintf(file, sizeof(file), "%s/image", dir);
	snprintf(command, sizeof(command),
		 "PATH=/usr/sbin:/sbin:$PATH exec mkfs.ext4 -q -F -N 300000 "
		 "-E nodiscard,lazy_itable_init=0 '%s' 2G 2>/dev/null",
		 file);
	if (system(command) != 0)
		return 0;
	int fd = open(file, O_RDWR | O_CLOEXEC), loop = fd < 0 ? -1 : attach(fd, device);
	int ok = loop >= 0 && mount(device, dir, "ext4", 0, NULL) == 0;
	if (fd >= 0)
		close(fd);
	if (loop >= 0)
		close(loop);
	return ok;
}

/* The image is in memory, so that no disk counts. */
const char *bench_tree_place(const char *type)
{
	static char places[2][128];
	int is_ext4 = !strcmp(type, "ext4");
	char *dir = places[is_ext4];
	snprintf(dir, sizeof(places[0]), "%s/%s", bench_scratch(), type);
	if (mkdir(dir, 0700) < 0)
		bench_die(dir);
	int ok = be_alone() && mount("tmpfs", dir, "tmpfs", 0, NULL) == 0 && (!is_ext4 || make_ext4(dir));
	errno = 0;
	return ok ? dir : NULL;
}
