/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../support/test.h"
#include "told.h"

enum { SECOND = 1000000000, PATIENCE = 20 };

static const char *base;
static char *text;
static size_t len;
struct butter_tree_event last_degraded;

static const struct {
	uint32_t type;
	const char *name;
} names[] = {
	{BUTTER_TREE_CREATED, "CREATED"},     {BUTTER_TREE_DELETED, "DELETED"},
	{BUTTER_TREE_MOVED, "MOVED"},         {BUTTER_TREE_MODIFIED, "MODIFIED"},
	{BUTTER_TREE_WRITTEN, "WRITTEN"},     {BUTTER_TREE_ATTRIB, "ATTRIB"},
	{BUTTER_TREE_READY, "READY"},         {BUTTER_TREE_GAP, "GAP"},
	{BUTTER_TREE_RESCAN, "RESCAN"},       {BUTTER_TREE_DEGRADED, "DEGRADED"},
	{BUTTER_TREE_RECOVERED, "RECOVERED"}, {BUTTER_TREE_UNMOUNTED, "UNMOUNTED"},
	{BUTTER_TREE_MOUNTED, "MOUNTED"},
};

struct butter_tree *tree_of(unsigned flags, const char *dir)
{
	struct butter_tree_options o = {.size = sizeof(o), .flags = flags};
	struct butter_tree *t = butter_tree_open(&o);
	ck_assert_ptr_nonnull(t);
	base = dir;
	return t;
}

const char *at_base(const char *path)
{
	return path_in(base, path);
}

/* "changes" is what is there; times and modes are not what these tests are about. */
int must_add(struct butter_tree *t, const char *path, unsigned flags)
{
	struct butter_tree_root o = {.size = sizeof(o), .flags = flags, .backend = BUTTER_TREE_INOTIFY};
	o.mask = BUTTER_TREE_CREATED | BUTTER_TREE_DELETED | BUTTER_TREE_MOVED | BUTTER_TREE_MODIFIED;
	int root = butter_tree_add(t, path, &o, NULL);
	ck_assert_msg(root >= 0, "%s: %s", path, strerror(errno));
	return root;
}

static const char *relative(const char *path)
{
	size_t n = strlen(base);
	return strncmp(path, base, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static const char *name_of(uint32_t type)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			return names[i].name;
	return "?";
}

static void begin(void)
{
	free(text);
	text = strdup("");
	len = 0;
}

/* The line's start in text. */
static const char *note(const struct butter_tree_event *ev)
{
	char *line;
	int n = asprintf(&line, "%s %s%s%s%s\n", name_of(ev->type),
			 ev->type == BUTTER_TREE_MOVED ? relative(ev->old_path) : "",
			 ev->type == BUTTER_TREE_MOVED ? " > " : "", relative(ev->path),
			 ev->flags & BUTTER_TREE_IS_DIR ? "/" : "");
	ck_assert_int_ge(n, 0);
	text = realloc(text, len + (size_t)n + 1);
	memcpy(text + len, line, (size_t)n + 1);
	len += (size_t)n;
	free(line);
	if (ev->type == BUTTER_TREE_DEGRADED)
		last_degraded = *ev;
	return text + len - n;
}

const char *told(struct butter_tree *t)
{
	struct butter_tree_event ev = {0};
	begin();
	ck_assert_int_ge(butter_tree_sync(t, -1), 0);
	while (ev.type != BUTTER_TREE_SYNC) {
		ck_assert_int_eq(butter_tree_wait_event(t, &ev, (int64_t)PATIENCE * SECOND), 1);
		if (ev.type != BUTTER_TREE_SYNC)
			note(&ev);
	}
	return text;
}

const char *told_until(struct butter_tree *t, const char *line)
{
	struct butter_tree_event ev;
	size_t n = strlen(line);
	const char *last;
	begin();
	do {
		int ready = butter_tree_wait_event(t, &ev, (int64_t)PATIENCE * SECOND);
		ck_assert_msg(ready == 1, "%s is not told after:\n%s", line, text);
		last = note(&ev);
	} while (strncmp(last, line, n) != 0 || last[n] != '\n');
	return text;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *told_sorted(struct butter_tree *t)
{
	size_t count = 0;
	char *copy = strdup(told(t)), **lines = calloc(len + 1, sizeof(*lines)), *at = copy;
	while (*at) {
		lines[count++] = at;
		at = strchr(at, '\n');
		*at++ = '\0';
	}
	qsort(lines, count, sizeof(*lines), by_text);
	for (size_t i = 0, n = 0; i < count; i++)
		n += (size_t)sprintf(text + n, "%s\n", lines[i]);
	free(lines);
	free(copy);
	return text;
}

void make_dir(const char *path)
{
	ck_assert_int_eq(mkdir(at_base(path), 0755), 0);
}

void make_file(const char *path)
{
	touch(at_base(path));
}

void change_name(const char *from, const char *to)
{
	ck_assert_int_eq(rename(at_base(from), at_base(to)), 0);
}

void make_symlink(const char *target, const char *path)
{
	ck_assert_int_eq(symlink(target, at_base(path)), 0);
}

void remove_file(const char *path)
{
	ck_assert_int_eq(unlink(at_base(path)), 0);
}

void remove_dir(const char *path)
{
	ck_assert_int_eq(rmdir(at_base(path)), 0);
}
