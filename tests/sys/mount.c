/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <butter/mount.h>

#include "child.h"
#include "test.h"
#include "trace.h"

/*
 * Every body below runs in a mount namespace of its own and gets a folder, over which it mounts a
 * tmpfs: what it makes is gone with the namespace.
 */
static void mount_tmpfs(const char *dir)
{
	ck_assert_int_eq(butter_mount("butter", dir, "tmpfs", 0, "size=1m,mode=755"), 0);
}

/* A new folder in dir. */
static const char *folder(const char *dir, const char *name)
{
	const char *path = path_in(dir, name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	return path;
}

static int exists(const char *dir, const char *name)
{
	return access(path_in(dir, name), F_OK) == 0;
}

static void tmpfs(void *dir)
{
	mount_tmpfs(dir);
	touch(path_in(dir, "file"));
	ck_assert_int_eq(butter_umount2(dir, 0), 0);
	ck_assert(!exists(dir, "file"));
}

static void bind(void *dir)
{
	mount_tmpfs(dir);
	const char *a = folder(dir, "a"), *b = folder(dir, "b");
	touch(path_in(a, "file"));
	ck_assert_int_eq(butter_mount(a, b, NULL, MS_BIND, NULL), 0);
	ck_assert(exists(b, "file"));
	ck_assert_int_eq(butter_umount2(b, 0), 0);
	ck_assert(!exists(b, "file"));
}

static void cannot_create(const char *dir)
{
	ck_assert_fails(open(path_in(dir, "new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), EROFS);
}

static void read_only(void *dir)
{
	mount_tmpfs(dir);
	const char *bound = folder(dir, "bound");
	ck_assert_int_eq(butter_mount(dir, bound, NULL, MS_BIND, NULL), 0);
	ck_assert_int_eq(butter_mount(NULL, bound, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	cannot_create(bound);
	touch(path_in(dir, "file"));
	int fd = open(path_in(dir, "file"), O_WRONLY | O_CLOEXEC);
	ck_assert_fails(butter_mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	close(fd);
	ck_assert_int_eq(butter_mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	cannot_create(dir);
}

static void moved(void *dir)
{
	mount_tmpfs(dir);
	const char *from = folder(dir, "from"), *to = folder(dir, "to");
	mount_tmpfs(from);
	touch(path_in(from, "file"));
	const char *below = folder(from, "below");
	ck_assert_fails(butter_mount(from, below, NULL, MS_MOVE, NULL), ELOOP);
	ck_assert_int_eq(butter_mount(from, to, NULL, MS_MOVE, NULL), 0);
	ck_assert(exists(to, "file"));
	ck_assert(!exists(from, "file"));
	ck_assert_fails(butter_mount(from, to, NULL, MS_MOVE, NULL), EINVAL);
}

static void set_propagation(const char *dir, unsigned long type)
{
	ck_assert_int_eq(butter_mount(NULL, dir, NULL, type, NULL), 0);
}

/* Whether what is mounted under one is seen under the other. */
static int reaches(const char *one, const char *other)
{
	mount_tmpfs(path_in(one, "under"));
	touch(path_in(one, "under/file"));
	int seen = exists(other, "under/file");
	ck_assert_int_eq(butter_umount2(path_in(one, "under"), 0), 0);
	ck_assert(!exists(other, "under/file"));
	return seen;
}

static void propagation(void *dir)
{
	mount_tmpfs(dir);
	const char *a = folder(dir, "a"), *b = folder(dir, "b"), *c = folder(dir, "c");
	mount_tmpfs(a);
	folder(a, "under");
	set_propagation(a, MS_SHARED);
	ck_assert_int_eq(butter_mount(a, b, NULL, MS_BIND, NULL), 0);
	ck_assert(reaches(a, b) && reaches(b, a));
	set_propagation(b, MS_SLAVE);
	ck_assert(reaches(a, b) && !reaches(b, a));
	set_propagation(b, MS_PRIVATE);
	ck_assert(!reaches(a, b) && !reaches(b, a));
	set_propagation(b, MS_UNBINDABLE);
	ck_assert_fails(butter_mount(b, c, NULL, MS_BIND, NULL), EINVAL);
	ck_assert_fails(butter_mount(NULL, a, NULL, MS_SHARED | MS_PRIVATE, NULL), EINVAL);
}

static void expire(void *dir)
{
	mount_tmpfs(dir);
	ck_assert_fails(butter_umount2(dir, MNT_EXPIRE), EAGAIN);
	ck_assert_int_eq(butter_umount2(dir, MNT_EXPIRE), 0);
	ck_assert_fails(butter_umount2(dir, MNT_EXPIRE), EINVAL);
}

static void expire_after_use(void *dir)
{
	mount_tmpfs(dir);
	ck_assert_fails(butter_umount2(dir, MNT_EXPIRE), EAGAIN);
	ck_assert(!exists(dir, "file"));
	ck_assert_fails(butter_umount2(dir, MNT_EXPIRE), EAGAIN);
	int fd = open(dir, O_RDONLY | O_CLOEXEC);
	ck_assert_fails(butter_umount2(dir, MNT_EXPIRE), EBUSY);
	close(fd);
}

static void busy(void *dir)
{
	mount_tmpfs(dir);
	touch(path_in(dir, "file"));
	int fd = open(dir, O_RDONLY | O_CLOEXEC);
	ck_assert_fails(butter_umount2(dir, 0), EBUSY);
	ck_assert_int_eq(butter_umount2(dir, MNT_DETACH), 0);
	ck_assert(!exists(dir, "file"));
	ck_assert_int_eq(faccessat(fd, "file", F_OK, 0), 0);
	close(fd);
}

static void symbolic_link(void *dir)
{
	mount_tmpfs(dir);
	const char *mounted = folder(dir, "mounted"), *link = path_in(dir, "link");
	mount_tmpfs(mounted);
	ck_assert_int_eq(symlink("mounted", link), 0);
	ck_assert_fails(butter_umount2(link, UMOUNT_NOFOLLOW), EINVAL);
	ck_assert_int_eq(butter_umount2(link, 0), 0);
	mount_tmpfs(mounted);
	ck_assert_int_eq(butter_umount2(mounted, UMOUNT_NOFOLLOW), 0);
}

static void pivot(void *dir)
{
	mount_tmpfs(dir);
	touch(path_in(dir, "marker"));
	ck_assert_int_eq(butter_pivot_root(dir, folder(dir, "old")), 0);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert(exists("/", "marker") && exists("/old", dir));
	ck_assert_int_eq(butter_umount2("/old", MNT_DETACH), 0);
	ck_assert_int_eq(rmdir("/old"), 0);
}

/* The old root lies over the new one until it is unmounted. */
static void pivot_in_place(void *dir)
{
	mount_tmpfs(dir);
	touch(path_in(dir, "marker"));
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(butter_pivot_root(".", "."), 0);
	ck_assert_int_eq(butter_umount2(".", MNT_DETACH), 0);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert(exists("/", "marker") && !exists("/", dir));
}

static const char *too_long(void)
{
	static char path[5000];
	memset(path, 'a', sizeof(path) - 1);
	return path;
}

static void mount_errnos(void *dir)
{
	mount_tmpfs(dir);
	const char *file = path_in(dir, "file"), *loop = path_in(dir, "loop"), *plain = folder(dir, "plain");
	touch(file);
	ck_assert_int_eq(symlink("loop", loop), 0);
	ck_assert_fails(butter_mount("x", dir, "no such type", 0, NULL), ENODEV);
	ck_assert_fails(butter_mount("x", path_in(dir, "none"), "tmpfs", 0, NULL), ENOENT);
	ck_assert_fails(butter_mount(path_in(dir, "none"), dir, NULL, MS_BIND, NULL), ENOENT);
	ck_assert_fails(butter_mount("x", "", "tmpfs", 0, NULL), ENOENT);
	ck_assert_fails(butter_mount("x", file, "tmpfs", 0, NULL), ENOTDIR);
	ck_assert_fails(butter_mount(plain, file, NULL, MS_BIND, NULL), ENOTDIR);
	ck_assert_fails(butter_mount("x", path_in(file, "below"), "tmpfs", 0, NULL), ENOTDIR);
	ck_assert_fails(butter_mount("x", loop, "tmpfs", 0, NULL), ELOOP);
	ck_assert_fails(butter_mount("x", too_long(), "tmpfs", 0, NULL), ENAMETOOLONG);
	ck_assert_fails(butter_mount("x", plain, NULL, 0, NULL), EINVAL);
	ck_assert_fails(butter_mount("x", plain, "tmpfs", 0, "no_such_option=1"), EINVAL);
	ck_assert_fails(butter_mount(NULL, plain, NULL, MS_REMOUNT, NULL), EINVAL);
	ck_assert_fails(butter_mount(NULL, plain, NULL, MS_PRIVATE, NULL), EINVAL);
	ck_assert_fails(butter_mount(plain, plain, NULL, MS_MOVE, NULL), EINVAL);
	ck_assert_fails(butter_mount("x", (const char *)8, "tmpfs", 0, NULL), EFAULT);
	ck_assert_fails(butter_mount((const char *)8, plain, "tmpfs", 0, NULL), EFAULT);
	ck_assert_fails(butter_mount("x", plain, (const char *)8, 0, NULL), EFAULT);
	ck_assert_fails(butter_mount("x", plain, "tmpfs", 0, (const void *)8), EFAULT);
}

static void umount2_errnos(void *dir)
{
	mount_tmpfs(dir);
	const char *file = path_in(dir, "file"), *loop = path_in(dir, "loop");
	touch(file);
	ck_assert_int_eq(symlink("loop", loop), 0);
	ck_assert_fails(butter_umount2(folder(dir, "plain"), 0), EINVAL);
	ck_assert_fails(butter_umount2(dir, MNT_EXPIRE | MNT_DETACH), EINVAL);
	ck_assert_fails(butter_umount2(dir, MNT_EXPIRE | MNT_FORCE), EINVAL);
	ck_assert_fails(butter_umount2(dir, 1 << 30), EINVAL);
	ck_assert_fails(butter_umount2(path_in(dir, "none"), 0), ENOENT);
	ck_assert_fails(butter_umount2("", 0), ENOENT);
	ck_assert_fails(butter_umount2(path_in(file, "below"), 0), ENOTDIR);
	ck_assert_fails(butter_umount2(loop, 0), ELOOP);
	ck_assert_fails(butter_umount2(too_long(), 0), ENAMETOOLONG);
	ck_assert_fails(butter_umount2((const char *)8, 0), EFAULT);
}

static void pivot_root_errnos(void *dir)
{
	mount_tmpfs(dir);
	const char *file = path_in(dir, "file"), *new = folder(dir, "new"), *plain = folder(dir, "plain");
	touch(file);
	mount_tmpfs(new);
	const char *old = folder(new, "old"), *none = path_in(dir, "none");
	ck_assert_fails(butter_pivot_root(plain, plain), EINVAL);
	ck_assert_fails(butter_pivot_root(new, plain), EINVAL);
	ck_assert_fails(butter_pivot_root(new, "/"), EBUSY);
	ck_assert_fails(butter_pivot_root(none, old), ENOENT);
	ck_assert_fails(butter_pivot_root(new, none), ENOENT);
	ck_assert_fails(butter_pivot_root(file, old), ENOTDIR);
	ck_assert_fails(butter_pivot_root(new, file), ENOTDIR);
	ck_assert_fails(butter_pivot_root((const char *)8, old), EFAULT);
	ck_assert_fails(butter_pivot_root(new, (const char *)8), EFAULT);
	set_propagation(dir, MS_SHARED);
	ck_assert_fails(butter_pivot_root(new, old), EINVAL);
}

#define BODIES(X)                                                                                            \
	X(tmpfs, a_tmpfs_is_mounted_and_unmounted)                                                           \
	X(bind, a_folder_is_bound_to_another_place)                                                          \
	X(read_only, a_remount_makes_the_mount_or_the_file_system_read_only)                                 \
	X(moved, a_mount_is_moved)                                                                           \
	X(propagation, mounts_propagate_as_their_type_says)                                                  \
	X(expire, MNT_EXPIRE_is_EAGAIN_and_then_unmounts)                                                    \
	X(expire_after_use, MNT_EXPIRE_begins_anew_after_use_and_is_EBUSY_in_use)                            \
	X(busy, a_mount_in_use_is_EBUSY_and_can_be_detached)                                                 \
	X(symbolic_link, UMOUNT_NOFOLLOW_does_not_follow)                                                    \
	X(pivot, pivot_root_changes_the_root)                                                                \
	X(pivot_in_place, pivot_root_in_place_changes_the_root)                                              \
	X(mount_errnos, mount_tells_the_kernels_errnos)                                                      \
	X(umount2_errnos, umount2_tells_the_kernels_errnos)                                                  \
	X(pivot_root_errnos, pivot_root_tells_the_kernels_errnos)

#define BODY_TEST(body, sentence)                                                                            \
	START_TEST(sentence)                                                                                 \
	{                                                                                                    \
		in_mount_namespace(body, (void *)scratch());                                                 \
	}                                                                                                    \
	END_TEST
BODIES(BODY_TEST)

#define BODY_NAME(body, sentence) body,
static void (*const bodies[])(void *) = {BODIES(BODY_NAME)};

static size_t read_mounts(char *buf, size_t size)
{
	size_t used = 0;
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	for (ssize_t n; (n = read(fd, buf + used, size - used)) > 0;)
		used += (size_t)n;
	close(fd);
	ck_assert_uint_lt(used, size);
	ck_assert_uint_gt(used, 0);
	return used;
}

/*
 * In a namespace that nobody else mounts in, and whose mounts are shared with those made from it:
 * a mount that in_mount_namespace() let through would be seen.
 */
static void watch_all(void *dir)
{
	static char before[1 << 18], after[1 << 18];
	set_propagation("/", MS_REC | MS_SHARED);
	size_t length = read_mounts(before, sizeof(before));
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		in_mount_namespace(bodies[i], dir);
		ck_assert_uint_eq(read_mounts(after, sizeof(after)), length);
		ck_assert_mem_eq(after, before, length);
	}
}

START_TEST(nothing_of_this_reaches_the_namespace_of_the_parent)
{
	in_mount_namespace(watch_all, (void *)scratch());
}
END_TEST

static void all_calls(void *unused)
{
	(void)unused;
	butter_mount("", "", "", 0, NULL);
	butter_umount2("", 0);
	butter_pivot_root("", "");
}

START_TEST(each_call_is_one_system_call)
{
	ck_assert_system_calls(all_calls, NULL, SYS_mount, SYS_umount2, SYS_pivot_root);
}
END_TEST

SUITE(sys_mount)
{
#define BODY_ADD(body, sentence) tcase_add_test(raw, sentence);
	BODIES(BODY_ADD)
	tcase_add_test(raw, nothing_of_this_reaches_the_namespace_of_the_parent);
	tcase_add_test(raw, each_call_is_one_system_call);
}
