/* SPDX-License-Identifier: MIT */
/*
 * What vmsplice(2) does to those who take it for a write(2): the pipe gets the pages, not what they
 * hold. Who changes them afterwards changes what the reader will read. Ends with 1 when this
 * kernel does otherwise.
 *
 *	cc vmsplice.c $(pkg-config --cflags --libs butter)
 */
#include <butter/splice.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LENGTH = 6 };

static const char before[LENGTH + 1] = "before", after[LENGTH + 1] = "after!";
static char *page;  /* a page of its own: what lies beside the text would be lent with it */
static int in, out; /* of the pipe */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void open_all(void)
{
	int ends[2];
	page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (page == MAP_FAILED)
		die("mmap");
	if (pipe2(ends, O_CLOEXEC) < 0)
		die("pipe2");
	out = ends[0];
	in = ends[1];
}

static void lend(void)
{
	struct iovec iov = {.iov_base = page, .iov_len = LENGTH};
	if (butter_vmsplice(in, &iov, 1, 0) != LENGTH)
		die("vmsplice");
}

static void copy(void)
{
	if (write(in, page, LENGTH) != LENGTH)
		die("write");
}

static void receive(char ret[LENGTH + 1])
{
	if (read(out, ret, LENGTH) != LENGTH)
		die("read");
	ret[LENGTH] = 0;
}

static int tell(const char *how, const char *got, const char *expected, const char *lesson)
{
	int as_expected = strcmp(got, expected) == 0;
	printf("%-38s the reader got \"%s\": %s\n", how, got, as_expected ? lesson : "NOT AS EXPECTED");
	return as_expected;
}

/* The mistake: the page is used again while the pipe has it. */
static int lent_and_changed(void)
{
	char got[LENGTH + 1];
	memcpy(page, before, LENGTH);
	lend();
	memcpy(page, after, LENGTH);
	receive(got);
	return tell("vmsplice, then changed:", got, after, "the pipe had the page, not its text");
}

/* One right way: a copy is the writer's no more. */
static int written_and_changed(void)
{
	char got[LENGTH + 1];
	memcpy(page, before, LENGTH);
	copy();
	memcpy(page, after, LENGTH);
	receive(got);
	return tell("write, then changed:", got, before, "the pipe had a copy");
}

/*
 * The other: the page is left alone until the pipe is empty. That is enough for a reader who reads;
 * one who splices or tees it on holds the page still, and only he can tell when he is done with it.
 */
static int lent_and_waited_for(void)
{
	char got[LENGTH + 1];
	int left = -1;
	memcpy(page, before, LENGTH);
	lend();
	receive(got);
	if (ioctl(in, FIONREAD, &left) < 0 || left != 0)
		die("FIONREAD");
	memcpy(page, after, LENGTH);
	return tell("vmsplice, read, and only then changed:", got, before, "nothing of the page was left");
}

int main(void)
{
	open_all();
	int right = lent_and_changed();
	right &= written_and_changed();
	right &= lent_and_waited_for();
	return !right;
}
