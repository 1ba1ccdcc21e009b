/* SPDX-License-Identifier: MIT */
/*
 * A main for a target without libFuzzer. Built by afl-clang-fast it is AFL's persistent loop;
 * otherwise it feeds the files that are named, or stdin.
 */
#include <unistd.h>

#include "fuzz.h"

#ifdef __AFL_COMPILER

__AFL_FUZZ_INIT();

int main(void)
{
	__AFL_INIT();
	unsigned char *buf = __AFL_FUZZ_TESTCASE_BUF;
	while (__AFL_LOOP(10000))
		LLVMFuzzerTestOneInput(buf, (size_t)__AFL_FUZZ_TESTCASE_LEN);
	return 0;
}

#else

static void replay(FILE *file, const char *name)
{
	static uint8_t buf[1 << 20];
	size_t size = fread(buf, 1, sizeof(buf), file);
	if (ferror(file)) {
		perror(name);
		exit(1);
	}
	LLVMFuzzerTestOneInput(buf, size);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		replay(stdin, "stdin");
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		if (!file) {
			perror(argv[i]);
			return 1;
		}
		replay(file, argv[i]);
		fclose(file);
	}
	return 0;
}

#endif
