/* SPDX-License-Identifier: MIT */
/*
 * A short storm (tests/storm) on each backend and level: what is told, known and watched is what is there.
 * What happens within the library's calls, and when, is a function of the seed; make storm SEED=N
 * MODES=steps BACKENDS=… LEVELS=… OPS=… does it again, and makes a script that fails shorter.
 */
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

SUITE(tree_storm)
{
	tcase_add_loop_test(tc, what_is_told_of_directories_is_what_is_there, 0, 3);
	tcase_add_loop_test(tc, what_is_told_of_entries_is_what_is_there, 0, 3);
}
