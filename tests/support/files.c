/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/mman.h>

#include "files.h"

int file_with(const char *text)
{
	int fd = memfd_create("butter", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	return fd;
}

int file_on_disk(int flags)
{
	int fd = open(path_in(scratch(), "file"), O_CREAT | O_CLOEXEC | flags, 0600);
	ck_assert_int_ge(fd, 0);
	return fd;
}

void make_pipe(int fds[2])
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

void make_full_pipe(int fds[2])
{
	int page = (int)sysconf(_SC_PAGESIZE);
	char *bytes = calloc(1, (size_t)page);
	make_pipe(fds);
	ck_assert_int_eq(fcntl(fds[WRITE], F_SETPIPE_SZ, page), page);
	ck_assert_int_eq(write(fds[WRITE], bytes, (size_t)page), page);
	free(bytes);
}

void close_pipe(int fds[2])
{
	close(fds[READ]);
	close(fds[WRITE]);
}

void assert_reads(int fd, const char *text)
{
	char bytes[64];
	ck_assert_int_eq(read(fd, bytes, sizeof(bytes)), (ssize_t)strlen(text));
	ck_assert_mem_eq(bytes, text, strlen(text));
}
