/* SPDX-License-Identifier: MIT */
/* Names of bits and numbers, both ways, from one table. */
#ifndef BUTTER__NAMES_H
#define BUTTER__NAMES_H

#include <stddef.h>
#include <stdint.h>

struct butter__name {
	const char *name;
	uint32_t value;
};

struct butter__names {
	const char *prefix; /* which parse takes as optional */
	const struct butter__name *names;
	size_t count;
};

#define BUTTER__NAME(constant)                                                                               \
	{                                                                                                    \
#constant, (uint32_t)(constant)                                                              \
	}
#define BUTTER__NAMES(prefix_, table)                                                                        \
	{                                                                                                    \
		prefix_, table, sizeof(table) / sizeof((table)[0])                                           \
	}

/* CLD_*: of SIGCHLD, and of what waitid(2) tells. */
extern const struct butter__names butter__child_codes;

/* snprintf(3)'s contract. In a table of bits, a name of many bits stands behind its parts. */
int butter__mask_format(const struct butter__names *table, uint64_t mask, char *buf, size_t len);
int butter__enum_format(const struct butter__names *table, int value, char *buf, size_t len);

/* The same of a text, and of a number in decimal. Not snprintf(3): musl's refuses a len over INT_MAX. */
int butter__text_format(const char *text, char *buf, size_t len);
int butter__number_format(int value, char *buf, size_t len);

/* 0, or -1 with EINVAL and *ret untouched. */
int butter__mask_parse(const struct butter__names *table, const char *text, uint32_t *ret);
int butter__mask_parse64(const struct butter__names *table, const char *text, uint64_t *ret);
int butter__enum_parse(const struct butter__names *table, const char *text, int *ret);

/* The name of value, or NULL. */
const char *butter__enum_name(const struct butter__names *table, int value);

/* The same for len bytes of text, a name or prefix-less name in any case, and no number. */
int butter__name_parse(const struct butter__names *table, const char *text, size_t len, uint32_t *ret);

/* A whole number from min to max, decimal. */
int butter__number_parse(const char *text, size_t len, int64_t min, int64_t max, int64_t *ret);

#endif
