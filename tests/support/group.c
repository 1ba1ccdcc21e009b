/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <butter/file.h>

#include "group.h"
#include "test.h"

enum {
	SOON = 10,              /* seconds */
	FID_ONLY = 0x200,       /* AT_HANDLE_FID of Linux 6.5: a handle that need not be opened */
	STATX_UNIQUE = 0x4000,  /* STATX_MNT_ID_UNIQUE of Linux 6.8 */
	STATX_MNT_ID_AT = 0x90, /* stx_mnt_id, which musl's struct does not have */
};

int is_admin(void)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY);
	if (fd < 0) {
		ck_assert_int_eq(errno, EPERM);
		return 0;
	}
	close(fd);
	return 1;
}

struct butter_fanotify *admin_group_with(unsigned flags, unsigned event_f_flags)
{
	struct butter_fanotify *x = butter_fanotify_open(flags, event_f_flags, NULL);
	if (!is_admin()) {
		ck_assert_ptr_null(x);
		ck_assert_int_eq(errno, EPERM);
		return NULL;
	}
	ck_assert_msg(x != NULL, "%#x: %s", flags, strerror(errno));
	return x;
}

struct butter_fanotify *group_with(unsigned flags)
{
	struct butter_fanotify *x = butter_fanotify_open(flags, O_RDONLY, NULL);
	ck_assert_msg(x != NULL, "%#x: %s", flags, strerror(errno));
	return x;
}

struct butter_fanotify_event next_event(struct butter_fanotify *x)
{
	struct butter_fanotify_event ev;
	int n = butter_fanotify_wait_event(x, &ev, SOON * INT64_C(1000000000));
	ck_assert_msg(n == 1, "%s", n == 0 ? "no event" : strerror(errno));
	return ev;
}

struct butter_fanotify_event expect(struct butter_fanotify *x, uint64_t mask)
{
	char is[256], should[256];
	struct butter_fanotify_event ev = next_event(x);
	butter_fanotify_mask_format(ev.mask, is, sizeof(is));
	butter_fanotify_mask_format(mask, should, sizeof(should));
	ck_assert_str_eq(is, should);
	return ev;
}

void expect_nothing(struct butter_fanotify *x)
{
	struct butter_fanotify_event ev = {.mask = 0};
	int n = butter_fanotify_read_event(x, &ev);
	ck_assert_msg(n == 0, "%d, mask %#llx, name '%s'", n, (unsigned long long)ev.mask,
		      n == 1 ? ev.name : "");
}

void know_handle(const char *path, struct known_handle *ret)
{
	struct statfs fs;
	uint32_t bytes = sizeof(ret->bytes) - sizeof(struct file_handle);
	struct file_handle *handle = (struct file_handle *)(void *)ret->bytes;
	int id;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->bytes, &bytes, sizeof(bytes));
	int n = butter_name_to_handle_at(AT_FDCWD, path, handle, &id, 0);
	if (n < 0 && errno == EOPNOTSUPP)
		n = butter_name_to_handle_at(AT_FDCWD, path, handle, &id, FID_ONLY);
	ck_assert_msg(n == 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(statfs(path, &fs), 0);
	memcpy(&bytes, ret->bytes, sizeof(bytes));
	memcpy(&ret->handle.fsid, &fs.f_fsid, sizeof(ret->handle.fsid));
	ret->handle.len = (uint32_t)sizeof(struct file_handle) + bytes;
}

void expect_this_handle(const struct butter_fanotify_handle *handle, const struct known_handle *known)
{
	ck_assert_ptr_nonnull(handle->handle);
	ck_assert_uint_eq(handle->len, known->handle.len);
	ck_assert_mem_eq(handle->handle, known->bytes, handle->len);
	ck_assert_uint_eq(handle->fsid, known->handle.fsid);
}

void expect_handle_of(const struct butter_fanotify_handle *handle, const char *path)
{
	struct known_handle known;
	know_handle(path, &known);
	expect_this_handle(handle, &known);
}

uint64_t unique_mount_id(const char *path)
{
	unsigned char buf[256] = {0};
	uint64_t id;
	ck_assert_int_eq(syscall(SYS_statx, AT_FDCWD, path, 0, STATX_UNIQUE, buf, 0L), 0);
	memcpy(&id, buf + STATX_MNT_ID_AT, sizeof(id));
	return id;
}

void open_and_close_at(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	close(fd);
}

pid_t start_asking(struct butter_fanotify *x, int (*fn)(const char *path), const char *path)
{
	pid_t pid = check_fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(butter_fanotify_fd(x));
		alarm(3 * SOON);
		_exit(fn(path));
	}
	return pid;
}

int end_asking(pid_t pid)
{
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}
