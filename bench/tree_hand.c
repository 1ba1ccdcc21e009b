/* SPDX-License-Identifier: MIT */
/*
 * Watching a tree by hand, in the fastest way known: a thread with a working directory of its own goes to
 * each directory that has subdirectories, and there watches and looks at each by its name.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tree.h"

enum {
	BUFFER_SIZE = 32 << 10,
	MASK = IN_CREATE | IN_DELETE | IN_MOVE | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE
};

struct dirent_of_kernel {
	uint64_t ino, off;
	uint16_t size;
	uint8_t type;
	char name[];
};

/* What such a program needs to know: a path is put together from names. */
struct directory {
	uint64_t ino;
	int wd;
	unsigned parent;
	char *name;
};

struct hand {
	int inotify;
	const char *path;
	struct directory *known;
	unsigned *todo, count, size, todo_count;
};

static unsigned add(struct hand *h, unsigned parent, const char *name, int wd, uint64_t ino)
{
	if (h->count == h->size) {
		h->size = h->size ? 2 * h->size : 1024;
		h->known = realloc(h->known, h->size * sizeof(*h->known));
		h->todo = realloc(h->todo, h->size * sizeof(*h->todo));
		if (!h->known || !h->todo)
			bench_die("realloc");
	}
	h->known[h->count] = (struct directory){.ino = ino, .wd = wd, .parent = parent, .name = strdup(name)};
	return h->count++;
}

static size_t path_of(const struct hand *h, unsigned number, char *buf, size_t size)
{
	size_t at = size - 1;
	buf[at] = '\0';
	for (; number; number = h->known[number].parent) {
		size_t len = strlen(h->known[number].name);
		if (at < len + 1)
			bench_die("a path is too long");
		at -= len;
		memcpy(buf + at, h->known[number].name, len);
		buf[--at] = '/';
	}
	size_t top = strlen(h->path);
	if (at < top)
		bench_die("a path is too long");
	memcpy(buf + at - top, h->path, top);
	return at - top;
}

static void visit(struct hand *h, unsigned parent, const struct dirent_of_kernel *entry)
{
	struct stat st;
	const char *name = entry->name;
	if (entry->type != DT_DIR || !strcmp(name, ".") || !strcmp(name, ".."))
		return;
	int wd = inotify_add_watch(h->inotify, name, MASK | IN_ONLYDIR | IN_DONT_FOLLOW);
	if (wd < 0 || fstatat(AT_FDCWD, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		bench_die(name);
	unsigned number = add(h, parent, name, wd, st.st_ino);
	if (st.st_nlink != 2)
		h->todo[h->todo_count++] = number;
}

static void list(struct hand *h, unsigned number)
{
	char path[4096], buf[BUFFER_SIZE] __attribute__((aligned(8)));
	size_t at = path_of(h, number, path, sizeof(path));
	int fd = open(path + at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n;
	if (fd < 0 || fchdir(fd) < 0)
		bench_die(path + at);
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		for (long i = 0; i < n;) {
			const struct dirent_of_kernel *entry = (const void *)(buf + i);
			visit(h, number, entry);
			i += entry->size;
		}
	close(fd);
}

static void *walk(void *arg)
{
	struct hand *h = arg;
	if (unshare(CLONE_FS) < 0)
		bench_die("unshare");
	add(h, 0, "", inotify_add_watch(h->inotify, h->path, MASK), 0);
	h->todo[h->todo_count++] = 0;
	while (h->todo_count > 0)
		list(h, h->todo[--h->todo_count]);
	return NULL;
}

unsigned bench_tree_by_hand(int inotify, const char *path)
{
	struct hand h = {.inotify = inotify, .path = path};
	pthread_t thread;
	if (pthread_create(&thread, NULL, walk, &h) != 0)
		bench_die("pthread_create");
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < h.count; i++)
		free(h.known[i].name);
	free(h.known);
	free(h.todo);
	return h.count - 1;
}
