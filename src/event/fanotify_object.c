/* SPDX-License-Identifier: MIT */
/* The object: reading no more than there are fds for, answers, and what events carry. */
#include <errno.h>
#include <fcntl.h>

#include <butter/epoll.h>
#include <butter/timerfd.h>

#include "fanotify.h"
#include "object.h"
#include "options.h"
#include "time.h"

enum {
	BUFFER_SIZE = 64 << 10,
	MAX_FDS = 64,
	MAX_FDS_LIMIT = 1 << 16,
	MAX_PATHS = 4096,
	MAX_PATHS_LIMIT = 1 << 20,
	FIDS = FAN_REPORT_FID | FAN_REPORT_DIR_FID,
	QUESTIONS = FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT,
	RECORD = 24,      /* the least that an event takes of the buffer */
	PIDFD_RECORD = 8, /* and with a pidfd, and a handle */
	FID_RECORD = 20,
};

struct butter_fanotify {
	struct butter__reader reader;
	int group;   /* the fd of the source, or inside it */
	pid_t owner; /* when there may be answers */
	unsigned flags;
	uint32_t max_batch, max_paths;
	unsigned batch; /* events that the next read asks for, when they come with fds */
	struct butter__answers answers;
	struct butter__paths *paths;
};

static ssize_t decode(const void *buf, size_t len, void *ret)
{
	return butter_fanotify_decode(buf, len, ret);
}

static int tells_fds(const struct butter_fanotify *x)
{
	return !(x->flags & (FIDS | FAN_REPORT_MNT));
}

static unsigned fds_per_event(const struct butter_fanotify *x)
{
	return (unsigned)tells_fds(x) + !!(x->flags & FAN_REPORT_PIDFD);
}

/* How many events the next read may take, each with its fds; 0 and errno: none. */
static unsigned room(struct butter_fanotify *x)
{
	unsigned most = x->batch, fds = fds_per_event(x);
	if (x->answers.slots) {
		unsigned left = x->answers.max - x->answers.used;
		most = most < left ? most : left;
		if (most == 0) {
			errno = EBUSY;
			return 0;
		}
	}
	unsigned free_fds = butter__free_fds(most * fds);
	if (free_fds >= fds)
		return free_fds / fds;
	/* What may be missing is a pidfd, and the event says so. */
	if (free_fds || !tells_fds(x))
		return 1;
	errno = EMFILE;
	return 0;
}

/* The next read asks for twice as much when this one was full, else for little more than there was. */
static void adapt(struct butter_fanotify *x, unsigned asked, unsigned got)
{
	unsigned next = got < asked ? got + 1 : 2 * asked;
	x->batch = next < x->max_batch ? next : x->max_batch;
}

typedef void visitor(struct butter_fanotify *x, struct butter_fanotify_event *ev);

/* All that has been read and not handed out. errno may change. */
static void for_each_cached(struct butter_fanotify *x, visitor *visit)
{
	struct butter__reader *r = &x->reader;
	struct butter_fanotify_event ev;
	ssize_t n;
	for (uint32_t at = r->next; at < r->end; at += (uint32_t)n) {
		n = butter_fanotify_decode(r->buf + at, r->end - at, &ev);
		if (n <= 0)
			break;
		visit(x, &ev);
	}
}

static void note_question(struct butter_fanotify *x, struct butter_fanotify_event *ev)
{
	if (butter__fanotify_waits(ev))
		butter__answers_add(&x->answers, ev->fd, x->answers.timer < 0 ? 0 : butter__time_now());
}

/*
 * A buffer of this many records cannot take more events. One that is too small for the first is EINVAL and
 * costs nothing; it grows by less than a record, so that it never has room for a second.
 */
static int fill_limited(struct butter_fanotify *x)
{
	size_t record = RECORD + (x->flags & FAN_REPORT_PIDFD ? PIDFD_RECORD : 0) +
			(x->flags & FIDS ? FID_RECORD : 0);
	unsigned most = room(x);
	int saved = errno, n;
	if (most == 0)
		return -1;
	for (size_t size = most * record;; size += record - 1) {
		size = size < x->reader.size ? size : x->reader.size;
		n = butter__reader_fill_from(&x->reader, x->group, size);
		if (n >= 0 || errno != EINVAL || size == x->reader.size)
			break;
	}
	if (n > 0) {
		adapt(x, most, x->reader.end / (unsigned)record);
		if (x->answers.slots)
			for_each_cached(x, note_question);
	}
	if (n >= 0)
		errno = saved;
	return n;
}

/* Not inline: what a cached event costs is then no more than to decode it. */
__attribute__((noinline)) static int fill(struct butter_fanotify *x)
{
	if (fds_per_event(x) == 0)
		return butter__reader_fill_from(&x->reader, x->group, x->reader.size);
	return fill_limited(x);
}

static void close_fds(struct butter_fanotify *x, struct butter_fanotify_event *ev)
{
	(void)x;
	if (ev->fd >= 0)
		butter__close(ev->fd);
	if (ev->pidfd >= 0)
		butter__close(ev->pidfd);
	ev->fd = FAN_NOFD;
	ev->pidfd = FAN_NOPIDFD;
}

/* What has been read and not handed out. In a group that tells no fds, a number is none. */
static void drop(struct butter_fanotify *x)
{
	int saved = errno;
	if (fds_per_event(x) > 0)
		for_each_cached(x, close_fds);
	x->reader.next = x->reader.end;
	x->reader.pending = 0;
	errno = saved;
}

static inline int next_event(struct butter_source *source, void *ret)
{
	struct butter_fanotify *x = (struct butter_fanotify *)source;
	struct butter_fanotify_event *ev = ret;
	int n = butter__reader_next_event(&x->reader, decode, ev);
	if (n > 0 && x->answers.slots && butter__fanotify_waits(ev))
		ev->permission = butter__answers_take(&x->answers, ev->fd);
	return n;
}

static int read_event(struct butter_source *source, void *ret)
{
	struct butter_fanotify *x = (struct butter_fanotify *)source;
	if (x->answers.armed)
		butter__answers_expire(&x->answers);
	if (x->reader.next == x->reader.end) {
		int n = fill(x);
		if (n <= 0)
			return n;
	}
	int n = next_event(source, ret);
	if (n < 0) {
		/* The answers go first: each names an fd that is closed with its event. */
		butter__answers_drop_cached(&x->answers);
		drop(x);
	}
	return n;
}

static ssize_t read_events(struct butter_source *source, void *ret, size_t max)
{
	return butter__reader_read_events(source, read_event, next_event, ret, max);
}

/* In a forked child the questions are the parent's. */
static int release(struct butter_source *source)
{
	struct butter_fanotify *x = (struct butter_fanotify *)source;
	int group = x->group;
	if (x->answers.slots && x->owner == getpid())
		butter__answers_give_all(&x->answers);
	drop(x);
	if (x->answers.timer >= 0) {
		butter__close(x->answers.timer);
		butter__close(source->fd);
	}
	butter__answers_free(&x->answers);
	butter__paths_free(x->paths);
	butter__free(x);
	return group;
}

static size_t pending(struct butter_source *source)
{
	return butter__reader_pending((struct butter__reader *)source, decode);
}

BUTTER__COMPOSITE(fanotify, read_event, read_events, pending, release)

/* An answer either allows or denies. */
static int is_answer(uint32_t response)
{
	return !(response & FAN_ALLOW) != !(response & FAN_DENY);
}

static int check_options(unsigned flags, struct butter_fanotify_options *o)
{
	if (o->reserved || (o->default_response && !is_answer(o->default_response)) ||
	    o->max_fds > MAX_FDS_LIMIT || o->max_paths > MAX_PATHS_LIMIT || o->answer_timeout < 0 ||
	    (o->answer_timeout && !(flags & QUESTIONS))) {
		errno = EINVAL;
		return -1;
	}
	o->max_fds = o->max_fds ? o->max_fds : MAX_FDS;
	o->max_paths = o->max_paths ? o->max_paths : MAX_PATHS;
	o->default_response = o->default_response ? o->default_response : FAN_ALLOW;
	return 0;
}

static struct butter_fanotify *new (unsigned flags, const struct butter_fanotify_options *options)
{
	struct butter_fanotify_options o;
	if (butter__options_copy(&o, sizeof(o), options) < 0 || check_options(flags, &o) < 0)
		return NULL;
	struct butter_fanotify *x = butter__reader_new(&butter__fanotify_ops, sizeof(*x), BUFFER_SIZE);
	if (!x)
		return NULL;
	if (butter__answers_init(&x->answers, flags & QUESTIONS ? o.max_fds : 0) < 0) {
		butter__free(x);
		return NULL;
	}
	x->owner = x->answers.slots ? getpid() : 0;
	x->group = -1;
	x->flags = flags;
	/* In a read of several the kernel drops an event whose file it cannot open, and says nothing. */
	x->max_batch = tells_fds(x) && !(flags & FAN_REPORT_FD_ERROR) ? 1 : o.max_fds;
	x->max_paths = o.max_paths;
	x->batch = 1;
	x->answers.group = x->answers.timer = -1;
	x->answers.default_response = o.default_response;
	x->answers.timeout = o.answer_timeout;
	return x;
}

/* Makes the epoll fd that tells of both, and the object's fd of it. 0, or -1 and nothing is left. */
static int add_timer(struct butter_fanotify *x)
{
	struct epoll_event in = {.events = EPOLLIN};
	int set = butter_epoll_create1(EPOLL_CLOEXEC);
	if (set < 0)
		return -1;
	int timer = butter_timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer < 0 || butter_epoll_ctl(set, EPOLL_CTL_ADD, timer, &in) < 0 ||
	    butter_epoll_ctl(set, EPOLL_CTL_ADD, x->group, &in) < 0) {
		if (timer >= 0)
			butter__close(timer);
		butter__close(set);
		return -1;
	}
	x->answers.timer = timer;
	x->reader.source.fd = set;
	return 0;
}

/* x has its fd: what else it needs. NULL and errno, and x is gone, its fd not closed. */
static struct butter_fanotify *begin(struct butter_fanotify *x)
{
	x->group = x->answers.group = x->reader.source.fd;
	if (x->answers.timeout && add_timer(x) < 0) {
		release(&x->reader.source);
		return NULL;
	}
	return x;
}

struct butter_fanotify *butter_fanotify_open(unsigned flags, unsigned event_f_flags,
					     const struct butter_fanotify_options *options)
{
	struct butter_fanotify *x = new (flags, options);
	if (!x)
		return NULL;
	int fd = butter_fanotify_init(flags | FAN_CLOEXEC | FAN_NONBLOCK,
				      event_f_flags | O_CLOEXEC | O_LARGEFILE);
	x->reader.source.fd = fd;
	if (fd < 0) {
		release(&x->reader.source);
		return NULL;
	}
	x = begin(x);
	if (!x)
		butter__close(fd);
	return x;
}

struct butter_fanotify *butter_fanotify_from_fd(int fd, unsigned flags,
						const struct butter_fanotify_options *options)
{
	struct butter_fanotify *x = new (flags, options);
	if (!x)
		return NULL;
	if (butter_source_init(&x->reader.source, &butter__fanotify_ops, fd) < 0) {
		release(&x->reader.source);
		return NULL;
	}
	return begin(x);
}

int butter_fanotify_watch(struct butter_fanotify *x, int dirfd, const char *path, uint64_t mask,
			  unsigned flags)
{
	if (x->flags & FIDS && butter__paths_note(&x->paths, dirfd, path, flags) < 0)
		return -1;
	return butter_fanotify_mark(x->group, flags | FAN_MARK_ADD, mask, dirfd, path);
}

int butter_fanotify_ignore(struct butter_fanotify *x, int dirfd, const char *path, uint64_t mask,
			   unsigned flags)
{
	return butter_fanotify_mark(x->group, flags | FAN_MARK_REMOVE, mask, dirfd, path);
}

int butter_fanotify_flush(struct butter_fanotify *x, unsigned flags)
{
	return butter_fanotify_mark(x->group, flags | FAN_MARK_FLUSH, 0, AT_FDCWD, NULL);
}

int butter_fanotify_respond(struct butter_fanotify *x, const struct butter_fanotify_event *ev,
			    uint32_t response, const struct butter_fanotify_audit *audit)
{
	return butter__answers_give(&x->answers, ev->permission, response, audit);
}

void butter_fanotify_event_close(struct butter_fanotify *x, struct butter_fanotify_event *ev)
{
	if (ev->permission)
		butter__answers_give_default(&x->answers, ev->permission);
	ev->permission = 0;
	close_fds(x, ev);
}

ssize_t butter_fanotify_path(struct butter_fanotify *x, const struct butter_fanotify_handle *handle,
			     const char *name, char *buf, size_t len)
{
	return butter__paths_get(x->paths, x->max_paths, handle, name, buf, len);
}
