/* SPDX-License-Identifier: MIT */
/* Usage: bench [pyinotify_drain.py [pyinotify_tree.py [directories of a tree]]]. Exits with 0 when it ran. */
#include <signal.h>
#include <stdlib.h>

#include "bench.h"

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
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
	return 0;
}
