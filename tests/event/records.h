/* SPDX-License-Identifier: MIT */
/* Records of fanotify, built by hand, and what the decoder has to make of them. */
#ifndef RECORDS_H
#define RECORDS_H

#include <butter/fanotify.h>

#include "test.h"

enum { RECORD_ROOM = 1 << 17, INFO_TYPES = 8 };

/* The record that is being built. */
extern unsigned char record[RECORD_ROOM];
extern size_t record_len;

void put16(unsigned value);
void put32(uint32_t value);
void put64(uint64_t value);

/* The head, then info records; each of these returns where it is, and makes the whole as long. */
void record_begin(uint64_t mask, int32_t fd, int32_t pid);
size_t record_pidfd(int32_t fd);
size_t record_error(int32_t number, uint32_t count);
size_t record_range(uint64_t offset, uint64_t count);
size_t record_mnt(uint64_t id);

/* A handle of n bytes, all of them fill; a name is padded to 4 bytes, NULL: there is none. */
size_t record_fid(unsigned type, uint64_t fsid, unsigned n, int fill, const char *name);

/* The header alone; the caller puts len bytes behind it. */
size_t record_info(unsigned type, size_t len);

/* An info record of len times this byte. */
size_t record_filled(unsigned type, size_t len, int fill);

/* One record of everything there is; where its info records are, and its end. */
void everything(size_t places[INFO_TYPES + 1]);

void set_event_len(uint32_t len);
void set_metadata_len(uint16_t len);
void set_info_len(size_t at, uint16_t len);

/* What was decoded, and the copy that it was decoded from. */
extern struct butter_fanotify_event ev;
extern unsigned char *block;

/*
 * Decodes the first len bytes from a block that ends with them, so that a sanitizer sees reads beyond;
 * shift moves them from their alignment.
 */
ssize_t decode_part(size_t len, size_t shift);
void free_block(void);

/* Fills ev with what must still be there when nothing was stored. */
void poison(void);
void expect_poison(void);

/* The record is decoded whole and errno kept; or it is EBADMSG and nothing is stored. */
void expect_decoded(void);
void expect_bad(void);

void expect_handle(const struct butter_fanotify_handle *handle, uint64_t fsid, unsigned n, int fill);
void expect_no_handle(const struct butter_fanotify_handle *handle);

/* Neither handles nor names. */
void expect_no_handles(void);

/* What everything() made, up to the handles and the pidfd. */
void expect_everything(void);

#endif
