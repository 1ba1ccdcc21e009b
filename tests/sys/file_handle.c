/* SPDX-License-Identifier: MIT */
/* The file handles of file.h. */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <butter/file.h>

#include "child.h"
#include "test.h"

union handle {
	struct file_handle handle;
	unsigned char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ + 1];
};

static int handle_of(int dirfd, const char *path, union handle *ret)
{
	int mount_id;
	ret->handle.handle_bytes = MAX_HANDLE_SZ;
	return butter_name_to_handle_at(dirfd, path, &ret->handle, &mount_id, 0);
}

/* Whether this process may open by handle. */
static int privileged(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	ck_assert_int_eq((int)syscall(SYS_capget, &header, data), 0);
	return (data[0].effective >> CAP_DAC_READ_SEARCH) & 1;
}

START_TEST(name_to_handle_at_gives_one_handle_for_one_inode)
{
	const char *dir = scratch();
	union handle a = {0}, b = {0};
	touch(path_in(dir, "a"));
	ck_assert_int_eq(link(path_in(dir, "a"), path_in(dir, "b")), 0);
	ck_assert_int_eq(handle_of(AT_FDCWD, path_in(dir, "a"), &a), 0);
	ck_assert_int_eq(handle_of(AT_FDCWD, path_in(dir, "b"), &b), 0);
	ck_assert_uint_gt(a.handle.handle_bytes, 0);
	ck_assert_mem_eq(&a, &b, sizeof(a.handle) + a.handle.handle_bytes);
	ck_assert_int_eq(handle_of(AT_FDCWD, dir, &b), 0);
	ck_assert(memcmp(&a, &b, sizeof(a.handle) + a.handle.handle_bytes) != 0);
}
END_TEST

START_TEST(name_to_handle_at_says_how_much_room_a_handle_needs)
{
	struct file_handle none = {0};
	union handle whole;
	int mount_id, fd = open(scratch(), O_RDONLY | O_CLOEXEC);
	ck_assert_fails(butter_name_to_handle_at(fd, "", &none, &mount_id, AT_EMPTY_PATH), EOVERFLOW);
	ck_assert_int_eq(handle_of(AT_FDCWD, scratch(), &whole), 0);
	ck_assert_uint_eq(none.handle_bytes, whole.handle.handle_bytes);
	close(fd);
}
END_TEST

START_TEST(name_to_handle_at_tells_the_kernels_errnos)
{
	const char *dir = scratch();
	union handle h = {.handle = {.handle_bytes = MAX_HANDLE_SZ + 1}};
	int id, fd = open(dir, O_RDONLY | O_CLOEXEC);
	touch(path_in(dir, "file"));
	ck_assert_int_eq(symlink("loop", path_in(dir, "loop")), 0);
	ck_assert_fails(butter_name_to_handle_at(fd, "file", &h.handle, &id, 0), EINVAL);
	h.handle.handle_bytes = MAX_HANDLE_SZ;
	ck_assert_fails(butter_name_to_handle_at(fd, "file", &h.handle, &id, 1 << 30), EINVAL);
	ck_assert_fails(butter_name_to_handle_at(-1, "file", &h.handle, &id, 0), EBADF);
	ck_assert_fails(butter_name_to_handle_at(fd, "", &h.handle, &id, 0), ENOENT);
	ck_assert_fails(handle_of(fd, "none", &h), ENOENT);
	ck_assert_fails(handle_of(fd, "file/in", &h), ENOTDIR);
	ck_assert_fails(butter_name_to_handle_at(fd, "loop", &h.handle, &id, AT_SYMLINK_FOLLOW), ELOOP);
	ck_assert_fails(handle_of(fd, "/proc/self/stat", &h), EOPNOTSUPP);
	close(fd);
}
END_TEST

/* Who may not, is told so: EPERM is what there is to test without the capability. */
START_TEST(open_by_handle_at_opens_what_was_named_until_it_is_gone)
{
	const char *dir = scratch(), *path = path_in(dir, "file");
	union handle h;
	struct stat a, b;
	int mount_fd = open(dir, O_RDONLY | O_CLOEXEC);
	touch(path);
	ck_assert_int_eq(stat(path, &a), 0);
	ck_assert_int_eq(handle_of(AT_FDCWD, path, &h), 0);
	int fd = butter_open_by_handle_at(mount_fd, &h.handle, O_RDONLY);
	if (privileged()) {
		ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
		ck_assert_int_eq(fstat(fd, &b), 0);
		ck_assert_uint_eq(a.st_ino, b.st_ino);
		close(fd);
		ck_assert_int_eq(unlink(path), 0);
		ck_assert_fails(butter_open_by_handle_at(mount_fd, &h.handle, O_RDONLY), ESTALE);
	} else {
		ck_assert(fd == -1 && errno == EPERM);
	}
	close(mount_fd);
}
END_TEST

/* No libc adds O_LARGEFILE here, and on 32-bit ABIs the kernel does not either. */
START_TEST(open_by_handle_at_adds_no_O_LARGEFILE)
{
	const char *dir = scratch(), *path = path_in(dir, "file");
	union handle h;
	int mount_fd = open(dir, O_RDONLY | O_CLOEXEC);
	touch(path);
	ck_assert_int_eq(truncate(path, (off_t)5 << 30), 0);
	ck_assert_int_eq(handle_of(AT_FDCWD, path, &h), 0);
	if (privileged()) {
		if (sizeof(long) == 4)
			ck_assert_fails(butter_open_by_handle_at(mount_fd, &h.handle, O_RDONLY), EOVERFLOW);
		int fd = butter_open_by_handle_at(mount_fd, &h.handle, O_RDONLY | O_LARGEFILE);
		ck_assert_int_eq(lseek(fd, 0, SEEK_END), (off_t)5 << 30);
		close(fd);
	}
	close(mount_fd);
}
END_TEST

START_TEST(open_by_handle_at_tells_the_kernels_errnos)
{
	const char *dir = scratch();
	union handle h;
	int mount_fd = open(dir, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(symlink("nowhere", path_in(dir, "link")), 0);
	ck_assert_int_eq(handle_of(AT_FDCWD, path_in(dir, "link"), &h), 0);
	if (privileged()) {
		ck_assert_fails(butter_open_by_handle_at(mount_fd, &h.handle, O_RDONLY), ELOOP);
		ck_assert_fails(butter_open_by_handle_at(-1, &h.handle, O_RDONLY), EBADF);
		h.handle.handle_bytes = 0;
		ck_assert_fails(butter_open_by_handle_at(mount_fd, &h.handle, O_RDONLY), EINVAL);
		h.handle.handle_bytes = MAX_HANDLE_SZ + 1;
		ck_assert_fails(butter_open_by_handle_at(mount_fd, &h.handle, O_RDONLY), EINVAL);
	}
	close(mount_fd);
}
END_TEST

/* The sanitizers look at the arguments before the kernel does, and end the program. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED
#endif
#endif

#ifndef SANITIZED
START_TEST(bad_pointers_are_EFAULT)
{
	union handle h;
	int id, fd = open(scratch(), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(handle_of(fd, ".", &h), 0);
	ck_assert_fails(butter_name_to_handle_at(fd, ".", (struct file_handle *)8, &id, 0), EFAULT);
	ck_assert_fails(butter_name_to_handle_at(fd, ".", &h.handle, (int *)8, 0), EFAULT);
	ck_assert_fails(butter_name_to_handle_at(fd, (const char *)8, &h.handle, &id, 0), EFAULT);
	if (privileged())
		ck_assert_fails(butter_open_by_handle_at(fd, (struct file_handle *)8, 0), EFAULT);
	close(fd);
}
END_TEST
#endif

struct place {
	int mount_fd;
	union handle h;
};

static void without_capability(void *place)
{
	struct place *p = place;
	become_nobody();
	ck_assert_fails(butter_open_by_handle_at(p->mount_fd, &p->h.handle, O_RDONLY), EPERM);
}

START_TEST(open_by_handle_at_without_the_capability_is_EPERM)
{
	struct place p = {.mount_fd = open(scratch(), O_RDONLY | O_CLOEXEC)};
	ck_assert_int_eq(handle_of(AT_FDCWD, scratch(), &p.h), 0);
	in_child(without_capability, &p);
	close(p.mount_fd);
}
END_TEST

SUITE(sys_file_handle)
{
	tcase_add_test(tc, name_to_handle_at_gives_one_handle_for_one_inode);
	tcase_add_test(tc, name_to_handle_at_says_how_much_room_a_handle_needs);
	tcase_add_test(raw, name_to_handle_at_tells_the_kernels_errnos);
	tcase_add_test(tc, open_by_handle_at_opens_what_was_named_until_it_is_gone);
	tcase_add_test(tc, open_by_handle_at_adds_no_O_LARGEFILE);
	tcase_add_test(raw, open_by_handle_at_tells_the_kernels_errnos);
#ifndef SANITIZED
	tcase_add_test(raw, bad_pointers_are_EFAULT);
#endif
	tcase_add_test(tc, open_by_handle_at_without_the_capability_is_EPERM);
}
