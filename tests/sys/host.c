/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <butter/host.h>

#include "child.h"
#include "fault.h"
#include "test.h"
#include "trace.h"

/* What the kernel's names hold: 64 bytes and a NUL. */
enum { LONGEST = 64, ROOM = 65 };

/* The two names have the same rules. */
static const struct kind {
	int (*get)(char *name, size_t len);
	int (*set)(const char *name, size_t len);
} kinds[] = {
	{butter_gethostname, butter_sethostname},
	{butter_getdomainname, butter_setdomainname},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

START_TEST(the_names_are_what_uname_tells)
{
	struct utsname host;
	char name[ROOM];
	ck_assert_int_eq(uname(&host), 0);
	errno = 0;
	ck_assert_int_eq(butter_gethostname(name, sizeof(name)), 0);
	ck_assert_str_eq(name, host.nodename);
	ck_assert_int_eq(butter_getdomainname(name, sizeof(name)), 0);
	ck_assert_str_eq(name, host.domainname);
	ck_assert_int_eq(errno, 0);
}
END_TEST

START_TEST(what_uname_fails_with_is_told_and_the_name_untouched)
{
	static const int errors[] = {EFAULT, EPERM}; /* the second where seccomp(2) forbids it */
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		char name[ROOM] = "untouched";
		fault_error(FAULT_UNAME, 1, errors[i]);
		ck_assert_fails(kinds[_i].get(name, sizeof(name)), errors[i]);
		ck_assert(fault_happened(FAULT_UNAME));
		ck_assert_str_eq(name, "untouched");
		ck_assert_int_eq(kinds[_i].get(name, sizeof(name)), 0);
	}
}
END_TEST

static void sixty_four_bytes(void *kind)
{
	const struct kind *k = kind;
	char longest[ROOM] = "", name[ROOM + 1], untouched[ROOM + 1];
	memset(longest, 'a', LONGEST);
	memset(untouched, 'x', sizeof(untouched));
	memcpy(name, untouched, sizeof(name));
	ck_assert_int_eq(k->set(longest, LONGEST), 0);
	ck_assert_fails(k->get(name, LONGEST), ENAMETOOLONG);
	ck_assert_fails(k->get(name, 1), ENAMETOOLONG);
	ck_assert_fails(k->get(name, 0), ENAMETOOLONG);
	ck_assert_mem_eq(name, untouched, sizeof(name));
	ck_assert_int_eq(k->get(name, ROOM), 0);
	ck_assert_str_eq(name, longest);
	ck_assert_int_eq(name[ROOM], 'x');
}

START_TEST(a_name_of_64_bytes_is_set_and_comes_whole_or_not_at_all)
{
	in_namespaces(CLONE_NEWUTS, sixty_four_bytes, (void *)&kinds[_i]);
}
END_TEST

static void short_names(void *kind)
{
	const struct kind *k = kind;
	char name[ROOM];
	ck_assert_int_eq(k->set("butter and more", 6), 0);
	ck_assert_fails(k->get(name, 6), ENAMETOOLONG);
	ck_assert_int_eq(k->get(name, 7), 0);
	ck_assert_str_eq(name, "butter");
	ck_assert_int_eq(k->set("", 0), 0);
	ck_assert_fails(k->get(name, 0), ENAMETOOLONG);
	ck_assert_int_eq(k->get(name, 1), 0);
	ck_assert_str_eq(name, "");
}

START_TEST(a_name_is_as_long_as_it_was_set)
{
	in_namespaces(CLONE_NEWUTS, short_names, (void *)&kinds[_i]);
}
END_TEST

static void refused(void *kind)
{
	const struct kind *k = kind;
	char too_long[ROOM] = "", name[ROOM];
	ck_assert_int_eq(k->set("kept", 4), 0);
	ck_assert_fails(k->set(too_long, ROOM), EINVAL);
	ck_assert_fails(k->set(too_long, (size_t)-1), EINVAL);
	ck_assert_fails(k->set((const char *)8, 1), EFAULT);
	ck_assert_int_eq(k->get(name, sizeof(name)), 0);
	ck_assert_str_eq(name, "kept");
}

START_TEST(a_name_of_65_bytes_is_EINVAL_and_a_bad_pointer_EFAULT)
{
	in_namespaces(CLONE_NEWUTS, refused, (void *)&kinds[_i]);
}
END_TEST

static void as_nobody(void *kind)
{
	const struct kind *k = kind;
	char name[ROOM];
	become_nobody();
	ck_assert_fails(k->set("nobody", 6), EPERM);
	ck_assert_int_eq(k->get(name, sizeof(name)), 0);
	ck_assert_str_ne(name, "nobody");
}

START_TEST(to_set_a_name_without_permission_is_EPERM)
{
	in_child(as_nobody, (void *)&kinds[_i]);
}
END_TEST

static void all_calls(void *unused)
{
	char name[ROOM];
	(void)unused;
	butter_gethostname(name, sizeof(name));
	butter_sethostname(name, (size_t)-1);
	butter_getdomainname(name, sizeof(name));
	butter_setdomainname(name, (size_t)-1);
}

START_TEST(each_call_is_one_system_call)
{
	ck_assert_system_calls(all_calls, NULL, SYS_uname, SYS_sethostname, SYS_uname, SYS_setdomainname);
}
END_TEST

SUITE(sys_host)
{
	tcase_add_test(tc, the_names_are_what_uname_tells);
	tcase_add_loop_test(tc, what_uname_fails_with_is_told_and_the_name_untouched, 0, KINDS);
	tcase_add_loop_test(raw, a_name_of_64_bytes_is_set_and_comes_whole_or_not_at_all, 0, KINDS);
	tcase_add_loop_test(raw, a_name_is_as_long_as_it_was_set, 0, KINDS);
	tcase_add_loop_test(raw, a_name_of_65_bytes_is_EINVAL_and_a_bad_pointer_EFAULT, 0, KINDS);
	tcase_add_loop_test(raw, to_set_a_name_without_permission_is_EPERM, 0, KINDS);
	tcase_add_test(raw, each_call_is_one_system_call);
}
