/* SPDX-License-Identifier: MIT */
#include <butter/seccomp.h>

#include "../syscall.h"

int butter_seccomp(unsigned operation, unsigned flags, void *args)
{
	return butter__syscall(SYS_seccomp, operation, flags, args);
}
