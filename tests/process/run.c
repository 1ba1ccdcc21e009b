/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/wait.h>

#include "run.h"

enum { MOST_FDS = 16 };

struct butter_process_event end_of(struct butter_process *x)
{
	struct butter_process_event ev;
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(butter_process_wait_event(x, &ev, INT64_C(30000000000)), 1);
	butter_process_close(x);
	return ev;
}

static size_t read_all(int fd, char *text, size_t size)
{
	size_t at = 0;
	ssize_t n;
	while (at < size - 1 && (n = read(fd, text + at, size - 1 - at)) > 0)
		at += (size_t)n;
	text[at] = '\0';
	return at;
}

void run(const struct butter_spawn *how, struct result *ret)
{
	struct butter_spawn_fd fds[MOST_FDS + 1] = {{0, 0}};
	struct butter_spawn copy = *how;
	int out[2];
	ck_assert_uint_le(how->fd_count, MOST_FDS);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	if (how->fd_count > 0)
		memcpy(fds, how->fds, how->fd_count * sizeof(fds[0]));
	fds[how->fd_count] = (struct butter_spawn_fd){.fd = 1, .from = out[1]};
	copy.fds = fds;
	copy.fd_count = how->fd_count + 1;
	struct butter_process *x = butter_spawn(&copy);
	ck_assert_msg(x != NULL, "%s: %s", how->path, strerror(errno));
	close(out[1]);
	read_all(out[0], ret->text, sizeof(ret->text));
	close(out[0]);
	ret->ev = end_of(x);
}

const char *output_of(const struct butter_spawn *how, int status)
{
	static struct result result;
	run(how, &result);
	ck_assert_int_eq(result.ev.code, CLD_EXITED);
	ck_assert_int_eq(result.ev.status, status);
	return result.text;
}

struct butter_process *sleeper(void)
{
	struct butter_process *x = butter_spawn(SPAWN("/bin/sleep", ARGV("sleep", "1000")));
	ck_assert_ptr_nonnull(x);
	return x;
}

struct butter_process *exiting(const char *status)
{
	struct butter_process *x = butter_spawn(SPAWN("/bin/sh", ARGV("sh", "-c", "exit $0", status)));
	ck_assert_ptr_nonnull(x);
	return x;
}

void assert_no_child(void)
{
	ck_assert_fails(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}
