/* SPDX-License-Identifier: MIT */
/* Processes, those who watch one, and who watches every one: it takes its turn with the ends that there are.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "model.h"

struct watcher *model_every(void)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->active && w->kind == CHILD && w->of == EVERY)
			return w;
	return NULL;
}

/* It keeps no file open of which epoll would tell then: when this returns it has closed them. */
void model_new_process(struct process *p)
{
	int fds[2];
	char byte;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int fd = FIRST_FD + FILES; fd > STDERR_FILENO; fd--) /* the pipe comes last */
			close(fd);
		for (;;)
			pause();
	}
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], &byte, 1), 0);
	close(fds[0]);
	*p = (struct process){.pid = pid};
}

static void end_process(struct process *p)
{
	siginfo_t si;
	if (p->ended)
		return;
	kill(p->pid, SIGKILL);
	m.sigchld |= model_every() != NULL;
	ck_assert_int_eq(waitid(P_PID, (id_t)p->pid, &si, WEXITED | WNOWAIT), 0);
	p->ended = 1;
}

static void reap(struct process *p)
{
	end_process(p);
	if (!p->reaped)
		ck_assert_int_eq(waitpid(p->pid, NULL, 0), p->pid);
}

void model_renew_process(struct process *p)
{
	if (!p->ended || model_watches(CHILD, (int)(p - m.processes)))
		end_process(p);
	else {
		reap(p);
		model_new_process(p);
	}
}

void model_end_children(void)
{
	for (int i = 0; i < PROCESSES; i++)
		reap(&m.processes[i]);
}

static int is_reapable(const struct process *p)
{
	return p->ended && !p->reaped;
}

/* The end of a process is told to those who watch it, and kept for who watches every one. */
static void found_end(struct process *p)
{
	struct watcher *every = model_every();
	p->reaped = 1;
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		if (!w->active || w->kind != CHILD || &m.processes[w->of] != p)
			continue;
		model_stopped(w);
		model_clear(w);
		model_feed(w, BUTTER_EV_CHILD, 10 + (uint64_t)w->of, w->started);
	}
	if (!every)
		return;
	require(m.end_count < ENDS, "ends without end");
	m.ends[m.end_count++] = p->pid;
	model_feed(every, BUTTER_EV_CHILD, 10 + EVERY, 0);
}

void model_find_children(void)
{
	struct watcher *every = model_every();
	if (every && every->is_more)
		model_feed(every, BUTTER_EV_CHILD, 10 + EVERY, (uint64_t)(every->is_more = 0));
	for (int i = 0; i < PROCESSES; i++)
		if (is_reapable(&m.processes[i]) && (m.sigchld || model_watches(CHILD, i)))
			found_end(&m.processes[i]);
	m.sigchld = 0;
}

int model_has_no_end(void)
{
	int count = 0;
	for (int i = 0; i < PROCESSES; i++)
		count += is_reapable(&m.processes[i]);
	return !m.end_count && !count;
}

/* Where no end waits, those are reaped that there are by now. */
static void reap_all(struct watcher *every)
{
	m.rank++;
	for (int i = 0; i < PROCESSES; i++)
		if (is_reapable(&m.processes[i]))
			found_end(&m.processes[i]);
	m.feats[EVERY_LATE]++;
	model_clear(every);
}

void model_take_end(struct watcher *w, int begins)
{
	unsigned i = 0;
	if (begins && !m.end_count)
		reap_all(w);
	while (i < m.end_count && m.ends[i] != w->real->child.event.pid)
		i++;
	require(i < m.end_count, "%d has not ended, or was told", w->real->child.event.pid);
	m.ends[i] = m.ends[--m.end_count];
	m.feats[EVERY_END]++;
}
