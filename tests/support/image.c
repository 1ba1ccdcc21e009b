/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "image.h"
#include "test.h"

/* Sparse, and no smaller than its mkfs takes. */
static const struct image {
	const char *type;
	unsigned megabytes;
	const char *mkfs[8];
} images[] = {
	{"ext4", 16, {"mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0"}},
	{"xfs", 300, {"mkfs.xfs", "-q", "-f", "-K"}},
	{"btrfs", 120, {"mkfs.btrfs", "-q", "-f", "-K"}},
};

static const struct image *image_of(const char *type)
{
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
		if (strcmp(images[i].type, type) == 0)
			return &images[i];
	return NULL;
}

/* An ordinary user's PATH need not have these programs. */
static void make_filesystem(const struct image *image, const char *file)
{
	const char *arguments[10] = {NULL};
	size_t n = 0;
	int status;
	while (image->mkfs[n]) {
		arguments[n] = image->mkfs[n];
		n++;
	}
	arguments[n] = file;
	pid_t pid = check_fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		setenv("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin", 1);
		execvp(arguments[0], (char **)arguments);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "%s: wait status %d", arguments[0], status);
}

/* A free loop device may be somebody else's before it is taken. */
static int attach(int file, char device[32])
{
	struct loop_config config = {.fd = (uint32_t)file, .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return -1;
	for (int tries = 0; tries < 1000; tries++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);
		ck_assert_int_ge(n, 0);
		snprintf(device, 32, "/dev/loop%d", n);
		int loop = open(device, O_RDWR | O_CLOEXEC);
		if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
			close(control);
			return loop;
		}
		if (loop >= 0)
			close(loop);
		ck_assert_msg(errno == EBUSY || errno == ENOENT || errno == ENXIO, "%s: %s", device,
			      strerror(errno));
	}
	ck_abort_msg("no free loop device");
}

/* The image lies in a tmpfs, which lives as long as the loop device has the file open. */
static int mount_image(const struct image *image, const char *dir)
{
	char device[32];
	const char *file = path_in(dir, "image");
	must_mount("tmpfs", dir);
	touch(file);
	ck_assert_int_eq(truncate(file, (off_t)image->megabytes << 20), 0);
	int fd = open(file, O_RDWR | O_CLOEXEC), loop = attach(fd, device);
	if (loop >= 0) {
		make_filesystem(image, file);
		ck_assert_int_eq(mount(device, dir, image->type, 0, NULL), 0);
		close(loop);
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return loop >= 0;
}

static int mount_overlay(const char *options, const char *dir)
{
	static const char *const folders[] = {"lower", "upper", "work"};
	char data[4096];
	must_mount("tmpfs", dir);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(mkdir(path_in(dir, folders[i]), 0755), 0);
	snprintf(data, sizeof(data), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work%s", dir, dir, dir,
		 options);
	return mount("overlay", dir, "overlay", 0, data) == 0;
}

int mount_new(const char *type, const char *dir)
{
	const struct image *image = image_of(type);
	if (image)
		return mount_image(image, dir);
	if (strcmp(type, "overlay") == 0)
		return mount_overlay(",index=off,nfs_export=off", dir);
	if (strcmp(type, "overlay,nfs_export") == 0)
		return mount_overlay(",index=on,nfs_export=on", dir);
	return mount(type, dir, type, 0, NULL) == 0;
}

void must_mount(const char *type, const char *dir)
{
	ck_assert_msg(mount_new(type, dir), "%s: %s", type, strerror(errno));
}
