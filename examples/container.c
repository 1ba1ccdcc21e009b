/* SPDX-License-Identifier: MIT */
/*
 * Runs a command in a root of its own: a small tmpfs with the system's programs bound into it,
 * read-only, a /proc with its own processes only, and a host name of its own. As root, or as an
 * ordinary user, who becomes root of a user namespace first. What is outside stays as it is.
 *
 *	container sh -c 'hostname; ls /; ps'
 *
 * The status is the command's, 128 and the signal's number when one ended it, 126 or 127 when it
 * cannot be run, and 125 when there was no container. It is no prison for a hostile root: that
 * needs seccomp(2), dropped capabilities and limits too.
 *
 *	cc container.c $(pkg-config --cflags --libs butter)
 */
#include <butter/butter.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOSTNAME "butter"
#define PLACE "/tmp" /* where the new root is put together; any folder would do */

enum { NO_CONTAINER = 125, CANNOT_EXEC = 126, NOT_FOUND = 127, SIGNALED = 128 };

static unsigned mounts; /* made here */
static struct stat root;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "container: %s: %s\n", what, strerror(errno));
	exit(NO_CONTAINER);
}

static _Noreturn void refuse(const char *what)
{
	fprintf(stderr, "container: %s\n", what);
	exit(NO_CONTAINER);
}

/* Namespaces */

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* Without "deny" who has no privilege could drop a group that a file shuts out: the kernel insists. */
static void become_root_inside(uid_t uid, gid_t gid)
{
	char map[32];
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
}

static void enter_namespaces(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS;
	if (butter_unshare(uid == 0 ? flags : flags | CLONE_NEWUSER) < 0)
		die("no such namespaces may be made here (a sysctl, a chroot, a container)");
	if (uid != 0)
		become_root_inside(uid, gid);
}

/* Mounts, all below the working directory, which is the new root */

static void mount_new(const char *type, const char *at, unsigned long flags, const char *options)
{
	if (butter_mount(type, at, type, MS_NOSUID | MS_NODEV | flags, options) < 0)
		die(at);
	mounts++;
}

/*
 * A bind mount takes its flags only when it is mounted again. A flag that a user namespace has
 * inherited is locked: to leave out a noexec is EPERM there. What is mounted below is left out.
 */
static void bind_read_only(const char *from, const char *at, unsigned long flags)
{
	struct statvfs st;
	if (butter_mount(from, at, NULL, MS_BIND, NULL) < 0 || statvfs(at, &st) < 0)
		die(from);
	mounts++;
	if (st.f_flag & ST_NOEXEC)
		flags |= MS_NOEXEC;
	if (butter_mount(NULL, at, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | flags, NULL) < 0)
		die(from);
}

/* A folder of the system's as it is: a symbolic link, as /bin often is, or a folder. */
static void bring_folder(const char *from)
{
	const char *at = from + 1; /* from the working directory */
	char link[4096];
	struct stat st;
	if (lstat(from, &st) < 0)
		return; /* not every system has each */
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlink(from, link, sizeof(link) - 1);
		if (n < 0)
			die(from);
		link[n] = 0;
		if (symlink(link, at) < 0)
			die(at);
		return;
	}
	if (mkdir(at, 0755) < 0)
		die(at);
	bind_read_only(from, at, MS_NODEV);
}

static void bring_device(const char *from)
{
	int fd = open(from + 1, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		die(from);
	close(fd);
	bind_read_only(from, from + 1, MS_NOEXEC);
}

/* A fresh /proc must come while the old one is still there: the kernel shows no more than it did. */
static void make_root(void)
{
	static const char *const folders[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
	static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/urandom"};
	mount_new("tmpfs", PLACE, 0, "mode=755,size=1m");
	if (chdir(PLACE) < 0 || stat(".", &root) < 0)
		die(PLACE);
	if (mkdir("dev", 0755) < 0 || mkdir("proc", 0555) < 0 || mkdir("tmp", 0755) < 0)
		die(PLACE);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		bring_folder(folders[i]);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		bring_device(devices[i]);
	mount_new("proc", "proc", MS_NOEXEC, NULL);
	mount_new("tmpfs", "tmp", 0, "mode=1777,size=16m");
	if (butter_mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
		die(PLACE);
}

/* The old root lands on top of the new one, in the same place, and is taken off there. */
static void change_root(void)
{
	if (butter_pivot_root(".", ".") < 0)
		die("pivot_root");
	if (butter_umount2(".", MNT_DETACH) < 0)
		die("umount2");
	if (chdir("/") < 0)
		die("/");
}

/* Nothing leads back */

static int is_root(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && st.st_dev == root.st_dev && st.st_ino == root.st_ino;
}

static unsigned count_lines(const char *path)
{
	unsigned lines = 0;
	FILE *file = fopen(path, "re");
	if (!file)
		die(path);
	for (int c; (c = getc(file)) != EOF;)
		lines += c == '\n';
	fclose(file);
	return lines;
}

/* A folder that is open is a way out, by openat(2) or fchdir(2); also as standard input. */
static void check_fds(void)
{
	struct stat st;
	DIR *dir = opendir("/proc/self/fd");
	if (!dir)
		die("/proc/self/fd");
	for (struct dirent *entry; (entry = readdir(dir));) {
		long fd = strtol(entry->d_name, NULL, 10);
		if (entry->d_name[0] == '.' || fd == dirfd(dir))
			continue;
		if (fd > STDERR_FILENO)
			refuse("a file descriptor of the caller's is still open");
		if (fstat((int)fd, &st) == 0 && S_ISDIR(st.st_mode))
			refuse("standard input, output or error is a folder outside: close it");
	}
	closedir(dir);
}

static void leave_nothing_behind(void)
{
	if (butter_close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		die("close_range");
	check_fds();
	if (!is_root("/") || !is_root("."))
		refuse("the root or the working directory is not the new root");
	if (count_lines("/proc/self/mountinfo") != mounts)
		refuse("there are mounts that were not made for the container");
}

/* Processes */

static int status_of(int status)
{
	return WIFSIGNALED(status) ? SIGNALED + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Waits for a child and for all who have lost their parent meanwhile. */
static int wait_for(pid_t pid)
{
	int status;
	for (pid_t ended; (ended = wait(&status)) != pid;)
		if (ended < 0 && errno != EINTR)
			die("wait");
	return status_of(status);
}

static _Noreturn void run_command(char **command)
{
	execvp(command[0], command);
	int error = errno;
	fprintf(stderr, "container: %s: %s\n", command[0], strerror(error));
	exit(error == ENOENT ? NOT_FOUND : CANNOT_EXEC);
}

/*
 * The first process of the namespace: all others there end with it. It is not the command itself,
 * since the kernel keeps most signals from a first process, its own abort(3) too.
 */
static int be_first(char **command)
{
	/* First of all: what is mounted from here on is not to reach the caller's tree. */
	if (butter_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("/");
	make_root();
	change_root();
	if (butter_sethostname(HOSTNAME, strlen(HOSTNAME)) < 0)
		die("sethostname");
	leave_nothing_behind();
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		run_command(command);
	return wait_for(pid);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "container: COMMAND: give a program and its arguments, such as sh\n"
				"usage: container COMMAND [ARGUMENT...]\n");
		return 2;
	}
	umask(022); /* the modes below are meant */
	enter_namespaces();
	pid_t pid = fork(); /* a new pid namespace is for children */
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		return be_first(argv + 1);
	}
	return wait_for(pid);
}
