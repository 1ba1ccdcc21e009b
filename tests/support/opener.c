/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>

#include "opener.h"
#include "test.h"

struct butter_fanotify *guard(unsigned flags, const struct butter_fanotify_options *options)
{
	struct butter_fanotify *x = admin_group(flags, O_RDONLY, options);
	if (!x && geteuid() == 0)
		SKIP("root without CAP_SYS_ADMIN");
	return x;
}

struct butter_fanotify *guard_file_in(const char *dir, unsigned flags,
				      const struct butter_fanotify_options *options, const char **ret_path)
{
	static unsigned serial;
	char name[16];
	struct butter_fanotify *x = guard(flags, options);
	if (!x)
		return NULL;
	snprintf(name, sizeof(name), "%d-%u", (int)getpid(), serial++);
	*ret_path = path_in(dir, name);
	touch(*ret_path);
	ck_assert_int_eq(butter_fanotify_watch(x, AT_FDCWD, *ret_path, FAN_OPEN_PERM, 0), 0);
	return x;
}

struct butter_fanotify *guard_file(unsigned flags, const struct butter_fanotify_options *options,
				   const char **ret_path)
{
	return guard_file_in(scratch(), flags, options, ret_path);
}

pid_t start_child(struct butter_fanotify *x, int (*fn)(const void *), const void *arg)
{
	pid_t pid = check_fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		butter_fanotify_close(x);
		alarm(2 * TIMEOUT);
		_exit(fn(arg));
	}
	return pid;
}

int ended_with(pid_t pid)
{
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "an opener was killed: %#x", (unsigned)status);
	return WEXITSTATUS(status);
}

int has_ended(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	return info.si_pid == pid;
}

static int open_it(const void *path)
{
	return open(path, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

pid_t start_opener(struct butter_fanotify *x, const char *path)
{
	return start_child(x, open_it, path);
}

struct butter_fanotify_event await_question(struct butter_fanotify *x)
{
	struct butter_fanotify_event ev = next_event(x);
	ck_assert_uint_ne(ev.permission, 0);
	ck_assert_int_ge(ev.fd, 0);
	return ev;
}

struct butter_fanotify_event ask(struct butter_fanotify *x, const char *path, pid_t *ret_opener)
{
	*ret_opener = start_opener(x, path);
	struct butter_fanotify_event ev = await_question(x);
	ck_assert_int_eq(ev.pid, *ret_opener);
	return ev;
}

static char state_of(pid_t pid)
{
	char path[32], state;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
	fclose(file);
	return state;
}

void await_stuck(const pid_t *openers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		while (state_of(openers[i]) != 'D')
			sched_yield();
}
