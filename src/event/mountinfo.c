/* SPDX-License-Identifier: MIT */
/* /proc/self/mountinfo, and the mount that an fd is on. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <butter/file.h>

#include "mounts.h"
#include "object.h"

int butter__mountinfo_open(struct butter__mountinfo *info)
{
	*info = (struct butter__mountinfo){.file = fopen("/proc/self/mountinfo", "re")};
	return info->file ? 0 : -1;
}

/* Space, tab, newline and backslash are written as a backslash and three octal digits. */
static void unescape(char *text)
{
	char *to = text;
	for (const char *at = text; *at; to++) {
		if (at[0] == '\\' && at[1] && at[2] && at[3]) {
			*to = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
			at += 4;
		} else {
			*to = *at++;
		}
	}
	*to = '\0';
}

static char *next_word(char *at)
{
	at += strcspn(at, " ");
	return at + strspn(at, " ");
}

/* "36 35 98:0 /root /point ...": id, parent, device, what of it is mounted, where. */
int butter__mountinfo_next(struct butter__mountinfo *info)
{
	if (getline(&info->line, &info->size, info->file) < 0)
		return 0;
	char *at = info->line;
	info->id = (int)strtol(at, NULL, 10);
	at = next_word(next_word(at));
	unsigned long number = strtoul(at, &at, 10);
	if (*at++ != ':')
		return 0;
	info->dev = makedev((unsigned)number, (unsigned)strtoul(at, NULL, 10));
	info->point = next_word(next_word(at));
	info->point[strcspn(info->point, " ")] = '\0';
	unescape(info->point);
	return 1;
}

void butter__mountinfo_close(struct butter__mountinfo *info)
{
	int saved = errno;
	fclose(info->file);
	free(info->line);
	errno = saved;
}

/* AT_HANDLE_FID: a handle that only names it is all that some filesystems have. */
enum { HANDLE_FID = 0x200 };

static int mount_id_of(int fd, int *ret_id)
{
	union {
		struct file_handle handle;
		unsigned char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} h = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
	int n = butter_name_to_handle_at(fd, "", &h.handle, ret_id, AT_EMPTY_PATH);
	return n < 0 ? butter_name_to_handle_at(fd, "", &h.handle, ret_id, AT_EMPTY_PATH | HANDLE_FID) : n;
}

/* A chroot that is no mount point is on a mount that mountinfo does not show; it is reached by "/". */
static int note_root(struct butter__mounts *m, uint64_t fsid)
{
	uint64_t of_root;
	struct stat st;
	int n = 0, fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return butter__is_lack(errno) ? -1 : 0;
	if (butter__fsid_of(fd, &of_root, NULL) == 0 && of_root == fsid && fstat(fd, &st) == 0 &&
	    !butter__mounts_add(m, fsid, st.st_dev, "/"))
		n = -1;
	butter__close(fd);
	return n;
}

int butter__mounts_note(struct butter__mounts *m, int fd)
{
	struct butter__mountinfo info;
	uint64_t fsid;
	int id, n = 0, found = 0;
	if (butter__fsid_of(fd, &fsid, NULL) < 0 || butter__mounts_find(m->first, fsid) ||
	    mount_id_of(fd, &id) < 0)
		return 0;
	if (butter__mountinfo_open(&info) < 0)
		return butter__is_lack(errno) ? -1 : 0;
	while (!found && butter__mountinfo_next(&info))
		found = info.id == id;
	if (found)
		n = butter__mounts_add(m, fsid, info.dev, info.point) ? 0 : -1;
	butter__mountinfo_close(&info);
	return found ? n : note_root(m, fsid);
}
