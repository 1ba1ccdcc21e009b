/* SPDX-License-Identifier: MIT */
/*
 * Threads that live within the call only, and take no signal. Each has a working directory of its own
 * where the system lets it, since a name in the working directory is what the kernel finds fastest.
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "../event/object.h"
#include "first.h"

static void *work(void *arg)
{
	butter__walk(arg, unshare(CLONE_FS) == 0);
	return NULL;
}

/* The first of them that cannot be had ends the list: fewer do it too. */
static unsigned start(struct butter__walk *w, pthread_t *threads, unsigned count)
{
	unsigned started = 0;
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (started < count && pthread_create(&threads[started], NULL, work, w) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

/* Whoever cancels the caller waits until they have ended. */
unsigned butter__walk_workers(struct butter__walk *w, unsigned count)
{
	int cancel;
	unsigned started = 0;
	pthread_t *threads = count ? calloc(count, sizeof(*threads)) : NULL;
	if (!threads)
		return 0;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	started = start(w, threads, count);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_setcancelstate(cancel, NULL);
	butter__free(threads);
	return started;
}
