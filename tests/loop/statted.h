/* SPDX-License-Identifier: MIT */
/* What the suites of stat watchers share: a watcher that notes, and a scratch folder. */
#ifndef STATTED_H
#define STATTED_H

#include <fcntl.h>
#include <sys/stat.h>

#include "notes.h"

static struct butter_ev_stat watcher[4];
static struct butter_ev_timer stat_deadline;
static uint32_t told;
static const char *dir;

static inline void note_stat(struct butter_loop *in, struct butter_ev_stat *w, uint32_t revents)
{
	ck_assert_ptr_eq(in, loop);
	told = revents;
	note((int)(w - watcher));
}

static inline void too_late(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)in, (void)w, (void)revents;
	ck_abort_msg("nothing was told");
}

static inline void start_with(int i, const char *path, int64_t interval)
{
	butter_ev_stat_init(&watcher[i], note_stat, path, interval);
	ck_assert_int_eq(butter_ev_stat_start(loop, &watcher[i]), 0);
}

static inline void start(int i, const char *path)
{
	start_with(i, path, 0);
	ck_assert_uint_eq(watcher[i].polled, 0);
}

/* The kernel queues an event before the call that caused it returns. */
static inline void settle(void)
{
	ck_assert_int_ge(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
	ck_assert_int_ge(butter_loop_run(loop, BUTTER_RUN_NOWAIT), 0);
}

static inline void wait_for_note(void)
{
	butter_ev_timer_init(&stat_deadline, too_late, INT64_C(30000000000), 0);
	ck_assert_int_eq(butter_ev_timer_start(loop, &stat_deadline), 0);
	while (!note_count)
		ck_assert_int_eq(butter_loop_run(loop, BUTTER_RUN_ONCE), 1);
	butter_ev_timer_stop(loop, &stat_deadline);
}

/* Whether the watcher knows what stat(2) says now. */
static inline int is_true(const struct butter_ev_stat *w)
{
	struct stat st;
	if (stat(w->path, &st) < 0)
		return w->attr.nlink == 0 && w->attr.error == errno && !w->attr.ino;
	return w->attr.nlink == st.st_nlink && w->attr.ino == st.st_ino && w->attr.dev == st.st_dev &&
	       w->attr.mode == st.st_mode && w->attr.size == st.st_size && w->attr.error == 0 &&
	       w->attr.uid == st.st_uid && w->attr.gid == st.st_gid && w->attr.rdev == st.st_rdev &&
	       w->attr.mtime == (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec &&
	       w->attr.ctime == (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
}

static inline void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

#endif
