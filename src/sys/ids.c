/* SPDX-License-Identifier: MIT */
#include <butter/ids.h>

#include "../syscall.h"

pid_t butter_getpid(void)
{
	return butter__syscall(SYS_getpid);
}

pid_t butter_getppid(void)
{
	return butter__syscall(SYS_getppid);
}

pid_t butter_gettid(void)
{
	return butter__syscall(SYS_gettid);
}
