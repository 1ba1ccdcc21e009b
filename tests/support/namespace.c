/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>

#include "namespace.h"
#include "test.h"

enum { NOBODY = 65534 };

void become_nobody(void)
{
	if (geteuid() == 0) {
		ck_assert_int_eq(setgroups(0, NULL), 0);
		ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
		ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
	}
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

void own_user_namespace(void)
{
	char map[32];
	unsigned uid = geteuid(), gid = getegid();
	ck_assert_int_eq(unshare(CLONE_NEWUSER), 0);
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
}
