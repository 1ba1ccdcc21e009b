/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <butter/namespace.h>

#include "../syscall.h"

int butter_unshare(int flags)
{
	return unshare(flags);
}

int butter_setns(int fd, int nstype)
{
	return setns(fd, nstype);
}

/* The words of the first struct clone_args, CLONE_ARGS_SIZE_VER0; the kernel refuses less. */
enum { FLAGS = 0, STACK = 5, WORDS = 8 };

/*
 * A child that shares the memory, or has another stack, cannot come back from here. Any other can:
 * its memory is a copy.
 */
pid_t butter_clone3(struct clone_args *args, size_t size)
{
	uint64_t word[WORDS];
	if (args && size >= sizeof(word)) {
		memcpy(word, args, sizeof(word));
		if ((word[FLAGS] & CLONE_VM) || word[STACK]) {
			errno = EINVAL;
			return -1;
		}
	}
	return butter__syscall(SYS_clone3, args, size);
}
