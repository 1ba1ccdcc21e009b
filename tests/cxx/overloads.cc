/* SPDX-License-Identifier: MIT */
/* C++: every type has every verb of event.h as an overload, and they do what they say; what is inline is. */
#include <butter/butter.h>

#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <type_traits>
#include <unistd.h>

#define SAME(expression, type) static_assert(std::is_same<decltype(expression), type>::value, #expression)

#define DECODES(T)                                                                                           \
	static bool decodes(struct butter_##T##_event *ev)                                                   \
	{                                                                                                    \
		SAME(butter_decode("", 0, ev), ssize_t);                                                     \
		return butter_decode("", 0, ev) == 0;                                                        \
	}

#define CONFORMS(T)                                                                                          \
	static int T(struct butter_##T *x)                                                                   \
	{                                                                                                    \
		struct butter_##T##_event ev;                                                                \
		SAME(butter_fd(x), int);                                                                     \
		SAME(butter_pending(x), size_t);                                                             \
		SAME(butter_source(x), struct butter_source *);                                              \
		SAME(butter_read_event(x, &ev), int);                                                        \
		SAME(butter_read_events(x, &ev, 1), ssize_t);                                                \
		SAME(butter_wait_event(x, &ev, 0), int);                                                     \
		SAME(butter_close(x), void);                                                                 \
		if (!x || butter_fd(x) < 0 || butter_pending(x) != 0 ||                                      \
		    butter_source_fd(butter_source(x)) != butter_fd(x) || butter_read_event(x, &ev) != 0 ||  \
		    butter_read_events(x, &ev, 1) != 0 || butter_wait_event(x, &ev, 0) != 0 ||               \
		    !decodes(&ev))                                                                           \
			return 1;                                                                            \
		return close(butter_release(x));                                                             \
	}

namespace test
{
DECODES(eventfd)
DECODES(fanotify)
DECODES(inotify)
DECODES(process)
DECODES(signalfd)
DECODES(timerfd)
/* There is no record of the kernel's that is an event of a tree. */
static bool decodes(struct butter_tree_event *)
{
	return true;
}

CONFORMS(eventfd)
CONFORMS(fanotify)
CONFORMS(inotify)
CONFORMS(process)
CONFORMS(signalfd)
CONFORMS(timerfd)
CONFORMS(tree)

static void never(struct butter_loop *, struct butter_ev_timer *, uint32_t)
{
}

/* The inline one where the compiler optimises, and by a volatile pointer the library's. */
static int inlined()
{
	decltype(&butter_ev_timer_init) volatile library = butter_ev_timer_init;
	struct butter_ev_timer here, there;
	butter_ev_timer_init(&here, never, 4711, -1);
	library(&there, never, 4711, -1);
	return std::memcmp(&here, &there, sizeof(here)) != 0 || butter_ev_kind(&here) != BUTTER_EV_TIMER;
}
} // namespace test

int main()
{
	sigset_t none;
	sigemptyset(&none);
	int failed = test::eventfd(butter_eventfd_open(0, 0)) +
		     test::fanotify(butter_fanotify_open(FAN_REPORT_FID, O_RDONLY, nullptr)) +
		     test::inotify(butter_inotify_open(0)) + test::signalfd(butter_signalfd_open(&none, 0)) +
		     test::timerfd(butter_timerfd_open(CLOCK_MONOTONIC, 0)) +
		     test::process(butter_process_open(getpid(), 0)) + test::tree(butter_tree_open(nullptr)) +
		     test::inlined();
	std::printf("%d passed, %d failed\n", 8 - failed, failed);
	return failed;
}
