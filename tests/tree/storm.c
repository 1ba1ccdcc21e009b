/* SPDX-License-Identifier: MIT */
/*
 * A short storm (tests/storm) on each backend and level: what is told, known and watched is what is there.
 * What happens within the library's calls, and when, is a function of the seed; make storm SEED=N
 * MODES=steps BACKENDS=… LEVELS=… OPS=… does it again, and makes a script that fails shorter.
 */
#include <limits.h>
#include <stdio.h>

#include "../storm/storm.h"
#include "test.h"

enum { SEED = 1, FEW = 400, MANY = 20000 };

static const struct {
	const char *name;
	uint32_t backend;
} backends[] = {
	{"inotify", BUTTER_TREE_INOTIFY},
	{"fanotify", BUTTER_TREE_FANOTIFY},
	{"poll", BUTTER_TREE_POLL},
};

/* More than the kernel keeps, again and again, on one level of each. */
static uint32_t flood_of(uint32_t backend, uint32_t flags)
{
	return (flags == 0) == (backend == BUTTER_TREE_INOTIFY) ? 0 : storm_flood(backend);
}

/* Only who is root may have fanotify's. */
static void blow(size_t backend, uint32_t flags)
{
	char error[512];
	struct storm_setting setting = {
		.dir = scratch(), .backend = backends[backend].backend, .flags = flags};
	unsigned ops = amount(FEW, MANY);
	if (setting.backend == BUTTER_TREE_FANOTIFY && geteuid() != 0)
		setting.backend = BUTTER_TREE_INOTIFY;
	struct step_list steps = storm_script(SEED, ops, flood_of(setting.backend, flags));
	ck_assert_uint_ge(steps.count, ops);
	size_t done = storm_replay(&setting, &steps, error);
	ck_assert_msg(!error[0], "SEED=%d OPS=%u BACKENDS=%s, %s: step %zu: %s", SEED, ops,
		      backends[backend].name, flags ? "entries" : "dirs", done, error);
	free(steps.items);
}

START_TEST(what_is_told_of_directories_is_what_is_there)
{
	blow((size_t)_i, 0);
}
END_TEST

START_TEST(what_is_told_of_entries_is_what_is_there)
{
	blow((size_t)_i, BUTTER_TREE_ENTRIES);
}
END_TEST

/* As it comes of directories that are renamed into each other, but by a path that is never long. */
static void deepen(struct storm *s, size_t depth)
{
	const struct step steps[] = {{.kind = STEP_MKDIR, .a = "o/0"},
				     {.kind = STEP_RENAME, .a = "a/0", .b = "o/0/0"},
				     {.kind = STEP_RENAME, .a = "o/0", .b = "a/0"}};
	while (depth-- > 0)
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
			ck_assert_int_eq(step_do(s->fd, &steps[i]), 1);
}

static char *longest(const struct naive *v)
{
	char *best = strdup("");
	for (const struct place *p = NULL; (p = naive_next(v, p));) {
		char *path = naive_path(v, p);
		char **shorter = strlen(path) > strlen(best) ? &best : &path;
		free(*shorter);
		if (shorter == &best)
			best = path;
	}
	return best;
}

START_TEST(a_storm_sees_what_is_deeper_than_a_path_may_be_long)
{
	struct storm s = {0};
	ck_assert_int_eq(storm_begin(&s, scratch(), BUTTER_TREE_POLL, BUTTER_TREE_ENTRIES), 0);
	deepen(&s, PATH_MAX / 2);
	storm_check(&s);
	ck_assert_msg(s.known.errors == 0, "%s", s.known.first);
	char *path = longest(&s.known);
	size_t len = strlen(path);
	ck_assert_uint_gt(len, PATH_MAX);
	path = realloc(path, len + sizeof("/x"));
	memcpy(path + len, "/x", sizeof("/x"));
	naive_learn(&s.known, path, 1);
	storm_compare(&s);
	ck_assert_msg(!strncmp(s.known.first, "told, and not there: ", 21), "%s", s.known.first);
	free(path);
	storm_end(&s);
}
END_TEST

SUITE(tree_storm)
{
	tcase_add_test(tc, a_storm_sees_what_is_deeper_than_a_path_may_be_long);
	tcase_add_loop_test(tc, what_is_told_of_directories_is_what_is_there, 0, 3);
	tcase_add_loop_test(tc, what_is_told_of_entries_is_what_is_there, 0, 3);
}
