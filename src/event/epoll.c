/* SPDX-License-Identifier: MIT */
#include <butter/epoll.h>

#include "names.h"

static const struct butter__name mask_names[] = {
	BUTTER__NAME(EPOLLIN),     BUTTER__NAME(EPOLLPRI),     BUTTER__NAME(EPOLLOUT),
	BUTTER__NAME(EPOLLERR),    BUTTER__NAME(EPOLLHUP),     BUTTER__NAME(EPOLLRDNORM),
	BUTTER__NAME(EPOLLRDBAND), BUTTER__NAME(EPOLLWRNORM),  BUTTER__NAME(EPOLLWRBAND),
	BUTTER__NAME(EPOLLMSG),    BUTTER__NAME(EPOLLRDHUP),   BUTTER__NAME(EPOLLEXCLUSIVE),
	BUTTER__NAME(EPOLLWAKEUP), BUTTER__NAME(EPOLLONESHOT), BUTTER__NAME(EPOLLET),
};
static const struct butter__names masks = BUTTER__NAMES("EPOLL", mask_names);

int butter_epoll_mask_format(uint32_t mask, char *buf, size_t len)
{
	return butter__mask_format(&masks, mask, buf, len);
}

int butter_epoll_mask_parse(const char *text, uint32_t *ret_mask)
{
	return butter__mask_parse(&masks, text, ret_mask);
}
