/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "test.h"
#include "trace.h"

/* close(2) of this number marks the start and the end. */
enum { MARK = -12345 };
enum { MOST = sizeof(((struct trace *)0)->number) / sizeof(long) };

static void tracee(void (*fn)(void *), void *arg)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	syscall(SYS_close, MARK);
	fn(arg);
	syscall(SYS_close, MARK);
	_exit(0);
}

/* Lets the child go on to its next stop; its wait status. */
static int resume(pid_t pid, int signo)
{
	int status;
	ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)signo), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void note(pid_t pid, unsigned *marks, struct trace *trace)
{
	struct __ptrace_syscall_info info;
	ck_assert_int_gt(ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info), 0);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	if (info.entry.nr == SYS_close && (int)info.entry.args[0] == MARK) {
		++*marks;
	} else if (*marks == 1) {
		if (trace->count < MOST)
			trace->number[trace->count] = (long)info.entry.nr;
		trace->count++;
	}
}

static void run(void (*fn)(void *), void *arg, struct trace *ret)
{
	int status;
	unsigned marks = 0;
	pid_t pid = check_fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		tracee(fn, arg);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD), 0);
	ret->count = 0;
	for (status = resume(pid, 0); WIFSTOPPED(status);) {
		int call = WSTOPSIG(status) == (SIGTRAP | 0x80);
		if (call)
			note(pid, &marks, ret);
		status = resume(pid, call ? 0 : WSTOPSIG(status));
	}
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(marks, 2);
}

void trace_calls(void (*fn)(void *), void *arg, struct trace *ret)
{
	run(fn, arg, ret);
	ck_assert_uint_le(ret->count, MOST);
}

size_t trace_total(void (*fn)(void *), void *arg)
{
	struct trace trace;
	run(fn, arg, &trace);
	return trace.count;
}

void trace_expect(void (*fn)(void *), void *arg, const long *numbers, size_t count)
{
	struct trace trace;
	trace_calls(fn, arg, &trace);
	ck_assert_uint_eq(trace.count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(trace.number[i], numbers[i]);
}

static int is_heaps(long number)
{
	static const long calls[] = {
		SYS_brk,   SYS_munmap, SYS_madvise, SYS_futex,
#ifdef SYS_mmap2
		SYS_mmap2,
#else
		SYS_mmap,
#endif
	};
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (number == calls[i])
			return 1;
	return 0;
}

void trace_drop_heap(struct trace *trace)
{
	size_t kept = 0;
	for (size_t i = 0; i < trace->count; i++)
		if (!is_heaps(trace->number[i]))
			trace->number[kept++] = trace->number[i];
	trace->count = kept;
}

void trace_compare(struct trace *a, struct trace *b)
{
	trace_drop_heap(a);
	trace_drop_heap(b);
	size_t i = 0;
	while (i < a->count && i < b->count && a->number[i] == b->number[i])
		i++;
	ck_assert_msg(i == a->count && i == b->count, "call %zu: %ld of %zu, %ld of %zu", i,
		      i < a->count ? a->number[i] : -1, a->count, i < b->count ? b->number[i] : -1, b->count);
}

size_t trace_count(const struct trace *trace, long number)
{
	size_t count = 0;
	for (size_t i = 0; i < trace->count; i++)
		count += trace->number[i] == number;
	return count;
}
