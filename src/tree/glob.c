/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "glob.h"

/* The test of the bound counts. */
#ifndef BUTTER__GLOB_STEP
#define BUTTER__GLOB_STEP() ((void)0)
#endif

/* A set as it is read, and the byte that is looked for in it, in both cases when that is all the same. */
struct set {
	const char *at, *bracket; /* bracket: the first ']' after where it was last asked for */
	unsigned char byte, other;
	int strict;
};

static int between(const struct set *s, unsigned first, unsigned last)
{
	return (s->byte >= first && s->byte <= last) || (s->other >= first && s->other <= last);
}

/* In pairs, the first and the last byte of each range. */
static int in_class(const struct set *s, const char *name, size_t len)
{
	static const struct {
		const char *name, *ranges;
	} classes[] = {
		{"alnum", "09AZaz"},   {"alpha", "AZaz"},
		{"blank", "\t\t  "},   {"cntrl", "\001\037\177\177"},
		{"digit", "09"},       {"graph", "!~"},
		{"lower", "az"},       {"print", " ~"},
		{"punct", "!/:@[`{~"}, {"space", "\t\r  "},
		{"upper", "AZ"},       {"xdigit", "09AFaf"},
	};
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strlen(classes[i].name) != len || memcmp(classes[i].name, name, len) != 0)
			continue;
		int in = 0;
		for (const char *r = classes[i].ranges; *r; r += 2)
			in |= between(s, (unsigned char)r[0], (unsigned char)r[1]);
		return in;
	}
	return -1;
}

/* The ":]" of a class whose name begins here; NULL: it is none. Each byte is looked at once. */
static const char *class_end(struct set *s, const char *name)
{
	if (s->bracket && s->bracket < name)
		s->bracket = strchr(name, ']');
	return s->bracket && s->bracket > name && s->bracket[-1] == ':' ? s->bracket - 1 : NULL;
}

/* The next byte of the set, quoted or not; 0: the pattern ends. */
static unsigned take_byte(struct set *s)
{
	s->at += *s->at == '\\';
	return *s->at ? (unsigned char)*s->at++ : 0;
}

/* Whether the byte is of the next class, range or byte of the set; -1: that is malformed. */
static int take_item(struct set *s)
{
	const char *name, *end;
	BUTTER__GLOB_STEP();
	if (s->at[0] == '[' && s->at[1] == ':' && (end = class_end(s, s->at + 2))) {
		name = s->at + 2;
		s->at = end + 2;
		return in_class(s, name, (size_t)(end - name));
	}
	unsigned first = take_byte(s), last = first;
	if (first && s->at[0] == '-' && s->at[1] && s->at[1] != ']') {
		s->at++;
		last = take_byte(s);
	}
	if (!first || !last || (s->strict && first > last))
		return -1;
	/* A range that ends before it begins is its first byte, as it is for git. */
	return between(s, first, last > first ? last : first);
}

/* Whether the byte is of the set, which begins after a '['. NULL: it is malformed; else what follows its ']'.
 */
static const char *take_set(struct set *s, int *ret_in)
{
	int in = *s->at == '!' || *s->at == '^';
	const char *first = s->at += in;
	for (int not = in; *s->at != ']' || s->at == first;) {
		int item = take_item(s);
		if (item < 0)
			return NULL;
		if (item)
			in = !not ;
	}
	return *ret_in = in, s->at + 1;
}

int butter__glob_check(const char *pattern)
{
	const char *p = pattern;
	int in;
	while (p && *p) {
		struct set set = {.at = p + 1, .bracket = p, .strict = 1};
		if (*p == '[')
			p = take_set(&set, &in);
		else if (*p == '\\')
			p = p[1] ? p + 2 : NULL;
		else
			p++;
	}
	if (p && *pattern)
		return 0;
	errno = EINVAL;
	return -1;
}

struct place {
	const char *pattern, *path;
};

/*
 * star is where to try again with one byte more for the last '*' of this component, components with one
 * component more for the last "**". Earlier ones need not be tried again: what lies between two of them
 * was found as early as it can be, which leaves the most to what follows.
 */
struct match {
	struct place at, star, components;
	const char *pattern, *path; /* where they begin */
	unsigned flags;
};

static unsigned char other_case(unsigned char c)
{
	int is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	return is_letter ? c ^ ('a' ^ 'A') : c;
}

/* A period that no wildcard may match. */
static int is_hidden(const struct match *m, const char *path)
{
	return *path == '.' && (m->flags & BUTTER__GLOB_PERIOD) && (path == m->path || path[-1] == '/');
}

/* What follows the pattern's next piece if that matches this byte, else NULL. */
static const char *match_byte(const struct match *m, const char *p, const char *path)
{
	unsigned char byte = (unsigned char)*path;
	struct set set = {.at = p + 1, .bracket = p, .byte = byte, .other = byte};
	int in = 1;
	if (m->flags & BUTTER__GLOB_FOLD)
		set.other = other_case(byte);
	if (*p == '?' || *p == '[') {
		p = *p == '[' ? take_set(&set, &in) : p + 1;
		return p && in && byte != '/' && !is_hidden(m, path) ? p : NULL;
	}
	p += *p == '\\';
	return (unsigned char)*p == byte || (unsigned char)*p == set.other ? p + 1 : NULL;
}

static int take_one(struct match *m)
{
	const char *next = *m->at.path ? match_byte(m, m->at.pattern, m->at.path) : NULL;
	if (!next)
		return 0;
	if (*m->at.path == '/')
		m->star.pattern = NULL; /* this '/' can be no other one */
	m->at.pattern = next;
	m->at.path++;
	return 1;
}

/* One component more for "**". */
static int next_component(struct match *m)
{
	const char *slash = strchr(m->components.path, '/');
	if (!slash || is_hidden(m, m->components.path))
		return 0;
	m->components.path = slash + 1;
	m->at.pattern = m->components.pattern;
	m->at.path = m->components.path;
	m->star.pattern = NULL;
	return 1;
}

/* "**" at the end: all the rest, but for what is hidden. */
static int take_rest(struct match *m)
{
	const char *path = m->at.path;
	for (const char *slash; (slash = strchr(path, '/')); path = slash + 1)
		if (is_hidden(m, path))
			return 0;
	m->at.pattern += strlen(m->at.pattern);
	m->at.path = path + strlen(path);
	return !is_hidden(m, path);
}

/* "**", whose '/' comes next. A quoted one is for git no part of it, and so not left out with it. */
static int take_components(struct match *m, const char *slash)
{
	int quoted = *slash == '\\';
	m->star.pattern = m->components.pattern = NULL;
	if (!*slash)
		return take_rest(m);
	m->components.pattern = slash + 1 + quoted;
	m->components.path = m->at.path;
	m->at.pattern = m->components.pattern;
	m->at.path = m->components.path;
	return quoted ? next_component(m) : 1;
}

static int take_stars(struct match *m)
{
	const char *stars = m->at.pattern, *end = stars + strspn(stars, "*");
	int begins = stars == m->pattern || stars[-1] == '/';
	int ends = !*end || *end == '/' || (*end == '\\' && end[1] == '/');
	if (end - stars > 1 && begins && ends)
		return take_components(m, end);
	if (is_hidden(m, m->at.path))
		return 0;
	m->at.pattern = end;
	m->star = m->at;
	return 1;
}

/* The path does not end here, so that there is a byte at each place to go on from. */
static int try_again(struct match *m)
{
	if (m->star.pattern && *m->star.path != '/') {
		m->star.path++;
		m->at = m->star;
		return 1;
	}
	return m->components.pattern && next_component(m);
}

int butter__glob_match(const char *pattern, const char *path, unsigned flags)
{
	struct match m = {.at = {pattern, path}, .pattern = pattern, .path = path, .flags = flags};
	while (*m.at.pattern || *m.at.path) {
		BUTTER__GLOB_STEP();
		if (*m.at.pattern == '*' ? take_stars(&m) : take_one(&m))
			continue;
		/* What wants more than all of the path will want it again. */
		if (!*m.at.path || !try_again(&m))
			return 0;
	}
	return 1;
}
