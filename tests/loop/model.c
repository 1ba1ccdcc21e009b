/* SPDX-License-Identifier: MIT */
/*
 * Random operations to a loop and to a model of it, in callbacks as well, which say after each what
 * is active and pending, and at each callback whether it may come now. BUTTER_MODEL_SEED is the first
 * seed, BUTTER_MODEL_SEEDS how many, each in a test of its own, BUTTER_MODEL_STEPS how many operations of
 * each; with BUTTER_TEST_FULL=1 they are 16 and 6,250. The operations are a function of the seed and of which
 * timers were due.
 */
#include <stdarg.h>
#include <stdio.h>

#include "model.h"

/* All of them are 100,000 operations, in as many tests as their limit of time demands. */
enum { LIFE = 1500, DEEPEST = 3, STEPS = 6250, ALL = 100000 };

struct model m;

/* Who is pending, of either, or active for one alone. */
static void dump(void)
{
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		if (w->is_pending || butter_ev_is_pending(w->real) ||
		    w->active != butter_ev_is_active(w->real))
			printf("%zd: %x of %d: model %d, loop %d, active %d, told %x, priority %d, rank "
			       "%llu\n",
			       w - m.watchers, model_told[w->kind], w->of, w->is_pending,
			       butter_ev_is_pending(w->real), w->active, w->revents, w->priority,
			       (unsigned long long)w->place.rank);
	for (struct file *f = m.files; f < m.files + FILES; f++)
		printf("fd %d: content %d, the %u. file, ready %d, registered %u, known %x, always %d\n",
		       f->fd, f->content, f->opened, f->ready, f->registered, f->known, f->always);
	fflush(stdout);
}

void model_fail(int line, const char *format, ...)
{
	char text[256];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	dump();
	ck_abort_msg("BUTTER_MODEL_SEED=%u, operation %u, stage %d, line %d: %s", m.seed, m.step, m.now.stage,
		     line, text);
}

/* xorshift64* */
unsigned model_random(unsigned below)
{
	m.state ^= m.state >> 12;
	m.state ^= m.state << 25;
	m.state ^= m.state >> 27;
	return (unsigned)((m.state * UINT64_C(2685821657736338717)) >> 33) % below;
}

static void feed(struct watcher *w)
{
	uint32_t revents = model_random(2) ? model_told[w->kind] : BUTTER_EV_CUSTOM;
	m.rank++;
	require(butter_ev_feed(m.loop, w->real, revents) == 0, "feed of %x", model_told[w->kind]);
	model_feed(w, revents, 0, 0);
}

static void clear_pending(struct watcher *w)
{
	uint32_t revents = butter_ev_clear_pending(m.loop, w->real);
	require(model_is_due(w, revents), "%x had %x pending and not %x", model_told[w->kind], revents,
		w->revents);
	model_clear(w);
}

static void set_priority(struct watcher *w)
{
	int priority = (int)model_random(5) - 2, is_busy = w->active || w->is_pending;
	require(butter_ev_set_priority(w->real, priority) == (is_busy ? -1 : 0), "set_priority");
	if (!is_busy)
		w->priority = priority;
}

void model_operate(void)
{
	struct watcher *w = &m.watchers[model_random(WATCHERS)];
	unsigned op = model_random(100);
	m.step++;
	if (op < 26)
		model_start(w);
	else if (op < 38)
		model_stop(w);
	else if (op < 46)
		model_new(w, (enum kind)(model_random(KINDS + 3) % KINDS)); /* the first ones are more */
	else if (op < 51)
		feed(w);
	else if (op < 55)
		clear_pending(w);
	else if (op < 58)
		set_priority(w);
	else if (op < 62)
		model_again(w);
	else if (op < 66)
		model_modify(w);
	else if (op < 68 && m.depth < DEEPEST)
		model_invoke(w);
	else
		model_other_op(model_random(OTHER_OPS));
	model_compare();
}

static void operate_in_callback(void)
{
	if (m.depth >= DEEPEST)
		return;
	m.depth++;
	for (unsigned i = model_random(3); i > 0; i--)
		model_operate();
	m.depth--;
}

/* The loop ends: the first of those that are left. */
static void cleaned(struct watcher *w, uint32_t revents)
{
	require(w->kind == CLEANUP && w->active && revents == BUTTER_EV_CLEANUP, "%x at the end",
		model_told[w->kind]);
	for (struct watcher *o = m.watchers; o < MODEL_END; o++)
		require(o->kind != CLEANUP || !o->active || o->priority < w->priority ||
				(o->priority == w->priority && o->started >= w->started),
			"cleanup out of turn");
	m.calls[CLEANUP]++;
	model_stopped(w);
	model_clear(w);
	model_stop(&m.watchers[model_random(WATCHERS)]);
	model_compare();
}

void model_callback(struct watcher *w, uint32_t revents)
{
	struct butter_ev_embed *embed = &w->real->embed;
	int of = w->of, is_embed = w->kind == EMBED && embed->cb;
	if (m.now.stage == ENDING) {
		cleaned(w, revents);
		return;
	}
	model_called(w, revents);
	if (is_embed && model_random(2)) {
		int is_ready = m.inner_ready[of];
		m.direct = is_ready ? w : NULL;
		require(butter_ev_embed_sweep(m.loop, embed) == 1 && !m.direct,
			"the loop inside is not swept");
	}
	operate_in_callback();
}

static void new_loop(void)
{
	struct butter_loop_options options = {.size = sizeof(options), .event_budget = BUDGET};
	m.loop = butter_loop_new(&options);
	ck_assert_ptr_nonnull(m.loop);
	m.now.stage = OUTSIDE;
	m.fork_due = 0;
	m.iterations = 0;
	model_set_hooks();
	for (int i = 0; i < FILES; i++)
		m.files[i].registered = m.files[i].known =
			(uint32_t)(m.files[i].changed = m.files[i].renewed = 0);
	for (int i = 0; i < FILES; i++)
		m.files[i].always = 0;
}

static void free_loop(void)
{
	m.now.stage = ENDING;
	model_sweep();
	butter_loop_free(m.loop);
	for (struct watcher *w = m.watchers; w < MODEL_END; w++) {
		require(!butter_ev_is_active(w->real) && !butter_ev_is_pending(w->real),
			"%x outlives the loop", model_told[w->kind]);
		require(w->kind != CLEANUP || !w->active, "a cleanup watcher is not called");
		w->active = 0;
		model_clear(w);
	}
	memset(m.sent, 0, sizeof(m.sent));
	m.sigchld = (int)(m.end_count = 0);
}

static void live(unsigned until)
{
	new_loop();
	while (m.step < until) {
		for (unsigned i = 1 + model_random(4); i > 0; i--)
			model_operate();
		model_run();
	}
	free_loop();
}

static void model(unsigned seed, unsigned steps)
{
	m = (struct model){.seed = seed, .state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
	model_open_all();
	for (struct watcher *w = m.watchers; w < MODEL_END; w++)
		model_new(w, (enum kind)((w - m.watchers) % KINDS));
	while (m.step < steps)
		live(m.step + LIFE < steps ? m.step + LIFE : steps);
	model_close_all();
}

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *value = getenv(name);
	return value ? (unsigned)strtoul(value, NULL, 10) : otherwise;
}

/* Once through all, so that no kind is left out; a stall of tasks is nothing to be had at will. */
static void tell(void)
{
	if (getenv("BUTTER_MODEL_SEED")) {
		printf("model: seed %u, %u operations, calls:", m.seed, m.step);
		for (int i = 0; i < KINDS; i++)
			printf(" %x %u", model_told[i], m.calls[i]);
		for (int i = 0; i < FEATS; i++)
			printf("%s%u", i ? " " : ", feats: ", m.feats[i]);
		printf("\n");
		fflush(stdout);
	}
	if (m.step < STEPS)
		return;
	for (int i = 0; i < KINDS; i++)
		require(m.calls[i] > 0 || i == PRESSURE, "%x was never called", model_told[i]);
	for (int i = 0; i < CERTAIN; i++)
		require(m.feats[i] > 0, "feat %d never came about", i);
}

START_TEST(the_loop_does_what_the_model_says)
{
	model(setting("BUTTER_MODEL_SEED", 1) + (unsigned)_i, setting("BUTTER_MODEL_STEPS", STEPS));
	tell();
}
END_TEST

SUITE(loop_model)
{
	tcase_add_loop_test(raw, the_loop_does_what_the_model_says, 0,
			    (int)setting("BUTTER_MODEL_SEEDS", amount(1, ALL / STEPS)));
}
