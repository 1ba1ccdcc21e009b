/* SPDX-License-Identifier: MIT */
/* A storm of one thread: its steps, and doing them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "storm.h"

enum { AUTHORS = 4, BURST = 30, INSIDE = 12, CHECK_EVERY = 300, FLOODS = 4 };

static struct step *add(struct step_list *l, enum step_kind kind, uint32_t n)
{
	if (l->count == l->size) {
		l->size = l->size ? l->size * 2 : 1024;
		l->items = realloc(l->items, l->size * sizeof(*l->items));
	}
	struct step *s = &l->items[l->count++];
	*s = (struct step){.kind = (uint8_t)kind, .n = n};
	return s;
}

static void write_some(struct step_list *l, struct dice *d, struct author *authors, unsigned inside)
{
	for (unsigned i = dice_below(d, inside ? INSIDE : BURST); i > 0; i--) {
		struct step *s = add(l, STEP_READ, 0);
		author_step(&authors[dice_below(d, AUTHORS)], s);
		s->inside = (uint8_t)(inside ? 1 + dice_below(d, dice_below(d, 2) ? 4 : 60) : 0);
	}
}

/* Once before the reader's turn, and once more while it makes up for that. */
static void flood(struct step_list *l, uint32_t n)
{
	add(l, STEP_FLOOD, n);
	add(l, STEP_SYNC, 0);
	add(l, STEP_FLOOD, n)->inside = 5;
}

struct step_list storm_script(uint64_t seed, size_t count, uint32_t n)
{
	struct author authors[AUTHORS];
	struct step_list l = {0};
	struct dice d;
	size_t checked = 0, flooded = 0;
	dice_init(&d, seed);
	for (unsigned i = 0; i < AUTHORS; i++)
		author_init(&authors[i], seed * AUTHORS + i + 1);
	if (dice_below(&d, 2))
		write_some(&l, &d, authors, 1);
	while (l.count < count) {
		write_some(&l, &d, authors, 0);
		unsigned turn = dice_below(&d, 20);
		if (turn == 0)
			add(&l, STEP_WAIT, dice_below(&d, 120));
		add(&l, turn == 1 ? STEP_SYNC : STEP_READ, turn < 6 ? 1 + dice_below(&d, 20) : 0);
		write_some(&l, &d, authors, 1);
		if (l.count - checked > CHECK_EVERY) {
			checked = l.count;
			add(&l, STEP_CHECK, 0);
		}
		if (n > 0 && l.count - flooded > count / FLOODS) {
			flooded = l.count;
			flood(&l, n);
		}
	}
	return l;
}

static int is_file(const struct storm *s, const char *path)
{
	struct stat st;
	return fstatat(s->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode);
}

/*
 * Alone, so that what is there now is what is renamed over. That two files have changed places looks in the
 * records as if each had been renamed over the other: DIRS, which do not know them, cannot tell.
 */
static void act(struct storm *s, const struct step *step)
{
	int over = is_file(s, step->b);
	if (step->kind == STEP_EXCHANGE && over && !s->known.entries && is_file(s, step->a))
		return;
	int done = step_do(s->fd, step);
	s->done += (uint64_t)done;
	s->over += (unsigned)(step->kind == STEP_RENAME && over && done);
}

/* Nothing but such a one may have been told to be created twice. */
static void check(struct storm *s)
{
	storm_check(s);
	if (!s->known.merged && s->known.again > s->over)
		naive_wrong(&s->known, "created twice", "a file");
}

struct turn {
	struct storm *storm;
	const struct step *at, *end;
	unsigned chances;
	uint64_t rescans; /* before it */
};

/* A flood waits for the listings of a rescan. */
static int is_chance(const struct turn *t, long number)
{
	return t->at->kind != STEP_FLOOD ||
	       (number == SYS_getdents64 && storm_rescans(t->storm) != t->rescans);
}

static void interrupt(void *data, long number)
{
	struct turn *t = data;
	while (t->at < t->end && is_chance(t, number) && ++t->chances >= t->at->inside) {
		t->chances = 0;
		act(t->storm, t->at++);
	}
}

static void take_turn(struct storm *s, const struct step *step, const struct step *end)
{
	struct turn turn = {.storm = s, .at = step + 1, .end = step + 1, .rescans = storm_rescans(s)};
	while (step->kind != STEP_CHECK && turn.end < end && turn.end->inside)
		turn.end++;
	if (turn.at < turn.end)
		meanwhile(interrupt, &turn);
	if (step->kind == STEP_READ)
		storm_read(s, step->n ? step->n : UINT32_MAX);
	else if (step->kind == STEP_SYNC)
		storm_sync(s);
	else if (step->kind == STEP_CHECK)
		check(s);
	else
		virtual_wait(step->n);
	meanwhile(NULL, NULL);
	while (turn.at < turn.end)
		act(s, turn.at++);
}

/* Within the first scan. What files there are then, and were, is not told in DIRS. */
static void begin_turn(struct storm *s, int begins)
{
	struct turn *turn = s->data;
	turn->storm = s;
	s->known.merged |= turn->at < turn->end && !s->known.entries;
	meanwhile(begins && turn->at < turn->end ? interrupt : NULL, turn);
	while (!begins && turn->at < turn->end)
		act(s, turn->at++);
}

static size_t replay(struct storm *s, const struct step_list *steps, size_t i)
{
	const struct step *end = steps->items + steps->count;
	while (i < steps->count && s->known.errors == 0) {
		const struct step *step = &steps->items[i++];
		if (s->log)
			step_print(s->log, step);
		if (!step_is_turn(step)) {
			act(s, step);
			continue;
		}
		take_turn(s, step, end);
		for (; step->kind != STEP_CHECK && i < steps->count && steps->items[i].inside; i++)
			if (s->log)
				step_print(s->log, &steps->items[i]);
	}
	if (s->known.errors == 0)
		check(s);
	return i;
}

size_t storm_replay(const struct storm_setting *setting, const struct step_list *steps, char ret_error[512])
{
	struct turn turn = {.at = steps->items, .end = steps->items};
	struct storm s = {.log = setting->log, .adding = begin_turn, .data = &turn};
	size_t i = 0;
	while (i < steps->count && steps->items[i].inside)
		i++;
	turn.end += i;
	virtual_time(1);
	ret_error[0] = '\0';
	if (storm_begin(&s, setting->dir, setting->backend, setting->flags) < 0) {
		snprintf(ret_error, 512, "cannot begin: %s", strerror(errno));
	} else {
		i = replay(&s, steps, i);
		memcpy(ret_error, s.known.first, 512);
		storm_end(&s);
	}
	virtual_time(0);
	return i;
}
