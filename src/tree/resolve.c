/* SPDX-License-Identifier: MIT */
/*
 * From a node to its directory. Only the root's own path may lead through symlinks; below it none is
 * followed, whoever puts one there and when, and what is opened is compared with what is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../event/object.h"
#include "../syscall.h"
#include "tree.h"

struct how {
	uint64_t flags, mode, resolve;
};
enum {
	NO_SYMLINKS = 0x04,
	DIRECTORY = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK,
	PIECE = PATH_MAX - 1
};

static int open_component(int at, const char *path)
{
	return openat(at, path, DIRECTORY | O_NOFOLLOW);
}

/* Without openat2(2), before Linux 5.6 or where it is forbidden: one component at a time. */
static int open_stepwise(int at, char *path)
{
	int fd = -1;
	for (char *slash = path; slash;) {
		slash = strchr(path, '/');
		if (slash)
			*slash = '\0';
		int next = open_component(at, path);
		if (slash)
			*slash = '/';
		if (fd >= 0)
			butter__close(fd);
		if (next < 0)
			return -1;
		at = fd = next;
		path = slash ? slash + 1 : path;
	}
	return fd;
}

static int open_piece(int at, char *path)
{
	struct how how = {.flags = DIRECTORY | O_NOFOLLOW, .resolve = NO_SYMLINKS};
	int fd = butter__syscall(SYS_openat2, at, path, &how, sizeof(how));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = open_stepwise(at, path);
	return fd;
}

/* In pieces that the kernel takes. */
int butter__open_below(int at, char *path, size_t len)
{
	int fd = -1;
	while (len > 0) {
		size_t n = len;
		if (n > PIECE)
			for (n = PIECE; n > 0 && path[n] != '/'; n--)
				continue;
		char *end = path + n;
		int more = n < len;
		if (more)
			*end = '\0';
		int next = open_piece(fd >= 0 ? fd : at, path);
		if (more)
			*end = '/';
		if (fd >= 0)
			butter__close(fd);
		if (next < 0)
			return -1;
		fd = next;
		path += n + (size_t)more;
		len -= n + (size_t)more;
	}
	return fd;
}

static int is_known(const struct butter_tree *t, uint32_t node, int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && butter__model_is(&t->model, node, st.st_dev, st.st_ino);
}

static int open_node(struct butter_tree *t, uint32_t node)
{
	const struct butter__root *root = &t->roots[butter__model_root(&t->model, node)];
	int top = open(root->path_len ? root->path : "/", DIRECTORY);
	if (top < 0 || node == root->node)
		return top;
	if (butter__tree_path(t, &t->scratch, node, NULL, 0) < 0) {
		butter__close(top);
		return -1;
	}
	size_t skip = root->path_len + 1;
	int fd = butter__open_below(top, t->scratch.text + skip, t->scratch.len - skip);
	butter__close(top);
	return fd;
}

/* From the directory that is open, which may have left its place meanwhile: what is gone is not there. */
static int open_from_near(const struct butter_tree *t, uint32_t node)
{
	char way[PATH_MAX];
	struct stat st;
	size_t len = butter__model_way(&t->model, t->open_node, node, way, sizeof(way));
	int fd = len > 0 ? butter__open_below(t->open_fd, way, len) : -1;
	if (fd < 0 || (is_known(t, node, fd) && fstat(fd, &st) == 0 && st.st_nlink > 0))
		return fd;
	butter__close(fd);
	return -1;
}

int butter__tree_open_near(struct butter_tree *t, uint32_t node)
{
	int fd = t->open_node && t->open_node != node ? open_from_near(t, node) : -1;
	if (fd < 0)
		return butter__tree_open_dir(t, node);
	butter__tree_close_dir(t);
	t->open_node = node;
	t->open_fd = fd;
	return fd;
}

int butter__tree_open_dir(struct butter_tree *t, uint32_t node)
{
	if (t->open_node == node)
		return t->open_fd;
	butter__tree_close_dir(t);
	int fd = open_node(t, node);
	if (fd >= 0 && !is_known(t, node, fd)) {
		butter__close(fd);
		errno = ESTALE;
		return -1;
	}
	if (fd >= 0) {
		t->open_node = node;
		t->open_fd = fd;
	}
	return fd;
}

void butter__tree_close_dir(struct butter_tree *t)
{
	if (t->open_node && t->open_fd != t->listed_fd)
		butter__close(t->open_fd);
	t->open_node = 0;
}
