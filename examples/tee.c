/* SPDX-License-Identifier: MIT */
/*
 * Watches a stream pass: what comes from the pipe on standard input goes to the pipe on standard
 * output untouched, and its cksum(1), CRC and length, goes to standard error at the end.
 *
 *	tar c . | tee | gzip >backup.tar.gz
 *
 * tee(2) gives the reader the very pages of the writer, without copying and without consuming. So
 * the stream is duplicated first, and then just as much of it is read as has been duplicated: a
 * byte more would be a byte that the reader never gets.
 *
 *	cc tee.c $(pkg-config --cflags --libs butter)
 */
#include <butter/splice.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_AT_ONCE = 1 << 20, BUFFER = 1 << 16 };

#define POLYNOMIAL UINT32_C(0x04c11db7)

static uint32_t table[256], crc;
static uint64_t length;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "tee: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void make_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i << 24;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] << 1 ^ (table[i] >> 31 ? POLYNOMIAL : 0);
	}
}

static void add(unsigned char byte)
{
	crc = crc << 8 ^ table[crc >> 24 ^ byte];
}

/* As POSIX has it: the length is part of what is summed, its lowest byte first. */
static void print_sum(void)
{
	for (uint64_t rest = length; rest; rest >>= 8)
		add((unsigned char)rest);
	fprintf(stderr, "%lu %llu\n", (unsigned long)(uint32_t)~crc, (unsigned long long)length);
}

/* Either may be non-blocking, as whoever made it liked: EAGAIN does not say which one it was. */
static void wait_for_both(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
	if ((poll(&in, 1, -1) < 0 || poll(&out, 1, -1) < 0) && errno != EINTR)
		die("poll");
}

/* Returns how many bytes the reader has been given; 0: there are no more. */
static size_t duplicate(void)
{
	ssize_t n;
	while ((n = butter_tee(STDIN_FILENO, STDOUT_FILENO, MOST_AT_ONCE, 0)) < 0) {
		if (errno == EAGAIN)
			wait_for_both();
		else if (errno != EINTR)
			die("tee");
	}
	return (size_t)n;
}

/* Consumes so many bytes, which are there: a read may give less, but does not wait. */
static void consume(size_t count)
{
	static unsigned char bytes[BUFFER];
	while (count > 0) {
		ssize_t n = read(STDIN_FILENO, bytes, count < BUFFER ? count : BUFFER);
		if (n <= 0) /* somebody else reads the pipe too */
			die("standard input");
		for (ssize_t i = 0; i < n; i++)
			add(bytes[i]);
		count -= (size_t)n;
		length += (uint64_t)n;
	}
}

static void check_pipe(int fd, const char *name, const char *remedy)
{
	struct stat st;
	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		return;
	fprintf(stderr, "tee: %s is no pipe: %s\n", name, remedy);
	exit(2);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		fprintf(stderr, "tee: unexpected %s: there are no arguments, only a pipe on both sides\n",
			argv[1]);
		return 2;
	}
	check_pipe(STDIN_FILENO, "standard input", "put `cat FILE |` before it");
	check_pipe(STDOUT_FILENO, "standard output", "put `| cat` after it");
	make_table();
	for (size_t n; (n = duplicate()) > 0;)
		consume(n);
	print_sum();
	return 0;
}
