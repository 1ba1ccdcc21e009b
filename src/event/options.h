/* SPDX-License-Identifier: MIT */
/* Structs that callers fill in, which begin with their size and may grow. */
#ifndef BUTTER__OPTIONS_H
#define BUTTER__OPTIONS_H

#include <stddef.h>

/*
 * Copies the options of a caller, built with an older or a newer butter, to those of this one, of size
 * bytes; NULL is all 0. 0, or -1: EINVAL there is not even a size, E2BIG they ask for what is unknown.
 */
int butter__options_copy(void *ret, size_t size, const void *options);

/*
 * The same question alone. 0, or -1 and E2BIG: of the bytes given, one beyond those known, which a newer
 * butter has added, is not 0.
 */
int butter__options_known(const void *options, size_t known, size_t given);

#endif
