/* SPDX-License-Identifier: MIT */
/*
 * The sweep of faults.c for an object that asks, with deadlines: every operation with the nth call of each
 * libc function failing with each errno it is documented to have, once and for ever. The operation tells
 * that errno, or can do without; afterwards the object works, and nobody waits who was not denied.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>

#include "fault.h"
#include "files.h"
#include "opener.h"
#include "test.h"

enum { MOST_ERRORS = 8, MOST_CALLS = 8 };

static const struct {
	enum fault_call call;
	int errors[MOST_ERRORS];
} documented[] = {
	{FAULT_READ, {EAGAIN, EINTR, EIO, EBADF, EFAULT, EINVAL, EMFILE, ENFILE}},
	{FAULT_WRITE, {EINVAL, EINTR, EIO, EBADF, EFAULT, ENOENT}},
	{FAULT_CALLOC, {ENOMEM}},
	{FAULT_FCNTL, {EBADF, EPERM}},
	{FAULT_GETRLIMIT, {EFAULT, EINVAL}},
	{FAULT_PPOLL, {EINTR, ENOMEM}},
	{FAULT_FANOTIFY_INIT, {EINVAL, EMFILE, ENOMEM, ENOSYS, EPERM}},
	{FAULT_FANOTIFY_MARK, {EBADF, EEXIST, ENODEV, ENOMEM, ENOSPC, EPERM}},
	{FAULT_TIMERFD_CREATE, {EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM}},
	{FAULT_TIMERFD_SETTIME, {EINVAL, ECANCELED}},
	{FAULT_EPOLL_CREATE1, {EINVAL, EMFILE, ENFILE, ENOMEM}},
	{FAULT_EPOLL_CTL, {ENOMEM, ENOSPC, EPERM}},
};
enum { DOCUMENTED = sizeof(documented) / sizeof(documented[0]) };

static const struct butter_fanotify_options options = {.size = sizeof(options), .answer_timeout = TIMEOUT_NS};
static const unsigned flags = FAN_CLASS_CONTENT;
static struct butter_fanotify *x;
static const char *path, *other_path;
static struct butter_fanotify_event events[4];
static int question[2], result[2], adopt_fd;
static unsigned injected;

/* One child asks them all: for each byte it opens the file, and tells the errno. */
static int ask_and_tell(const void *unused)
{
	unsigned char byte;
	(void)unused;
	close(question[WRITE]);
	while (poll_in(question[READ], -1) && read(question[READ], &byte, 1) == 1) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		byte = fd < 0 ? (unsigned char)errno : 0;
		if (fd >= 0)
			close(fd);
		if (write(result[WRITE], &byte, 1) != 1)
			return 1;
	}
	return 0;
}

static void begin(void)
{
	x = guard(flags, &options);
	if (x)
		ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, path, FAN_OPEN_PERM, 0), 0);
}

static void fire(void)
{
	ck_assert_int_eq(write(question[WRITE], "o", 1), 1);
	ck_assert_int_eq(poll_in(butter_fanotify_fd(x), TIMEOUT * 1000), POLLIN);
}

/* The operations: 0 or more, or -1 and errno. */
static int read_event(void)
{
	return butter_fanotify_read_event(x, events);
}

static int read_events(void)
{
	return (int)butter_fanotify_read_events(x, events, 4);
}

static int wait_event(void)
{
	return butter_fanotify_wait_event(x, events, 20000000);
}

static int wait_for_nothing(void)
{
	struct butter_fanotify_event none;
	return butter_fanotify_wait_event(x, &none, 1000000);
}

static int respond(void)
{
	return butter_fanotify_respond(x, events, FAN_ALLOW, NULL);
}

static int event_close(void)
{
	butter_fanotify_event_close(x, events);
	return 0;
}

static int close_it(void)
{
	close(events->fd);
	butter_fanotify_close(x);
	x = NULL;
	return 0;
}

static int release(void)
{
	close(events->fd);
	close(butter_fanotify_release(x));
	x = NULL;
	return 0;
}

static int open_another(void)
{
	struct butter_fanotify *another = butter_fanotify_open(flags, O_RDONLY, &options);
	butter_fanotify_close(another);
	return another ? 0 : -1;
}

static int adopt(void)
{
	struct butter_fanotify *another = butter_fanotify_from_fd(adopt_fd, flags, &options);
	return another ? butter_fanotify_release(another) - adopt_fd : -1;
}

static int watch_and_ignore(void)
{
	if (butter_fanotify_watch(x, AT_FDCWD, other_path, FAN_OPEN, 0) < 0)
		return -1;
	return butter_fanotify_ignore(x, AT_FDCWD, other_path, FAN_OPEN, 0);
}

static int flush_mounts(void)
{
	return butter_fanotify_flush(x, FAN_MARK_MOUNT);
}

/* asked: the event has been read already. silent: of these faults a caller need not know. */
static const struct operation {
	const char *name;
	int (*run)(void);
	int asked;
	unsigned silent;
} operations[] = {
	{"read_event", read_event, 0, 1U << FAULT_FCNTL},
	{"read_events", read_events, 0, 1U << FAULT_FCNTL},
	{"wait_event", wait_event, 0, 1U << FAULT_FCNTL},
	{"wait_event for nothing", wait_for_nothing, 1, 1U << FAULT_FCNTL},
	{"respond", respond, 1, 0},
	{"event_close", event_close, 1, 1U << FAULT_WRITE},
	{"close", close_it, 1, 1U << FAULT_WRITE},
	{"release", release, 1, 1U << FAULT_WRITE},
	{"open", open_another, 1, 0},
	{"from_fd", adopt, 1, 0},
	{"watch, ignore", watch_and_ignore, 1, 0},
	{"flush", flush_mounts, 1, 0},
};
enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

/* Room is counted and the timer armed as well as may be; read(2)'s EINVAL asks for a larger buffer. */
static int may_be_silent(const struct operation *o, enum fault_call call, int error)
{
	return o->silent >> call & 1 || call == FAULT_GETRLIMIT || call == FAULT_TIMERFD_SETTIME ||
	       (call == FAULT_READ && (error == EAGAIN || error == EINVAL));
}

/* Whoever still waits is answered; a question whose answer nobody would take, at the end of the object. */
static void answer_all(void)
{
	unsigned char byte;
	if (x && poll_in(result[READ], 0) == 0) {
		do
			butter_fanotify_event_close(x, events);
		while (butter_fanotify_read_event(x, events) == 1);
		ck_assert_int_eq(errno, 0);
		butter_fanotify_event_close(x, events);
	}
	if (x && poll_in(result[READ], 10) == 0)
		close_it(); /* which answers once more */
	ck_assert_int_eq(poll_in(result[READ], TIMEOUT * 1000), POLLIN);
	ck_assert_int_eq(read(result[READ], &byte, 1), 1);
	ck_assert_uint_eq(byte, 0);
	if (x)
		butter_fanotify_event_close(x, events);
	else
		begin();
}

/* One operation with the fault, and then everything as usual. 0: it does not make that many calls. */
static int try(const struct operation *o, size_t row, unsigned nth, int error, int for_ever)
{
	enum fault_call call = documented[row].call;
	events->fd = events->pidfd = -1;
	events->permission = 0;
	fire();
	if (o->asked)
		ck_assert_int_eq(butter_fanotify_read_event(x, events), 1);
	(for_ever ? fault_error_from : fault_error)(call, nth, error);
	errno = 0;
	int n = o->run(), told = errno, happened = fault_happened(call);
	fault_clear();
	if (n < 0) {
		ck_assert_msg(happened, "%s: failed without a fault: %s", o->name, strerror(told));
		ck_assert_int_eq(told, error);
	} else {
		ck_assert_msg(told == 0, "%s: errno was changed to %d", o->name, told);
		ck_assert_msg(!happened || may_be_silent(o, call, error), "%s: fault %d was not told %s",
			      o->name, (int)call, strerror(error));
	}
	errno = 0;
	answer_all();
	injected += (unsigned)happened;
	return happened;
}

static void sweep_row(const struct operation *o, size_t row)
{
	for (size_t i = 0; i < MOST_ERRORS && documented[row].errors[i]; i++)
		for (int for_ever = 0; for_ever < 2; for_ever++)
			for (unsigned nth = 1; nth <= MOST_CALLS; nth++)
				if (!try(o, row, nth, documented[row].errors[i], for_ever)) {
					if (nth == 1)
						return; /* no such call */
					break;
				}
}

START_TEST(every_fault_is_told_and_costs_nothing)
{
	const char *dir = scratch();
	touch(path = path_in(dir, "file"));
	touch(other_path = path_in(dir, "other"));
	begin();
	if (!x)
		return;
	make_pipe(question);
	make_pipe(result);
	adopt_fd = butter_fanotify_init(flags, O_RDONLY);
	pid_t asker = start_child(x, ask_and_tell, NULL);
	for (size_t row = 0; row < DOCUMENTED; row++)
		sweep_row(&operations[_i], row);
	printf("%s: %u faults injected\n", operations[_i].name, injected);
	ck_assert_uint_gt(injected, 0);
	butter_fanotify_close(x);
	close(question[WRITE]);
	ck_assert_int_eq(ended_with(asker), 0);
	close(question[READ]);
	close_pipe(result);
	close(adopt_fd);
}
END_TEST

SUITE(event_fanotify_faults)
{
	tcase_add_loop_test(tc, every_fault_is_told_and_costs_nothing, 0, OPERATIONS);
}
