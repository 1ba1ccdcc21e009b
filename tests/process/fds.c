/* SPDX-License-Identifier: MIT */
/* The fds of a child: all entries at once, whatever their order and whatever overlaps. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>

#include "child.h"
#include "run.h"

/* The parent's fds FIRST, FIRST + 1 ... are files of these names; the one after them is not open. */
enum { FIRST = 40, FILES = 4, TARGETS = 3, SOURCES = FILES + 1 };

static const char *folder;

static void open_files(void)
{
	char name[2] = "a";
	folder = scratch();
	for (int i = 0; i < FILES; i++, name[0]++) {
		int fd = open(path_in(folder, name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		ck_assert_int_eq(dup3(fd, FIRST + i, i == 0 ? 0 : O_CLOEXEC), FIRST + i);
		close(fd);
	}
}

static void close_files(void)
{
	for (int i = 0; i < FILES; i++)
		ck_assert_int_eq(close(FIRST + i), 0);
}

/* The letter of the file that is fd in `ls -l /proc/self/fd`; 0: the child does not have it. */
static char file_of(const char *listing, int fd)
{
	char start[32];
	snprintf(start, sizeof(start), " %d -> ", fd);
	const char *line = strstr(listing, start);
	return line ? strchr(line, '\n')[-1] : 0;
}

static const char *listing(const struct butter_spawn_fd *fds, size_t count, unsigned flags)
{
	return output_of(SPAWN("/bin/ls", ARGV("ls", "-l", "/proc/self/fd"), .fds = fds, .fd_count = count,
			       .flags = flags),
			 0);
}

/* Every assignment of three numbers out of five sources, closing included, in one order. */
START_TEST(every_assignment_is_simultaneous)
{
	open_files();
	for (int code = _i; code < SOURCES * SOURCES * SOURCES; code += 2) {
		struct butter_spawn_fd fds[TARGETS];
		for (int i = 0, rest = code; i < TARGETS; i++, rest /= SOURCES) {
			int source = rest % SOURCES;
			fds[i].fd = FIRST + i;
			fds[i].from = source == FILES ? -1 : FIRST + source;
		}
		const char *text = listing(fds, TARGETS, 0);
		for (int i = 0; i < TARGETS; i++)
			ck_assert_msg(file_of(text, FIRST + i) ==
					      (fds[i].from < 0 ? 0 : 'a' + fds[i].from - FIRST),
				      "assignment %d: fd %d\n%s", code, FIRST + i, text);
	}
	close_files();
}
END_TEST

/* A ring of all standard fds and the files, two rings, and a chain that comes in the worst order. */
START_TEST(rings_and_chains_of_any_length_keep_what_they_hold)
{
	static const struct butter_spawn_fd ring[] = {{40, 41}, {41, 42}, {42, 43}, {43, 40}};
	static const struct butter_spawn_fd two[] = {{40, 41}, {43, 42}, {41, 40}, {42, 43}, {90, 40}};
	static const struct butter_spawn_fd chain[] = {{43, 42}, {44, 43}, {42, 41}, {41, 40}, {40, -1}};
	open_files();
	const char *text = listing(ring, 4, 0);
	ck_assert_int_eq(file_of(text, 40), 'b');
	ck_assert_int_eq(file_of(text, 41), 'c');
	ck_assert_int_eq(file_of(text, 42), 'd');
	ck_assert_int_eq(file_of(text, 43), 'a');
	text = listing(two, 5, 0);
	ck_assert_int_eq(file_of(text, 40), 'b');
	ck_assert_int_eq(file_of(text, 41), 'a');
	ck_assert_int_eq(file_of(text, 42), 'd');
	ck_assert_int_eq(file_of(text, 43), 'c');
	ck_assert_int_eq(file_of(text, 90), 'a');
	text = listing(chain, 5, 0);
	ck_assert_int_eq(file_of(text, 40), 0);
	ck_assert_int_eq(file_of(text, 41), 'a');
	ck_assert_int_eq(file_of(text, 42), 'b');
	ck_assert_int_eq(file_of(text, 43), 'c');
	ck_assert_int_eq(file_of(text, 44), 'd');
	close_files();
}
END_TEST

START_TEST(nothing_else_is_passed_but_what_is_not_close_on_exec)
{
	open_files();
	const char *text = listing(NULL, 0, 0);
	ck_assert_int_eq(file_of(text, 40), 'a');
	ck_assert_int_eq(file_of(text, 41), 0);
	close_files();
}
END_TEST

START_TEST(CLOSE_FDS_closes_all_that_is_not_named_but_the_first_three)
{
	static const struct butter_spawn_fd kept[] = {{41, 41}, {50, 40}};
	if (!linux_is_at_least(5, 11))
		SKIP("close_range(2) does not know CLOSE_RANGE_CLOEXEC");
	open_files();
	const char *text = listing(NULL, 0, BUTTER_SPAWN_CLOSE_FDS);
	ck_assert_int_eq(file_of(text, 40), 0);
	ck_assert_ptr_nonnull(strstr(text, " 0 -> "));
	ck_assert_ptr_nonnull(strstr(text, " 2 -> "));
	text = listing(kept, 2, BUTTER_SPAWN_CLOSE_FDS);
	ck_assert_int_eq(file_of(text, 40), 0);
	ck_assert_int_eq(file_of(text, 41), 'b');
	ck_assert_int_eq(file_of(text, 50), 'a');
	ck_assert_int_eq(fcntl(40, F_GETFD), 0); /* the parent's are as they were */
	ck_assert_int_eq(fcntl(41, F_GETFD), FD_CLOEXEC);
	close_files();
}
END_TEST

/* A ring needs one free number; there may be none. */
static void swap_at_the_limit(void *unused)
{
	static const struct butter_spawn_fd swap[] = {{40, 41}, {41, 40}};
	struct rlimit limit = {.rlim_cur = 45, .rlim_max = 45};
	(void)unused;
	for (int fd = 3; fd < 45; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			ck_assert_int_eq(dup2(0, fd), fd);
	ck_assert_int_eq(close(44), 0); /* for the pidfd, which the child does not have */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	struct butter_process *x = butter_spawn(SPAWN("/bin/true", ARGV("x"), .fds = swap, .fd_count = 2));
	ck_assert_int_eq(end_of(x).status, 0);
	limit.rlim_cur = 44;
	ck_assert_int_eq(close(43), 0);
	ck_assert_int_eq(dup2(0, 44), 44);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	x = butter_spawn(SPAWN("/bin/true", ARGV("x"), .fds = swap, .fd_count = 2));
	ck_assert_int_eq(end_of(x).status, 0);
}

START_TEST(a_ring_needs_no_number_beyond_the_limit)
{
	open_files();
	in_child(swap_at_the_limit, NULL);
	close_files();
}
END_TEST

START_TEST(standard_input_and_output_are_plumbed)
{
	int in[2];
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	struct butter_spawn_fd fds[] = {{0, in[0]}};
	ck_assert_int_eq(write(in[1], "through\n", 8), 8);
	close(in[1]);
	ck_assert_str_eq(output_of(SPAWN("/bin/cat", ARGV("cat"), .fds = fds, .fd_count = 1), 0),
			 "through\n");
	close(in[0]);
}
END_TEST

SUITE(process_fds)
{
	(void)tc;
	tcase_add_loop_test(raw, every_assignment_is_simultaneous, 0, 2);
	tcase_add_test(raw, rings_and_chains_of_any_length_keep_what_they_hold);
	tcase_add_test(raw, nothing_else_is_passed_but_what_is_not_close_on_exec);
	tcase_add_test(raw, CLOSE_FDS_closes_all_that_is_not_named_but_the_first_three);
	tcase_add_test(raw, a_ring_needs_no_number_beyond_the_limit);
	tcase_add_test(raw, standard_input_and_output_are_plumbed);
}
