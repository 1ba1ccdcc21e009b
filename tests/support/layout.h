/* SPDX-License-Identifier: MIT */
/* Where the members of a public struct are, which users have compiled in: checked by the compiler. */
#ifndef TESTS_LAYOUT_H
#define TESTS_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define AT(T, member, offset) _Static_assert(offsetof(struct butter_##T, member) == (offset), #T "." #member)
#define SIZE(T, size) _Static_assert(sizeof(struct butter_##T) == (size), #T)
#define WORD (sizeof(void *))

/* A place for 64 bits behind so many bytes: on some 32-bit ABIs 4 are enough of an alignment. */
struct aligned {
	char byte;
	uint64_t number;
};
#define ALIGN offsetof(struct aligned, number)
#define ALIGNED(bytes) (((bytes) + ALIGN - 1) / ALIGN * ALIGN)

#endif
