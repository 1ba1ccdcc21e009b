/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <butter/tree.h>

#include "scenarios.h"

void put_file(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void append_to(const char *name)
{
	int fd = open(name, O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "more", 4), 4);
	close(fd);
}

/* The working directory holds a and b, which are roots, and out, which is none. */
void prepare(void)
{
	must(mkdir("a", 0755));
	must(mkdir("b", 0755));
	must(mkdir("out", 0755));
	must(mkdir("a/d", 0755));
	must(mkdir("a/d/e", 0755));
	must(mkdir("out/d", 0755));
	must(mkdir("out/d/e", 0755));
	put_file("a/f");
	put_file("a/g");
	put_file("a/d/f");
	put_file("a/d/e/f");
	put_file("out/f");
	put_file("out/d/e/f");
}

static void nothing(void)
{
}
static void create_file(void)
{
	put_file("a/new");
}
static void make_nested(void)
{
	must(mkdir("a/n", 0755));
	must(mkdir("a/n/n", 0755));
	must(mkdir("a/n/n/n", 0755));
	put_file("a/n/n/n/f");
	must(symlink("n", "a/n/l"));
}
static void move_in(void)
{
	must(rename("out/d", "a/in"));
	must(rename("out/f", "a/in/g"));
	must(mkdir("a/in/e/new", 0755));
}
static void move_out(void)
{
	must(rename("a/d", "out/gone"));
	must(rename("a/f", "out/gone-too"));
	must(mkdir("out/gone/new", 0755));
}
void move_within(void)
{
	must(rename("a/d/e", "a/e"));
	must(rename("a/f", "a/e/moved"));
	must(mkdir("a/e/new", 0755));
}
static void move_over(void)
{
	must(rename("a/f", "a/g"));
	must(mkdir("a/empty", 0755));
	must(rename("a/d", "a/empty"));
}
static void exchange(void)
{
	must((int)syscall(SYS_renameat2, AT_FDCWD, "a/d/e", AT_FDCWD, "a/f", 2));
}
static void delete_tree(void)
{
	must(unlink("a/d/e/f"));
	must(rmdir("a/d/e"));
	must(unlink("a/d/f"));
	must(rmdir("a/d"));
}
static void hard_link(void)
{
	must(link("a/f", "a/d/e/same"));
	must(unlink("a/f"));
}
static void move_between(void)
{
	must(rename("a/d", "b/d"));
	must(rename("a/f", "b/d/e/g"));
	must(rename("b/d/e", "a/e"));
}
static void write_file_in(void)
{
	append_to("a/d/e/f");
}
static void change_mode(void)
{
	must(chmod("a/d/e/f", 0640));
}
static void change_mode_of_dir(void)
{
	must(chmod("a/d/e", 0700));
}
static void there_and_back(void)
{
	for (int i = 0; i < 10; i++) {
		must(mkdir("a/t", 0755));
		must(rename("a/t", "a/u"));
		must(rename("a/u", "a/t"));
		must(rmdir("a/t"));
		put_file("a/t");
		must(rename("a/t", "a/u"));
		must(unlink("a/u"));
	}
}

const struct scenario scenarios[SCENARIOS + 1] = {
	{"nothing", nothing, 0, 0},
	{"a file is created", create_file, BUTTER_TREE_CREATED | BUTTER_TREE_WRITTEN, BUTTER_TREE_CREATED},
	{"directories in directories", make_nested, BUTTER_TREE_CREATED, BUTTER_TREE_CREATED},
	{"a tree is moved in", move_in, BUTTER_TREE_CREATED, BUTTER_TREE_CREATED},
	{"a tree is moved out", move_out, BUTTER_TREE_DELETED, BUTTER_TREE_DELETED},
	{"a tree is moved", move_within, BUTTER_TREE_MOVED, BUTTER_TREE_MOVED},
	{"renamed over another", move_over, BUTTER_TREE_MOVED, BUTTER_TREE_MOVED},
	{"two change places", exchange, 0, 0},
	{"a tree is deleted", delete_tree, BUTTER_TREE_DELETED, BUTTER_TREE_DELETED},
	{"a file has two names", hard_link, 0, 0},
	{"from root to root", move_between, BUTTER_TREE_MOVED, 0},
	{"a file is written to", write_file_in, BUTTER_TREE_MODIFIED | BUTTER_TREE_WRITTEN,
	 BUTTER_TREE_MODIFIED},
	{"a file's mode is changed", change_mode, BUTTER_TREE_ATTRIB, 0},
	{"a directory's mode is changed", change_mode_of_dir, BUTTER_TREE_ATTRIB, 0},
	{"there and back", there_and_back, 0, 0},
};
