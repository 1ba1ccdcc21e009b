/* SPDX-License-Identifier: MIT */
/* Link counts of directories: believed until one is found to be wrong. */
#include <fcntl.h>
#include <sys/stat.h>

#include "../../src/tree/nlink.h"
#include "test.h"

static int open_scratch(struct stat *st)
{
	int fd = open(scratch(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, st), 0);
	return fd;
}

START_TEST(a_wrong_count_ends_the_trust_in_its_file_system_only)
{
	struct stat st;
	int fd = open_scratch(&st);
	struct butter__nlink n = {.count = 2, .devs = {{st.st_dev, 1}, {st.st_dev + 1, 1}}};
	ck_assert_int_eq(butter__nlink_check(&n, fd, &st, st.st_nlink - 2), 1);
	ck_assert_int_eq(butter__nlink_trusts(&n, fd, &st), 1);
	ck_assert_int_eq(butter__nlink_check(&n, fd, &st, st.st_nlink), 0);
	ck_assert_int_eq(butter__nlink_trusts(&n, fd, &st), 0);
	ck_assert_int_eq(n.devs[1].trusted, 1);
	close(fd);
}
END_TEST

START_TEST(a_count_that_changes_meanwhile_and_one_of_1_prove_nothing)
{
	struct stat st;
	int fd = open_scratch(&st);
	struct butter__nlink n = {.count = 1, .devs = {{st.st_dev, 1}}};
	struct stat before = st;
	before.st_nlink += 1;
	ck_assert_int_eq(butter__nlink_check(&n, fd, &before, st.st_nlink), 1);
	before.st_nlink = 1;
	ck_assert_int_eq(butter__nlink_check(&n, fd, &before, 42), 1);
	close(fd);
}
END_TEST

START_TEST(a_large_directory_is_no_leaf_whatever_its_count)
{
	struct stat st = {.st_nlink = 2, .st_size = (512 << 10) - 1};
	ck_assert(butter__nlink_is_leaf(&st));
	st.st_size++;
	ck_assert(!butter__nlink_is_leaf(&st));
	st = (struct stat){.st_nlink = 3};
	ck_assert(!butter__nlink_is_leaf(&st));
}
END_TEST

SUITE(tree_nlink)
{
	tcase_add_test(tc, a_wrong_count_ends_the_trust_in_its_file_system_only);
	tcase_add_test(tc, a_count_that_changes_meanwhile_and_one_of_1_prove_nothing);
	tcase_add_test(tc, a_large_directory_is_no_leaf_whatever_its_count);
}
