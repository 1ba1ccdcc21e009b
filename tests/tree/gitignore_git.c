/* SPDX-License-Identifier: MIT */
/*
 * Small trees and files of patterns, made up at random, and what git says of the paths in them. The seed is
 * always the same one but for BUTTER_TEST_SEED, and BUTTER_TEST_ROUNDS of them can be tried.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../src/tree/gitignore.h"
#include "child.h"
#include "test.h"

enum { TREES = 40, DIRS = 8, PATHS = 150, LEN = 256, TEXT = 2048 };

static uint64_t state;

static unsigned below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 11) % n;
}

/* Bytes that patterns are made of, so that names have what is special there too. */
static char any_byte(void)
{
	static const char bytes[] = "aaaabbbbcc.. -!#[]*?\\^\xc3\xa9{}:";
	return bytes[below(sizeof(bytes) - 1)];
}

static void add(char *text, char byte)
{
	size_t len = strlen(text);
	ck_assert_uint_lt(len + 1, TEXT);
	text[len] = byte;
	text[len + 1] = '\0';
}

static void add_text(char *text, const char *more)
{
	while (*more)
		add(text, *more++);
}

/* No "." and no "..". */
static void add_name(char *text)
{
	do
		add(text, any_byte());
	while (below(3) != 0);
	add(text, "abc"[below(3)]);
}

static void add_set(char *text)
{
	static const char *const sets[] = {"[ab]",    "[!a]",  "[^b]",        "[a-c]", "[]a]", "[[:alpha:]]",
					   "[a/]",    "[\\]]", "[[:punct:]]", "[-a]",  "[!/]", "[b-a]",
					   "[[:x:]]", "[a",    "[]-a]",       "[[:a]", "[a-]", "[\\a-c]"};
	add_text(text, sets[below(sizeof(sets) / sizeof(sets[0]))]);
}

static void add_piece(char *text)
{
	static const char *const pieces[] = {"*",   "*",   "?",    "**", "/", "/",
					     "/**", "**/", "/**/", "\\", " ", "***"};
	if (below(8) == 0)
		add_set(text);
	else if (below(3) != 0)
		add(text, "abc."[below(4)]);
	else
		add_text(text, pieces[below(sizeof(pieces) / sizeof(pieces[0]))]);
}

/* A path, some of which has become wildcards, so that it matches something. */
static void add_likely(char *text, const char *path)
{
	const char *slash = below(2) ? strrchr(path, '/') : NULL;
	if (slash)
		path = slash + 1;
	for (; *path; path++) {
		unsigned dice = below(16);
		if (dice == 0)
			add_piece(text);
		else if (dice == 1 || (strchr("*?[\\", *path) && dice < 12))
			add(text, '?');
		else if (dice == 2)
			add_text(text, *path == '/' ? "/**/" : "*");
		else
			add(text, *path);
	}
}

static void add_line(char *text, const char *path)
{
	static const char *const begins[] = {"",  "",  "",  "",   "",  "",    "!", "!",
					     "!", "/", "#", "\\", " ", "**/", "!/"};
	static const char *const ends[] = {"\n",  "\n",    "\n",    "\n",   "\r\n",  " \n", "/\n",
					   "/\n", "/**\n", "\\ \n", "\n\n", " \r\n", "\t\n"};
	add_text(text, begins[below(sizeof(begins) / sizeof(begins[0]))]);
	if (below(3) != 0)
		add_likely(text, path);
	else
		for (unsigned i = below(6); i-- > 0;)
			add_piece(text);
	add_text(text, ends[below(sizeof(ends) / sizeof(ends[0]))]);
}

/* Paths relative to the tree's own directory, which is dirs[0], "". */
static struct tree {
	char dirs[DIRS][LEN], texts[DIRS][TEXT];
	struct butter__gitignore *lists[DIRS];
	char paths[PATHS][LEN];
	int is_dir[PATHS];
	int says[PATHS];      /* what git says */
	char why[PATHS][LEN]; /* and why: file and pattern */
} trees[TREES];

static void join(char *ret, const char *dir, const char *name)
{
	ck_assert_int_lt(snprintf(ret, LEN, "%s%s%s", dir, *dir ? "/" : "", name), LEN);
}

static void make_path(struct tree *tree, char *ret)
{
	char name[TEXT] = "", below_it[LEN];
	const char *dir = tree->dirs[below(DIRS)];
	add_name(name);
	join(ret, dir, name);
	for (unsigned i = below(3); i-- > 0;) { /* which need not exist */
		name[0] = '\0';
		add_name(name);
		join(below_it, ret, name);
		strcpy(ret, below_it);
	}
}

/* Whether it is one of the first directories. */
static int is_there(const struct tree *tree, size_t count, const char *dir)
{
	while (count-- > 0)
		if (!strcmp(tree->dirs[count], dir))
			return 1;
	return 0;
}

static void make_tree(struct tree *tree)
{
	char name[TEXT];
	for (size_t i = 1; i < DIRS; i++) {
		do {
			name[0] = '\0';
			add_name(name);
			join(tree->dirs[i], tree->dirs[below((unsigned)i)], name);
		} while (is_there(tree, i, tree->dirs[i]));
	}
	for (size_t i = 0; i < PATHS; i++)
		if (below(5) == 0)
			strcpy(tree->paths[i], tree->dirs[1 + below(DIRS - 1)]);
		else
			make_path(tree, tree->paths[i]);
	for (size_t i = 0; i < DIRS; i++) {
		for (unsigned lines = i == 0 || below(3) == 0 ? below(8) : 0; lines-- > 0;) {
			const char *path = tree->paths[below(PATHS)], *dir = tree->dirs[i];
			size_t len = strlen(dir);
			add_line(tree->texts[i],
				 len && !strncmp(path, dir, len) && path[len] == '/' ? path + len + 1 : path);
		}
		tree->lists[i] = butter__gitignore_parse(tree->texts[i], strlen(tree->texts[i]));
		ck_assert_ptr_nonnull(tree->lists[i]);
	}
}

/* Whether another path lies below: git refuses one that a symbolic link is in. */
static int is_above(const struct tree *tree, const char *path)
{
	size_t len = strlen(path);
	for (size_t i = 0; i < PATHS; i++)
		if (!strncmp(tree->paths[i], path, len) && tree->paths[i][len] == '/')
			return 1;
	return 0;
}

/* Directories; some files are links to one, which is none to git. Other files need not be there. */
static void write_tree(const char *top, struct tree *tree)
{
	struct stat st;
	for (size_t i = 0; i < DIRS; i++) {
		const char *dir = path_in(top, tree->dirs[i]);
		ck_assert(mkdir(dir, 0700) == 0 || errno == EEXIST);
		int fd = open(path_in(dir, ".gitignore"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(write(fd, tree->texts[i], strlen(tree->texts[i])),
				 (ssize_t)strlen(tree->texts[i]));
		close(fd);
	}
	for (size_t i = 0; i < PATHS; i++) {
		const char *path = path_in(top, tree->paths[i]);
		if (i % 4 == 0 && !is_above(tree, tree->paths[i]) && lstat(path, &st) < 0)
			ck_assert(symlink(top, path) == 0 || errno == ENOENT);
		tree->is_dir[i] = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
	}
}

/* What a walk finds that keeps the rules of gitignore.h. */
static int decide(const struct tree *tree, const char *path, int is_dir)
{
	int decided = BUTTER__GITIGNORE_SILENT;
	size_t longest = 0;
	for (size_t i = 0; i < DIRS; i++) {
		const char *dir = tree->dirs[i];
		size_t len = strlen(dir);
		if (len < longest || strncmp(dir, path, len) != 0 || (len && path[len] != '/'))
			continue;
		int says = (int)butter__gitignore_match(tree->lists[i], path + len + !!len, is_dir);
		if (says != BUTTER__GITIGNORE_SILENT) {
			decided = says;
			longest = len;
		}
	}
	return decided;
}

static int walk_to(const struct tree *tree, const char *path, int is_dir)
{
	char above[LEN];
	strcpy(above, path);
	for (char *slash = strchr(above, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (decide(tree, above, 1) == BUTTER__GITIGNORE_IGNORED)
			return BUTTER__GITIGNORE_IGNORED;
		*slash = '/';
	}
	return decide(tree, path, is_dir);
}

/* git, in directory top, from file to file. Its exit status; 127: there is none. */
static int git(const char *top, const char *const argv[])
{
	int status;
	pid_t pid = check_fork();
	if (pid == 0) {
		static const char *const unset[] = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE",
						    "GIT_CEILING_DIRECTORIES"};
		for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++)
			unsetenv(unset[i]);
		setenv("HOME", top, 1);
		setenv("XDG_CONFIG_HOME", top, 1);
		setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
		setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
		if (chdir(top) == 0 && freopen("../in", "r", stdin) && freopen("../out", "w", stdout))
			execvp("git", (char *const *)argv);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void ask(const char *in)
{
	FILE *file = fopen(in, "we");
	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < TREES; i++)
		for (size_t k = 0; k < PATHS; k++)
			fprintf(file, "t%zu/%s%c", i, trees[i].paths[k], '\0');
	ck_assert_int_eq(fclose(file), 0);
}

/* Where a pattern is from, its line, the pattern, the path: four strings for each path. */
static void read_answers(const char *out)
{
	char *fields[4] = {0}, want[LEN + 16];
	size_t sizes[4] = {0};
	FILE *file = fopen(out, "re");
	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < TREES * PATHS; i++) {
		struct tree *tree = &trees[i / PATHS];
		for (size_t k = 0; k < 4; k++)
			ck_assert_int_gt(getdelim(&fields[k], &sizes[k], '\0', file), 0);
		snprintf(want, sizeof(want), "t%zu/%s", i / PATHS, tree->paths[i % PATHS]);
		ck_assert_str_eq(fields[3], want);
		snprintf(tree->why[i % PATHS], LEN, "%s:%s:'%s'", fields[0], fields[1], fields[2]);
		tree->says[i % PATHS] = !*fields[0]           ? BUTTER__GITIGNORE_SILENT
					: fields[2][0] == '!' ? BUTTER__GITIGNORE_INCLUDED
							      : BUTTER__GITIGNORE_IGNORED;
	}
	ck_assert_int_eq(getc(file), EOF);
	fclose(file);
	for (size_t k = 0; k < 4; k++)
		free(fields[k]);
}

static unsigned compare(uint64_t seed)
{
	unsigned decided = 0;
	for (size_t i = 0; i < TREES; i++) {
		for (size_t k = 0; k < PATHS; k++) {
			const struct tree *tree = &trees[i];
			int says = walk_to(tree, tree->paths[k], tree->is_dir[k]);
			ck_assert_msg(says == tree->says[k],
				      "BUTTER_TEST_SEED=%llu: t%zu/%s (directory: %d): %d, and git %d by %s",
				      (unsigned long long)seed, i, tree->paths[k], tree->is_dir[k], says,
				      tree->says[k], tree->why[k]);
			decided += says != BUTTER__GITIGNORE_SILENT;
		}
		for (size_t k = 0; k < DIRS; k++)
			butter__gitignore_free(trees[i].lists[k]);
	}
	return decided;
}

static unsigned run_round(uint64_t seed)
{
	static const char *const init[] = {"git", "init", "-q", "--template=", NULL};
	static const char *const check[] = {"git", "check-ignore", "-z",         "--stdin",
					    "-v",  "-n",           "--no-index", NULL};
	const char *dir = scratch();
	char top[LEN], in[LEN], out[LEN], name[16], root[LEN];
	join(top, dir, "top");
	join(in, dir, "in");
	join(out, dir, "out");
	memset(trees, 0, sizeof(trees));
	state = seed * 2654435761u + 88172645463325252u;
	ck_assert_int_eq(mkdir(top, 0700), 0);
	for (size_t i = 0; i < TREES; i++) {
		make_tree(&trees[i]);
		snprintf(name, sizeof(name), "t%zu", i);
		join(root, top, name);
		ck_assert_int_eq(mkdir(root, 0700), 0);
		write_tree(root, &trees[i]);
	}
	ask(in);
	int status = git(top, init);
	if (status == 127)
		SKIP("there is no git");
	ck_assert_int_eq(status, 0);
	ck_assert_int_le(git(top, check), 1);
	read_answers(out);
	return compare(seed);
}

START_TEST(git_decides_the_same)
{
	const char *given = getenv("BUTTER_TEST_SEED"), *times = getenv("BUTTER_TEST_ROUNDS");
	uint64_t seed = given ? strtoull(given, NULL, 10) : 1;
	unsigned rounds = times ? (unsigned)strtoul(times, NULL, 10) : 1, decided = 0;
	for (unsigned i = 0; i < rounds; i++)
		decided += run_round(seed + i);
	/* The patterns are such that the question is worth asking. */
	ck_assert_uint_gt(decided, rounds * TREES * PATHS / 10);
	if (times)
		printf("%u of %u decisions were not silent\n", decided, rounds * TREES * PATHS);
}
END_TEST

SUITE(tree_gitignore_git)
{
	tcase_add_test(tc, git_decides_the_same);
}
