/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../event/object.h"
#include "gitignore.h"
#include "glob.h"

enum {
	NEGATED = 1,
	DIRECTORY = 2, /* it matches directories only */
	ANCHORED = 4,  /* it matches the whole path, not the name */
};

struct pattern {
	const char *text;
	uint32_t literal; /* bytes before the first that is special */
	uint32_t flags;
};

struct butter__gitignore {
	size_t count;
	struct pattern patterns[]; /* and behind them their texts */
};

/* What a line says: a pattern of len bytes, not yet copied. */
struct line {
	const char *text;
	size_t len;
	uint32_t flags;
};

/* The length without the spaces at the end, of which the first may be quoted. */
static size_t trimmed(const char *text, size_t len)
{
	size_t kept = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == ' ')
			continue;
		i += text[i] == '\\';
		kept = i + 1;
	}
	return kept < len ? kept : len;
}

/* A line without its newline. To git it is a string, which a NUL ends. 0: it holds no pattern. */
static int parse_line(const char *text, size_t len, struct line *ret)
{
	uint32_t flags = 0;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	len = trimmed(text, strnlen(text, len));
	if (len == 0 || *text == '#')
		return 0;
	if (*text == '!') {
		flags |= NEGATED;
		text++, len--;
	}
	if (len > 0 && text[len - 1] == '/') {
		flags |= DIRECTORY;
		len--;
	}
	if (memchr(text, '/', len))
		flags |= ANCHORED;
	if (len > 0 && *text == '/')
		text++, len--;
	*ret = (struct line){text, len, flags};
	return len > 0;
}

/* The next pattern of what is left of a file. 0: there is none. */
static int next_line(const char **text, const char *end, struct line *ret)
{
	while (*text < end) {
		const char *line = *text, *newline = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((newline ? newline : end) - line);
		*text = newline ? newline + 1 : end;
		if (parse_line(line, len, ret))
			return 1;
	}
	return 0;
}

static const char *skip_mark(const char *text, size_t len)
{
	return len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? text + 3 : text;
}

struct butter__gitignore *butter__gitignore_parse(const char *text, size_t len)
{
	const char *end = text + len, *begin = skip_mark(text, len), *at = begin;
	size_t count = 0, bytes = 0;
	struct line line;
	if (len > BUTTER__GITIGNORE_MAX) {
		errno = EFBIG;
		return NULL;
	}
	for (; next_line(&at, end, &line); count++)
		bytes += line.len + 1;
	struct butter__gitignore *list = calloc(1, sizeof(*list) + count * sizeof(list->patterns[0]) + bytes);
	if (!list)
		return NULL;
	char *copy = (char *)(list->patterns + count);
	for (at = begin; next_line(&at, end, &line); copy += line.len + 1) {
		struct pattern *pattern = &list->patterns[list->count++];
		*pattern = (struct pattern){memcpy(copy, line.text, line.len), 0, line.flags};
		pattern->literal = (uint32_t)strcspn(copy, "*?[\\");
	}
	return list;
}

void butter__gitignore_free(struct butter__gitignore *list)
{
	butter__free(list);
}

/* As much as there is, and a byte more than there may be. -1 and errno. */
static ssize_t read_all(int fd, char *buf)
{
	size_t len = 0;
	ssize_t n;
	while (len <= BUTTER__GITIGNORE_MAX &&
	       (n = read(fd, buf + len, BUTTER__GITIGNORE_MAX + 1 - len)) != 0) {
		if (n < 0)
			return -1;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static struct butter__gitignore *read_list(int fd)
{
	struct butter__gitignore *list = NULL;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return NULL;
	}
	char *buf = calloc(1, BUTTER__GITIGNORE_MAX + 1);
	if (!buf)
		return NULL;
	ssize_t len = read_all(fd, buf);
	if (len >= 0)
		list = butter__gitignore_parse(buf, (size_t)len);
	butter__free(buf);
	return list;
}

/* Without O_NONBLOCK a pipe of that name would be waited for. */
struct butter__gitignore *butter__gitignore_read(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	struct butter__gitignore *list = read_list(fd);
	butter__close(fd);
	return list;
}

/*
 * What is literal is compared first, and the rest is a pattern of its own. So it is in git, where "**"
 * after the literal part of a component, and before a '/', is as good as a whole component.
 */
static int matches(const struct pattern *pattern, const char *path, const char *name, int is_dir)
{
	const char *text = pattern->flags & ANCHORED ? path : name;
	if ((pattern->flags & DIRECTORY && !is_dir) || strncmp(text, pattern->text, pattern->literal) != 0)
		return 0;
	return butter__glob_match(pattern->text + pattern->literal, text + pattern->literal, 0);
}

enum butter__gitignore_says butter__gitignore_match(const struct butter__gitignore *list, const char *path,
						    int is_dir)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	for (size_t i = list->count; i-- > 0;)
		if (matches(&list->patterns[i], path, name, is_dir))
			return list->patterns[i].flags & NEGATED ? BUTTER__GITIGNORE_INCLUDED
								 : BUTTER__GITIGNORE_IGNORED;
	return BUTTER__GITIGNORE_SILENT;
}
