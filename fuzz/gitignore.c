/* SPDX-License-Identifier: MIT */
/*
 * Files of patterns, read once more line by line and copied about with no thought of speed; what a glob
 * matches is the glob target's question. The input: a path that begins with 'd' if it is a directory's,
 * NUL, and the file.
 */
#include "../src/tree/gitignore.h"
#include "../src/tree/glob.h"
#include "fuzz.h"

enum { MAX = 4096 };

static char *copy(const char *text, size_t len)
{
	char *copied = strndup(text, len);
	require(copied);
	return copied;
}

/* Spaces go from the end for as long as an even number of backslashes stands before each. */
static void trim(char *line)
{
	for (size_t len = strlen(line); len > 0 && line[len - 1] == ' '; line[--len] = '\0') {
		size_t quotes = 0;
		while (quotes < len - 1 && line[len - 2 - quotes] == '\\')
			quotes++;
		if (quotes % 2)
			return;
	}
}

static const char *last_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* A line's answer, as far as it gives one. */
static void ask_line(char *line, const char *path, int is_dir, int *answer)
{
	int says = BUTTER__GITIGNORE_IGNORED, whole;
	trim(line);
	if (*line == '#')
		return;
	if (*line == '!') {
		says = BUTTER__GITIGNORE_INCLUDED;
		line++;
	}
	size_t len = strlen(line);
	if (len > 0 && line[len - 1] == '/') {
		line[len - 1] = '\0';
		if (!is_dir)
			return;
	}
	whole = strchr(line, '/') != NULL;
	line += *line == '/';
	if (!*line)
		return;
	const char *text = whole ? path : last_of(path);
	/* Up to the first that is special, both are the same. */
	for (; *line && !strchr("*?[\\", *line); line++, text++)
		if (*line != *text)
			return;
	if (butter__glob_match(line, text, 0))
		*answer = says;
}

static int expected(const char *file, size_t len, const char *path, int is_dir)
{
	int answer = BUTTER__GITIGNORE_SILENT;
	size_t from = len >= 3 && !memcmp(file, "\xef\xbb\xbf", 3) ? 3 : 0, to;
	for (; from < len; from = to + 1) {
		for (to = from; to < len && file[to] != '\n'; to++)
			;
		char *line = copy(file + from, to - from - (to > from && file[to - 1] == '\r'));
		ask_line(line, path, is_dir, &answer);
		free(line);
	}
	return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 && size <= MAX ? memchr(data, '\0', size) : NULL;
	if (!nul || nul == data)
		return 0;
	char *path = copy((const char *)data + 1, size - 1);
	size_t len = size - (size_t)(nul + 1 - data);
	unsigned char *file = fuzz_copy(nul + 1, len);
	errno = FUZZ_ERRNO;
	struct butter__gitignore *list = butter__gitignore_parse((char *)file, len);
	require(list);
	int says = (int)butter__gitignore_match(list, path, *data == 'd');
	require(says == expected((char *)file, len, path, *data == 'd'));
	fuzz_free(file); /* the list has copies */
	require((int)butter__gitignore_match(list, path, *data == 'd') == says);
	butter__gitignore_free(list);
	require(errno == FUZZ_ERRNO);
	free(path);
	return 0;
}
