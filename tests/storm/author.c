/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "step.h"

/* The names of the first level, and of those below: 5 * (1 + 4 + 16 + 64 + 256) paths in each of three
 * places. */
enum { FIRST_NAMES = 5, NAMES = 4, LEVELS = 5 };

void dice_init(struct dice *d, uint64_t seed)
{
	d->state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

unsigned dice_below(struct dice *d, unsigned n)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)((z ^ z >> 31) >> 32) % n;
}

static void some_path(struct dice *d, char *path, unsigned levels)
{
	unsigned top = dice_below(d, 20), depth = 1 + dice_below(d, 1 + dice_below(d, levels));
	path += sprintf(path, "%s", top < 9 ? "a" : top < 18 ? "b" : "o");
	for (unsigned i = 0; i < depth; i++)
		path += sprintf(path, "/%u", dice_below(d, i == 0 ? FIRST_NAMES : NAMES));
}

/* One of those that were made last: most others are not there. */
static void old_path(struct author *a, char *path, unsigned levels)
{
	const char *known = a->recent[dice_below(&a->dice, AUTHOR_RECENT)];
	if (*known && dice_below(&a->dice, 3) > 0)
		strcpy(path, known);
	else
		some_path(&a->dice, path, levels);
}

/* One in such a directory. */
static void new_path(struct author *a, char *path, unsigned levels)
{
	unsigned depth = 0;
	old_path(a, path, levels);
	for (const char *at = path; *at; at++)
		depth += *at == '/';
	if (depth < levels && dice_below(&a->dice, 3) > 0)
		sprintf(path + strlen(path), "/%u", dice_below(&a->dice, NAMES));
}

static void remember(struct author *a, const char *path)
{
	strcpy(a->recent[a->made++ % AUTHOR_RECENT], path);
}

static void outside(struct dice *d, char *path)
{
	sprintf(path, "o/%u", dice_below(d, FIRST_NAMES));
}

static struct step *add(struct author *a, enum step_kind kind, const char *from, const char *to)
{
	struct step *s = &a->next[a->count++];
	*s = (struct step){.kind = (uint8_t)kind};
	snprintf(s->a, sizeof(s->a), "%s", from);
	snprintf(s->b, sizeof(s->b), "%s", to);
	return s;
}

/* A tree is built where nobody looks, and moved in. */
static void graft(struct author *a, const char *to)
{
	char top[STEP_PATH / 2], path[STEP_PATH];
	outside(&a->dice, top);
	add(a, STEP_MKDIR, top, "");
	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%u%s", top, i / 2, i & 1 ? "/1" : "");
		add(a, i == 0 || i == 2 || dice_below(&a->dice, 2) ? STEP_MKDIR : STEP_CREATE, path, "");
	}
	add(a, STEP_RENAME, top, to);
}

static void out_and_in(struct author *a, const char *from, const char *to)
{
	char top[STEP_PATH];
	outside(&a->dice, top);
	add(a, STEP_RENAME, from, top);
	add(a, STEP_RENAME, top, dice_below(&a->dice, 2) ? from : to);
}

/* Something else in the place of what was there. */
static void replace(struct author *a, const char *from, const char *to)
{
	unsigned how = dice_below(&a->dice, 3);
	add(a, dice_below(&a->dice, 8) ? STEP_RENAME : STEP_RMTREE, from, to);
	if (how == 0)
		add(a, STEP_SYMLINK, from, to);
	else
		add(a, how == 1 ? STEP_CREATE : STEP_MKDIR, from, "");
}

/* Of a hundred; what is left are the three above. */
static const struct {
	uint8_t upto, kind;
} shares[] = {
	{34, STEP_MKDIR},   {52, STEP_CREATE}, {54, STEP_APPEND},    {56, STEP_TRUNCATE}, {60, STEP_UNLINK},
	{63, STEP_RMDIR},   {73, STEP_RENAME}, {77, STEP_NOREPLACE}, {83, STEP_EXCHANGE}, {86, STEP_LINK},
	{89, STEP_SYMLINK}, {92, STEP_CHMOD},  {93, STEP_RMTREE},
};

static int makes(unsigned kind)
{
	return kind == STEP_MKDIR || kind == STEP_CREATE || kind == STEP_SYMLINK;
}

static void compose(struct author *a)
{
	char from[STEP_PATH], to[STEP_PATH];
	unsigned share = dice_below(&a->dice, 100), i = 0;
	a->at = a->count = 0;
	while (i < sizeof(shares) / sizeof(shares[0]) && share >= shares[i].upto)
		i++;
	unsigned kind = i < sizeof(shares) / sizeof(shares[0]) ? shares[i].kind : STEP_KINDS;
	new_path(a, to, LEVELS);
	if (makes(kind))
		new_path(a, from, LEVELS);
	else
		old_path(a, from, LEVELS);
	if (kind == STEP_EXCHANGE)
		old_path(a, to, LEVELS);
	if (kind == STEP_RMTREE && dice_below(&a->dice, 8) > 0)
		kind = STEP_APPEND;
	if (kind < STEP_KINDS)
		add(a, kind, from, to)->n = dice_below(&a->dice, 256);
	else if (share < 96)
		graft(a, to);
	else if (share < 98)
		out_and_in(a, from, to);
	else
		replace(a, from, to);
	remember(a, makes(kind) ? from : to);
}

void author_init(struct author *a, uint64_t seed)
{
	*a = (struct author){0};
	dice_init(&a->dice, seed);
}

void author_step(struct author *a, struct step *ret)
{
	if (a->at == a->count)
		compose(a);
	*ret = a->next[a->at++];
}

void author_rename(struct author *a, struct step *ret)
{
	static const uint8_t kinds[] = {STEP_RENAME, STEP_RENAME, STEP_RENAME, STEP_EXCHANGE, STEP_NOREPLACE};
	char from[STEP_PATH], to[STEP_PATH];
	unsigned kind = kinds[dice_below(&a->dice, sizeof(kinds))];
	old_path(a, from, LEVELS);
	if (kind == STEP_EXCHANGE)
		old_path(a, to, LEVELS);
	else
		new_path(a, to, LEVELS);
	a->at = a->count = 0;
	*ret = *add(a, kind, from, to);
	a->count = 0;
	remember(a, to);
}
