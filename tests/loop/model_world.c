/* SPDX-License-Identifier: MIT */
/* What the watchers watch: files, processes, signals, paths, sources and other loops. */
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "model.h"

static void on_inner(struct butter_loop *loop, struct butter_ev_io *io, uint32_t revents)
{
	(void)loop, (void)revents;
	model_inner_callback((int)(io - m.inner_io));
}

void model_set_ready(struct file *file, int ready)
{
	uint64_t count = 1;
	if (file->content != COUNTER || file->ready == ready)
		return;
	ssize_t n = ready ? write(file->fd, &count, sizeof(count)) : read(file->fd, &count, sizeof(count));
	ck_assert_int_eq(n, sizeof(count));
	file->ready = ready;
}

static void move_fd(int from, int fd)
{
	ck_assert_int_ge(from, 0);
	ck_assert_int_eq(dup3(from, fd, O_CLOEXEC), fd);
	close(from);
}

/* Another file, of the same number. Improperly: its watchers are not stopped before. */
void model_reopen(struct file *file, int properly, enum content content)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (properly && w->active && w->kind == IO && &m.files[w->of] == file)
			model_stop(w);
	if (file->content != CLOSED)
		close(file->fd);
	file->content = content;
	file->opened++;
	file->ready = 0;
	if (content == COUNTER)
		move_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), file->fd);
	else if (content == NO_POLL)
		move_fd(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), file->fd);
}

static void on_unblocked(int signo)
{
	(void)signo;
}

void model_open_all(void)
{
	static const char *dir;
	dir = dir ? dir : scratch();
	for (int i = 0; i < SIGNALS; i++)
		signal(model_signals[i], on_unblocked);
	for (int i = 0; i < FILES; i++) {
		m.files[i].fd = FIRST_FD + i;
		model_reopen(&m.files[i], 0, COUNTER);
	}
	for (int i = 0; i < PROCESSES; i++)
		model_new_process(&m.processes[i]);
	for (int i = 0; i < PATHS; i++) {
		m.paths[i] = strdup(path_in(dir, i ? "b" : "a"));
		close(open(m.paths[i], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	}
	for (int i = 0; i < SOURCES; i++)
		ck_assert_ptr_nonnull(m.sources[i] = butter_eventfd_open(0, EFD_SEMAPHORE));
	for (int i = 0; i < INNERS; i++) {
		m.inner[i] = butter_loop_new(NULL);
		m.inner_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		butter_ev_io_init(&m.inner_io[i], on_inner, m.inner_fd[i], BUTTER_EV_READ);
		ck_assert_int_eq(butter_ev_io_start(m.inner[i], &m.inner_io[i]), 0);
	}
}

void model_close_all(void)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		free(w->real);
	for (int i = 0; i < FILES; i++)
		if (m.files[i].content != CLOSED)
			close(m.files[i].fd);
	model_end_children();
	for (int i = 0; i < PATHS; i++)
		free(m.paths[i]);
	for (int i = 0; i < SOURCES; i++)
		butter_eventfd_close(m.sources[i]);
	for (int i = 0; i < INNERS; i++) {
		butter_loop_free(m.inner[i]);
		close(m.inner_fd[i]);
	}
}

static void append(int i)
{
	int fd = open(m.paths[i], O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	m.touched[i] = 1;
	m.sizes[i]++;
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		w->changed |= w->active && w->kind == STAT && w->of == i;
}

static void toggle_inner(int i)
{
	uint64_t count = 1;
	ssize_t n = m.inner_ready[i] ? read(m.inner_fd[i], &count, sizeof(count))
				     : write(m.inner_fd[i], &count, sizeof(count));
	ck_assert_int_eq(n, sizeof(count));
	m.inner_ready[i] = !m.inner_ready[i];
}

static void feed_fd(int i)
{
	uint32_t revents = 1 + model_random(7);
	butter_loop_feed_fd_event(m.loop, m.files[i].fd, revents);
	m.rank++;
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->active && w->kind == IO && w->of == i && w->real->io.events & revents)
			model_feed(w, w->real->io.events & revents, 1, w->started);
}

static void send_signal(int i, int is_fed)
{
	if (is_fed) {
		butter_loop_feed_signal(m.loop, model_signals[i]);
		m.rank++;
		for (struct watcher *w = m.watchers; w < MODEL_END; w++)
			if (w->active && w->kind == SIGNAL && w->of == i)
				model_feed(w, BUTTER_EV_SIGNAL, 1, w->started);
	} else if (model_watches(SIGNAL, i)) {
		ck_assert_int_eq(kill(getpid(), model_signals[i]), 0);
		m.sent[i] = 1;
	}
}

static void send_async(void)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->kind == ASYNC && !model_random(3)) {
			butter_ev_async_send(m.loop, &w->real->async);
			w->sent = 1;
		}
}

/* As in a child: epoll is told anew. */
static void fork_loop(void)
{
	if (m.now.stage != OUTSIDE)
		return;
	m.rank++;
	require(butter_loop_fork(m.loop) == 0, "butter_loop_fork: errno %d", errno);
	m.fork_due = 1;
	for (int i = 0; i < FILES; i++) {
		m.files[i].registered = 0;
		m.files[i].changed |= model_watches(IO, i) && !m.files[i].always;
	}
	for (int i = 0; i < PATHS; i++)
		m.touched[i] = 1;
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->active && w->kind == STAT && w->changed && !w->real->stat.polled)
			model_feed(w, BUTTER_EV_STAT, (uint64_t)(w - m.watchers), w->changed = 0);
	model_ask_stats();
}

static void break_loop(void)
{
	unsigned how = model_random(3);
	butter_loop_break(m.loop, how);
	if (m.runs)
		m.breaking = (int)how;
}

static void post(int i)
{
	unsigned count = 1 + model_random(BUDGET + 2);
	ck_assert_int_eq(butter_eventfd_write(butter_eventfd_fd(m.sources[i]), count), 0);
	m.source_count[i] += count;
}

/* Any of a kind, rather an active one: from the place of another on. */
static struct watcher *one_of(enum kind kind)
{
	struct watcher *from = &m.watchers[model_random(WATCHERS)], *found = NULL;
	for (int i = 0; i < WATCHERS && !(found && found->active); i++) {
		struct watcher *w = &m.watchers[(from - m.watchers + i) % WATCHERS];
		if (w->kind == kind && (!found || w->active))
			found = w;
	}
	return found;
}

/* What has happened is told to the others, and to this one not any more. */
static void look(void)
{
	struct watcher *w = one_of(STAT);
	if (!w)
		return;
	struct butter_ev_stat *stat = &w->real->stat;
	m.rank++;
	butter_ev_stat_stat(m.loop, stat);
	model_clear(w);
	require(stat->attr.size == m.sizes[w->of] && stat->prev.size == stat->attr.size, "a look sees %lld",
		(long long)stat->attr.size);
	if (!w->active)
		return;
	m.feats[LOOKED_AT]++;
	w->changed = 0;
	for (struct watcher *o = m.watchers; o < MODEL_END; o++)
		if (o->active && o->kind == STAT && o->changed && !o->real->stat.polled)
			model_feed(o, BUTTER_EV_STAT, (uint64_t)(o - m.watchers), o->changed = 0);
	model_ask_stats();
}

static void run_inside(void)
{
	if (m.runs && !m.suspended)
		model_run();
}

/* What else happens to a loop and to what it watches. */
void model_other_op(unsigned op)
{
	struct file *file = &m.files[model_random(FILES)];
	switch (op) {
	case 0:
		model_reopen(file, 1, (enum content)(1 + model_random(2)));
		break;
	case 1:
		model_reopen(file, 0, (enum content)model_random(3));
		break;
	case 2:
		send_signal((int)model_random(SIGNALS), (int)model_random(2));
		break;
	case 3:
		send_async();
		break;
	case 4: /* a fork is dear */
	case 18:
		if (!model_random(3))
			model_renew_process(&m.processes[model_random(PROCESSES)]);
		break;
	case 5:
		append((int)model_random(PATHS));
		break;
	case 6:
		post((int)model_random(SOURCES));
		break;
	case 7:
		toggle_inner((int)model_random(INNERS));
		break;
	case 8:
		model_update_now();
		break;
	case 9:
	case 17:
		break_loop();
		break;
	case 10:
		feed_fd((int)model_random(FILES));
		break;
	case 11:
		if (!model_random(4))
			fork_loop();
		break;
	case 12:
	case 13:
		look();
		break;
	case 14:
		model_suspend();
		break;
	case 15:
	case 16:
		run_inside();
		break;
	default:
		model_set_ready(file, !file->ready);
	}
}
