/* SPDX-License-Identifier: MIT */
/* Storms of many threads, whose interleaving is the kernel's. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "storm.h"

enum { CHECKS = 10, WRITERS = 16, REFILL = 4, OWN = 8, LATER = 5 };

/* Where writers wait while the reader compares. */
struct gate {
	struct storm *storm;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int closed, stop;
	unsigned waiting, writers;
	unsigned done, most, renames;
	unsigned upto; /* done, until the next check */
	uint64_t useful;
};

struct writer {
	struct gate *gate;
	struct author author;
	pthread_t thread;
	unsigned upto; /* 0: until it is stopped */
};

static int is_shut(const struct gate *g)
{
	return __atomic_load_n(&g->closed, __ATOMIC_SEQ_CST) ||
	       (g->most > 0 &&
		__atomic_load_n(&g->done, __ATOMIC_SEQ_CST) >= __atomic_load_n(&g->upto, __ATOMIC_SEQ_CST) &&
		!__atomic_load_n(&g->stop, __ATOMIC_SEQ_CST));
}

static void wait_at(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->waiting++;
	pthread_cond_broadcast(&g->changed);
	while (is_shut(g))
		pthread_cond_wait(&g->changed, &g->lock);
	g->waiting--;
	pthread_mutex_unlock(&g->lock);
}

static void close_gate(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	__atomic_store_n(&g->closed, 1, __ATOMIC_SEQ_CST);
	while (g->waiting < g->writers)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void open_gate(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	__atomic_store_n(&g->closed, 0, __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

static void *write_all(void *arg)
{
	struct writer *w = arg;
	struct gate *g = w->gate;
	struct step step;
	uint64_t useful = 0;
	for (unsigned i = 0; (!w->upto || i < w->upto) && !__atomic_load_n(&g->stop, __ATOMIC_SEQ_CST);) {
		if (is_shut(g))
			wait_at(g);
		int rename = g->renames && dice_below(&w->author.dice, REFILL) > 0;
		if (rename)
			author_rename(&w->author, &step);
		else
			author_step(&w->author, &step);
		int done = step_do(g->storm->fd, &step);
		useful += (uint64_t)done;
		/* where renames are wanted, only those count that there were */
		if (g->renames && !(rename && done))
			continue;
		i++;
		__atomic_add_fetch(&g->done, 1, __ATOMIC_SEQ_CST);
	}
	pthread_mutex_lock(&g->lock);
	g->useful += useful;
	g->writers--;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

static void begin(struct gate *g, struct writer *writers, uint64_t seed)
{
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	unsigned count = g->writers;
	for (unsigned i = 0; i < count; i++) {
		writers[i].gate = g;
		writers[i].upto = g->most / count;
		author_init(&writers[i].author, seed * WRITERS + i);
		if (pthread_create(&writers[i].thread, NULL, write_all, &writers[i]) != 0)
			naive_wrong(&g->storm->known, "no", "thread");
	}
}

static void end(struct gate *g, struct writer *writers, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		pthread_join(writers[i].thread, NULL);
	g->storm->done += g->useful;
	pthread_mutex_destroy(&g->lock);
	pthread_cond_destroy(&g->changed);
}

struct rescan {
	struct storm *storm;
	uint64_t rescans;
	unsigned listings;
};

static void flood(struct storm *s)
{
	struct step step = {.kind = STEP_FLOOD, .n = storm_flood(s->backend)};
	step_do(s->fd, &step);
}

/* In the middle of a rescan, by the reader's own thread: what it looks at goes on changing, unseen. */
static void flood_rescan(void *data, long number)
{
	struct rescan *r = data;
	if (number != SYS_getdents64 || storm_rescans(r->storm) == r->rescans || ++r->listings != LATER)
		return;
	flood(r->storm);
	meanwhile(NULL, NULL);
}

static void overflow(struct gate *g)
{
	struct storm *s = g->storm;
	struct rescan rescan = {.storm = s, .rescans = storm_rescans(s)};
	open_gate(g);
	flood(s);
	meanwhile(flood_rescan, &rescan);
	while (storm_rescans(s) == rescan.rescans && storm_read(s, 10000) >= 0)
		continue;
	storm_read(s, 10000);
	meanwhile(NULL, NULL);
}

static int has_ended(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	int ended = g->writers == 0;
	pthread_mutex_unlock(&g->lock);
	return ended;
}

/* Everybody waits until all is compared. */
static void check(struct gate *g, unsigned checks)
{
	struct storm *s = g->storm;
	close_gate(g);
	storm_check(s);
	__atomic_store_n(&g->upto, (checks + 1) * (g->most / CHECKS + 1), __ATOMIC_SEQ_CST);
	if (s->backend != BUTTER_TREE_POLL && checks % 3 == 1)
		overflow(g);
	open_gate(g);
}

static void stop(struct gate *g, struct writer *writers, unsigned count)
{
	__atomic_store_n(&g->stop, 1, __ATOMIC_SEQ_CST);
	open_gate(g);
	end(g, writers, count);
	if (g->storm->known.errors == 0)
		storm_check(g->storm);
}

void storm_threads(struct storm *s, uint64_t seed, unsigned count, unsigned steps, int renames)
{
	struct writer writers[WRITERS];
	struct gate g = {.storm = s, .writers = count, .most = steps, .renames = (unsigned)renames};
	unsigned checks = 0;
	g.upto = steps / CHECKS + 1;
	s->known.merged = !s->known.entries;
	begin(&g, writers, seed);
	while (!has_ended(&g) && s->known.errors == 0) {
		storm_read(s, 1000);
		if (__atomic_load_n(&g.done, __ATOMIC_SEQ_CST) >= g.upto)
			check(&g, ++checks);
	}
	stop(&g, writers, count);
}

/* Somebody who writes while the first scan is done, in a tree that he has made large enough for that. */
struct early {
	struct storm *storm;
	struct author author;
	pthread_t thread;
	int stop;
};

static void write_early(struct early *e)
{
	struct step step;
	author_step(&e->author, &step);
	step_do(e->storm->fd, &step);
}

static void *write_until_stopped(void *arg)
{
	struct early *e = arg;
	while (!__atomic_load_n(&e->stop, __ATOMIC_SEQ_CST))
		write_early(e);
	return NULL;
}

void storm_adding(struct storm *s, int begins)
{
	enum { EARLY = 20000 };
	static struct early e;
	if (!begins) {
		__atomic_store_n(&e.stop, 1, __ATOMIC_SEQ_CST);
		pthread_join(e.thread, NULL);
		return;
	}
	e = (struct early){.storm = s};
	author_init(&e.author, *(const uint64_t *)s->data);
	for (unsigned i = 0; i < EARLY; i++)
		write_early(&e);
	s->known.merged |= !s->known.entries;
	if (pthread_create(&e.thread, NULL, write_until_stopped, &e) != 0)
		abort();
}

/* What the caller of butter_tree_sync() does itself, in a place of its own. */
static void do_own(struct storm *s, struct dice *d)
{
	static const uint8_t kinds[] = {STEP_MKDIR, STEP_MKDIR,  STEP_CREATE,   STEP_UNLINK,
					STEP_RMDIR, STEP_RENAME, STEP_EXCHANGE, STEP_MKDIR};
	struct step step = {.kind = kinds[dice_below(d, sizeof(kinds))]};
	snprintf(step.a, sizeof(step.a), "a/own/%u", dice_below(d, OWN));
	snprintf(step.b, sizeof(step.b), "a/own/%u", dice_below(d, OWN));
	s->done += (uint64_t)step_do(s->fd, &step);
}

static void compare_own(struct storm *s)
{
	char path[STEP_PATH], whole[600];
	struct stat st;
	for (unsigned i = 0; i < OWN; i++) {
		snprintf(path, sizeof(path), "a/own/%u", i);
		snprintf(whole, sizeof(whole), "%s/%s", s->base, path);
		int is_there = lstat(whole, &st) == 0, is_dir = is_there && S_ISDIR(st.st_mode);
		const struct place *p = naive_find(&s->known, path, is_dir || !s->known.entries);
		if (s->known.entries ? !p != !is_there || (p && p->is_dir != is_dir) : (p != NULL) != is_dir)
			naive_wrong(&s->known, "not told by sync", path);
	}
}

/* Early would be: it returns, and what was done before is not told. */
void storm_syncs(struct storm *s, uint64_t seed, unsigned times)
{
	enum { LOAD = 2 };
	struct writer writers[LOAD];
	struct gate g = {.storm = s, .writers = LOAD};
	struct step own = {.kind = STEP_MKDIR, .a = "a/own"};
	struct dice d;
	dice_init(&d, seed);
	s->known.merged = !s->known.entries;
	step_do(s->fd, &own);
	begin(&g, writers, seed);
	for (unsigned i = 0; i < times && s->known.errors == 0; i++) {
		do_own(s, &d);
		storm_sync(s);
		compare_own(s);
		if (i % (times / CHECKS + 1) == 0) {
			close_gate(&g);
			storm_check(s);
			open_gate(&g);
		}
	}
	stop(&g, writers, LOAD);
}
