/* SPDX-License-Identifier: MIT */
/* Move data between file descriptors inside the kernel. Offsets are 64 bits on every ABI. */
#ifndef BUTTER_SPLICE_H
#define BUTTER_SPLICE_H

#include <fcntl.h>

#include <butter/common.h>

BUTTER_BEGIN_DECLS

struct iovec;

/* splice(2), since Linux 2.6.17. */
BUTTER_API ssize_t butter_splice(int fd_in, int64_t *off_in, int fd_out, int64_t *off_out, size_t len,
				 unsigned flags);

/* tee(2), since Linux 2.6.17. */
BUTTER_API ssize_t butter_tee(int fd_in, int fd_out, size_t len, unsigned flags);

/* vmsplice(2), since Linux 2.6.17. What iov points to is lent to the pipe until it has been read. */
BUTTER_API ssize_t butter_vmsplice(int fd, const struct iovec *iov, size_t nr_segs, unsigned flags);

/* sendfile(2). */
BUTTER_API ssize_t butter_sendfile(int out_fd, int in_fd, int64_t *offset, size_t count);

/* copy_file_range(2), since Linux 4.5. */
BUTTER_API ssize_t butter_copy_file_range(int fd_in, int64_t *off_in, int fd_out, int64_t *off_out,
					  size_t len, unsigned flags);

BUTTER_END_DECLS

#endif
