/* SPDX-License-Identifier: MIT */
/* The decoder and the accessors, on records made by hand; masks as text. No group is needed. */
#include "records.h"

START_TEST(a_bare_record_tells_mask_fd_and_pid)
{
	record_begin(UINT64_C(0x123456789abcdef0), 7, 1234);
	expect_decoded();
	ck_assert_uint_eq(ev.mask, UINT64_C(0x123456789abcdef0));
	ck_assert_int_eq(ev.fd, 7);
	ck_assert_int_eq(ev.pid, 1234);
	ck_assert_int_eq(ev.pidfd, FAN_NOPIDFD);
	expect_no_handles();
	free_block();
}
END_TEST

START_TEST(a_full_queue_is_an_event_of_nothing)
{
	record_begin(FAN_Q_OVERFLOW, FAN_NOFD, 0);
	expect_decoded();
	ck_assert_uint_eq(ev.mask, FAN_Q_OVERFLOW);
	ck_assert_int_eq(ev.fd, FAN_NOFD);
	ck_assert_int_eq(ev.pid, 0);
	expect_no_handles();
	free_block();
}
END_TEST

START_TEST(a_handle_is_of_the_object_or_of_its_directory)
{
	record_begin(FAN_OPEN, FAN_NOFD, 1);
	record_fid(FAN_EVENT_INFO_TYPE_FID, 42, 8, 1, NULL);
	expect_decoded();
	expect_handle(&ev.object, 42, 8, 1);
	expect_no_handle(&ev.dir);
	record_begin(FAN_OPEN, FAN_NOFD, 1);
	record_fid(FAN_EVENT_INFO_TYPE_DFID, 43, 128, 1, NULL);
	expect_decoded();
	ck_assert_uint_eq(ev.dir.fsid, 43);
	ck_assert_uint_eq(ev.dir.len, 136);
	ck_assert_ptr_eq(ev.dir.handle, block + 24 + 4 + 8);
	expect_no_handle(&ev.object);
	ck_assert_str_eq(ev.name, "");
	free_block();
}
END_TEST

/* As FAN_FS_ERROR has it, when the inode is not known. */
START_TEST(a_handle_may_be_of_no_bytes)
{
	record_begin(FAN_FS_ERROR, FAN_NOFD, 0);
	record_fid(FAN_EVENT_INFO_TYPE_FID, 42, 0, 0, NULL);
	record_error(117, 1);
	expect_decoded();
	expect_handle(&ev.object, 42, 0, 0);
	free_block();
}
END_TEST

START_TEST(a_name_comes_with_its_directory)
{
	char name[256] = "";
	for (size_t len = 0; len <= 255; len++) {
		memset(name, '\xff', len);
		record_begin(FAN_CREATE, FAN_NOFD, 1);
		record_fid(FAN_EVENT_INFO_TYPE_DFID_NAME, 42, 12, 2, name);
		expect_decoded();
		expect_handle(&ev.dir, 42, 12, 2);
		ck_assert_str_eq(ev.name, name);
		ck_assert_uint_eq(ev.name_len, len);
		ck_assert_ptr_eq(ev.name, (char *)block + 24 + 4 + 8 + 8 + 12);
		expect_no_handle(&ev.object);
		expect_no_handle(&ev.old_dir);
		ck_assert_str_eq(ev.old_name, "");
	}
	free_block();
}
END_TEST

START_TEST(a_record_of_a_name_may_have_none)
{
	record_begin(FAN_CREATE, FAN_NOFD, 1);
	record_fid(FAN_EVENT_INFO_TYPE_DFID_NAME, 42, 12, 2, NULL);
	expect_decoded();
	ck_assert_str_eq(ev.name, "");
	ck_assert_uint_eq(ev.name_len, 0);
	free_block();
}
END_TEST

START_TEST(a_record_of_everything_is_decoded_at_any_alignment)
{
	size_t places[INFO_TYPES + 1];
	everything(places);
	expect_decoded();
	for (size_t shift = 0; shift < 16; shift++) {
		poison();
		ck_assert_int_eq(decode_part(record_len, shift), (ssize_t)record_len);
		expect_everything();
		ck_assert_int_eq(butter_fanotify_decode(block + shift, record_len, NULL),
				 (ssize_t)record_len);
	}
	free_block();
}
END_TEST

START_TEST(decode_is_0_for_every_part_of_a_record)
{
	size_t places[INFO_TYPES + 1];
	everything(places);
	poison();
	errno = 4242;
	for (size_t len = 0; len < record_len; len++) {
		ck_assert_int_eq(decode_part(len, len % 8), 0);
		ck_assert_int_eq(butter_fanotify_decode(block + len % 8, len, NULL), 0);
	}
	ck_assert_int_eq(errno, 4242);
	expect_poison();
	free_block();
}
END_TEST

START_TEST(records_in_a_row_are_consumed_one_by_one)
{
	unsigned char many[1024];
	size_t places[INFO_TYPES + 1], len = 0, at = 0;
	record_begin(FAN_OPEN, 3, 1);
	memcpy(many + len, record, record_len), len += record_len;
	everything(places);
	memcpy(many + len, record, record_len), len += record_len;
	record_begin(FAN_Q_OVERFLOW, FAN_NOFD, 0);
	memcpy(many + len, record, record_len), len += record_len;
	memcpy(record, many, record_len = len);
	ck_assert_int_eq(decode_part(len, 1), 24);
	ck_assert_uint_eq(ev.mask, FAN_OPEN);
	ck_assert_uint_eq(ev.raw_len, 24);
	at = 1 + 24;
	at += (size_t)butter_fanotify_decode(block + at, 1 + len - at, &ev);
	expect_everything();
	ck_assert_int_eq(butter_fanotify_decode(block + at, 1 + len - at, &ev), 24);
	ck_assert_uint_eq(ev.mask, FAN_Q_OVERFLOW);
	ck_assert_int_eq(ev.pidfd, FAN_NOPIDFD);
	expect_no_handles();
	ck_assert_int_eq(butter_fanotify_decode(block + at + 24, 0, &ev), 0);
	free_block();
}
END_TEST

START_TEST(what_is_no_fd_is_passed_on)
{
	static const int32_t fds[] = {FAN_NOFD, -EMFILE, -ETXTBSY, 0, INT32_MAX, INT32_MIN};
	static const int32_t pidfds[] = {FAN_NOPIDFD, FAN_EPIDFD, -ESRCH, 0, INT32_MAX};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		record_begin(FAN_OPEN, fds[i], -1);
		expect_decoded();
		ck_assert_int_eq(ev.fd, fds[i]);
		ck_assert_int_eq(ev.pid, -1);
	}
	for (size_t i = 0; i < sizeof(pidfds) / sizeof(pidfds[0]); i++) {
		record_begin(FAN_OPEN, FAN_NOFD, 1);
		record_pidfd(pidfds[i]);
		expect_decoded();
		ck_assert_int_eq(ev.pidfd, pidfds[i]);
	}
	free_block();
}
END_TEST

START_TEST(a_longer_head_of_a_kernel_to_come_is_skipped)
{
	for (uint16_t more = 1; more < 64; more++) {
		record_begin(FAN_CREATE, FAN_NOFD, 1);
		memset(record + record_len, 0xff, more);
		record_len += more;
		set_metadata_len((uint16_t)(24 + more));
		set_event_len((uint32_t)record_len);
		expect_decoded();
		expect_no_handles();
		record_fid(FAN_EVENT_INFO_TYPE_DFID_NAME, 42, 8, 2, "name");
		expect_decoded();
		ck_assert_str_eq(ev.name, "name");
		size_t len = 0;
		ck_assert_ptr_eq(butter_fanotify_event_info(&ev, FAN_EVENT_INFO_TYPE_DFID_NAME, &len),
				 block + 24 + more);
		ck_assert_uint_eq(len, 36);
	}
	free_block();
}
END_TEST

/* Accessors */

START_TEST(event_info_finds_each_info_record)
{
	static const uint8_t types[INFO_TYPES] = {
		FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME,
		FAN_EVENT_INFO_TYPE_FID,           FAN_EVENT_INFO_TYPE_PIDFD,
		FAN_EVENT_INFO_TYPE_ERROR,         FAN_EVENT_INFO_TYPE_RANGE,
		FAN_EVENT_INFO_TYPE_MNT,           99};
	size_t places[INFO_TYPES + 1], len;
	everything(places);
	expect_decoded();
	errno = 4242;
	for (size_t i = 0; i < INFO_TYPES; i++) {
		ck_assert_ptr_eq(butter_fanotify_event_info(&ev, types[i], &len), block + places[i]);
		ck_assert_uint_eq(len, places[i + 1] - places[i]);
	}
	len = 4711;
	ck_assert_ptr_null(butter_fanotify_event_info(&ev, FAN_EVENT_INFO_TYPE_DFID, &len));
	ck_assert_ptr_null(butter_fanotify_event_info(&ev, 99 + 256, &len));
	ck_assert_ptr_null(butter_fanotify_event_info(&(struct butter_fanotify_event){0}, 99, &len));
	ck_assert_uint_eq(len, 4711);
	ck_assert_int_eq(errno, 4242);
	free_block();
}
END_TEST

START_TEST(of_two_info_records_of_a_type_event_info_finds_the_first)
{
	size_t len;
	record_begin(FAN_OPEN, FAN_NOFD, 1);
	record_info(99, 0);
	record_info(99, 0);
	expect_decoded();
	ck_assert_ptr_eq(butter_fanotify_event_info(&ev, 99, &len), block + 24);
	free_block();
}
END_TEST

START_TEST(error_range_and_mount_are_told_at_any_alignment)
{
	size_t places[INFO_TYPES + 1];
	int32_t number;
	uint32_t errors;
	uint64_t offset, count, id;
	everything(places);
	errno = 4242;
	for (size_t shift = 0; shift < 8; shift++) {
		ck_assert_int_gt(decode_part(record_len, shift), 0);
		ck_assert_int_eq(butter_fanotify_event_error(&ev, &number, &errors), 1);
		ck_assert_int_eq(number, 117);
		ck_assert_uint_eq(errors, 3);
		ck_assert_int_eq(butter_fanotify_event_range(&ev, &offset, &count), 1);
		ck_assert_uint_eq(offset, 4096);
		ck_assert_uint_eq(count, 8192);
		ck_assert_int_eq(butter_fanotify_event_mount(&ev, &id), 1);
		ck_assert_uint_eq(id, 0x100000002);
	}
	ck_assert_int_eq(errno, 4242);
	free_block();
}
END_TEST

static void expect_no_details(void)
{
	int32_t number = 42;
	uint32_t errors = 42;
	uint64_t offset = 42, count = 42, id = 42;
	errno = 4242;
	ck_assert_int_eq(butter_fanotify_event_error(&ev, &number, &errors), 0);
	ck_assert_int_eq(butter_fanotify_event_range(&ev, &offset, &count), 0);
	ck_assert_int_eq(butter_fanotify_event_mount(&ev, &id), 0);
	ck_assert(number == 42 && errors == 42 && offset == 42 && count == 42 && id == 42);
	ck_assert_int_eq(errno, 4242);
}

START_TEST(an_event_without_them_has_no_error_range_or_mount)
{
	record_begin(FAN_OPEN, FAN_NOFD, 1);
	expect_decoded();
	expect_no_details();
	record_fid(FAN_EVENT_INFO_TYPE_DFID_NAME, 42, 8, 2, "name");
	expect_decoded();
	expect_no_details();
	memset(&ev, 0, sizeof(ev));
	expect_no_details();
	free_block();
}
END_TEST

/* An info record of one of the three, whose body is of len bytes. */
static void short_info(unsigned type, size_t len)
{
	record_begin(FAN_OPEN, FAN_NOFD, 1);
	record_filled(type, len, 1);
	expect_decoded();
	expect_no_details();
}

START_TEST(an_error_range_or_mount_that_is_not_whole_is_none)
{
	for (size_t len = 0; len < 20; len++) {
		if (len < 8)
			short_info(FAN_EVENT_INFO_TYPE_ERROR, len);
		if (len < 12)
			short_info(FAN_EVENT_INFO_TYPE_MNT, len);
		short_info(FAN_EVENT_INFO_TYPE_RANGE, len);
	}
	free_block();
}
END_TEST

/* Masks */

START_TEST(a_mask_of_64_bits_goes_both_ways)
{
	char text[600];
	uint64_t mask, given;
	for (int bit = -1; bit < 64; bit++) {
		given = bit < 0 ? 0 : FAN_OPEN | UINT64_C(1) << bit;
		int len = butter_fanotify_mask_format(given, text, sizeof(text));
		ck_assert_int_eq(len, (int)strlen(text));
		ck_assert_int_eq(butter_fanotify_mask_parse(text, &mask), 0);
		ck_assert_uint_eq(mask, given);
	}
	butter_fanotify_mask_format(UINT64_MAX, text, sizeof(text));
	ck_assert_int_eq(butter_fanotify_mask_parse(text, &mask), 0);
	ck_assert_uint_eq(mask, UINT64_MAX);
	butter_fanotify_mask_format(FAN_CREATE | UINT64_C(1) << 63, text, sizeof(text));
	ck_assert_str_eq(text, "FAN_CREATE|0x8000000000000000");
}
END_TEST

START_TEST(masks_have_the_kernels_names)
{
	static const struct {
		const char *text;
		uint64_t mask;
	} read[] = {
		{"FAN_RENAME|FAN_ONDIR", FAN_RENAME | FAN_ONDIR},
		{"close, move", FAN_CLOSE | FAN_MOVE},
		{"Mnt_Attach,FAN_MNT_DETACH", FAN_MNT_ATTACH | FAN_MNT_DETACH},
		{"0x8000000000000000 18446744073709551615", UINT64_MAX},
	};
	static const char *const bad[] = {"", "FAN_", "IN_CREATE", "18446744073709551616",
					  "0x10000000000000000"};
	char text[64];
	uint64_t mask = 42;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_fails(butter_fanotify_mask_parse(bad[i], &mask), EINVAL);
	ck_assert_fails(butter_fanotify_mask_parse(NULL, &mask), EINVAL);
	ck_assert_uint_eq(mask, 42);
	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++) {
		ck_assert_int_eq(butter_fanotify_mask_parse(read[i].text, &mask), 0);
		ck_assert_uint_eq(mask, read[i].mask);
	}
	butter_fanotify_mask_format(FAN_CLOSE | FAN_MOVE, text, sizeof(text));
	ck_assert_str_eq(text, "FAN_CLOSE_WRITE|FAN_CLOSE_NOWRITE|FAN_MOVED_FROM|FAN_MOVED_TO");
}
END_TEST

SUITE(event_fanotify)
{
	tcase_add_test(tc, a_bare_record_tells_mask_fd_and_pid);
	tcase_add_test(tc, a_full_queue_is_an_event_of_nothing);
	tcase_add_test(tc, a_handle_is_of_the_object_or_of_its_directory);
	tcase_add_test(tc, a_handle_may_be_of_no_bytes);
	tcase_add_test(tc, a_name_comes_with_its_directory);
	tcase_add_test(tc, a_record_of_a_name_may_have_none);
	tcase_add_test(tc, a_record_of_everything_is_decoded_at_any_alignment);
	tcase_add_test(tc, decode_is_0_for_every_part_of_a_record);
	tcase_add_test(tc, records_in_a_row_are_consumed_one_by_one);
	tcase_add_test(tc, what_is_no_fd_is_passed_on);
	tcase_add_test(tc, a_longer_head_of_a_kernel_to_come_is_skipped);
	tcase_add_test(tc, event_info_finds_each_info_record);
	tcase_add_test(tc, of_two_info_records_of_a_type_event_info_finds_the_first);
	tcase_add_test(tc, error_range_and_mount_are_told_at_any_alignment);
	tcase_add_test(tc, an_event_without_them_has_no_error_range_or_mount);
	tcase_add_test(tc, an_error_range_or_mount_that_is_not_whole_is_none);
	tcase_add_test(tc, a_mask_of_64_bits_goes_both_ways);
	tcase_add_test(tc, masks_have_the_kernels_names);
}
