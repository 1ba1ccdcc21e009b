/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "step.h"

enum { NOREPLACE = 1, EXCHANGE = 2, MOST_DEPTH = 256 };

static const char *const names[STEP_KINDS] = {
	[STEP_MKDIR] = "mkdir",    [STEP_CREATE] = "create",     [STEP_APPEND] = "append",
	[STEP_TRUNCATE] = "trunc", [STEP_UNLINK] = "unlink",     [STEP_RMDIR] = "rmdir",
	[STEP_RENAME] = "rename",  [STEP_NOREPLACE] = "newname", [STEP_EXCHANGE] = "exchange",
	[STEP_LINK] = "link",      [STEP_SYMLINK] = "symlink",   [STEP_CHMOD] = "chmod",
	[STEP_RMTREE] = "rmtree",  [STEP_FLOOD] = "flood",       [STEP_READ] = "read",
	[STEP_SYNC] = "sync",      [STEP_WAIT] = "wait",         [STEP_CHECK] = "check",
};

void step_print(FILE *to, const struct step *s)
{
	if (s->inside)
		fprintf(to, "~%u ", s->inside);
	fprintf(to, "%s %u %s %s\n", names[s->kind], s->n, s->a[0] ? s->a : "-", s->b[0] ? s->b : "-");
}

int step_scan(const char *line, struct step *ret)
{
	char name[16];
	unsigned inside = 0;
	int skip = 0;
	*ret = (struct step){.kind = STEP_KINDS};
	if (sscanf(line, "~%u %n", &inside, &skip) < 1)
		skip = 0;
	if (sscanf(line + skip, "%15s %u %23s %23s", name, &ret->n, ret->a, ret->b) != 4)
		return 0;
	ret->inside = (uint8_t)inside;
	for (unsigned i = 0; i < STEP_KINDS; i++)
		if (!strcmp(names[i], name))
			ret->kind = (uint8_t)i;
	return ret->kind < STEP_KINDS;
}

static int write_to(int base, const struct step *s, int flags)
{
	int fd = openat(base, s->a, flags | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return 0;
	ssize_t n = flags & O_TRUNC ? ftruncate(fd, s->n) : write(fd, "x", 1);
	close(fd);
	return n >= 0;
}

static int rename_to(int base, const struct step *s, unsigned flags)
{
	return syscall(SYS_renameat2, base, s->a, base, s->b, flags, 0) == 0;
}

/* The next name in a directory, which is being emptied; 0: there is none. */
static int first_name(int dir, char *ret, size_t size)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	while (d && !found && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			found = snprintf(ret, size, "%s", e->d_name) < (int)size;
	if (d)
		closedir(d);
	return found;
}

/* Others write there too: what cannot be removed stays. What is too deep is made less so. */
static int remove_tree(int base, const char *path)
{
	char name[MOST_DEPTH][16];
	int fds[MOST_DEPTH], depth = 0;
	fds[0] = openat(base, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	for (int tries = 0; depth >= 0 && fds[0] >= 0 && tries < 100000; tries++) {
		if (first_name(fds[depth], name[depth], sizeof(name[depth]))) {
			if (unlinkat(fds[depth], name[depth], 0) == 0)
				continue;
			if (depth + 1 == MOST_DEPTH) {
				if (renameat(fds[depth], name[depth], fds[0], "deep") < 0)
					break;
				continue;
			}
			int fd = openat(fds[depth], name[depth],
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (fd >= 0)
				fds[++depth] = fd;
			continue;
		}
		close(fds[depth--]);
		if (depth >= 0)
			(void)!unlinkat(fds[depth], name[depth], AT_REMOVEDIR);
	}
	while (fds[0] >= 0 && depth >= 0)
		close(fds[depth--]);
	return unlinkat(base, path, AT_REMOVEDIR) == 0;
}

/* The records of one name after the other, which no kernel merges. */
static int flood(int base, const struct step *s)
{
	static unsigned serial;
	char from[32], to[32];
	snprintf(from, sizeof(from), "a/noise/%u", serial);
	snprintf(to, sizeof(to), "a/noise/%u", serial);
	int fd = openat(base, from, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	for (uint32_t i = 0; i < s->n; i++) {
		snprintf(from, sizeof(from), "a/noise/%u", serial);
		snprintf(to, sizeof(to), "a/noise/%u", ++serial);
		(void)!renameat(base, from, base, to);
	}
	return unlinkat(base, to, 0) == 0;
}

static int change_mode(int base, const struct step *s)
{
	struct stat st;
	if (fstatat(base, s->a, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISLNK(st.st_mode))
		return 0;
	return fchmodat(base, s->a, S_ISDIR(st.st_mode) ? 0700 | (s->n & 055) : 0600 | (s->n & 044), 0) == 0;
}

int step_do(int base, const struct step *s)
{
	switch (s->kind) {
	case STEP_MKDIR:
		return mkdirat(base, s->a, 0755) == 0;
	case STEP_CREATE:
		return write_to(base, s, O_CREAT);
	case STEP_APPEND:
		return write_to(base, s, O_APPEND);
	case STEP_TRUNCATE:
		return write_to(base, s, O_TRUNC);
	case STEP_UNLINK:
		return unlinkat(base, s->a, 0) == 0;
	case STEP_RMDIR:
		return unlinkat(base, s->a, AT_REMOVEDIR) == 0;
	case STEP_RENAME:
		return rename_to(base, s, 0);
	case STEP_NOREPLACE:
		return rename_to(base, s, NOREPLACE);
	case STEP_EXCHANGE:
		return rename_to(base, s, EXCHANGE);
	case STEP_LINK:
		return linkat(base, s->a, base, s->b, 0) == 0;
	case STEP_SYMLINK:
		return symlinkat(s->b, base, s->a) == 0;
	case STEP_CHMOD:
		return change_mode(base, s);
	case STEP_RMTREE:
		return remove_tree(base, s->a);
	default:
		return s->kind == STEP_FLOOD && flood(base, s);
	}
}
