/* SPDX-License-Identifier: MIT */
/* Whatever happens to the directories and links on the way of a path. */
#include "child.h"
#include "fault.h"
#include "statted.h"

static void make_file_in(const char *path)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
	touch(path_in(path, "file"));
}

START_TEST(directories_that_are_missing_are_waited_for_one_by_one)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "a/b/c/file");
	start(0, path);
	static const char *const steps[] = {"a", "a/b", "a/b/c"};
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(mkdir(path_in(dir, steps[i]), 0700), 0);
			if (round)
				settle();
		}
		settle();
		ck_assert_noted_nothing();
		touch(path);
		settle();
		ck_assert_noted(0);
		ck_assert_uint_eq(watcher[0].attr.nlink, 1);
		ck_assert_int_eq(unlink(path), 0);
		for (int i = 2; i >= 0; i--)
			ck_assert_int_eq(rmdir(path_in(dir, steps[i])), 0);
		settle();
		ck_assert_noted(0);
	}
	free_loop();
}
END_TEST

START_TEST(a_directory_that_is_moved_away_takes_the_file_with_it)
{
	new_loop();
	dir = scratch();
	const char *a = path_in(dir, "a"), *away = path_in(dir, "away");
	ck_assert_int_eq(mkdir(a, 0700), 0);
	make_file_in(path_in(a, "b"));
	const char *path = path_in(dir, "a/b/file");
	start(0, path);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rename(a, away), 0);
		settle();
		ck_assert_noted(0);
		ck_assert_uint_eq(watcher[0].attr.nlink, 0);
		write_text(path_in(away, "b/file"), "abcdef");
		settle();
		ck_assert_noted_nothing(); /* it is not where the path leads */
		ck_assert_int_eq(rename(away, a), 0);
		settle();
		ck_assert_noted(0);
		ck_assert(is_true(&watcher[0]));
		write_text(path, "xyz");
		settle();
		ck_assert_noted(0);
	}
	free_loop();
}
END_TEST

START_TEST(a_directory_that_is_replaced_by_another_is_followed)
{
	new_loop();
	dir = scratch();
	make_file_in(path_in(dir, "a"));
	make_file_in(path_in(dir, "b"));
	const char *path = path_in(dir, "a/file");
	start(0, path);
	ck_assert_int_eq(rename(path_in(dir, "a"), path_in(dir, "c")), 0);
	ck_assert_int_eq(rename(path_in(dir, "b"), path_in(dir, "a")), 0);
	settle();
	ck_assert_noted(0);
	ck_assert(is_true(&watcher[0]));
	ck_assert_int_eq(unlink(path), 0);
	settle();
	ck_assert_noted(0);
	ck_assert_uint_eq(watcher[0].attr.nlink, 0);
	free_loop();
}
END_TEST

START_TEST(links_are_followed_and_watched)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "link"), *other = path_in(dir, "other");
	make_file_in(path_in(dir, "real"));
	ck_assert_int_eq(symlink("real/file", path), 0);
	start(0, path);
	ck_assert(S_ISREG(watcher[0].attr.mode));
	write_text(path_in(dir, "real/file"), "a");
	settle();
	ck_assert_noted(0);
	touch(other);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink(other, path), 0); /* an absolute one */
	settle();
	ck_assert_noted(0);
	ck_assert(is_true(&watcher[0]));
	write_text(other, "ab");
	settle();
	ck_assert_noted(0);
	write_text(path_in(dir, "real/file"), "abc");
	settle();
	ck_assert_noted_nothing();
	ck_assert_int_eq(unlink(other), 0); /* it leads nowhere now */
	settle();
	ck_assert_noted(0);
	ck_assert_int_eq(watcher[0].attr.error, ENOENT);
	touch(other);
	settle();
	ck_assert_noted(0);
	ck_assert(is_true(&watcher[0]));
	free_loop();
}
END_TEST

START_TEST(links_to_directories_and_to_links_are_followed)
{
	new_loop();
	dir = scratch();
	make_file_in(path_in(dir, "one"));
	make_file_in(path_in(dir, "two"));
	ck_assert_int_eq(symlink("second", path_in(dir, "first")), 0);
	ck_assert_int_eq(symlink("./one/../one/.", path_in(dir, "second")), 0);
	const char *path = path_in(dir, ".//first///file");
	start(0, path);
	ck_assert_uint_eq(watcher[0].attr.nlink, 1);
	write_text(path_in(dir, "one/file"), "1");
	settle();
	ck_assert_noted(0);
	ck_assert_int_eq(symlink("two", path_in(dir, "new")), 0);
	ck_assert_int_eq(rename(path_in(dir, "new"), path_in(dir, "second")), 0);
	settle();
	ck_assert_noted(0);
	ck_assert(is_true(&watcher[0]));
	write_text(path_in(dir, "two/file"), "12");
	settle();
	ck_assert_noted(0);
	write_text(path_in(dir, "one/file"), "123");
	settle();
	ck_assert_noted_nothing();
	free_loop();
}
END_TEST

START_TEST(links_in_a_circle_are_ELOOP_until_they_are_not)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "a"), *b = path_in(dir, "b");
	ck_assert_int_eq(symlink("b", path), 0);
	ck_assert_int_eq(symlink("a", b), 0);
	start(0, path);
	ck_assert_int_eq(watcher[0].attr.error, ELOOP);
	ck_assert_int_eq(unlink(b), 0);
	touch(b);
	settle();
	ck_assert_noted(0);
	ck_assert(is_true(&watcher[0]));
	free_loop();
}
END_TEST

START_TEST(a_file_in_the_place_of_a_directory_is_ENOTDIR_until_it_is_one)
{
	new_loop();
	dir = scratch();
	const char *path = path_in(dir, "a/file"), *a = path_in(dir, "a");
	touch(a);
	start(0, path);
	ck_assert_int_eq(watcher[0].attr.error, ENOTDIR);
	ck_assert_int_eq(unlink(a), 0);
	make_file_in(a);
	settle();
	ck_assert_noted(0);
	ck_assert(is_true(&watcher[0]));
	butter_ev_stat_stop(loop, &watcher[0]);
	start(0, path_in(dir, "a/file/")); /* and the other way round */
	ck_assert_int_eq(watcher[0].attr.error, ENOTDIR);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	settle();
	ck_assert_noted(0);
	ck_assert(S_ISDIR(watcher[0].attr.mode));
	free_loop();
}
END_TEST

static void in_a_folder_of_its_own(void *arg)
{
	(void)arg;
	ck_assert_int_eq(chdir(dir), 0);
	new_loop();
	start(0, "file");
	start(1, "./sub/../file");
	start(2, ".");
	start(3, "sub/..");
	touch("file"); /* there is no sub yet */
	settle();
	ck_assert_int_eq(note_count, 2);
	note_count = 0;
	ck_assert_int_eq(mkdir("sub", 0700), 0);
	settle();
	ck_assert_int_eq(note_count, 3);
	for (int i = 0; i < 4; i++) {
		ck_assert(is_true(&watcher[i]));
		butter_ev_stat_stop(loop, &watcher[i]);
	}
	free_loop();
}

START_TEST(relative_paths_begin_at_the_working_directory)
{
	dir = scratch();
	in_child(in_a_folder_of_its_own, NULL);
}
END_TEST

static void without_rights(void *arg)
{
	(void)arg;
	become_nobody();
	const char *sub = path_in(dir, "sub"), *path = path_in(dir, "sub/file");
	new_loop();
	ck_assert_int_eq(mkdir(sub, 0700), 0);
	touch(path);
	start(0, path);
	ck_assert_int_eq(chmod(sub, 0), 0);
	settle();
	ck_assert_noted(0);
	ck_assert_int_eq(watcher[0].attr.error, EACCES);
	ck_assert_int_eq(chmod(sub, 0700), 0);
	settle();
	ck_assert_noted(0);
	ck_assert(is_true(&watcher[0]));
	ck_assert_int_eq(chmod(sub, 0100), 0); /* it can be passed, and not watched */
	settle();
	ck_assert_uint_eq(watcher[0].polled, 1);
	ck_assert_int_eq(watcher[0].refused, EACCES);
	ck_assert(is_true(&watcher[0]));
	ck_assert_int_eq(chmod(sub, 0700), 0);
	settle();
	ck_assert_uint_eq(watcher[0].polled, 0);
	butter_ev_stat_stop(loop, &watcher[0]);
	free_loop();
}

START_TEST(rights_that_are_taken_and_given_are_noticed)
{
	dir = scratch();
	ck_assert_int_eq(chmod(dir, 0777), 0);
	in_child(without_rights, NULL);
}
END_TEST

START_TEST(paths_too_long_are_polled)
{
	static char path[20000];
	new_loop();
	memset(path, '/', sizeof(path) - 1);
	start_with(0, path, LONG);
	ck_assert_int_eq(watcher[0].attr.error, ENAMETOOLONG);
	ck_assert_int_eq(watcher[0].refused, ENAMETOOLONG);
	for (size_t i = 1; i < 6000; i += 2)
		path[i] = 'a';
	path[6000] = '\0';
	start_with(1, path, LONG);
	ck_assert_int_eq(watcher[1].attr.error, ENAMETOOLONG);
	free_loop();
}
END_TEST

/* A path over d/e/f, where each may be a directory, a file, a link or nothing, and what may become of it. */
static const char *const names[] = {"d", "d/e", "d/e/f", "x", "x/e", "x/f", "x/e/f", "y", "y/f", "d/f"};
static const char *const targets[] = {"x", "y", "f", "../x", "../x/f", "d", "e", "../y/f", "."};
enum { NAMES = sizeof(names) / sizeof(*names), TARGETS = sizeof(targets) / sizeof(*targets) };

static void do_something(unsigned *seed)
{
	const char *path = path_in(dir, names[rand_r(seed) % NAMES]);
	const char *other = path_in(dir, names[rand_r(seed) % NAMES]);
	int fd;
	switch (rand_r(seed) % 12) {
	case 0:
	case 1:
	case 2:
		mkdir(path, 0700);
		break;
	case 3:
		rmdir(path);
		break;
	case 4:
		unlink(path);
		break;
	case 5:
	case 6:
		rename(path, other);
		break;
	case 7:
		if (symlink(targets[rand_r(seed) % TARGETS], path) < 0)
			errno = 0;
		break;
	case 8:
		link(path, other);
		break;
	case 9:
		chmod(path, rand_r(seed) % 2 ? 0700 : 0750);
		break;
	default:
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (fd >= 0 && write(fd, "abc", 3) != 3)
			ck_abort();
		close(fd);
	}
}

START_TEST(whatever_is_done_to_the_way_the_watcher_knows_what_stat_says)
{
	const char *again = getenv("BUTTER_TEST_SEED");
	unsigned first = again ? (unsigned)strtoul(again, NULL, 0) : (unsigned)clock_ns(CLOCK_REALTIME);
	unsigned seed = first, changes = 0;
	printf("BUTTER_TEST_SEED=%u\n", first);
	new_loop();
	dir = path_in(scratch(), "top"); /* "../x" is in the scratch folder too */
	static char top[256];
	snprintf(top, sizeof(top), "%s", dir);
	dir = top;
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	static char paths[3][256]; /* path_in()'s do not live that long */
	static const char *const ends[] = {"d/e/f", "d/e", "x/../d/f"};
	for (int i = 0; i < 3; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", dir, ends[i]);
		start(i, paths[i]);
	}
	for (int i = 0; i < 4000; i++) {
		for (int k = rand_r(&seed) % 4; k >= 0; k--)
			do_something(&seed);
		settle();
		for (int k = 0; k < 3; k++) {
			ck_assert_msg(is_true(&watcher[k]), "seed %u, round %d, watcher %d", first, i, k);
			ck_assert_uint_eq(watcher[k].polled, 0);
		}
		changes += (unsigned)note_count;
		note_count = 0;
	}
	ck_assert_uint_gt(changes, 400);
	ck_assert_uint_lt(changes, 3 * 4000);
	free_loop();
}
END_TEST

SUITE(loop_stat_path)
{
	tcase_add_test(tc, directories_that_are_missing_are_waited_for_one_by_one);
	tcase_add_test(tc, a_directory_that_is_moved_away_takes_the_file_with_it);
	tcase_add_test(tc, a_directory_that_is_replaced_by_another_is_followed);
	tcase_add_test(tc, links_are_followed_and_watched);
	tcase_add_test(tc, links_to_directories_and_to_links_are_followed);
	tcase_add_test(tc, links_in_a_circle_are_ELOOP_until_they_are_not);
	tcase_add_test(tc, a_file_in_the_place_of_a_directory_is_ENOTDIR_until_it_is_one);
	tcase_add_test(tc, relative_paths_begin_at_the_working_directory);
	tcase_add_test(tc, rights_that_are_taken_and_given_are_noticed);
	tcase_add_test(tc, paths_too_long_are_polled);
	tcase_add_test(tc, whatever_is_done_to_the_way_the_watcher_knows_what_stat_says);
}
