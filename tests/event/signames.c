/* SPDX-License-Identifier: MIT */
#include <limits.h>

#include <butter/signalfd.h>

#include "test.h"

static char text[64];

static const char *signo_text(int signo)
{
	ck_assert_int_eq(butter_signalfd_signo_format(signo, text, sizeof(text)), (int)strlen(text));
	return text;
}

static const char *code_text(int signo, int code)
{
	ck_assert_int_eq(butter_signalfd_code_format(signo, code, text, sizeof(text)), (int)strlen(text));
	return text;
}

START_TEST(signal_names_go_both_ways)
{
	int signo = 0;
	for (int i = -1; i <= SIGRTMAX + 1; i++) {
		ck_assert_int_eq(butter_signalfd_signo_parse(signo_text(i), &signo), 0);
		ck_assert_int_eq(signo, i);
	}
	ck_assert_str_eq(signo_text(SIGTERM), "SIGTERM");
	ck_assert_str_eq(signo_text(SIGIO), "SIGIO");
	ck_assert_str_eq(signo_text(SIGRTMIN), "SIGRTMIN");
	ck_assert_str_eq(signo_text(SIGRTMIN + 3), "SIGRTMIN+3");
	ck_assert_str_eq(signo_text(0), "0");
}
END_TEST

START_TEST(every_standard_signal_has_a_name)
{
	for (int signo = 1; signo < 32; signo++)
		ck_assert_int_eq(strncmp(signo_text(signo), "SIG", 3), 0);
}
END_TEST

START_TEST(signal_names_are_read_in_every_spelling)
{
	static const struct {
		const char *text;
		int from_end, offset; /* from_end 1: of SIGRTMIN, 2: of SIGRTMAX */
	} good[] = {
		{"SIGHUP", 0, SIGHUP}, {"hup", 0, SIGHUP},    {"SigHup", 0, SIGHUP}, {"1", 0, 1},
		{"POLL", 0, SIGIO},    {"IOT", 0, SIGABRT},   {"RTMIN", 1, 0},       {"sigrtmin+2", 1, 2},
		{"RTMAX", 2, 0},       {"SIGRTMAX-1", 2, -1}, {"RTMIN+0", 1, 0},
	};
	static const char *const bad[] = {
		"",         "SIG",      "SIGFOO",   "RTMIN+",   "RTMIN-1",   "RTMAX+1",
		"RTMIN+99", "RTMIN+-1", "RTMIN+-0", "RTMAX--0", "RTMAX--1",  "RTMAX-99",
		"15x",      " 15",      "-",        "RTMIN+1x", "SIGSIGHUP", "99999999999999999999",
		"+15",      "0b1",      "0x0f"};
	int signo;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int base = good[i].from_end == 1 ? SIGRTMIN : good[i].from_end == 2 ? SIGRTMAX : 0;
		errno = 0;
		ck_assert_int_eq(butter_signalfd_signo_parse(good[i].text, &signo), 0);
		ck_assert_int_eq(signo, base + good[i].offset);
		ck_assert_int_eq(errno, 0);
	}
	signo = 4242;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_fails(butter_signalfd_signo_parse(bad[i], &signo), EINVAL);
	ck_assert_fails(butter_signalfd_signo_parse(NULL, &signo), EINVAL);
	ck_assert_int_eq(signo, 4242);
}
END_TEST

START_TEST(a_code_is_named_for_its_signal)
{
	ck_assert_str_eq(code_text(SIGCHLD, CLD_EXITED), "CLD_EXITED");
	ck_assert_str_eq(code_text(SIGIO, POLL_IN), "POLL_IN");
	ck_assert_str_eq(code_text(SIGTRAP, 1), "TRAP_BRKPT");
	ck_assert_str_eq(code_text(SIGSYS, 1), "SYS_SECCOMP");
	ck_assert_str_eq(code_text(SIGUSR1, SI_USER), "SI_USER");
	ck_assert_str_eq(code_text(SIGCHLD, SI_QUEUE), "SI_QUEUE");
	ck_assert_str_eq(code_text(SIGUSR1, 1), "1");
	ck_assert_str_eq(code_text(SIGUSR1, INT_MIN), "-2147483648");
}
END_TEST

START_TEST(code_names_go_both_ways)
{
	static const int signos[] = {SIGCHLD, SIGIO, SIGTRAP, SIGSYS, SIGUSR1};
	int code;
	for (size_t i = 0; i < sizeof(signos) / sizeof(signos[0]); i++)
		for (int given = -70; given < 200; given++) {
			ck_assert_int_eq(butter_signalfd_code_parse(code_text(signos[i], given), &code), 0);
			ck_assert_int_eq(code, given);
		}
	errno = 0;
	ck_assert_int_eq(butter_signalfd_code_parse("cld_killed", &code), 0);
	ck_assert_int_eq(code, CLD_KILLED);
	ck_assert_int_eq(errno, 0);
	ck_assert_fails(butter_signalfd_code_parse("CLD_", &code), EINVAL);
	ck_assert_fails(butter_signalfd_code_parse(NULL, &code), EINVAL);
	ck_assert_int_eq(code, CLD_KILLED);
}
END_TEST

START_TEST(a_short_buffer_cuts_the_text_and_tells_its_length)
{
	memset(text, '#', sizeof(text));
	ck_assert_int_eq(butter_signalfd_signo_format(SIGTERM, text, 4), 7);
	ck_assert_str_eq(text, "SIG");
	ck_assert_int_eq(butter_signalfd_code_format(SIGCHLD, CLD_EXITED, NULL, 0), 10);
}
END_TEST

/* snprintf(3) of musl refuses them. */
START_TEST(a_length_may_be_over_INT_MAX)
{
	ck_assert_int_eq(butter_signalfd_signo_format(SIGTERM, text, SIZE_MAX), 7);
	ck_assert_str_eq(text, "SIGTERM");
	ck_assert_int_eq(butter_signalfd_signo_format(SIGRTMIN + 1, text, SIZE_MAX), 10);
	ck_assert_str_eq(text, "SIGRTMIN+1");
	ck_assert_int_eq(butter_signalfd_code_format(SIGCHLD, CLD_EXITED, text, SIZE_MAX), 10);
	ck_assert_str_eq(text, "CLD_EXITED");
	ck_assert_int_eq(butter_signalfd_code_format(SIGCHLD, INT_MIN, text, SIZE_MAX), 11);
	ck_assert_str_eq(text, "-2147483648");
}
END_TEST

SUITE(event_signames)
{
	tcase_add_test(tc, a_length_may_be_over_INT_MAX);
	tcase_add_test(tc, signal_names_go_both_ways);
	tcase_add_test(tc, every_standard_signal_has_a_name);
	tcase_add_test(tc, signal_names_are_read_in_every_spelling);
	tcase_add_test(tc, a_code_is_named_for_its_signal);
	tcase_add_test(tc, code_names_go_both_ways);
	tcase_add_test(tc, a_short_buffer_cuts_the_text_and_tells_its_length);
}
