/* SPDX-License-Identifier: MIT */
/* How many fds are free: as many as the kernel then gives. */
#include <fcntl.h>
#include <sys/resource.h>

#include "../../src/event/fanotify.h"
#include "child.h"
#include "test.h"

enum { LIMIT = 64 };

static void set_limit(unsigned limit)
{
	struct rlimit now;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &now), 0);
	now.rlim_cur = limit;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
}

/* What the kernel gives until EMFILE; all of it is closed again. */
static unsigned truth(void)
{
	int fds[LIMIT], fd;
	unsigned count = 0;
	while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		fds[count++] = fd;
	ck_assert_int_eq(errno, EMFILE);
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
	return count;
}

/* Asked for any number, it tells that or all there are; errno is kept. */
static void expect_truth(void)
{
	unsigned free = truth();
	errno = 4242;
	for (unsigned wanted = 0; wanted <= LIMIT + 1; wanted++)
		ck_assert_uint_eq(butter__free_fds(wanted), wanted < free ? wanted : free);
	ck_assert_uint_eq(butter__free_fds(UINT32_MAX), free);
	ck_assert_int_eq(errno, 4242);
}

static void count(void *unused)
{
	(void)unused;
	set_limit(LIMIT);
	expect_truth();
	int path = open("/", O_PATH | O_CLOEXEC);
	ck_assert_int_ge(path, 0);
	expect_truth();
	for (int fd = LIMIT - 1; fd > path; fd -= 3) {
		ck_assert_int_eq(dup3(path, fd, O_CLOEXEC), fd);
		expect_truth();
	}
	while (dup(path) >= 0)
		expect_truth();
	ck_assert_uint_eq(butter__free_fds(1), 0);
	close(LIMIT / 2);
	expect_truth();
}

START_TEST(free_fds_are_counted_with_any_open)
{
	in_child(count, NULL);
}
END_TEST

/* The limit may go below what is open: then that does not count, and what is free above neither. */
static void lower(void *unused)
{
	(void)unused;
	set_limit(LIMIT);
	ck_assert_int_eq(dup3(0, LIMIT - 1, O_CLOEXEC), LIMIT - 1);
	for (unsigned limit = LIMIT; limit-- > 0;) {
		set_limit(limit);
		expect_truth();
	}
}

START_TEST(free_fds_are_below_the_limit_of_now)
{
	in_child(lower, NULL);
}
END_TEST

SUITE(event_free_fds)
{
	tcase_add_test(tc, free_fds_are_counted_with_any_open);
	tcase_add_test(tc, free_fds_are_below_the_limit_of_now);
}
