/* SPDX-License-Identifier: MIT */
/* The names of signals and of their codes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <butter/signalfd.h>

#include "names.h"

static const struct butter__name signo_names[] = {
	BUTTER__NAME(SIGHUP),    BUTTER__NAME(SIGINT),  BUTTER__NAME(SIGQUIT),  BUTTER__NAME(SIGILL),
	BUTTER__NAME(SIGTRAP),   BUTTER__NAME(SIGABRT), BUTTER__NAME(SIGBUS),   BUTTER__NAME(SIGFPE),
	BUTTER__NAME(SIGKILL),   BUTTER__NAME(SIGUSR1), BUTTER__NAME(SIGSEGV),  BUTTER__NAME(SIGUSR2),
	BUTTER__NAME(SIGPIPE),   BUTTER__NAME(SIGALRM), BUTTER__NAME(SIGTERM),  BUTTER__NAME(SIGCHLD),
	BUTTER__NAME(SIGCONT),   BUTTER__NAME(SIGSTOP), BUTTER__NAME(SIGTSTP),  BUTTER__NAME(SIGTTIN),
	BUTTER__NAME(SIGTTOU),   BUTTER__NAME(SIGURG),  BUTTER__NAME(SIGXCPU),  BUTTER__NAME(SIGXFSZ),
	BUTTER__NAME(SIGVTALRM), BUTTER__NAME(SIGPROF), BUTTER__NAME(SIGWINCH), BUTTER__NAME(SIGIO),
	BUTTER__NAME(SIGPWR),    BUTTER__NAME(SIGSYS),
#ifdef SIGSTKFLT
	BUTTER__NAME(SIGSTKFLT),
#endif
	BUTTER__NAME(SIGPOLL), /* SIGIO */
	BUTTER__NAME(SIGIOT),  /* SIGABRT */
};
static const struct butter__names signos = BUTTER__NAMES("SIG", signo_names);

/* libc keeps some real-time signals for itself, so that these two are known at run time only. */
int butter_signalfd_signo_format(int signo, char *buf, size_t len)
{
	char text[24] = "SIGRTMIN";
	if (signo < SIGRTMIN || signo > SIGRTMAX)
		return butter__enum_format(&signos, signo, buf, len);
	if (signo > SIGRTMIN)
		snprintf(text, sizeof(text), "SIGRTMIN+%d", signo - SIGRTMIN);
	return butter__text_format(text, buf, len);
}

/* "RTMIN", "RTMIN+3", "RTMAX-1": an offset stays between the two. */
static int realtime_parse(const char *text, int *ret_signo)
{
	static const struct butter__name ends[] = {{"SIGRTMIN", '+'}, {"SIGRTMAX", '-'}};
	static const struct butter__names table = BUTTER__NAMES("SIG", ends);
	size_t word = strcspn(text, "+-");
	const char *number = text + word;
	uint32_t sign;
	int64_t offset = 0;
	if (butter__name_parse(&table, text, word, &sign) < 0)
		return -1;
	if (*number && ((uint32_t)*number != sign || butter__number_parse(number + 1, strlen(number + 1), 0,
									  SIGRTMAX - SIGRTMIN, &offset) < 0))
		return -1;
	*ret_signo = sign == '+' ? SIGRTMIN + (int)offset : SIGRTMAX - (int)offset;
	return 0;
}

int butter_signalfd_signo_parse(const char *text, int *ret_signo)
{
	int saved = errno;
	int realtime = text && realtime_parse(text, ret_signo) == 0;
	errno = saved;
	return realtime ? 0 : butter__enum_parse(&signos, text, ret_signo);
}

static const struct butter__name general_names[] = {
	BUTTER__NAME(SI_USER),  BUTTER__NAME(SI_KERNEL), BUTTER__NAME(SI_QUEUE),
	BUTTER__NAME(SI_TIMER), BUTTER__NAME(SI_MESGQ),  BUTTER__NAME(SI_ASYNCIO),
	BUTTER__NAME(SI_SIGIO), BUTTER__NAME(SI_TKILL),  BUTTER__NAME(SI_ASYNCNL),
};
static const struct butter__name child_names[] = {
	BUTTER__NAME(CLD_EXITED),  BUTTER__NAME(CLD_KILLED),  BUTTER__NAME(CLD_DUMPED),
	BUTTER__NAME(CLD_TRAPPED), BUTTER__NAME(CLD_STOPPED), BUTTER__NAME(CLD_CONTINUED),
};
const struct butter__names butter__child_codes = BUTTER__NAMES("CLD_", child_names);
static const struct butter__name poll_names[] = {
	BUTTER__NAME(POLL_IN),  BUTTER__NAME(POLL_OUT), BUTTER__NAME(POLL_MSG),
	BUTTER__NAME(POLL_ERR), BUTTER__NAME(POLL_PRI), BUTTER__NAME(POLL_HUP),
};
static const struct butter__name trap_names[] = {
	BUTTER__NAME(TRAP_BRKPT), BUTTER__NAME(TRAP_TRACE), {"TRAP_BRANCH", 3},
	{"TRAP_HWBKPT", 4},       {"TRAP_UNK", 5},          {"TRAP_PERF", 6},
};
static const struct butter__name sys_names[] = {{"SYS_SECCOMP", 1}, {"SYS_USER_DISPATCH", 2}};

/* Codes above 0 mean something else for each signal; the others are the same for all. */
static const struct {
	int signo;
	struct butter__names names;
} codes[] = {
	{0, BUTTER__NAMES("SI_", general_names)},    {SIGCHLD, BUTTER__NAMES("CLD_", child_names)},
	{SIGIO, BUTTER__NAMES("POLL_", poll_names)}, {SIGTRAP, BUTTER__NAMES("TRAP_", trap_names)},
	{SIGSYS, BUTTER__NAMES("SYS_", sys_names)},
};
enum { CODES = sizeof(codes) / sizeof(codes[0]) };

int butter_signalfd_code_format(int signo, int code, char *buf, size_t len)
{
	const char *name = butter__enum_name(&codes[0].names, code);
	for (size_t i = 1; i < CODES && !name; i++)
		if (codes[i].signo == signo)
			name = butter__enum_name(&codes[i].names, code);
	return name ? butter__text_format(name, buf, len) : butter__number_format(code, buf, len);
}

int butter_signalfd_code_parse(const char *text, int *ret_code)
{
	int saved = errno;
	for (size_t i = 0; i < CODES; i++)
		if (butter__enum_parse(&codes[i].names, text, ret_code) == 0) {
			errno = saved;
			return 0;
		}
	return -1;
}
