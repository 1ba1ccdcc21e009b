/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "kinds_tree.h"
#include "test.h"

static struct butter_source *open_eventfd(void)
{
	return (struct butter_source *)butter_eventfd_open(0, EFD_SEMAPHORE);
}

static struct butter_source *from_eventfd(int fd)
{
	return (struct butter_source *)butter_eventfd_from_fd(fd);
}

static int make_eventfd(void)
{
	return eventfd(0, EFD_SEMAPHORE);
}

static void fire_eventfd(struct butter_source *source)
{
	ck_assert_int_eq(eventfd_write(butter_source_fd(source), 1), 0);
}

/* As any user may have it. */
static struct butter_source *open_fanotify(void)
{
	return (struct butter_source *)butter_fanotify_open(FAN_REPORT_DFID_NAME, O_RDONLY, NULL);
}

static struct butter_source *from_fanotify(int fd)
{
	return (struct butter_source *)butter_fanotify_from_fd(fd, FAN_REPORT_DFID_NAME, NULL);
}

static int make_fanotify(void)
{
	return fanotify_init(FAN_REPORT_DFID_NAME, O_RDONLY);
}

static struct butter_source *open_inotify(void)
{
	return (struct butter_source *)butter_inotify_open(0);
}

static struct butter_source *from_inotify(int fd)
{
	return (struct butter_source *)butter_inotify_from_fd(fd);
}

static int make_inotify(void)
{
	return inotify_init1(0);
}

/* A file with a name of its own, made in the folder. */
const char *watched_folder(void)
{
	static const char *folder;
	if (!folder) {
		folder = scratch();
		/* no fd may be free */
		ck_assert_int_eq(mknod(path_in(folder, "file"), S_IFREG | 0600, 0), 0);
	}
	return folder;
}

/*
 * One more name of a file: ext4 takes long to find an inode for a new one among those that have just been
 * deleted. It goes at once where nobody is told of that: a watch costs the more, the more names there are.
 */
void make_name_in(const char *folder, int is_short_lived)
{
	static unsigned serial;
	char name[16];
	snprintf(name, sizeof(name), "%u", serial++);
	const char *path = path_in(folder, name);
	ck_assert_int_eq(link(path_in(watched_folder(), "file"), path), 0);
	if (is_short_lived)
		ck_assert_int_eq(unlink(path), 0);
}

static void fire_inotify(struct butter_source *source)
{
	ck_assert_int_gt(inotify_add_watch(butter_source_fd(source), watched_folder(), IN_CREATE), 0);
	make_name_in(watched_folder(), 1);
}

static void fire_fanotify(struct butter_source *source)
{
	ck_assert_int_eq(
		fanotify_mark(butter_source_fd(source), FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, watched_folder()),
		0);
	make_name_in(watched_folder(), 1);
}

static sigset_t one_signal(void)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	return mask;
}

static struct butter_source *open_signalfd(void)
{
	sigset_t mask = one_signal();
	return (struct butter_source *)butter_signalfd_open(&mask, 0);
}

static struct butter_source *from_signalfd(int fd)
{
	sigset_t mask = one_signal();
	return (struct butter_source *)butter_signalfd_from_fd(fd, &mask);
}

static int make_signalfd(void)
{
	sigset_t mask = one_signal();
	return signalfd(-1, &mask, 0);
}

static void fire_signalfd(struct butter_source *source)
{
	(void)source;
	ck_assert_int_eq(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 7}), 0);
}

static struct butter_source *open_timerfd(void)
{
	return (struct butter_source *)butter_timerfd_open(CLOCK_MONOTONIC, 0);
}

static struct butter_source *from_timerfd(int fd)
{
	return (struct butter_source *)butter_timerfd_from_fd(fd);
}

static int make_timerfd(void)
{
	return timerfd_create(CLOCK_MONOTONIC, 0);
}

static void fire_timerfd(struct butter_source *source)
{
	struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
	ck_assert_int_eq(timerfd_settime(butter_source_fd(source), 0, &soon, NULL), 0);
	ck_assert_int_eq(poll_in(butter_source_fd(source), 10000), POLLIN);
}

/* A child that waits, until the end of the test, to be killed. */
static pid_t victim;

static void need_victim(void)
{
	if (victim)
		return;
	victim = fork();
	if (victim < 0)
		abort(); /* ck_assert allocates, and that may be what is to fail now */
	if (victim > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static struct butter_source *open_process(void)
{
	need_victim();
	return (struct butter_source *)butter_process_open(victim, 0);
}

static struct butter_source *from_process(int fd)
{
	return (struct butter_source *)butter_process_from_fd(fd);
}

static int make_process(void)
{
	need_victim();
	return butter_pidfd_open(victim, 0);
}

static void fire_process(struct butter_source *source)
{
	if (!victim)
		return;
	ck_assert_int_eq(kill(victim, SIGKILL), 0);
	ck_assert_int_eq(poll_in(butter_source_fd(source), 10000), POLLIN);
	victim = 0;
}

static int add(struct butter_source *source)
{
	return butter_eventfd_add((struct butter_eventfd *)source, 1);
}

static int mark(struct butter_source *source)
{
	return butter_fanotify_watch((struct butter_fanotify *)source, AT_FDCWD, "/", FAN_DELETE_SELF, 0);
}

static int mark_and_ignore(struct butter_source *source)
{
	if (mark(source) < 0)
		return -1;
	return butter_fanotify_ignore((struct butter_fanotify *)source, AT_FDCWD, "/", FAN_DELETE_SELF, 0);
}

static int mark_and_flush(struct butter_source *source)
{
	return mark(source) < 0 ? -1 : butter_fanotify_flush((struct butter_fanotify *)source, 0);
}

static int watch(struct butter_source *source)
{
	return butter_inotify_watch((struct butter_inotify *)source, "/", IN_DELETE_SELF);
}

static int watch_and_ignore(struct butter_source *source)
{
	int wd = watch(source);
	return wd < 0 ? -1 : butter_inotify_ignore((struct butter_inotify *)source, wd);
}

static int enable(struct butter_source *source)
{
	return butter_signalfd_enable((struct butter_signalfd *)source, SIGUSR2);
}

static int disable(struct butter_source *source)
{
	return butter_signalfd_disable((struct butter_signalfd *)source, SIGUSR2);
}

static int enable_all(struct butter_source *source)
{
	return butter_signalfd_enable_all((struct butter_signalfd *)source);
}

static int arm_in(struct butter_source *source)
{
	return butter_timerfd_arm_in((struct butter_timerfd *)source, 0, 1000000, NULL);
}

static int arm_at(struct butter_source *source)
{
	struct butter_timerfd_setting old;
	return butter_timerfd_arm_at((struct butter_timerfd *)source, 0, 1000000, &old, 0);
}

static int disarm(struct butter_source *source)
{
	return butter_timerfd_disarm((struct butter_timerfd *)source, NULL);
}

static int get(struct butter_source *source)
{
	struct butter_timerfd_setting now;
	return butter_timerfd_get((struct butter_timerfd *)source, &now);
}

static int signal_0(struct butter_source *source)
{
	return butter_process_signal((struct butter_process *)source, 0);
}

/* Another process, from its start to its end, with fds that change places. */
static int spawn_and_wait(struct butter_source *source)
{
	static char *const argv[] = {(char *)"true", NULL};
	static const struct butter_spawn_fd fds[] = {{0, 1}, {1, 0}, {2, 2}, {7, -1}};
	struct butter_spawn how = {
		.size = sizeof(how), .path = "true", .search = "/bin:/usr/bin", .cwd = "/"};
	struct butter_process_event ended;
	(void)source;
	how.argv = argv;
	how.fds = fds;
	how.fd_count = 4;
	struct butter_process *x = butter_spawn(&how);
	if (!x)
		return -1;
	int n = butter_process_wait_event(x, &ended, -1);
	butter_process_close(x);
	return n == 1 ? 0 : -1;
}

#define KIND(T)                                                                                              \
	.name = #T, .event_size = sizeof(struct butter_##T##_event), .open = open_##T, .from_fd = from_##T,  \
	.make_fd = make_##T, .fire = fire_##T

const struct kind kinds[KINDS] = {
	{KIND(eventfd), .opens = FAULT_EVENTFD, .reads = FAULT_READ, .verbs = {add}},
	{KIND(fanotify), .caches = 1, .asks_paths = 1, .opens = FAULT_FANOTIFY_INIT, .reads = FAULT_READ,
	 .verbs = {mark, mark_and_ignore, mark_and_flush}},
	{KIND(inotify), .caches = 1, .opens = FAULT_INOTIFY_INIT1, .reads = FAULT_READ,
	 .verbs = {watch, watch_and_ignore}},
	{KIND(signalfd), .caches = 1, .opens = FAULT_SIGNALFD, .reads = FAULT_READ,
	 .verbs = {enable, disable, enable_all}},
	{KIND(timerfd), .opens = FAULT_TIMERFD_CREATE, .reads = FAULT_READ,
	 .verbs = {arm_in, arm_at, disarm, get}},
	{.name = "tree",
	 .event_size = sizeof(struct butter_tree_event),
	 .open = open_watcher,
	 .fire = fire_tree,
	 .caches = 1,
	 .composite = 1,
	 .opens = FAULT_EPOLL_CREATE1,
	 .reads = FAULT_READ,
	 .verbs = {sync_tree, pause_and_resume, add_and_remove, tell_of_backend, get_and_dump}},
	{KIND(process), .once = 1, .opens = FAULT_PIDFD_OPEN, .reads = FAULT_WAITID,
	 .verbs = {signal_0, spawn_and_wait}},
};

struct butter_source *open_kind(int i)
{
	struct butter_source *source = kinds[i].open();
	ck_assert_ptr_nonnull(source);
	return source;
}
