/* SPDX-License-Identifier: MIT */
/*
 * Patterns beside a matcher that is slow and simple: it makes a list of pieces of the pattern, and finds for
 * each of them and each place of the path whether they match from there. The input: a byte of flags, a
 * pattern, NUL, a path.
 */
#include <ctype.h>

#include "../src/tree/glob.h"
#include "fuzz.h"

enum { MAX = 200 };

enum piece_kind {
	BYTES,      /* one byte, of those in has */
	LITERAL,    /* one byte, itself */
	STAR,       /* any bytes but '/' */
	COMPONENTS, /* any whole components, each with its '/' */
	REST,       /* all that remains */
	NEVER,
};

struct piece {
	enum piece_kind kind;
	unsigned char byte;
	unsigned least; /* of components */
	unsigned char has[256];
};

static struct piece pieces[MAX + 1];
static size_t count;
static int strictly_wrong; /* which check has to say */

static const struct {
	const char *name;
	int (*is)(int c);
} classes[] = {
	{"[:alnum:]", isalnum}, {"[:alpha:]", isalpha}, {"[:blank:]", isblank}, {"[:cntrl:]", iscntrl},
	{"[:digit:]", isdigit}, {"[:graph:]", isgraph}, {"[:lower:]", islower}, {"[:print:]", isprint},
	{"[:punct:]", ispunct}, {"[:space:]", isspace}, {"[:upper:]", isupper}, {"[:xdigit:]", isxdigit},
};

/* A class at p adds its bytes. Its length; 0: it is none; -1: it is one that there is not. */
static int add_class(const char *p, unsigned char has[256])
{
	const char *end = strncmp(p, "[:", 2) ? NULL : strchr(p + 2, ']');
	if (!end || end == p + 2 || end[-1] != ':')
		return 0;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (!strncmp(p, classes[i].name, strlen(classes[i].name))) {
			for (int c = 1; c < 256; c++)
				has[c] |= classes[i].is(c) != 0;
			return (int)(end + 1 - p);
		}
	return -1;
}

/* A byte that may be quoted. NULL: there is none. */
static const char *get_byte(const char *p, unsigned char *ret)
{
	if (*p == '\\')
		p++;
	*ret = (unsigned char)*p;
	return *p ? p + 1 : NULL;
}

/* What is in the set at p, behind its '['. What follows it, or NULL. */
static const char *parse_set(const char *p, unsigned char has[256])
{
	int negated = *p == '!' || *p == '^', first = 1;
	p += negated;
	for (; p && (first || *p != ']'); first = 0) {
		unsigned char from, to;
		int n = *p == '[' ? add_class(p, has) : 0;
		if (n < 0)
			return NULL;
		p += n;
		if (n > 0)
			continue;
		p = get_byte(p, &from);
		if (!p)
			return NULL;
		has[from] = 1;
		if (p[0] != '-' || p[1] == ']' || !p[1])
			continue;
		p = get_byte(p + 1, &to);
		strictly_wrong |= p && to < from;
		for (int c = from; p && c <= to; c++)
			has[c] = 1;
	}
	for (int c = 1; negated && c < 256; c++)
		has[c] = !has[c];
	return p ? p + 1 : NULL;
}

/* The other case is in it too, or out of it when the set is one of what is not. */
static void fold_set(unsigned char has[256], int negated)
{
	for (int c = 'a'; c <= 'z'; c++)
		has[c] = has[toupper(c)] = negated ? has[c] & has[toupper(c)] : has[c] | has[toupper(c)];
}

static const char *parse_stars(const char *pattern, const char *p, struct piece *piece)
{
	const char *begin = p;
	int first = p == pattern || p[-1] == '/';
	while (*p == '*')
		p++;
	piece->kind = STAR;
	if (p - begin < 2 || !first)
		return p;
	if (!*p)
		piece->kind = REST;
	if (*p != '/' && strncmp(p, "\\/", 2) != 0)
		return p;
	piece->kind = COMPONENTS;
	piece->least = *p == '\\';
	return p + 1 + piece->least;
}

static void parse(const char *pattern, unsigned flags)
{
	const char *p = pattern;
	strictly_wrong = !*p;
	for (count = 0; p && *p; count++) {
		struct piece *piece = &pieces[count];
		memset(piece, 0, sizeof(*piece));
		if (*p == '*') {
			p = parse_stars(pattern, p, piece);
			continue;
		}
		piece->kind = *p == '[' || *p == '?' ? BYTES : LITERAL;
		if (*p == '[') {
			int negated = p[1] == '!' || p[1] == '^';
			p = parse_set(p + 1, piece->has);
			if (flags & BUTTER__GLOB_FOLD)
				fold_set(piece->has, negated);
		} else if (*p == '?') {
			memset(piece->has, 1, sizeof(piece->has));
			p++;
		} else {
			p = get_byte(p, &piece->byte);
		}
		piece->has['/'] = 0;
		if (!p)
			piece->kind = NEVER;
	}
	strictly_wrong |= !p;
}

/* Whether the component that begins at path may be passed over, or matched by a wildcard. */
static int hidden(const char *whole, const char *path, unsigned flags)
{
	return (flags & BUTTER__GLOB_PERIOD) && *path == '.' && (path == whole || path[-1] == '/');
}

static int literal(unsigned char a, unsigned char b, unsigned flags)
{
	return a == b || ((flags & BUTTER__GLOB_FOLD) && tolower(a) == tolower(b));
}

/* table[at of the path] is whether the pieces after this one match from there; from[] is with this one. */
static int from_here(const struct piece *piece, const char *whole, const char *path, const char *after,
		     unsigned flags)
{
	size_t at = (size_t)(path - whole);
	unsigned components = 0;
	switch (piece->kind) {
	case LITERAL:
		return *path && literal(piece->byte, (unsigned char)*path, flags) && after[at + 1];
	case BYTES:
		return *path && piece->has[(unsigned char)*path] && !hidden(whole, path, flags) &&
		       after[at + 1];
	case STAR:
		if (hidden(whole, path, flags))
			return 0;
		for (; *path && *path != '/'; path++)
			if (after[path - whole])
				return 1;
		return after[path - whole];
	case COMPONENTS:
		for (;;) {
			if (components >= piece->least && after[path - whole])
				return 1;
			if (hidden(whole, path, flags) || !(path = strchr(path, '/')))
				return 0;
			path++;
			components++;
		}
	case REST:
		for (; *path; path++)
			if (hidden(whole, path, flags))
				return 0;
		return 1;
	default:
		return 0;
	}
}

static int expected(const char *path, unsigned flags)
{
	static char tables[2][MAX + 2];
	size_t len = strlen(path);
	char *after = tables[0], *from = tables[1];
	memset(after, 0, MAX + 2);
	after[len] = 1;
	for (size_t i = count; i-- > 0;) {
		memset(from, 0, MAX + 2);
		for (size_t at = 0; at <= len; at++)
			from[at] = (char)from_here(&pieces[i], path, path + at, after, flags);
		char *swap = after;
		after = from;
		from = swap;
	}
	return after[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > MAX)
		return 0;
	unsigned flags = data[0] & 3;
	char *pattern = strndup((const char *)data + 1, size - 1); /* exact, for ASan */
	require(pattern);
	size_t len = strlen(pattern) + 2;
	char *path = strndup(len < size ? (const char *)data + len : "", len < size ? size - len : 0);
	require(path);
	parse(pattern, flags);
	errno = FUZZ_ERRNO;
	require(butter__glob_match(pattern, path, flags) == expected(path, flags));
	require(errno == FUZZ_ERRNO);
	require(butter__glob_check(pattern) == (strictly_wrong ? -1 : 0));
	require(errno == (strictly_wrong ? EINVAL : FUZZ_ERRNO));
	free(pattern);
	free(path);
	return 0;
}
