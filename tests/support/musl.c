/* SPDX-License-Identifier: MIT */
/*
 * Debian has libcheck for glibc only. What it asks of glibc beyond the standard is the checked
 * variants of printf and longjmp, and the old cancellation hooks: given here to musl's linker.
 */
#ifndef __GLIBC__

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

int __vfprintf_chk(FILE *file, int flag, const char *format, va_list arguments);
int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __printf_chk(int flag, const char *format, ...);
int __vsnprintf_chk(char *buf, size_t max, int flag, size_t size, const char *format, va_list arguments);
int __snprintf_chk(char *buf, size_t max, int flag, size_t size, const char *format, ...);
_Noreturn void __longjmp_chk(jmp_buf env, int value);
void __pthread_register_cancel(void *buf);
void __pthread_unregister_cancel(void *buf);

int __vfprintf_chk(FILE *file, int flag, const char *format, va_list arguments)
{
	(void)flag;
	return vfprintf(file, format, arguments);
}

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int n = __vfprintf_chk(file, flag, format, arguments);
	va_end(arguments);
	return n;
}

int __printf_chk(int flag, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int n = __vfprintf_chk(stdout, flag, format, arguments);
	va_end(arguments);
	return n;
}

int __vsnprintf_chk(char *buf, size_t max, int flag, size_t size, const char *format, va_list arguments)
{
	(void)flag;
	return vsnprintf(buf, max < size ? max : size, format, arguments);
}

int __snprintf_chk(char *buf, size_t max, int flag, size_t size, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int n = __vsnprintf_chk(buf, max, flag, size, format, arguments);
	va_end(arguments);
	return n;
}

void __longjmp_chk(jmp_buf env, int value)
{
	longjmp(env, value);
}

void __pthread_register_cancel(void *buf)
{
	(void)buf;
}

void __pthread_unregister_cancel(void *buf)
{
	(void)buf;
}

#endif
