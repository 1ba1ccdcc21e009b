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
#ifndef FAN_ERRNO_BITS /* not FAN_DENY_ERRNO(): it casts to __u32, which only the kernel's headers have */
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

BUTTER_BEGIN_DECLS

/* fanotify_init(2), since Linux 2.6.37. */
BUTTER_API int butter_fanotify_init(unsigned flags, unsigned event_f_flags);

/* fanotify_mark(2), since Linux 2.6.37. */
BUTTER_API int butter_fanotify_mark(int fanotify_fd, unsigned flags, uint64_t mask, int dirfd,
				    const char *pathname);

BUTTER_END_DECLS

#endif
