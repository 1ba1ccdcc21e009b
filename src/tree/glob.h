/* SPDX-License-Identifier: MIT */
/*
 * Shell patterns over bytes, whatever the locale: '?' is one byte of a UTF-8 sequence, not a character.
 *
 *	*		any bytes but '/'
 *	?		a byte that is not '/'
 *	[abc-f]		a byte of the set, never '/'; [!...] and [^...] one that is not of it; a ']' that
 *comes first is of the set; [[:alpha:]] and POSIX's other classes, of ASCII
 *	\x		the byte x itself, in a set too
 *	**		as a whole component: "**" + "/x" is x at any depth, a/ + "**" + "/b" any number of
 *			components between, also none, a/ + "**" all that is inside of a, not a itself;
 *elsewhere it is '*'
 *
 * That is gitignore(5)'s language. There are no braces: to match them without allocating is to try
 * alternatives over again, and that has no bound.
 *
 * Each byte of the pattern meets each byte of the path once at most: the time is bounded by the product
 * of their lengths, for every pattern. Nothing is allocated and nothing recurses.
 */
#ifndef BUTTER__GLOB_H
#define BUTTER__GLOB_H

enum {
	BUTTER__GLOB_PERIOD = 1, /* a period that begins a component is matched by a period only */
	BUTTER__GLOB_FOLD = 2,   /* ASCII letters match in both cases */
};

/* 1 or 0. What is malformed matches nothing. */
int butter__glob_match(const char *pattern, const char *path, unsigned flags);

/*
 * 0, or -1 with EINVAL: an empty pattern, a set without its ']', an unknown class, a range that ends before
 * it begins, a '\' at the end.
 */
int butter__glob_check(const char *pattern);

#endif
