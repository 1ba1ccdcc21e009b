/* SPDX-License-Identifier: MIT */
/*
 * libcheck writes to a file where each assertion is that holds, by a system call, so that it can say how far
 * a test came that crashed. Of a test with hundreds of thousands that is most of its time: behind the first
 * of them only now and then one is written. Those that fail all are.
 */
enum { FIRST = 256, THEN = 128 };

void __real__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line);

void __wrap__mark_point(const char *file, int line)
{
	static unsigned count;
	unsigned n = __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
	if (n < FIRST || n % THEN == 0)
		__real__mark_point(file, line);
}
