/* SPDX-License-Identifier: MIT */
#include "records.h"

unsigned char record[RECORD_ROOM], *block;
size_t record_len;
struct butter_fanotify_event ev;

static void put(const void *bytes, size_t len)
{
	memcpy(record + record_len, bytes, len);
	record_len += len;
}

static void put8(unsigned value)
{
	put(&(uint8_t){(uint8_t)value}, 1);
}

void put16(unsigned value)
{
	put(&(uint16_t){(uint16_t)value}, 2);
}

void put32(uint32_t value)
{
	put(&value, 4);
}

void put64(uint64_t value)
{
	put(&value, 8);
}

void set_event_len(uint32_t len)
{
	memcpy(record, &len, sizeof(len));
}

void set_metadata_len(uint16_t len)
{
	memcpy(record + 6, &len, sizeof(len));
}

void record_begin(uint64_t mask, int32_t fd, int32_t pid)
{
	record_len = 0;
	put32(24);
	put8(FANOTIFY_METADATA_VERSION);
	put8(0);
	put16(24);
	put64(mask);
	put32((uint32_t)fd);
	put32((uint32_t)pid);
}

size_t record_info(unsigned type, size_t len)
{
	size_t at = record_len;
	put8(type);
	put8(0);
	put16((unsigned)len + 4);
	set_event_len((uint32_t)(at + 4 + len));
	return at;
}

void set_info_len(size_t at, uint16_t len)
{
	memcpy(record + at + 2, &len, sizeof(len));
}

size_t record_fid(unsigned type, uint64_t fsid, unsigned n, int fill, const char *name)
{
	size_t size = name ? (strlen(name) + 1 + 3) & ~(size_t)3 : 0;
	size_t at = record_info(type, 8 + 8 + n + size);
	put64(fsid);
	put32(n);
	put32(1);
	memset(record + record_len, fill, n + size);
	if (name)
		memcpy(memset(record + record_len + n, 0, size), name, strlen(name));
	record_len += n + size;
	return at;
}

size_t record_filled(unsigned type, size_t len, int fill)
{
	size_t at = record_info(type, len);
	memset(record + record_len, fill, len);
	record_len += len;
	return at;
}

size_t record_pidfd(int32_t fd)
{
	size_t at = record_info(FAN_EVENT_INFO_TYPE_PIDFD, 4);
	put32((uint32_t)fd);
	return at;
}

size_t record_error(int32_t number, uint32_t count)
{
	size_t at = record_info(FAN_EVENT_INFO_TYPE_ERROR, 8);
	put32((uint32_t)number);
	put32(count);
	return at;
}

size_t record_range(uint64_t offset, uint64_t count)
{
	size_t at = record_info(FAN_EVENT_INFO_TYPE_RANGE, 20);
	put32(0);
	put64(offset);
	put64(count);
	return at;
}

size_t record_mnt(uint64_t id)
{
	size_t at = record_info(FAN_EVENT_INFO_TYPE_MNT, 12);
	put32(0);
	put64(id);
	return at;
}

void everything(size_t places[INFO_TYPES + 1])
{
	record_begin(FAN_RENAME | FAN_ONDIR, 7, 1234);
	places[0] = record_fid(FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, 0x1111, 8, 1, "before");
	places[1] = record_fid(FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, 0x2222, 12, 2, "after");
	places[2] = record_fid(FAN_EVENT_INFO_TYPE_FID, 0x3333, 20, 3, NULL);
	places[3] = record_pidfd(9);
	places[4] = record_error(117, 3);
	places[5] = record_range(4096, 8192);
	places[6] = record_mnt(0x100000002);
	places[7] = record_info(99, 2); /* of a kernel to come, and of an odd length */
	put16(0xbeef);
	places[8] = record_len;
}

ssize_t decode_part(size_t len, size_t shift)
{
	free(block);
	block = malloc(len + shift + !len);
	ck_assert_ptr_nonnull(block);
	memcpy(block + shift, record, len);
	return butter_fanotify_decode(block + shift, len, &ev);
}

void free_block(void)
{
	free(block);
	block = NULL;
}

void poison(void)
{
	memset(&ev, 0x5a, sizeof(ev));
}

void expect_poison(void)
{
	for (size_t i = 0; i < sizeof(ev); i++)
		ck_assert_uint_eq(((unsigned char *)&ev)[i], 0x5a);
}

void expect_decoded(void)
{
	poison();
	errno = 4242;
	ck_assert_int_eq(decode_part(record_len, 0), (ssize_t)record_len);
	ck_assert_int_eq(errno, 4242);
	ck_assert_ptr_eq(ev.raw, block);
	ck_assert_uint_eq(ev.raw_len, record_len);
	ck_assert_uint_eq(ev.permission, 0);
	ck_assert(ev.reserved[0] == 0 && ev.reserved[1] == 0);
}

void expect_bad(void)
{
	poison();
	ck_assert_fails(decode_part(record_len, 0), EBADMSG);
	expect_poison();
	ck_assert_fails(butter_fanotify_decode(block, record_len, NULL), EBADMSG);
}

void expect_handle(const struct butter_fanotify_handle *handle, uint64_t fsid, unsigned n, int fill)
{
	unsigned char bytes[64];
	ck_assert_uint_eq(handle->fsid, fsid);
	ck_assert_uint_eq(handle->len, n + 8);
	ck_assert_uint_eq(handle->reserved, 0);
	memcpy(bytes, handle->handle, n + 8);
	ck_assert_int_eq(memcmp(bytes, &n, sizeof(n)), 0);
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(bytes[8 + i], fill);
}

void expect_no_handle(const struct butter_fanotify_handle *handle)
{
	ck_assert_ptr_null(handle->handle);
	ck_assert_uint_eq(handle->fsid, 0);
	ck_assert_uint_eq(handle->len, 0);
	ck_assert_uint_eq(handle->reserved, 0);
}

void expect_no_handles(void)
{
	expect_no_handle(&ev.object);
	expect_no_handle(&ev.dir);
	expect_no_handle(&ev.old_dir);
	ck_assert_str_eq(ev.name, "");
	ck_assert_str_eq(ev.old_name, "");
	ck_assert_uint_eq(ev.name_len, 0);
	ck_assert_uint_eq(ev.old_name_len, 0);
}

void expect_everything(void)
{
	ck_assert_uint_eq(ev.mask, FAN_RENAME | FAN_ONDIR);
	ck_assert_int_eq(ev.fd, 7);
	ck_assert_int_eq(ev.pid, 1234);
	ck_assert_int_eq(ev.pidfd, 9);
	expect_handle(&ev.old_dir, 0x1111, 8, 1);
	ck_assert_str_eq(ev.old_name, "before");
	ck_assert_uint_eq(ev.old_name_len, 6);
	expect_handle(&ev.dir, 0x2222, 12, 2);
	ck_assert_str_eq(ev.name, "after");
	ck_assert_uint_eq(ev.name_len, 5);
	expect_handle(&ev.object, 0x3333, 20, 3);
}
