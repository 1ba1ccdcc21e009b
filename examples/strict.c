/* SPDX-License-Identifier: MIT */
/*
 * A calculator that is not trusted: a child adds up the numbers of a text under seccomp(2)'s strict
 * mode, in which a process can read(2), write(2) and _exit(2) and nothing else. It speaks through
 * two pipes. Where an attacker takes it over, all he gets is its death.
 *
 *	strict '1 2 39'		the sum is 42
 *	strict '!/etc/passwd'	what is after ! stands for an attacker, who opens the file: killed
 *
 *	cc strict.c $(pkg-config --cflags --libs butter)
 */
#include <butter/seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct calculator {
	pid_t pid;
	int to, from; /* the parent's ends */
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "strict: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Not libc's _exit(), which is exit_group(2): strict mode kills for that one. */
static _Noreturn void leave(int status)
{
	for (;;)
		syscall(SYS_exit, status);
}

/* The child: no malloc(3), no stdio(3), nothing that may need another system call. */

static unsigned long add_up(const char *text, size_t len)
{
	unsigned long sum = 0, number = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] >= '0' && text[i] <= '9') {
			number = number * 10 + (unsigned long)(text[i] - '0');
		} else {
			sum += number;
			number = 0;
		}
	}
	return sum + number;
}

static size_t read_all(int fd, char *buf, size_t max)
{
	size_t len = 0;
	for (ssize_t n; len < max && (n = read(fd, buf + len, max - len)) != 0; len += (size_t)n)
		if (n < 0)
			leave(1);
	return len;
}

static _Noreturn void calculate(int in, int out)
{
	static char text[4096];
	if (butter_seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL) < 0)
		_exit(errno == ENOSYS || errno == EINVAL ? 3 : 1); /* not strict yet */
	size_t len = read_all(in, text, sizeof(text) - 1);
	if (text[0] == '!')
		syscall(SYS_openat, AT_FDCWD, text + 1, O_RDONLY);
	unsigned long sum = add_up(text, len);
	leave(write(out, &sum, sizeof(sum)) != sizeof(sum));
}

/* The parent */

static struct calculator start(void)
{
	int down[2], up[2];
	if (pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0)
		die("pipe2");
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		/* Its own copy of the writing end would keep it waiting for the end of the text. */
		close(down[1]);
		close(up[0]);
		calculate(down[0], up[1]);
	}
	close(down[0]);
	close(up[1]);
	return (struct calculator){.pid = pid, .to = down[1], .from = up[0]};
}

/* Returns the child's wait status; ret_sum is untouched when it gave none. */
static int ask(const char *text, unsigned long *ret_sum)
{
	struct calculator c = start();
	unsigned long sum;
	int status;
	if (write(c.to, text, strlen(text)) < 0 && errno != EPIPE) /* EPIPE: dead; wait(2) says how */
		die("write");
	close(c.to);
	if (read(c.from, &sum, sizeof(sum)) == sizeof(sum))
		*ret_sum = sum;
	close(c.from);
	while (waitpid(c.pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	return status;
}

int main(int argc, char **argv)
{
	unsigned long sum = 0;
	if (argc != 2 || strlen(argv[1]) >= 4096) {
		fprintf(stderr,
			"strict: give one text of less than 4096 bytes with numbers, such as '1 2 39'\n"
			"usage: strict TEXT\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	int status = ask(argv[1], &sum);
	if (WIFSIGNALED(status)) {
		printf("killed by signal %d (%s): it tried what strict mode forbids\n", WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
		return 3;
	}
	if (WEXITSTATUS(status) != 0) {
		fprintf(stderr, "strict: the calculator ended with %d%s\n", WEXITSTATUS(status),
			WEXITSTATUS(status) == 3 ? ": this kernel has no seccomp" : "");
		return 1;
	}
	printf("sum %lu, and the calculator ended by itself\n", sum);
	return 0;
}
