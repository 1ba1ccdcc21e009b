/* SPDX-License-Identifier: MIT */
/* fanotify(7): events of files, of mounts and of whole filesystems. */
#ifndef BUTTER_FANOTIFY_H
#define BUTTER_FANOTIFY_H

#include <sys/fanotify.h>

#include <butter/common.h>

/* What libc's header or the kernel's under it may be too old for: the kernel's own, of Linux 6.18. */

/* Events. */
#ifndef FAN_FS_ERROR
#define FAN_FS_ERROR 0x00008000
#endif
#ifndef FAN_PRE_ACCESS
#define FAN_PRE_ACCESS 0x00100000
#endif
#ifndef FAN_MNT_ATTACH
#define FAN_MNT_ATTACH 0x01000000
#endif
#ifndef FAN_MNT_DETACH
#define FAN_MNT_DETACH 0x02000000
#endif
#ifndef FAN_RENAME
#define FAN_RENAME 0x10000000
#endif

/* Flags of fanotify_init(2). */
#ifndef FAN_REPORT_PIDFD
#define FAN_REPORT_PIDFD 0x00000080
#endif
#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x00001000
#endif
#ifndef FAN_REPORT_FD_ERROR
#define FAN_REPORT_FD_ERROR 0x00002000
#endif
#ifndef FAN_REPORT_MNT
#define FAN_REPORT_MNT 0x00004000
#endif
#ifndef FAN_REPORT_DFID_NAME_TARGET
#define FAN_REPORT_DFID_NAME_TARGET (FAN_REPORT_DFID_NAME | FAN_REPORT_FID | FAN_REPORT_TARGET_FID)
#endif

/* Flags of fanotify_mark(2). */
#ifndef FAN_MARK_MNTNS
#define FAN_MARK_MNTNS 0x00000110
#endif
#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE 0x00000200
#endif
#ifndef FAN_MARK_IGNORE
#define FAN_MARK_IGNORE 0x00000400
#endif
#ifndef FAN_MARK_IGNORE_SURV
#define FAN_MARK_IGNORE_SURV (FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY)
#endif

/* What read(2) gives. */
#ifndef FAN_EVENT_INFO_TYPE_PIDFD
#define FAN_EVENT_INFO_TYPE_PIDFD 4
#endif
#ifndef FAN_EVENT_INFO_TYPE_ERROR
#define FAN_EVENT_INFO_TYPE_ERROR 5
#endif
#ifndef FAN_EVENT_INFO_TYPE_RANGE
#define FAN_EVENT_INFO_TYPE_RANGE 6
#endif
#ifndef FAN_EVENT_INFO_TYPE_MNT
#define FAN_EVENT_INFO_TYPE_MNT 7
#endif
#ifndef FAN_EVENT_INFO_TYPE_OLD_DFID_NAME
#define FAN_EVENT_INFO_TYPE_OLD_DFID_NAME 10
#endif
#ifndef FAN_EVENT_INFO_TYPE_NEW_DFID_NAME
#define FAN_EVENT_INFO_TYPE_NEW_DFID_NAME 12
#endif
#ifndef FAN_NOPIDFD
#define FAN_NOPIDFD FAN_NOFD
#endif
#ifndef FAN_EPIDFD
#define FAN_EPIDFD -2
#endif

/* What is written as an answer. */
#ifndef FAN_INFO
#define FAN_INFO 0x20
#endif
#ifndef FAN_ERRNO_BITS
#define FAN_ERRNO_BITS 8
#endif
#ifndef FAN_ERRNO_SHIFT
#define FAN_ERRNO_SHIFT (32 - FAN_ERRNO_BITS)
#endif
#ifndef FAN_ERRNO_MASK
#define FAN_ERRNO_MASK ((1 << FAN_ERRNO_BITS) - 1)
#endif
#ifndef FAN_RESPONSE_INFO_NONE
#define FAN_RESPONSE_INFO_NONE 0
#endif
#ifndef FAN_RESPONSE_INFO_AUDIT_RULE
#define FAN_RESPONSE_INFO_AUDIT_RULE 1
#endif
/* As the kernel's FAN_DENY_ERRNO(), which names a type that only the kernel's headers have. */
#define BUTTER_FAN_DENY_ERRNO(error) (FAN_DENY | ((uint32_t)(error)&FAN_ERRNO_MASK) << FAN_ERRNO_SHIFT)

BUTTER_BEGIN_DECLS

/* System calls */

/* fanotify_init(2), since Linux 2.6.37. */
BUTTER_API int butter_fanotify_init(unsigned flags, unsigned event_f_flags);

/* fanotify_mark(2), since Linux 2.6.37. */
BUTTER_API int butter_fanotify_mark(int fanotify_fd, unsigned flags, uint64_t mask, int dirfd,
				    const char *pathname);

/* Decoder */

/* An inode as a group that reports file handles names it; what it points at is in the event's record. */
struct butter_fanotify_handle {
	uint64_t fsid;      /* its filesystem: the bytes of statfs(2)'s f_fsid */
	const void *handle; /* struct file_handle, at any address, for open_by_handle_at(2); NULL: none */
	uint32_t len;       /* bytes of it, with its header of 8 */
	uint32_t reserved;
};

/*
 * A full queue is an event like any other: mask FAN_Q_OVERFLOW, and nothing else. The fds are the
 * caller's, for butter_fanotify_event_close().
 */
struct butter_fanotify_event {
	uint64_t mask;       /* FAN_*: a set, since the kernel merges events of one object */
	uint64_t permission; /* not 0: the opener waits for butter_fanotify_respond() */
	int32_t fd;    /* of the object; FAN_NOFD: not told; below: minus an errno (FAN_REPORT_FD_ERROR) */
	int32_t pid;   /* who did it: process, or thread (FAN_REPORT_TID); 0: not told, or not in sight */
	int32_t pidfd; /* FAN_NOPIDFD not told, or ended; FAN_EPIDFD failed; below: minus an errno */
	uint32_t name_len;                     /* bytes before the NUL of name; 0: there is none */
	struct butter_fanotify_handle object;  /* what the event is of */
	struct butter_fanotify_handle dir;     /* the directory that it is in; FAN_RENAME: the new one */
	struct butter_fanotify_handle old_dir; /* FAN_RENAME: the one that it was in */
	const char *name;                      /* in dir, NUL-terminated; "." is dir itself, "" no name */
	const char *old_name;                  /* in old_dir */
	uint32_t old_name_len;
	uint32_t raw_len;
	const void *raw; /* the kernel's record, raw_len bytes at any address */
	uint64_t reserved[2];
};

/*
 * Decodes the first record of what a read(2) gave. Returns the bytes consumed; 0 when buf holds no
 * whole record; -1 with EBADMSG when it cannot be one. ret may be NULL; what it points at is in buf.
 */
BUTTER_API ssize_t butter_fanotify_decode(const void *buf, size_t len, struct butter_fanotify_event *ret);

/*
 * The first info record of a type, FAN_EVENT_INFO_TYPE_*, with its header of 4 bytes, and its length:
 * for types that butter does not know. NULL when the event has none, errno kept.
 */
BUTTER_API const void *butter_fanotify_event_info(const struct butter_fanotify_event *ev, unsigned type,
						  size_t *ret_len);

/* FAN_FS_ERROR: the filesystem's errno, and how many errors this one event stands for. 1, or 0: none. */
BUTTER_API int butter_fanotify_event_error(const struct butter_fanotify_event *ev, int32_t *ret_error,
					   uint32_t *ret_count);

/* FAN_PRE_ACCESS: the bytes about to be accessed. 1, or 0: the event has no range. */
BUTTER_API int butter_fanotify_event_range(const struct butter_fanotify_event *ev, uint64_t *ret_offset,
					   uint64_t *ret_count);

/* FAN_MNT_ATTACH, FAN_MNT_DETACH: the mount's id, statmount(2)'s. 1, or 0: the event is of no mount. */
BUTTER_API int butter_fanotify_event_mount(const struct butter_fanotify_event *ev, uint64_t *ret_mnt_id);

/* Object: see butter_eventlike(7). What an event points at lives until the next read or wait, or close. */

struct butter_fanotify;

/* All 0 but size is what butter_fanotify_open() does without options. */
struct butter_fanotify_options {
	size_t size;               /* sizeof(struct butter_fanotify_options) */
	uint32_t max_fds;          /* most fds that one read takes, and answers outstanding; 0: 64 */
	uint32_t max_paths;        /* most paths that butter_fanotify_path() keeps; 0: 4096 */
	uint32_t default_response; /* to what is closed unanswered, or too late: FAN_DENY ...; 0: FAN_ALLOW */
	uint32_t reserved;
	int64_t answer_timeout; /* nanoseconds from reading an event to the default response; 0: for ever */
};

/*
 * fanotify_init(2) with FAN_CLOEXEC and FAN_NONBLOCK added to flags, and O_CLOEXEC to event_f_flags.
 * Returns an object for butter_fanotify_close(), or NULL and errno: the call's, EINVAL, E2BIG (options
 * of a later butter), ENOMEM; with an answer_timeout those of epoll_create1(2), timerfd_create(2) too.
 */
BUTTER_API struct butter_fanotify *butter_fanotify_open(unsigned flags, unsigned event_f_flags,
							const struct butter_fanotify_options *options);

/*
 * An object over a fanotify fd from elsewhere, made with these flags, which it owns from now on and
 * makes close-on-exec and non-blocking. NULL and errno: as above, EBADF; then fd remains the caller's.
 */
BUTTER_API struct butter_fanotify *butter_fanotify_from_fd(int fd, unsigned flags,
							   const struct butter_fanotify_options *options);

/*
 * Answers what is unanswered, ends the object and returns its fanotify fd; events still cached are lost.
 * -1 with EINVAL for NULL.
 */
BUTTER_API int butter_fanotify_release(struct butter_fanotify *x);

/* Answers what is unanswered, ends the object, closes its fd. NULL is allowed, errno is kept. */
BUTTER_API void butter_fanotify_close(struct butter_fanotify *x);

/*
 * The file descriptor, for poll(2), epoll(7) and select(2); these cannot see cached events. With an
 * answer_timeout it is an epoll fd, which is readable too when an answer is due: then read_event
 * gives it.
 */
BUTTER_API int butter_fanotify_fd(const struct butter_fanotify *x);

/* Events read from the kernel and not yet handed out. */
BUTTER_API size_t butter_fanotify_pending(struct butter_fanotify *x);

/* The object as a source, for the verbs of source.h. */
BUTTER_API struct butter_source *butter_fanotify_source(struct butter_fanotify *x);

/*
 * 1 an event in ret, 0 nothing now, -1 and errno: read(2)'s; EBADMSG; EBUSY max_fds answers are
 * outstanding; EMFILE no fd is free for an event, which stays in the kernel's queue.
 */
BUTTER_API int butter_fanotify_read_event(struct butter_fanotify *x, struct butter_fanotify_event *ret);

/*
 * Stores up to max events: the cached ones, else those of one read(2). Returns how many; 0:
 * nothing now; -1 and errno: as above, EINVAL when max is 0.
 */
BUTTER_API ssize_t butter_fanotify_read_events(struct butter_fanotify *x, struct butter_fanotify_event *ret,
					       size_t max);

/* read_event, waiting up to timeout nanoseconds (-1: for ever). 0: timed out; -1 and EINTR, too. */
BUTTER_API int butter_fanotify_wait_event(struct butter_fanotify *x, struct butter_fanotify_event *ret,
					  int64_t timeout);

/*
 * fanotify_mark(2) with FAN_MARK_ADD added to flags: FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM, FAN_MARK_IGNORE
 * ... In a group that reports file handles it also notes where the filesystem is mounted, for
 * butter_fanotify_path(). Returns 0, or -1 and errno: fanotify_mark(2)'s, ENOMEM, EMFILE.
 */
BUTTER_API int butter_fanotify_watch(struct butter_fanotify *x, int dirfd, const char *path, uint64_t mask,
				     unsigned flags);

/* fanotify_mark(2) with FAN_MARK_REMOVE added to flags: these bits of the mark are no more. */
BUTTER_API int butter_fanotify_ignore(struct butter_fanotify *x, int dirfd, const char *path, uint64_t mask,
				      unsigned flags);

/* fanotify_mark(2) with FAN_MARK_FLUSH added to flags: all marks of a kind, 0 those of inodes, go. */
BUTTER_API int butter_fanotify_flush(struct butter_fanotify *x, unsigned flags);

/* What the audit log shall tell of an answer: see FAN_RESPONSE_INFO_AUDIT_RULE in fanotify(7). */
struct butter_fanotify_audit {
	uint32_t rule_number;
	uint32_t subject_trust; /* 0 no, 1 yes, 2 unknown */
	uint32_t object_trust;
};

/*
 * Answers a permission event: FAN_ALLOW, FAN_DENY, BUTTER_FAN_DENY_ERRNO(errno), | FAN_AUDIT. audit may be
 * NULL. Returns 0, or -1 and errno: ENOENT it has its answer (from the caller, or too late), else write(2)'s,
 * such as EINVAL; then the answer is still outstanding.
 */
BUTTER_API int butter_fanotify_respond(struct butter_fanotify *x, const struct butter_fanotify_event *ev,
				       uint32_t response, const struct butter_fanotify_audit *audit);

/*
 * Gives the default response if ev has no answer yet, closes its fds and forgets them in ev, so that a
 * second call does nothing. errno is kept.
 */
BUTTER_API void butter_fanotify_event_close(struct butter_fanotify *x, struct butter_fanotify_event *ev);

/*
 * Where a handle is now: its path, and name under it when not NULL. Needs CAP_DAC_READ_SEARCH. Returns
 * the path's length, or -1 and errno: ESTALE it is no more; ENODEV no watch has told of its filesystem, or
 * that is not mounted; ENOENT it has no path in this mount namespace, or is a file whose name the kernel
 * has forgotten; ERANGE len is too little; else open_by_handle_at(2)'s.
 */
BUTTER_API ssize_t butter_fanotify_path(struct butter_fanotify *x,
					const struct butter_fanotify_handle *handle, const char *name,
					char *buf, size_t len);

/* Masks: see butter_inotify_mask_format(3). */
BUTTER_API int butter_fanotify_mask_format(uint64_t mask, char *buf, size_t len);
BUTTER_API int butter_fanotify_mask_parse(const char *text, uint64_t *ret_mask);

BUTTER_END_DECLS

#endif
