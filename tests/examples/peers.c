/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <butter/file.h>

#include "peers.h"

uint64_t seed;

static uint64_t mix(uint64_t z)
{
	z += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

size_t random_up_to(size_t max)
{
	static uint64_t n;
	return 1 + (size_t)(mix(seed ^ ++n << 40) % max);
}

/* BUTTER_TEST_SEED=N repeats a run. */
static void sow(void)
{
	const char *given = getenv("BUTTER_TEST_SEED");
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	seed = given ? strtoull(given, NULL, 10) : mix((uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 32);
}

/* What an end sends is known at each place. */
char byte_at(uint64_t stream, size_t at)
{
	return (char)(mix(seed + (stream << 40) + at / 8) >> (at % 8 * 8));
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	ck_assert_uint_lt(strlen(path), sizeof(at.sun_path));
	memcpy(at.sun_path, path, strlen(path));
	return at;
}

int stream_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Beside the test program: build/tests/run and build/examples/relay. */
static const char *path_of(const char *name)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	ck_assert_int_gt(n, 0);
	path[n] = 0;
	*strrchr(path, '/') = 0;
	const char *program = path_in(path_in(path, "../examples"), name);
	ck_assert_msg(access(program, X_OK) == 0, "%s: %s: build it", program, strerror(errno));
	return program;
}

static _Noreturn void become(const char *path, int out, const char *const arguments[])
{
	const char *argv[8] = {path};
	for (size_t i = 0; arguments[i] && i < 6; i++)
		argv[i + 1] = arguments[i];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	butter_close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	execv(path, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static unsigned fds_of(pid_t pid)
{
	char path[64];
	unsigned count = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

void launch(struct program *p, const char *name, const char *const arguments[])
{
	const char *path = path_of(name);
	char line[sizeof(p->told) + 6] = "";
	int out[2];
	sow();
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	p->pid = fork();
	ck_assert_int_ge(p->pid, 0);
	if (p->pid == 0)
		become(path, out[1], arguments);
	close(out[1]);
	p->out = out[0];
	ck_assert_int_ne(poll_in(p->out, DEADLINE), 0);
	ck_assert_int_gt(read(p->out, line, sizeof(line) - 1), 0);
	ck_assert_int_eq(strncmp(line, "ready ", 6), 0);
	memcpy(p->told, line + 6, sizeof(p->told));
	p->told[strcspn(p->told, "\n")] = 0;
	p->fds = fds_of(p->pid);
}

void end_program(struct program *p)
{
	int status;
	ck_assert_int_eq(kill(p->pid, SIGTERM), 0);
	ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
	ck_assert_int_eq(status, 0);
	ssize_t n = read(p->out, p->told, sizeof(p->told) - 1);
	ck_assert_int_ge(n, 0);
	p->told[n] = 0;
	close(p->out);
}

void assert_fds(const struct program *p, unsigned more)
{
	for (int tries = 0; fds_of(p->pid) != p->fds + more; tries++) {
		struct pollfd end = {.fd = p->out}; /* its end would be seen here */
		ck_assert_int_eq(poll(&end, 1, 10), 0);
		ck_assert_msg(tries < DEADLINE / 10, "%u fds are open, not %u + %u", fds_of(p->pid), p->fds,
			      more);
	}
}

void start(struct relay *r, const char *pipe_size)
{
	const char *dir = scratch(), *at = path_in(dir, "relay"), *target = path_in(dir, "target");
	struct sockaddr_un where = address(target);
	r->at = address(at);
	r->target = stream_socket();
	ck_assert_int_eq(bind(r->target, (struct sockaddr *)&where, sizeof(where)), 0);
	ck_assert_int_eq(listen(r->target, SOMAXCONN), 0);
	launch(&r->program, "relay", (const char *const[]){"-p", pipe_size, at, target, NULL});
}

/* Two sockets and two pipes each. */
void assert_links(const struct relay *r, unsigned count)
{
	assert_fds(&r->program, 6 * count);
}

void stop(struct relay *r)
{
	assert_links(r, 0);
	end_program(&r->program);
	ck_assert_fails(access(r->at.sun_path, F_OK), ENOENT);
	close(r->target);
}

static int64_t cpu_time(pid_t pid)
{
	struct timespec time;
	clockid_t clock;
	ck_assert_int_eq(clock_getcpuclockid(pid, &clock), 0);
	ck_assert_int_eq(clock_gettime(clock, &time), 0);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* It comes to rest: there is a while in which it uses next to no processor time. One that spins has none. */
void assert_rests(const struct program *p)
{
	for (int tries = 0; tries < DEADLINE / QUIET / 3; tries++) {
		struct pollfd end = {.fd = p->out};
		int64_t before = cpu_time(p->pid);
		ck_assert_int_eq(poll(&end, 1, QUIET), 0);
		if (cpu_time(p->pid) - before < QUIET * INT64_C(1000000) / 100)
			return;
	}
	ck_abort_msg("it does not come to rest");
}

/* A client and what the target has accepted for it. */
void join(const struct relay *r, int ret_ends[2])
{
	ret_ends[0] = stream_socket();
	ck_assert_int_eq(connect(ret_ends[0], (const struct sockaddr *)&r->at, sizeof(r->at)), 0);
	ck_assert_int_ne(poll_in(r->target, DEADLINE), 0);
	ret_ends[1] = accept4(r->target, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(ret_ends[1], 0);
}

static void send_some(struct end *end)
{
	char bytes[CHUNK];
	size_t left = end->to_send - end->sent, n = random_up_to(CHUNK);
	if (n > left)
		n = left;
	for (size_t i = 0; i < n; i++)
		bytes[i] = byte_at(end->out, end->sent + i);
	ssize_t sent = n ? send(end->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
	ck_assert_msg(sent >= 0 || errno == EAGAIN, "send: %s, seed %ju", strerror(errno), (uintmax_t)seed);
	if (sent > 0)
		end->sent += (size_t)sent;
	if (end->sent == end->to_send && !end->shut) {
		ck_assert_int_eq(shutdown(end->fd, SHUT_WR), 0);
		end->shut = true;
	}
}

/* Returns false when there is nothing to read now. */
bool receive_some(struct end *end)
{
	char bytes[CHUNK];
	ssize_t n = recv(end->fd, bytes, random_up_to(CHUNK / 4) | 1, MSG_DONTWAIT);
	if (n < 0) {
		ck_assert_int_eq(errno, EAGAIN);
		return false;
	}
	/* An assertion that holds is a system call of check's. */
	for (ssize_t i = 0; i < n; i++, end->received++)
		if (bytes[i] != byte_at(end->in, end->received))
			ck_abort_msg("byte %zu differs, seed %ju", end->received, (uintmax_t)seed);
	ck_assert_msg(end->received <= end->to_receive, "too many bytes, seed %ju", (uintmax_t)seed);
	end->ended = n == 0;
	return n > 0;
}

static bool is_over(const struct end *end)
{
	return end->shut && end->ended;
}

void turn(struct end *ends, size_t count)
{
	struct pollfd fds[MAX_ENDS];
	for (size_t i = 0; i < count; i++)
		fds[i] = (struct pollfd){
			.fd = is_over(&ends[i]) ? -1 : ends[i].fd,
			.events = (short)((ends[i].shut ? 0 : POLLOUT) | (ends[i].ended ? 0 : POLLIN))};
	ck_assert_msg(poll(fds, (nfds_t)count, DEADLINE) > 0, "nothing moves, seed %ju", (uintmax_t)seed);
	for (size_t i = 0; i < count; i++) {
		if (fds[i].revents & POLLOUT && !ends[i].shut)
			send_some(&ends[i]);
		/* A slow reader: one in four times. */
		if (fds[i].revents & (POLLIN | POLLHUP) && !ends[i].ended && random_up_to(4) == 1)
			receive_some(&ends[i]);
	}
}

void fill_up(const struct program *p, struct end *end, size_t step)
{
	struct pollfd out = {.fd = end->fd, .events = POLLOUT};
	char bytes[CHUNK];
	while (poll(&out, 1, QUIET) == 1) {
		for (size_t i = 0; i < step; i++)
			bytes[i] = byte_at(end->out, end->sent + i);
		ssize_t n = send(end->fd, bytes, step, MSG_DONTWAIT | MSG_NOSIGNAL);
		ck_assert(n > 0 || errno == EAGAIN);
		if (n > 0)
			end->sent += (size_t)n;
	}
	assert_rests(p);
}

void take_all(struct end *end, size_t amount)
{
	end->to_receive = amount;
	while (!end->ended) {
		ck_assert_int_ne(poll_in(end->fd, DEADLINE), 0);
		receive_some(end);
	}
	ck_assert_uint_eq(end->received, amount);
}

bool all_over(const struct end *ends, size_t count)
{
	while (count > 0 && is_over(&ends[count - 1]))
		count--;
	return count == 0;
}
