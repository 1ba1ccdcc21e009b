/* SPDX-License-Identifier: MIT */
/* Which backend a root has, and what is said of the others. */
#include <sys/stat.h>

#include <butter/fanotify.h>
#include <butter/tree.h>

#include "child.h"
#include "fault.h"
#include "image.h"
#include "test.h"

static struct butter_tree *open_tree(void)
{
	struct butter_tree *t = butter_tree_open(NULL);
	ck_assert_ptr_nonnull(t);
	return t;
}

static int add_root(struct butter_tree *t, const char *path, uint32_t backend)
{
	struct butter_tree_root o = {.size = sizeof(o), .backend = backend};
	return butter_tree_add(t, path, &o, NULL);
}

static void use_as_nobody(void *arg)
{
	char dir[] = "/tmp/butter-test-XXXXXX";
	(void)arg;
	become_nobody();
	ck_assert_ptr_nonnull(mkdtemp(dir));
	struct butter_tree *t = open_tree();
	ck_assert_fails(add_root(t, dir, BUTTER_TREE_FANOTIFY), EPERM);
	int root = add_root(t, dir, BUTTER_TREE_AUTO);
	ck_assert_int_ge(root, 0);
	ck_assert_int_eq(butter_tree_backend(t, root, BUTTER_TREE_INOTIFY), 0);
	ck_assert_fails(butter_tree_backend(t, root, BUTTER_TREE_FANOTIFY), EPERM);
	ck_assert_fails(butter_tree_backend(t, root, BUTTER_TREE_POLL), EAGAIN);
	butter_tree_close(t);
	ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(fanotify_is_refused_to_an_ordinary_user_who_gets_inotify)
{
	in_child(use_as_nobody, NULL);
}
END_TEST

START_TEST(what_tells_nothing_is_looked_at)
{
	struct butter_tree *t = open_tree();
	int root = add_root(t, "/proc/self/fdinfo", BUTTER_TREE_AUTO);
	ck_assert_int_ge(root, 0);
	ck_assert_int_eq(butter_tree_backend(t, root, BUTTER_TREE_POLL), 0);
	ck_assert_fails(butter_tree_backend(t, root, BUTTER_TREE_INOTIFY), EOPNOTSUPP);
	ck_assert_fails(butter_tree_backend(t, root, BUTTER_TREE_FANOTIFY), EOPNOTSUPP);
	butter_tree_close(t);
}
END_TEST

START_TEST(a_backend_that_is_none_is_einval_and_a_root_that_is_none_enoent)
{
	struct butter_tree *t = open_tree();
	ck_assert_fails(add_root(t, scratch(), BUTTER_TREE_POLL + 1), EINVAL);
	ck_assert_fails(butter_tree_backend(t, 0, BUTTER_TREE_POLL), ENOENT);
	ck_assert_fails(butter_tree_backend(t, -1, BUTTER_TREE_POLL), ENOENT);
	int root = add_root(t, scratch(), BUTTER_TREE_POLL);
	ck_assert_fails(butter_tree_backend(t, root, BUTTER_TREE_AUTO), EINVAL);
	butter_tree_close(t);
}
END_TEST

START_TEST(a_backend_that_was_asked_for_is_the_only_one_that_is_tried)
{
	static const uint32_t asked[] = {BUTTER_TREE_INOTIFY, BUTTER_TREE_POLL};
	struct butter_tree *t = open_tree();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(add_root(t, scratch(), asked[i]), i);
		for (int backend = BUTTER_TREE_FANOTIFY; backend <= BUTTER_TREE_POLL; backend++) {
			if (backend == (int)asked[i])
				ck_assert_int_eq(butter_tree_backend(t, i, backend), 0);
			else
				ck_assert_fails(butter_tree_backend(t, i, backend), EAGAIN);
		}
	}
	butter_tree_close(t);
}
END_TEST

/* What the kernel answers is what is told, whichever it is. */
START_TEST(the_errno_that_a_backend_failed_with_is_told)
{
	static const int errors[] = {EPERM, EOPNOTSUPP, ENODEV, EXDEV, ENOSYS, EINVAL};
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct butter_tree *t = open_tree();
		fault_error(FAULT_FANOTIFY_INIT, 1, errors[i]);
		ck_assert_int_eq(add_root(t, scratch(), BUTTER_TREE_AUTO), 0);
		fault_clear();
		ck_assert_fails(butter_tree_backend(t, 0, BUTTER_TREE_FANOTIFY), errors[i]);
		ck_assert_int_eq(butter_tree_backend(t, 0, BUTTER_TREE_INOTIFY), 0);
		ck_assert_fails(butter_tree_backend(t, 0, BUTTER_TREE_POLL), EAGAIN);
		butter_tree_close(t);
	}
}
END_TEST

START_TEST(a_root_that_was_removed_has_no_backend)
{
	const char *dir = scratch();
	struct butter_tree *t = open_tree();
	ck_assert_int_eq(add_root(t, dir, BUTTER_TREE_INOTIFY), 0);
	ck_assert_int_eq(butter_tree_remove(t, dir), 0);
	ck_assert_fails(butter_tree_backend(t, 0, BUTTER_TREE_INOTIFY), ENOENT);
	butter_tree_close(t);
}
END_TEST

static void use_as_root(void *arg)
{
	const char *dir = arg;
	must_mount("tmpfs", dir);
	struct butter_tree *t = open_tree();
	int is_root = add_root(t, dir, BUTTER_TREE_FANOTIFY) == 0, error = errno;
	if (is_root)
		ck_assert_int_eq(butter_tree_remove(t, dir), 0);
	ck_assert_int_ge(add_root(t, dir, BUTTER_TREE_AUTO), 0);
	if (is_root)
		ck_assert_int_eq(butter_tree_backend(t, 1, BUTTER_TREE_FANOTIFY), 0);
	else
		ck_assert_fails(butter_tree_backend(t, 0, BUTTER_TREE_FANOTIFY), error);
	butter_tree_close(t);
}

START_TEST(the_first_that_works_is_taken)
{
	in_mount_namespace(use_as_root, (void *)(uintptr_t)scratch());
}
END_TEST

SUITE(tree_choose)
{
	tcase_add_test(tc, a_backend_that_is_none_is_einval_and_a_root_that_is_none_enoent);
	tcase_add_test(tc, what_tells_nothing_is_looked_at);
	tcase_add_test(tc, fanotify_is_refused_to_an_ordinary_user_who_gets_inotify);
	tcase_add_test(tc, a_backend_that_was_asked_for_is_the_only_one_that_is_tried);
	tcase_add_test(tc, the_errno_that_a_backend_failed_with_is_told);
	tcase_add_test(tc, a_root_that_was_removed_has_no_backend);
	tcase_add_test(raw, the_first_that_works_is_taken);
}
