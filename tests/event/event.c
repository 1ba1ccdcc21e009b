/* SPDX-License-Identifier: MIT */
/*
 * Every type has every verb, with the same shape (checked by the compiler), and event.h's names
 * reach them; the layout of the event structs is what users have compiled in.
 */
#include <fcntl.h>

#include <butter/butter.h>
#include <butter/tree.h>

#include "layout.h"
#include "test.h"

/* clang-format off */
#define HAS(function, type) _Static_assert(_Generic(function, type: 1), #function)
#define DECODES(T)                                                                                   \
	HAS(butter_##T##_decode, ssize_t (*)(const void *, size_t, struct butter_##T##_event *));    \
	static void T##_decodes(struct butter_##T##_event *ev)                                       \
	{                                                                                            \
		ck_assert_int_eq(butter_decode("", 0, ev), 0);                                       \
	}
#define DECODES_NOT(T)                                                                               \
	static void T##_decodes(struct butter_##T##_event *ev)                                       \
	{                                                                                            \
		(void)ev;                                                                            \
	}
#define CONFORMS(T)                                                                                  \
	HAS(butter_##T##_release, int (*)(struct butter_##T *));                                     \
	HAS(butter_##T##_close, void (*)(struct butter_##T *));                                      \
	HAS(butter_##T##_fd, int (*)(const struct butter_##T *));                                    \
	HAS(butter_##T##_pending, size_t (*)(struct butter_##T *));                                  \
	HAS(butter_##T##_source, struct butter_source *(*)(struct butter_##T *));                    \
	HAS(butter_##T##_read_event, int (*)(struct butter_##T *, struct butter_##T##_event *));     \
	HAS(butter_##T##_read_events, ssize_t (*)(struct butter_##T *, struct butter_##T##_event *, size_t)); \
	HAS(butter_##T##_wait_event, int (*)(struct butter_##T *, struct butter_##T##_event *, int64_t)); \
	static void T##_by_short_names(struct butter_##T *x)                                                 \
	{                                                                                                    \
		struct butter_##T##_event ev;                                                                \
		ck_assert_int_eq(butter_fd(x), butter_##T##_fd(x));                                          \
		ck_assert_ptr_eq(butter_source(x), butter_##T##_source(x));                                  \
		ck_assert_uint_eq(butter_pending(x), 0);                                                     \
		ck_assert_int_eq(butter_read_event(x, &ev), 0);                                              \
		ck_assert_int_eq(butter_read_events(x, &ev, 1), 0);                                          \
		ck_assert_int_eq(butter_wait_event(x, &ev, 0), 0);                                           \
		T##_decodes(&ev);                                                                            \
		int fd = butter_release(x);                                                                  \
		ck_assert_int_eq(close(fd), 0);                                                              \
	}

/* clang-format on */

DECODES(eventfd)
CONFORMS(eventfd)
DECODES(fanotify)
CONFORMS(fanotify)
DECODES(inotify)
CONFORMS(inotify)
DECODES(process)
CONFORMS(process)
DECODES(signalfd)
CONFORMS(signalfd)
DECODES(timerfd)
CONFORMS(timerfd)
DECODES_NOT(tree)
CONFORMS(tree)

#define HANDLE ALIGNED(16 + WORD)

AT(eventfd_event, value, 0);
SIZE(eventfd_event, 8);
AT(timerfd_event, expirations, 0);
AT(timerfd_event, cancelled, 8);
SIZE(timerfd_event, 16);
AT(timerfd_setting, first, 0);
AT(timerfd_setting, period, 8);
SIZE(timerfd_setting, 16);
AT(inotify_event, wd, 0);
AT(inotify_event, mask, 4);
AT(inotify_event, cookie, 8);
AT(inotify_event, name_len, 12);
AT(inotify_event, name, 16);
SIZE(inotify_event, 16 + WORD);
AT(fanotify_handle, fsid, 0);
AT(fanotify_handle, handle, 8);
AT(fanotify_handle, len, 8 + WORD);
AT(fanotify_handle, reserved, 12 + WORD);
SIZE(fanotify_handle, HANDLE);
AT(fanotify_event, mask, 0);
AT(fanotify_event, permission, 8);
AT(fanotify_event, fd, 16);
AT(fanotify_event, pid, 20);
AT(fanotify_event, pidfd, 24);
AT(fanotify_event, name_len, 28);
AT(fanotify_event, object, 32);
AT(fanotify_event, dir, 32 + HANDLE);
AT(fanotify_event, old_dir, 32 + 2 * HANDLE);
AT(fanotify_event, name, 32 + 3 * HANDLE);
AT(fanotify_event, old_name, 32 + 3 * HANDLE + WORD);
AT(fanotify_event, old_name_len, 32 + 3 * HANDLE + 2 * WORD);
AT(fanotify_event, raw_len, 36 + 3 * HANDLE + 2 * WORD);
AT(fanotify_event, raw, 40 + 3 * HANDLE + 2 * WORD);
AT(fanotify_event, reserved, ALIGNED(40 + 3 * HANDLE + 3 * WORD));
SIZE(fanotify_event, ALIGNED(40 + 3 * HANDLE + 3 * WORD) + 16);
AT(fanotify_options, size, 0);
AT(fanotify_options, max_fds, WORD);
AT(fanotify_options, max_paths, WORD + 4);
AT(fanotify_options, default_response, WORD + 8);
AT(fanotify_options, reserved, WORD + 12);
AT(fanotify_options, answer_timeout, ALIGNED(WORD + 16));
SIZE(fanotify_options, ALIGNED(WORD + 16) + 8);
AT(fanotify_audit, rule_number, 0);
AT(fanotify_audit, subject_trust, 4);
AT(fanotify_audit, object_trust, 8);
SIZE(fanotify_audit, 12);
AT(signalfd_event, signo, 0);
AT(signalfd_event, error, 4);
AT(signalfd_event, code, 8);
AT(signalfd_event, pid, 12);
AT(signalfd_event, uid, 16);
AT(signalfd_event, fd, 20);
AT(signalfd_event, timer_id, 24);
AT(signalfd_event, band, 28);
AT(signalfd_event, overrun, 32);
AT(signalfd_event, trapno, 36);
AT(signalfd_event, status, 40);
AT(signalfd_event, value, 44);
AT(signalfd_event, pointer, 48);
AT(signalfd_event, utime, 56);
AT(signalfd_event, stime, 64);
AT(signalfd_event, addr, 72);
AT(signalfd_event, addr_lsb, 80);
AT(signalfd_event, syscall, 84);
AT(signalfd_event, call_addr, 88);
AT(signalfd_event, arch, 96);
SIZE(signalfd_event, 104);
AT(process_event, pid, 0);
AT(process_event, uid, 4);
AT(process_event, code, 8);
AT(process_event, status, 12);
AT(process_event, fate, 16);
AT(process_event, utime, 24);
AT(process_event, stime, 32);
AT(process_event, maxrss, 40);
AT(process_event, reserved2, 48);
SIZE(process_event, 64);
AT(process_info, mask, 0);
AT(process_info, cgroup_id, 8);
AT(process_info, pid, 16);
AT(process_info, tgid, 20);
AT(process_info, ppid, 24);
AT(process_info, ruid, 28);
AT(process_info, rgid, 32);
AT(process_info, euid, 36);
AT(process_info, egid, 40);
AT(process_info, suid, 44);
AT(process_info, sgid, 48);
AT(process_info, fsuid, 52);
AT(process_info, fsgid, 56);
AT(process_info, code, 60);
AT(process_info, status, 64);
AT(process_info, coredump_mask, 68);
AT(process_info, coredump_signal, 72);
AT(process_info, reserved, 76);
SIZE(process_info, 96);
AT(spawn_fd, fd, 0);
AT(spawn_fd, from, 4);
SIZE(spawn_fd, 8);
AT(spawn, path, WORD);
AT(spawn, argv, 2 * WORD);
AT(spawn, envp, 3 * WORD);
AT(spawn, search, 4 * WORD);
AT(spawn, cwd, 5 * WORD);
AT(spawn, mask, 6 * WORD);
AT(spawn, fds, 7 * WORD);
AT(spawn, fd_count, 8 * WORD);
AT(spawn, flags, 9 * WORD);
AT(spawn, pgid, 9 * WORD + 4);
AT(spawn, cgroup_fd, 9 * WORD + 8);
SIZE(spawn, 9 * WORD + 16);
AT(tree_event, type, 0);
AT(tree_event, flags, 4);
AT(tree_event, root, 8);
AT(tree_event, pid, 12);
AT(tree_event, error, 16);
AT(tree_event, path_len, 20);
AT(tree_event, old_path_len, 24);
AT(tree_event, name_len, 28);
AT(tree_event, path, 32);
AT(tree_event, old_path, 32 + WORD);
AT(tree_event, name, 32 + 2 * WORD);
AT(tree_event, limit, 32 + 3 * WORD);
AT(tree_event, limit_value, 32 + 4 * WORD);
AT(tree_event, limit_use, 40 + 4 * WORD);
AT(tree_event, cookie, 48 + 4 * WORD);
AT(tree_event, data, 56 + 4 * WORD);
AT(tree_event, reserved, ALIGNED(56 + 5 * WORD));
SIZE(tree_event, ALIGNED(56 + 5 * WORD) + 16);
AT(tree_options, size, 0);
AT(tree_options, flags, WORD);
AT(tree_options, scan_workers, WORD + 4);
AT(tree_options, reserved, ALIGNED(WORD + 8));
SIZE(tree_options, ALIGNED(WORD + 8) + 32);
AT(tree_rule, action, 0);
AT(tree_rule, syntax, 4);
AT(tree_rule, pattern, 8);
AT(tree_rule, match, 8 + WORD);
AT(tree_rule, data, 8 + 2 * WORD);
SIZE(tree_rule, 8 + 3 * WORD);
AT(tree_root, size, 0);
AT(tree_root, mask, WORD);
AT(tree_root, flags, WORD + 4);
AT(tree_root, backend, WORD + 8);
AT(tree_root, max_depth, WORD + 12);
AT(tree_root, rules, WORD + 16);
AT(tree_root, rule_count, 2 * WORD + 16);
AT(tree_root, ignore_file, 3 * WORD + 16);
AT(tree_root, poll_interval, ALIGNED(4 * WORD + 16));
AT(tree_root, settle, ALIGNED(4 * WORD + 16) + 8);
AT(tree_root, settle_max, ALIGNED(4 * WORD + 16) + 16);
AT(tree_root, data, ALIGNED(4 * WORD + 16) + 24);
AT(tree_root, reserved, ALIGNED(ALIGNED(4 * WORD + 16) + 24 + WORD));
SIZE(tree_root, ALIGNED(ALIGNED(4 * WORD + 16) + 24 + WORD) + 32);
AT(tree_node, path, 0);
AT(tree_node, ino, ALIGNED(WORD));
AT(tree_node, flags, ALIGNED(WORD) + 8);
AT(tree_node, wd, ALIGNED(WORD) + 12);
AT(tree_node, root, ALIGNED(WORD) + 16);
AT(tree_node, reserved, ALIGNED(WORD) + 20);
SIZE(tree_node, ALIGNED(WORD) + 24);
AT(tree_statistics, directories, 0);
AT(tree_statistics, bytes, 32);
AT(tree_statistics, rescans, 64);
SIZE(tree_statistics, 128);
AT(source, ops, 0);
AT(source, fd, WORD);
SIZE(source, WORD + 16);
SIZE(source_ops, 7 * WORD);

/* valgrind 3.19 does not know pidfd_open(2). */
START_TEST(the_short_names_reach_processes)
{
	process_by_short_names(butter_process_open(getpid(), 0));
}
END_TEST

START_TEST(the_short_names_reach_every_type)
{
	sigset_t none;
	sigemptyset(&none);
	eventfd_by_short_names(butter_eventfd_open(0, 0));
	fanotify_by_short_names(butter_fanotify_open(FAN_REPORT_FID, O_RDONLY, NULL));
	inotify_by_short_names(butter_inotify_open(0));
	signalfd_by_short_names(butter_signalfd_open(&none, 0));
	timerfd_by_short_names(butter_timerfd_open(CLOCK_MONOTONIC, 0));
	tree_by_short_names(butter_tree_open(NULL));
	struct butter_eventfd *x = butter_eventfd_open(0, 0);
	butter_close(x);
}
END_TEST

SUITE(event_event)
{
	tcase_add_test(tc, the_short_names_reach_every_type);
	tcase_add_test(raw, the_short_names_reach_processes);
}
