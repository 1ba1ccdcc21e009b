/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "kinds.h"
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

/* A file with a name of its own, in a folder that is watched from the first time on. */
static void fire_inotify(struct butter_source *source)
{
	static unsigned serial;
	static const char *folder;
	char name[16];
	if (!folder)
		folder = scratch();
	ck_assert_int_gt(inotify_add_watch(butter_source_fd(source), folder, IN_CREATE), 0);
	snprintf(name, sizeof(name), "%u", serial++);
	touch(path_in(folder, name));
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

const struct kind kinds[KINDS] = {
	{"eventfd", sizeof(struct butter_eventfd_event), 0, FAULT_EVENTFD, open_eventfd, from_eventfd,
	 make_eventfd, fire_eventfd},
	{"inotify", sizeof(struct butter_inotify_event), 1, FAULT_INOTIFY_INIT1, open_inotify, from_inotify,
	 make_inotify, fire_inotify},
	{"signalfd", sizeof(struct butter_signalfd_event), 1, FAULT_SIGNALFD, open_signalfd, from_signalfd,
	 make_signalfd, fire_signalfd},
	{"timerfd", sizeof(struct butter_timerfd_event), 0, FAULT_TIMERFD_CREATE, open_timerfd, from_timerfd,
	 make_timerfd, fire_timerfd},
};
