/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sys/syscall.h>

#include <butter/ids.h>

#include "child.h"
#include "test.h"
#include "trace.h"

START_TEST(the_ids_are_the_kernels)
{
	ck_assert_int_eq(butter_getpid(), (pid_t)syscall(SYS_getpid));
	ck_assert_int_eq(butter_getppid(), (pid_t)syscall(SYS_getppid));
	ck_assert_int_eq(butter_gettid(), (pid_t)syscall(SYS_gettid));
	ck_assert_int_eq(butter_getpid(), butter_gettid());
}
END_TEST

static void *tell_tid(void *ret)
{
	*(pid_t *)ret = butter_gettid();
	return NULL;
}

START_TEST(a_thread_has_an_id_of_its_own)
{
	pthread_t thread;
	pid_t tid = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, tell_tid, &tid), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_gt(tid, 0);
	ck_assert_int_ne(tid, butter_getpid());
}
END_TEST

/* clone(2) that libc does not know of: a cached id would be the parent's. */
START_TEST(the_ids_are_right_in_the_child_of_a_raw_clone)
{
	pid_t parent = butter_getpid();
	butter_gettid();
	pid_t pid = raw_fork(0);
	if (pid == 0)
		syscall(SYS_exit_group, butter_getpid() == parent || butter_getppid() != parent ||
						butter_gettid() != butter_getpid());
	assert_ends_well(pid);
}
END_TEST

static void all_calls(void *unused)
{
	(void)unused;
	butter_getpid();
	butter_getppid();
	butter_gettid();
	butter_gettid();
}

START_TEST(each_call_is_one_system_call_every_time)
{
	ck_assert_system_calls(all_calls, NULL, SYS_getpid, SYS_getppid, SYS_gettid, SYS_gettid);
}
END_TEST

SUITE(sys_ids)
{
	tcase_add_test(tc, the_ids_are_the_kernels);
	tcase_add_test(tc, a_thread_has_an_id_of_its_own);
	tcase_add_test(tc, the_ids_are_right_in_the_child_of_a_raw_clone);
	tcase_add_test(raw, each_call_is_one_system_call_every_time);
}
