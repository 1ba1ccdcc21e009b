/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: a check that aborts, exact copies, the rules of every decoder. */
#ifndef FUZZ_H
#define FUZZ_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* libFuzzer's, AFL's and replay.c's way in. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	FUZZ_ERRNO = 4000,  /* no errno of the kernel's: what has to be there still */
	FUZZ_POISON = 0xa5, /* so has this, in memory that is not to be written */
};

/* Not assert(3), which NDEBUG takes away. */
#define require(condition)                                                                                   \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                      \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

/* Bytes that end where their allocation ends, so that ASan sees the first one over, at an odd address. */
static inline unsigned char *fuzz_copy(const void *data, size_t size)
{
	unsigned char *block = malloc(size + 1);
	require(block);
	if (size > 0)
		memcpy(block + 1, data, size);
	return block + 1;
}

static inline void fuzz_free(unsigned char *copy)
{
	if (copy)
		free(copy - 1);
}

/* The first byte is poison and each other is as the one before it. */
static inline int fuzz_is_poison(const void *memory, size_t size)
{
	const unsigned char *byte = memory;
	return size == 0 || (byte[0] == FUZZ_POISON && !memcmp(byte, byte + 1, size - 1));
}

/* expected() of a counter: 8 bytes that are not all 0. */
static inline ssize_t fuzz_counter(const unsigned char *buf, size_t len)
{
	static const unsigned char zero[8];
	if (len < sizeof(zero))
		return 0;
	return memcmp(buf, zero, sizeof(zero)) ? (ssize_t)sizeof(zero) : -1;
}

/*
 * The target of butter_T_decode(): decodes all records of the input. The file itself has
 * expected(), which says once more what has to be returned, and check(), which sees each event.
 */
#define FUZZ_DECODER(T)                                                                                      \
	static ssize_t decode_one(const unsigned char *buf, size_t len)                                      \
	{                                                                                                    \
		struct butter_##T##_event event;                                                             \
		memset(&event, FUZZ_POISON, sizeof(event));                                                  \
		errno = FUZZ_ERRNO;                                                                          \
		ssize_t n = butter_##T##_decode(buf, len, NULL);                                             \
		require(errno == (n < 0 ? EBADMSG : FUZZ_ERRNO));                                            \
		require(n == expected(buf, len) && n <= (ssize_t)len);                                       \
		errno = FUZZ_ERRNO;                                                                          \
		require(butter_##T##_decode(buf, len, &event) == n);                                         \
		require(errno == (n < 0 ? EBADMSG : FUZZ_ERRNO));                                            \
		if (n > 0)                                                                                   \
			check(buf, (size_t)n, &event);                                                       \
		else                                                                                         \
			require(fuzz_is_poison(&event, sizeof(event)));                                      \
		return n;                                                                                    \
	}                                                                                                    \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                                         \
	{                                                                                                    \
		unsigned char *buf = fuzz_copy(data, size);                                                  \
		size_t at = 0;                                                                               \
		ssize_t n;                                                                                   \
		do {                                                                                         \
			n = decode_one(buf + at, size - at);                                                 \
			at += n > 0 ? (size_t)n : 0;                                                         \
		} while (n > 0);                                                                             \
		fuzz_free(buf);                                                                              \
		return 0;                                                                                    \
	}

#endif
