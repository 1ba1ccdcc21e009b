/* SPDX-License-Identifier: MIT */
/* The decoder of fanotify's records, and their names. */
#include <errno.h>
#include <string.h>

#include "fanotify.h"
#include "names.h"
#include "object.h"

enum {
	METADATA = 24,          /* sizeof(struct fanotify_event_metadata) of version 3 */
	HEADER = 4,             /* of an info record: a byte of type, one of padding, two of length */
	FID = HEADER + 8 + 8,   /* an info record of an empty handle */
	EVENT_LIMIT = 64 << 10, /* no event is longer; a larger length is a lie */
	VERSION = FANOTIFY_METADATA_VERSION,
};
_Static_assert(sizeof(struct fanotify_event_metadata) == METADATA, "the kernel's record");

static uint16_t get16(const unsigned char *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof(value));
	return value;
}

static uint32_t get32(const unsigned char *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof(value));
	return value;
}

static uint64_t get64(const unsigned char *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof(value));
	return value;
}

/*
 * What the info records tell, noted before anything is stored: a bad record leaves ret as it was, and a
 * good one is stored once.
 */
struct parts {
	const unsigned char *object, *dir, *old_dir; /* from the fsid on; NULL: not told */
	const char *name, *old_name;
	uint32_t name_len, old_name_len;
	int32_t pidfd;
};

/* A handle, and a name when one may follow. 0, or -1: it cannot be one. */
static inline int find_fid(const unsigned char *info, size_t len, const unsigned char **fid,
			   const char **name, uint32_t *name_len)
{
	if (len < FID)
		return -1;
	size_t bytes = get32(info + HEADER + 8), room = len - FID;
	if (bytes > room)
		return -1;
	*fid = info + HEADER;
	room -= bytes;
	if (!name || room == 0)
		return 0;
	*name = (const char *)info + FID + bytes;
	*name_len = (uint32_t)strnlen(*name, room);
	return *name_len < room ? 0 : -1;
}

static inline int find_part(const unsigned char *info, size_t len, struct parts *p)
{
	switch (info[0]) {
	case FAN_EVENT_INFO_TYPE_FID:
		return find_fid(info, len, &p->object, NULL, NULL);
	case FAN_EVENT_INFO_TYPE_DFID:
		return find_fid(info, len, &p->dir, NULL, NULL);
	case FAN_EVENT_INFO_TYPE_DFID_NAME:
	case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
		return find_fid(info, len, &p->dir, &p->name, &p->name_len);
	case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
		return find_fid(info, len, &p->old_dir, &p->old_name, &p->old_name_len);
	case FAN_EVENT_INFO_TYPE_PIDFD:
		if (len < HEADER + sizeof(p->pidfd))
			return -1;
		p->pidfd = (int32_t)get32(info + HEADER);
	}
	return 0;
}

static inline void set_handle(struct butter_fanotify_handle *ret, const unsigned char *fid)
{
	ret->fsid = fid ? get64(fid) : 0;
	ret->handle = fid ? fid + 8 : NULL;
	ret->len = fid ? 8 + get32(fid + 8) : 0;
	ret->reserved = 0;
}

static inline void set_event(struct butter_fanotify_event *ret, const unsigned char *record, size_t len,
			     const struct parts *p)
{
	ret->mask = get64(record + 8);
	ret->permission = 0;
	/* A group with FAN_REPORT_FD_ERROR says EBADF of what has no fd at all. */
	ret->fd = (int32_t)get32(record + 16);
	if (ret->fd == -EBADF)
		ret->fd = FAN_NOFD;
	ret->pid = (int32_t)get32(record + 20);
	ret->pidfd = p->pidfd;
	set_handle(&ret->object, p->object);
	set_handle(&ret->dir, p->dir);
	set_handle(&ret->old_dir, p->old_dir);
	ret->name = p->name;
	ret->name_len = p->name_len;
	ret->old_name = p->old_name;
	ret->old_name_len = p->old_name_len;
	ret->raw = record;
	ret->raw_len = (uint32_t)len;
	ret->reserved[0] = ret->reserved[1] = 0;
}

ssize_t butter_fanotify_decode(const void *buf, size_t len, struct butter_fanotify_event *ret)
{
	const unsigned char *record = buf;
	if (len < METADATA)
		return 0;
	size_t end = get32(record), at = get16(record + 6);
	if (record[4] != VERSION || at < METADATA || at > end || end > EVENT_LIMIT)
		goto bad;
	if (end > len)
		return 0;
	struct parts p = {.name = "", .old_name = "", .pidfd = FAN_NOPIDFD};
	for (size_t n; at < end; at += n) {
		n = end - at < HEADER ? 0 : get16(record + at + 2);
		if (n < HEADER || n > end - at || find_part(record + at, n, &p) < 0)
			goto bad;
	}
	if (ret)
		set_event(ret, record, end, &p);
	return (ssize_t)end;
bad:
	errno = EBADMSG;
	return -1;
}

const void *butter_fanotify_event_info(const struct butter_fanotify_event *ev, unsigned type, size_t *ret_len)
{
	const unsigned char *record = ev->raw;
	size_t n;
	if (!record)
		return NULL;
	for (size_t at = get16(record + 6); at < ev->raw_len; at += n) {
		n = get16(record + at + 2);
		if (record[at] == type) {
			*ret_len = n;
			return record + at;
		}
	}
	return NULL;
}

/* The info record of a type, when it is as long as it must be. */
static const unsigned char *info_of(const struct butter_fanotify_event *ev, unsigned type, size_t least)
{
	size_t len = 0;
	const void *info = butter_fanotify_event_info(ev, type, &len);
	return len < least ? NULL : info;
}

int butter_fanotify_event_error(const struct butter_fanotify_event *ev, int32_t *ret_error,
				uint32_t *ret_count)
{
	const unsigned char *info = info_of(ev, FAN_EVENT_INFO_TYPE_ERROR, HEADER + 8);
	if (!info)
		return 0;
	*ret_error = (int32_t)get32(info + HEADER);
	*ret_count = get32(info + HEADER + 4);
	return 1;
}

/* In these two the numbers of 64 bits stand behind 4 bytes of padding. */
int butter_fanotify_event_range(const struct butter_fanotify_event *ev, uint64_t *ret_offset,
				uint64_t *ret_count)
{
	const unsigned char *info = info_of(ev, FAN_EVENT_INFO_TYPE_RANGE, HEADER + 4 + 16);
	if (!info)
		return 0;
	*ret_offset = get64(info + HEADER + 4);
	*ret_count = get64(info + HEADER + 4 + 8);
	return 1;
}

int butter_fanotify_event_mount(const struct butter_fanotify_event *ev, uint64_t *ret_mnt_id)
{
	const unsigned char *info = info_of(ev, FAN_EVENT_INFO_TYPE_MNT, HEADER + 4 + 8);
	if (!info)
		return 0;
	*ret_mnt_id = get64(info + HEADER + 4);
	return 1;
}

static const struct butter__name mask_names[] = {
	BUTTER__NAME(FAN_ACCESS),         BUTTER__NAME(FAN_MODIFY),        BUTTER__NAME(FAN_ATTRIB),
	BUTTER__NAME(FAN_CLOSE_WRITE),    BUTTER__NAME(FAN_CLOSE_NOWRITE), BUTTER__NAME(FAN_OPEN),
	BUTTER__NAME(FAN_MOVED_FROM),     BUTTER__NAME(FAN_MOVED_TO),      BUTTER__NAME(FAN_CREATE),
	BUTTER__NAME(FAN_DELETE),         BUTTER__NAME(FAN_DELETE_SELF),   BUTTER__NAME(FAN_MOVE_SELF),
	BUTTER__NAME(FAN_OPEN_EXEC),      BUTTER__NAME(FAN_Q_OVERFLOW),    BUTTER__NAME(FAN_FS_ERROR),
	BUTTER__NAME(FAN_OPEN_PERM),      BUTTER__NAME(FAN_ACCESS_PERM),   BUTTER__NAME(FAN_OPEN_EXEC_PERM),
	BUTTER__NAME(FAN_PRE_ACCESS),     BUTTER__NAME(FAN_MNT_ATTACH),    BUTTER__NAME(FAN_MNT_DETACH),
	BUTTER__NAME(FAN_EVENT_ON_CHILD), BUTTER__NAME(FAN_RENAME),        BUTTER__NAME(FAN_ONDIR),
	BUTTER__NAME(FAN_CLOSE),          BUTTER__NAME(FAN_MOVE),
};
static const struct butter__names masks = BUTTER__NAMES("FAN_", mask_names);

int butter_fanotify_mask_format(uint64_t mask, char *buf, size_t len)
{
	return butter__mask_format(&masks, mask, buf, len);
}

int butter_fanotify_mask_parse(const char *text, uint64_t *ret_mask)
{
	return butter__mask_parse64(&masks, text, ret_mask);
}
