/* SPDX-License-Identifier: MIT */
/*
 * The read buffer, through objects over a socket that gives whatever the input says, beside a
 * model of it. The input: a byte that chooses the kind of object, then steps of a byte each: what
 * to do in its low 3 bits, an argument in the others; a sent packet takes its bytes from behind.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <butter/event.h>

#include "fuzz.h"

enum { MAX_EVENTS = 31, MAX_EVENT_SIZE = 160, QUEUE = 16, MAX_STEPS = 48 };

enum step { SEND, READ_EVENT, READ_EVENTS, PENDING, WAIT_EVENT, CLOSE };

static struct butter_source *open_eventfd(int fd)
{
	return (struct butter_source *)butter_eventfd_from_fd(fd);
}

/* With handles alone, so that what the input calls an fd is nobody's to close. */
static struct butter_source *open_fanotify(int fd)
{
	return (struct butter_source *)butter_fanotify_from_fd(fd, FAN_REPORT_DFID_NAME, NULL);
}

static struct butter_source *open_inotify(int fd)
{
	return (struct butter_source *)butter_inotify_from_fd(fd);
}

/* from_fd takes signalfds only: this one becomes something else afterwards. */
static struct butter_source *open_signalfd(int fd)
{
	sigset_t none;
	sigemptyset(&none);
	struct butter_signalfd *x = butter_signalfd_open(&none, 0);
	require(x && dup3(fd, butter_fd(x), O_CLOEXEC) >= 0);
	close(fd);
	return butter_source(x);
}

static ssize_t decode_eventfd(const void *buf, size_t len, void *ret)
{
	return butter_eventfd_decode(buf, len, ret);
}

static ssize_t decode_fanotify(const void *buf, size_t len, void *ret)
{
	return butter_fanotify_decode(buf, len, ret);
}

static ssize_t decode_inotify(const void *buf, size_t len, void *ret)
{
	return butter_inotify_decode(buf, len, ret);
}

static ssize_t decode_signalfd(const void *buf, size_t len, void *ret)
{
	return butter_signalfd_decode(buf, len, ret);
}

static int same_eventfd(const void *one, const void *other)
{
	return !memcmp(one, other, sizeof(struct butter_eventfd_event));
}

/* Not where they are, but what is there. */
static int same_fanotify(const void *one, const void *other)
{
	const struct butter_fanotify_event *a = one, *b = other;
	return a->mask == b->mask && a->fd == b->fd && a->pid == b->pid && a->pidfd == b->pidfd &&
	       a->permission == 0 && a->raw_len == b->raw_len && !memcmp(a->raw, b->raw, a->raw_len) &&
	       a->name_len == b->name_len && !strcmp(a->name, b->name) && !strcmp(a->old_name, b->old_name);
}

static int same_inotify(const void *one, const void *other)
{
	const struct butter_inotify_event *a = one, *b = other;
	return a->wd == b->wd && a->mask == b->mask && a->cookie == b->cookie && a->name_len == b->name_len &&
	       !memcmp(a->name, b->name, (size_t)a->name_len + 1);
}

static int same_signalfd(const void *one, const void *other)
{
	return !memcmp(one, other, sizeof(struct butter_signalfd_event));
}

static const struct kind {
	struct butter_source *(*open)(int fd);
	ssize_t (*decode)(const void *buf, size_t len, void *ret);
	int (*same)(const void *one, const void *other);
	size_t read_size, event_size;
} kinds[] = {
	{open_inotify, decode_inotify, same_inotify, 64 << 10, sizeof(struct butter_inotify_event)},
	{open_signalfd, decode_signalfd, same_signalfd, 16 * 128, sizeof(struct butter_signalfd_event)},
	{open_eventfd, decode_eventfd, same_eventfd, 8, sizeof(struct butter_eventfd_event)},
	{open_fanotify, decode_fanotify, same_fanotify, 64 << 10, sizeof(struct butter_fanotify_event)},
};

/* An object and what it ought to hold: packets not read yet, and the rest of the last one read. */
struct model {
	const struct kind *kind;
	struct butter_source *source;
	int writer; /* -1: closed */
	struct {
		unsigned char *data;
		size_t len;
	} queue[QUEUE];
	size_t first, count;
	unsigned char *buf;
	size_t next, end;
};

/* A step's arguments and bytes. */
struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t take(struct input *in)
{
	if (in->size == 0)
		return 0;
	in->size--;
	return *in->data++;
}

static void send_packet(struct model *m, struct input *in, unsigned arg)
{
	size_t len = take(in) * 16u + arg;
	len = len > in->size ? in->size : len;
	if (m->writer < 0 || m->count == QUEUE || send(m->writer, in->data, len, MSG_NOSIGNAL) < 0)
		return;
	size_t kept = len > m->kind->read_size ? m->kind->read_size : len;
	size_t slot = (m->first + m->count++) % QUEUE;
	m->queue[slot].data = fuzz_copy(in->data, kept);
	m->queue[slot].len = kept;
	in->data += len;
	in->size -= len;
}

/* A process that looks into /proc/PID/fd just now would put close(2) off, which the other end then knows
 * late. */
static void close_writer(struct model *m)
{
	if (m->writer >= 0) {
		require(shutdown(m->writer, SHUT_WR) == 0);
		close(m->writer);
	}
	m->writer = -1;
}

/* What read(2) has to give next. */
static int refill(struct model *m, int *error)
{
	*error = m->count > 0 || m->writer < 0 ? ENODATA : FUZZ_ERRNO;
	if (m->count == 0)
		return m->writer < 0 ? -1 : 0;
	fuzz_free(m->buf);
	m->buf = m->queue[m->first].data;
	m->end = m->queue[m->first].len;
	m->next = 0;
	m->first = (m->first + 1) % QUEUE;
	m->count--;
	return m->end > 0 ? 1 : -1;
}

/* What read_events has to return, its events and errno. */
static ssize_t expect(struct model *m, unsigned char *want, size_t max, int *error)
{
	size_t count = 0;
	ssize_t n = 1;
	if (max == 0) {
		*error = EINVAL;
		return -1;
	}
	if (m->next == m->end && (n = refill(m, error)) <= 0)
		return n;
	while (count < max && m->next < m->end) {
		n = m->kind->decode(m->buf + m->next, m->end - m->next, want + count * m->kind->event_size);
		if (n <= 0)
			break;
		m->next += (size_t)n;
		count++;
	}
	*error = count ? FUZZ_ERRNO : EBADMSG;
	if (count == 0)
		m->next = m->end;
	return count ? (ssize_t)count : -1;
}

/* The records left; one that cannot be decoded has still to be told of, and is the last. */
static void check_pending(struct model *m)
{
	size_t count = 0, at = m->next;
	ssize_t n = 1;
	for (; at < m->end && n > 0; count++) {
		n = m->kind->decode(m->buf + at, m->end - at, NULL);
		at += n > 0 ? (size_t)n : 0;
	}
	errno = FUZZ_ERRNO;
	require(butter_source_pending(m->source) == count);
	require(errno == FUZZ_ERRNO);
}

/* One of the three reading verbs beside the model. */
static ssize_t check_read(struct model *m, enum step step, unsigned arg)
{
	_Alignas(16) static unsigned char got[(MAX_EVENTS + 1) * MAX_EVENT_SIZE], want[sizeof(got)];
	size_t max = step == READ_EVENTS ? arg : 1, size = m->kind->event_size, i;
	int error;
	ssize_t n, expected = expect(m, want, max, &error);
	memset(got, FUZZ_POISON, (max + 1) * size);
	errno = FUZZ_ERRNO;
	if (step == READ_EVENTS)
		n = butter_source_read_events(m->source, got, max);
	else if (step == READ_EVENT)
		n = butter_source_read_event(m->source, got);
	else
		n = butter_source_wait_event(m->source, got, arg & 1); /* nanoseconds */
	require(n == expected);
	require(errno == error);
	if (arg & 2)
		check_pending(m); /* which leaves the names be */
	for (i = 0; (ssize_t)i < n; i++)
		require(m->kind->same(want + i * size, got + i * size));
	require(fuzz_is_poison(got + i * size, (max + 1 - i) * size));
	return n;
}

static void run_step(struct model *m, struct input *in)
{
	unsigned byte = take(in), arg = byte >> 3;
	switch (byte & 7) {
	case SEND:
		send_packet(m, in, arg);
		break;
	case PENDING:
		check_pending(m);
		break;
	case CLOSE:
		close_writer(m);
		break;
	case WAIT_EVENT:
		check_read(m, WAIT_EVENT, arg);
		break;
	case READ_EVENT:
		check_read(m, READ_EVENT, arg);
		break;
	default:
		check_read(m, READ_EVENTS, arg);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fds[2], error = 0;
	struct input in = {data, size};
	struct model m = {.kind = &kinds[take(&in) % (sizeof(kinds) / sizeof(kinds[0]))]};
	require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	m.writer = fds[1];
	m.source = m.kind->open(fds[0]);
	require(m.source);
	for (int i = 0; i < MAX_STEPS && in.size > 0; i++)
		run_step(&m, &in);
	close_writer(&m);
	while (m.count > 0 || m.next < m.end)
		check_read(&m, READ_EVENTS, MAX_EVENTS);
	require(check_read(&m, READ_EVENT, 0) == -1 && refill(&m, &error) == -1 && error == ENODATA);
	fuzz_free(m.buf);
	butter_source_close(m.source);
	return 0;
}
