/* SPDX-License-Identifier: MIT */
/*
 * Sources on a libuv loop: see butter_libuv_attach(3), butter_adapters(7). Compile and link with
 * pkg-config's libuv. libuv gives handles back only later: until closed is called, or the loop has
 * run once more, the adapter's memory stays in use.
 */
#ifndef BUTTER_ADAPTERS_LIBUV_H
#define BUTTER_ADAPTERS_LIBUV_H

#include <uv.h>

#include <butter/adapters/common.h>

BUTTER_BEGIN_DECLS

/* The caller's memory; its contents are the functions' own but for adapter and closed. */
struct butter_libuv {
	struct butter_adapter adapter;
	void (*closed)(struct butter_libuv *a); /* may be set: called when detach has come to its end */
	uv_loop_t *loop;                        /* NULL: detached */
	int closing;                            /* handles that libuv has not given back */
	uv_poll_t poll;
	uv_idle_t idle; /* while there are events that the fd does not tell of */
};

static inline void butter__libuv_on_closed(uv_handle_t *handle);

/* Detaches; nothing is told from now on. The memory is the caller's again when closed is called. */
static inline void butter_libuv_detach(struct butter_libuv *a)
{
	if (!a->loop)
		return;
	a->loop = NULL;
	butter__adapter_end(&a->adapter);
	if (a->closing)
		return;
	a->closing = 2;
	uv_poll_stop(&a->poll);
	uv_close((uv_handle_t *)&a->poll, butter__libuv_on_closed);
	uv_close((uv_handle_t *)&a->idle, butter__libuv_on_closed);
}

/* Private. */
static inline void butter__libuv_end(struct butter_adapter *a)
{
	butter_libuv_detach((struct butter_libuv *)a);
}

/* Private: called before each poll, which does not wait while this is so. */
static inline void butter__libuv_on_idle(uv_idle_t *idle)
{
	struct butter_libuv *a = (struct butter_libuv *)idle->data;
	if (butter__adapter_turn(&a->adapter, 0) == 0)
		uv_idle_stop(idle);
}

/* Private. libuv stops a handle whose fd it finds in error. */
static inline void butter__libuv_on_poll(uv_poll_t *poll, int status, int events)
{
	struct butter_libuv *a = (struct butter_libuv *)poll->data;
	int more;
	(void)events;
	if (status >= 0 && uv_is_active((uv_handle_t *)&a->idle))
		return;
	more = butter__adapter_turn(&a->adapter, status < 0 ? EIO : 0);
	if (more > 0)
		uv_idle_start(&a->idle, butter__libuv_on_idle);
	if (more >= 0 && status < 0)
		uv_poll_start(poll, UV_READABLE, butter__libuv_on_poll);
}

/* Private: a->loop is the loop. When it fails, a is detached. */
static inline int butter__libuv_begin(struct butter_libuv *a)
{
	int error = uv_poll_init(a->loop, &a->poll, butter_source_fd(a->adapter.source));
	if (error < 0) {
		a->loop = NULL;
		return butter__adapter_fails(-error);
	}
	uv_idle_init(a->loop, &a->idle);
	a->poll.data = a->idle.data = a;
	error = uv_poll_start(&a->poll, UV_READABLE, butter__libuv_on_poll);
	if (error < 0) {
		butter_libuv_detach(a);
		return butter__adapter_fails(-error);
	}
	if (butter__adapter_begins(&a->adapter))
		uv_idle_start(&a->idle, butter__libuv_on_idle);
	return 0;
}

/* Private. Attached again meanwhile, it begins only now. */
static inline void butter__libuv_on_closed(uv_handle_t *handle)
{
	struct butter_libuv *a = (struct butter_libuv *)handle->data;
	if (--a->closing > 0)
		return;
	if (a->loop && butter__libuv_begin(a) < 0)
		a->adapter.cb(a->adapter.source, NULL, a->adapter.data);
	if (!a->loop && !a->closing && a->closed)
		a->closed(a);
}

/*
 * Prepares an adapter, which is detached then. event: memory for one event of the source's kind,
 * event_size bytes; it and the source remain the caller's.
 */
static inline void butter_libuv_init(struct butter_libuv *a, struct butter_source *source, void *event,
				     size_t event_size, butter_adapter_cb *cb, void *data)
{
	butter__adapter_init(&a->adapter, source, event, event_size, cb, data);
	a->adapter.detach = butter__libuv_end;
	a->closed = NULL;
	a->loop = NULL;
	a->closing = 0;
}

/*
 * From now on the loop tells the callback of the source's events. Attached already, it looks for
 * events that others left cached. Returns 0, or -1 and errno: EBADF the source's fd was closed;
 * EINVAL event_size is too small, something is missing, or edge is asked for; EBUSY it is
 * attached to another loop, or not quite detached from one; those of uv_poll_init(), EEXIST that
 * the loop watches the fd already.
 */
static inline int butter_libuv_attach(struct butter_libuv *a, uv_loop_t *loop)
{
	if (butter__adapter_check(&a->adapter, 0) < 0)
		return -1;
	if ((a->loop && a->loop != loop) || (a->closing && a->poll.loop != loop))
		return butter__adapter_fails(EBUSY);
	if (!a->loop) {
		a->loop = loop;
		return a->closing ? 0 : butter__libuv_begin(a);
	}
	if (!a->closing && butter__adapter_begins(&a->adapter))
		uv_idle_start(&a->idle, butter__libuv_on_idle);
	return 0;
}

BUTTER_END_DECLS

#endif
