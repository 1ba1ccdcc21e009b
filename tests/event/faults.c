/* SPDX-License-Identifier: MIT */
/*
 * The sweep: every operation of every kind of object, with the nth call of each libc function
 * that the library uses failing with each errno it is documented to have, once and for ever. The
 * operation tells that errno or ends well; afterwards the object works, and nothing has leaked
 * (the fixture counts fds, the sanitizers and valgrind memory).
 *
 * What of libc's the library calls besides, and why it has no row:
 * - the wrappers that src/fd and src/sys end in (check-tailcalls): their result is the function's.
 *   Only uname(2) has code behind it, and tests/sys/host.c makes it fail;
 * - clock_gettime(2), pthread_sigmask(3): they fail for another clock or way than the constants
 *   that are given, or a bad pointer;
 * - sigaddset(3), sigdelset(3), sigismember(3): for no signal, of which tests/event/signalfd.c has
 *   some; sigemptyset(3), sigfillset(3): never;
 * - strtoimax(3): what it refuses is in tests/event/names.c; snprintf(3): never, into arrays that
 *   are large enough;
 * - close(2): Linux has closed the fd whatever it says, and close is void (tests/event/object.c).
 */
#include <stdio.h>
#include <sys/mman.h>

#include "child.h"
#include "kinds.h"
#include "test.h"

enum { MOST_ERRORS = 10, MOST_CALLS = 8 };

static const struct {
	enum fault_call call;
	int errors[MOST_ERRORS];
} documented[] = {
	{FAULT_READ, {EAGAIN, EINTR, EIO, EBADF, EFAULT, EINVAL, EISDIR, ENOMEM}},
	{FAULT_WRITE, {EAGAIN, EINTR, EIO, EBADF, EFAULT, EINVAL}},
	{FAULT_CALLOC, {ENOMEM}},
	{FAULT_FCNTL, {EBADF, EACCES, EPERM}},
	{FAULT_PPOLL, {EINTR, EFAULT, EINVAL, ENOMEM}},
	{FAULT_INOTIFY_INIT1, {EINVAL, EMFILE, ENFILE, ENOMEM}},
	{FAULT_INOTIFY_ADD_WATCH,
	 {EACCES, EBADF, EEXIST, EFAULT, EINVAL, ENAMETOOLONG, ENOENT, ENOMEM, ENOSPC, ENOTDIR}},
	{FAULT_INOTIFY_RM_WATCH, {EBADF, EINVAL}},
	{FAULT_FANOTIFY_INIT, {EINVAL, EMFILE, ENOMEM, ENOSYS, EPERM}},
	{FAULT_FANOTIFY_MARK,
	 {EBADF, EEXIST, EINVAL, ENODEV, ENOENT, ENOMEM, ENOSPC, EOPNOTSUPP, EPERM, EXDEV}},
	{FAULT_EVENTFD, {EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM}},
	{FAULT_SIGNALFD, {EBADF, EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM}},
	{FAULT_TIMERFD_CREATE, {EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM, EPERM}},
	{FAULT_TIMERFD_SETTIME, {EBADF, ECANCELED, EFAULT, EINVAL}},
	{FAULT_TIMERFD_GETTIME, {EBADF, EFAULT, EINVAL}},
	{FAULT_EPOLL_CREATE1, {EINVAL, EMFILE, ENFILE, ENOMEM}},
	{FAULT_EPOLL_CTL, {EBADF, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, EPERM}},
	{FAULT_GETRLIMIT, {EFAULT, EINVAL, EPERM}},
	{FAULT_PIDFD_OPEN, {EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM, ESRCH}},
	{FAULT_PIDFD_SEND_SIGNAL, {EBADF, EINVAL, EPERM, ESRCH}},
	{FAULT_WAITID, {EINTR, EINVAL, ESRCH}}, /* ECHILD is an answer, see tests/process */
	{FAULT_MMAP, {EACCES, EAGAIN, EINVAL, ENFILE, ENODEV, ENOMEM, EPERM}},
	{FAULT_CLONE, {EAGAIN, EINVAL, EMFILE, ENOMEM, ENOSPC, EPERM, EUSERS}},
	{FAULT_CHDIR, {EACCES, EFAULT, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR}},
	{FAULT_DUP, {EBADF, EMFILE, EINTR, EINVAL}},
	{FAULT_EXECVE, {E2BIG, EAGAIN, EFAULT, EIO, EISDIR, ELIBBAD, ELOOP, ENOEXEC, ENOMEM, ETXTBSY}},
	{FAULT_MALLOC, {ENOMEM}},
	{FAULT_REALLOC, {ENOMEM}},
	{FAULT_STRDUP, {ENOMEM}},
	{FAULT_OPEN, {EACCES, ELOOP, EMFILE, ENFILE, ENOENT, ENOMEM, ENOTDIR}},
	{FAULT_STAT, {EACCES, ENOENT, ENOMEM, ENOTDIR}},
	{FAULT_STATFS, {EIO, ENOMEM, ENOSYS}},
	{FAULT_FUTIMENS, {EACCES, EPERM, EROFS}},
	{FAULT_READLINK, {EACCES, EIO, ENOENT, ENOMEM}},
	{FAULT_POLL, {EINTR, ENOMEM}},
	{FAULT_GETCWD, {EACCES, ENOENT, ENOMEM}},
	{FAULT_MEMFD_CREATE, {EMFILE, ENFILE, ENOMEM}},
	{FAULT_NAME_TO_HANDLE_AT, {EOPNOTSUPP, EPERM, ESTALE}},
	{FAULT_GETDENTS, {EACCES, EIO, ENOENT, ENOMEM}},
	{FAULT_FOPEN, {EACCES, EMFILE, ENFILE, ENOENT, ENOMEM}},
	{FAULT_PTHREAD_CREATE, {EAGAIN, EPERM}},
};
enum { DOCUMENTED = sizeof(documented) / sizeof(documented[0]) };
_Static_assert((int)DOCUMENTED == (int)FAULT_UNAME, "a row for each function that the objects call");

static const struct kind *kind;
static union any_event events[4];
static unsigned injected;

/* Operations on an object that has events waiting; -1 is an error. */
static int read_event(struct butter_source *source)
{
	return butter_source_read_event(source, events);
}

static int read_events(struct butter_source *source)
{
	return (int)butter_source_read_events(source, events, 4);
}

static int wait_event(struct butter_source *source)
{
	return butter_source_wait_event(source, events, 1000000);
}

/* Nothing is waiting any more: it has to wait. */
static int drain_and_wait(struct butter_source *source)
{
	int n;
	while ((n = read_event(source)) == 1)
		continue;
	if (n < 0 && errno == ENODATA && kind->once)
		errno = n = 0;
	return n < 0 || kind->once ? n : wait_event(source);
}

static int open_another(struct butter_source *source)
{
	(void)source;
	struct butter_source *other = kind->open();
	if (!other)
		return -1;
	butter_source_close(other);
	return 0;
}

/* From an fd made beforehand, which is still there when that fails. */
static int adopt_fd;
static int adopt(struct butter_source *source)
{
	(void)source;
	struct butter_source *other = kind->from_fd(adopt_fd);
	return other ? butter_source_release(other) - adopt_fd : -1;
}

typedef int operation(struct butter_source *source);
static operation *const operations[] = {read_event,     read_events,  wait_event,
					drain_and_wait, open_another, adopt};
enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

/* One operation with the fault, and then everything as usual. Returns 0 when the operation does
   not make that many calls. */
static int try(struct butter_source *source, operation *run, size_t row, unsigned nth, int error,
	       int for_ever)
{
	if (kind->once)
		source = kind->open();
	kind->fire(source);
	(for_ever ? fault_error_from : fault_error)(documented[row].call, nth, error);
	errno = 0;
	int n = run(source), told = errno, happened = fault_happened(documented[row].call);
	fault_clear();
	if (n < 0) {
		ck_assert_msg(happened, "%s: errno is %d without a fault, row %zu, call %u", kind->name, told,
			      row, nth);
		ck_assert_msg(told == error, "%s: errno is %d and not %d, row %zu, call %u", kind->name, told,
			      error, row, nth);
	} else {
		ck_assert_msg(told == 0, "%s: errno is %d after success, row %zu, call %u", kind->name, told,
			      row, nth);
		/* what a composite makes up for, or tells as an event, is in tests/tree/faults.c */
		int is_mended = kind->composite || (kind->asks_paths && documented[row].call >= FAULT_MALLOC);
		ck_assert_msg(!happened || error == EAGAIN || is_mended,
			      "%s: a fault was not told, of row %zu, call %u", kind->name, row, nth);
	}
	injected += (unsigned)happened;
	while (butter_source_read_event(source, events) == 1)
		continue;
	if (kind->once) {
		ck_assert_fails(butter_source_read_event(source, events), ENODATA);
		butter_source_close(source);
		return happened;
	}
	kind->fire(source);
	ck_assert_int_eq(butter_source_wait_event(source, events, INT64_C(10000000000)), 1);
	return happened;
}

/* Whether the operation makes the call of this row at all. */
static int try_all(struct butter_source *source, operation *run, size_t row, int error)
{
	unsigned nth = 1;
	for (int for_ever = 0; for_ever < 2; for_ever++)
		for (nth = 1; nth <= MOST_CALLS; nth++)
			if (!try(source, run, row, nth, error, for_ever))
				break;
	return nth > 1;
}

/* Every so manyth row from this one on. */
static void sweep(operation *run, size_t row, size_t step)
{
	struct butter_source *source = kind->open();
	adopt_fd = kind->make_fd ? kind->make_fd() : -1;
	for (; row < DOCUMENTED; row += step)
		for (size_t i = 0; i < MOST_ERRORS && documented[row].errors[i]; i++)
			if (!try_all(source, run, row, documented[row].errors[i]))
				break;
	butter_source_close(source);
	if (kind->make_fd)
		ck_assert_int_eq(close(adopt_fd), 0);
}

/* The operations of a kind: these, those that it has, and its own verbs. */
static unsigned list_operations(operation *ret[OPERATIONS + 6])
{
	unsigned count = 0;
	for (size_t i = 0; i < OPERATIONS; i++)
		if (operations[i] != adopt || kind->from_fd)
			ret[count++] = operations[i];
	for (size_t i = 0; kind->verbs[i]; i++)
		ret[count++] = kind->verbs[i];
	return count;
}

static unsigned *all_injected;

/* A composite opens and closes much, and the kernel takes its time to close an inotify. */
static unsigned parts(void)
{
	return kind->composite ? 5 : 1;
}

static void sweep_one(unsigned number)
{
	operation *list[OPERATIONS + 6];
	list_operations(list);
	sweep(list[number / parts()], number % parts(), parts());
	__atomic_add_fetch(all_injected, injected, __ATOMIC_SEQ_CST);
}

START_TEST(every_fault_is_told_and_costs_nothing)
{
	operation *list[OPERATIONS + 6];
	kind = &kinds[_i];
	all_injected =
		mmap(NULL, sizeof(*all_injected), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(all_injected, MAP_FAILED);
	in_children(list_operations(list) * parts(), sweep_one);
	printf("%s: %u faults injected\n", kind->name, *all_injected);
	ck_assert_uint_gt(*all_injected, 100);
	munmap(all_injected, sizeof(*all_injected));
}
END_TEST

/* A read of any length: whole records come, a part of one is EBADMSG, and then all is well. */
START_TEST(a_read_of_any_length_is_told)
{
	unsigned char bytes[300] = {0};
	kind = &kinds[_i];
	struct butter_source *source = kind->open();
	bytes[0] = 1;
	for (size_t len = 1; len <= sizeof(bytes); len++) {
		unsigned char *exact = malloc(len);
		memcpy(exact, bytes, len);
		if (kind->caches || len <= 8) {
			fault_result(FAULT_READ, 1, (ssize_t)len, exact);
			errno = 0;
			int n = read_events(source);
			ck_assert(n > 0 ? errno == 0 : n == -1 && errno == EBADMSG);
			fault_clear();
		}
		for (int n; (n = read_event(source)) != 0;)
			ck_assert(n == 1 || errno == EBADMSG);
		kind->fire(source);
		ck_assert_int_eq(read_event(source), 1);
		while (read_event(source) == 1)
			continue;
		free(exact);
	}
	butter_source_close(source);
}
END_TEST

SUITE(event_faults)
{
	EVERY_KIND(every_fault_is_told_and_costs_nothing);
	tcase_add_loop_test(tc, a_read_of_any_length_is_told, 0, KINDS_READ);
}
