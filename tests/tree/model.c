/* SPDX-License-Identifier: MIT */
/* Nodes with a name and a parent. */
#include <stdio.h>

#include "../../src/tree/model.h"
#include "../../src/tree/wds.h"
#include "fault.h"
#include "test.h"

static uint32_t add(struct butter__model *m, uint32_t parent, const char *name)
{
	uint32_t node = butter__model_add(m, parent, name, strlen(name), BUTTER__NODE_DIR);
	ck_assert_uint_ne(node, 0);
	return node;
}

static uint32_t find(const struct butter__model *m, uint32_t parent, const char *name)
{
	return butter__model_find(m, parent, name, strlen(name));
}

static void assert_path(const struct butter__model *m, uint32_t node, const char *path)
{
	char buf[256];
	size_t len = butter__model_path(m, node, NULL, 0);
	ck_assert_uint_eq(len, strlen(path));
	ck_assert_uint_eq(butter__model_path(m, node, buf, len + 1), len);
	ck_assert_str_eq(buf, path);
}

START_TEST(nodes_are_found_by_parent_and_name)
{
	struct butter__model m;
	butter__model_init(&m, 0);
	uint32_t root = butter__model_add_root(&m, 3);
	ck_assert_uint_eq(find(&m, root, "a"), 0);
	uint32_t a = add(&m, root, "a"), b = add(&m, a, "b"), other = add(&m, root, "b");
	ck_assert_uint_eq(find(&m, root, "a"), a);
	ck_assert_uint_eq(find(&m, a, "b"), b);
	ck_assert_uint_eq(find(&m, root, "b"), other);
	ck_assert_uint_eq(find(&m, b, "b"), 0);
	ck_assert_uint_eq(butter__model_find(&m, root, "ab", 1), a);
	assert_path(&m, b, "a/b");
	assert_path(&m, root, "");
	ck_assert_uint_eq(butter__model_root(&m, b), 3);
	ck_assert_int_eq(butter__model_is_below(&m, b, root), 1);
	ck_assert_int_eq(butter__model_is_below(&m, other, a), 0);
	butter__model_free(&m);
}
END_TEST

START_TEST(moving_takes_along_what_is_below)
{
	struct butter__model m;
	butter__model_init(&m, 0);
	uint32_t root = butter__model_add_root(&m, 0);
	uint32_t a = add(&m, root, "a"), b = add(&m, a, "b"), c = add(&m, b, "c"), z = add(&m, root, "z");
	ck_assert_int_eq(butter__model_move(&m, b, z, "new name", 8), 0);
	assert_path(&m, c, "z/new name/c");
	ck_assert_uint_eq(find(&m, a, "b"), 0);
	ck_assert_uint_eq(find(&m, z, "new name"), b);
	ck_assert_uint_eq(butter__model_first_leaf(&m, root), c);
	ck_assert_uint_eq(butter__model_first_leaf(&m, a), a);
	butter__model_free(&m);
}
END_TEST

START_TEST(exchanged_nodes_have_each_others_place)
{
	struct butter__model m;
	butter__model_init(&m, 0);
	uint32_t root = butter__model_add_root(&m, 0);
	uint32_t a = add(&m, root, "a"), b = add(&m, a, "b"), in = add(&m, b, "in"), z = add(&m, root, "z");
	butter__model_exchange(&m, b, z);
	assert_path(&m, in, "z/in");
	assert_path(&m, z, "a/b");
	ck_assert_uint_eq(find(&m, root, "z"), b);
	uint32_t x = add(&m, root, "x");
	butter__model_exchange(&m, a, x); /* siblings */
	assert_path(&m, z, "x/b");
	ck_assert_uint_eq(find(&m, root, "a"), x);
	butter__model_free(&m);
}
END_TEST

START_TEST(removed_numbers_are_given_again_and_names_forgotten)
{
	struct butter__model m;
	butter__model_init(&m, 1);
	uint32_t root = butter__model_add_root(&m, 0), a = add(&m, root, "a");
	butter__model_set_ino(&m, a, 1, 77);
	butter__model_remove(&m, a);
	ck_assert_uint_eq(find(&m, root, "a"), 0);
	ck_assert_uint_eq(butter__model_by_ino(&m, 1, 77, 0), 0);
	ck_assert_uint_eq(m.count, 1);
	ck_assert_uint_eq(add(&m, root, "b"), a);
	ck_assert_int_eq(butter__node(&m, a)->wd, -1);
	butter__model_free(&m);
}
END_TEST

START_TEST(all_names_of_an_inode_are_found)
{
	struct butter__model m;
	butter__model_init(&m, 1);
	uint32_t root = butter__model_add_root(&m, 0), links[5], found = 0;
	for (unsigned i = 0; i < 5; i++) {
		char name[2] = {(char)('a' + (int)i), '\0'};
		links[i] = add(&m, root, name);
		butter__model_set_ino(&m, links[i], i == 4 ? 2 : 1, 77); /* the last on another device */
	}
	for (uint32_t node = 0; (node = butter__model_by_ino(&m, 1, 77, node)); found++)
		ck_assert_uint_ne(node, links[4]);
	ck_assert_uint_eq(found, 4);
	ck_assert_uint_eq(butter__model_by_ino(&m, 2, 77, 0), links[4]);
	butter__model_set_ino(&m, links[4], 2, 78);
	ck_assert_uint_eq(butter__model_by_ino(&m, 2, 77, 0), 0);
	ck_assert_uint_eq(butter__model_by_ino(&m, 2, 78, 0), links[4]);
	butter__model_free(&m);
}
END_TEST

START_TEST(beyond_255_devices_the_inode_decides)
{
	struct butter__model m;
	butter__model_init(&m, 1);
	uint32_t root = butter__model_add_root(&m, 0), a = add(&m, root, "a");
	for (uint64_t dev = 1; dev <= 300; dev++) {
		butter__model_set_ino(&m, a, dev, dev + 1000);
		ck_assert_int_eq(butter__model_is(&m, a, dev, dev + 1000), 1);
		ck_assert_int_eq(butter__model_is(&m, a, dev, dev + 1001), 0);
		ck_assert_uint_eq(butter__model_by_ino(&m, dev, dev + 1000, 0), a);
	}
	butter__model_free(&m);
}
END_TEST

START_TEST(a_hundred_thousand_directories_take_64_bytes_each_and_their_names)
{
	enum { COUNT = 100000, EACH = 10 };
	struct butter__model m;
	struct butter__wds w = {0};
	butter__model_init(&m, 0);
	uint32_t *nodes = calloc(COUNT + 1, sizeof(*nodes));
	size_t names = 0;
	nodes[0] = butter__model_add_root(&m, 0);
	for (unsigned i = 1; i <= COUNT; i++) {
		char name[16];
		names += (size_t)snprintf(name, sizeof(name), "directory%u", i % EACH) + 1;
		nodes[i] = add(&m, nodes[(i - 1) / EACH], name);
		ck_assert_int_eq(butter__wds_set(&w, (int)i, nodes[i]), 0);
	}
	for (unsigned i = 1; i <= COUNT; i++) {
		char name[16];
		snprintf(name, sizeof(name), "directory%u", i % EACH);
		ck_assert_uint_eq(find(&m, nodes[(i - 1) / EACH], name), nodes[i]);
	}
	size_t bytes = butter__model_bytes(&m) + butter__wds_bytes(&w);
	printf("model: %zu bytes for %d directories, %zu of them for their names\n", bytes, COUNT, names);
	ck_assert_uint_le(bytes, (size_t)COUNT * 64 + names);
	free(nodes);
	butter__wds_free(&w);
	butter__model_free(&m);
}
END_TEST

START_TEST(without_memory_nothing_is_added)
{
	for (unsigned nth = 1; nth <= 4; nth++) {
		struct butter__model m;
		butter__model_init(&m, 1);
		fault_error(FAULT_CALLOC, nth, ENOMEM);
		uint32_t root = butter__model_add_root(&m, 0);
		ck_assert_int_eq(root == 0, fault_happened(FAULT_CALLOC));
		fault_clear();
		ck_assert_uint_eq(m.count, root != 0);
		root = root ? root : butter__model_add_root(&m, 0);
		ck_assert_uint_ne(root, 0);
		ck_assert_uint_ne(add(&m, root, "a"), 0);
		butter__model_free(&m);
	}
}
END_TEST

START_TEST(a_name_that_no_filesystem_has_is_ENAMETOOLONG)
{
	char name[BUTTER__POOL_MAX + 1];
	struct butter__model m;
	butter__model_init(&m, 0);
	uint32_t root = butter__model_add_root(&m, 0);
	memset(name, 'n', sizeof(name));
	errno = 0;
	ck_assert_uint_eq(butter__model_add(&m, root, name, BUTTER__POOL_MAX, 0), 0);
	ck_assert_int_eq(errno, ENAMETOOLONG);
	uint32_t a = butter__model_add(&m, root, name, BUTTER__POOL_MAX - 1, 0);
	ck_assert_uint_ne(a, 0);
	ck_assert_fails(butter__model_move(&m, a, root, name, BUTTER__POOL_MAX), ENAMETOOLONG);
	ck_assert_uint_eq(butter__model_find(&m, root, name, BUTTER__POOL_MAX - 1), a);
	butter__model_free(&m);
}
END_TEST

SUITE(tree_model)
{
	tcase_add_test(tc, nodes_are_found_by_parent_and_name);
	tcase_add_test(tc, moving_takes_along_what_is_below);
	tcase_add_test(tc, exchanged_nodes_have_each_others_place);
	tcase_add_test(tc, removed_numbers_are_given_again_and_names_forgotten);
	tcase_add_test(tc, all_names_of_an_inode_are_found);
	tcase_add_test(tc, beyond_255_devices_the_inode_decides);
	tcase_add_test(tc, a_hundred_thousand_directories_take_64_bytes_each_and_their_names);
	tcase_add_test(tc, without_memory_nothing_is_added);
	tcase_add_test(tc, a_name_that_no_filesystem_has_is_ENAMETOOLONG);
}
