/* SPDX-License-Identifier: MIT */
/* The first scan from its beginning to what the walkers have left. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../event/object.h"
#include "first.h"
#include "verdict.h"

/* In the order in which they were found, as one thread knows it; then what is below them, and what could not
 * be listed. */
static void look_again(struct butter__walk *w)
{
	struct butter_tree *t = w->t;
	for (uint32_t i = 0; i < w->later.count; i++) {
		const struct butter__dir_name *name = &w->later.items[i];
		if (butter__tree_knows(t, name->dir))
			butter__reconcile(t, name->dir, name->text, name->len, BUTTER__LISTED);
	}
	for (uint32_t i = 0; i < w->failed.count; i++)
		if (butter__list_add(&t->scan, w->failed.items[i]) < 0)
			t->lost = 1;
	butter__scan(t);
	for (uint32_t i = 0; i < w->strays.count; i++)
		butter__drop_watch(t, w->channel, (int)w->strays.items[i]);
}

static void end_walk(struct butter__walk *w)
{
	if (w->top >= 0)
		butter__close(w->top);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	butter__names_clear(&w->later);
	butter__free(w->later.items);
	butter__free(w->strays.items);
	butter__free(w->failed.items);
	butter__free(w->nlink.skipped.items);
}

static void begin_walk(struct butter__walk *w, struct butter_tree *t, const struct butter__root *root)
{
	*w = (struct butter__walk){.t = t,
				   .channel = root->channel,
				   .top = open(root->path_len ? root->path : "/",
					       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK),
				   .top_path = root->path_len + 1,
				   .mask = butter__root_mask(t, root->node),
				   .has_rules = root->filter || root->ignore_file,
				   .has_lists = root->ignore_file != NULL,
				   .lists_all = butter__tree_has_entries(t) || root->ignore_file,
				   .stays_on_dev = (root->flags & BUTTER_TREE_ONE_FILESYSTEM) != 0};
	ssize_t n = readlink("/proc/self", w->self, sizeof(w->self) - 1);
	memcpy(w->self + (n > 0 ? n : 0), n > 0 ? "" : "self", n > 0 ? 1 : sizeof("self"));
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
}

/* What a caller's own rule is called in is the caller's thread. */
void butter__first_scan(struct butter_tree *t, uint32_t node)
{
	const struct butter__root *root = &t->roots[butter__model_root(&t->model, node)];
	unsigned workers = root->filter && butter__filter_calls(root->filter) ? 0 : t->scan_workers;
	if (root->channel->backend == &butter__inotify_backend) {
		struct butter__walk w;
		begin_walk(&w, t, root);
		if (w.top >= 0 && butter__walk_workers(&w, workers) == 0)
			butter__walk(&w, 0);
		look_again(&w);
		end_walk(&w);
	}
	butter__scan(t);
}
