/* SPDX-License-Identifier: MIT */
/* The fds of a child: all entries at once, whatever their order and whatever overlaps. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "../../src/process/process.h"
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

/* What the steps leave under each number; each had its own number in it before, or -1: not open. */
static void assert_steps(const struct butter_spawn_fd *fds, size_t count, size_t numbers)
{
	struct butter__fd_entry *work = calloc(count, sizeof(*work));
	struct butter__fd_step *steps = calloc(2 * count, sizeof(*steps));
	int32_t *has = calloc(numbers, sizeof(*has)), *wanted = calloc(numbers, sizeof(*wanted)), spare = -1;
	for (size_t i = 0; i < numbers; i++)
		has[i] = wanted[i] = (int32_t)i;
	for (size_t i = 0; i < count; i++)
		wanted[fds[i].fd] = fds[i].from;
	ssize_t made = butter__fd_steps(fds, count, work, steps);
	ck_assert_int_ge(made, (ssize_t)count);
	ck_assert_int_le(made, (ssize_t)(2 * count));
	for (ssize_t i = 0; i < made; i++) {
		int32_t from = steps[i].from;
		from = from == BUTTER__SPARE ? spare : from < 0 ? -1 : has[from];
		*(steps[i].to == BUTTER__SPARE ? &spare : &has[steps[i].to]) = from;
	}
	ck_assert_mem_eq(has, wanted, numbers * sizeof(*has));
	free(wanted);
	free(has);
	free(steps);
	free(work);
}

static void shuffle(struct butter_spawn_fd *fds, size_t count)
{
	for (size_t i = count; i-- > 1;) {
		size_t other = (size_t)rand() % (i + 1);
		int32_t fd = fds[i].fd;
		fds[i].fd = fds[other].fd;
		fds[other].fd = fd;
	}
}

START_TEST(steps_of_any_assignment_have_its_effect)
{
	enum { NUMBERS = 24, ROUNDS = 20000 };
	struct butter_spawn_fd fds[NUMBERS];
	const char *given = getenv("BUTTER_TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	printf("process_fds: BUTTER_TEST_SEED=%u\n", seed);
	srand(seed);
	for (int round = 0; round < ROUNDS; round++) {
		int reach = 1 + rand() % NUMBERS;
		for (int i = 0; i < NUMBERS; i++)
			fds[i] = (struct butter_spawn_fd){.fd = i, .from = rand() % (reach + 1) - 1};
		shuffle(fds, NUMBERS);
		assert_steps(fds, 1 + (size_t)rand() % NUMBERS, NUMBERS);
	}
}
END_TEST

/* Each as many as may be named: one ring, rings of two, and a chain from either end. */
START_TEST(steps_of_the_most_fds_have_their_effect)
{
	enum { MOST = 1 << 16 };
	static struct butter_spawn_fd ring[MOST], pairs[MOST], up[MOST], down[MOST];
	for (int i = 0; i < MOST; i++) {
		ring[i] = (struct butter_spawn_fd){.fd = i, .from = (i + 1) % MOST};
		pairs[i] = (struct butter_spawn_fd){.fd = i, .from = i ^ 1};
		up[i] = down[MOST - 1 - i] = (struct butter_spawn_fd){.fd = i, .from = i - 1};
	}
	assert_steps(ring, MOST, MOST);
	assert_steps(pairs, MOST, MOST);
	assert_steps(up, MOST, MOST);
	assert_steps(down, MOST, MOST);
}
END_TEST

START_TEST(an_fd_named_twice_is_EINVAL_wherever_it_stands)
{
	enum { COUNT = 9 };
	struct butter_spawn_fd fds[COUNT];
	struct butter__fd_entry work[COUNT];
	struct butter__fd_step steps[2 * COUNT];
	for (int one = 0; one < COUNT; one++) {
		for (int other = 0; other < COUNT; other++) {
			for (int i = 0; i < COUNT; i++)
				fds[i] = (struct butter_spawn_fd){.fd = 100 - i, .from = -1};
			fds[one].fd = fds[other].fd;
			ssize_t n = butter__fd_steps(fds, COUNT, work, steps);
			ck_assert_int_eq(n, one == other ? COUNT : -1);
			if (one != other)
				ck_assert_null_errno(butter_spawn(SPAWN("/bin/true", ARGV("x"), .fds = fds,
									.fd_count = COUNT)),
						     EINVAL);
		}
	}
}
END_TEST

SUITE(process_fds)
{
	tcase_add_test(tc, steps_of_any_assignment_have_its_effect);
	tcase_add_test(tc, steps_of_the_most_fds_have_their_effect);
	tcase_add_test(tc, an_fd_named_twice_is_EINVAL_wherever_it_stands);
	tcase_add_loop_test(raw, every_assignment_is_simultaneous, 0, 2);
	tcase_add_test(raw, rings_and_chains_of_any_length_keep_what_they_hold);
	tcase_add_test(raw, nothing_else_is_passed_but_what_is_not_close_on_exec);
	tcase_add_test(raw, CLOSE_FDS_closes_all_that_is_not_named_but_the_first_three);
	tcase_add_test(raw, a_ring_needs_no_number_beyond_the_limit);
	tcase_add_test(raw, standard_input_and_output_are_plumbed);
}
