/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include <butter/source.h>
#include <butter/timerfd.h>

#include "fault.h"
#include "test.h"

#define SECOND INT64_C(1000000000)

static struct butter_timerfd *x;
static struct butter_timerfd_event ev;
static struct butter_timerfd_setting setting;

static void open_timer(void)
{
	x = butter_timerfd_open(CLOCK_MONOTONIC, 0);
	ck_assert_ptr_nonnull(x);
}

static int64_t now(int clockid)
{
	struct timespec ts;
	ck_assert_int_eq(clock_gettime(clockid, &ts), 0);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

START_TEST(the_typed_verbs_are_the_sources)
{
	open_timer();
	ck_assert_ptr_eq(butter_timerfd_source(x), (struct butter_source *)x);
	ck_assert_int_eq(butter_timerfd_fd(x), butter_source_fd(butter_timerfd_source(x)));
	ck_assert_int_eq(butter_timerfd_arm_in(x, 0, 1, NULL), 0);
	ck_assert_int_eq(butter_timerfd_wait_event(x, &ev, -1), 1);
	ck_assert_int_ne(poll_in(butter_timerfd_fd(x), 10000), 0);
	ck_assert_int_eq(butter_timerfd_read_event(x, &ev), 1);
	ck_assert_int_ne(poll_in(butter_timerfd_fd(x), 10000), 0);
	ck_assert_int_eq(butter_timerfd_read_events(x, &ev, 4), 1);
	ck_assert_uint_eq(butter_timerfd_pending(x), 0);
	int fd = butter_timerfd_release(x);
	x = butter_timerfd_from_fd(fd);
	ck_assert_int_eq(butter_timerfd_fd(x), fd);
	butter_timerfd_close(x);
	butter_timerfd_close(NULL);
	ck_assert_fails(butter_timerfd_release(NULL), EINVAL);
	ck_assert_null_errno(butter_timerfd_open(CLOCK_MONOTONIC, 1), EINVAL);
	ck_assert_null_errno(butter_timerfd_open(CLOCK_THREAD_CPUTIME_ID, 0), EINVAL);
}
END_TEST

START_TEST(from_fd_of_another_kind_is_EINVAL)
{
	ck_assert_null_errno(butter_timerfd_from_fd(0), EINVAL);
}
END_TEST

START_TEST(a_first_of_0_expires_as_soon_as_possible_once)
{
	open_timer();
	ck_assert_int_eq(butter_timerfd_arm_in(x, 0, 0, NULL), 0);
	ck_assert_int_eq(butter_timerfd_wait_event(x, &ev, 10 * SECOND), 1);
	ck_assert_uint_eq(ev.expirations, 1);
	ck_assert_uint_eq(ev.cancelled, 0);
	ck_assert_int_eq(butter_timerfd_get(x, &setting), 0);
	ck_assert_int_eq(setting.first, 0);
	ck_assert_int_eq(butter_timerfd_read_event(x, &ev), 0);
	ck_assert_int_eq(butter_timerfd_arm_at(x, 0, 0, NULL, 0), 0);
	ck_assert_int_eq(butter_timerfd_wait_event(x, &ev, 10 * SECOND), 1);
	butter_timerfd_close(x);
}
END_TEST

START_TEST(a_negative_time_is_EINVAL_and_changes_nothing)
{
	open_timer();
	ck_assert_int_eq(butter_timerfd_arm_in(x, 3600 * SECOND, 5, NULL), 0);
	setting.period = 99;
	ck_assert_fails(butter_timerfd_arm_in(x, -1, 0, &setting), EINVAL);
	ck_assert_fails(butter_timerfd_arm_in(x, 0, -1, &setting), EINVAL);
	ck_assert_fails(butter_timerfd_arm_at(x, INT64_MIN, 0, &setting, 0), EINVAL);
	ck_assert_fails(butter_timerfd_arm_at(x, 0, -1, &setting, 0), EINVAL);
	ck_assert_fails(butter_timerfd_arm_at(x, 0, 0, &setting, 1 << 9), EINVAL);
	ck_assert_int_eq(setting.period, 99);
	ck_assert_int_eq(butter_timerfd_get(x, &setting), 0);
	ck_assert_int_eq(setting.period, 5);
	butter_timerfd_close(x);
}
END_TEST

START_TEST(arming_and_disarming_give_the_old_setting)
{
	open_timer();
	setting = (struct butter_timerfd_setting){7, 7};
	ck_assert_int_eq(butter_timerfd_arm_in(x, 3600 * SECOND, 60 * SECOND, &setting), 0);
	ck_assert_int_eq(setting.first, 0);
	ck_assert_int_eq(setting.period, 0);
	ck_assert_int_eq(butter_timerfd_arm_at(x, INT64_MAX, 1, &setting, 0), 0);
	ck_assert_int_gt(setting.first, 3590 * SECOND);
	ck_assert_int_le(setting.first, 3600 * SECOND);
	ck_assert_int_eq(setting.period, 60 * SECOND);
	ck_assert_int_eq(butter_timerfd_disarm(x, &setting), 0);
	ck_assert_int_gt(setting.first, INT64_MAX / 2);
	ck_assert_int_eq(setting.period, 1);
	ck_assert_int_eq(butter_timerfd_get(x, &setting), 0);
	ck_assert_int_eq(setting.first, 0);
	ck_assert_int_eq(setting.period, 0);
	ck_assert_int_eq(butter_timerfd_disarm(x, NULL), 0);
	butter_timerfd_close(x);
}
END_TEST

START_TEST(disarm_forgets_an_expiration_not_yet_read)
{
	open_timer();
	ck_assert_int_eq(butter_timerfd_arm_in(x, 0, 0, NULL), 0);
	ck_assert_int_ne(poll_in(butter_timerfd_fd(x), 10000), 0);
	ck_assert_int_eq(butter_timerfd_disarm(x, NULL), 0);
	ck_assert_int_eq(butter_timerfd_read_event(x, &ev), 0);
	butter_timerfd_close(x);
}
END_TEST

START_TEST(a_timer_is_never_early)
{
	open_timer();
	int64_t at = now(CLOCK_MONOTONIC) + 5 * 1000 * 1000;
	ck_assert_int_eq(butter_timerfd_arm_at(x, at, 0, NULL, 0), 0);
	ck_assert_int_eq(butter_timerfd_wait_event(x, &ev, -1), 1);
	ck_assert_int_ge(now(CLOCK_MONOTONIC), at);
	at = now(CLOCK_MONOTONIC) + 5 * 1000 * 1000;
	ck_assert_int_eq(butter_timerfd_arm_in(x, 5 * 1000 * 1000, 0, NULL), 0);
	ck_assert_int_eq(butter_timerfd_wait_event(x, &ev, -1), 1);
	ck_assert_int_ge(now(CLOCK_MONOTONIC), at);
	butter_timerfd_close(x);
}
END_TEST

START_TEST(expirations_that_were_not_read_are_one_event)
{
	open_timer();
	int64_t period = 1000;
	ck_assert_int_eq(butter_timerfd_arm_in(x, period, period, NULL), 0);
	int64_t until = now(CLOCK_MONOTONIC) + 100 * period;
	while (now(CLOCK_MONOTONIC) < until)
		continue;
	ck_assert_int_eq(butter_timerfd_read_event(x, &ev), 1);
	ck_assert_uint_ge(ev.expirations, 100);
	butter_timerfd_close(x);
}
END_TEST

static int may_wake(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	ck_assert_int_eq(syscall(SYS_capget, &head, data), 0);
	return data[CAP_WAKE_ALARM / 32].effective >> CAP_WAKE_ALARM % 32 & 1;
}

START_TEST(every_clock_expires)
{
	static const struct {
		int clockid, shows; /* an alarm clock can be read only where there is an RTC */
	} clocks[] = {
		{CLOCK_REALTIME, CLOCK_REALTIME},       {CLOCK_MONOTONIC, CLOCK_MONOTONIC},
		{CLOCK_BOOTTIME, CLOCK_BOOTTIME},       {CLOCK_REALTIME_ALARM, CLOCK_REALTIME},
		{CLOCK_BOOTTIME_ALARM, CLOCK_BOOTTIME},
	};
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		int alarm = clocks[i].clockid != clocks[i].shows;
		if (alarm && !may_wake()) {
			ck_assert_null_errno(butter_timerfd_open(clocks[i].clockid, 0), EPERM);
			continue;
		}
		x = butter_timerfd_open(clocks[i].clockid, 0);
		ck_assert_ptr_nonnull(x);
		ck_assert_int_eq(butter_timerfd_arm_in(x, 1000, 0, NULL), 0);
		ck_assert_int_eq(butter_timerfd_wait_event(x, &ev, 10 * SECOND), 1);
		ck_assert_int_eq(butter_timerfd_arm_at(x, now(clocks[i].shows) + 1000, 0, NULL, 0), 0);
		ck_assert_int_eq(butter_timerfd_wait_event(x, &ev, 10 * SECOND), 1);
		ck_assert_uint_eq(ev.expirations, 1);
		butter_timerfd_close(x);
	}
}
END_TEST

START_TEST(a_clock_that_was_set_is_an_event)
{
	x = butter_timerfd_open(CLOCK_REALTIME, 0);
	ck_assert_int_eq(butter_timerfd_arm_at(x, now(CLOCK_REALTIME) + 3600 * SECOND, 0, NULL,
					       TFD_TIMER_CANCEL_ON_SET),
			 0);
	fault_error(FAULT_READ, 1, ECANCELED);
	errno = 0;
	ck_assert_int_eq(butter_timerfd_read_event(x, &ev), 1);
	ck_assert_int_eq(errno, 0);
	ck_assert_uint_eq(ev.cancelled, 1);
	ck_assert_uint_eq(ev.expirations, 0);
	ck_assert_int_eq(butter_timerfd_read_event(x, &ev), 0);
	butter_timerfd_close(x);
}
END_TEST

/* The real thing, part of the suite where the run allows it: the clock is set to what it shows. */
START_TEST(setting_the_clock_cancels)
{
	struct timespec ts;
	x = butter_timerfd_open(CLOCK_REALTIME, 0);
	ck_assert_int_eq(butter_timerfd_arm_at(x, now(CLOCK_REALTIME) + 3600 * SECOND, 0, NULL,
					       TFD_TIMER_CANCEL_ON_SET),
			 0);
	ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &ts), 0);
	ck_assert_int_eq(clock_settime(CLOCK_REALTIME, &ts), 0);
	ck_assert_int_eq(butter_timerfd_wait_event(x, &ev, 10 * SECOND), 1);
	ck_assert_uint_eq(ev.cancelled, 1);
	ck_assert_int_eq(butter_timerfd_read_event(x, &ev), 0);
	ck_assert_int_eq(butter_timerfd_get(x, &setting), 0);
	ck_assert_int_gt(setting.first, 3500 * SECOND);
	butter_timerfd_close(x);
}
END_TEST

/* timerfd_create(2): a clock set back between expiry and read gives a read of 0 bytes. */
START_TEST(a_clock_set_back_before_the_read_is_nothing)
{
	open_timer();
	fault_result(FAULT_READ, 1, 0, NULL);
	errno = 0;
	ck_assert_int_eq(butter_timerfd_read_event(x, &ev), 0);
	ck_assert_int_eq(errno, 0);
	butter_timerfd_close(x);
}
END_TEST

START_TEST(the_calls_errnos_are_told)
{
	open_timer();
	setting.period = 99;
	fault_error(FAULT_TIMERFD_SETTIME, 1, ENOMEM);
	ck_assert_fails(butter_timerfd_arm_in(x, 1, 0, &setting), ENOMEM);
	fault_error(FAULT_TIMERFD_SETTIME, 1, ENOMEM);
	ck_assert_fails(butter_timerfd_disarm(x, &setting), ENOMEM);
	fault_error(FAULT_TIMERFD_GETTIME, 1, ENOMEM);
	ck_assert_fails(butter_timerfd_get(x, &setting), ENOMEM);
	ck_assert_int_eq(setting.period, 99);
	butter_timerfd_close(x);
}
END_TEST

START_TEST(decode_takes_8_bytes_at_any_alignment)
{
	uint64_t value = UINT64_MAX;
	unsigned char buf[24];
	for (size_t shift = 0; shift < 8; shift++) {
		memcpy(buf + shift, &value, sizeof(value));
		ck_assert_int_eq(butter_timerfd_decode(buf + shift, 16, &ev), 8);
		ck_assert_uint_eq(ev.expirations, value);
		ck_assert_uint_eq(ev.cancelled, 0);
	}
	for (size_t len = 0; len < 8; len++)
		ck_assert_int_eq(butter_timerfd_decode(buf, len, &ev), 0);
	ck_assert_int_eq(butter_timerfd_decode(&value, 8, NULL), 8);
	value = 0;
	ck_assert_fails(butter_timerfd_decode(&value, 8, &ev), EBADMSG);
}
END_TEST

START_TEST(clock_names_go_both_ways)
{
	char text[32];
	int clockid = 0;
	for (int i = 0; i < 12; i++) {
		ck_assert_int_gt(butter_timerfd_clock_format(i, text, sizeof(text)), 0);
		ck_assert_int_eq(butter_timerfd_clock_parse(text, &clockid), 0);
		ck_assert_int_eq(clockid, i);
	}
	butter_timerfd_clock_format(CLOCK_BOOTTIME, text, sizeof(text));
	ck_assert_str_eq(text, "CLOCK_BOOTTIME");
	ck_assert_int_eq(butter_timerfd_clock_parse("realtime_alarm", &clockid), 0);
	ck_assert_int_eq(clockid, CLOCK_REALTIME_ALARM);
	ck_assert_fails(butter_timerfd_clock_parse("CLOCK", &clockid), EINVAL);
	ck_assert_int_eq(clockid, CLOCK_REALTIME_ALARM);
}
END_TEST

SUITE(event_timerfd)
{
	tcase_add_test(tc, the_typed_verbs_are_the_sources);
	tcase_add_test(tc, from_fd_of_another_kind_is_EINVAL);
	tcase_add_test(tc, a_first_of_0_expires_as_soon_as_possible_once);
	tcase_add_test(tc, a_negative_time_is_EINVAL_and_changes_nothing);
	tcase_add_test(tc, arming_and_disarming_give_the_old_setting);
	tcase_add_test(tc, disarm_forgets_an_expiration_not_yet_read);
	tcase_add_test(tc, a_timer_is_never_early);
	tcase_add_test(tc, expirations_that_were_not_read_are_one_event);
	tcase_add_test(tc, every_clock_expires);
	tcase_add_test(tc, a_clock_that_was_set_is_an_event);
	if (getenv("BUTTER_TEST_SET_CLOCK"))
		tcase_add_test(tc, setting_the_clock_cancels);
	tcase_add_test(tc, a_clock_set_back_before_the_read_is_nothing);
	tcase_add_test(tc, the_calls_errnos_are_told);
	tcase_add_test(tc, decode_takes_8_bytes_at_any_alignment);
	tcase_add_test(tc, clock_names_go_both_ways);
}
