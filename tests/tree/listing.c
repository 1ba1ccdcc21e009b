/* SPDX-License-Identifier: MIT */
/* What a directory holds. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../../src/tree/listing.h"
#include "test.h"

static _Alignas(8) unsigned char buf[BUTTER__LISTING_SIZE];

static struct butter__listing list_of(const char *dir)
{
	struct butter__listing l = {.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), .buf = buf};
	ck_assert_int_ge(l.fd, 0);
	return l;
}

START_TEST(every_entry_is_listed_once_and_no_dots)
{
	enum { COUNT = 1500 };
	const char *dir = scratch();
	char file[256];
	unsigned char seen[COUNT] = {0};
	unsigned count = 0;
	struct butter__dirent e;
	snprintf(file, sizeof(file), "%s/file", scratch());
	touch(file);
	for (unsigned i = 0; i < COUNT; i++) {
		char name[64];
		snprintf(name, sizeof(name), "a name that is long, so that one buffer is too small %u", i);
		ck_assert_int_eq(link(file, path_in(dir, name)), 0);
	}
	struct butter__listing l = list_of(dir);
	while (butter__listing_next(&l, &e) == 1) {
		unsigned i = (unsigned)strtoul(strrchr(e.name, ' '), NULL, 10);
		ck_assert_uint_eq(e.len, strlen(e.name));
		ck_assert_uint_eq(seen[i]++, 0);
		count++;
	}
	ck_assert_uint_eq(count, COUNT);
	close(l.fd);
}
END_TEST

START_TEST(types_and_inodes_are_those_of_stat)
{
	const char *dir = scratch();
	struct butter__dirent e;
	struct stat st;
	ck_assert_int_eq(mkdir(path_in(dir, "..."), 0755), 0);
	touch(path_in(dir, ".\xff\n"));
	struct butter__listing l = list_of(dir);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(butter__listing_next(&l, &e), 1);
		ck_assert_int_eq(lstat(path_in(dir, e.name), &st), 0);
		ck_assert_uint_eq(e.ino, st.st_ino);
		ck_assert(e.type == DT_UNKNOWN || e.type == IFTODT(st.st_mode));
	}
	ck_assert_int_eq(butter__listing_next(&l, &e), 0);
	close(l.fd);
}
END_TEST

START_TEST(what_is_no_directory_is_ENOTDIR)
{
	struct butter__dirent e;
	struct butter__listing l = {.fd = open("/dev/null", O_RDONLY | O_CLOEXEC), .buf = buf};
	ck_assert_fails(butter__listing_next(&l, &e), ENOTDIR);
	close(l.fd);
}
END_TEST

SUITE(tree_listing)
{
	tcase_add_test(tc, every_entry_is_listed_once_and_no_dots);
	tcase_add_test(tc, types_and_inodes_are_those_of_stat);
	tcase_add_test(tc, what_is_no_directory_is_ENOTDIR);
}
