/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../support/test.h"
#include "watched.h"

static int has_watch(const char *path, uint64_t ino)
{
	char line[512];
	uint64_t seen;
	int found = 0;
	FILE *f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "inotify wd:%*x ino:%" SCNx64, &seen) == 1 && seen == ino;
	if (f)
		fclose(f);
	return found;
}

int is_watched(uint64_t ino)
{
	char path[300];
	int found = 0;
	DIR *dir = opendir("/proc/self/fdinfo");
	struct dirent *entry;
	ck_assert_ptr_nonnull(dir);
	while (!found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", entry->d_name);
		found = entry->d_name[0] != '.' && has_watch(path, ino);
	}
	closedir(dir);
	return found;
}

int is_path_watched(const char *path)
{
	struct stat st;
	ck_assert_int_eq(lstat(path, &st), 0);
	return is_watched(st.st_ino);
}
