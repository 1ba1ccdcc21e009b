/* SPDX-License-Identifier: MIT */
/* The layout of the watchers and options, which users have compiled in. */
#include <butter/ev.h>
#include <butter/queue.h>

#include "layout.h"

/* The common part, the link and the callback, with which most begin. */
#define EV (WORD + 8)
#define LINK (EV + 2 * WORD)
#define CB (LINK + WORD)
#define BEGINS(T)                                                                                            \
	AT(ev_##T, ev, 0);                                                                                   \
	AT(ev_##T, link, EV);                                                                                \
	AT(ev_##T, cb, LINK)
#define IO (CB + 24)
#define TIMER (ALIGNED(EV + WORD) + 24)

AT(ev, data, 0);
AT(ev, pending, WORD);
AT(ev, priority, WORD + 4);
AT(ev, kind, WORD + 5);
AT(ev, flags, WORD + 6);
SIZE(ev, EV);
SIZE(ev_link, 2 * WORD);
BEGINS(io);
AT(ev_io, fd, CB);
AT(ev_io, events, CB + 4);
AT(ev_io, error, CB + 8);
AT(ev_io, reserved, CB + 12);
SIZE(ev_io, IO);
/* butter_ev_timer_init() is inlined. */
_Static_assert(BUTTER__KIND_OF(BUTTER_EV_TIMER) == 2, "the kind of timers");
AT(ev_timer, ev, 0);
AT(ev_timer, cb, EV);
AT(ev_timer, after, ALIGNED(EV + WORD));
AT(ev_timer, repeat, ALIGNED(EV + WORD) + 8);
AT(ev_timer, expirations, ALIGNED(EV + WORD) + 16);
AT(ev_timer, slot, ALIGNED(EV + WORD) + 20);
SIZE(ev_timer, TIMER);
BEGINS(signal);
AT(ev_signal, signo, CB);
AT(ev_signal, count, CB + 4);
AT(ev_signal, info, ALIGNED(CB + 8));
AT(ev_signal, fresh, ALIGNED(CB + 8) + 104);
AT(ev_signal, reserved, ALIGNED(CB + 8) + 108);
SIZE(ev_signal, ALIGNED(CB + 8) + 112);
BEGINS(child);
AT(ev_child, pid, CB);
AT(ev_child, error, CB + 4);
AT(ev_child, event, ALIGNED(CB + 8));
AT(ev_child, reserved, ALIGNED(CB + 8) + 64);
SIZE(ev_child, ALIGNED(CB + 8) + 80);
BEGINS(async);
AT(ev_async, sent, CB);
AT(ev_async, reserved, CB + 4);
SIZE(ev_async, CB + 16);
BEGINS(event);
AT(ev_event, source, CB);
AT(ev_event, event, CB + WORD);
AT(ev_event, error, CB + 2 * WORD);
AT(ev_event, reserved, CB + 2 * WORD + 4);
AT(ev_event, io, CB + 2 * WORD + 16);
SIZE(ev_event, CB + 2 * WORD + 16 + IO);

#define SIMPLE(T)                                                                                            \
	BEGINS(T);                                                                                           \
	AT(ev_##T, reserved, CB);                                                                            \
	SIZE(ev_##T, CB + 8)

SIMPLE(idle);
SIMPLE(prepare);
SIMPLE(check);
SIMPLE(fork);
SIMPLE(cleanup);
SIMPLE(defer);

AT(ev_periodic, ev, 0);
AT(ev_periodic, cb, EV);
AT(ev_periodic, reschedule, EV + WORD);
AT(ev_periodic, offset, ALIGNED(EV + 2 * WORD));
AT(ev_periodic, interval, ALIGNED(EV + 2 * WORD) + 8);
AT(ev_periodic, next, ALIGNED(EV + 2 * WORD) + 16);
AT(ev_periodic, slot, ALIGNED(EV + 2 * WORD) + 24);
AT(ev_periodic, error, ALIGNED(EV + 2 * WORD) + 28);
AT(ev_periodic, reserved, ALIGNED(EV + 2 * WORD) + 32);
SIZE(ev_periodic, ALIGNED(EV + 2 * WORD) + 40);
AT(ev_stat_attr, dev, 0);
AT(ev_stat_attr, size, 32);
AT(ev_stat_attr, mtime, 40);
AT(ev_stat_attr, mode, 64);
AT(ev_stat_attr, error, 76);
SIZE(ev_stat_attr, 80);
BEGINS(stat);
AT(ev_stat, path, CB);
AT(ev_stat, interval, ALIGNED(CB + WORD));
AT(ev_stat, attr, ALIGNED(CB + WORD) + 8);
AT(ev_stat, prev, ALIGNED(CB + WORD) + 88);
AT(ev_stat, polled, ALIGNED(CB + WORD) + 168);
AT(ev_stat, refused, ALIGNED(CB + WORD) + 172);
AT(ev_stat, error, ALIGNED(CB + WORD) + 176);
AT(ev_stat, state, ALIGNED(CB + WORD) + 184);
AT(ev_stat, timer, ALIGNED(ALIGNED(CB + WORD) + 184 + WORD));
SIZE(ev_stat, ALIGNED(ALIGNED(CB + WORD) + 184 + WORD) + TIMER);
BEGINS(embed);
AT(ev_embed, other, CB);
AT(ev_embed, fd, CB + WORD);
AT(ev_embed, error, CB + WORD + 4);
AT(ev_embed, io, ALIGNED(CB + 4 * WORD + 8) + 8);
SIZE(ev_embed, ALIGNED(ALIGNED(CB + 4 * WORD + 8) + 8 + IO));
BEGINS(pressure);
AT(ev_pressure, path, CB);
AT(ev_pressure, stall, ALIGNED(CB + WORD));
AT(ev_pressure, window, ALIGNED(CB + WORD) + 8);
AT(ev_pressure, flags, ALIGNED(CB + WORD) + 16);
AT(ev_pressure, error, ALIGNED(CB + WORD) + 20);
AT(ev_pressure, io, ALIGNED(CB + WORD) + 32);
SIZE(ev_pressure, ALIGNED(ALIGNED(CB + WORD) + 32 + IO));
AT(loop_options, size, 0);
AT(loop_options, flags, WORD);
AT(loop_options, event_budget, WORD + 4);
AT(loop_options, io_collect, ALIGNED(WORD + 8));
AT(loop_options, timeout_collect, ALIGNED(WORD + 8) + 8);
AT(loop_options, userdata, ALIGNED(WORD + 8) + 16);
AT(loop_options, reserved, ALIGNED(ALIGNED(WORD + 8) + 16 + WORD));
SIZE(loop_options, ALIGNED(ALIGNED(WORD + 8) + 16 + WORD) + 32);
AT(queue_request, data, 0);
AT(queue_request, cb, WORD);
AT(queue_request, event, 2 * WORD);
AT(queue_request, error, 3 * WORD);
AT(queue_request, timer, ALIGNED(6 * WORD + 8));
SIZE(queue_request, ALIGNED(6 * WORD + 8) + TIMER);
AT(queue_options, size, 0);
AT(queue_options, maximum, WORD);
AT(queue_options, drop, 2 * WORD);
AT(queue_options, reserved, ALIGNED(3 * WORD));
SIZE(queue_options, ALIGNED(3 * WORD) + 32);
