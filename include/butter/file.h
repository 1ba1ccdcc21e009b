/* SPDX-License-Identifier: MIT */
/* Open, name, rename and close files. */
#ifndef BUTTER_FILE_H
#define BUTTER_FILE_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <butter/common.h>

/* What libc lacks, in the kernel's very words, so that its headers can come before or after. */

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif
#ifndef RENAME_WHITEOUT
#define RENAME_WHITEOUT (1 << 2)
#endif

#ifndef RESOLVE_NO_XDEV
#define RESOLVE_NO_XDEV 0x01
#endif
#ifndef RESOLVE_NO_MAGICLINKS
#define RESOLVE_NO_MAGICLINKS 0x02
#endif
#ifndef RESOLVE_NO_SYMLINKS
#define RESOLVE_NO_SYMLINKS 0x04
#endif
#ifndef RESOLVE_BENEATH
#define RESOLVE_BENEATH 0x08
#endif
#ifndef RESOLVE_IN_ROOT
#define RESOLVE_IN_ROOT 0x10
#endif
#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

BUTTER_BEGIN_DECLS

struct file_handle; /* <fcntl.h>, with _GNU_SOURCE */
struct open_how;    /* <linux/openat2.h> */

/* close_range(2), since Linux 5.9. */
BUTTER_API int butter_close_range(unsigned first, unsigned last, int flags);

/* memfd_create(2), since Linux 3.17. */
BUTTER_API int butter_memfd_create(const char *name, unsigned flags);

/* name_to_handle_at(2), since Linux 2.6.39. */
BUTTER_API int butter_name_to_handle_at(int dirfd, const char *path, struct file_handle *handle,
					int *mount_id, int flags);

/* open_by_handle_at(2), since Linux 2.6.39. */
BUTTER_API int butter_open_by_handle_at(int mount_fd, struct file_handle *handle, int flags);

/* openat2(2), since Linux 5.6. */
BUTTER_API int butter_openat2(int dirfd, const char *path, const struct open_how *how, size_t size);

/* renameat2(2), since Linux 3.15. */
BUTTER_API int butter_renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath,
				unsigned flags);

BUTTER_END_DECLS

#endif
