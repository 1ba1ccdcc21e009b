/* SPDX-License-Identifier: MIT */
/*
 * Usage: bench [path of pyinotify_drain.py [path of pyinotify_tree.py [directories of a tree]]],
 * or bench --loop [rings|adds|timers|wakes|children|figures]. Exits with 0 when it ran, whatever the figures
 * say, but for the system calls of a turn of the loop, which are no matter of the machine.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && strcmp(argv[1], "--loop") == 0) {
		bench_loop(argc > 2 ? argv[2] : NULL);
		return 0;
	}
	bench_head();
	bench_thin();
	bench_inotify();
	bench_fanotify();
	bench_peers(argc > 1 ? argv[1] : NULL);
	bench_signalfd();
	bench_eventfd();
	bench_timerfd();
	bench_relay();
	bench_process();
	bench_tree(argc > 2 ? argv[2] : NULL, argc > 3 ? (unsigned)atoi(argv[3]) : 0);
	bench_loop(NULL);
	return 0;
}
