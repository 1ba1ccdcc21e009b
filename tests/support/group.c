/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include <butter/file.h>

#include "group.h"
#include "test.h"

enum {
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

struct butter_fanotify *admin_group(unsigned flags, unsigned event_f_flags,
				    const struct butter_fanotify_options *options)
{
	struct butter_fanotify *x = butter_fanotify_open(flags, event_f_flags, options);
	int error = errno;
	if (!is_admin()) {
		ck_assert_ptr_null(x);
		ck_assert_int_eq(error, EPERM);
		return NULL;
	}
	ck_assert_msg(x != NULL, "%#x: %s", flags, strerror(error));
	return x;
}

struct butter_fanotify *admin_group_with(unsigned flags, unsigned event_f_flags)
{
	return admin_group(flags, event_f_flags, NULL);
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
	int n = butter_fanotify_wait_event(x, &ev, TIMEOUT_NS);
	ck_assert_msg(n == 1, "wait_event: %d, %s", n, n == 0 ? "no event" : strerror(errno));
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

struct handle *handle_of(struct handle *ret, const char *path)
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
	memcpy(&ret->h.fsid, &fs.f_fsid, sizeof(ret->h.fsid));
	ret->h.handle = ret->bytes;
	ret->h.len = (uint32_t)sizeof(struct file_handle) + bytes;
	return ret;
}

void expect_this_handle(const struct butter_fanotify_handle *handle, const struct handle *known)
{
	ck_assert_ptr_nonnull(handle->handle);
	ck_assert_uint_eq(handle->len, known->h.len);
	ck_assert_mem_eq(handle->handle, known->bytes, handle->len);
	ck_assert_uint_eq(handle->fsid, known->h.fsid);
}

void expect_handle_of(const struct butter_fanotify_handle *handle, const char *path)
{
	struct handle known;
	expect_this_handle(handle, handle_of(&known, path));
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
