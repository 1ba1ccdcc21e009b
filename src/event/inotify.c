/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <butter/inotify.h>

#include "names.h"
#include "object.h"

enum {
	BUFFER_SIZE = 64 << 10,
	NAME_LIMIT = 8 << 10, /* no file system has names this long; a larger length is a lie */
};

struct butter_inotify {
	struct butter__reader reader;
};

ssize_t butter_inotify_decode(const void *buf, size_t len, struct butter_inotify_event *ret)
{
	struct inotify_event record;
	if (len < sizeof(record))
		return 0;
	memcpy(&record, buf, sizeof(record));
	const char *name = (const char *)buf + sizeof(record);
	if (record.len > NAME_LIMIT)
		goto bad;
	if (record.len > len - sizeof(record))
		return 0;
	size_t name_len = strnlen(name, record.len);
	if (record.len && name_len == record.len)
		goto bad;
	if (ret)
		*ret = (struct butter_inotify_event){
			.wd = record.wd,
			.mask = record.mask,
			.cookie = record.cookie,
			.name_len = (uint32_t)name_len,
			.name = record.len ? name : "",
		};
	return (ssize_t)(sizeof(record) + record.len);
bad:
	errno = EBADMSG;
	return -1;
}

BUTTER__READER_OBJECT(inotify)

static struct butter_inotify *new (void)
{
	return butter__reader_new(&butter__inotify_ops, sizeof(struct butter_inotify), BUFFER_SIZE);
}

struct butter_inotify *butter_inotify_open(int flags)
{
	struct butter_inotify *x = new ();
	if (!x)
		return NULL;
	return butter__object_begin(x, butter_inotify_init1(flags | IN_CLOEXEC | IN_NONBLOCK));
}

struct butter_inotify *butter_inotify_from_fd(int fd)
{
	struct butter_inotify *x = new ();
	return x ? butter__object_adopt(x, fd) : NULL;
}

int butter_inotify_watch(struct butter_inotify *x, const char *path, uint32_t mask)
{
	return butter_inotify_add_watch(x->reader.source.fd, path, mask);
}

int butter_inotify_ignore(struct butter_inotify *x, int wd)
{
	return butter_inotify_rm_watch(x->reader.source.fd, wd);
}

/* Names of more than one bit are read, not written: they stand behind their parts. */
static const struct butter__name mask_names[] = {
	BUTTER__NAME(IN_ACCESS),      BUTTER__NAME(IN_MODIFY),        BUTTER__NAME(IN_ATTRIB),
	BUTTER__NAME(IN_CLOSE_WRITE), BUTTER__NAME(IN_CLOSE_NOWRITE), BUTTER__NAME(IN_OPEN),
	BUTTER__NAME(IN_MOVED_FROM),  BUTTER__NAME(IN_MOVED_TO),      BUTTER__NAME(IN_CREATE),
	BUTTER__NAME(IN_DELETE),      BUTTER__NAME(IN_DELETE_SELF),   BUTTER__NAME(IN_MOVE_SELF),
	BUTTER__NAME(IN_UNMOUNT),     BUTTER__NAME(IN_Q_OVERFLOW),    BUTTER__NAME(IN_IGNORED),
	BUTTER__NAME(IN_ONLYDIR),     BUTTER__NAME(IN_DONT_FOLLOW),   BUTTER__NAME(IN_EXCL_UNLINK),
	BUTTER__NAME(IN_MASK_CREATE), BUTTER__NAME(IN_MASK_ADD),      BUTTER__NAME(IN_ISDIR),
	BUTTER__NAME(IN_ONESHOT),     BUTTER__NAME(IN_CLOSE),         BUTTER__NAME(IN_MOVE),
	BUTTER__NAME(IN_ALL_EVENTS),
};
static const struct butter__names masks = BUTTER__NAMES("IN_", mask_names);

int butter_inotify_mask_format(uint32_t mask, char *buf, size_t len)
{
	return butter__mask_format(&masks, mask, buf, len);
}

int butter_inotify_mask_parse(const char *text, uint32_t *ret_mask)
{
	return butter__mask_parse(&masks, text, ret_mask);
}
