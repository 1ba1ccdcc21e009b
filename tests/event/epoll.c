/* SPDX-License-Identifier: MIT */
#include <butter/epoll.h>

#include "test.h"

START_TEST(mask_names_go_both_ways)
{
	char text[400];
	uint32_t mask;
	for (int bit = -1; bit < 32; bit++) {
		uint32_t given = bit < 0 ? 0 : 1u << bit;
		ck_assert_int_eq(butter_epoll_mask_format(given, text, sizeof(text)), (int)strlen(text));
		ck_assert_int_eq(butter_epoll_mask_parse(text, &mask), 0);
		ck_assert_uint_eq(mask, given);
	}
	butter_epoll_mask_format(EPOLLIN | EPOLLHUP | EPOLLET, text, sizeof(text));
	ck_assert_str_eq(text, "EPOLLIN|EPOLLHUP|EPOLLET");
	ck_assert_int_eq(butter_epoll_mask_parse("in,rdhup", &mask), 0);
	ck_assert_uint_eq(mask, EPOLLIN | EPOLLRDHUP);
	ck_assert_fails(butter_epoll_mask_parse("EPOLL", &mask), EINVAL);
}
END_TEST

SUITE(event_epoll)
{
	tcase_add_test(tc, mask_names_go_both_ways);
}
