/* SPDX-License-Identifier: MIT */
/* Records that cannot be: each is refused, and nothing outside of it is read. */
#include <sys/socket.h>

#include "records.h"

/* As though the event were shorter than its info records say. */
START_TEST(a_record_that_ends_inside_an_info_record_is_EBADMSG)
{
	size_t places[INFO_TYPES + 1], place = 0, whole;
	everything(places);
	whole = record_len;
	for (record_len = 24; record_len <= whole; record_len++) {
		set_event_len((uint32_t)record_len);
		while (places[place] < record_len)
			place++;
		if (record_len == 24 || places[place] == record_len)
			expect_decoded();
		else
			expect_bad();
	}
	free_block();
}
END_TEST

START_TEST(another_version_is_EBADMSG_whatever_its_lengths)
{
	for (unsigned version = 0; version < 256; version++) {
		record_begin(FAN_OPEN, 3, 1);
		record[4] = (unsigned char)version;
		if (version == FANOTIFY_METADATA_VERSION)
			expect_decoded();
		else
			expect_bad();
	}
	free_block();
}
END_TEST

START_TEST(lengths_of_a_head_that_lie_are_EBADMSG)
{
	for (uint32_t len = 0; len < 24; len++) {
		record_begin(FAN_OPEN, 3, 1);
		set_event_len(len);
		expect_bad();
		record_begin(FAN_OPEN, 3, 1);
		set_metadata_len((uint16_t)len);
		expect_bad();
	}
	record_begin(FAN_OPEN, 3, 1);
	set_metadata_len(25);
	expect_bad();
	set_metadata_len(UINT16_MAX);
	expect_bad();
	free_block();
}
END_TEST

START_TEST(no_record_is_longer_than_64_KiB)
{
	static const uint32_t too_long[] = {(64 << 10) + 1, 1 << 17, 1u << 31, UINT32_MAX};
	record_begin(FAN_OPEN, 3, 1);
	for (size_t i = 0; i < sizeof(too_long) / sizeof(too_long[0]); i++) {
		set_event_len(too_long[i]);
		expect_bad();
	}
	record_len = sizeof(record);
	set_event_len((64 << 10) + 1);
	expect_bad();
	record_begin(FAN_OPEN, 3, 1);
	record_filled(99, (64 << 10) - 24 - 4, 0);
	expect_decoded();
	free_block();
}
END_TEST

START_TEST(the_length_of_an_info_record_that_lies_is_EBADMSG)
{
	size_t places[INFO_TYPES + 1];
	for (size_t i = 0; i < INFO_TYPES; i++) {
		for (uint16_t len = 0; len < 4; len++) {
			everything(places);
			set_info_len(places[i], len);
			expect_bad();
		}
		everything(places);
		set_info_len(places[i], (uint16_t)(record_len - places[i] + 1));
		expect_bad();
		set_info_len(places[i], UINT16_MAX);
		expect_bad();
	}
	free_block();
}
END_TEST

/* 1 to 3 bytes are left where an info record has to begin. */
START_TEST(bytes_that_are_no_info_record_are_EBADMSG)
{
	for (unsigned more = 1; more < 4; more++) {
		record_begin(FAN_OPEN, 3, 1);
		memset(record + record_len, 0, more);
		record_len += more;
		set_event_len((uint32_t)record_len);
		expect_bad();
	}
	free_block();
}
END_TEST

static const uint8_t fid_types[] = {FAN_EVENT_INFO_TYPE_FID, FAN_EVENT_INFO_TYPE_DFID_NAME,
				    FAN_EVENT_INFO_TYPE_DFID, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME,
				    FAN_EVENT_INFO_TYPE_NEW_DFID_NAME};

START_TEST(a_handle_over_the_end_of_its_record_is_EBADMSG)
{
	static const uint32_t lies[] = {13, 14, 128, 1u << 31, UINT32_MAX - 19, UINT32_MAX};
	for (size_t type = 0; type < sizeof(fid_types); type++) {
		for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
			record_begin(FAN_OPEN, FAN_NOFD, 1);
			size_t at = record_fid(fid_types[type], 42, 12, 2, NULL);
			memcpy(record + at + 12, &lies[i], sizeof(lies[i]));
			expect_bad();
			record_mnt(1); /* more bytes that are not its own */
			expect_bad();
		}
		for (size_t len = 0; len < 16; len++) {
			record_begin(FAN_OPEN, FAN_NOFD, 1);
			record_filled(fid_types[type], len, 0);
			expect_bad();
		}
	}
	free_block();
}
END_TEST

START_TEST(a_name_without_NUL_is_EBADMSG)
{
	static const uint8_t types[] = {FAN_EVENT_INFO_TYPE_DFID_NAME, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME,
					FAN_EVENT_INFO_TYPE_NEW_DFID_NAME};
	for (size_t i = 0; i < sizeof(types); i++) {
		record_begin(FAN_CREATE, FAN_NOFD, 1);
		record_fid(types[i], 42, 12, 2, "nam");
		record[record_len - 1] = 'e';
		expect_bad();
		record_pidfd(0); /* a NUL that is not its own */
		expect_bad();
	}
	free_block();
}
END_TEST

START_TEST(a_pidfd_that_is_not_whole_is_EBADMSG)
{
	for (size_t len = 0; len < 4; len++) {
		record_begin(FAN_OPEN, FAN_NOFD, 1);
		record_filled(FAN_EVENT_INFO_TYPE_PIDFD, len, 0);
		expect_bad();
	}
	free_block();
}
END_TEST

/* Over a socket, so that the group, which tells handles only, says what it never would. */
START_TEST(a_group_that_tells_no_fds_closes_none)
{
	int ends[2], kept = dup(0);
	ck_assert_int_ge(kept, 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	struct butter_fanotify *x = butter_fanotify_from_fd(ends[0], FAN_REPORT_FID, NULL);
	ck_assert_ptr_nonnull(x);
	record_begin(FAN_OPEN, kept, 1);
	record_pidfd(kept);
	memcpy(record + record_len, record, record_len);
	ck_assert_int_eq(write(ends[1], record, 2 * record_len), (ssize_t)(2 * record_len));
	ck_assert_int_eq(butter_fanotify_read_event(x, &ev), 1);
	ck_assert_int_eq(ev.pidfd, kept);
	ck_assert_uint_eq(butter_fanotify_pending(x), 1);
	butter_fanotify_close(x);
	ck_assert_int_eq(close(kept), 0);
	close(ends[1]);
}
END_TEST

SUITE(event_fanotify_lies)
{
	tcase_add_test(tc, a_record_that_ends_inside_an_info_record_is_EBADMSG);
	tcase_add_test(tc, another_version_is_EBADMSG_whatever_its_lengths);
	tcase_add_test(tc, lengths_of_a_head_that_lie_are_EBADMSG);
	tcase_add_test(tc, no_record_is_longer_than_64_KiB);
	tcase_add_test(tc, the_length_of_an_info_record_that_lies_is_EBADMSG);
	tcase_add_test(tc, bytes_that_are_no_info_record_are_EBADMSG);
	tcase_add_test(tc, a_handle_over_the_end_of_its_record_is_EBADMSG);
	tcase_add_test(tc, a_name_without_NUL_is_EBADMSG);
	tcase_add_test(tc, a_pidfd_that_is_not_whole_is_EBADMSG);
	tcase_add_test(tc, a_group_that_tells_no_fds_closes_none);
}
