/* SPDX-License-Identifier: MIT */
/* The decoder of inotify's records, and what an object makes of one that lies. */
#include <butter/inotify.h>

#include "fault.h"
#include "test.h"

static struct butter_inotify_event ev;

struct made {
	int32_t wd;
	uint32_t mask, cookie, len;
	char name[64];
};

static struct made make(uint32_t len, const char *name)
{
	struct made made = {.wd = 3, .mask = IN_CREATE, .cookie = 9, .len = len};
	memcpy(made.name, name, strlen(name));
	return made;
}

START_TEST(decode_consumes_one_record_at_any_alignment)
{
	struct made made = make(16, "name");
	unsigned char buf[128];
	for (size_t shift = 0; shift < 9; shift++) {
		memset(buf, 0xff, sizeof(buf));
		memcpy(buf + shift, &made, sizeof(made));
		ck_assert_int_eq(butter_inotify_decode(buf + shift, sizeof(buf) - shift, &ev), 32);
		ck_assert_int_eq(ev.wd, 3);
		ck_assert_uint_eq(ev.mask, IN_CREATE);
		ck_assert_uint_eq(ev.cookie, 9);
		ck_assert_uint_eq(ev.name_len, 4);
		ck_assert_ptr_eq(ev.name, (char *)buf + shift + 16);
	}
}
END_TEST

START_TEST(decode_is_0_for_every_part_of_a_record)
{
	struct made made = make(16, "name");
	memset(&ev, 0x5a, sizeof(ev));
	for (size_t len = 0; len < 32; len++) {
		unsigned char *part = malloc(len ? len : 1); /* so that a sanitizer sees reads beyond */
		memcpy(part, &made, len);
		ck_assert_int_eq(butter_inotify_decode(part, len, &ev), 0);
		free(part);
	}
	ck_assert_int_eq(ev.wd, 0x5a5a5a5a);
	ck_assert_int_eq(butter_inotify_decode(&made, 32, NULL), 32);
}
END_TEST

START_TEST(decode_of_a_lie_is_EBADMSG)
{
	struct made made = make(4, "name");
	memset(&ev, 0x5a, sizeof(ev));
	ck_assert_fails(butter_inotify_decode(&made, sizeof(made), &ev), EBADMSG);
	made = make(UINT32_MAX, "name");
	ck_assert_fails(butter_inotify_decode(&made, sizeof(made), &ev), EBADMSG);
	ck_assert_int_eq(ev.wd, 0x5a5a5a5a);
}
END_TEST

START_TEST(a_record_that_lies_is_told_after_the_good_ones)
{
	struct butter_inotify_event events[4];
	struct made good = make(16, "good"), bad = make(4, "name");
	char bytes[128];
	memcpy(bytes, &good, 32);
	memcpy(bytes + 32, &bad, 20);
	const char *dir = scratch();
	struct butter_inotify *x = butter_inotify_open(0);
	ck_assert_int_eq(butter_inotify_watch(x, dir, IN_CREATE), 1);
	touch(path_in(dir, "real"));
	for (int many = 0; many < 2; many++) {
		fault_result(FAULT_READ, 1, 52, bytes);
		errno = 0;
		if (many)
			ck_assert_int_eq(butter_inotify_read_events(x, events, 4), 1);
		else
			ck_assert_int_eq(butter_inotify_read_event(x, events), 1);
		ck_assert_str_eq(events[0].name, "good");
		ck_assert_uint_eq(butter_inotify_pending(x), 1);
		ck_assert_int_eq(errno, 0);
		ck_assert_fails(butter_inotify_read_events(x, events, 4), EBADMSG);
		ck_assert_uint_eq(butter_inotify_pending(x), 0);
	}
	ck_assert_int_eq(butter_inotify_read_event(x, &ev), 1);
	ck_assert_uint_eq(ev.mask, IN_CREATE);
	ck_assert_str_eq(ev.name, "real");
	butter_inotify_close(x);
}
END_TEST

SUITE(event_inotify_decode)
{
	tcase_add_test(tc, decode_consumes_one_record_at_any_alignment);
	tcase_add_test(tc, decode_is_0_for_every_part_of_a_record);
	tcase_add_test(tc, decode_of_a_lie_is_EBADMSG);
	tcase_add_test(tc, a_record_that_lies_is_told_after_the_good_ones);
}
