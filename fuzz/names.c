/* SPDX-License-Identifier: MIT */
/*
 * The parsers and formatters, which have to undo each other. The input: a byte that chooses the
 * table, one that is the signal of a code, the upper half of 64 bits and one length to cut at, 4 of a
 * value, then a text.
 */
#include <butter/epoll.h>
#include <butter/fanotify.h>
#include <butter/inotify.h>
#include <butter/process.h>
#include <butter/signalfd.h>
#include <butter/timerfd.h>
#include <butter/tree.h>

#include "fuzz.h"

enum { HEAD = 6, SHORT = 16 };

static uint8_t choice;

/* As many bits as the type has; the others are 0. */
#define PARSE(T, type)                                                                                       \
	static int T##_parse(const char *text, uint64_t *ret)                                                \
	{                                                                                                    \
		type value = (type)*ret, before = value;                                                     \
		int n = butter_##T##_parse(text, &value);                                                    \
		require(n == 0 || (n == -1 && value == before));                                             \
		*ret = (uint64_t)value & UINT64_MAX >> (64 - 8 * sizeof(type));                              \
		return n;                                                                                    \
	}
#define FORMAT(T, type)                                                                                      \
	static int T##_format(uint64_t value, char *buf, size_t len)                                         \
	{                                                                                                    \
		return butter_##T##_format((type)value, buf, len);                                           \
	}
PARSE(inotify_mask, uint32_t)
FORMAT(inotify_mask, uint32_t)
PARSE(epoll_mask, uint32_t)
FORMAT(epoll_mask, uint32_t)
PARSE(signalfd_signo, int)
FORMAT(signalfd_signo, int)
PARSE(signalfd_code, int)
PARSE(timerfd_clock, int)
FORMAT(timerfd_clock, int)
PARSE(fanotify_mask, uint64_t)
FORMAT(fanotify_mask, uint64_t)
PARSE(process_code, int)
FORMAT(process_code, int)
PARSE(tree_mask, uint32_t)
FORMAT(tree_mask, uint32_t)

static int signalfd_code_format(uint64_t value, char *buf, size_t len)
{
	return butter_signalfd_code_format(choice, (int)value, buf, len);
}

static const struct names {
	int (*parse)(const char *text, uint64_t *ret);
	int (*format)(uint64_t value, char *buf, size_t len);
	uint64_t most; /* all bits that a value has */
} tables[] = {
	{inotify_mask_parse, inotify_mask_format, UINT32_MAX},
	{epoll_mask_parse, epoll_mask_format, UINT32_MAX},
	{signalfd_signo_parse, signalfd_signo_format, UINT32_MAX},
	{signalfd_code_parse, signalfd_code_format, UINT32_MAX},
	{timerfd_clock_parse, timerfd_clock_format, UINT32_MAX},
	{fanotify_mask_parse, fanotify_mask_format, UINT64_MAX},
	{process_code_parse, process_code_format, UINT32_MAX},
	{tree_mask_parse, tree_mask_format, UINT32_MAX},
};

/* 1: the text has a value; 0: it has none, and ret is as it was. */
static int parsed(const struct names *names, const char *text, uint64_t *ret)
{
	errno = FUZZ_ERRNO;
	int n = names->parse(text, ret);
	require(errno == (n == 0 ? FUZZ_ERRNO : EINVAL));
	return n == 0;
}

/* Formats into the last len bytes of a block of size: inside, and as much of text as fits. */
static void check_cut(const struct names *names, uint64_t value, const char *text, size_t len)
{
	size_t whole = strlen(text), size = whole + 3, kept = len > whole ? whole : len ? len - 1 : 0;
	char *block = malloc(size);
	require(block);
	memset(block, FUZZ_POISON, size);
	char *buf = block + size - len;
	require(names->format(value, buf, len) == (int)whole);
	require(fuzz_is_poison(block, size - len));
	if (len > 0)
		require(!memcmp(buf, text, kept) && buf[kept] == '\0');
	free(block);
}

/* The text of a value gives that value again. */
static void check_value(const struct names *names, uint64_t value)
{
	char text[1024];
	uint64_t again = ~value & names->most;
	errno = FUZZ_ERRNO;
	int n = names->format(value, text, sizeof(text));
	require(errno == FUZZ_ERRNO);
	require(n > 0 && (size_t)n < sizeof(text) && strlen(text) == (size_t)n);
	require(parsed(names, text, &again) && again == value);
	require(names->format(value, NULL, 0) == n);
	for (size_t len = 0; len <= SHORT && len <= (size_t)n; len++)
		check_cut(names, value, text, len);
	check_cut(names, value, text, choice < n ? choice : (size_t)n + 2);
	check_cut(names, value, text, (size_t)n);
	check_cut(names, value, text, (size_t)n + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t low;
	if (size < HEAD)
		return 0;
	const struct names *names = &tables[data[0] % (sizeof(tables) / sizeof(tables[0]))];
	choice = data[1];
	memcpy(&low, data + 2, sizeof(low));
	uint64_t value = (choice * UINT64_C(0x0101010100000000) | low) & names->most;
	check_value(names, value);

	char *text = strndup((const char *)data + HEAD, size - HEAD); /* exact, for ASan */
	require(text);
	if (parsed(names, text, &value))
		check_value(names, value);
	free(text);
	return 0;
}
