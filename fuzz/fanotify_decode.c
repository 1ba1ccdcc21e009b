/* SPDX-License-Identifier: MIT */
#include <butter/fanotify.h>

#include "fuzz.h"

enum { LONGEST = 64 << 10 };

/* The kernel's own structs, copied out since nothing is aligned. */
typedef struct fanotify_event_metadata metadata;
typedef struct fanotify_event_info_header header;

static metadata metadata_of(const unsigned char *buf)
{
	metadata m;
	memcpy(&m, buf, sizeof(m));
	return m;
}

static header header_of(const unsigned char *info)
{
	header h;
	memcpy(&h, info, sizeof(h));
	return h;
}

/* A handle's bytes, behind the headers of the info record and of the handle. */
static uint32_t handle_bytes(const unsigned char *info)
{
	uint32_t bytes;
	memcpy(&bytes, info + sizeof(header) + 8, sizeof(bytes));
	return bytes;
}

static int has_name(unsigned type)
{
	return type == FAN_EVENT_INFO_TYPE_DFID_NAME || type == FAN_EVENT_INFO_TYPE_OLD_DFID_NAME ||
	       type == FAN_EVENT_INFO_TYPE_NEW_DFID_NAME;
}

static int has_handle(unsigned type)
{
	return has_name(type) || type == FAN_EVENT_INFO_TYPE_FID || type == FAN_EVENT_INFO_TYPE_DFID;
}

static int good_info(const unsigned char *info, header h)
{
	size_t fixed = sizeof(h) + 16;
	if (h.info_type == FAN_EVENT_INFO_TYPE_PIDFD)
		return h.len >= sizeof(h) + 4;
	if (!has_handle(h.info_type))
		return 1;
	if (h.len < fixed || handle_bytes(info) > h.len - fixed)
		return 0;
	size_t name = fixed + handle_bytes(info);
	return !has_name(h.info_type) || name == h.len || memchr(info + name, 0, h.len - name);
}

static ssize_t expected(const unsigned char *buf, size_t len)
{
	if (len < sizeof(metadata))
		return 0;
	metadata m = metadata_of(buf);
	if (m.vers != FANOTIFY_METADATA_VERSION || m.metadata_len < sizeof(m) ||
	    m.event_len < m.metadata_len || m.event_len > LONGEST)
		return -1;
	if (m.event_len > len)
		return 0;
	for (size_t at = m.metadata_len; at < m.event_len;) {
		size_t left = m.event_len - at;
		if (left < sizeof(header))
			return -1;
		header h = header_of(buf + at);
		if (h.len < sizeof(h) || h.len > left || !good_info(buf + at, h))
			return -1;
		at += h.len;
	}
	return (ssize_t)m.event_len;
}

/* The info record of a type, the first or the last; NULL: there is none. */
static const unsigned char *find(const unsigned char *buf, unsigned type, int last, size_t *ret_len)
{
	metadata m = metadata_of(buf);
	const unsigned char *found = NULL;
	for (size_t at = m.metadata_len; at < m.event_len; at += header_of(buf + at).len) {
		if (header_of(buf + at).info_type != type || (found && !last))
			continue;
		found = buf + at;
		*ret_len = header_of(found).len;
	}
	return found;
}

/* A handle and its name are those of the last info record that has such; type 0: no other type has. */
static void check_handle(const unsigned char *buf, unsigned type, unsigned other, unsigned third,
			 const struct butter_fanotify_handle *handle)
{
	const unsigned char *info = NULL;
	const unsigned types[] = {type, other, third};
	size_t len;
	for (unsigned i = 0; i < 3; i++) {
		const unsigned char *found = types[i] ? find(buf, types[i], 1, &len) : NULL;
		info = found && (!info || found > info) ? found : info;
	}
	require(handle->reserved == 0);
	if (!info) {
		require(!handle->handle && handle->len == 0 && handle->fsid == 0);
		return;
	}
	require(handle->handle == info + sizeof(header) + 8);
	require(!memcmp(&handle->fsid, info + sizeof(header), sizeof(handle->fsid)));
	require(handle->len == 8 + handle_bytes(info));
}

/* A name ends inside the record, or is none. */
static void check_name(const unsigned char *buf, size_t n, const char *name, uint32_t len)
{
	require(strlen(name) == len);
	if (len > 0)
		require(name > (const char *)buf && name + len < (const char *)buf + n);
}

/* Each type is found, and the three that have an accessor are told when they are whole. */
static void check_infos(const unsigned char *buf, const struct butter_fanotify_event *event)
{
	uint64_t offset, count, id;
	uint32_t errors;
	int32_t error;
	errno = FUZZ_ERRNO;
	for (unsigned type = 0; type < 256; type++) {
		size_t len = 0, got = 0;
		const unsigned char *info = find(buf, type, 0, &len);
		require(butter_fanotify_event_info(event, type, &got) == info && got == len);
		int whole = info != NULL;
		if (type == FAN_EVENT_INFO_TYPE_ERROR)
			require(butter_fanotify_event_error(event, &error, &errors) == (whole && len >= 12));
		if (type == FAN_EVENT_INFO_TYPE_RANGE)
			require(butter_fanotify_event_range(event, &offset, &count) == (whole && len >= 24));
		if (type == FAN_EVENT_INFO_TYPE_MNT)
			require(butter_fanotify_event_mount(event, &id) == (whole && len >= 16));
	}
	require(errno == FUZZ_ERRNO);
}

static void check(const unsigned char *buf, size_t n, const struct butter_fanotify_event *event)
{
	metadata m = metadata_of(buf);
	int32_t pidfd = FAN_NOPIDFD;
	size_t len;
	const unsigned char *info = find(buf, FAN_EVENT_INFO_TYPE_PIDFD, 1, &len);
	if (info)
		memcpy(&pidfd, info + sizeof(header), sizeof(pidfd));
	int32_t fd = m.fd == -EBADF ? FAN_NOFD : m.fd;
	require(event->mask == m.mask && event->fd == fd && event->pid == m.pid && event->pidfd == pidfd);
	require(event->permission == 0 && event->reserved[0] == 0 && event->reserved[1] == 0);
	require(event->raw == buf && event->raw_len == n && n == m.event_len);
	check_handle(buf, FAN_EVENT_INFO_TYPE_FID, 0, 0, &event->object);
	check_handle(buf, FAN_EVENT_INFO_TYPE_DFID, FAN_EVENT_INFO_TYPE_DFID_NAME,
		     FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, &event->dir);
	check_handle(buf, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, 0, 0, &event->old_dir);
	check_name(buf, n, event->name, event->name_len);
	check_name(buf, n, event->old_name, event->old_name_len);
	check_infos(buf, event);
}

FUZZ_DECODER(fanotify)
