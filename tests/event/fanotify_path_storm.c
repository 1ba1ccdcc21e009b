/* SPDX-License-Identifier: MIT */
/*
 * One process renames directories on several levels, another creates files in them, and the test asks for the
 * path of each event's directory. The renamer numbers its renames and writes down what each leads to: state i
 * may be seen as soon as rename i has started, and until rename i + 1 has ended.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "test.h"
#include "watched.h"

enum { LEVELS = 4, RENAMES = 1 << 22, ANSWERS = 5000, STEPS = 500, AHEAD = 256 };

static struct shared {
	unsigned started, ended; /* renames */
	unsigned created, seen;  /* files */
	unsigned stop;
	unsigned char states[RENAMES + 1]; /* a bit for each level */
} * shared;

static struct handle dirs[LEVELS];

static unsigned load(const unsigned *value)
{
	return __atomic_load_n(value, __ATOMIC_SEQ_CST);
}

static void store(unsigned *value, unsigned to)
{
	__atomic_store_n(value, to, __ATOMIC_SEQ_CST);
}

/* Each level has two names under the level before, but for level 2, which goes to another place. */
static void path_of(unsigned state, unsigned level, char *path, size_t size)
{
	size_t n = (size_t)snprintf(path, size, "%s", top);
	for (unsigned i = 0; i <= level; i++) {
		if (i == 2 && state & 4)
			n = (size_t)snprintf(path, size, "%s/side", top);
		n += (size_t)snprintf(path + n, size - n, "/%c", state & 1U << i && i != 2 ? 'b' : 'a');
	}
}

static void rename_one(unsigned number, unsigned level)
{
	char from[512], to[512];
	unsigned state = shared->states[number], next = state ^ 1U << level;
	path_of(state, level, from, sizeof(from));
	path_of(next, level, to, sizeof(to));
	shared->states[number + 1] = (unsigned char)next;
	store(&shared->started, number + 1);
	if (rename(from, to) < 0)
		_exit(2);
	store(&shared->ended, number + 1);
}

static void rename_for_ever(unsigned seed)
{
	srand(seed);
	for (unsigned i = load(&shared->ended); i < RENAMES && !load(&shared->stop); i++)
		rename_one(i, (unsigned)rand() % LEVELS);
}

/* "0-17" is of level 0. Relative to open directories, wherever these are. */
static void create_for_ever(unsigned seed)
{
	int fds[LEVELS];
	char name[32];
	(void)seed;
	for (unsigned i = 0; i < LEVELS; i++) {
		char path[512];
		path_of(0, i, path, sizeof(path));
		fds[i] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	store(&shared->created, 1);
	for (unsigned i = 1; !load(&shared->stop); i++) {
		snprintf(name, sizeof(name), "%u-%u", i % LEVELS, i);
		if (mknodat(fds[i % LEVELS], name, S_IFREG | 0600, 0) < 0 ||
		    unlinkat(fds[i % LEVELS], name, 0) < 0)
			_exit(2);
		store(&shared->created, i + 1);
		while (i > load(&shared->seen) + AHEAD && !load(&shared->stop))
			sched_yield();
	}
}

/* It ends with the test, whatever happens to that. */
static pid_t start(void (*fn)(unsigned seed), unsigned seed)
{
	pid_t parent = getpid(), pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			fn(seed);
		_exit(0);
	}
	return pid;
}

static void finish(pid_t pid)
{
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void prepare(void)
{
	char path[512];
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	make(at("side"));
	for (unsigned i = 0; i < LEVELS; i++) {
		path_of(0, i, path, sizeof(path));
		new_dir(&dirs[i], path);
	}
}

/* Between the two of these the answer was found. */
static int was_there(unsigned level, const char *answer, unsigned first, unsigned last)
{
	char path[512];
	for (unsigned i = first; i <= last; i++) {
		path_of(shared->states[i], level, path, sizeof(path));
		if (strcmp(path, answer) == 0)
			return 1;
	}
	return 0;
}

static void ask(const struct butter_fanotify_handle *handle, unsigned level)
{
	char answer[512];
	unsigned first = load(&shared->ended);
	ssize_t n = butter_fanotify_path(x, handle, NULL, answer, sizeof(answer));
	unsigned last = load(&shared->started);
	ck_assert_msg(n > 0, "level %u: %s", level, strerror(errno));
	ck_assert_msg(was_there(level, answer, first, last), "level %u: %s, renames %u to %u", level, answer,
		      first, last);
}

static unsigned print_seed(void)
{
	const char *given = getenv("BUTTER_TEST_SEED");
	unsigned seed =
		given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL) ^ (unsigned)getpid();
	printf("fanotify_path_storm: BUTTER_TEST_SEED=%u\n", seed);
	fflush(stdout);
	return seed;
}

/* One of the files, or one of the directories that were made before. */
static unsigned ask_for_event(void)
{
	struct butter_fanotify_event ev;
	unsigned level, number;
	ck_assert_int_eq(butter_fanotify_wait_event(x, &ev, INT64_C(30000000000)), 1);
	if (ev.mask & (FAN_ONDIR | FAN_Q_OVERFLOW))
		return 0;
	ck_assert_int_eq(sscanf(ev.name, "%u-%u", &level, &number), 2);
	store(&shared->seen, number);
	ask(&ev.dir, level);
	return 1;
}

TEST_WATCHED(every_answer_was_true_while_it_was_asked_for, 0)
{
	unsigned seed = print_seed(), answers = 0;
	prepare();
	pid_t creator = start(create_for_ever, seed);
	while (load(&shared->created) == 0)
		sched_yield();
	pid_t renamer = start(rename_for_ever, seed);
	while (answers < ANSWERS && load(&shared->ended) < RENAMES)
		answers += ask_for_event();
	store(&shared->stop, 1);
	finish(creator);
	finish(renamer);
	printf("fanotify_path_storm: %u answers, %u renames\n", answers, load(&shared->ended));
	fflush(stdout);
	ck_assert_uint_ge(answers, ANSWERS / 5);
}

/* The same directories over and over: most answers are kept ones. */
TEST_WATCHED(every_kept_answer_was_true_while_it_was_asked_for, 0)
{
	unsigned seed = print_seed();
	prepare();
	pid_t renamer = start(rename_for_ever, seed);
	for (unsigned i = 0; i < ANSWERS * 4 && load(&shared->ended) < RENAMES; i++)
		ask(&dirs[i % LEVELS].h, i % LEVELS);
	store(&shared->stop, 1);
	finish(renamer);
}

/* The renamer waits for the test after each step, and the test for it: one answer is right. */
static void rename_in_steps(unsigned seed)
{
	srand(seed);
	for (unsigned i = 0; i < STEPS; i++) {
		while (load(&shared->seen) < i)
			sched_yield();
		rename_one(i, (unsigned)rand() % LEVELS);
	}
}

TEST_WATCHED(after_each_rename_all_answers_are_the_truth, 0)
{
	char path[512];
	unsigned seed = print_seed();
	prepare();
	pid_t renamer = start(rename_in_steps, seed);
	for (unsigned i = 1; i <= STEPS; i++) {
		while (load(&shared->ended) < i)
			sched_yield();
		for (unsigned level = 0; level < LEVELS; level++) {
			path_of(shared->states[i], level, path, sizeof(path));
			expect_path(&dirs[level], NULL, path);
		}
		store(&shared->seen, i);
	}
	finish(renamer);
}

SUITE(event_fanotify_path_storm)
{
	tcase_add_test(tc, after_each_rename_all_answers_are_the_truth);
	tcase_add_test(tc, every_answer_was_true_while_it_was_asked_for);
	tcase_add_test(tc, every_kept_answer_was_true_while_it_was_asked_for);
}
