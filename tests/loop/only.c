/* SPDX-License-Identifier: MIT */
/* That an iteration which finds one event, and goes a shorter way, does what any other does. */
#include <unistd.h>

#include "notes.h"

enum { FDS = 3, WATCHERS = 5, OTHERS = 4, STEPS = 4000, MOST = 20000, OPERATIONS = 9 };

static struct world {
	struct butter_loop *loop;
	uint64_t state;
	int fds[FDS];
	struct butter_ev_io io[WATCHERS];
	struct butter_ev_timer timer;
	struct butter_ev_check check;
	struct butter_ev_idle idle;
	struct butter_ev_defer defer;
	uint32_t told[MOST];
	uint32_t count;
} w;

static unsigned chance(unsigned below)
{
	w.state = w.state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(w.state >> 33) % below;
}

static void new_fd(int i)
{
	int fd = butter_eventfd((unsigned)chance(2), EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_eq(dup3(fd, w.fds[i], O_CLOEXEC), w.fds[i]);
	close(fd);
}

/* Its watchers go with it, or find out. */
static void renew_fd(int i)
{
	int all = (int)chance(2);
	for (int k = 0; k < WATCHERS; k++)
		if (w.io[k].fd == w.fds[i] && all)
			butter_ev_io_stop(w.loop, &w.io[k]);
	new_fd(i);
}

static void operate(void)
{
	struct butter_ev_io *io = &w.io[chance(WATCHERS)];
	switch (chance(OPERATIONS)) {
	case 0:
	case 1:
		butter_ev_io_start(w.loop, io);
		break;
	case 2:
		butter_ev_io_stop(w.loop, io);
		break;
	case 3:
		butter_ev_io_modify(w.loop, io, chance(2) ? BUTTER_EV_READ : BUTTER_EV_WRITE);
		break;
	case 4:
		butter_eventfd_write(w.fds[chance(FDS)], 1);
		break;
	case 5:
		renew_fd((int)chance(FDS));
		break;
	case 6:
		chance(2) ? (void)butter_ev_timer_start(w.loop, &w.timer)
			  : butter_ev_timer_stop(w.loop, &w.timer);
		break;
	case 7:
		chance(4) ? butter_ev_check_stop(w.loop, &w.check)
			  : (void)butter_ev_check_start(w.loop, &w.check);
		break;
	default:
		chance(4) ? butter_ev_idle_stop(w.loop, &w.idle)
			  : (void)butter_ev_defer_start(w.loop, &w.defer);
		break;
	}
}

static void tell(uint32_t who, uint32_t revents)
{
	ck_assert_uint_lt(w.count, MOST);
	w.told[w.count++] = who << 16 | revents;
	if (chance(2))
		operate();
}

static void on_io(struct butter_loop *on, struct butter_ev_io *io, uint32_t revents)
{
	eventfd_t value;
	(void)on;
	if (chance(2))
		butter_eventfd_read(io->fd, &value);
	tell((uint32_t)(io - w.io), revents);
}

#define TELLING(kind, number)                                                                                \
	static void on_##kind(struct butter_loop *on, struct butter_ev_##kind *ev, uint32_t revents)         \
	{                                                                                                    \
		(void)on, (void)ev;                                                                          \
		tell(number, revents);                                                                       \
	}
TELLING(timer, WATCHERS)
TELLING(check, WATCHERS + 1)
TELLING(idle, WATCHERS + 2)
TELLING(defer, WATCHERS + 3)

static void open_world(uint64_t seed)
{
	w = (struct world){.loop = butter_loop_new(NULL), .state = seed};
	ck_assert_ptr_nonnull(w.loop);
	for (int i = 0; i < FDS; i++) {
		w.fds[i] = butter_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ck_assert_int_ge(w.fds[i], 0);
	}
	for (int i = 0; i < WATCHERS; i++)
		butter_ev_io_init(&w.io[i], on_io, w.fds[i % FDS], BUTTER_EV_READ);
	butter_ev_timer_init(&w.timer, on_timer, 0, 0);
	butter_ev_check_init(&w.check, on_check);
	butter_ev_idle_init(&w.idle, on_idle);
	butter_ev_defer_init(&w.defer, on_defer);
}

static void close_world(void)
{
	butter_loop_free(w.loop);
	for (int i = 0; i < FDS; i++)
		close(w.fds[i]);
}

static void live(uint64_t seed, void (*invoke)(struct butter_loop *loop))
{
	open_world(seed);
	butter_loop_set_invoke_pending(w.loop, invoke);
	for (int i = 0; i < STEPS; i++) {
		operate();
		butter_loop_run(w.loop, BUTTER_RUN_NOWAIT);
		ck_assert_int_eq(butter_loop_verify(w.loop), 0);
	}
	close_world();
}

/* A hook has to be called for all, and sees them pending. */
static void by_hook(struct butter_loop *on)
{
	butter_loop_invoke_pending(on);
}

START_TEST(what_is_told_is_the_same_with_a_hook_for_all_that_is_pending)
{
	static struct world other;
	uint64_t seed = (uint64_t)_i + 1;
	live(seed, by_hook);
	other = w;
	live(seed, NULL);
	ck_assert_uint_gt(w.count, STEPS / 4);
	ck_assert_uint_eq(w.count, other.count);
	ck_assert_mem_eq(w.told, other.told, w.count * sizeof(w.told[0]));
}
END_TEST

SUITE(loop_only)
{
	tcase_add_loop_test(tc, what_is_told_is_the_same_with_a_hook_for_all_that_is_pending, 0, 8);
}
