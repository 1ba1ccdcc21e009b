/* SPDX-License-Identifier: MIT */
/* What the suites of periodic watchers share: watchers that note, and a clock that is set. */
#ifndef PERIODICS_H
#define PERIODICS_H

#include "fault.h"
#include "notes.h"

#define HOUR INT64_C(3600000000000)

static struct butter_ev_periodic periodic[64];
static int64_t answer, asked_at;
static int asked;
static uint32_t told;

static inline void note_periodic(struct butter_loop *in, struct butter_ev_periodic *w, uint32_t revents)
{
	ck_assert_ptr_eq(in, loop);
	told = revents;
	note((int)(w - periodic));
}

static inline int64_t in_a_while(struct butter_ev_periodic *w, int64_t now)
{
	(void)w;
	asked++;
	asked_at = now;
	return answer > INT64_MAX - now ? INT64_MAX : now + answer;
}

static inline int64_t at_that_time(struct butter_ev_periodic *w, int64_t now)
{
	(void)w, (void)now;
	asked++;
	return answer;
}

static inline int start(int i, int64_t offset, int64_t interval)
{
	butter_ev_periodic_init(&periodic[i], note_periodic, offset, interval, NULL);
	return butter_ev_periodic_start(loop, &periodic[i]);
}

static inline int start_asking(int i, int64_t (*reschedule)(struct butter_ev_periodic *w, int64_t now))
{
	butter_ev_periodic_init(&periodic[i], note_periodic, 0, 0, reschedule);
	return butter_ev_periodic_start(loop, &periodic[i]);
}

static inline int64_t now(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* The kernel's word for it, when the timerfd is next readable; and by so much. */
static inline void set_clock(int64_t by)
{
	fault_clock(by);
	fault_error(FAULT_READ, 1, ECANCELED);
}

static inline void run_until_read(void)
{
	while (!fault_happened(FAULT_READ))
		ck_assert_int_ge(butter_loop_run(loop, BUTTER_RUN_ONCE), 0);
}

#endif
