/* SPDX-License-Identifier: MIT */
#include <sys/sendfile.h>
#include <unistd.h>

#include <butter/splice.h>

/* Every libc has these, and all are 64-bit: off_t is, and on 32-bit ABIs sendfile is sendfile64. */

ssize_t butter_splice(int fd_in, int64_t *off_in, int fd_out, int64_t *off_out, size_t len, unsigned flags)
{
	return splice(fd_in, off_in, fd_out, off_out, len, flags);
}

ssize_t butter_tee(int fd_in, int fd_out, size_t len, unsigned flags)
{
	return tee(fd_in, fd_out, len, flags);
}

ssize_t butter_vmsplice(int fd, const struct iovec *iov, size_t nr_segs, unsigned flags)
{
	return vmsplice(fd, iov, nr_segs, flags);
}

ssize_t butter_sendfile(int out_fd, int in_fd, int64_t *offset, size_t count)
{
	return sendfile(out_fd, in_fd, offset, count);
}

ssize_t butter_copy_file_range(int fd_in, int64_t *off_in, int fd_out, int64_t *off_out, size_t len,
			       unsigned flags)
{
	return copy_file_range(fd_in, off_in, fd_out, off_out, len, flags);
}
