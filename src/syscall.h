/* SPDX-License-Identifier: MIT */
/*
 * syscall(2) under a second name that returns int, so that `return butter__syscall(...)` in a
 * function that returns int is a jump: the kernel's return then has one frame to go, not two.
 * Every ABI returns an int in the register of a long, and these results fit one. Up to five
 * arguments; a sixth goes over the stack, and there is no jump. Not for link-time optimisation,
 * which sees two types for one symbol: the Makefile keeps it off.
 */
#ifndef BUTTER__SYSCALL_H
#define BUTTER__SYSCALL_H

#include <sys/syscall.h>

int butter__syscall(long number, ...) __asm__("syscall");

#endif
