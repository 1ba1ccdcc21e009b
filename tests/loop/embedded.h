/* SPDX-License-Identifier: MIT */
/* What the suites of embed watchers share: two loops, and what the inner one waits for. */
#ifndef EMBEDDED_H
#define EMBEDDED_H

#include "files.h"
#include "notes.h"

#include "child.h"
#include "fault.h"
#include "files.h"
#include "notes.h"

static struct butter_loop *inner;
static struct butter_ev_embed embed;
static struct butter_ev_io io;
static struct butter_ev_timer timer;
static uint32_t told;
static int fds[2];

static inline void new_loops(void)
{
	new_loop();
	inner = butter_loop_new(NULL);
	ck_assert_ptr_nonnull(inner);
}

static inline void free_inner(void)
{
	ck_assert_int_eq(butter_loop_verify(inner), 0);
	butter_loop_free(inner);
}

static inline void note_io(struct butter_loop *in, struct butter_ev_io *w, uint32_t revents)
{
	char c;
	ck_assert_ptr_eq(in, inner);
	ck_assert_uint_eq(revents, BUTTER_EV_READ);
	ck_assert_int_eq(read(w->fd, &c, 1), 1);
	note(c);
}

static inline void note_timer(struct butter_loop *in, struct butter_ev_timer *w, uint32_t revents)
{
	(void)w, (void)revents;
	ck_assert_ptr_eq(in, inner);
	note(7);
}

static inline void note_embed(struct butter_loop *in, struct butter_ev_embed *w, uint32_t revents)
{
	ck_assert_ptr_eq(in, loop);
	ck_assert_ptr_eq(w, &embed);
	told = revents;
	note(99);
}

static inline void sweep(struct butter_loop *in, struct butter_ev_embed *w, uint32_t revents)
{
	note_embed(in, w, revents);
	ck_assert_int_eq(butter_ev_embed_sweep(in, w), 1);
}

static inline void start(void (*cb)(struct butter_loop *in, struct butter_ev_embed *w, uint32_t revents))
{
	butter_ev_embed_init(&embed, cb, inner, -1);
	ck_assert_int_eq(butter_ev_embed_start(loop, &embed), 0);
}

static inline void watch_pipe(void)
{
	make_pipe(fds);
	butter_ev_io_init(&io, note_io, fds[READ], BUTTER_EV_READ);
	ck_assert_int_eq(butter_ev_io_start(inner, &io), 0);
}

static inline void put(char c)
{
	ck_assert_int_eq(write(fds[WRITE], &c, 1), 1);
}

#endif
