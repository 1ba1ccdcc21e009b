/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "options.h"

int butter__options_known(const void *options, size_t known, size_t given)
{
	for (size_t i = known; i < given; i++) {
		if (((const unsigned char *)options)[i]) {
			errno = E2BIG;
			return -1;
		}
	}
	return 0;
}

int butter__options_copy(void *ret, size_t size, const void *options)
{
	size_t given = size;
	if (options)
		memcpy(&given, options, sizeof(given));
	if (given < sizeof(given)) {
		errno = EINVAL;
		return -1;
	}
	if (butter__options_known(options, size, given) < 0)
		return -1;
	memset(ret, 0, size);
	if (options)
		memcpy(ret, options, given < size ? given : size);
	memcpy(ret, &size, sizeof(size));
	return 0;
}
