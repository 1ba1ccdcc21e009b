/* SPDX-License-Identifier: MIT */
/*
 * Sources on a GLib main context: see butter_glib_attach(3), butter_adapters(7). Compile and link
 * with pkg-config's glib-2.0. attach makes a GSource, which GLib allocates.
 */
#ifndef BUTTER_ADAPTERS_GLIB_H
#define BUTTER_ADAPTERS_GLIB_H

#include <glib.h>

#include <butter/adapters/common.h>

BUTTER_BEGIN_DECLS

/* The caller's memory; its contents are the functions' own but for adapter. */
struct butter_glib {
	struct butter_adapter adapter;
	GSource *source; /* for g_source_set_priority() after attach; NULL: detached */
	gpointer tag;    /* of the fd in source */
	int more;        /* there are events that the fd does not tell of */
};

/* Private: what GLib allocates. */
struct butter__glib_source {
	GSource source;
	struct butter_glib *a;
};

/* Detaches; nothing is told from now on, and the memory is the caller's again. */
static inline void butter_glib_detach(struct butter_glib *a)
{
	GSource *source = a->source;
	if (!source)
		return;
	a->source = NULL;
	butter__adapter_end(&a->adapter);
	g_source_destroy(source);
	g_source_unref(source);
}

/* Private. */
static inline void butter__glib_end(struct butter_adapter *a)
{
	butter_glib_detach((struct butter_glib *)a);
}

/* Private: with TRUE the context polls without waiting and serves all that is ready. */
static inline gboolean butter__glib_prepare(GSource *source, gint *timeout)
{
	*timeout = -1;
	return ((struct butter__glib_source *)source)->a->more;
}

/* Private. */
static inline gboolean butter__glib_check(GSource *source)
{
	struct butter_glib *a = ((struct butter__glib_source *)source)->a;
	return a->more || g_source_query_unix_fd(source, a->tag) != 0;
}

/* Private. */
static inline gboolean butter__glib_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
	struct butter_glib *a = ((struct butter__glib_source *)source)->a;
	int more = butter__adapter_turn(&a->adapter, 0);
	(void)callback, (void)data;
	if (more < 0)
		return FALSE; /* this GSource is destroyed; a may have another by now */
	a->more = more;
	return TRUE;
}

/*
 * Prepares an adapter, which is detached then. event: memory for one event of the source's kind,
 * event_size bytes; it and the source remain the caller's.
 */
static inline void butter_glib_init(struct butter_glib *a, struct butter_source *source, void *event,
				    size_t event_size, butter_adapter_cb *cb, void *data)
{
	butter__adapter_init(&a->adapter, source, event, event_size, cb, data);
	a->adapter.detach = butter__glib_end;
	a->source = NULL;
	a->tag = NULL;
	a->more = 0;
}

/* Private. */
static inline void butter__glib_begin(struct butter_glib *a, GMainContext *context)
{
	static GSourceFuncs funcs = {
		butter__glib_prepare, butter__glib_check, butter__glib_dispatch, NULL, NULL, NULL};
	a->source = g_source_new(&funcs, sizeof(struct butter__glib_source));
	((struct butter__glib_source *)a->source)->a = a;
	a->tag = g_source_add_unix_fd(a->source, butter_source_fd(a->adapter.source), G_IO_IN);
	a->more = 0;
	g_source_attach(a->source, context);
}

/*
 * From now on the context, NULL for the default one, tells the callback of the source's events.
 * Attached already, it looks for events that others left cached. Returns 0, or -1 and errno:
 * EBADF the source's fd was closed; EINVAL event_size is too small, something is missing, or edge
 * is asked for; EBUSY it is attached to another context.
 */
static inline int butter_glib_attach(struct butter_glib *a, GMainContext *context)
{
	if (butter__adapter_check(&a->adapter, 0) < 0)
		return -1;
	if (!context)
		context = g_main_context_default();
	if (a->source && g_source_get_context(a->source) != context)
		return butter__adapter_fails(EBUSY);
	if (!a->source)
		butter__glib_begin(a, context);
	if (butter__adapter_begins(&a->adapter))
		a->more = 1;
	return 0;
}

BUTTER_END_DECLS

#endif
