/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static int invalid(void)
{
	errno = EINVAL;
	return -1;
}

/* ASCII alone, whatever the locale. */
static int upper(unsigned char c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

static int equal(const char *name, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!name[i] || upper((unsigned char)name[i]) != upper((unsigned char)text[i]))
			return 0;
	return !name[len];
}

int butter__name_parse(const struct butter__names *table, const char *text, size_t len, uint32_t *ret)
{
	size_t prefix = strlen(table->prefix);
	for (size_t i = 0; i < table->count; i++) {
		const char *name = table->names[i].name;
		if (equal(name, text, len) ||
		    (!strncmp(name, table->prefix, prefix) && equal(name + prefix, text, len))) {
			*ret = table->names[i].value;
			return 0;
		}
	}
	return invalid();
}

enum { DIGITS = 24 };

/* A copy of len bytes of text that ends with NUL, if they can be a number. */
static int copy_digits(const char *text, size_t len, const char *first, char digits[DIGITS])
{
	if (len == 0 || len >= DIGITS || !strchr(first, text[0]))
		return invalid();
	memcpy(digits, text, len);
	digits[len] = '\0';
	return 0;
}

int butter__number_parse(const char *text, size_t len, int64_t min, int64_t max, int64_t *ret)
{
	char digits[DIGITS], *end;
	if (copy_digits(text, len, min < 0 ? "-0123456789" : "0123456789", digits) < 0)
		return -1;
	int saved = errno;
	errno = 0;
	intmax_t value = strtoimax(digits, &end, 10);
	if (errno || end == digits || *end || value < min || value > max)
		return invalid();
	errno = saved;
	*ret = value;
	return 0;
}

/* Bits: decimal, or hexadecimal after "0x". */
static int bits_parse(const char *text, size_t len, uint64_t *ret)
{
	char digits[DIGITS], *end;
	if (copy_digits(text, len, "0123456789", digits) < 0)
		return -1;
	int saved = errno;
	errno = 0;
	uintmax_t value = strtoumax(digits, &end, strncmp(digits, "0x", 2) ? 10 : 16);
	if (errno || *end)
		return invalid();
	errno = saved;
	*ret = value;
	return 0;
}

/* Appends to a text whose full length is at; only what fits before len is stored. */
static size_t append(char *buf, size_t len, size_t at, const char *text)
{
	size_t n = strlen(text);
	if (len > 0 && at < len - 1) {
		size_t room = len - 1 - at;
		memcpy(buf + at, text, n < room ? n : room);
		buf[at + (n < room ? n : room)] = '\0';
	}
	return at + n;
}

int butter__text_format(const char *text, char *buf, size_t len)
{
	if (len > 0)
		buf[0] = '\0';
	return (int)append(buf, len, 0, text);
}

int butter__number_format(int value, char *buf, size_t len)
{
	char number[16];
	snprintf(number, sizeof(number), "%d", value);
	return butter__text_format(number, buf, len);
}

int butter__mask_format(const struct butter__names *table, uint64_t mask, char *buf, size_t len)
{
	size_t at = 0;
	uint64_t rest = mask;
	if (len > 0)
		buf[0] = '\0';
	for (size_t i = 0; i < table->count && rest; i++) {
		uint32_t value = table->names[i].value;
		if ((rest & value) != value)
			continue;
		at = append(buf, len, at, at ? "|" : "");
		at = append(buf, len, at, table->names[i].name);
		rest &= ~(uint64_t)value;
	}
	if (rest || !mask) {
		char number[DIGITS];
		snprintf(number, sizeof(number), mask ? "0x%" PRIx64 : "%" PRIu64, rest);
		at = append(buf, len, at, at ? "|" : "");
		at = append(buf, len, at, number);
	}
	return (int)at;
}

/* One word of a mask. */
static int word_parse(const struct butter__names *table, const char *text, size_t len, uint64_t *ret)
{
	uint32_t bits;
	if (*text >= '0' && *text <= '9')
		return bits_parse(text, len, ret);
	if (butter__name_parse(table, text, len, &bits) < 0)
		return -1;
	*ret = bits;
	return 0;
}

int butter__mask_parse64(const struct butter__names *table, const char *text, uint64_t *ret)
{
	static const char separators[] = "|, \t\n";
	uint64_t mask = 0, bits;
	size_t words = 0;
	if (!text)
		return invalid();
	for (;; words++) {
		text += strspn(text, separators);
		size_t n = strcspn(text, separators);
		if (n == 0)
			break;
		if (word_parse(table, text, n, &bits) < 0)
			return -1;
		mask |= bits;
		text += n;
	}
	if (words == 0)
		return invalid();
	*ret = mask;
	return 0;
}

int butter__mask_parse(const struct butter__names *table, const char *text, uint32_t *ret)
{
	uint64_t mask;
	if (butter__mask_parse64(table, text, &mask) < 0)
		return -1;
	if (mask > UINT32_MAX)
		return invalid();
	*ret = (uint32_t)mask;
	return 0;
}

const char *butter__enum_name(const struct butter__names *table, int value)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->names[i].value == (uint32_t)value)
			return table->names[i].name;
	return NULL;
}

int butter__enum_format(const struct butter__names *table, int value, char *buf, size_t len)
{
	const char *name = butter__enum_name(table, value);
	return name ? butter__text_format(name, buf, len) : butter__number_format(value, buf, len);
}

int butter__enum_parse(const struct butter__names *table, const char *text, int *ret)
{
	uint32_t value;
	int64_t number;
	int saved = errno;
	if (!text)
		return invalid();
	if (butter__number_parse(text, strlen(text), INT_MIN, INT_MAX, &number) == 0) {
		*ret = (int)number;
		return 0;
	}
	if (butter__name_parse(table, text, strlen(text), &value) < 0)
		return -1;
	errno = saved;
	*ret = (int)value;
	return 0;
}
